#!/usr/bin/env python3
"""Writes keys.json: keys of every kind in all their spellings, and signatures by them, made by OpenSSL by way of Python's
`cryptography`. Run once; the keys are fresh each time. They sign nothing but these tests.

    python3 crates/countersign-keys/tests/keys.py > crates/countersign-keys/tests/keys.json
"""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

CONTENT = b'{"test": 2432232314}'
HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def base64url(number, length=None):
    length = length or (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).rstrip(b"=").decode()


def jwk(key):
    if isinstance(key, rsa.RSAPrivateKey):
        p = key.private_numbers()
        n = p.public_numbers
        private = {"d": p.d, "p": p.p, "q": p.q, "dp": p.dmp1, "dq": p.dmq1, "qi": p.iqmp}
        public = {"kty": "RSA", "n": base64url(n.n), "e": base64url(n.e)}
        return public, {name: base64url(value) for name, value in private.items()}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        p, width = key.private_numbers(), (key.key_size + 7) // 8
        n = p.public_numbers
        crv = {256: "P-256", 384: "P-384", 521: "P-521"}[key.key_size]
        public = {"kty": "EC", "crv": crv, "x": base64url(n.x, width), "y": base64url(n.y, width)}
        return public, {"d": base64url(p.private_value, width)}
    raw = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": raw(key.public_key().public_bytes_raw())}, {"d": raw(key.private_bytes_raw())}


def thumbprint(public):
    text = json.dumps(dict(sorted(public.items())), separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def spellings(key):
    public, private = jwk(key)
    pub, none = key.public_key(), s.NoEncryption()
    of_public = {
        "pem": pub.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode(),
        "der": pub.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo).hex(),
        "jwk": json.dumps(public),
    }
    of_private = {
        "pem": key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, none).decode(),
        "der": key.private_bytes(s.Encoding.DER, s.PrivateFormat.PKCS8, none).hex(),
        "jwk": json.dumps(public | private),
    }
    if isinstance(key, ed25519.Ed25519PrivateKey):
        of_public["raw"] = pub.public_bytes_raw().hex()
        of_private["raw"] = key.private_bytes_raw().hex()
        of_private["pair"] = (key.private_bytes_raw() + pub.public_bytes_raw()).hex()
    else:
        of_private["old"] = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, none).decode()
        of_private["old-der"] = key.private_bytes(s.Encoding.DER, s.PrivateFormat.TraditionalOpenSSL, none).hex()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        of_public["point"] = pub.public_bytes(s.Encoding.X962, s.PublicFormat.UncompressedPoint).hex()
    if isinstance(key, rsa.RSAPrivateKey):
        of_public["old"] = pub.public_bytes(s.Encoding.PEM, s.PublicFormat.PKCS1).decode()
        of_public["old-der"] = pub.public_bytes(s.Encoding.DER, s.PublicFormat.PKCS1).hex()
    return public, of_public, of_private


def sign(key, word):
    if word == "ed25519":
        return key.sign(CONTENT)
    family, *rest = word.split("-")
    if family == "ecdsa":
        der = key.sign(CONTENT, ec.ECDSA(HASHES[rest[1]]))
        if rest[2:] != ["p1363"]:
            return der
        width = (key.key_size + 7) // 8
        return b"".join(number.to_bytes(width, "big") for number in utils.decode_dss_signature(der))
    hash = HASHES[rest[1]]
    pad = padding.PKCS1v15() if rest[0] == "pkcs1" else padding.PSS(padding.MGF1(hash), hash.digest_size)
    return key.sign(CONTENT, pad, hash)


KEYS = [
    ("ed25519", ed25519.Ed25519PrivateKey.generate(), ["ed25519"]),
    ("p256", ec.generate_private_key(ec.SECP256R1()), [
        "ecdsa-p256-sha256", "ecdsa-p256-sha256-p1363", "ecdsa-p256-sha384", "ecdsa-p256-sha512", "ecdsa-p256-sha1"]),
    ("p384", ec.generate_private_key(ec.SECP384R1()), [
        "ecdsa-p384-sha256", "ecdsa-p384-sha384", "ecdsa-p384-sha384-p1363", "ecdsa-p384-sha512"]),
    ("p521", ec.generate_private_key(ec.SECP521R1()), ["ecdsa-p521-sha512", "ecdsa-p521-sha512-p1363"]),
    ("rsa-2048", rsa.generate_private_key(65537, 2048), [
        "rsa-pkcs1-sha1", "rsa-pkcs1-sha256", "rsa-pkcs1-sha384", "rsa-pkcs1-sha512",
        "rsa-pss-sha256", "rsa-pss-sha384", "rsa-pss-sha512"]),
    ("rsa-2048-e3", rsa.generate_private_key(3, 2048), ["rsa-pkcs1-sha256"]),
    ("rsa-1024", rsa.generate_private_key(65537, 1024), ["rsa-pkcs1-sha1", "rsa-pkcs1-sha256", "rsa-pkcs1-sha512"]),
]

keys = []
for name, key, words in KEYS:
    public, of_public, of_private = spellings(key)
    signatures = {word: sign(key, word).hex() for word in words}
    keys.append({"name": name, "thumbprint": thumbprint(public), "public": of_public, "private": of_private, "signatures": signatures})
json.dump({"content": CONTENT.decode(), "keys": keys}, sys.stdout, indent=1)
print()
