#!/usr/bin/env python3
"""Checks every HTTP message signature in presets/*.vectors.toml once more, with Python's `cryptography` and none of this
project's code: the texts that are signed, the signatures, the digests of bodies. It knows RFC 9421 and the draft before it as
far as these senders use them, and nothing of the presets.

    python3 tests/parity/message_signatures.py [-v]

Python 3.11 or later, and `cryptography` (pip install cryptography).
"""

import hashlib
import hmac
import re
import sys
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from check import Request, sweep, unbase64, unsigned

# ───────────── what is signed: a request in; the text, the signature, the key's name and whether the digest fits out ─────────────


def target(r):
    url = urlsplit(r.url)
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def fits(shown, body):
    algorithm, _, value = shown.partition("=")
    return unbase64(value.strip(":")) == hashlib.new(algorithm.lower().replace("-", ""), body).digest()


def draft(r):
    said = dict(re.findall(r'(\w+)="([^"]*)"', r.header("signature")))
    derived = {"(request-target)": f"{r.method.lower()} {target(r)}", "host": urlsplit(r.url).netloc}
    names = said["headers"].split(" ")
    lines = [f"{name}: {derived.get(name) or r.header(name)}" for name in names]
    whole = "digest" not in names or fits(r.header("digest"), r.body)
    return "\n".join(lines), unbase64(said["signature"]), said["keyId"], whole


def standard(r):
    label, params = r.header("signature-input").split("=", 1)
    names = re.findall(r'"([^"]*)"', params[: params.index(")")])
    derived = {"@method": r.method, "@request-target": target(r), "@authority": urlsplit(r.url).netloc}
    lines = [f'"{name}": {derived.get(name) or r.header(name)}' for name in names]
    lines.append(f'"@signature-params": {params}')
    signature = unbase64(r.header("signature").removeprefix(f"{label}=:").removesuffix(":"))
    whole = "content-digest" not in names or fits(r.header("content-digest"), r.body)
    return "\n".join(lines), signature, None, whole


def made(secret, content, signature):
    if "-----BEGIN" not in secret:
        return hmac.compare_digest(hmac.new(secret.encode(), content, hashlib.sha256).digest(), signature)
    key = serialization.load_pem_public_key(secret.strip().encode())
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, content)
        else:
            key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
        return True
    except InvalidSignature:
        return False


# The scheme, and whether the name that a signature gives is that of its key.
SCHEMES = {"drone": (draft, False), "mastodon": (draft, True), "woodpecker": (standard, False)}

# ───────────── judging ─────────────


def complaint(case, scheme, named):
    content, signature, name, whole = scheme(Request(case))
    secrets = [secret for secret in case["secrets"] if not named or secret["id"] == name]
    signed = [secret["id"] for secret in secrets if whole and made(secret["value"], content.encode(), signature)]
    return unsigned(case, signed)


if __name__ == "__main__":
    sys.exit(sweep(SCHEMES, complaint))
