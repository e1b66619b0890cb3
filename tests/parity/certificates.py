#!/usr/bin/env python3
"""Checks every signature under a certificate in presets/*.vectors.toml once more, with Python's `cryptography` and none of this
project's code: what was signed, whether the certificate of the case signed it, and whether a case that verifies has a
certificate that its anchor issued and that was valid then.

    python3 tests/parity/certificates.py [-v]

Python 3.11 or later, and `cryptography` (pip install cryptography).
"""

import datetime
import json
import sys
import zlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from check import Request, sweep, unbase64, unsigned

# ───────────── schemes: a request and its variables in; the content, the signature and the hash out ─────────────


def sns(r, _):
    message = json.loads(r.body)
    named = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if message["Type"] != "Notification":
        named = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    content = "".join(f"{name}\n{message[name]}\n" for name in named if name in message)
    hash = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]
    return content.encode(), unbase64(message["Signature"]), hash, message["SigningCertURL"]


def paypal(r, vars):
    given = [r.header("paypal-transmission-id"), r.header("paypal-transmission-time"), vars["webhook_id"]]
    content = "|".join([*given, str(zlib.crc32(r.body))])
    return content.encode(), unbase64(r.header("paypal-transmission-sig")), hashes.SHA256(), r.header("paypal-cert-url")


def alexa(r, _):
    return r.body, unbase64(r.header("signature-256")), hashes.SHA256(), r.header("signaturecertchainurl")


SCHEMES = {"aws-sns": (sns,), "paypal": (paypal,), "paypal-sandbox": (paypal,), "alexa": (alexa,)}

# ───────────── judging ─────────────


def signed(certificate, content, signature, hash):
    try:
        certificate.public_key().verify(signature, content, padding.PKCS1v15(), hash)
        return True
    except InvalidSignature:
        return False


def path_complaint(chain, anchors, now):
    """What is wrong with a chain, leaf first, that must lead to one of the anchors. Of the roots of the web we know none here."""
    for certificate, issuer in zip(chain, chain[1:]):
        certificate.verify_directly_issued_by(issuer)
    for certificate in chain:
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return f"{certificate.subject} is not valid"
    if not anchors:
        return None
    for anchor in anchors:
        try:
            chain[-1].verify_directly_issued_by(anchor)
            return None
        except (InvalidSignature, ValueError):
            continue
    return "it leads to no anchor"


def complaint(case, scheme):
    content, signature, hash, url = scheme(Request(case), case.get("vars", {}))
    url = url.replace(":443/", "/")
    chain = x509.load_pem_x509_certificates(case["documents"][url].encode())
    # A key is called by its URL, and a case that is like another may have been sent with another URL.
    problem = unsigned({"expect": case["expect"]}, [url] if signed(chain[0], content, signature, hash) else [])
    if problem or case["expect"] == "bad_signature":
        return problem
    anchors = [x509.load_pem_x509_certificate(secret["value"].encode()) for secret in case.get("secrets", [])]
    now = datetime.datetime.fromtimestamp(case["now"], datetime.timezone.utc)
    problem = path_complaint(chain, anchors, now)
    return f"expects {case['expect']}, but {problem}" if problem else None


if __name__ == "__main__":
    sys.exit(sweep(SCHEMES, complaint))
