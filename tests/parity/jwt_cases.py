#!/usr/bin/env python3
"""The vectors of presets of mode `jwt` that no provider publishes, signed without any of this project's code.

HMAC is Python's own; RSA and ECDSA are those of the package `cryptography`, which is OpenSSL. Keys and times are fixed, and
ECDSA is deterministic (RFC 6979), so the cases are the same every time.

    python3 jwt_cases.py            print the cases, to be pasted into PRESET.vectors.toml
    python3 jwt_cases.py --check    compare them with what stands in those files

Python 3.11 or later, and `cryptography` 44 or later.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(parent / "tests" / "parity") for parent in HERE.parents if (parent / "tests" / "parity").is_dir()]
sys.dont_write_bytecode = True

import generate as parity  # noqa: E402

parity.ORIGIN = "tests/parity/jwt_cases.py"
parity.PRESETS = HERE.parents[2] / "presets"
NOW = 1767225600
BODY = b'{"event":"paid","id":"evt_1"}'
SECRET = "jwt-parity-secret-of-more-than-32-bytes"
# Made for these cases, and for nothing else.
RSA_PEM = b"""\
-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDj0A7uZteGppum
h9/dGz1k0Q/la6Ggg6CdA8YO4lafgvhLOunNFRVYnsvx51+IXRdl8WeB+A6lX8gn
TFpUvtKATjZJCTEW+/DOLWRv4kg2W8koBqG4UKSWTn1qKf2+nfte+n2zktF92nLw
0UdcoNYZfrB5z6SsGGX8yGuqAvYa7X+utxj8anF61XE/MWpQu7g+xFHlYlrtdRFc
y367STzXPpGe+xsYryl+StC1fxfdx1bmokpJeH+za5QQigiDg8BBD67wGL7RI/oh
YJQvyiCOz1lyuPBO1EPZf8AoEbWcAlJMIkddmBc90qvxO2NTyN+bhV14zE4EIPgR
nxt91+vbAgMBAAECggEAB3DJtA6m1m6FoexJKwMTP8I2RzN7PW9fJRG0+9J3qtEP
xAFCFqEsJ89T8OwyKhWESJ+YVl3gOJWGx4XOY3syC9/CFSOYN1x2Mn24DJFy81eP
G+APkyILJh+dKAUEFSA60BDVXzKZ5gbm/yeOsZ9NLtr875WRFs/bMOTo404idKGi
ZejOxi29PL8t9MZ/1UpX3WVGW7Ykdk8AMXlh9efxsR3TwsqSElqOV4CSKVrZfVx2
1AFTtqL2cFDiQsSSjoWrx0V/feTzeXUFpKnY6eI3fOHbsLkzNOXMMA/XzuWSeDFG
VoLNx38MsuiDzF4jSW/uZZDGWKrslsmPnNg9ZBkVAQKBgQDzP9r8Tl7q/dTI3BPu
t5w7xjhvXH6fXp/UkLi3UDR80N99HzNAZWzNfxa2leEdWWl14VWX4rMCG4zAIEbD
m+W3Ta3qnG++07nKNDDLRndugJKHcyLavpY9GI7wGFk0KLlb1hFw+6+RMzziF4yd
L3XmlH7CwelWFkAsibKELOhg2wKBgQDvwQ8ZRd+VQqYJr4szgWvkEv2m+fg5FQbP
jBRIIZluwCo7eVewA0FRw6dvWJq1TeUuhiXrwM7PbMbHir5qoG3cWPKRoUlG+4Br
pMVkmcZNdi/V0NYjL5s+NEobvQhpzEvy9WvB1eEVza8eXEqm26RhFAqfFiyM7F18
91j6itMRAQKBgQCcrPB7um7gpQW9KiOcip8S0SXgdI8KT4RbAaw4RmzISDDrAoGc
ZLej1MvoZrlMkh6fUrgy0E3EecI6rY9mxq87VclDZ+eB3hW468zR4V1jy2SV4c79
XeyfBYZrlwM92U0qncM2JqZ6u6nnZounYr5p+hN7ljKYxFQpW7ej8tjqKQKBgClO
TqahBis2B1sl1kqyYn8x0mehK2XSPJEnZhsjRsbw7pW+ix/0/5zxo3gogMb5u6Fv
VTsvxbGw4PJh8fp211aeMHRsoC5NiEuDYMq7P5H66bThvPLk8c8evSHYSInJu9AI
/l6v1Y6nGCOX7PigYMqk5EuSS2ygEF9GUhsgLcsBAoGBAIMZVwtPiD8VprxJ0KQv
nkM5l4IMTBuE4j4O+5nqSyU6Kbqtl7WTddRjHnKpMjl0o45iHQfkEaD1JICfe+su
gDlo0FR2DYgyoJe5gREVhhXOIBTquRbMLL2XHOm7wqPV5L72509EjWhLzE50qVDw
Rxk4LdfkJNrSTMlc8rGJVp95
-----END PRIVATE KEY-----
"""


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value, length=None):
    return part(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


# ───────────── keys ─────────────

RSA = serialization.load_pem_private_key(RSA_PEM, None)
EC = ec.derive_private_key(int.from_bytes(hashlib.sha256(b"jwt parity, P-256").digest(), "big"), ec.SECP256R1())
OTHER_EC = ec.derive_private_key(int.from_bytes(hashlib.sha256(b"jwt parity, another").digest(), "big"), ec.SECP256R1())
PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def rsa_jwk(kid, alg):
    numbers = RSA.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "use": "sig", "alg": alg, "n": number(numbers.n), "e": number(numbers.e)}


def ec_jwk(kid, key=EC):
    point = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256", "x": number(point.x, 32), "y": number(point.y, 32)}


# ───────────── signing ─────────────


def signature(alg, content, key):
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[alg[2:]]
    match alg[:2]:
        case "HS":
            return hmac.new(key.encode(), content, "sha" + alg[2:]).digest()
        case "RS":
            return key.sign(content, padding.PKCS1v15(), digest)
        case "ES":
            r, s = utils.decode_dss_signature(key.sign(content, ec.ECDSA(digest, deterministic_signing=True)))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(header, claims, key):
    content = f"{part(header)}.{part(claims)}"
    return f"{content}.{part(signature(header['alg'], content.encode(), key))}"


def detached(header, payload, key):
    content = part(header).encode() + b"." + (payload if header.get("b64") is False else part(payload).encode())
    return f"{part(header)}..{part(signature(header['alg'], content, key))}"


def hexed(body):
    return hashlib.sha256(body).hexdigest()


def document(name, value):
    return {name: json.dumps(value, separators=(",", ":"))}


# ───────────── cases ─────────────


def vonage_cases():
    def claims(body, **more):
        hashed = {"payload_hash": hexed(body)} if body else {}
        return {"iat": NOW, "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5", "iss": "Vonage", "api_key": "abcd1234", **hashed, **more}

    def made(name, expect, body=BODY, of=None, now=NOW, key=SECRET, header=None, **more):
        of = {**claims(body), **(of or {})}
        of = {claim: value for claim, value in of.items() if value is not None}
        shown = token(header or {"typ": "JWT", "alg": "HS256"}, of, key)
        fields = {"now": now, "secrets": parity.main_key(SECRET), "headers": [["Authorization", f"Bearer {shown}"]], "body": body}
        parity.case("vonage", name, expect, **fields, **more)

    made("paid", "ok", message_id="c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5", signed_at=NOW)
    made("without-a-body", "ok", body=b"", method="GET")
    made("five-minutes-later", "ok", now=NOW + 300)
    made("too-old", "stale_timestamp", now=NOW + 301)
    made("from-the-future", "future_timestamp", now=NOW - 61)
    made("of-another-body", "claim_mismatch", of={"payload_hash": hexed(b"{}")})
    made("without-the-hash", "claim_mismatch", of={"payload_hash": None})
    made("the-hash-of-no-body", "ok", body=b"", of={"payload_hash": hexed(b"")})
    made("a-hash-and-no-body", "claim_mismatch", body=b"", of={"payload_hash": hexed(BODY)})
    made("another-issuer", "claim_mismatch", of={"iss": "Vonage.evil.example"})
    made("no-time", "claim_mismatch", of={"iat": None})
    made("no-id", "claim_mismatch", of={"jti": None})
    made("a-time-that-is-text", "malformed_timestamp", of={"iat": str(NOW)})
    made("another-secret", "bad_signature", key=SECRET[::-1])
    made("another-algorithm", "malformed_signature", header={"typ": "JWT", "alg": "HS512"})


def livekit_cases():
    def made(name, expect, of=None, **more):
        sha256 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
        claims = {"sha256": sha256, "iss": "APIwLeah7g4fuLYDYAJeaKsSe", "exp": NOW + 300, "nbf": NOW, **(of or {})}
        fields = {
            "now": NOW,
            "vars": {"api_key": "APIwLeah7g4fuLYDYAJeaKsSe"},
            "secrets": parity.main_key(SECRET),
            "headers": [["Authorization", token({"alg": "HS256"}, claims, SECRET)]],
            "body": BODY,
        }
        parity.case("livekit", name, expect, **fields, **more)

    made("with-a-long-secret", "ok", signed_at=NOW)
    made("of-another-key", "claim_mismatch", of={"iss": "APIother"})
    made("the-hash-in-hex", "claim_mismatch", of={"sha256": hexed(BODY)})


def netlify_cases():
    def made(name, expect, of=None, key=SECRET, alg="HS256", **more):
        claims = {"iss": "netlify", "sha256": hexed(BODY), **(of or {})}
        fields = {"secrets": parity.main_key(SECRET), "headers": [["X-Webhook-Signature", token({"alg": alg, "typ": "JWT"}, claims, key)]], "body": BODY}
        parity.case("netlify", name, expect, **fields, **more)

    made("deployed", "ok")
    made("of-another-body", "claim_mismatch", of={"sha256": hexed(b"{}")})
    made("another-issuer", "claim_mismatch", of={"iss": "Netlify"})
    made("another-secret", "bad_signature", key=SECRET[::-1])
    made("another-algorithm", "malformed_signature", alg="HS384")
    made("an-expiry-counts", "stale_timestamp", of={"exp": NOW}, now=NOW)


def plaid_cases():
    kid = "bfbd5111-8e33-4643-8ced-b2e642a72f3c"
    body = b'{\n  "webhook_type": "ITEM",\n  "webhook_code": "ERROR"\n}'

    def made(name, expect, of=None, now=NOW, key=EC, held=None, header=None, sent=body, **more):
        claims = {"iat": NOW, "request_body_sha256": hexed(body), **(of or {})}
        claims = {claim: value for claim, value in claims.items() if value is not None}
        jwk = {"created_at": 1560466150, "expired_at": None, **(held or ec_jwk(kid))}
        shown = token({"alg": "ES256", "kid": kid, "typ": "JWT", **(header or {})}, claims, key)
        fields = {
            "now": now,
            "documents": document(f"plaid/{kid}", {"key": jwk, "request_id": "abc"}),
            "headers": [["Plaid-Verification", shown]],
            "body": sent,
        }
        parity.case("plaid", name, expect, **fields, **more)

    made("item-error", "ok", key_id=kid, signed_at=NOW)
    made("too-old", "stale_timestamp", now=NOW + 301)
    made("of-a-body-printed-again", "claim_mismatch", sent=json.dumps(json.loads(body)).encode())
    made("without-the-hash", "claim_mismatch", of={"request_body_sha256": None})
    made("without-a-time", "claim_mismatch", of={"iat": None})
    made("signed-by-another-key", "bad_signature", key=OTHER_EC)
    made("the-key-has-another-id", "unknown_key", held=ec_jwk("another"))
    made("the-key-is-of-another-sort", "unknown_key", held=rsa_jwk(kid, "RS256"))
    made("the-key-was-withdrawn", "unknown_key", held={**ec_jwk(kid), "expired_at": NOW - 1})
    made("an-id-that-is-a-path", "unknown_key", header={"kid": "../../etc/passwd"})


def pubsub_cases():
    url = "https://www.googleapis.com/oauth2/v3/certs"
    given = {"audience": "https://example.com/push", "service_account": "push@example.iam.gserviceaccount.com"}

    def made(name, expect, of=None, now=NOW, header=None, **more):
        claims = {
            "aud": given["audience"], "azp": "113774264463038321964", "email": given["service_account"],
            "email_verified": True, "exp": NOW + 3600, "iat": NOW, "iss": "https://accounts.google.com",
            "sub": "113774264463038321964", **(of or {}),
        }
        shown = token({"alg": "RS256", "kid": "7d680d8c", "typ": "JWT", **(header or {})}, claims, RSA)
        fields = {
            "now": now, "vars": given,
            "documents": document(url, {"keys": [ec_jwk("other"), rsa_jwk("7d680d8c", "RS256")]}),
            "headers": [["Authorization", f"Bearer {shown}"]],
            "body": b'{"message":{"messageId":"136969346945"},"subscription":"s"}',
        }
        parity.case("google-pubsub", name, expect, **fields, **more)

    made("pushed", "ok", key_id="7d680d8c")
    made("nearly-an-hour-later", "ok", now=NOW + 3599)
    made("more-than-an-hour-later", "stale_timestamp", now=NOW + 3660)
    made("for-another-audience", "claim_mismatch", of={"aud": "https://example.com/push/"})
    made("for-several", "claim_mismatch", of={"aud": [given["audience"], "https://evil.example"]})
    made("for-one-in-a-list", "ok", of={"aud": [given["audience"]]})
    made("of-another-account", "claim_mismatch", of={"email": "push@evil.iam.gserviceaccount.com"})
    made("not-verified", "claim_mismatch", of={"email_verified": False})
    made("another-issuer", "claim_mismatch", of={"iss": "https://accounts.google.com.evil.example"})
    made("an-unknown-key", "unknown_key", header={"kid": "7d680d8d"})
    made("the-key-is-of-another-sort", "unknown_key", header={"kid": "other"})


def kinde_cases():
    domain = "https://example.kinde.com"

    def made(name, expect, of=None, shown=None, **more):
        claims = {"type": "user.updated", "source": "admin", "event_id": "event_018e2bd8", "timestamp": "2026-01-01T00:00:00Z", "data": {"user": {"id": "kp_1"}}, **(of or {})}
        claims = {claim: value for claim, value in claims.items() if value is not None}
        shown = shown or token({"alg": "RS256", "kid": "k1", "typ": "JWT"}, claims, RSA)
        fields = {
            "vars": {"domain": domain},
            "documents": document(f"{domain}/.well-known/jwks", {"keys": [rsa_jwk("k1", "RS256")]}),
            "headers": [["Content-Type", "application/jwt"]], "body": shown.encode(),
        }
        parity.case("kinde", name, expect, **fields, **more)

    made("user-updated", "ok", message_id="event_018e2bd8")
    made("without-an-id", "claim_mismatch", of={"event_id": None})
    made("an-id-with-a-space", "malformed_content", of={"event_id": "event 1"})
    made("no-token", "malformed_signature", shown="{}")


def wix_cases():
    def made(name, expect, now=NOW, of=None, alg="RS256", key=RSA, changed=lambda shown: shown, **more):
        data = json.dumps({"data": json.dumps({"id": "1"}), "eventType": "ContactCreated"})
        claims = {"data": data, "iat": NOW, "exp": NOW + 600, **(of or {})}
        shown = changed(token({"alg": alg, "typ": "JWT"}, claims, key))
        parity.case("wix", name, expect, now=now, secrets=parity.main_key(PEM), body=shown.encode(), **more)

    made("contact-created", "ok", signed_at=NOW)
    made("expired", "stale_timestamp", of={"exp": NOW + 10}, now=NOW + 10)
    made("an-expiry-that-is-no-time", "malformed_timestamp", of={"exp": "never"})
    made("too-old", "stale_timestamp", now=NOW + 301)
    made("public-key-as-a-shared-secret", "malformed_signature", alg="HS256", key=PEM)
    made("not-signed", "malformed_signature", changed=lambda shown: f"{part({'alg': 'none'})}.{shown.split('.')[1]}.")

    def another_contact(shown):
        header, _, tag = shown.split(".")
        return f"{header}.{part({'data': '{}', 'iat': NOW, 'exp': NOW + 600})}.{tag}"

    made("other-claims", "bad_signature", changed=another_contact)


def detached_cases():
    sets = {
        "fireblocks-v2": ("Fireblocks-Webhook-Signature", "https://keys.fireblocks.io/.well-known/jwks.json", {"alg": "RS512"}, {}),
        "constant-contact": ("X-Ctct-Signature", "https://developer.constantcontact.com/.well-known/jwks.json",
                             {"alg": "RS256", "b64": False, "crit": ["b64"], "ts": NOW}, {}),
        "saleor": ("Saleor-Signature", "https://example.saleor.cloud/.well-known/jwks.json",
                   {"alg": "RS256", "typ": "JWT", "b64": False, "crit": ["b64"]}, {"vars": {"instance": "https://example.saleor.cloud"}}),
    }
    for preset, (name_of_header, url, usual, given) in sets.items():
        def made(name, expect, header=None, sent=BODY, shown=None, now=NOW, **more):
            header = {**usual, "kid": "k1", **(header or {})}
            header = {member: value for member, value in header.items() if value is not None}
            shown = shown(header) if shown else detached(header, BODY, RSA)
            fields = {
                "now": now, **given,
                "documents": document(url, {"keys": [rsa_jwk("k1", usual["alg"])]}),
                "headers": [[name_of_header, shown]], "body": sent,
            }
            parity.case(preset, name, expect, **fields, **more)

        made("signed", "ok", key_id="k1")
        made("of-another-body", "bad_signature", sent=BODY + b" ")
        made("with-its-payload-attached", "malformed_signature", shown=lambda header: token(header, BODY, RSA))
        made("encoded-the-other-way", "malformed_signature",
             header={"b64": None, "crit": None} if "b64" in usual else {"b64": False, "crit": ["b64"]})
        made("critical-and-unknown", "malformed_signature", header={"crit": ["b64", "exp"] if "b64" in usual else ["exp"]})
        if "ts" in usual:
            made("too-old", "stale_timestamp", now=NOW + 301)
            made("without-a-time", "claim_mismatch", header={"ts": None})


def main():
    for build in (vonage_cases, livekit_cases, netlify_cases, plaid_cases, pubsub_cases, kinde_cases, wix_cases, detached_cases):
        build()
    if sys.argv[1:] == ["--check"]:
        wrong = list(parity.check())
        print("\n".join(wrong) if wrong else f"{sum(map(len, parity.CASES.values()))} cases as generated")
        return 1 if wrong else 0
    for preset in sys.argv[1:] or list(parity.CASES):
        print(f"# {preset}.vectors.toml\n")
        print("\n".join(map(parity.block, parity.CASES[preset])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
