#!/usr/bin/env python3
"""The vectors of presets of mode `x509` that no provider publishes, signed without any of this project's code; and the
certificates under which the published ones stand.

No provider gives away the key of a certificate, and where somebody's tests have a key of their own, its certificate is
self-signed and made out to nobody. So there is an anchor here, made for these cases, and it issues what they need: over a key
made here for what is signed here, and over the published keys for what was signed elsewhere. Everything is derived from fixed
text, and ECDSA is deterministic (RFC 6979), so all of it is the same every time.

    python3 tests/parity/certificate_cases.py            print the cases, to be pasted into presets/*.vectors.toml
    python3 tests/parity/certificate_cases.py --check    compare what is made here with what stands in those files

Python 3.11 or later, and `cryptography` 46 or later.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import sys
import tomllib
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import generate as parity  # noqa: E402
from check import PRESETS, resolved  # noqa: E402

# ───────────── keys ─────────────


def number(seed, bits):
    """So many bits that nobody has chosen."""
    blocks = (hashlib.sha256(f"{seed}:{i}".encode()).digest() for i in range(bits // 256))
    return int.from_bytes(b"".join(blocks), "big")


def is_prime(n, bases=(2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
    """Miller and Rabin's test: enough for a number that is no attempt to pass it."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in bases:
        if n % base == 0:
            return False
        power = pow(base, odd, n)
        if power in (1, n - 1):
            continue
        if all((power := power * power % n) != n - 1 for _ in range(twos - 1)):
            return False
    return True


def prime(seed):
    tried = 0
    while True:
        candidate = number(f"{seed}:{tried}", 1024) | 3 << 1022 | 1
        if candidate % 65537 != 1 and is_prime(candidate):
            return candidate
        tried += 1


def rsa_key(seed, e=65537):
    p, q = prime(f"{seed} p"), prime(f"{seed} q")
    d = pow(e, -1, (p - 1) * (q - 1))
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q)).private_key()


def public(base64_spki):
    return serialization.load_der_public_key(base64.b64decode(base64_spki))


ANCHOR_KEY = ec.derive_private_key(number("countersign test anchor", 256) >> 1, ec.SECP256R1())
KEY = rsa_key("countersign test signer")

# Keys of others' tests: a Go middleware for SNS, p5-net-amazon-sns-signature, alexa-verifier.
GO = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuPysDbyweqaP99HQJM1jP3jXrbvndetPXnHxoxsg2vlLsbZ9lcH3KqqEUTd78JgulO"
    "WF6mtcBpIPEdJtXkw2wAFDz2AokCJ49QaNUEn79p2yrdNzvZNWS+S2X53Qg8Bjq0amFnqx9x4R2po4NqZcgBu3f1Pc3vQ0z4eKagW7OmGudxat"
    "x0A6jXV4U2bF8zZrwWtYjCkhsy5hNgnxiANR14AxP2N14GlWl1fl3o7EZye2Z8KV7QeuUy4HSnMB+Nv5lvbYWaUxUSf130Ls/8LIzQWA58Wozy"
    "TERYGkeG+NWq2vdquDEF6iPBSYTYZil8bzq8ovgI5SCCxDSCuvsJvnuwIDAQAB"
)
PERL = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8gBzo5O7SXyOk704ADRJnR/RtejpIoECF/wnM9HAI7ZTEcP7Y8s8QHb7x+E4Dd3DAy"
    "G8/J+bY+LIbqEWf9XSoWG9u1x8oefZlg3rbxKgVjpV4wMjJwYSmhyAazNIWAJNYURmYkCf3yErjT/091UC46eTWrdioa0YA3YFIOn7BkXRAc8p"
    "JwOuTo5oVru1/BI5sX0e+Y5dQgPYsc/SZBeZ5gsZ0j+rh/unRFFqodZl38pE1eEq9RUXRW/5eQKRKe38qzPPXfcalurETLYJldM6pwpTShpQ8o"
    "1lHdvHeqPChhJXCShl2jo/fCf+Kjv2qYK1ZfAnSnkDWLR2SbiSaq3WZwIDAQAB"
)
ALEXA = (
    "MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA5z4oJtvKEKb/JrbKYfQwkRsa/T46XGCxJEbUDQ0OyS++KXOTBn/wILCKgShRE5jxvW"
    "aG4xOPEjQjuVWuuUeetuG5zsmybqyMaQKiRbp9WNwL3dSheQWee4Kn3F86AeM8HBu1XQIR9YAqY4utLVG4J8cUUaP2ScgtJ7rSHXvak61ZTUTh"
    "Wi4uDhINK96Tz2UvN7qB0j5gqLE828Ii+QdkF1TmF3XwVRwIZ6o0xhAiLmoCqta9dQO7m6etPNbQrj5Kbb4zrgaVXBABenwHh3IxVyIILs3V9o"
    "pVeuInDAmq0mMBVPEK5LARrbC3/eZKJOIuqrwMmv8tTL+vcaWgrQ4bjA0YL5gYx3w3uDVwHm0kj8IwRPYWRxxSjXvOqVPtIYN0zetjjAfJkzaR"
    "QlZO93k1rxS39PkwmeNpfk97PgM8ca9+ZHyoHQujcUTd2pCa0jAC/AJSzlr6zF/nBfTU3dIutbxc0PhUCegh3KVjA38lRXMhSkAFaN5TAXZM1N"
    "ClAUFaYaoBZdFu/MwRefNqpg+Nzy47jJmD/4S56vdp/mZxWxb5rkUG1RtbHhTI9AEZsF9W3LfeO1D+hR134uvnapwpfGpTFl6lqQDcvj9nqNCp"
    "uLfM77roBNigwLnhlC30U4bHtmPlZrp4Ys5NojSkJUO1jhdLMKdwJZVUKYl7rhmhCcMCAwEAAQ=="
)

# ───────────── certificates ─────────────

FROM, UNTIL = datetime.datetime(2010, 1, 1), datetime.datetime(2049, 1, 1)
UNSAID = dict.fromkeys(
    ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
     "crl_sign", "encipher_only", "decipher_only"], False)


def named(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def certificate(subject, key, extensions, serial, until=UNTIL):
    builder = x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named("countersign test anchor"))
    builder = builder.public_key(key).serial_number(serial).not_valid_before(FROM).not_valid_after(until)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    made = builder.sign(ANCHOR_KEY, hashes.SHA256(), ecdsa_deterministic=True)
    return made.public_bytes(serialization.Encoding.PEM).decode()


ANCHOR = certificate("countersign test anchor", ANCHOR_KEY.public_key(), [
    (x509.BasicConstraints(True, 0), True),
    (x509.KeyUsage(**{**UNSAID, "key_cert_sign": True, "crl_sign": True}), True),
], 1)


def leaf(name, key=KEY.public_key(), until=UNTIL):
    """A certificate made out to a name. Its serial number is of its content, so that no case depends on another."""
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    serial = int.from_bytes(hashlib.sha256(f"{name} {until}".encode() + spki).digest()[:8], "big") | 1 << 62
    return certificate(name, key, [
        (x509.BasicConstraints(False, None), True),
        (x509.KeyUsage(**{**UNSAID, "digital_signature": True}), True),
        (x509.SubjectAlternativeName([x509.DNSName(name)]), False),
    ], serial & (1 << 63) - 1, until)


def sign(content, hash=hashes.SHA256):
    return base64.b64encode(KEY.sign(content, padding.PKCS1v15(), hash())).decode()


# ───────────── cases ─────────────

CASES = {}


def case(preset, name, **fields):
    """What is made here of a case: `body`, `documents`, `set_headers`. What else it says stands in the file alone."""
    CASES.setdefault(preset, {})[name] = {"secrets": [{"id": "test-anchor", "value": ANCHOR}], **fields}


ARN = "arn:aws:sns:us-east-1:123456789012:orders"
SNS_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
GO_URL = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
PERL_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0156048efb84.pem"
TOKEN = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92"


def notification(kind="Notification", version="2", subject=None, url=SNS_URL, message='{"order":1}', arn=ARN, **other):
    """A message, signed, with `other` put over it afterwards."""
    given = {"Type": kind, "MessageId": "a3f5b8a0-0d2f-5c1e-9d3a-3a0a6d9b8c7e"}
    confirms = kind != "Notification"
    if confirms:
        given["Token"] = TOKEN
    given["TopicArn"] = arn
    if subject is not None:
        given["Subject"] = subject
    given["Message"] = message
    if confirms:
        given["SubscribeURL"] = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={arn}&Token={TOKEN}"
    given |= {"Timestamp": "2026-01-01T00:00:00.000Z", "SignatureVersion": version}
    covered = ["Message", "MessageId", *(["SubscribeURL"] if confirms else ["Subject"]), "Timestamp",
               *(["Token"] if confirms else []), "TopicArn", "Type"]
    content = "".join(f"{name}\n{given[name]}\n" for name in covered if name in given)
    given["Signature"] = sign(content.encode(), {"1": hashes.SHA1, "2": hashes.SHA256}[version])
    given["SigningCertURL"] = url
    return json.dumps(given | other, indent=1)


def sns_cases():
    ours, elsewhere = leaf("sns.amazonaws.com"), SNS_URL.replace("us-east-1", "eu-west-1")
    case("aws-sns", "hello-v1", documents={GO_URL: leaf("sns.amazonaws.com", public(GO))})
    case("aws-sns", "perl-v1", documents={PERL_URL: leaf("sns.amazonaws.com", public(PERL))})
    for name, body in {
        "v2": notification(subject="An order"),
        "v2-without-subject": notification(),
        "v1": notification(version="1"),
        "subscription": notification("SubscriptionConfirmation"),
        "unsubscription": notification("UnsubscribeConfirmation"),
        "on-port-443": notification(url=SNS_URL.replace(".com/", ".com:443/")),
        "lines-in-a-message": notification(message="one\ntwo\n"),
        "another-topic": notification(arn="arn:aws:sns:us-east-1:210987654321:orders"),
        "version-as-a-number": notification(SignatureVersion=2),
        "version-01": notification(SignatureVersion="01"),
        "version-1-given-away": notification(version="1"),
        "subscribe-url-in-a-notification": notification(subject="An order", SubscribeURL="https://evil.example/"),
        "subject-added": notification(Subject="An order"),
        "subject-that-continues-the-content": notification(subject="x\nTimestamp\ny"),
        "an-hour-old": notification(),
        "signature-missing": notification().replace('"Signature"', '"Sig"'),
        "signature-twice": notification().replace('"Signature"', '"Signature": "", "Signature"'),
        "no-certificate-url": notification().replace("SigningCertURL", "SigningCert"),
    }.items():
        case("aws-sns", name, body=body, documents={SNS_URL: ours})
    case("aws-sns", "certificate-of-another-region", body=notification(url=elsewhere), documents={elsewhere: ours})
    last = datetime.datetime(2025, 12, 31, 23, 59, 59)
    for name, certificate in {
        "certificate-expired": leaf("sns.amazonaws.com", until=last),
        "certificate-of-another-name": leaf("sqs.amazonaws.com"),
        "certificate-with-a-wildcard": leaf("*.amazonaws.com"),
        "no-certificate-in-the-document": "<html>",
    }.items():
        case("aws-sns", name, body=notification(), documents={SNS_URL: certificate})


PAYPAL_URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
SALE = '{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}'


def transmission(body=SALE, hash=hashes.SHA256):
    content = f"b3c5e7a0-e6a3-11f0-8de9-0242ac120002|2026-01-01T00:00:00Z|1JE4291016473214C|{zlib.crc32(body.encode())}"
    return ["PAYPAL-TRANSMISSION-SIG", sign(content.encode(), hash)]


def paypal_cases():
    live, sandbox = leaf("messageverificationcerts.paypal.com"), leaf("messageverificationcerts.sandbox.paypal.com")
    short = next(body for n in range(10**6) if zlib.crc32((body := f'{{"id":"WH-{n}"}}').encode()) < 10**8)
    case("paypal", "sale", body=SALE, headers=[transmission()], documents={PAYPAL_URL: live})
    case("paypal", "the-checksum-is-not-padded", body=short, headers=[transmission(short)], documents={PAYPAL_URL: live})
    case("paypal", "sha1", body=SALE, headers=[transmission(hash=hashes.SHA1)], documents={PAYPAL_URL: live})
    case("paypal", "certificate-of-the-sandbox", body=SALE, headers=[transmission()], documents={PAYPAL_URL: sandbox})


def alexa_cases():
    url = "https://s3.amazonaws.com/echo.api/echo-api-cert-12.pem"
    case("alexa", "hello", documents={url: leaf("echo-api.amazon.com", public(ALEXA))})
    other = leaf("echo-api.amazon.com.evil.example", public(ALEXA))
    case("alexa", "certificate-of-another-name", documents={url: other})


# ───────────── comparing ─────────────


def check():
    """What differs between what is made here and what the files say, as lines to print."""
    for preset, made in CASES.items():
        path = PRESETS / f"{preset}.vectors.toml"
        file = {c["name"]: c for c in tomllib.loads(path.read_text(encoding="utf-8"))["case"]}
        for name, fields in made.items():
            if name not in file:
                yield f"{path.name}: `{name}` is missing"
                continue
            held = resolved(file[name], file)
            for key, wanted in fields.items():
                is_there = all(pair in held.get(key, []) for pair in wanted) if key == "headers" else held.get(key) == wanted
                if not is_there:
                    yield f"{path.name}: `{name}` differs in {key}"


def main():
    for build in (sns_cases, paypal_cases, alexa_cases):
        build()
    if sys.argv[1:] == ["--check"]:
        wrong = list(check())
        print("\n".join(wrong) if wrong else f"{sum(map(len, CASES.values()))} cases as made")
        return 1 if wrong else 0
    for preset, cases in CASES.items():
        print(f"# presets/{preset}.vectors.toml\n")
        for name, fields in cases.items():
            fields = fields | {"documents": {json.dumps(url): text for url, text in fields["documents"].items()}}
            print(parity.block({"name": name, **fields}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
