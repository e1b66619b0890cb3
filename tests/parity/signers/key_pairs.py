"""Senders that sign with a key pair: Ed25519, ECDSA and RSA over a text, and one that signs by the draft of HTTP signatures.

The keys are made for these cases and for nothing else. What an operator holds of a pair is its public half, in the form in which
the provider hands it out; where the provider publishes it, it stands in `documents`. Everything is the same every time: ECDSA is
deterministic (RFC 6979), and the salt of RSA-PSS is made of what is signed.
"""

import base64
import dataclasses
import functools
import hashlib
import json
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signing import CASES, FORM, SIGNERS, TIME, Sent, also, compact, digest, handshake, joined, provider

# ───────────── keys: two of each kind, `first` and `second` ─────────────

PRIMES = {
    "first": (
        "c395b97ae7c79ada971df15565cb21a28de6a76ea5e5782f06130d369a81048eba7c5fd147b8e56164c18b892783ac9fb37bd1e7cd0b95ad6c9337f674bd"
        "f6b9ea66d0b8812f4ce62ec6423e95e4e10db7f6a62035e531041cbf44d749e50529a4c50c26b95b4bf51fc89441206a291bbf220b8cec0805ccc53ace34"
        "a4cdc3bb",
        "bbf33870739a1bcb2de94fad789bce40c93b745be79b6355c06ea449f9bc0546d04393c10922a69e76c82cead93a050563e1d77e3f1fa7c7bb0114bc2691"
        "a4a2dc1d1bf9553f083bad94560c21cfca389064797025cacdbc3617b26ca8c2d34a6ebf9c212d8aef9d906ab07f35ee31303c9ee7825f5ec9987baaca07"
        "33ab5c7d",
    ),
    "second": (
        "ff39d0a061948c8e95916c87a7b83dc320bd5999bd40107a19e9764050658044dbda74b453f0e0af5e42daed198dbcd866a08382f97d108c34f6f375ce8c"
        "f8b172376c35d1a8a5c23ea595cbfb7243a5f2b0509426a7ba9766be9d537d99ba7ec0c93e31edf3d22139153a4dbe14fa99d43d0ac97153b04628ee11c1"
        "a4017bfb",
        "ce1d15044e84101131033bbe9215982db1716909f1e36ce08dcbf4730b190dd48536a93dbf883391232f0d731f72882a1750cb8cd1d3a34bca5244072033"
        "0c2f8f34b13218a6fe7601539fb07039678d0fe159e01f4eb5a2f36bb43cdaad5c8ebf7baba05b1f6d0a6c6481212d8a66c341b9f6ce3be9ebdec3957703"
        "a131f137",
    ),
    "weak first": (
        "efd246a33ef721ef90e011922bd608507abdd201fb6e6dbb77e02fef2d60a71e004478b77eb4962f1e6439778cb78fe50e0f9c7a394e1d1a4145a9e54452"
        "72f1",
        "e612ca6620a731bbb1bcd1d11f29effed40aa26f8b4218670e7380a255a457196177181442b431b05a28f29ceeb9985bd48dc742eeda12fa0ff55e333510"
        "e347",
    ),
    "weak second": (
        "f5102e1371d4018f96b1c713f7167a43ffb5734daed09e1c694a9803f172f094487fe4ebe2faeef489499f09a83b6c43030570352b05deb06801d48b7bdb"
        "d371",
        "d227da05e9ce7cceafb8bd7e72f8a59ddfa8016312039b02d180344b967b71b1c438e3613f21f15ffe1b1842a71e99e29965abbf72f88321d6ffd0e79e31"
        "bd8f",
    ),
}


@functools.cache
def rsa_key(name):
    p, q = (int(prime, 16) for prime in PRIMES[name])
    d = pow(65537, -1, (p - 1) * (q - 1))
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(65537, p * q)).private_key()


def seed(name):
    return hashlib.sha256(f"countersign test key, {name}".encode()).digest()


@functools.cache
def ed_key(name):
    return Ed25519PrivateKey.from_private_bytes(seed(name))


@functools.cache
def p256_key(name):
    return ec.derive_private_key(int.from_bytes(seed(name), "big") >> 1, ec.SECP256R1())


# ───────────── their public halves, as they are written ─────────────


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def der(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def pkcs1(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1).decode()


def raw(name):
    return ed_key(name).public_key().public_bytes_raw()


def ed_base64(name):
    return base64.b64encode(raw(name)).decode()


def ed_jwk(name):
    return json.dumps({"kty": "OKP", "crv": "Ed25519", "x": base64url(raw(name)), "kid": name})


def rsa_pem(name):
    return pem(rsa_key(name))


def rsa_jwks(*names):
    def number(value):
        return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    def jwk(name):
        public = rsa_key(name).public_key().public_numbers()
        return {"kty": "RSA", "kid": f"kid-{name}", "use": "sig", "n": number(public.n), "e": number(public.e)}

    return json.dumps({"keys": [jwk(name) for name in names]})


# ───────────── signatures, as they are written, and times ─────────────


def ed_signed(name, *parts):
    return ed_key(name).sign(joined(parts))


def rsa_signed(name, *parts, hash=hashes.SHA256):
    return base64.b64encode(rsa_key(name).sign(joined(parts), padding.PKCS1v15(), hash())).decode()


def pss_signed(name, *parts, algorithm="sha256", salt=None):
    """RSA-PSS (RFC 8017, section 9.1.1), with a salt that is made of the message instead of chance."""
    key, message = rsa_key(name), joined(parts)
    numbers = key.private_numbers()
    modulus, size = numbers.public_numbers.n, hashlib.new(algorithm).digest_size
    salt = hashlib.shake_256(message).digest(size if salt is None else salt)
    width = (modulus.bit_length() - 1 + 7) // 8
    tag = hashlib.new(algorithm, bytes(8) + hashlib.new(algorithm, message).digest() + salt).digest()
    block = bytes(width - len(salt) - size - 2) + b"\x01" + salt
    mask = b"".join(hashlib.new(algorithm, tag + i.to_bytes(4, "big")).digest() for i in range(len(block) // size + 1))
    masked = bytearray(a ^ b for a, b in zip(block, mask))
    masked[0] &= 0xFF >> (8 * width - modulus.bit_length() + 1)
    encoded = int.from_bytes(bytes(masked) + tag + b"\xbc", "big")
    signature = pow(encoded, numbers.d, modulus).to_bytes(width, "big")
    hash = {"sha256": hashes.SHA256, "sha512": hashes.SHA512}[algorithm]
    key.public_key().verify(signature, message, padding.PSS(padding.MGF1(hash()), len(salt)), hash())
    return base64.b64encode(signature).decode()


def p256_signed(name, *parts):
    """DER, as ECDSA is mostly written."""
    return base64.b64encode(p256_key(name).sign(joined(parts), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))).decode()


def iso(time, zone="Z"):
    """A time of the first of January 2026, as RFC 3339 writes it."""
    seconds = time - TIME
    hours = int(zone[1:3]) if zone != "Z" else 0
    return f"2026-01-01T{hours + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{zone}"


def variant(preset, name, expect, sign, **fields):
    """A case that is signed in another way than all others."""
    signer = SIGNERS[preset]
    CASES[preset].append(dataclasses.replace(signer, sign=sign).case(name, expect, signer.delivery, **fields))


def by(held, **fields):
    """What all of these have in common: the first key signs, and the second is another's."""
    return {"secret": "first", "other": "second", "held": held, **fields}


def published(**fields):
    """The same, where the key is not held but fetched."""
    return by(str, secrets=[], rotates=False, **fields)


# ───────────── Ed25519 ─────────────

FAL_USER = {"user_id": "github|1234567"}


DISCORD = b'{"application_id":"658822586720976907","id":"838085779104202754","token":"aW50ZXJhY3Rpb24","type":2,"version":1}'


# TIME and BODY, with nothing between them; hex.
@provider("discord", **by(lambda name: raw(name).hex()), body=DISCORD, binds=["body", "time"], tolerance=300)
def discord(d):
    signature = ed_signed(d.secret, d.time, d.body).hex()
    return [["X-Signature-Ed25519", signature], ["X-Signature-Timestamp", str(d.time)]]


also(
    "discord",
    "ping-of-interactions",
    "ok",
    signed={"body": DISCORD.replace(b'"type":2', b'"type":1')},
    handshake={"kind": "answer", "status": 200, "content_type": "application/json", "body": '{"type":1}'},
)
also(
    "discord",
    "ping-of-webhook-events",
    "ok",
    signed={"body": b'{"version":1,"application_id":"658822586720976907","type":0}'},
    handshake={"kind": "answer", "status": 204, "content_type": "text/plain", "body": ""},
)
also(
    "discord",
    "a-webhook-event-is-no-ping",
    "ok",
    signed={
        "body": b'{"version":1,"application_id":"658822586720976907","type":1,'
        b'"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2026-01-01T00:00:00","data":{}}}'
    },
)
also(
    "discord",
    "refused-as-discord-wants-it",
    "bad_signature",
    sent={"body": DISCORD.replace(b'"type":2', b'"type":1')},
    refused={"status": 401, "content_type": "text/plain", "body": ""},
    why="an unsigned ping is not answered",
)


# Lines: request id, user id, time, SHA-256 of the body in hex. The signature is hex. No request says which key made it.
@provider(
    "fal-ai",
    **by(ed_jwk),
    body=b'{"request_id":"123e4567-e89b-12d3-a456-426614174000","status":"OK","payload":{"seed":196619188014358660}}',
    id="123e4567-e89b-12d3-a456-426614174000",
    vars=FAL_USER,
    binds=["body", "time", "id"],
    tolerance=300,
)
def fal(d):
    user = "github|1234567"
    signature = ed_signed(d.secret, d.id, "\n", user, "\n", d.time, "\n", digest(d.body))
    return [
        ["X-Fal-Webhook-Request-Id", d.id],
        ["X-Fal-Webhook-User-Id", user],
        ["X-Fal-Webhook-Timestamp", str(d.time)],
        ["X-Fal-Webhook-Signature", signature.hex()],
    ]


also("fal-ai", "key-as-its-x-alone", "ok", secrets=[{"id": "main", "value": base64url(raw("first"))}])
also(
    "fal-ai",
    "of-another-customer",
    "claim_mismatch",
    vars={"user_id": "github|7654321"},
    why="the signature is fal.ai's, and the request somebody else's",
)
also("fal-ai", "user-id-altered", "bad_signature", sent={"with": [["X-Fal-Webhook-User-Id", "github|7654321"]]})
also("fal-ai", "time-altered", "bad_signature", sent={"with": [["X-Fal-Webhook-Timestamp", str(TIME + 1)]]})


# Between bars: SHA-512 of the body in base64, event id, event time, request id, request time, version of the key.
@provider(
    "integrated-finance",
    **by(ed_base64),
    id="0195f0a4-5f0e-7c1a-9d0e-2f6b1c3d4e5f",
    binds=["body", "time", "id"],
    tolerance=300,
)
def integrated_finance(d):
    digest = base64.b64encode(hashlib.sha512(d.body).digest()).decode()
    request, version = "0195f0a4-6aaa-7bbb-8ccc-1234567890ab", "1"
    content = "|".join([digest, d.id, "2025-12-31T23:59:58Z", request, iso(d.time), version])
    return [
        ["X-Webhook-Content-Digest", digest],
        ["X-Webhook-Event-Id", d.id],
        ["X-Webhook-Event-Timestamp", "2025-12-31T23:59:58Z"],
        ["X-Webhook-Request-Id", request],
        ["X-Webhook-Request-Timestamp", iso(d.time)],
        ["X-Webhook-Key-Version", version],
        ["X-Webhook-Signature", base64.b64encode(ed_signed(d.secret, content)).decode()],
    ]


also(
    "integrated-finance",
    "digest-of-the-altered-body-beside-it",
    "bad_signature",
    sent={
        "body": b"{}",
        "with": [["X-Webhook-Content-Digest", base64.b64encode(hashlib.sha512(b"{}").digest()).decode()]],
    },
    why="the header says what anybody likes: what counts is the digest of the body that arrived",
)
also("integrated-finance", "version-altered", "bad_signature", sent={"with": [["X-Webhook-Key-Version", "2"]]})
also("integrated-finance", "bar-in-the-request-id", "malformed_content", sent={"with": [["X-Webhook-Request-Id", "a|b"]]})


# Ed25519 over the SHA-256 (32 bytes) of path:POST:body:milliseconds; base64url, not padded.
@provider(
    "kiwify-banking",
    **by(lambda name: pem(ed_key(name))),
    body=b'{"id":"550e8400-e29b-41d4-a716-446655440000","type":"CASHOUT.PIX.TRANSFERS.COMPLETED","version":"1.0","data":{}}',
    url="https://example.com/webhooks/kiwibank",
    binds=["body", "time", "method"],
    tolerance=300,
)
def kiwify(d, prehashed=True):
    content = joined([urlsplit(d.url).path, ":", d.method, ":", d.body, ":", d.time, "000"])
    signature = ed_signed(d.secret, hashlib.sha256(content).digest() if prehashed else content)
    return [["x-kiwify-digital-signature", base64url(signature)], ["x-kiwify-timestamp", f"{d.time}000"]]


also("kiwify-banking", "key-as-base64", "ok", secrets=[{"id": "main", "value": ed_base64("first")}])
also("kiwify-banking", "query-is-not-signed", "ok", sent={"url": "https://example.com/webhooks/kiwibank?from=kiwify"})
variant("kiwify-banking", "not-hashed-before", "bad_signature", lambda d: kiwify(d, prehashed=False))
also("kiwify-banking", "another-path", "bad_signature", sent={"url": "https://example.com/webhooks/other"})
also(
    "kiwify-banking",
    "beginning-of-the-body-moved-to-the-path",
    "malformed_signature",
    signed={"body": b'{"id":"1","description":"a:POST:b"}'},
    sent={"url": 'https://example.com/webhooks/kiwibank:POST:{"id":"1","description":"a', "body": b'b"}'},
    why="the same signed text, cut elsewhere",
)


# Body and nonce, one behind the other; base64. The nonce is eight random bytes in hex.
@provider(
    "sourcehut",
    **by(ed_base64),
    body=b'{"data":{"webhook":{"uuid":"550e8400-e29b-41d4-a716-446655440000","event":"GIT_POST_RECEIVE","updates":[]}}}',
    id="5f2d8c0a9e1b4736",
    binds=["body", "id"],
)
def sourcehut(d):
    signature = base64.b64encode(ed_signed(d.secret, d.body, d.id)).decode()
    return [["X-Webhook-Event", "GIT_POST_RECEIVE"], ["X-Payload-Nonce", d.id], ["X-Payload-Signature", signature]]


also(
    "sourcehut",
    "end-of-the-body-moved-into-the-nonce",
    "malformed_signature",
    signed={"body": b'{"data":{}} 0'},
    sent={"body": b'{"data":{}}', "with": [["X-Payload-Nonce", " 05f2d8c0a9e1b4736"]]},
    why="the signed text is the same: what keeps body and nonce apart is the length of the nonce",
)
also(
    "sourcehut",
    "digits-moved-into-the-nonce",
    "malformed_signature",
    signed={"body": b"[] 12"},
    sent={"body": b"[] ", "with": [["X-Payload-Nonce", "125f2d8c0a9e1b4736"]]},
)
also("sourcehut", "without-nonce", "malformed_signature", sent={"without": ["X-Payload-Nonce"]})


TOKENIO = b'{"eventType":"PAYMENT_STATUS_CHANGED","payment":{"id":"pm2:1"}}'


# The body; base64url.
@provider("tokenio", **by(lambda name: base64url(raw(name))), body=TOKENIO)
def tokenio(d):
    return [["token-signature", base64url(ed_signed(d.secret, d.body))]]


PADDED = base64url(ed_signed("first", TOKENIO)) + "=="
also("tokenio", "padded", "ok", sent={"with": [["token-signature", PADDED]]})


# v1.ed25519.KEY.MILLISECONDS.EVENT.BODY; hex. The key's id is the `kid` of the key set.
@provider(
    "turnkey",
    **by(ed_jwk),
    body=b'{"type":"activity.created","data":{"id":"act_123"}}',
    id="019c0d5e-7f3a-7c21-9b0e-4d5f6a7b8c9d",
    binds=["body", "time", "id"],
    tolerance=300,
    rotates=False,
)
def turnkey(d):
    signature = ed_signed(d.secret, "v1.ed25519.main.", d.time, "000.", d.id, ".", d.body)
    return [
        ["X-Turnkey-Timestamp", f"{d.time}000"],
        ["X-Turnkey-Event-Id", d.id],
        ["X-Turnkey-Signature-Key-Id", "main"],
        ["X-Turnkey-Signature-Algorithm", "ed25519"],
        ["X-Turnkey-Signature-Version", "v1"],
        ["X-Turnkey-Signature", signature.hex()],
    ]


also("turnkey", "key-as-hex", "ok", secrets=[{"id": "main", "value": raw("first").hex()}])
also("turnkey", "names-a-key-that-is-not-held", "unknown_key", sent={"with": [["X-Turnkey-Signature-Key-Id", "other"]]})
also(
    "turnkey",
    "names-another-key-that-is-held",
    "bad_signature",
    secrets=[{"id": "main", "value": ed_jwk("first")}, {"id": "other", "value": ed_jwk("second")}],
    sent={"with": [["X-Turnkey-Signature-Key-Id", "other"]]},
)
also("turnkey", "another-version", "malformed_signature", sent={"with": [["X-Turnkey-Signature-Version", "v2"]]})
also("turnkey", "another-algorithm", "malformed_signature", sent={"with": [["X-Turnkey-Signature-Algorithm", "ecdsa"]]})


# The body; base64.
@provider(
    "highlevel",
    **by(lambda name: pem(ed_key(name))),
    body=b'{"type":"ContactCreate","locationId":"ve9EPM428h8vShlRW1KT","id":"nmFmQEsNgz6AVpgLVUJ0"}',
)
def highlevel(d):
    return [["x-ghl-signature", base64.b64encode(ed_signed(d.secret, d.body)).decode()]]


also("highlevel", "key-as-base64", "ok", secrets=[{"id": "main", "value": ed_base64("first")}])
also(
    "highlevel",
    "in-the-header-of-before",
    "missing_signature",
    sent={"without": ["x-ghl-signature"], "more": [["x-wh-signature", rsa_signed("first", b"{}")]], "body": b"{}"},
)

# ───────────── ECDSA ─────────────


def circle_key(name):
    return json.dumps(
        {
            "data": {
                "id": f"key-{name}",
                "algorithm": "ECDSA_SHA_256",
                "publicKey": base64.b64encode(der(p256_key(name))).decode(),
                "createDate": "2026-01-01T00:00:00Z",
            }
        }
    )


# The body; DER in base64. A header names the key.
@provider(
    "circle",
    **published(documents={f"circle/key-{name}": circle_key(name) for name in ("first", "second")}),
    body=b'{"subscriptionId":"00000000-0000-0000-0000-000000000001","notificationId":"00000000-0000-0000-0000-000000000002",'
    b'"notificationType":"webhooks.test","notification":{"hello":"world"},"timestamp":"2026-01-01T00:00:00.123Z","version":2}',
)
def circle(d):
    return [["X-Circle-Key-Id", "key-first"], ["X-Circle-Signature", p256_signed(d.secret, d.body)]]


also("circle", "no-key-in-the-answer", "key_unavailable", documents={"circle/key-first": '{"code":401,"message":"Invalid credentials."}'})
also("circle", "without-key-id", "missing_header", sent={"without": ["X-Circle-Key-Id"]})
also("circle", "key-id-is-a-path", "unknown_key", sent={"with": [["X-Circle-Key-Id", "../../v1/wallets"]]})
handshake("circle", "endpoint-is-tried", {"method": "HEAD", "secrets": []}, kind="ignore")
also("circle", "head-with-a-body", "missing_signature", sent={"without": ["X-Circle-Signature"], "method": "HEAD"})

# ───────────── RSA, PKCS #1 v1.5 ─────────────


# Base64 of the body.
@provider(
    "adobe-commerce",
    **by(rsa_pem),
    body=b'{"eventName":"observer.catalog_product_save_before","data":{"product":{"sku":"24-MB01","price":34}}}',
    bytes_pass=True,
)
def adobe(d):
    return [["x-adobe-commerce-webhook-signature", rsa_signed(d.secret, base64.b64encode(d.body))]]


also(
    "adobe-commerce",
    "signed-as-it-is",
    "bad_signature",
    sent={"body": b"{}", "with": [["x-adobe-commerce-webhook-signature", rsa_signed("first", b"{}")]]},
)


# METHOD PATH, a new line, client, dot, time, dot, body; base64, percent-encoded.
@provider(
    "alipay-antom",
    **by(lambda name: base64.b64encode(der(rsa_key(name))).decode()),
    body=b'{"notifyType":"PAYMENT_RESULT","result":{"resultCode":"SUCCESS","resultStatus":"S"},"paymentRequestId":"PR_1"}',
    url="https://example.com/payments/notify",
    vars={"client_id": "T_111222333"},
    binds=["body", "time", "method"],
    tolerance=300,
)
def antom(d, time=None, space="", client="T_111222333"):
    time = time or iso(d.time, "+08:00")
    signature = rsa_signed(d.secret, d.method, " ", urlsplit(d.url).path, "\n", client, ".", time, ".", d.body)
    return [
        ["Client-Id", client],
        ["Request-Time", time],
        ["Signature", f"algorithm=RSA256,{space}keyVersion=1,{space}signature={quote(signature, safe='')}"],
    ]


also("alipay-antom", "answered", "ok", accepted={
    "status": 200,
    "content_type": "application/json",
    "body": '{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}',
})
also("alipay-antom", "key-as-pem", "ok", secrets=[{"id": "main", "value": rsa_pem("first")}])
also("alipay-antom", "client-altered", "bad_signature", sent={"with": [["Client-Id", "T_999"]]})


variant("alipay-antom", "of-another-client", "claim_mismatch", lambda d: antom(d, client="T_999"))
variant("alipay-antom", "spaces-between-pairs", "ok", lambda d: antom(d, space=" "))
variant("alipay-antom", "time-in-milliseconds", "ok", lambda d: antom(d, time=f"{d.time}123"), signed_at=TIME)


ALIPAY = {
    "notify_time": "2026-01-01 08:00:00",
    "notify_type": "trade_status_sync",
    "notify_id": "2026010101222080000144199160501632046",
    "sign_type": "RSA2",
    "app_id": "9021000122682882",
    "out_trade_no": "1767225600",
    "trade_no": "2026010122001499160501589436",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "0.01",
    "subject": "茶 & Tee + 1",
    "body": "",
}


# The decoded fields as name=value, sorted, without `sign`, `sign_type` and empty ones.
@provider(
    "alipay-cn",
    **by(lambda name: base64.b64encode(der(rsa_key(name))).decode()),
    body=urlencode(ALIPAY).encode(),
    url="https://example.com/alipay/notify?shop=1",
    vars={"app_id": ALIPAY["app_id"]},
    headers=(FORM,),
    binds=[],
)
def alipay_cn(d):
    fields = dict(parse_qsl(d.body.decode(), keep_blank_values=True))
    content = "&".join(f"{k}={v}" for k, v in sorted(fields.items()) if v and k != "sign_type")
    return Sent([], body=urlencode(fields | {"sign": rsa_signed(d.secret, content)}).encode())


also("alipay-cn", "answered", "ok", accepted={"status": 200, "content_type": "text/plain", "body": "success"})
also(
    "alipay-cn",
    "a-return-as-a-notification",
    "claim_mismatch",
    signed={"body": urlencode({k: v for k, v in ALIPAY.items() if not k.startswith("notify_")}).encode()},
    why="whoever pays has the signed parameters of the return, and could post them",
)
also(
    "alipay-cn",
    "a-return-with-an-empty-id",
    "claim_mismatch",
    signed={"body": urlencode({k: v for k, v in ALIPAY.items() if not k.startswith("notify_")} | {"notify_id": ""}).encode()},
    why="what is empty is not signed",
)
also(
    "alipay-cn",
    "of-another-application",
    "claim_mismatch",
    signed={"body": urlencode(ALIPAY | {"app_id": "9021000999999999"}).encode()},
)
also(
    "alipay-cn",
    "the-older-hash",
    "malformed_signature",
    signed={"body": urlencode(ALIPAY | {"sign_type": "RSA"}).encode()},
    why="sign_type is not signed, and RSA is SHA-1",
)


BITSO = '"payload":{"wid":"c5b8d7f0","status":"complete","amount":"10.50","note":"Jörg"}}'


# `payload` as compact JSON. A header names the key of the list.
@provider(
    "bitso-payouts",
    **by(lambda name: base64.b64encode(der(rsa_key(name))).decode()),
    body=f'{{"event":"withdrawal",{BITSO}'.encode(),
    binds=[],
    rotates=False,
)
def bitso(d):
    payload = compact(json.loads(d.body)["payload"])
    return [["x-bitso-webhook-event-signature", rsa_signed(d.secret, payload)], ["x-bitso-key-id", "main"]]


SPREAD = json.dumps(json.loads(f'{{"event":"withdrawal",{BITSO}'), indent=2, ensure_ascii=False) + "\n"
also("bitso-payouts", "sent-with-white-space", "ok", sent={"body": SPREAD.encode()})
also(
    "bitso-payouts",
    "event-is-not-signed",
    "ok",
    sent={"body": f'{{"event":"funding",{BITSO}'.encode()},
    why="the provider signs `payload` alone",
)
also(
    "bitso-payouts",
    "payload-altered",
    "bad_signature",
    sent={"body": f'{{"event":"withdrawal",{BITSO}'.replace("10.50", "99.50").encode()},
)
also(
    "bitso-payouts",
    "payload-twice",
    "malformed_content",
    sent={"body": f'{{"payload":{{"wid":"x"}},"event":"withdrawal",{BITSO}'.encode()},
)
also("bitso-payouts", "names-a-key-that-is-not-held", "unknown_key", sent={"with": [["x-bitso-key-id", "other"]]})


# RSA with SHA-256 over the SHA-256 (32 bytes) of milliseconds, dot and body.
@provider(
    "bridge-xyz",
    **by(rsa_pem),
    body=b'{"api_version":"v0","event_id":"wh_1","event_category":"transfer","event_type":"transfer.updated","event_object":{}}',
    binds=["body", "time"],
    tolerance=600,
)
def bridge(d, twice=True):
    content = joined([d.time, "000.", d.body])
    return [["X-Webhook-Signature", f"t={d.time}000,v0=" + rsa_signed(d.secret, hashlib.sha256(content).digest() if twice else content)]]


also(
    "bridge-xyz",
    "refused-as-bridge-wants-it",
    "bad_signature",
    sent={"body": b"{}"},
    refused={"status": 400, "content_type": "text/plain", "body": ""},
)
variant("bridge-xyz", "hashed-once", "bad_signature", lambda d: bridge(d, twice=False))


# The body.
@provider("chip-collect", **by(rsa_pem), body=b'{"id":"8f1c5e0a-0b5f-4f0e-8d8c-0f1f6c1b2a3d","event_type":"purchase.paid","status":"paid"}')
def chip(d):
    return [["X-Signature", rsa_signed(d.secret, d.body)]]


CRYPTAPI = "https://example.com/cryptapi?order=17&uuid=dbfcb40e-5a6b-4305-9fa2-b0fbda6e3ff2&value_coin=0.05&confirmations=3&pending=0"


# The URL of a GET, the body of a POST; a key of 1024 bits.
@provider(
    "cryptapi",
    secret="weak first",
    other="weak second",
    held=rsa_pem,
    method="GET",
    url=CRYPTAPI,
    headers=(),
    body=b"",
    binds=[],
)
def cryptapi(d):
    return [["x-ca-signature", rsa_signed(d.secret, d.url if d.method == "GET" else d.body)]]


also("cryptapi", "answered", "ok", accepted={"status": 200, "content_type": "text/plain", "body": "*ok*"})
also("cryptapi", "more-coin", "bad_signature", sent={"url": CRYPTAPI.replace("0.05", "50.5")})
also("cryptapi", "url-vouches-for-no-body", "disallowed", sent={"body": b"value_coin=50"})
also(
    "cryptapi",
    "post",
    "ok",
    signed={"method": "POST", "url": "https://example.com/cryptapi?order=17", "body": urlsplit(CRYPTAPI).query.encode()},
)
also(
    "cryptapi",
    "post-of-json",
    "ok",
    signed={"method": "POST", "url": "https://example.com/cryptapi?order=17", "body": b'{"uuid":"dbfcb40e","value_coin":0.05}'},
    sent={"more": [["Content-Type", "application/json"]]},
)
also(
    "cryptapi",
    "a-url-of-another-customer-as-a-body",
    "malformed_signature",
    signed={"method": "POST", "url": "https://example.com/cryptapi?order=17", "body": b"https://example.org/?x=1&order=17&value_coin=50"},
    sent={"more": [["Content-Type", "application/x-www-form-urlencoded"]]},
    why="as a form it would be a payment of any amount: its URL is everybody's own to choose",
)


KICK = "https://api.kick.com/public/v1/public-key"


# ID.TIME.BODY.
@provider(
    "kick",
    **published(documents={KICK: json.dumps({"data": {"public_key": rsa_pem("first")}, "message": "OK"})}),
    body=b'{"broadcaster":{"user_id":123456789,"channel_slug":"acme"},"follower":{"user_id":987654321}}',
    id="01JB1FSDQ4RM1W4Z7GJ6Q2W8YB",
    binds=["body", "time", "id"],
    tolerance=300,
)
def kick(d):
    return [
        ["Kick-Event-Message-Id", d.id],
        ["Kick-Event-Message-Timestamp", iso(d.time)],
        ["Kick-Event-Signature", rsa_signed(d.secret, d.id, ".", iso(d.time), ".", d.body)],
        ["Kick-Event-Type", "channel.followed"],
        ["Kick-Event-Version", "1"],
    ]


also("kick", "type-is-not-signed", "ok", sent={"with": [["Kick-Event-Type", "channel.subscription.new"]]})
also("kick", "no-key-in-the-document", "key_unavailable", documents={KICK: '{"message":"busy"}'})


# TIME.URL.SHA-256 of the body in hex.
@provider(
    "manus",
    **by(rsa_pem),
    body=b'{"event_id":"evt_1","event_type":"task_created","task_detail":{"task_id":"task_abc123"}}',
    url="https://example.com/hooks/manus?tenant=7",
    binds=["body", "time", "url", "query"],
    tolerance=300,
)
def manus(d):
    return [["X-Webhook-Timestamp", str(d.time)], ["X-Webhook-Signature", rsa_signed(d.secret, d.time, ".", d.url, ".", digest(d.body))]]


also("manus", "another-url", "bad_signature", sent={"url": "https://example.com/hooks/manus?tenant=8"})


# METHOD:PATH:SHA-256 of the body's JSON without white space, in hex:TIME.
@provider(
    "midtrans-snap-bi",
    **by(rsa_pem),
    body=b'{"originalPartnerReferenceNo":"order-1","latestTransactionStatus":"00","amount":{"value":"10000.00","currency":"IDR"}}',
    url="https://example.com/v1.0/debit/notify",
    binds=["time", "method"],
    tolerance=300,
)
def midtrans(d):
    content = f"{d.method}:{urlsplit(d.url).path}:{digest(compact(json.loads(d.body)))}:{iso(d.time, '+07:00')}"
    return [["X-Timestamp", iso(d.time, "+07:00")], ["X-Signature", rsa_signed(d.secret, content)]]


MIDTRANS = b'{"originalPartnerReferenceNo":"order-1","latestTransactionStatus":"00","amount":{"value":"10000.00","currency":"IDR"}}'
also("midtrans-snap-bi", "sent-with-white-space", "ok", sent={"body": json.dumps(json.loads(MIDTRANS), indent=2).encode()})
also("midtrans-snap-bi", "amount-altered", "bad_signature", sent={"body": MIDTRANS.replace(b"10000", b"90000")})
also("midtrans-snap-bi", "member-twice", "malformed_content", sent={"body": b'{"latestTransactionStatus":"06",' + MIDTRANS[1:]})
also("midtrans-snap-bi", "another-path", "bad_signature", sent={"url": "https://example.com/v1.0/qr/qr-mpm-notify"})


# TIME.BODY; a key set, and a header that names the key.
@provider(
    "shipengine",
    **published(documents={"https://api.shipengine.com/jwks": rsa_jwks("first", "second")}),
    body=b'{"resource_url":"https://api.shipengine.com/v1/tracking?carrier_code=usps","resource_type":"API_TRACK","data":{}}',
    binds=["body", "time"],
    tolerance=300,
)
def shipengine(d, time=None):
    time = time or iso(d.time)
    return [
        ["x-shipengine-rsa-sha256-key-id", "kid-first"],
        ["x-shipengine-rsa-sha256-signature", rsa_signed(d.secret, time, ".", d.body)],
        ["x-shipengine-timestamp", time],
    ]


also("shipengine", "names-another-key", "bad_signature", sent={"with": [["x-shipengine-rsa-sha256-key-id", "kid-second"]]})
also("shipengine", "without-key-id", "unknown_key", sent={"without": ["x-shipengine-rsa-sha256-key-id"]})
variant("shipengine", "time-with-a-fraction", "ok", lambda d: shipengine(d, "2026-01-01T00:00:00.123Z"), signed_at=TIME)

UNIONPAY = {
    "accessType": "0",
    "bizType": "000201",
    "currencyCode": "156",
    "encoding": "utf-8",
    "merId": "777290058110048",
    "orderId": "order20260101000000",
    "queryId": "782601010000000000018",
    "respCode": "00",
    "respMsg": "成功[0000000]",
    "signMethod": "01",
    "signPubKeyCert": "-----BEGIN CERTIFICATE-----\r\nMIIC\r\n-----END CERTIFICATE-----",
    "txnAmt": "1",
    "version": "5.1.0",
}


# The fields of the form but `signature`, sorted and joined as name=value&…; of that the SHA-256 in hex, and that is signed.
@provider("unionpay", **by(rsa_pem), headers=(FORM,), body=urlencode(UNIONPAY).encode(), binds=[])
def unionpay(d):
    fields = parse_qsl(d.body.decode(), keep_blank_values=True)
    content = "&".join(f"{name}={value}" for name, value in sorted(fields))
    return Sent([], urlencode([*fields, ("signature", rsa_signed(d.secret, digest(content)))]).encode())


def unionpay_sent(signed=(), **altered):
    fields = UNIONPAY | dict(signed)
    content = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    return {"body": urlencode(fields | {"signature": rsa_signed("first", digest(content))} | altered).encode()}


also("unionpay", "an-empty-field-is-signed", "ok", sent=unionpay_sent({"reserved": ""}))
also("unionpay", "amount-altered", "bad_signature", sent=unionpay_sent(txnAmt="100"))
also("unionpay", "another-certificate-brought-along", "bad_signature", sent=unionpay_sent(signPubKeyCert="-----BEGIN CERTIFICATE-----"))
also("unionpay", "version-of-before", "malformed_signature", sent=unionpay_sent({"version": "5.0.0"}))


# Three lines, each with its end: time, nonce, body. A header names the key.
@provider(
    "wechat-pay-v3",
    **by(rsa_pem),
    body=b'{"id":"EV-2018022511223320873","create_time":"2026-01-01T08:00:00+08:00","resource_type":"encrypt-resource",'
    b'"event_type":"TRANSACTION.SUCCESS","resource":{"algorithm":"AEAD_AES_256_GCM","ciphertext":"...","nonce":"..."}}',
    binds=["body", "time"],
    tolerance=299,
    rotates=False,
)
def wechat(d):
    nonce = "c5ac7061fccab6bf3e254dcf98995b8c"
    return [
        ["Wechatpay-Nonce", nonce],
        ["Wechatpay-Serial", "main"],
        ["Wechatpay-Signature", rsa_signed(d.secret, d.time, "\n", nonce, "\n", d.body, "\n")],
        ["Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048"],
        ["Wechatpay-Timestamp", str(d.time)],
    ]


SERIAL = "PUB_KEY_ID_0117000000000000000000000001"
also(
    "wechat-pay-v3",
    "public-key-by-its-id",
    "ok",
    secrets=[{"id": SERIAL, "value": rsa_pem("first")}],
    sent={"with": [["Wechatpay-Serial", SERIAL]]},
)
also("wechat-pay-v3", "serial-not-held", "unknown_key", sent={"with": [["Wechatpay-Serial", SERIAL]]})
also("wechat-pay-v3", "probe", "bad_signature", sent={
    "with": [["Wechatpay-Signature", "WECHATPAY/SIGNTEST/" + rsa_signed("first", b"probe")[19:]]],
})


# The body.
@provider(
    "wise",
    **by(rsa_pem),
    body=b'{"data":{"resource":{"id":111,"profile_id":222,"type":"transfer"},"current_state":"processing"},'
    b'"subscription_id":"01234567-89ab-cdef-0123-456789abcdef","event_type":"transfers#state-change","schema_version":"2.0.0"}',
)
def wise(d):
    return [["X-Delivery-Id", "3b8ce8ae-3f2a-4d4a-8f0e-1c2d3e4f5a6b"], ["X-Signature-SHA256", rsa_signed(d.secret, d.body)]]


also("wise", "with-sha1-alone", "missing_signature", sent={
    "without": ["X-Signature-SHA256"],
    "body": b"{}",
    "more": [["X-Signature", rsa_signed("first", b"{}", hash=hashes.SHA1)]],
})


# The body, and behind it the time that stands in it.
@provider(
    "orum",
    **by(rsa_pem),
    body=b'{"event_id":"2d5lde32-3973-5297-vb32-be24f559ef81","event_type":"external_account_created",'
    b'"created_at":"2026-01-01T00:00:00.441Z","event_data":{"external_account":{"status":"created"}}}',
    bytes_pass=False,
)
def orum(d):
    return [["Signature", rsa_signed(d.secret, d.body + json.loads(d.body)["created_at"].encode())]]


also(
    "orum",
    "body-alone",
    "bad_signature",
    sent={"with": [["Signature", rsa_signed("first", SIGNERS["orum"].delivery.body)]]},
    why="what is signed is the body and the time",
)
also("orum", "without-time", "missing_header", sent={"body": b'{"event_type":"external_account_created"}'})


# The body, by SHA-1 and by SHA-256; a key set on the installation, and a header that names the key.
@provider(
    "postal",
    **published(
        vars={"server": "https://postal.example.com"},
        documents={"https://postal.example.com/.well-known/jwks.json": rsa_jwks("first")},
    ),
    body=b'{"event":"MessageSent","timestamp":1767225600.123,"payload":{"status":"Sent"},"uuid":"0d4a1c2e-7f3b-4f6d-9a55-2b8a0f9f6e3c"}',
)
def postal(d):
    return [
        ["X-Postal-Signature-KID", "kid-first"],
        ["X-Postal-Signature", rsa_signed(d.secret, d.body, hash=hashes.SHA1)],
        ["X-Postal-Signature-256", rsa_signed(d.secret, d.body)],
    ]


also("postal", "with-sha1-alone", "missing_signature", sent={"without": ["X-Postal-Signature-256"]})
also("postal", "names-a-key-that-is-not-there", "unknown_key", sent={"with": [["X-Postal-Signature-KID", "kid-second"]]})
also("postal", "of-a-form", "ok", signed={"body": b"rcpt_to=a%40example.com&message=x"}, sent={"with": [FORM]})

TRAVIS = '{"id":1,"number":"1","type":"push","state":"passed","repository":{"name":"hello","owner_name":"acme"}}'

TRAVIS_KEY = {"public_key": rsa_pem("first")}


# The form's field `payload`, by SHA-1.
@provider(
    "travis-ci",
    **published(documents={"https://api.travis-ci.com/config": json.dumps({"config": {"notifications": {"webhook": TRAVIS_KEY}}})}),
    headers=(FORM,),
    body=urlencode({"payload": TRAVIS}).encode(),
    binds=[],
)
def travis(d):
    payload = dict(parse_qsl(d.body.decode()))["payload"]
    return [["Travis-Repo-Slug", "acme/hello"], ["Signature", rsa_signed(d.secret, payload, hash=hashes.SHA1)]]


also("travis-ci", "payload-altered", "bad_signature", sent={"body": urlencode({"payload": TRAVIS.replace("passed", "failed")}).encode()})
also("travis-ci", "field-beside-it", "claim_mismatch", sent={"body": urlencode({"payload": TRAVIS, "more": "1"}).encode()})
also("travis-ci", "field-that-php-takes-for-it", "claim_mismatch", sent={"body": urlencode({"payload": TRAVIS, " payload": "{}"}).encode()})
also("travis-ci", "payload-twice", "malformed_content", sent={"body": urlencode([("payload", "{}"), ("payload", TRAVIS)]).encode()})


# The body, by SHA-512.
@provider(
    "fireblocks-v1",
    **by(rsa_pem),
    vars={"tenant_id": "acfed1d2-1111-2222-3333-444455556666"},
    bytes_pass=False,
    body=b'{"type":"TRANSACTION_CREATED","tenantId":"acfed1d2-1111-2222-3333-444455556666","timestamp":1767225600123,"data":{}}',
)
def fireblocks(d):
    return [["Fireblocks-Signature", rsa_signed(d.secret, d.body, hash=hashes.SHA512)]]


also(
    "fireblocks-v1",
    "of-another-workspace",
    "claim_mismatch",
    signed={"body": b'{"type":"TRANSACTION_CREATED","tenantId":"acfed1d2-1111-2222-3333-777788889999","data":{}}'},
)
also("fireblocks-v1", "by-sha256", "bad_signature", sent={"body": b"{}", "with": [["Fireblocks-Signature", rsa_signed("first", b"{}")]]})

# ───────────── RSA-PSS ─────────────


CONTENTSTACK_KEYS = "https://app.contentstack.com/.well-known/public-keys.json"


# The body, whose `triggered_at` is the time; v1=, and a salt of 32 bytes. The key is PKCS #1 in JSON.
@provider(
    "contentstack",
    **published(documents={CONTENTSTACK_KEYS: json.dumps({"signing-key": pkcs1(rsa_key("first"))})}),
    body=b'{"triggered_at":"2026-01-01T00:00:00.000Z","event":"publish","module":"entry","api_key":"blt123a123b123b","data":{}}',
    vars={"api_key": "blt123a123b123b"},
    binds=["body", "time"],
    tolerance=900,
)
def contentstack(d):
    return [["X-Contentstack-Request-Signature", "v1=" + pss_signed(d.secret, d.body)]]


CONTENTSTACK = b'{"triggered_at":"2026-01-01T00:00:00.000Z","event":"publish","module":"entry","api_key":"blt123a123b123b","data":{}}'
also("contentstack", "with-the-salt-of-before", "bad_signature", sent={
    "with": [["X-Contentstack-Request-Signature", "v1=" + pss_signed("first", CONTENTSTACK, salt=222)]],
}, why="the provider's page says that salts are 32 bytes long, and no longer 222")
also("contentstack", "of-two-versions", "ok", sent={
    "with": [["X-Contentstack-Request-Signature", f"v1={pss_signed('first', CONTENTSTACK)},v2=AAAA"]],
})
also("contentstack", "padded-as-pkcs1", "bad_signature", sent={
    "with": [["X-Contentstack-Request-Signature", "v1=" + rsa_signed("first", CONTENTSTACK)]],
})
also("contentstack", "without-its-time", "missing_timestamp", signed={"body": b'{"event":"publish","module":"entry","api_key":"blt123a123b123b"}'})
also("contentstack", "of-another-stack", "claim_mismatch", signed={"body": CONTENTSTACK.replace(b"blt123a", b"blt999a")})


# The body, by SHA-512 and a salt as long.
@provider(
    "utila",
    **by(rsa_pem),
    body=b'{"id":"evt_1","vault":"vaults/1a2b3c","type":"TRANSACTION_STATE_UPDATED","resource":"vaults/1a2b3c/transactions/4"}',
)
def utila(d):
    return [["x-utila-signature", pss_signed(d.secret, d.body, algorithm="sha512")]]


also("utila", "by-sha256", "bad_signature", sent={"body": b"{}", "with": [["x-utila-signature", pss_signed("first", b"{}")]]})

# ───────────── the draft of HTTP signatures ─────────────

KEYGEN_DATE = "Thu, 01 Jan 2026 00:{:02}:{:02} GMT"


# (request-target), host, date, digest, in a header of its own; the digest's name in small letters.
@provider(
    "keygen",
    **by(lambda name: raw(name).hex()),
    body=b'{"data":{"id":"7b1fbd5a-6a30-4b28-a1e1-2b2a6ac5e5a0","type":"webhook-events","attributes":{"event":"license.created"}}}',
    binds=["body", "time", "url", "method", "query"],
    tolerance=300,
)
def keygen(d, covered=("(request-target)", "host", "date", "digest"), algorithm="ed25519"):
    said = {
        "(request-target)": f"{d.method.lower()} {d.path}",
        "host": urlsplit(d.url).netloc,
        "date": KEYGEN_DATE.format(*divmod(d.time - TIME, 60)),
        "digest": "sha-256=" + base64.b64encode(hashlib.sha256(d.body).digest()).decode(),
    }
    content = "\n".join(f"{name}: {said[name]}" for name in covered)
    signature = {
        "ed25519": lambda: base64.b64encode(ed_signed(d.secret, content)).decode(),
        "rsa-sha256": lambda: rsa_signed(d.secret, content),
        "rsa-pss-sha256": lambda: pss_signed(d.secret, content),
    }[algorithm]()
    account = "1fddcec8-8dd3-4d8d-9b16-215cac0f9b52"
    shown = f'keyid="{account}", algorithm="{algorithm}", signature="{signature}", headers="{" ".join(covered)}"'
    return [["Date", said["date"]], ["Digest", said["digest"]], ["Keygen-Signature", shown]]


RSA_HELD = [{"id": "main", "value": rsa_pem("first")}]
variant("keygen", "by-rsa", "ok", lambda d: keygen(d, algorithm="rsa-sha256"), secrets=RSA_HELD)
variant("keygen", "by-rsa-pss", "malformed_signature", lambda d: keygen(d, algorithm="rsa-pss-sha256"), secrets=RSA_HELD)
variant("keygen", "body-not-covered", "malformed_signature", lambda d: keygen(d, covered=("(request-target)", "host", "date")))
also("keygen", "digest-of-the-altered-body", "bad_signature", sent={
    "body": b"{}",
    "with": [["Digest", "sha-256=" + base64.b64encode(hashlib.sha256(b"{}").digest()).decode()]],
})
also("keygen", "in-the-usual-header", "missing_signature", sent={
    "without": ["Keygen-Signature"],
    "more": [["Signature", 'keyId="a",algorithm="ed25519",signature="AAAA",headers="date digest"']],
})
