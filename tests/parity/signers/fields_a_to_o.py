"""Providers that sign fields, URLs, forms or JSON printed anew, and some that set a challenge first: apideck to oura."""

import base64
import hashlib
import json
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote_plus, urlencode

from signing import CASES, FORM, TIME, Sent, also, based, compact, handshake, hexed, joined, provider


def sorted_json(body, **style):
    """JSON as it reads, with the keys of all objects sorted and no spaces."""
    return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False, **style)


def multipart(fields, boundary="------------------------d74496d66958873e"):
    """A form as browsers send files, and its content type."""
    part = '--{}\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = "".join(part.format(boundary, name, value) for name, value in fields) + f"--{boundary}--\r\n"
    return ["Content-Type", f"multipart/form-data; boundary={boundary}"], body.encode()


def asked_by_form(preset, name, body, **answer):
    """A handshake whose request is a form."""
    handshake(preset, name, **answer)
    CASES[preset][-1] |= {"headers": [FORM], "body": body}


# ───────────── Apideck ─────────────

APIDECK = compact(
    {
        "payload": {
            "service_id": "close",
            "event_type": "crm.contact.created",
            "event_id": "cd2f8eea-24f8-4a3c-b4a4-1c7a5bb6d2e5",
            "occurred_at": "2026-01-01T00:00:00.000Z",
            "tags": [{"b": 2, "a": 1}, "Jörg/\u2028"],
        }
    }
)


@provider("apideck", secret="sk_live_apideck-made-up-8d1f2c", body=APIDECK, binds=[])
def apideck(d):
    return [["x-apideck-signature", hexed(d.secret, sorted_json(d.body))]]


also(
    "apideck",
    "spaces-and-order-do-not-count",
    "ok",
    sent={"body": json.dumps(json.loads(APIDECK), indent=2, sort_keys=True, ensure_ascii=False).encode()},
    why="the JSON is signed and not its spelling",
)
also("apideck", "an-element-less", "bad_signature", sent={"body": APIDECK.replace(b'{"b":2,"a":1},', b"")})
also(
    "apideck",
    "a-key-twice",
    "malformed_content",
    sent={"body": APIDECK.replace(b'"service_id":"close"', b'"service_id":"other","service_id":"close"')},
)

# ───────────── Authsignal ─────────────

AUTHSIGNAL = compact(
    {
        "version": 1,
        "id": "bc1598bc-e5d6-4c69-9afb-1a6fe3469d6e",
        "source": "https://authsignal.com",
        "time": "2026-01-01T00:00:00.000Z",
        "tenantId": "7752d28e-e627-4b1b-bb81-b45d68d617bc",
        "type": "email.created",
        "data": {"to": "jane@example.com", "code": "157743"},
    }
)


def bare(secret, time, body):
    return based(secret, time, ".", body).rstrip("=")


@provider("authsignal", secret="authsignal-made-up-API-secret-1/x", body=AUTHSIGNAL, binds=["body", "time"], tolerance=300)
def authsignal(d):
    return [["X-Signature-V2", f"t={d.time},v2={bare(d.secret, d.time, d.body)}"]]


also(
    "authsignal",
    "two-active-keys",
    "ok",
    sent={
        "with": [
            [
                "X-Signature-V2",
                f"t={TIME},v2={bare('the-key-that-went-before-it', TIME, AUTHSIGNAL)}"
                f",v2={bare('authsignal-made-up-API-secret-1/x', TIME, AUTHSIGNAL)}",
            ]
        ]
    },
)
also(
    "authsignal",
    "version-1",
    "malformed_signature",
    sent={"with": [["X-Signature-V2", f"t={TIME},v1={bare('authsignal-made-up-API-secret-1/x', TIME, AUTHSIGNAL)}"]]},
)

# ───────────── Braintree ─────────────

BRAINTREE_ID, BRAINTREE_KEY = "x4n7k2c9q8w3m6tz", "0b1c2d3e4f5a69788796a5b4c3d2e1f0"
BRAINTREE_HELD = [{"id": BRAINTREE_ID, "value": BRAINTREE_KEY}]
BRAINTREE_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<notification>
  <kind>subscription_went_past_due</kind>
  <timestamp type="datetime">2026-01-01T00:00:00Z</timestamp>
  <subject>
    <subscription><id>my_id</id></subscription>
  </subject>
</notification>
"""
BRAINTREE = base64.encodebytes(BRAINTREE_XML)


def braintree_tag(secret, payload):
    return hexed(hashlib.sha1(secret.encode()).digest(), payload, algorithm="sha1")


def braintree_form(pairs, payload):
    signature = "&".join(f"{public}|{tag}" for public, tag in pairs)
    return urlencode({"bt_signature": signature, "bt_payload": payload}).encode()


@provider(
    "braintree",
    secret=BRAINTREE_KEY,
    body=BRAINTREE,
    headers=[FORM],
    vars={"public_key": BRAINTREE_ID},
    binds=[],
    rotates=False,
    secrets=BRAINTREE_HELD,
)
def braintree(d):
    return Sent([], body=braintree_form([(BRAINTREE_ID, braintree_tag(d.secret, d.body))], d.body))


ANOTHER, ANOTHER_KEY = "h5p2v8d4r7y9b3fg", "f0e1d2c3b4a5968778695a4b3c2d1e0f"
GOOD = (BRAINTREE_ID, braintree_tag(BRAINTREE_KEY, BRAINTREE))
also(
    "braintree",
    "signed-by-several-keys",
    "ok",
    sent={"body": braintree_form([(ANOTHER, braintree_tag(ANOTHER_KEY, BRAINTREE)), GOOD], BRAINTREE)},
    key_id=BRAINTREE_ID,
)
also(
    "braintree",
    "second-of-two-keys",
    "ok",
    sent={"body": braintree_form([GOOD], BRAINTREE), "secrets": [{"id": ANOTHER, "value": ANOTHER_KEY}, *BRAINTREE_HELD]},
    key_id=BRAINTREE_ID,
)
also(
    "braintree",
    "under-the-name-of-another-key",
    "bad_signature",
    sent={
        "body": braintree_form([(ANOTHER, GOOD[1])], BRAINTREE),
        "secrets": [{"id": ANOTHER, "value": ANOTHER_KEY}, *BRAINTREE_HELD],
    },
)
also("braintree", "only-by-a-key-not-held", "unknown_key", sent={"body": braintree_form([(ANOTHER, GOOD[1])], BRAINTREE)})
also(
    "braintree",
    "last-line-end-lost",
    "ok",
    sent={"body": braintree_form([GOOD], BRAINTREE.rstrip())},
    why="the provider's libraries try the payload with a line end more",
)
also(
    "braintree",
    "a-field-that-php-takes-for-the-payload",
    "claim_mismatch",
    sent={"body": braintree_form([GOOD], BRAINTREE) + b"&+bt_payload=PD94"},
    why="PHP drops the space and reads this one",
)
CHALLENGE = "20f9f8ed05f77439fe955c977e4c8a53"
also(
    "braintree",
    "an-answered-challenge-for-a-payload",
    "malformed_signature",
    signed={"body": CHALLENGE.encode()},
    why="whoever asks for a challenge has such a MAC",
)
handshake(
    "braintree",
    "challenge",
    method="GET",
    url=f"https://example.com/hooks?bt_challenge={CHALLENGE}",
    secrets=BRAINTREE_HELD,
    body=f"{BRAINTREE_ID}|{braintree_tag(BRAINTREE_KEY, CHALLENGE)}",
)
also(
    "braintree",
    "challenge-that-is-no-hexadecimal",
    "malformed_signature",
    sent={
        "method": "GET",
        "url": "https://example.com/hooks?bt_challenge=PD94bWwgdmVyc2lvbj0iMS4wIiBlbm",
        "without": ["Content-Type"],
        "body": b"",
    },
)

# ───────────── Bridge (bridgeapi.io) ─────────────

BRIDGE = compact(
    {
        "content": {"item_id": 7071771, "status": 0, "user_uuid": "46ff8cbc-a32d-4bb1-8b4c-e2a34a20d5f1"},
        "timestamp": 1767225600000,
        "type": "item.refreshed",
    }
)


@provider("bridge-api", secret="bridge-made-up-webhook-secret-77", body=BRIDGE)
def bridge_api(d):
    return [["BridgeApi-Signature", "v1=" + hexed(d.secret, d.body).upper()]]


also(
    "bridge-api",
    "both-secrets-of-a-day",
    "ok",
    sent={
        "with": [
            [
                "BridgeApi-Signature",
                "v1=" + hexed("the-new-webhook-secret", BRIDGE).upper()
                + ",v1=" + hexed("bridge-made-up-webhook-secret-77", BRIDGE).upper(),
            ]
        ]
    },
)
also(
    "bridge-api",
    "another-version",
    "malformed_signature",
    sent={"with": [["BridgeApi-Signature", "v0=" + hexed("bridge-made-up-webhook-secret-77", BRIDGE).upper()]]},
)

# ───────────── Calida ─────────────

CALIDA = b'{"status":"completed","order_id":"0c3a6a9b-7b0d-4a5c-9f0e-0a3f2c1d4e5f","amount":12.50,"items":[{"sku":"B","n":1}],"payer":{"name":"J\xc3\xb6rg","city":null}}'


@provider("calida", secret="calida-made-up-webhook-secret-01", body=CALIDA, binds=[])
def calida(d):
    kept = sorted_json(d.body.replace(b"12.50", b'"12.50"')).replace('"12.50"', "12.50")
    return [["x-eorder-webhook-signature", hexed(d.secret, kept, algorithm="sha512")]]


also(
    "calida",
    "a-number-spelled-otherwise",
    "bad_signature",
    sent={"body": CALIDA.replace(b"12.50", b"12.5")},
    why="numbers go in as they were sent",
)
also("calida", "a-member-left-out", "bad_signature", sent={"body": CALIDA.replace(b',"city":null', b"")})

# ───────────── Checkbook.io ─────────────

NONCE = "7b1d9f04c2e84f6fa0d3"
CHECKBOOK = compact({"id": "4ce3e6ffda3b4d9ea2c1e9d9a8d1c0c1", "status": "PAID", "amount": 25.5, "recipient": "Jörg"})


@provider("checkbook", secret="checkbook-made-up-webhook-key-01", body=CHECKBOOK, bytes_pass=False)
def checkbook(d):
    return [["Signature", f"nonce={NONCE},signature={hexed(d.secret, d.body, NONCE)}"]]


also(
    "checkbook",
    "another-nonce",
    "bad_signature",
    sent={"with": [["Signature", f"nonce=8{NONCE},signature={hexed('checkbook-made-up-webhook-key-01', CHECKBOOK, NONCE)}"]]},
)
also(
    "checkbook",
    "end-of-the-body-in-the-nonce",
    "malformed_signature",
    sent={
        "body": CHECKBOOK[:-1],
        "with": [["Signature", "nonce=}%s,signature=%s" % (NONCE, hexed("checkbook-made-up-webhook-key-01", CHECKBOOK, NONCE))]],
    },
)
also(
    "checkbook",
    "a-bracket-in-the-nonce",
    "claim_mismatch",
    signed={"body": b'{"a":{"b":1}}'},
    sent={
        "body": b'{"a":{"b":1}',
        "with": [
            [
                "Signature",
                "nonce=}%s,signature=%s" % (NONCE, hexed("checkbook-made-up-webhook-key-01", b'{"a":{"b":1}}', NONCE)),
            ]
        ],
    },
)

# ───────────── Deliveroo ─────────────

DELIVEROO = compact({"event": "order.new", "body": {"order": {"id": "gb:2f1c6b1e-4b9a-4a3e-9a52-0b8c9d7e6f5a", "display_id": "8231"}}})


@provider(
    "deliveroo",
    secret="deliveroo-made-up-webhook-secret",
    body=DELIVEROO,
    id="6f4f0c3e-58f7-4b7c-9c3a-0b1f2e3d4c5b",
    binds=["body", "id"],
)
def deliveroo(d):
    return [["X-Deliveroo-Sequence-Guid", d.id], ["X-Deliveroo-Hmac-Sha256", hexed(d.secret, d.id, " ", d.body)]]


also(
    "deliveroo",
    "old-pos-webhooks",
    "ok",
    sent={
        "with": [
            [
                "X-Deliveroo-Hmac-Sha256",
                hexed("deliveroo-made-up-webhook-secret", "6f4f0c3e-58f7-4b7c-9c3a-0b1f2e3d4c5b", " \n ", DELIVEROO),
            ]
        ]
    },
    overrides={"hmac": {"signed_template": "{id} \n {body}"}},
)
also(
    "deliveroo",
    "another-guid",
    "bad_signature",
    sent={"with": [["X-Deliveroo-Sequence-Guid", "6f4f0c3e-58f7-4b7c-9c3a-0b1f2e3d4c5c"]]},
)

# ───────────── dLocal ─────────────

DLOCAL = compact({"id": "D-4-1234567", "status": "PAID", "status_code": "200", "order_id": "657434343", "amount": 120.5})


def zulu(time, ending=".000Z"):
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + ending


@provider(
    "dlocal",
    secret="dlocal-made-up-secret-key-0a1b2c3",
    body=DLOCAL,
    vars={"login": "xJ8fTr2LoGiN"},
    binds=["body", "time"],
    tolerance=300,
)
def dlocal(d):
    date = zulu(d.time)
    tag = hexed(d.secret, d.vars["login"], date, d.body)
    return [["X-Login", d.vars["login"]], ["X-Date", date], ["Authorization", f"V2-HMAC-SHA256, Signature: {tag}"]]


also(
    "dlocal",
    "another-login-in-the-request",
    "bad_signature",
    signed={"vars": {"login": "xAnotherMerchant"}},
    sent={"vars": {"login": "xJ8fTr2LoGiN"}},
    why="the login is that of the source, whatever the request says",
)
also(
    "dlocal",
    "body-begins-with-the-zone",
    "malformed_timestamp",
    sent={"with": [["X-Date", zulu(TIME, ".000")]], "body": b"Z" + DLOCAL},
)
also(
    "dlocal",
    "digest-in-a-header-of-its-own",
    "ok",
    sent={
        "without": ["Authorization"],
        "more": [["Signature", hexed("dlocal-made-up-secret-key-0a1b2c3", "xJ8fTr2LoGiN", zulu(TIME), DLOCAL)]],
    },
    overrides={"hmac": {"signature_source": {"header": "signature", "extract": "raw", "encoding": "hex"}}},
)

# ───────────── DocuSign Connect ─────────────

DOCUSIGN = compact(
    {
        "event": "envelope-completed",
        "apiVersion": "v2.1",
        "retryCount": 0,
        "generatedDateTime": "2026-01-01T00:00:00.0000000Z",
        "data": {"accountId": "9d1c3c58-0a2e-4b7f-8f0e-3f1f5a6b7c8d", "envelopeId": "7f6e5d4c-3b2a-4190-8877-665544332211"},
    }
)
DOCUSIGN_KEY = "DocuSignMadeUpConnectKey0123456789abcdefghi="


@provider("docusign", secret=DOCUSIGN_KEY, body=DOCUSIGN)
def docusign(d):
    return [["X-DocuSign-AccountId", "9d1c3c58-0a2e-4b7f-8f0e-3f1f5a6b7c8d"], ["X-DocuSign-Signature-1", based(d.secret, d.body)]]


also(
    "docusign",
    "third-of-three-headers",
    "ok",
    sent={
        "with": [["X-DocuSign-Signature-1", based("one-key", DOCUSIGN)]],
        "more": [["X-DocuSign-Signature-2", based("two-keys", DOCUSIGN)], ["X-DocuSign-Signature-3", based(DOCUSIGN_KEY, DOCUSIGN)]],
    },
)
also(
    "docusign",
    "behind-a-gap",
    "bad_signature",
    sent={
        "with": [["X-DocuSign-Signature-1", based("one-key", DOCUSIGN)]],
        "more": [["X-DocuSign-Signature-3", based(DOCUSIGN_KEY, DOCUSIGN)]],
    },
)

# ───────────── Dropbox Sign ─────────────

DROPBOX_SIGN_KEY = "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef"
DROPBOX_SIGN_ACK = {"status": 200, "content_type": "text/plain", "body": "Hello API Event Received"}


def dropbox_sign_form(secret, time, kind="signature_request_sent"):
    event = {"event_time": str(time), "event_type": kind, "event_hash": hexed(secret, time, kind)}
    event["event_metadata"] = {"reported_for_account_id": "63522885f9261e2b04eea043933ee7313eb674fd"}
    content_type, body = multipart([("json", json.dumps({"event": event, "account_guid": "63522885f9261e2b"}))])
    return Sent([content_type], body=body)


@provider("dropbox-sign", secret=DROPBOX_SIGN_KEY, headers=[], binds=["time"], tolerance=300, accepted=DROPBOX_SIGN_ACK)
def dropbox_sign(d):
    return dropbox_sign_form(d.secret, d.time)


SENT = dropbox_sign_form(DROPBOX_SIGN_KEY, TIME).body
also(
    "dropbox-sign",
    "another-account",
    "ok",
    sent={"body": SENT.replace(b"63522885f9261e2b", b"00000000f9261e2b")},
    why="nothing but the time and the type is covered",
)
also("dropbox-sign", "another-type", "bad_signature", sent={"body": SENT.replace(b"request_sent", b"request_all_signed")})
also(
    "dropbox-sign",
    "the-field-twice",
    "malformed_content",
    sent={"body": multipart([("json", SENT.split(b"\r\n")[3].decode())] * 2)[1]},
)
also(
    "dropbox-sign",
    "json-without-a-form",
    "missing_signature",
    sent={"with": [["Content-Type", "application/json"]], "body": SENT.split(b"\r\n")[3]},
)

# ───────────── Ecwid ─────────────


def ecwid_body(time, id, kind="order.updated"):
    return compact(
        {
            "eventId": id,
            "eventCreated": time,
            "storeId": 1003,
            "entityId": 103878161,
            "eventType": kind,
            "data": {"oldPaymentStatus": "PAID", "newPaymentStatus": "REFUNDED"},
        }
    )


@provider(
    "ecwid",
    secret="ecwid-made-up-client-secret-0123",
    id="80aece08-40e8-4145-8764-6c2f0d38678a",
    binds=["time", "id"],
    tolerance=300,
)
def ecwid(d):
    return Sent([["X-Ecwid-Webhook-Signature", based(d.secret, f"{d.time}.{d.id}")]], body=ecwid_body(d.time, d.id))


ECWID_ID = "80aece08-40e8-4145-8764-6c2f0d38678a"
also(
    "ecwid",
    "another-event-under-it",
    "ok",
    sent={"body": ecwid_body(TIME, ECWID_ID, "order.deleted")},
    why="nothing but the time and the id is covered",
)
also("ecwid", "another-id", "bad_signature", sent={"body": ecwid_body(TIME, ECWID_ID.replace("80ae", "80af"))})

# ───────────── Exact Online ─────────────

EXACT = '{"Topic":"Items","ClientId":"2b1c8a3e-0000-4000-8000-5e6f7a8b9c0d","Division":1234567, "Action":"Update","Key":"7d6c5b4a-0000-4000-8000-1a2b3c4d5e6f"}'


@provider("exact-online", secret="exact-made-up-webhook-secret-001", body=EXACT.encode(), binds=[])
def exact_online(d):
    return Sent([], body=joined(['{"Content":', d.body, ',"HashCode":"', hexed(d.secret, d.body).upper(), '"}']))


EXACT_SENT = joined(['{"Content":', EXACT, ',"HashCode":"', hexed("exact-made-up-webhook-secret-001", EXACT).upper(), '"}'])
also("exact-online", "another-topic", "bad_signature", sent={"body": EXACT_SENT.replace(b"Items", b"Accounts")})
also(
    "exact-online",
    "content-without-its-space",
    "bad_signature",
    sent={"body": EXACT_SENT.replace(b", ", b",")},
    why="the bytes of Content count, not what they say",
)
also("exact-online", "a-member-beside-it", "ok", sent={"body": EXACT_SENT[:-1] + b',"Division":7654321}'}, why="only Content is covered")
handshake("exact-online", "empty-request", kind="ignore")
also("exact-online", "empty-object", "missing_signature", sent={"body": b"{}"})

# ───────────── Favro ─────────────

FAVRO = compact({"payloadId": "MGQ0YzIyYzAtZmFrZQ==", "hookId": "5c1a0000", "action": "created", "card": {"cardId": "card-1", "name": "Jörg"}})
FAVRO_ID = "MGQ0YzIyYzAtZmFrZQ=="


@provider("favro", secret="favro-made-up-webhook-secret-001", body=FAVRO, url="https://example.com/hooks?team=7", binds=["url"])
def favro(d):
    return [["X-Favro-Webhook", based(d.secret, json.loads(d.body)["payloadId"], d.url, algorithm="sha1")]]


also("favro", "another-url", "bad_signature", sent={"url": "https://example.com/hooks?team=8"})
also("favro", "another-payload-id", "bad_signature", sent={"body": FAVRO.replace(b"MGQ0", b"MGQ1")})
also("favro", "another-card", "ok", sent={"body": FAVRO.replace(b"card-1", b"card-2")}, why="only the payload's id is covered")

# ───────────── FreshBooks ─────────────

FRESHBOOKS = b"name=invoice.create&object_id=1234567&account_id=6BApk&business_id=6543&identity_id=1234&user_id=1"
VERIFIER = "scADVVi5QuKuj5qTmadeUpQYe7V7USpGd"


@provider("freshbooks", secret=VERIFIER, body=FRESHBOOKS, headers=[FORM], binds=[])
def freshbooks(d):
    return [["X-FreshBooks-Hmac-SHA256", based(d.secret, json.dumps(dict(parse_qsl(d.body.decode(), keep_blank_values=True))))]]


also(
    "freshbooks",
    "values-that-json-escapes",
    "ok",
    signed={"body": b"name=client.update&object_id=7&note=J%C3%B6rg+%22Q%22+a%2Fb%5C%F0%9F%98%80&empty="},
)
also("freshbooks", "fields-in-another-order", "bad_signature", sent={"body": b"&".join(reversed(FRESHBOOKS.split(b"&")))})
also(
    "freshbooks",
    "a-field-in-the-name-of-another",
    "malformed_content",
    sent={"body": b"name=invoice.create&object_id%22%3A+%221234567%22%2C+%22account_id=6BApk&" + FRESHBOOKS.split(b"&", 3)[3]},
)
ASKED = f"name=callback.verify&object_id=2001&account_id=6BApk&verifier={VERIFIER}".encode()
asked_by_form("freshbooks", "verifier", ASKED, kind="learn", secret=VERIFIER)
also("freshbooks", "verifier-in-another-event", "missing_signature", sent={"body": ASKED.replace(b"callback.verify", b"invoice.create"), "headers": [FORM]})

# ───────────── Getnet ─────────────

GETNET = base64.b64encode(
    compact({"payment": {"transaction-type": "purchase", "transaction-state": "success", "transaction-id": "ad9f9b12-6888", "note": "?>~?>~"}})
).decode()
GETNET_KEY = "00000000-made-up0-4000-8000-5e6f7a8b9c0d"


def getnet_form(secret, payload, encode=quote_plus):
    fields = [("response-base64", payload), ("response-signature-base64", based(secret, payload))]
    fields += [("response-signature-algorithm", "HmacSHA256")]
    return "&".join(f"{name}={encode(value)}" for name, value in fields).encode()


@provider("getnet", secret=GETNET_KEY, body=GETNET.encode(), headers=[FORM], binds=[])
def getnet(d):
    return Sent([], body=getnet_form(d.secret, d.body.decode()))


also("getnet", "base64-that-was-not-encoded", "ok", sent={"body": getnet_form(GETNET_KEY, GETNET, str)}, why="a plus arrives as a space")
also(
    "getnet",
    "payload-that-php-takes-for-it",
    "claim_mismatch",
    sent={"body": getnet_form(GETNET_KEY, GETNET) + b"&+response-base64=e30%3D"},
    why="PHP drops the space and reads this one",
)
also("getnet", "another-payload", "bad_signature", sent={"body": getnet_form(GETNET_KEY, GETNET).replace(b"eyJwYX", b"eyJwYY", 1)})

# ───────────── Gitee ─────────────

GITEE_KEY = "gitee-made-up-signing-key-000001"


@provider("gitee", secret=GITEE_KEY, body=compact({"hook_name": "push_hooks", "ref": "refs/heads/main"}), binds=["time"], tolerance=300)
def gitee(d):
    time = str(d.time * 1000)
    return [["X-Gitee-Event", "Push Hook"], ["X-Gitee-Timestamp", time], ["X-Gitee-Token", based(d.secret, time, "\n", d.secret)]]


also("gitee", "another-body", "ok", sent={"body": compact({"ref": "refs/heads/evil"})}, why="the body is not covered")
also("gitee", "password-in-plain-text", "malformed_signature", sent={"with": [["X-Gitee-Token", GITEE_KEY]]})

# ───────────── GitGuardian ─────────────

GITGUARDIAN = compact({"source": "GitGuardian", "timestamp": "2026-01-01T00:00:00Z", "action": "incident_triggered", "incident": {"id": 123}})


@provider("gitguardian", secret="gitguardian-made-up-token-000001", body=GITGUARDIAN, binds=["body", "time"], tolerance=300)
def gitguardian(d):
    return [["Timestamp", str(d.time)], ["Gitguardian-Signature", "sha256=" + hexed(f"{d.time}{d.secret}", d.body)]]


also("gitguardian", "a-second-later", "bad_signature", sent={"with": [["Timestamp", str(TIME + 1)]]})
also(
    "gitguardian",
    "another-algorithm",
    "malformed_signature",
    sent={"with": [["Gitguardian-Signature", "md5=" + hexed(f"{TIME}gitguardian-made-up-token-000001", GITGUARDIAN)]]},
)

# ───────────── Hook0 ─────────────

HOOK0_KEY = "1f9c2a7e-made-4up0-9b3d-5a6c7e8f9012"
HOOK0 = compact({"subscriptionId": "sub_1", "eventType": "wallet.transaction.detected", "data": {"value": "1"}})


def hook0_v1(secret, time, headers, body):
    names, values = " ".join(name for name, _ in headers), ".".join(value for _, value in headers)
    return hexed(secret, f"{time}.{names}.{values}.", body)


@provider("hook0", secret=HOOK0_KEY, body=HOOK0, binds=["body", "time"], tolerance=300)
def hook0(d):
    return [["X-Hook0-Signature", f"t={d.time},v0={hexed(d.secret, d.time, '.', d.body)}"]]


LISTED = [("content-type", "application/json"), ("x-event-id", "01HZX0")]
also(
    "hook0",
    "v1-beside-it",
    "ok",
    sent={
        "with": [
            [
                "X-Hook0-Signature",
                f"t={TIME},v0={hexed(HOOK0_KEY, TIME, '.', HOOK0)},h=content-type x-event-id"
                f",v1={hook0_v1(HOOK0_KEY, TIME, LISTED, HOOK0)}",
            ]
        ],
        "more": [["X-Event-Id", "01HZX0"]],
    },
)
also(
    "hook0",
    "v1-alone",
    "malformed_signature",
    sent={
        "with": [
            ["X-Hook0-Signature", f"t={TIME},h=content-type x-event-id,v1={hook0_v1(HOOK0_KEY, TIME, LISTED, HOOK0)}"]
        ],
        "more": [["X-Event-Id", "01HZX0"]],
    },
)

# ───────────── Outpost ─────────────

OUTPOST_KEY = "outpost-made-up-signing-secret-1"
OUTPOST = compact({"user_id": "usr_123", "email": "user@example.com"})


@provider("hookdeck-outpost", secret=OUTPOST_KEY, body=OUTPOST)
def outpost(d):
    return [
        ["x-outpost-event-id", "evt_abc123"],
        ["x-outpost-topic", "user.created"],
        ["x-outpost-timestamp", zulu(d.time, "Z")],
        ["x-outpost-signature", "v0=" + hexed(d.secret, d.body)],
    ]


also(
    "hookdeck-outpost",
    "second-of-a-list",
    "ok",
    sent={"with": [["x-outpost-signature", f"v0={hexed('the-secret-after-this-one', OUTPOST)},{hexed(OUTPOST_KEY, OUTPOST)}"]]},
)
also("hookdeck-outpost", "no-version", "malformed_signature", sent={"with": [["x-outpost-signature", hexed(OUTPOST_KEY, OUTPOST)]]})
also(
    "hookdeck-outpost",
    "older-releases",
    "ok",
    sent={"with": [["x-outpost-signature", f"t={TIME},v0={hexed(OUTPOST_KEY, TIME, '.', OUTPOST)}"]]},
    overrides={
        "hmac": {
            "signed_template": "{timestamp}.{body}",
            "timestamp_source": {"header": "x-outpost-signature", "extract": "kv_pairs", "key": "t", "format": "unix"},
            "signature_source": {"header": "x-outpost-signature", "extract": "kv_pairs", "key": "v0", "encoding": "hex"},
            "require": [{"value": "{header:x-outpost-signature}", "matches": "t=[0-9]{10},v0=[0-9a-f]{64}", "early": True}],
        }
    },
)

# ───────────── Hygraph ─────────────

HYGRAPH_KEY = "rCNwyilomadeUpkxgpBXaleIiUv5MYlx"
HYGRAPH = b'{"operation":"publish","data":{"__typename":"Post","id":"ckq1","title":"J\xc3\xb6rg \\u0026 \\"Co\\" \\u003c3"}}'


def hygraph_tag(secret, environment, time, body):
    content = json.dumps(
        {"Body": body.decode(), "EnvironmentName": environment, "TimeStamp": time}, separators=(",", ":"), ensure_ascii=False
    )
    return based(secret, content)


@provider("hygraph", secret=HYGRAPH_KEY, body=HYGRAPH, binds=["body", "time"], tolerance=300)
def hygraph(d):
    time = d.time * 1000
    return [["gcms-signature", f"sign={hygraph_tag(d.secret, 'master', time, d.body)}, env=master, t={time}"]]


GCMS = hygraph_tag(HYGRAPH_KEY, "master", TIME * 1000, HYGRAPH)
also("hygraph", "another-environment", "bad_signature", sent={"with": [["gcms-signature", f"sign={GCMS}, env=main, t={TIME}000"]]})
also("hygraph", "time-in-seconds", "malformed_timestamp", sent={"with": [["gcms-signature", f"sign={GCMS}, env=master, t={TIME}"]]})
also(
    "hygraph",
    "a-body-that-is-no-json",
    "ok",
    signed={"body": 'a "text"\twith\ncontrols \x01\x1f and \u2028 in it'.encode()},
)

# ───────────── Inespay ─────────────

INESPAY_KEY = "inespay-made-up-api-key-00000001"
INESPAY = base64.b64encode(compact({"singlePayinId": "12345", "codStatus": "OK", "amount": 1050, "subject": "año"})).decode()


def inespay_tag(secret, data):
    return base64.b64encode(hexed(secret, data).encode()).decode()


@provider("inespay", secret=INESPAY_KEY, body=INESPAY.encode(), headers=[FORM], binds=[])
def inespay(d):
    return Sent([], body=urlencode({"dataReturn": d.body, "signatureDataReturn": inespay_tag(d.secret, d.body)}).encode())


INESPAY_TAG = inespay_tag(INESPAY_KEY, INESPAY)
also(
    "inespay",
    "as-json",
    "ok",
    sent={
        "with": [["Content-Type", "application/json"]],
        "body": compact({"dataReturn": INESPAY, "signatureDataReturn": INESPAY_TAG}),
    },
)
also(
    "inespay",
    "base64-of-the-bytes",
    "malformed_signature",
    sent={"body": urlencode({"dataReturn": INESPAY, "signatureDataReturn": based(INESPAY_KEY, INESPAY)}).encode()},
)
also(
    "inespay",
    "data-that-php-takes-for-it",
    "claim_mismatch",
    sent={"body": urlencode({"dataReturn": INESPAY, "signatureDataReturn": INESPAY_TAG, " dataReturn": "e30="}).encode()},
    why="PHP drops the space and reads this one",
)
also(
    "inespay",
    "as-text",
    "disallowed",
    sent={"with": [["Content-Type", "text/plain"]]},
)

# ───────────── iyzico ─────────────

IYZICO_KEY = "sandbox-madeUpSecretKey0123456789ab"


def iyzico_tag(secret, event):
    kind = event["iyziEventType"]
    if "subscriptionReferenceCode" in event:
        fields = ["1000", secret, kind, *(event[f"{n}ReferenceCode"] for n in ("subscription", "order", "customer"))]
    elif "token" in event:
        fields = [secret, kind, event["iyziPaymentId"], event["token"], event["paymentConversationId"], event["status"]]
    else:
        fields = [secret, kind, event["paymentId"], event["paymentConversationId"], event["status"]]
    return hexed(secret, *fields)


IYZICO = {
    "paymentConversationId": "123456789",
    "merchantId": 1000,
    "token": "c0ffee00-made-4up0-8000-5e6f7a8b9c0d",
    "status": "SUCCESS",
    "iyziReferenceCode": "8d1f2c3b-0000-4000-8000-1a2b3c4d5e6f",
    "iyziEventType": "CHECKOUT_FORM_AUTH",
    "iyziEventTime": 1767225600000,
    "iyziPaymentId": 24158877,
}
IYZICO_DIRECT = {"paymentConversationId": "123456789", "merchantId": 1000, "paymentId": "24158878", "status": "SUCCESS"}
IYZICO_DIRECT |= {"iyziReferenceCode": "8d1f2c3b", "iyziEventType": "API_AUTH", "iyziEventTime": 1767225600000}
IYZICO_SUBSCRIPTION = {
    "orderReferenceCode": "3b0d4b3f-order",
    "customerReferenceCode": "3b0d4b3f-customer",
    "subscriptionReferenceCode": "3b0d4b3f-subscription",
    "merchantId": "1000",
    "iyziReferenceCode": "8d1f2c3c",
    "iyziEventType": "subscription.order.success",
    "iyziEventTime": 1767225600000,
}


@provider("iyzico", secret=IYZICO_KEY, body=compact(IYZICO), vars={"merchant_id": "1000"}, binds=[])
def iyzico(d):
    return [["X-IYZ-SIGNATURE-V3", iyzico_tag(d.secret, json.loads(d.body))]]


also("iyzico", "direct-payment", "ok", signed={"body": compact(IYZICO_DIRECT)})
also("iyzico", "subscription", "ok", signed={"body": compact(IYZICO_SUBSCRIPTION)})
also("iyzico", "subscription-of-another-merchant", "bad_signature", signed={"body": compact(IYZICO_SUBSCRIPTION)}, sent={"vars": {"merchant_id": "1001"}})
also(
    "iyzico",
    "payment-passed-off-as-a-subscription",
    "claim_mismatch",
    signed={"body": compact(IYZICO_DIRECT)},
    sent={
        "vars": {},
        "body": compact(
            {
                "iyziEventType": "API_AUTH",
                "subscriptionReferenceCode": "24158878123",
                "orderReferenceCode": "456789SUCC",
                "customerReferenceCode": "ESS",
            }
        ),
    },
    why="the same signed text, cut elsewhere: without a merchant's id nothing tells the two apart",
)
also(
    "iyzico",
    "digits-moved-to-the-event",
    "claim_mismatch",
    signed={"body": compact(IYZICO_DIRECT)},
    sent={"body": compact(IYZICO_DIRECT | {"iyziEventType": "API_AUTH24", "paymentId": "158878"})},
    why="the same signed text is another payment's",
)
also("iyzico", "another-status", "bad_signature", sent={"body": compact(IYZICO | {"status": "FAILURE"})})
also("iyzico", "a-field-that-is-not-signed", "ok", sent={"body": compact(IYZICO | {"iyziEventTime": 1})})
also("iyzico", "of-no-product", "disallowed", sent={"body": b'{"iyziEventType":"API_AUTH","status":"SUCCESS"}'})

# ───────────── LinkedIn ─────────────

LINKEDIN_KEY = "WPL_AP1.madeUpClientSecret.MTIzNA=="
LINKEDIN = compact({"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": [{"notificationId": 2870910626, "action": "LIKE"}]})
LINKEDIN_CODE = "890e4665-4dfe-4ab1-b689-ed553bceeed0"


@provider("linkedin", secret=LINKEDIN_KEY, body=LINKEDIN)
def linkedin(d):
    return [["X-LI-Signature", hexed(d.secret, "hmacsha256=", d.body)]]


also(
    "linkedin",
    "prefix-in-the-header",
    "malformed_signature",
    sent={"with": [["X-LI-Signature", "hmacsha256=" + hexed(LINKEDIN_KEY, "hmacsha256=", LINKEDIN)]]},
)
also(
    "linkedin",
    "an-answered-challenge-for-a-body",
    "bad_signature",
    sent={"body": LINKEDIN_CODE.encode(), "with": [["X-LI-Signature", hexed(LINKEDIN_KEY, LINKEDIN_CODE)]]},
    why="whoever asks for a challenge has such a MAC",
)
handshake(
    "linkedin",
    "challenge",
    method="GET",
    url=f"https://example.com/hooks?challengeCode={LINKEDIN_CODE}",
    content_type="application/json",
    body=f'{{"challengeCode":"{LINKEDIN_CODE}","challengeResponse":"{hexed(LINKEDIN_KEY, LINKEDIN_CODE)}"}}',
)
also(
    "linkedin",
    "challenge-with-signed-content",
    "missing_signature",
    sent={"method": "GET", "url": "https://example.com/hooks?challengeCode=hmacsha256%3D%7B%22type%22%3A1%7D", "body": b"", "headers": []},
)

# ───────────── Mailchimp Transactional ─────────────

MANDRILL_KEY = "mandrillMadeUpWebhookKey1"
MANDRILL = urlencode({"mandrill_events": compact([{"event": "open", "_id": "exampleaaa", "ts": 1767225600, "msg": {"email": "j@example.com"}}])})


@provider(
    "mailchimp-transactional",
    secret=MANDRILL_KEY,
    body=MANDRILL.encode(),
    url="https://example.com/hooks?list=7",
    headers=[FORM],
    binds=["url"],
)
def mandrill(d):
    fields = sorted(parse_qsl(d.body.decode(), keep_blank_values=True))
    return [["X-Mandrill-Signature", based(d.secret, d.url, *(text for pair in fields for text in pair), algorithm="sha1")]]


also("mailchimp-transactional", "user-in-the-url", "ok", signed={"url": "https://user:pass-word@example.com/hooks"})
also("mailchimp-transactional", "another-url", "bad_signature", sent={"url": "https://example.com/hooks?list=8"})
also("mailchimp-transactional", "another-event", "bad_signature", sent={"body": MANDRILL.replace("open", "spam").encode()})
also("mailchimp-transactional", "two-fields", "ok", signed={"body": b"mandrill_events=%5B1%5D&b=2&a=1+3"})
handshake("mailchimp-transactional", "tried-with-head", kind="ignore", method="HEAD")
asked_by_form("mailchimp-transactional", "tried-without-events", b"mandrill_events=%5B%5D", kind="ignore")
also(
    "mailchimp-transactional",
    "no-events-and-a-field-more",
    "missing_signature",
    sent={"headers": [FORM], "body": b"mandrill_events=%5B%5D&event=open"},
)

# ───────────── Mercado Pago ─────────────

MERCADO_KEY = "mercadoPagoMadeUpSecretSignature1"
MERCADO_ID, MERCADO_REQUEST = "ORD01JQ4S4KY8HWQ6NA5PXB65B3D3", "2066ca19-c6f1-498a-be75-1923005edd06"
MERCADO = compact({"action": "order.processed", "type": "order", "live_mode": True, "data": {"id": MERCADO_ID}})


def mercado(secret, time, id=None, request=None):
    content = (f"id:{id};" if id else "") + (f"request-id:{request};" if request else "") + f"ts:{time};"
    return ["x-signature", f"ts={time},v1={hexed(secret, content)}"]


@provider(
    "mercado-pago",
    secret=MERCADO_KEY,
    body=MERCADO,
    url=f"https://example.com/hooks?data.id={MERCADO_ID}&type=order",
    binds=["time"],
    tolerance=300,
)
def mercado_pago(d):
    return [["x-request-id", MERCADO_REQUEST], mercado(d.secret, d.time * 1000, MERCADO_ID.lower(), MERCADO_REQUEST)]


also("mercado-pago", "id-as-it-is", "ok", sent={"with": [mercado(MERCADO_KEY, TIME * 1000, MERCADO_ID, MERCADO_REQUEST)]})
also("mercado-pago", "time-in-seconds", "ok", sent={"with": [mercado(MERCADO_KEY, TIME, MERCADO_ID.lower(), MERCADO_REQUEST)]})
also(
    "mercado-pago",
    "without-a-request-id",
    "ok",
    sent={"without": ["x-request-id"], "with": [mercado(MERCADO_KEY, TIME * 1000, MERCADO_ID.lower())]},
)
also(
    "mercado-pago",
    "without-an-id",
    "ok",
    sent={"url": "https://example.com/hooks?type=order", "with": [mercado(MERCADO_KEY, TIME * 1000, None, MERCADO_REQUEST)]},
)
also("mercado-pago", "another-id", "bad_signature", sent={"url": "https://example.com/hooks?data.id=ORD02&type=order"})
also("mercado-pago", "request-id-taken-away", "bad_signature", sent={"without": ["x-request-id"]})
also(
    "mercado-pago",
    "request-id-moved-into-the-id",
    "malformed_content",
    sent={
        "without": ["x-request-id"],
        "url": f"https://example.com/hooks?data.id={MERCADO_ID.lower()}%3Brequest-id%3A{MERCADO_REQUEST}&type=order",
    },
    why="the signature fits, and the id is another",
)
also(
    "mercado-pago",
    "another-body",
    "ok",
    sent={"body": compact({"type": "order", "data": {"id": "ORD02"}})},
    why="the body is not covered",
)

# ───────────── MessageBird, before JWT ─────────────

MESSAGEBIRD_KEY = "messagebirdMadeUpSigningKey012345"


@provider(
    "messagebird-legacy",
    secret=MESSAGEBIRD_KEY,
    url="https://example.com/hooks?status=delivered&reference=J%C3%B6rg+%26+Co&id=eef0ab57&mccmnc=",
    binds=["body", "time"],
    tolerance=300,
)
def messagebird_legacy(d):
    query = urlencode(sorted(parse_qsl(d.url.partition("?")[2], keep_blank_values=True)))
    tag = based(d.secret, f"{d.time}\n{query}\n", hashlib.sha256(d.body).digest())
    return [["MessageBird-Signature", tag], ["MessageBird-Request-Timestamp", str(d.time)]]


also("messagebird-legacy", "no-query", "ok", signed={"url": "https://example.com/hooks"})
also(
    "messagebird-legacy",
    "parameters-in-another-order",
    "ok",
    sent={"url": "https://example.com/hooks?id=eef0ab57&mccmnc=&reference=J%c3%b6rg%20%26%20Co&status=delivered"},
    why="they are sorted and encoded anew",
)
also(
    "messagebird-legacy",
    "a-parameter-more",
    "bad_signature",
    sent={"url": "https://example.com/hooks?status=delivered&reference=J%C3%B6rg+%26+Co&id=eef0ab57&mccmnc=&a=1"},
)
also(
    "messagebird-legacy",
    "two-parameters-in-one",
    "bad_signature",
    sent={"url": "https://example.com/hooks?status=delivered&reference=J%C3%B6rg+%26+Co&id=eef0ab57%26mccmnc%3D"},
)

# ───────────── NMI ─────────────

NMI_KEY = "nmi-made-up-webhook-signing-key-1"
NMI = compact({"event_id": "4a6c7e8f", "event_type": "transaction.sale.success", "event_body": {"transaction_id": "6043131346"}})
NMI_NONCE = "c3b1e5d7a9f24860"


@provider("nmi", secret=NMI_KEY, body=NMI)
def nmi(d):
    return [["Webhook-Signature", f"t={NMI_NONCE},s={hexed(d.secret, NMI_NONCE, '.', d.body)}"]]


also("nmi", "another-nonce", "bad_signature", sent={"with": [["Webhook-Signature", f"t=0{NMI_NONCE},s={hexed(NMI_KEY, NMI_NONCE, '.', NMI)}"]]})
also("nmi", "no-nonce", "missing_header", sent={"with": [["Webhook-Signature", f"s={hexed(NMI_KEY, NMI_NONCE, '.', NMI)}"]]})

# ───────────── Noon ─────────────


def noon_body(secret, time, id, status="CAPTURED", ending="Z", **more):
    stamp = zulu(time, ending)
    tag = based(secret, ",".join(["641285793224", status, id, "Capture", stamp]), algorithm="sha512")
    event = {"orderId": 641285793224, "orderStatus": status, "eventId": id, "eventType": "Capture", "timeStamp": stamp}
    return compact(event | {"originalOrderId": "1", "signature": tag} | more)


@provider("noon", secret="noon-made-up-webhook-secret-0001", id="57d7be24-ea9e-4e9a-9d4c-1c2d3e4f5a6b", binds=["time", "id"], tolerance=300)
def noon(d):
    return Sent([], body=noon_body(d.secret, d.time, d.id))


NOON_KEY, NOON_ID = "noon-made-up-webhook-secret-0001", "57d7be24-ea9e-4e9a-9d4c-1c2d3e4f5a6b"
also("noon", "seven-digits-of-a-second", "ok", sent={"body": noon_body(NOON_KEY, TIME, NOON_ID, ending=".5213394Z")})
also("noon", "another-status", "bad_signature", sent={"body": noon_body(NOON_KEY, TIME, NOON_ID).replace(b"CAPTURED", b"REFUNDED")})
also("noon", "a-field-that-is-not-signed", "ok", sent={"body": noon_body(NOON_KEY, TIME, NOON_ID, originalOrderId="2")})
also(
    "noon",
    "id-moved-into-the-status",
    "malformed_content",
    sent={
        "body": noon_body(NOON_KEY, TIME, NOON_ID)
        .replace(b'"CAPTURED"', f'"CAPTURED,{NOON_ID}"'.encode())
        .replace(b'"Capture"', f'"{zulu(TIME, "Z")}"'.encode())
        .replace(f'"eventId":"{NOON_ID}"'.encode(), b'"eventId":"Capture"')
    },
)

# ───────────── NOWPayments ─────────────

NOWPAYMENTS = compact(
    {
        "payment_id": 5077125051,
        "parent_payment_id": None,
        "payment_status": "finished",
        "pay_address": "0xcea5b2d9",
        "price_amount": 50,
        "price_currency": "usd",
        "actually_paid": 0.00612,
        "order_id": "a/b",
        "fee": {"serviceFee": 0, "currency": "btc", "depositFee": 1e-05},
    }
).replace(b"1e-05", b"0.00001")


@provider("nowpayments", secret="nowpaymentsMadeUpIpnSecret012345", body=NOWPAYMENTS, binds=[])
def nowpayments(d):
    kept = sorted_json(d.body.replace(b"0.00001", b'"0.00001"')).replace('"0.00001"', "0.00001")
    return [["x-nowpayments-sig", hexed(d.secret, kept, algorithm="sha512")]]


also("nowpayments", "another-status", "bad_signature", sent={"body": NOWPAYMENTS.replace(b"finished", b"waiting")})
also("nowpayments", "a-number-spelled-otherwise", "bad_signature", sent={"body": NOWPAYMENTS.replace(b"0.00001", b"1e-05")})

# ───────────── Orb ─────────────

ORB_KEY = "orbMadeUpWebhookSecret-0123456789_abcdefghi"
ORB = b'{"id": "o4mmewpfNNTnjfZc", "created_at": "2026-01-01T00:00:00+00:00", "type": "resource_event.test", "properties": {}}'


@provider("orb", secret=ORB_KEY, body=ORB, binds=["body", "time"], tolerance=300)
def orb(d):
    time = zulu(d.time, "")
    return [["X-Orb-Timestamp", time], ["X-Orb-Signature", "v1=" + hexed(d.secret, f"v1:{time}:", d.body)]]


also("orb", "the-same-time-with-a-zone", "bad_signature", sent={"with": [["X-Orb-Timestamp", zulu(TIME, "Z")]]}, why="the text is signed")
also(
    "orb",
    "signed-with-a-zone",
    "ok",
    sent={"with": [["X-Orb-Timestamp", zulu(TIME, "Z")], ["X-Orb-Signature", "v1=" + hexed(ORB_KEY, f"v1:{zulu(TIME, 'Z')}:", ORB)]]},
    why="the provider's library reads a zone where there is one",
)
also(
    "orb",
    "list-with-commas",
    "malformed_signature",
    sent={"with": [["X-Orb-Signature", ",".join("v1=" + hexed(key, f"v1:{zulu(TIME, '')}:", ORB) for key in ("another", ORB_KEY))]]},
)

# ───────────── Oura ─────────────

OURA_KEY = "OURAMADEUPCLIENTSECRET0123456789"
OURA = compact({"event_type": "create", "data_type": "sleep", "object_id": "5c3b1e5d", "event_time": "2026-01-01T00:00:00+00:00"})
OURA_TOKEN = {"verification_token": "made-up-verification-token"}
OURA_ASKED = "https://example.com/hooks?verification_token={}&challenge={}"


@provider("oura", secret=OURA_KEY, body=OURA, vars=OURA_TOKEN, binds=["body", "time"], tolerance=300)
def oura(d):
    return [["x-oura-timestamp", str(d.time)], ["x-oura-signature", hexed(d.secret, d.time, d.body).upper()]]


handshake(
    "oura",
    "challenge",
    method="GET",
    url=OURA_ASKED.format("made-up-verification-token", "q7Xn%22%3Cb%3E"),
    content_type="application/json",
    body='{"challenge":"q7Xn\\"<b>"}',
)
OURA_GET = {"method": "GET", "body": b"", "headers": []}
also("oura", "another-token", "missing_signature", sent=OURA_GET | {"url": OURA_ASKED.format("guessed", "q7Xn")})
also("oura", "a-long-challenge", "missing_signature", sent=OURA_GET | {"url": OURA_ASKED.format("made-up-verification-token", "q" * 129)})
also("oura", "no-token-given", "key_error", signed={"vars": {}}, sent=OURA_GET | {"url": OURA_ASKED.format("", "q7Xn")})
