"""eBay, which signs with ECDSA over SHA-1 and sends the signature in an envelope of JSON."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from signers.key_pairs import p256_key, pem, published
from signing import also, compact, handshake, joined, provider

KID = "9d0a1b6e-52a4-4c6b-8f0e-1c2d3e4f5a6b"
TOKEN = "countersign-test_verification-token_0001"
ENDPOINT = "https://example.com/hooks"
CHALLENGE = "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"
NOTIFICATION = "0b1c2d3e-1111-4222-8333-444455556666_77778888-9999-4aaa-8bbb-ccccddddeeee"
BODY = compact(
    {
        "metadata": {"topic": "MARKETPLACE_ACCOUNT_DELETION", "schemaVersion": "1.0", "deprecated": False},
        "notification": {
            "notificationId": NOTIFICATION,
            "eventDate": "2026-01-01T00:00:00.000Z",
            "publishDate": "2026-01-01T00:00:00.123Z",
            "publishAttemptCount": 1,
            "data": {"username": "test_user", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ2PrBmdj6wVnY+sEZ2PrA2dj6wJ"},
        },
    }
)


def answered(name, on_one_line=True):
    """What eBay answers to whoever asks for a key: the PEM text, without its line breaks."""
    text = pem(p256_key(name))
    return json.dumps({"key": text.replace("\n", "") if on_one_line else text, "algorithm": "ECDSA", "digest": "SHA1"})


def signature(name, *parts, hash=hashes.SHA1):
    return p256_key(name).sign(joined(parts), ec.ECDSA(hash(), deterministic_signing=True))


def envelope(signed, **changes):
    said = {"alg": "ecdsa", "kid": KID, "signature": base64.b64encode(signed).decode(), "digest": "SHA1"} | changes
    return base64.b64encode(compact({name: value for name, value in said.items() if value is not None})).decode()


def sent(text, **changes):
    return {"with": [["X-EBAY-SIGNATURE", text]], **changes}


def fixed_width(der):
    return b"".join(number.to_bytes(32, "big") for number in utils.decode_dss_signature(der))


# The body; DER in base64, in JSON in base64, which names the key, too.
@provider(
    "ebay",
    **published(documents={f"ebay/{KID}": answered("first")}),
    body=BODY,
    id=NOTIFICATION,
    url=ENDPOINT,
    binds=["body", "id"],
)
def ebay(d):
    return [["X-EBAY-SIGNATURE", envelope(signature(d.secret, d.body))]]


GOOD = signature("first", BODY)

also("ebay", "next-attempt", "ok", signed={"body": BODY.replace(b'Count":1', b'Count":2')}, message_id=NOTIFICATION)
also("ebay", "key-of-several-lines", "ok", documents={f"ebay/{KID}": answered("first", on_one_line=False)})
also(
    "ebay",
    "over-sha256",
    "bad_signature",
    sent=sent(envelope(signature("first", BODY, hash=hashes.SHA256))),
    why="what the envelope says of the hash is not signed, and not believed",
)
also("ebay", "of-fixed-width", "bad_signature", sent=sent(envelope(fixed_width(GOOD))))
also("ebay", "says-sha256", "malformed_signature", sent=sent(envelope(GOOD, digest="SHA256")))
also("ebay", "says-rsa", "malformed_signature", sent=sent(envelope(GOOD, alg="rsa")))
also("ebay", "says-no-algorithm", "malformed_signature", sent=sent(envelope(GOOD, alg=None)))
also("ebay", "without-key-id", "missing_header", sent=sent(envelope(GOOD, kid=None)))
also("ebay", "key-id-is-a-path", "unknown_key", sent=sent(envelope(GOOD, kid="../../sell/account")))
also("ebay", "no-key-in-the-answer", "key_unavailable", documents={f"ebay/{KID}": '{"errors":[{"errorId":195020}]}'})
also("ebay", "signature-without-envelope", "malformed_signature", sent=sent(base64.b64encode(GOOD).decode()))
also(
    "ebay",
    "refused-as-ebay-wants-it",
    "bad_signature",
    sent={"body": BODY.replace(b"test_user", b"test_usem")},
    refused={"status": 412, "content_type": "text/plain", "body": ""},
)

# The SHA-256 of challenge, token and the endpoint's URL, one behind the other; hex.
ASKED = {"method": "GET", "url": f"{ENDPOINT}?challenge_code={CHALLENGE}", "secrets": [], "vars": {"verification_token": TOKEN}}

handshake(
    "ebay",
    "challenge",
    ASKED,
    content_type="application/json",
    body=compact({"challengeResponse": hashlib.sha256((CHALLENGE + TOKEN + ENDPOINT).encode()).hexdigest()}).decode(),
)


def no_challenge(name, why=None, **changes):
    """A request near to a challenge, which is none, and no notification either: no envelope says an algorithm."""
    also("ebay", name, "malformed_signature", sent={"without": ["X-EBAY-SIGNATURE"], "body": b""} | ASKED | changes, why=why)


no_challenge("challenge-without-a-token-of-ours", "there is nothing to answer it with", vars={})
no_challenge("challenge-that-is-posted", method="POST")
no_challenge("challenge-with-a-body", body=b"{}")
no_challenge("challenge-of-other-characters", url=f"{ENDPOINT}?challenge_code=%22%7D")
no_challenge("challenge-that-is-long", url=f"{ENDPOINT}?challenge_code={'a' * 129}")
