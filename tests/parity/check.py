#!/usr/bin/env python3
"""Computes every signature in presets/*.vectors.toml once more, without any of this project's code.

It knows each provider's scheme in Python and nothing of the presets, so a preset and its vectors cannot be wrong together.
A case that is `ok`, or that is refused only for its time, its key's window or a claim, must carry a signature that matches;
one that is a `bad_signature` must not. What else is refused is not looked at: judging that is the engine's work.

    python3 tests/parity/check.py [-v]

Python 3.11 or later, standard library only.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import sys
import tomllib
from urllib.parse import parse_qsl, quote, urlsplit

PRESETS = pathlib.Path(__file__).resolve().parents[2] / "presets"
AUTHENTIC = {"ok", "stale_timestamp", "future_timestamp", "expired_secret", "claim_mismatch"}


class Request:
    """One case's request, as a server would see it."""

    def __init__(self, case):
        self.method = case.get("method", "POST")
        self.url = case.get("url", "https://example.com/webhook")
        self.headers = {}
        for name, value in case.get("headers", []):
            self.headers.setdefault(name.lower(), value.strip())
        self.body = base64.b64decode(case["body_base64"]) if "body_base64" in case else case.get("body", "").encode()
        self.changes = case.get("overrides", {}).get("hmac", {})

    def header(self, name):
        return self.headers.get(name.lower(), "")

    def form(self):
        return parse_qsl(self.body.decode(), keep_blank_values=True) if "urlencoded" in self.header("content-type") else []


# ───────────── schemes: a request in; groups of (contents, signatures, role, hash) out; every group must match ─────────────


def text(secret):
    return secret.encode()


def whsec(secret):
    bare = secret.removeprefix("whsec_").rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def unhex(value):
    return bytes.fromhex(value)


def unbase64(value):
    return base64.b64decode(value, validate=True)


def github(r):
    algorithm = r.changes.get("algorithm", "sha256")
    name = r.changes.get("signature_source", {}).get("header", "X-Hub-Signature-256")
    prefix = r.changes.get("signature_source", {}).get("prefix", "sha256=")
    return [([r.body], [unhex(r.header(name).removeprefix(prefix))], None, algorithm)]


def shopify(r):
    return [([r.body], [unbase64(r.header("x-shopify-hmac-sha256"))], None, "sha256")]


def linear(r):
    return [([r.body], [unhex(r.header("linear-signature"))], None, "sha256")]


def stripe(r):
    pairs = [entry.partition("=")[::2] for entry in r.header("stripe-signature").split(",")]
    return [([dict(pairs)["t"].encode() + b"." + r.body], [unhex(v) for k, v in pairs if k == "v1"], None, "sha256")]


def slack(r):
    content = f"v0:{r.header('x-slack-request-timestamp')}:".encode() + r.body
    return [([content], [unhex(r.header("x-slack-signature").removeprefix("v0="))], None, "sha256")]


def standard(r):
    brand = "svix" if r.header("svix-signature") else "webhook"
    content = f"{r.header(brand + '-id')}.{r.header(brand + '-timestamp')}.".encode() + r.body
    entries = r.header(brand + "-signature").split()
    return [([content], [unbase64(e[3:]) for e in entries if e.startswith("v1,")], None, "sha256")]


def mailgun(r):
    three = dict(r.form()) or json.loads(r.body)["signature"]
    content = f"{three['timestamp']}{three['token']}".encode()
    return [([content], [unhex(three["signature"])], None, "sha256")]


def twilio(r):
    split = urlsplit(r.url)
    user, at, host = split.netloc.rpartition("@")
    name, _, port = host.partition(":")
    port = port or {"http": "80", "https": "443"}[split.scheme]
    fields = "".join(key + value for key, value in sorted(set(r.form())))
    rest = r.url.removeprefix(f"{split.scheme}://{split.netloc}") + fields
    contents = [f"{split.scheme}://{user}{at}{place}{rest}".encode() for place in (name, f"{name}:{port}")]
    return [(contents, [unbase64(r.header("x-twilio-signature"))], None, "sha1")]


def adyen(r):
    groups = []
    for held in json.loads(r.body, parse_int=str, parse_float=str)["notificationItems"]:
        item = held["NotificationRequestItem"]
        amount = item["amount"]
        fields = [item["pspReference"], item.get("originalReference") or "", item["merchantAccountCode"], item["merchantReference"]]
        fields += [amount["value"], amount["currency"], item["eventCode"], item["success"]]
        groups.append(([":".join(fields).encode()], [unbase64(item["additionalData"]["hmacSignature"])], None, "sha256"))
    return groups


def hubspot(r):
    decoded = re.sub(r"%(3a|2f|3f|40|21|24|27|28|29|2a|2c|3b)", lambda m: chr(int(m[1], 16)), r.url, flags=re.I)
    time = r.header("x-hubspot-request-timestamp").encode()
    contents = [(r.method + url).encode() + r.body + time for url in (decoded, r.url)]
    return [(contents, [unbase64(r.header("x-hubspot-signature-v3"))], None, "sha256")]


def box(r):
    """Either role's signature will do, so both stand in one group, each with its role."""
    content = r.body + r.header("box-delivery-timestamp").encode()
    roles = [role for role in ("primary", "secondary") if r.header(f"box-signature-{role}")]
    return [([content], [unbase64(r.header(f"box-signature-{role}")) for role in roles], roles, "sha256")]


def contentful(r):
    split = urlsplit(r.url)
    uri = ";,/?:@&=+$-_.!~*'()#"
    target = quote(split.path, safe=uri)
    if split.query:
        target += "?" + quote(quote(split.query, safe="!'()*-._~"), safe=uri)
    named = ";".join(f"{name}:{r.header(name)}" for name in r.header("x-contentful-signed-headers").split(","))
    content = f"{r.method}\n{target}\n{named}\n".encode() + r.body
    return [([content], [unhex(r.header("x-contentful-signature"))], None, "sha256")]


SCHEMES = {
    "github": (github, text),
    "shopify": (shopify, text),
    "linear": (linear, text),
    "stripe": (stripe, text),
    "slack": (slack, text),
    "standard-webhooks": (standard, whsec),
    "svix": (standard, whsec),
    "clerk": (standard, whsec),
    "mailgun": (mailgun, text),
    "twilio": (twilio, text),
    "adyen-standard": (adyen, unhex),
    "hubspot-v3": (hubspot, text),
    "box": (box, text),
    "contentful": (contentful, text),
}

# ───────────── judging ─────────────


def resolved(case, cases):
    """The case with what it is `like` written out."""
    if "like" not in case:
        return case
    base = resolved(cases[case["like"]], cases)
    whole = {k: v for k, v in {**base, **case}.items() if k not in ("like", "set_headers", "add_headers", "remove_headers")}
    for body, other in (("body", "body_base64"), ("body_base64", "body")):
        if body in case:
            whole.pop(other, None)
    replaced = {name.lower() for name, _ in case.get("set_headers", [])} | {n.lower() for n in case.get("remove_headers", [])}
    kept = [pair for pair in whole.get("headers", []) if pair[0].lower() not in replaced]
    whole["headers"] = kept + case.get("set_headers", []) + case.get("add_headers", [])
    return whole


def matching(case, scheme, decode):
    """The ids of the secrets that made a signature of the case; None if some group has none."""
    found = set()
    for contents, signatures, roles, algorithm in scheme(Request(case)):
        made = {
            secret["id"]
            for secret in case["secrets"]
            for content in contents
            for place, signature in enumerate(signatures)
            if (not roles or roles[place] == secret["role"])
            and hmac.compare_digest(hmac.new(decode(secret["value"]), content, getattr(hashlib, algorithm)).digest(), signature)
        }
        if not made:
            return None
        found |= made
    return found


def unsigned(case, made):
    """What is wrong with a case that these keys signed, or None."""
    if case["expect"] == "bad_signature":
        return f"expects bad_signature, but {made} signed it" if made else None
    if not made:
        return f"expects {case['expect']}, but no signature matches"
    if "key_id" in case and case["key_id"] not in made:
        return f"expects key {case['key_id']}, but {made} signed it"
    return None


def complaint(case, scheme, decode):
    """What is wrong with the case, or None."""
    return unsigned(case, matching(case, scheme, decode))


def sweep(schemes, complaint):
    """Judge every case of the presets that have a scheme, say what is wrong, and give the exit code."""
    wrong = checked = seen = 0
    idle = set(schemes)
    for path in sorted(PRESETS.glob("*.vectors.toml")):
        file = tomllib.loads(path.read_text(encoding="utf-8"))
        cases = {case["name"]: case for case in file["case"]}
        if len(cases) != len(file["case"]):
            print(f"{path.name}: two cases of one name")
            wrong += 1
        for case in (resolved(case, cases) for case in file["case"]):
            seen += 1
            preset = case.get("preset", file["preset"])
            if preset not in schemes or case["expect"] not in AUTHENTIC | {"bad_signature"}:
                continue
            checked += 1
            idle.discard(preset)
            try:
                problem = complaint(case, *schemes[preset])
            except (KeyError, ValueError, TypeError) as error:
                problem = f"expects {case['expect']} and cannot be read: {error!r}"
            if problem:
                print(f"{path.name}: {case['name']} {problem}")
                wrong += 1
            elif "-v" in sys.argv:
                print(f"{path.name}: {case['name']} {case['expect']}")
    for preset in sorted(idle):
        print(f"{preset}: a scheme without a case")
        wrong += 1
    print(f"{checked} of {seen} cases computed, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(sweep(SCHEMES, complaint))
