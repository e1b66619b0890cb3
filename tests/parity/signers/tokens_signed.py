"""Tokens: JSON Web Tokens that say something of a delivery, and a detached signature.

The keys are those of `jwt_cases.py`, made for tests and for nothing else, and one more for who is not the provider.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from jwt_cases import EC, RSA, document, ec_jwk, hexed, number, part, rsa_jwk, token
from signing import JSON, SIGNERS, TIME, also, compact, handshake, provider

OTHER_RSA_PEM = b"""\
-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDLyWNiYRc4NT+B
m2qMLnCcIoIfIs1MCwBgpZTF1w0ka/U7s3RD51KGNFF1dZttIexua2w+NCK/cZUK
L6G6qrdBw/QQLvDca8jH+cO0X2+h4fCrxtKAHwP3s3bGoFVbbYwkNh6UmWK5MYLZ
A8JraZaI+ZnonQmOqX/2Kxhi9WxLTdmNA+pEEjL14zTAcsfjN06CRa8co32TQJPG
eSwr1l9PDGVxnySrwlOmAR0ugXjLIxpqpcXonghewBUswRH42jy9O0PmXavHCbZh
Fv5SFcuvWb0H54BKp3BL5g2YOe2dZD/NY1DZWjJEEYcTDpnVXbp+sylGm/drBAdG
G+/MDkzrAgMBAAECggEATN/XJG0Q18zKfKd2vZPlOhkQchNsU5PQ3CSKZ0l1NTie
hZtwMA9qw6Kn2gH4FGaYLJ1Mc3iyZPrBaNrIDUVKJT546sPya4wjbUCskXXxBCXZ
5sr1bIyGsCHcnBguqvM7yws5ZQApzEe/nwL6jA+EUH6sDyJyUQVi9qeSJv6DEDKN
D3yWIYoxa8oPWuK3zeImu9vjhC9x7Zq1oVBMoTJ2DO2nQhnFbqY8pcCasyawlZnh
3SjwUqbYQiAkpUbzfc2bLepKMZWJ6HFF1k2qc1Ea/C0be8/0sDMPijpicD3m8M9V
AFWzibBASmdziFStk8DUMsP/hOG++MuLkfaXYcOOuQKBgQDp5Mh2VY8YVr89ZtnV
1zc2K3TLSJC13CbQ+3nfZKKgxEGBrl57fuz6jyYneVeOJuHBh0WT2QLBx3e1SxZn
waquDtt94wbxwTP/9g89i5+0awpXNObdPX64NOrlNmVeQDH9JBmCnsg4JFdxvwCX
MMKz0GdNdQeZQ5xLh69oBNEGYwKBgQDfDCVBfdDisd4a6M+I5to8d6fIOf9Xvdhv
MS43/u0ho9wXrgOo2DdcD66Rk/OPoQkERwydpyzcqQQ9zI6e9ljo9I4XCrA5d2aX
P7nUWKQyxEKPp2IHwbspTsTkFbfNbeqvD2wSRwTgLD+ppkqeZcSA2PI/zqV4cddt
puf9HziB2QKBgD4sZ7E1CyWwIYPj7DHw1Kdco95JutXs4JCa2ImuiaBsqvEa9dik
I8By/vRtR/3sjgRQvgkQHbB/Im4ZuKn6DDHalzP+fmETN4xpzyFQFTLzZTtLP7c9
2oqC3pHxhL6qF9+vkexr4tMxreD5oeGOv6Lm2h735f4yv8BAIDtpVFr7AoGAZt0j
EWEExIdi9uYHUAum+dv09NJKgBx9hEoaFpjqo2j+R61o4qVUYpCY4WpqGQMbNW3O
06YVem44FogP/h9+QXEHVnkHbHk0RuyMtvFqSD9aswVuoEUoG5TIGKgrbAIVCUcD
gCpghUHi2kpmf0ZPqVxj3ClhBnr57wfaVVHgrYECgYEAtM6DXo0h1XipZC5U1zJS
z4eBtut2Eq8dPzp2oG3gOVqHqY71CnWhalTp75WOuCf+hPQJy7NElFTmmLMf5U5H
DwuLc0v4H5hcHHmUGE2Pms66m2rK0qYZyq83THTDwsJTcevD+MNvFw+h4UQ/I++u
+YX1frozMbkc1U6omh3F4YQ=
-----END PRIVATE KEY-----
"""
OTHER_RSA = serialization.load_pem_private_key(OTHER_RSA_PEM, None)
RSA_KEYS = {"provider": RSA, "provides": OTHER_RSA}
P521_KEYS = {
    name: ec.derive_private_key(int.from_bytes(hashlib.sha512(name.encode()).digest(), "big"), ec.SECP521R1())
    for name in RSA_KEYS
}
# Where keys are fetched an operator holds none: the secret is only the name of the sender's.
FETCHED = {"secret": "provider", "other": "provides", "secrets": [], "rotates": False}


def pem(name):
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return RSA_KEYS[name].public_key().public_bytes(*form).decode()


def based(body, algorithm):
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode()


def issued(claims, changes):
    """The claims, with changes; None takes one away."""
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def fetched(url, keys):
    return document(url, {"keys": keys})


# ───────────── Azure Event Grid ─────────────

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
WEBHOOK_APP = "8f3c1e4a-5d4b-4f0e-9a64-2f1f6a1d5c10"
EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
VALIDATION = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"


def entra(time=TIME, key="provider", **changes):
    claims = {
        "aud": WEBHOOK_APP,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": time,
        "nbf": time,
        "exp": time + 86400,
        "appid": EVENT_GRID,
        "roles": ["AzureEventGridSecureWebhookSubscriber"],
        "tid": TENANT,
        "ver": "1.0",
    }
    return "Bearer " + token({"typ": "JWT", "alg": "RS256", "kid": "e1"}, issued(claims, changes), RSA_KEYS[key])


def asked(event_type="Microsoft.EventGrid.SubscriptionValidationEvent", code=VALIDATION):
    return compact([{"id": "2d1781af", "topic": "/subscriptions/x", "data": {"validationCode": code}, "eventType": event_type}])


@provider(
    "azure-event-grid",
    body=compact(
        [
            {
                "id": "831e1650",
                "topic": "/subscriptions/x",
                "eventType": "Microsoft.Storage.BlobCreated",
                "data": {"api": "PutBlob"},
            }
        ]
    ),
    headers=(["Content-Type", "application/json; charset=utf-8"], ["aeg-event-type", "Notification"]),
    vars={"tenant": TENANT, "audience": WEBHOOK_APP},
    documents=fetched(f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys", [rsa_jwk("e1", "RS256"), ec_jwk("e2")]),
    binds=["time"],
    **FETCHED,
)
def azure_event_grid(d):
    return [["Authorization", entra(d.time, d.secret)]]


def azure(name, expect, why=None, **changes):
    also("azure-event-grid", name, expect, sent={"with": [["Authorization", entra(**changes)]]}, why=why)


azure("of-the-newer-form", "ok", iss=f"https://login.microsoftonline.com/{TENANT}/v2.0", appid=None, azp=EVENT_GRID, ver="2.0")
azure(
    "of-another-sender",
    "claim_mismatch",
    appid="00000003-0000-0000-c000-000000000000",
    why="any application of the tenant can have a token",
)
azure("of-two-senders", "claim_mismatch", azp=EVENT_GRID, why="each form of token names its sender once")
azure("of-no-sender", "claim_mismatch", appid=None)
azure("of-another-tenant", "claim_mismatch", iss="https://sts.windows.net/f8cdef31-a31e-4b4a-93e4-5f571e91255a/")
azure("for-another-application", "claim_mismatch", aud="https://management.azure.com")
azure("expired", "stale_timestamp", iat=TIME - 86400, nbf=TIME - 86400, exp=TIME - 60)
also("azure-event-grid", "another-body", "ok", sent={"body": b"[]"}, why="the token says nothing of the body")

SUBSCRIBING = {"with": [["aeg-event-type", "SubscriptionValidation"]], "body": asked()}
handshake(
    "azure-event-grid",
    "subscription-is-made",
    signed=True,
    content_type="application/json",
    body=f'{{"validationResponse":"{VALIDATION}"}}',
    sent=SUBSCRIBING,
)
also("azure-event-grid", "subscription-without-a-token", "missing_signature", sent=SUBSCRIBING | {"without": ["Authorization"]})
also("azure-event-grid", "subscription-and-no-code", "ok", sent=SUBSCRIBING | {"body": asked(code="a b")})
also(
    "azure-event-grid",
    "deletion-is-no-validation",
    "ok",
    sent=SUBSCRIBING | {"body": asked("Microsoft.EventGrid.SubscriptionDeletedEvent")},
)


def options(origin):
    return {"secrets": [], "method": "OPTIONS", "headers": [["WebHook-Request-Origin", origin]], "body": b""}


handshake(
    "azure-event-grid",
    "cloud-events",
    options("eventgrid.azure.net"),
    headers={"webhook-allowed-origin": "eventgrid.azure.net", "webhook-allowed-rate": "*", "allow": "POST, OPTIONS"},
)
also("azure-event-grid", "cloud-events-of-another", "missing_signature", sent=options("eventemitter.example.com"))


# ───────────── FusionAuth ─────────────

FUSIONAUTH = "https://example.fusionauth.io"
USER_CREATED = compact(
    {
        "event": {
            "createInstant": TIME * 1000,
            "id": "b6e0a1ef",
            "tenantId": "d7d09513",
            "type": "user.create",
            "user": {"id": "1"},
        }
    }
)


def digested(d, alg, kid, key):
    return token({"alg": alg, "typ": "JWT", "kid": kid}, {"request_body_sha256": based(d.body, "sha256")}, key)


@provider(
    "fusionauth",
    body=USER_CREATED,
    vars={"instance": FUSIONAUTH},
    documents=fetched(f"{FUSIONAUTH}/.well-known/jwks.json", [rsa_jwk("k1", "RS256"), ec_jwk("k2")]),
    altered="claim_mismatch",
    **FETCHED,
)
def fusionauth(d):
    return [["X-FusionAuth-Signature-JWT", digested(d, "RS256", "k1", RSA_KEYS[d.secret])]]


def fusion(name, expect, shown, why=None):
    also("fusionauth", name, expect, sent={"with": [["X-FusionAuth-Signature-JWT", shown]]}, why=why)


DELIVERED = SIGNERS["fusionauth"].delivery
fusion("by-an-elliptic-curve", "ok", digested(DELIVERED, "ES256", "k2", EC))
fusion(
    "by-a-shared-secret",
    "malformed_signature",
    digested(DELIVERED, "HS256", "k1", pem("provider")),
    why="a public key is no secret",
)
fusion(
    "token-of-a-user",
    "claim_mismatch",
    token({"alg": "RS256", "kid": "k1"}, {"sub": "1", "exp": TIME + 60}, RSA),
    why="the same keys sign other tokens",
)
fusion("digest-in-hex", "claim_mismatch", token({"alg": "RS256", "kid": "k1"}, {"request_body_sha256": hexed(USER_CREATED)}, RSA))


@provider(
    "fusionauth-hmac",
    secret="made-up-for-tests-and-never-in-Key-Master",
    body=USER_CREATED,
    altered="claim_mismatch",
)
def fusionauth_hmac(d):
    return [["X-FusionAuth-Signature-JWT", digested(d, "HS256", "k3", d.secret)]]


def shared(name, expect, shown, **fields):
    also("fusionauth-hmac", name, expect, sent={"with": [["X-FusionAuth-Signature-JWT", shown]]}, **fields)


LONGER = "made-up-for-tests-and-longer-as-the-longest-hash-wants-it-and-never-in-Key-Master"
unsigned = f'{part({"alg": "none"})}.{part({"request_body_sha256": based(USER_CREATED, "sha256")})}.'
shared("by-the-longest-hash", "ok", digested(DELIVERED, "HS512", "k3", LONGER), secrets=[{"id": "main", "value": LONGER}])
shared("by-no-hash", "malformed_signature", unsigned)


# ───────────── Gong ─────────────

CALL = compact(
    {"callData": {"metaData": {"id": "7782342274025937895", "url": "https://us-1.app.gong.io/call?id=1"}}, "isTest": False}
)


def gong_token(d, key=None, **changes):
    claims = {"webhook_url": d.url, "body_sha256": hexed(d.body), "exp": d.time + 600}
    return token({"alg": "RS256"}, issued(claims, changes), RSA_KEYS[key or d.secret])


@provider(
    "gong",
    body=CALL,
    binds=["body", "url"],
    held=pem,
    altered="claim_mismatch",
    rotates=False,
    secret="provider",
    other="provides",
)
def gong(d):
    return [["Authorization", gong_token(d)]]


def call(name, expect, why=None, shown=lambda text: text, **changes):
    also(
        "gong", name, expect, sent={"with": [["Authorization", shown(gong_token(SIGNERS["gong"].delivery, **changes))]]}, why=why
    )


call("for-another-url", "claim_mismatch", webhook_url="https://example.com/hooks/")
call("without-a-digest", "claim_mismatch", body_sha256=None)
call("without-an-end", "claim_mismatch", exp=None)
call("expired", "stale_timestamp", exp=TIME)
call("behind-a-scheme", "malformed_signature", shown=lambda text: "Bearer " + text, why="the token stands there alone")
BARE = "".join(pem("provider").splitlines()[1:-1])
also("gong", "key-as-it-is-shown", "ok", secrets=[{"id": "main", "value": BARE}])


# ───────────── Ibanity ─────────────

APPLICATION = "e643b5be-ccb1-4a38-b7b6-36689853bef5"
NOTIFIED = compact({"data": {"type": "pontoConnect.synchronization.succeededWithoutChange", "id": "3465fd2f", "attributes": {}}})


def ibanity_token(d, **changes):
    claims = {
        "aud": APPLICATION,
        "digest": based(d.body, "sha512"),
        "exp": d.time + 60,
        "iat": d.time,
        "iss": "https://api.ibanity.com",
        "jti": d.id,
    }
    return token({"alg": "RS512", "kid": "events_signature_1"}, issued(claims, changes), RSA_KEYS[d.secret])


@provider(
    "ibanity",
    body=NOTIFIED,
    id="1c293d56-995b-4489-9a83-013e86e98646",
    vars={"application_id": APPLICATION},
    documents=fetched("ibanity/webhooks-keys", [rsa_jwk("events_signature_1", "RS512")]),
    binds=["body", "time", "id"],
    altered="claim_mismatch",
    tolerance=89,  # and a second later the token ends
    future=30,
    **FETCHED,
)
def ibanity(d):
    return [["Signature", ibanity_token(d)]]


def notified(name, expect, why=None, **changes):
    also("ibanity", name, expect, sent={"with": [["Signature", ibanity_token(SIGNERS["ibanity"].delivery, **changes)]]}, why=why)


notified("for-another-application", "claim_mismatch", aud="af617365-1c3f-4355-9c84-09db7751205d")
notified("of-another-issuer", "claim_mismatch", iss="https://api.ibanity.localhost")
notified("digest-of-another-length", "claim_mismatch", digest=based(NOTIFIED, "sha256"))
notified("no-end", "claim_mismatch", exp=None)


# ───────────── Lago ─────────────

LAGO = "https://api.getlago.com"
INVOICE = b'{"webhook_type":"invoice.created","object_type":"invoice","organization_id":"o1","invoice":{"lago_id":"i1","note":"a \\u003c b"}}'


def lago_token(d, **changes):
    return token({"alg": "RS256"}, issued({"data": d.body.decode(), "iss": LAGO}, changes), RSA_KEYS[d.secret])


@provider(
    "lago-jwt",
    body=INVOICE,
    vars={"issuer": LAGO},
    held=pem,
    altered="claim_mismatch",
    bytes_pass=False,
    rotates=False,
    secret="provider",
    other="provides",
)
def lago_jwt(d):
    return [
        ["X-Lago-Signature", lago_token(d)],
        ["X-Lago-Signature-Algorithm", "jwt"],
        ["X-Lago-Unique-Key", "5d3f1b1e-6b3c-4d0a-8f3e-1c2d3e4f5a6b"],
    ]


def invoiced(name, expect, why=None, **changes):
    also(
        "lago-jwt",
        name,
        expect,
        sent={"with": [["X-Lago-Signature", lago_token(SIGNERS["lago-jwt"].delivery, **changes)]]},
        why=why,
    )


invoiced("of-another-lago", "claim_mismatch", iss="https://lago.example.com")
invoiced("without-the-body", "claim_mismatch", data=None)
invoiced(
    "body-as-an-object", "claim_mismatch", data=json.loads(INVOICE), why="the claim is text, so that nothing is printed again"
)
also("lago-jwt", "body-printed-again", "claim_mismatch", sent={"body": INVOICE.replace(b"\\u003c", b"<")})


# ───────────── monday.com ─────────────

CHANGED = compact(
    {
        "event": {
            "userId": 9603417,
            "boardId": 1771812698,
            "pulseId": 1772099344,
            "type": "update_column_value",
            "triggerUuid": "504b2eb76c80f672a18f892c0f700e41",
        }
    }
)


def monday_token(d, **changes):
    claims = {
        "accountId": 1825528,
        "userId": 4012689,
        "aud": "https://example.com/hooks",
        "exp": d.time + 300,
        "shortLivedToken": "none",
        "iat": d.time,
    }
    return token({"alg": "HS256", "typ": "JWT"}, issued(claims, changes), d.secret)


@provider(
    "monday",
    secret="made0up1for2tests3and4for5nothing",
    body=CHANGED,
    vars={"audience": "https://example.com/hooks"},
    binds=["time"],
    tolerance=299,  # and a second later the token ends
)
def monday(d):
    return [["Authorization", monday_token(d)]]


def item(name, expect, why=None, shown=lambda text: text, **changes):
    also(
        "monday",
        name,
        expect,
        sent={"with": [["Authorization", shown(monday_token(SIGNERS["monday"].delivery, **changes))]]},
        why=why,
    )


item("for-another-url", "claim_mismatch", aud="https://example.com/other")
item("of-no-account", "claim_mismatch", accountId=None)
item("without-an-end", "claim_mismatch", exp=None)
item("with-a-far-end", "ok", exp=TIME + 86400)
also("monday", "another-body", "ok", sent={"body": b"{}"}, why="the token says nothing of the body")


def challenged(body):
    return {"headers": [JSON], "body": body}


CHALLENGE = '{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkRFXO7tYXAYM8P"}'
handshake("monday", "challenge", challenged(CHALLENGE.encode()), content_type="application/json", body=CHALLENGE)
also(
    "monday",
    "challenge-beside-an-event",
    "missing_signature",
    sent=challenged(b'{"challenge":"abc","event":{}}'),
    why="an event is none the less to be signed",
)
also(
    "monday",
    "challenge-with-markup",
    "missing_signature",
    sent=challenged(b'{"challenge":"<script>"}'),
    why="nothing is said back that could be read as anything else",
)


# ───────────── TrueLayer ─────────────

KID = "45fc75cf-5649-4134-84b3-192c2c78e990"
EXECUTED = compact(
    {"type": "payment_executed", "event_version": 1, "event_id": "18b2842b-a57b-4887-a0a6-d3c7c36f1020", "payment_id": "p1"}
)


def es512(content, key):
    r, s = utils.decode_dss_signature(key.sign(content, ec.ECDSA(hashes.SHA512(), deterministic_signing=True)))
    return r.to_bytes(66, "big") + s.to_bytes(66, "big")


def p521_jwk(kid, name):
    point = P521_KEYS[name].public_key().public_numbers()
    return {"kty": "EC", "alg": "ES512", "kid": kid, "crv": "P-521", "x": number(point.x, 66), "y": number(point.y, 66)}


def tl_headers():
    return {"X-Tl-Webhook-Timestamp": "2026-01-01T00:00:00Z", "Content-Type": "application/json"}


def tl_signature(d, named, **changes):
    """The detached signature over method, path, the headers that are named, and the body."""
    head = {
        "alg": "ES512",
        "kid": KID,
        "tl_version": "2",
        "tl_headers": ",".join(named),
        "jku": "https://webhooks.truelayer.com/.well-known/jwks",
    }
    shown = part(issued(head, changes))
    payload = "".join([f"{d.method} {d.path}\n", *(f"{name}: {value}\n" for name, value in named.items())]).encode() + d.body
    return f"{shown}..{part(es512(f'{shown}.{part(payload)}'.encode(), P521_KEYS[d.secret]))}"


@provider(
    "truelayer",
    body=EXECUTED,
    id="18b2842b-a57b-4887-a0a6-d3c7c36f1020",
    url="https://example.com/hook/d7a2c49d-110a-4ed2-a07d-8fdb3ea6424b?of=payments",
    headers=(),
    documents=fetched(
        "https://webhooks.truelayer.com/.well-known/jwks", [p521_jwk(KID, "provider"), p521_jwk("another", "provides")]
    ),
    binds=["body", "id", "method", "query"],
    **FETCHED,
)
def truelayer(d):
    return [*map(list, tl_headers().items()), ["Tl-Signature", tl_signature(d, tl_headers())]]


def paid(name, expect, why=None, named=None, **changes):
    shown = tl_signature(SIGNERS["truelayer"].delivery, tl_headers() if named is None else named, **changes)
    also("truelayer", name, expect, sent={"with": [["Tl-Signature", shown]]}, why=why)


paid("by-the-time-alone", "ok", named={"X-Tl-Webhook-Timestamp": "2026-01-01T00:00:00Z"})
paid(
    "names-in-another-case",
    "ok",
    named={name.lower(): value for name, value in tl_headers().items()},
    why="names are signed as the list spells them",
)
paid("time-not-signed", "malformed_signature", named={"Content-Type": "application/json"})
paid("no-header-signed", "malformed_signature", named={})
paid("of-the-first-version", "malformed_signature", tl_version="1")
paid("of-another-algorithm", "malformed_signature", alg="ES256")
paid("critical-and-unknown", "malformed_signature", crit=["exp"])
paid("an-unknown-key", "unknown_key", kid="45fc75cf-5649-4134-84b3-192c2c78e991")
paid(
    "keys-from-elsewhere",
    "ok",
    jku="https://evil.example/jwks",
    why="the address in the token is not looked at: the keys are those of the preset",
)
also("truelayer", "a-second-later", "bad_signature", sent={"with": [["X-Tl-Webhook-Timestamp", "2026-01-01T00:00:01Z"]]})
also(
    "truelayer",
    "another-query",
    "bad_signature",
    sent={"url": "https://example.com/hook/d7a2c49d-110a-4ed2-a07d-8fdb3ea6424b?of=payouts"},
)
also("truelayer", "two-times", "malformed_content", sent={"more": [["X-Tl-Webhook-Timestamp", "2026-01-01T00:00:01Z"]]})
