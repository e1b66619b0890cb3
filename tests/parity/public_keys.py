#!/usr/bin/env python3
"""Checks every public-key signature in presets/*.vectors.toml once more, with Python's `cryptography` and none of this
project's code. What check.py is for shared secrets, this is for keys of two halves; it knows each provider's scheme in Python
and nothing of the presets.

    python3 tests/parity/public_keys.py [-v]

Python 3.11 or later, and `cryptography` (pip install cryptography).
"""

import base64
import sys
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from check import Request, sweep, unbase64, unhex, unsigned

# ───────────── schemes: a request and a key's text in; the key, the content and the signatures out ─────────────


def raw_ed25519(data):
    return Ed25519PublicKey.from_public_bytes(data)


def spki(text):
    if "-----BEGIN" in text:
        return serialization.load_pem_public_key(text.strip().encode())
    return serialization.load_der_public_key(base64.b64decode(text))


def discord(r, key):
    content = r.header("x-signature-timestamp").encode() + r.body
    return raw_ed25519(unhex(key)), content, [unhex(r.header("x-signature-ed25519"))]


def telnyx(r, key):
    content = r.header("telnyx-timestamp").encode() + b"|" + r.body
    return raw_ed25519(unbase64(key)), content, [unbase64(r.header("telnyx-signature-ed25519"))]


def standard(r, key):
    brand = "svix" if r.header("svix-signature") else "webhook"
    content = f"{r.header(brand + '-id')}.{r.header(brand + '-timestamp')}.".encode() + r.body
    entries = r.header(brand + "-signature").split()
    return raw_ed25519(unbase64(key.removeprefix("whpk_"))), content, [unbase64(e[4:]) for e in entries if e.startswith("v1a,")]


def sendgrid(r, key):
    content = r.header("x-twilio-email-event-webhook-timestamp").encode() + r.body
    return spki(key), content, [unbase64(r.header("x-twilio-email-event-webhook-signature"))]


def alipay(r, key):
    query = parse_qsl(urlsplit(r.url).query, keep_blank_values=True)
    pairs = query if "sign" in dict(query) else r.form()
    kept = sorted((k, v) for k, v in pairs if k not in ("sign", "sign_type") and v)
    return spki(key), "&".join(f"{k}={v}" for k, v in kept).encode(), [unbase64(dict(pairs)["sign"])]


SCHEMES = {
    "discord": (discord,),
    "telnyx": (telnyx,),
    "standard-webhooks-ed25519": (standard,),
    "svix-ed25519": (standard,),
    "sendgrid": (sendgrid,),
    "alipay-cn": (alipay,),
}

# ───────────── judging ─────────────


def verifies(key, content, signature):
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, content)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
        return True
    except InvalidSignature:
        return False


def complaint(case, scheme):
    made = set()
    for secret in case["secrets"]:
        key, content, signatures = scheme(Request(case), secret["value"])
        if any(verifies(key, content, signature) for signature in signatures):
            made.add(secret["id"])
    return unsigned(case, made)


if __name__ == "__main__":
    sys.exit(sweep(SCHEMES, complaint))
