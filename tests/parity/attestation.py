#!/usr/bin/env python3
"""Attestations (docs/reference/attestation.md), implemented once more, without any of this project's code.

The vectors of `attestation.vectors.json` are this program's work: what it projects, signs and refuses is what the crate
`countersign-attest` and `attestation.ts` are held against. What each case must come to is written by hand below.

    python3 tests/parity/attestation.py            check the file of vectors, and that it is what this makes
    python3 tests/parity/attestation.py --write    make it again; Ed25519 needs the package `cryptography`

Python 3.11 or later, standard library only. Without `cryptography` the signatures of Ed25519 are not verified.
"""

import base64
import hashlib
import hmac
import json
import math
import pathlib
import re
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ed25519
except ImportError:
    ed25519 = None

VECTORS = pathlib.Path(__file__).resolve().with_name("attestation.vectors.json")
PREFIX = b"countersign-attestation-v1\n"
MAX_CONTENT, MAX_DEPTH, MAX_INTEGER, MAX_TIME = 1 << 20, 64, 2**53 - 1, 253402300799
LENGTHS = {"hmac-sha256": 64, "ed25519": 128}
NAMES = {"attestation": "attestation", "signature": "attestation_signature", "verdict": "attestation_verdict"}


class Refused(Exception):
    """A reason."""


class Other:
    """A number that is no plain integer, as it is spelled."""

    def __init__(self, text):
        if not math.isfinite(float(text)):
            raise ValueError(text)


# ───────────── reading ─────────────


def no_constant(text):
    raise ValueError(text)


def members(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def integer(text):
    if text == "-0" or len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        return Other(text)
    return int(text)


def judge_text(value, depth=1):
    """Refuse what nests too deep, and texts that are none."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, (list, dict)):
        if depth > MAX_DEPTH:
            raise ValueError("too deep")
        for inner in value.values() if isinstance(value, dict) else value:
            judge_text(inner, depth + 1)
        for name in value if isinstance(value, dict) else ():
            name.encode()


def read(text):
    try:
        event = json.loads(
            text.decode("utf-8"), object_pairs_hook=members, parse_float=Other, parse_int=integer, parse_constant=no_constant
        )
        judge_text(event)
    except (ValueError, RecursionError) as wrong:
        raise Refused("malformed_event") from wrong
    if not isinstance(event, dict):
        raise Refused("malformed_event")
    return event


# ───────────── fields ─────────────


def fold(name):
    """Lower case as far as ASCII goes, and the two other letters that fold to some of it."""
    return re.sub("[A-Z]", lambda m: m[0].lower(), name).replace("\u017f", "s").replace("\u212a", "k")


def steps(field):
    return [step.replace("~1", "/").replace("~0", "~") for step in field.split("/")[1:]]


def check_field(field, names):
    if not re.fullmatch(r"(/([^/~]|~[01])*)+", field, re.S) or len(field.encode()) > 512:
        raise Refused("malformed_field")
    if fold(steps(field)[0]) in {fold(name) for name in names.values()}:
        raise Refused("reserved_field")


ABSENT = object()


def find(event, field):
    """The value at a field, and its level."""
    here, way = event, steps(field)
    for depth, step in enumerate(way, 2):
        if any(name != step and fold(name) == fold(step) for name in here):
            raise Refused("ambiguous_field")
        if step not in here:
            return ABSENT, depth
        here = here[step]
        if depth <= len(way) and not isinstance(here, dict):
            raise Refused("unreachable_field")
    return here, depth


# ───────────── the projection ─────────────


def text(value):
    data = value.encode()
    return b"s%d:%s" % (len(data), data)


def number(value):
    data = str(value).encode()
    return b"i%d:%s" % (len(data), data)


def project_value(value, depth):
    if value is ABSENT:
        return b"-"
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, Other):
        raise Refused("unsupported_number")
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if depth > MAX_DEPTH:
        raise Refused("too_deep")
    if isinstance(value, list):
        return b"a%d:" % len(value) + b"".join(project_value(item, depth + 1) for item in value)
    inner = (text(name) + project_value(value[name], depth + 1) for name in sorted(value, key=str.encode))
    return b"o%d:" % len(value) + b"".join(inner)


def project(event, algorithm, key_id, time, fields):
    """What is signed, and those fields that are not there."""
    out = PREFIX + text(algorithm) + text(key_id) + number(time) + b"a%d:" % len(fields)
    absent = []
    for field in fields:
        value, depth = find(event, field)
        absent += [field] if value is ABSENT else []
        out += text(field) + project_value(value, depth)
        if len(out) > MAX_CONTENT:
            raise Refused("too_large")
    return out, absent


# ───────────── keys ─────────────


def thumbprint(public):
    """RFC 7638 of the key as a JWK."""
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    jwk = '{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x
    return base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).rstrip(b"=").decode()


def sign(key, content):
    if key["algorithm"] == "hmac-sha256":
        return hmac.new(key["secret"].encode(), content, hashlib.sha256).hexdigest()
    if ed25519 is None:
        return None
    return ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key["private"])).sign(content).hex()


def verifies(key, content, signature):
    if key["algorithm"] == "hmac-sha256":
        return hmac.compare_digest(sign(key, content), signature)
    if ed25519 is None:
        return None
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["public"])).verify(bytes.fromhex(signature), content)
        return True
    except InvalidSignature:
        return False


# ───────────── attesting ─────────────


def attest(event, fields, key, time, names=None):
    """The projection, the signature, and the event with both."""
    names = NAMES | (names or {})
    if not 0 <= time <= MAX_TIME:
        raise Refused("malformed_attestation")
    fields = sorted(fields, key=str.encode)
    for field in fields:
        check_field(field, names)
    content, _ = project(event, key["algorithm"], key["id"], time, fields)
    signature = sign(key, content)
    attestation = {"version": 1, "algorithm": key["algorithm"], "key_id": key["id"], "time": time, "fields": fields}
    out = strip(event, names) | {names["attestation"]: attestation, names["signature"]: signature}
    return content, signature, out


def strip(event, names):
    return {name: value for name, value in event.items() if fold(name) != fold(names["verdict"])}


# ───────────── verifying ─────────────


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def attestation_of(event, names):
    for part, reason in (("attestation", "missing_attestation"), ("signature", "missing_signature")):
        if names[part] not in event:
            raise Refused(reason)
    found = event[names["attestation"]]
    if not isinstance(found, dict) or not is_integer(found.get("version")):
        raise Refused("malformed_attestation")
    if found["version"] != 1:
        raise Refused("unknown_version")
    if set(found) != {"version", "algorithm", "key_id", "time", "fields"}:
        raise Refused("malformed_attestation")
    fields = found["fields"]
    good = (
        isinstance(found["algorithm"], str)
        and isinstance(found["key_id"], str)
        and re.fullmatch(r"[A-Za-z0-9._:/#?&=+%~-]{1,256}", found["key_id"])
        and is_integer(found["time"])
        and 0 <= found["time"] <= MAX_TIME
        and isinstance(fields, list)
        and 1 <= len(fields) <= 64
        and all(isinstance(field, str) for field in fields)
    )
    if not good:
        raise Refused("malformed_attestation")
    if found["algorithm"] not in LENGTHS:
        raise Refused("unknown_algorithm")
    signature = event[names["signature"]]
    if not isinstance(signature, str) or not re.fullmatch("[0-9a-f]{%d}" % LENGTHS[found["algorithm"]], signature):
        raise Refused("malformed_signature")
    before = ""
    for field in fields:
        check_field(field, names)
        if before.encode() >= field.encode():
            raise Refused("unordered_fields")
        before = field
    return found, signature


def verify(event, keys, now, require=(), past=300, future=60, names=None, unchecked=None):
    """The verdict. Where a signature cannot be checked, `unchecked` says what to take it for."""
    names = NAMES | (names or {})
    try:
        found, signature = attestation_of(event, names)
        key = next((key for key in keys if key["id"] == found["key_id"]), None)
        if key is None:
            raise Refused("unknown_key")
        if key["algorithm"] != found["algorithm"]:
            raise Refused("wrong_algorithm")
        content, absent = project(event, found["algorithm"], found["key_id"], found["time"], found["fields"])
        good = verifies(key, content, signature)
        if not (unchecked if good is None else good):
            raise Refused("bad_signature")
        if not (key.get("not_before", -math.inf) <= now < key.get("not_after", math.inf)):
            raise Refused("expired_secret")
        if now - found["time"] > past:
            raise Refused("stale_timestamp")
        if found["time"] - now > future:
            raise Refused("future_timestamp")
        for wanted in sorted(require, key=str.encode):
            if not any(wanted == field or wanted.startswith(field + "/") for field in found["fields"]):
                raise Refused("uncovered_field")
            if find(event, wanted)[0] is ABSENT:
                raise Refused("missing_field")
    except Refused as refused:
        return {"verified": False, "reason": str(refused)}
    return {
        "verified": True,
        "algorithm": found["algorithm"],
        "key_id": found["key_id"],
        "time": found["time"],
        "fields": found["fields"],
        "absent": absent,
    }


def stamp(event, keys, now, names=None, **rest):
    names = NAMES | (names or {})
    event = strip(event, names)
    return event | {names["verdict"]: verify(event, keys, now, names=names, **rest)}


# ───────────── checking the file ─────────────


def text_of(case):
    """The event; where it says FILL there are so many letters x."""
    if "fill" in case:
        return case["event"].replace("FILL", "x" * case["fill"]).encode()
    return bytes.fromhex(case["event_hex"]) if "event_hex" in case else case["event"].encode("utf-8", "surrogatepass")


def options(case):
    return {name: case[name] for name in ("require", "past", "future", "names") if name in case}


def run_sign(case, keys):
    """What a signing case comes to: the same members as it has in the file."""
    try:
        event = read(text_of(case))
        key = keys[case["key"]]
        content, signature, out = attest(event, case["fields"], key, case["time"], case.get("names"))
    except Refused as refused:
        return {"refused": str(refused)}
    names = NAMES | case.get("names", {})
    return {
        "content": content.decode().replace("x" * case.get("fill", MAX_CONTENT), "FILL"),
        "attestation": out[names["attestation"]],
        "signature": signature or case.get("signature"),
        "properties": sorted(out, key=str.encode),
    }


def run_verify(case, keys):
    try:
        event = read(text_of(case))
    except Refused as refused:
        return {"verdict": {"verified": False, "reason": str(refused)}}
    names = NAMES | case.get("names", {})
    unchecked = case.get("verdict", {}).get("reason") != "bad_signature"
    out = stamp(event, [keys[name] for name in case["keys"]], case["now"], unchecked=unchecked, **options(case))
    return {"verdict": out[names["verdict"]], "properties": sorted(out, key=str.encode)}


def check(vectors):
    wrong = []
    keys = vectors["keys"]
    for name, key in keys.items():
        if "public" in key and key["id"] != thumbprint(bytes.fromhex(key["public"])):
            wrong.append(f"key {name}: its id is no fingerprint of it")
    for kind, run in (("sign", run_sign), ("verify", run_verify)):
        for case in vectors[kind]:
            for member, value in run(case, keys).items():
                if value != case.get(member):
                    wrong.append(f"{kind} {case['name']}: {member}: {value!r}, and the file says {case.get(member)!r}")
    return wrong


def main():
    sys.path.insert(0, str(VECTORS.parent))
    sys.dont_write_bytecode = True
    import attestation_cases  # what each case must come to

    write = "--write" in sys.argv[1:]
    if write and ed25519 is None:
        sys.exit("the signatures of Ed25519 need Python's cryptography: pip install cryptography")
    if ed25519 is not None:
        made = json.dumps(attestation_cases.vectors(sys.modules[__name__]), indent=1, ensure_ascii=True) + "\n"
        if write:
            VECTORS.write_text(made)
        elif made != VECTORS.read_text():
            sys.exit(f"{VECTORS.name} is not what this makes: python3 tests/parity/attestation.py --write")
    vectors = json.loads(VECTORS.read_text())
    wrong = check(vectors)
    if wrong:
        sys.exit("\n".join(wrong))
    count = len(vectors["sign"]) + len(vectors["verify"])
    unverified = "" if ed25519 else "; without Python's cryptography, signatures of Ed25519 were not verified"
    print(f"{count} cases of attestations are as they should be{unverified}")


if __name__ == "__main__":
    main()
