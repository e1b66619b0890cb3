"""Providers from P to W that sign fields, URLs, forms, JSON printed anew, or a body among other things."""

import base64
import dataclasses
import json
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from signing import CASES, FORM, SIGNERS, TIME, Sent, also, based, compact, digest, handshake, hexed, mac, provider


def sent(preset, **changes):
    """What is sent for the good case of this preset, changed."""
    signer = SIGNERS[preset]
    return signer.sign(dataclasses.replace(signer.delivery, **changes))


def answer(body, content_type="text/plain"):
    """What a signed challenge has to hear."""
    return {"kind": "answer", "status": 200, "content_type": content_type, "body": body}


def asked(preset, *headers):
    """The headers of the handshake that was added last."""
    CASES[preset][-1]["headers"] = [list(header) for header in headers]


def escaped(value):
    return quote(str(value), safe="")


def with_query(url, name, value):
    return f"{url}{'&' if '?' in url else '?'}{name}={escaped(value)}"


def pairs_of(text):
    return parse_qsl(text, keep_blank_values=True)


def iso(seconds, fraction=""):
    """A time between 2026-01-01T00:00:00Z and the end of that hour."""
    minutes, rest = divmod(seconds - TIME, 60)
    return f"2026-01-01T00:{minutes:02}:{rest:02}{fraction}Z"


# ───────────── PandaDoc: the body; the signature stands in the query ─────────────


@provider(
    "pandadoc",
    secret="pD4kTcM8XhZr2vQe",
    binds=["body"],
    body=b'[{"event":"document_state_changed","data":{"id":"msFYActMfJHqNTKH8YSvF1","name":"Offre J\xc3\xb6rg"}}]',
    url="https://example.com/hooks/?tenant=7",
)
def pandadoc(d):
    return Sent([], url=with_query(d.url, "signature", hexed(d.secret, d.body)))


also("pandadoc", "signature-twice", "malformed_signature", sent={"url": with_query(sent("pandadoc").url, "signature", "00")})
also("pandadoc", "no-signature", "missing_signature", sent={"url": "https://example.com/hooks/?tenant=7"})


# ───────────── PayJustNow: the body without its white space ─────────────

PAYJUSTNOW = b"""{
  "requestId": "3f0c", "merchant_reference": "ORDER 1001",
  "payment_status": "PAID_PAYMENT", "amount": 15000
}"""


@provider("payjustnow", secret="pjn_4e1b7a02c6d94f0e", binds=[], body=PAYJUSTNOW)
def payjustnow(d):
    return [["X-Signature", based(d.secret, b"".join(d.body.split()))]]


also(
    "payjustnow",
    "white-space-moved",
    "ok",
    sent={"body": PAYJUSTNOW.replace(b"ORDER 1001", b"ORDER1 001").replace(b"\n", b"\r\n\t")},
    why="a limit of the scheme: no space is signed, not even those inside of texts",
)
also("payjustnow", "amount-altered", "bad_signature", sent={"body": PAYJUSTNOW.replace(b"15000", b"15001")})


# ───────────── PayMid: the members of the body, sorted ─────────────

PAYMID = compact(
    {
        "type": "sale",
        "status": "approved",
        "transaction_id": "A49dfkqvw",
        "amount": "10.50",
        "card": {"last4": "4242", "brand": "visa"},
        "redirect_url": "https://example.com/done?id=1",
        "customer_name": "Jörg \"J\" Ün\n",
        "test": True,
        "descriptor": None,
    }
)


@provider("paymid", secret="pm_sk_2f9d0a7c51be4c80", binds=[], body=PAYMID)
def paymid(d):
    return [["Signature", hexed(d.secret, compact(dict(sorted(json.loads(d.body).items()))))]]


also(
    "paymid",
    "members-in-another-order",
    "ok",
    sent={"body": json.dumps(dict(reversed(json.loads(PAYMID).items())), indent=1).encode()},
    why="they are sorted before they are signed, and neither spaces nor escapes matter",
)
also(
    "paymid",
    "inner-members-in-another-order",
    "bad_signature",
    sent={"body": PAYMID.replace(b'"last4":"4242","brand":"visa"', b'"brand":"visa","last4":"4242"')},
    why="only the outermost are sorted",
)
also("paymid", "status-altered", "bad_signature", sent={"body": PAYMID.replace(b"approved", b"declined")})
also("paymid", "member-added", "bad_signature", sent={"body": PAYMID[:-1] + b',"zone":"eu"}'})
also("paymid", "member-twice", "malformed_content", sent={"body": PAYMID[:-1] + b',"status":"declined"}'})


# ───────────── Paymob: twenty fields of a transaction, or eight of a card token, one behind the other ─────────────

PAYMOB = {
    "type": "TRANSACTION",
    "obj": {
        "id": 192036465,
        "pending": False,
        "amount_cents": 100000,
        "success": True,
        "is_auth": False,
        "is_capture": False,
        "is_standalone_payment": True,
        "is_voided": False,
        "is_refunded": False,
        "is_3d_secure": True,
        "integration_id": 4097558,
        "has_parent_transaction": False,
        "order": {"id": 217503754, "merchant_order_id": "ord-1001"},
        "created_at": "2026-01-01T02:00:00.592345",
        "currency": "EGP",
        "source_data": {"pan": "2346", "type": "card", "sub_type": "MasterCard"},
        "error_occured": False,
        "owner": 302852,
    },
}
PAYMOB_TOKEN = {
    "type": "TOKEN",
    "obj": {
        "id": 8555026,
        "token": "e98aceb96f5a370d0f46460db9d555f88bf12448ae1a3ba4c8de4ddf",
        "masked_pan": "xxxx-xxxx-xxxx-2346",
        "merchant_id": 246628,
        "card_subtype": "MasterCard",
        "created_at": "2026-01-01T02:00:00.859982",
        "email": "joerg@example.com",
        "order_id": "266378126",
    },
}


def plain(value):
    """As values are signed: a text as it is, nothing where there is none, `true`, `false` and numbers as in JSON."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


@provider(
    "paymob",
    secret="5D1E2F0A9C3B4D7E8F60718293A4B5C6",
    binds=[],
    body=compact(PAYMOB),
    url="https://example.com/hooks",
    vars={"owner": "302852"},
)
def paymob(d):
    event = json.loads(d.body)
    obj = event["obj"]
    if event["type"] == "TOKEN":
        names = ("card_subtype", "created_at", "email", "id", "masked_pan", "merchant_id", "order_id", "token")
        values = [obj[name] for name in names]
    else:
        names = ("amount_cents", "created_at", "currency", "error_occured", "has_parent_transaction", "id", "integration_id")
        names += ("is_3d_secure", "is_auth", "is_capture", "is_refunded", "is_standalone_payment", "is_voided")
        source = obj["source_data"]
        values = [obj[name] for name in names] + [obj["order"]["id"], obj["owner"], obj["pending"]]
        values += [source["pan"], source["sub_type"], source["type"], obj["success"]]
    return Sent([], url=with_query(d.url, "hmac", hexed(d.secret, *map(plain, values), algorithm="sha512")))


def paymob_with(**changes):
    return compact(PAYMOB | {"obj": PAYMOB["obj"] | changes})


also("paymob", "card-token", "ok", signed={"body": compact(PAYMOB_TOKEN)})
also(
    "paymob",
    "no-number-of-a-card",
    "ok",
    signed={"body": paymob_with(source_data={"pan": None, "type": "cash", "sub_type": "CASH"})},
)
also("paymob", "amount-altered", "bad_signature", sent={"body": paymob_with(amount_cents=1)})
also("paymob", "success-altered", "bad_signature", sent={"body": paymob_with(success=False)})
also(
    "paymob",
    "digit-moved-from-the-owner-to-the-order",
    "claim_mismatch",
    sent={"body": paymob_with(order={"id": 2175037543}, owner="02852")},
    why="the same signed text is another order's, and the address that customers come back to shows them such a signature",
)
also(
    "paymob",
    "digit-moved-from-the-time-to-the-amount",
    "claim_mismatch",
    sent={"body": paymob_with(amount_cents=1000002, created_at="026-01-01T02:00:00.592345")},
    why="the same signed text with another amount",
)
also(
    "paymob",
    "merchant-order-altered",
    "ok",
    sent={"body": paymob_with(order={"id": 217503754, "merchant_order_id": "ord-1002"})},
    why="a limit of the scheme: the merchant's own number of the order is not signed",
)
also("paymob", "another-account", "claim_mismatch", vars={"owner": "302853"})
also("paymob", "another-type", "disallowed", sent={"body": compact(PAYMOB | {"type": "DELIVERY_STATUS"})})
also(
    "paymob",
    "a-transaction-called-token",
    "missing_header",
    sent={"body": compact(PAYMOB | {"type": "TOKEN"})},
)


# ───────────── PayTR: three fields of a form, with a salt between them ─────────────

PAYTR = "merchant_oid=IN1001&status=success&total_amount=3456&payment_type=card&currency=TL&test_mode=0"


@provider(
    "paytr",
    secret="Zq9mT4xKp2WcB7Ls",
    binds=[],
    body=PAYTR.encode(),
    headers=(FORM,),
    vars={"merchant_salt": "fH3sJ8nRv6Yt1QgD"},
)
def paytr(d):
    form = dict(pairs_of(d.body.decode()))
    tag = based(d.secret, form["merchant_oid"], d.vars["merchant_salt"], form["status"], form["total_amount"])
    return Sent([], body=d.body + b"&hash=" + escaped(tag).encode())


PAYTR_SENT = sent("paytr").body
also(
    "paytr",
    "payment-failed",
    "ok",
    signed={"body": b"merchant_oid=IN1001&status=failed&total_amount=0&failed_reason_code=6"},
    accepted={"status": 200, "content_type": "text/plain", "body": "OK"},
)
also("paytr", "amount-altered", "bad_signature", sent={"body": PAYTR_SENT.replace(b"3456", b"34")})
also("paytr", "salt-of-another", "bad_signature", sent={"vars": {"merchant_salt": "fH3sJ8nRv6YtDgQ1"}})
also(
    "paytr",
    "digit-moved-to-the-status",
    "claim_mismatch",
    sent={"body": PAYTR_SENT.replace(b"success", b"success3").replace(b"3456", b"456")},
    why="the same signed text, cut elsewhere",
)
also("paytr", "field-twice", "malformed_content", sent={"body": PAYTR_SENT + b"&status=success"})
PAYTR_FAILED = sent("paytr", body=b"merchant_oid=IN1001&status=failed&total_amount=0").body
for name, other in (("space-before", b"+status"), ("nul-behind", b"status%00")):
    also(
        "paytr",
        f"field-twice-with-a-{name}-its-name",
        "claim_mismatch",
        sent={"body": PAYTR_FAILED + b"&" + other + b"=success"},
        why="PHP reads success",
    )
also(
    "paytr",
    "number-twice-with-a-dot-in-its-name",
    "claim_mismatch",
    sent={"body": PAYTR_SENT + b"&merchant.oid=IN1002"},
    why="PHP reads the second",
)
also(
    "paytr",
    "currency-altered",
    "ok",
    sent={"body": PAYTR_SENT.replace(b"=TL", b"=EUR")},
    why="a limit of the scheme: the currency is not signed",
)


# ───────────── Persona: sets of a time and a signature ─────────────


def persona_set(secret, time, body):
    return f"t={time},v1={hexed(secret, time, '.', body)}"


@provider(
    "persona",
    secret="wbhsec_7c0e5a1f-33d2-4b8e-9f64-1d2c3b4a5968",
    binds=["body", "time"],
    tolerance=300,
    body=b'{"data":{"type":"event","id":"evt_7Yb2","attributes":{"name":"inquiry.approved","payload":{}}}}',
)
def persona(d):
    return [["Persona-Signature", persona_set(d.secret, d.time, d.body)]]


PERSONA = SIGNERS["persona"].delivery
STALE, OTHER = TIME - 3600, "wbhsec_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
for name, expect, sets in (
    ("rolled-secret", "ok", [(OTHER, TIME + 1), (PERSONA.secret, TIME)]),
    ("an-old-set-beside-one-of-another", "stale_timestamp", [(OTHER, TIME), (PERSONA.secret, STALE)]),
):
    header = " ".join(persona_set(secret, time, PERSONA.body) for secret, time in sets)
    also("persona", name, expect, sent={"with": [["Persona-Signature", header]]})
PERSONA_TAGS = [hexed(PERSONA.secret, time, ".", PERSONA.body) for time in (STALE, TIME)]
also(
    "persona",
    "time-of-another-set",
    "bad_signature",
    sent={"with": [["Persona-Signature", f"t={TIME},v1={PERSONA_TAGS[0]} t={STALE},v1={PERSONA_TAGS[1]}"]]},
    why="each signature is of the time of its own set",
)


# ───────────── Plivo V3: the URL, sorted parameters and a nonce ─────────────

PLIVO_FORM = (
    "Direction=outbound&From=19792014278&CallStatus=in-progress&BillRate=0.002"
    "&SIP-H-To=%3Csip%3Aa%40b%3E%3Btag%3D1&Event=StartApp"
)


@provider(
    "plivo-v3",
    secret="MTRkOGYzYjQ1YjE5N2Q2NWE0ZTdjMGJhZjkyMzEx",
    binds=["url", "id"],
    body=PLIVO_FORM.encode(),
    headers=(FORM,),
    url="https://example.com/plivo/answer/?b=2&a=1.5&b=1",
    id="31627761595286130198",
)
def plivo_v3(d):
    url = urlsplit(d.url)
    query, form = pairs_of(url.query), pairs_of(d.body.decode()) if d.method == "POST" else []
    content = f"{url.scheme}://{url.netloc}{url.path}"
    if query or form:
        content += "?" + "&".join(f"{name}={value}" for name, value in sorted(query))
    if query and form:
        content += "."
    content += "".join(name + value for name, value in sorted(form))
    return [["X-Plivo-Signature-V3", based(d.secret, content, ".", d.id)], ["X-Plivo-Signature-V3-Nonce", d.id]]


PLIVO_TAG = sent("plivo-v3")[0][1]
OTHER_TAG = based("a token of another account", "https://example.com/")
GET = {"method": "GET", "body": b""}
also("plivo-v3", "no-query", "ok", signed={"url": "https://example.com/plivo/answer/"})
also("plivo-v3", "get", "ok", signed=GET | {"url": "https://example.com/hook?To=15551234567&From=1555%2B7654321&Text=a+b"})
also("plivo-v3", "get-without-query", "ok", signed=GET | {"url": "https://example.com:8443/hook"})
also(
    "plivo-v3",
    "get-with-a-body",
    "disallowed",
    signed=GET | {"url": "https://example.com/hook?To=15551234567"},
    sent={"body": PLIVO_FORM},
    why="no body is signed with a GET",
)
also(
    "plivo-v3",
    "json-under-the-signature-of-a-url",
    "disallowed",
    signed={"body": b""},
    sent={"with": [["Content-Type", "application/json"]], "body": '{"Event":"StartApp"}'},
    why="a signature over the URL alone must not vouch for a body",
)
also("plivo-v3", "two-signatures", "ok", sent={"with": [["X-Plivo-Signature-V3", f"{OTHER_TAG},{PLIVO_TAG}"]]})
also(
    "plivo-v3",
    "signed-for-the-main-account",
    "ok",
    sent={"with": [["X-Plivo-Signature-V3", OTHER_TAG]], "more": [["X-Plivo-Signature-Ma-V3", PLIVO_TAG]]},
    why="a request of a subaccount is signed with either token, each in a header of its own",
)
also("plivo-v3", "field-altered", "bad_signature", sent={"body": PLIVO_FORM.replace("0.002", "0.001")})
also("plivo-v3", "field-added", "bad_signature", sent={"body": PLIVO_FORM + "&Machine=true"})
also("plivo-v3", "another-nonce", "bad_signature", sent={"with": [["X-Plivo-Signature-V3-Nonce", "31627761595286130199"]]})
PLIVO_HANGUP = "Event=Hangup&TotalCost=0.00300"
also(
    "plivo-v3",
    "end-of-a-field-moved-to-the-nonce",
    "claim_mismatch",
    signed={"body": PLIVO_HANGUP.encode()},
    sent={
        "with": [["X-Plivo-Signature-V3-Nonce", "00300.31627761595286130198"]],
        "body": PLIVO_HANGUP.removesuffix(".00300"),
    },
    why="the same signed text, cut elsewhere: another cost, and a nonce that no one has seen",
)
also(
    "plivo-v3",
    "bytes-moved-from-a-name-to-its-value",
    "ok",
    sent={"body": PLIVO_FORM.replace("From=19792014278", "From1=9792014278")},
    why="a limit of the scheme: the fields of a form are joined without separators",
)


# ───────────── Pusher: the body, by a key that a header names ─────────────


@provider(
    "pusher",
    secret="b7d1e5a90c3f48a6d2e4",
    binds=["body", "time"],
    tolerance=600,
    body=b'{"time_ms":1767225600000,"events":[{"name":"channel_occupied","channel":"test"}]}',
    rotates=False,
)
def pusher(d):
    return [["X-Pusher-Key", "main"], ["X-Pusher-Signature", hexed(d.secret, d.body)]]


PUSHER = SIGNERS["pusher"]
also(
    "pusher",
    "second-of-two-secrets",
    "ok",
    sent={"with": [["X-Pusher-Key", "second"]]},
    secrets=PUSHER.secrets("b7d1e5a90c3f48a6e4d2", PUSHER.delivery.secret),
    key_id="second",
)
also("pusher", "key-not-held", "unknown_key", sent={"with": [["X-Pusher-Key", "278d425bdf160c739803"]]})
also("pusher", "no-key-named", "missing_header", sent={"without": ["X-Pusher-Key"]})
also("pusher", "no-time", "missing_timestamp", signed={"body": b'{"events":[]}'})


# ───────────── QuickNode Streams: nonce, time and body ─────────────


@provider(
    "quicknode",
    secret="qnsec_4fT9cW2mR8sK1xZp",
    binds=["body", "time"],
    tolerance=300,
    body=b'[{"blockNumber":21000000,"transactions":[]}]',
    id="a1f0c7d2e94b4c0f8d3e",
)
def quicknode(d):
    return [
        ["X-QN-Nonce", d.id],
        ["X-QN-Timestamp", str(d.time)],
        ["X-QN-Signature", hexed(d.secret, d.id, d.time, d.body)],
    ]


also(
    "quicknode",
    "digit-moved-to-the-nonce",
    "malformed_timestamp",
    sent={"with": [["X-QN-Nonce", "a1f0c7d2e94b4c0f8d3e1"], ["X-QN-Timestamp", "767225600"]]},
    why="the same signed text, cut elsewhere: a time has ten digits",
)
also("quicknode", "nonce-of-other-letters", "ok", signed={"id": "q83vEjRWeJCrze8SNFZ4kA=="})
also("quicknode", "another-nonce", "bad_signature", sent={"with": [["X-QN-Nonce", "b1f0c7d2e94b4c0f8d3e"]]})


# ───────────── Rapyd: URL, salt, time, both keys and body; the hexadecimal digits in base64 ─────────────


@provider(
    "rapyd",
    secret="rsk_4b7e0f1d2c3a59687f5e4d3c2b1a0f9e",
    binds=["body", "time", "url"],
    tolerance=300,
    url="https://example.com/rapyd",
    body=b'{"id":"wh_3c1a","type":"PAYMENT_COMPLETED","data":{"id":"payment_6b6f"}}',
    vars={"access_key": "rak_5D1E2F0A9C3B4D7E8F60"},
)
def rapyd(d, written=lambda tag: tag.hex().encode()):
    salt = "9c1f2b7d0a4e6835"
    tag = mac(d.secret, d.url, salt, d.time, d.vars["access_key"], d.secret, d.body)
    encoded = base64.b64encode(written(tag)).decode()
    return [["Salt", salt], ["Timestamp", str(d.time)], ["Signature", encoded]]


also(
    "rapyd",
    "base64-of-the-bytes",
    "malformed_signature",
    sent={"with": rapyd(SIGNERS["rapyd"].delivery, bytes)},
    why="what is encoded are the hexadecimal digits of the MAC, not its bytes",
)
also("rapyd", "another-salt", "bad_signature", sent={"with": [["Salt", "9c1f2b7d0a4e6836"]]})
also("rapyd", "another-url", "bad_signature", sent={"url": "https://example.com/rapid"})
also(
    "rapyd",
    "end-of-the-query-moved-into-the-salt",
    "malformed_signature",
    signed={"url": "https://example.com/rapyd?shop=19"},
    sent={"url": "https://example.com/rapyd?shop=1", "with": [["Salt", "99c1f2b7d0a4e6835"]]},
    why="the same signed text, cut elsewhere: so no URL with a query is taken",
)
also("rapyd", "url-with-a-query", "malformed_signature", signed={"url": "https://example.com/rapyd?shop=1"})
also("rapyd", "another-access-key", "bad_signature", sent={"vars": {"access_key": "rak_5D1E2F0A9C3B4D7E8F61"}})
also("rapyd", "no-salt", "missing_header", sent={"without": ["Salt"]})


# ───────────── Recurly: a time in milliseconds, then signatures ─────────────


def recurly_tag(secret, time, body):
    return hexed(secret, time, ".", body)


@provider(
    "recurly",
    secret="rc_whk_1f8d3b5a7c9e0246",
    binds=["body", "time"],
    tolerance=300,
    body=b'{"id":"tz5wxy12hk","object_type":"subscription","site_id":"s1","event_type":"created","uuid":"6b0d"}',
)
def recurly(d):
    return [["Recurly-Signature", f"{d.time}000,{recurly_tag(d.secret, f'{d.time}000', d.body)}"]]


RECURLY = SIGNERS["recurly"].delivery
RECURLY_OLD = recurly_tag("the secret before this", f"{TIME}000", RECURLY.body)
RECURLY_NEW = recurly_tag(RECURLY.secret, f"{TIME}000", RECURLY.body)
for name, expect, header in (
    ("rolled-secret", "ok", f"{TIME}000,{RECURLY_OLD},{RECURLY_NEW}"),
    ("signature-first", "malformed_timestamp", f"{RECURLY_NEW},{TIME}000"),
    ("signature-cut-short", "malformed_signature", f"{TIME}000,{RECURLY_NEW[:-2]}"),
    ("no-signature-behind-the-time", "malformed_signature", f"{TIME}000"),
    ("time-in-seconds", "malformed_timestamp", f"{TIME},{recurly_tag(RECURLY.secret, TIME, RECURLY.body)}"),
):
    also("recurly", name, expect, sent={"with": [["Recurly-Signature", header]]})


# ───────────── Sinch: body, nonce and time ─────────────


@provider(
    "sinch",
    secret="sinch_secret_made_up_1234",
    binds=["body", "time", "id"],
    tolerance=300,
    id="01FJA8B4A7BM43YGWSG9GBV067",
    body=b'{"app_id":"01F","project_id":"e2df","event":{"id":"01FJA8B466Y0R2GNXD78MD9SM1"}}',
)
def sinch(d):
    return [
        ["x-sinch-webhook-signature-timestamp", str(d.time)],
        ["x-sinch-webhook-signature-nonce", d.id],
        ["x-sinch-webhook-signature-algorithm", "HmacSHA256"],
        ["x-sinch-webhook-signature", based(d.secret, d.body, ".", d.id, ".", d.time)],
    ]


SINCH = SIGNERS["sinch"].delivery
also(
    "sinch",
    "another-nonce",
    "bad_signature",
    sent={"with": [["x-sinch-webhook-signature-nonce", "01FJA8B4A7BM43YGWSG9GBV068"]]},
)
also(
    "sinch",
    "another-algorithm-that-is-named",
    "bad_signature",
    sent={
        "with": [
            ["x-sinch-webhook-signature-algorithm", "HmacSHA1"],
            ["x-sinch-webhook-signature", based(SINCH.secret, SINCH.body, ".", SINCH.id, ".", TIME, algorithm="sha1")],
        ]
    },
    why="the sender does not choose the algorithm",
)


# ───────────── Solidgate: the body between two public keys; the hexadecimal digits in base64 ─────────────


@provider(
    "solidgate",
    secret="wh_sk_0c9d8e7f6a5b4c3d2e1f",
    binds=["body"],
    body=b'{"order":{"order_id":"ord-1001","status":"approved","amount":1050,"note":"J\xc3\xb6rg"}}',
    vars={"public_key": "wh_pk_1a2b3c4d5e6f7a8b9c0d"},
)
def solidgate(d, written=lambda tag: tag.hex().encode()):
    public = d.vars["public_key"]
    tag = mac(d.secret, public, d.body, public, algorithm="sha512")
    return [["Merchant", public], ["Signature", base64.b64encode(written(tag)).decode()]]


SOLIDGATE = SIGNERS["solidgate"].delivery
also(
    "solidgate",
    "public-key-of-another",
    "bad_signature",
    signed={"vars": {"public_key": "wh_pk_d0c9b8a7f6e5d4c3b2a1"}},
    vars=SOLIDGATE.vars,
    why="the key in the header is the sender's word; the one that was configured counts",
)
also("solidgate", "base64-of-the-bytes", "malformed_signature", sent={"with": solidgate(SOLIDGATE, bytes)})


# ───────────── Square: URL and body ─────────────


@provider(
    "square",
    secret="sq0sig_Ibxx5AKakO3qeNVR61Dw",
    binds=["body", "url"],
    url="https://example.com/square?store=1",
    body=b'{"merchant_id":"ML1","type":"payment.updated","event_id":"6a8f5f28","data":{"type":"payment"}}',
)
def square(d):
    return [["x-square-hmacsha256-signature", based(d.secret, d.url, d.body)]]


SQUARE = SIGNERS["square"].delivery
SQUARE_OLD = ["X-Square-Signature", based(SQUARE.secret, SQUARE.url, SQUARE.body, algorithm="sha1")]


also("square", "another-query", "bad_signature", sent={"url": "https://example.com/square?store=2"})
also("square", "a-slash-more", "bad_signature", sent={"url": "https://example.com/square/?store=1"})
also(
    "square",
    "the-old-header-alone",
    "missing_signature",
    sent={"without": ["x-square-hmacsha256-signature"], "more": [SQUARE_OLD]},
)


# ───────────── Sumsub: the body, by a hash that a header names ─────────────


@provider(
    "sumsub",
    secret="sumsub_webhook_key_made_up",
    binds=["body"],
    body=b'{"applicantId":"5cb744200a975a67ed1798a4","type":"applicantReviewed","correlationId":"req-5fdf"}',
)
def sumsub(d):
    return [["X-Payload-Digest", hexed(d.secret, d.body)], ["X-Payload-Digest-Alg", "HMAC_SHA256_HEX"]]


SUMSUB = SIGNERS["sumsub"].delivery
for name, expect, algorithm, named in (
    ("sha512", "ok", "sha512", "HMAC_SHA512_HEX"),
    ("sha1", "malformed_signature", "sha1", "HMAC_SHA1_HEX"),
    ("sha512-called-sha256", "bad_signature", "sha512", "HMAC_SHA256_HEX"),
    ("an-algorithm-that-is-none", "malformed_signature", "sha256", "NONE"),
):
    tag = hexed(SUMSUB.secret, SUMSUB.body, algorithm=algorithm)
    also("sumsub", name, expect, sent={"with": [["X-Payload-Digest", tag], ["X-Payload-Digest-Alg", named]]})
also("sumsub", "no-algorithm-named", "malformed_signature", sent={"without": ["X-Payload-Digest-Alg"]})


# ───────────── SurveyMonkey: the body, by a key made of both halves of the client's ─────────────


@provider(
    "surveymonkey",
    secret="318629170426531178435089124637",
    binds=["body"],
    body=b'{"name":"My Webhook","event_type":"response_completed","event_id":"123","object_id":"9"}',
    vars={"client_id": "RPnFuq7nTZe1gkQNzkZ7xw"},
)
def surveymonkey(d):
    key = f"{d.vars['client_id']}&{d.secret}"
    return [["Sm-Apikey", d.vars["client_id"]], ["Sm-Signature", based(key, d.body, algorithm="sha1")]]


also("surveymonkey", "client-of-another", "bad_signature", sent={"vars": {"client_id": "RPnFuq7nTZe1gkQNzkZ7xv"}})
handshake("surveymonkey", "asked-for-when-it-is-set-up", kind="ignore", method="HEAD")
also(
    "surveymonkey",
    "a-head-with-a-body",
    "missing_signature",
    sent={"method": "HEAD", "without": ["Sm-Signature"]},
    why="only what carries nothing is a formality",
)


# ───────────── Synctera: time and body; signatures with dots between ─────────────


@provider(
    "synctera",
    secret="synctera_whs_2c7d9f01b3a5",
    binds=["body", "time"],
    tolerance=300,
    body=b'{"id":"0f6f","type":"TRANSACTION.CREATED","event_resource":"{}"}',
)
def synctera(d):
    return [["Synctera-Signature", hexed(d.secret, d.time, ".", d.body)], ["Request-Timestamp", str(d.time)]]


SYNCTERA = SIGNERS["synctera"].delivery
SYNCTERA_TAGS = [hexed(secret, TIME, ".", SYNCTERA.body) for secret in ("the secret before this", SYNCTERA.secret)]
also("synctera", "rolled-secret", "ok", sent={"with": [["Synctera-Signature", ".".join(SYNCTERA_TAGS)]]})
also("synctera", "comma-between", "malformed_signature", sent={"with": [["Synctera-Signature", ",".join(SYNCTERA_TAGS)]]})


# ───────────── TabaPay: time and body; the signature of the previous secret is called v2 ─────────────


@provider(
    "tabapay",
    secret="tp_whs_8d2f4a6c0e1b3957",
    binds=["body", "time"],
    tolerance=300,
    body=b'{"eventType":"ACH.Sent","transactionID":"TabaPay_1234567890"}',
)
def tabapay(d):
    tag = hexed(d.secret, d.time, ".", d.body)
    return [["X-HMAC-Signature", f"t={d.time},v1={tag}"], ["Idempotency-Key", "7f9c2d10"]]


TABAPAY = SIGNERS["tabapay"].delivery
TABAPAY_NEW, TABAPAY_OLD = (hexed(s, TIME, ".", TABAPAY.body) for s in ("the secret after this one", TABAPAY.secret))
for name, expect, header in (
    ("as-the-previous-secret", "ok", f"t={TIME},v1={TABAPAY_NEW},v2={TABAPAY_OLD}"),
    ("v3", "malformed_signature", f"t={TIME},v3={TABAPAY_OLD}"),
    ("two-times", "malformed_timestamp", f"t={TIME},t={TIME + 1},v1={TABAPAY_OLD}"),
):
    also("tabapay", name, expect, sent={"with": [["X-HMAC-Signature", header]]})


# ───────────── Tebex: the hexadecimal digits of the body's digest ─────────────

TEBEX_CHALLENGE = b'{"id":"7003c0b8-5a2e-4f7a-9d3e-4f21c8e1f0aa","type":"validation.webhook","subject":{}}'


@provider(
    "tebex",
    secret="4c7e1f0a9d2b6358e1c4",
    binds=["body"],
    body=b'{"id":"wh_9a1","type":"payment.completed","date":"2026-01-01T00:00:00+00:00","subject":{"note":"J\xc3\xb6rg"}}',
)
def tebex(d):
    return [["X-Signature", hexed(d.secret, digest(d.body))]]


also(
    "tebex",
    "mac-of-the-body",
    "bad_signature",
    sent={"with": [["X-Signature", hexed(SIGNERS["tebex"].delivery.secret, SIGNERS["tebex"].delivery.body)]]},
    why="what is signed is the text of the body's digest",
)
also(
    "tebex",
    "validation",
    "ok",
    signed={"body": TEBEX_CHALLENGE},
    handshake=answer('{"id":"7003c0b8-5a2e-4f7a-9d3e-4f21c8e1f0aa"}', "application/json"),
)
also("tebex", "validation-unsigned", "missing_signature", sent={"body": TEBEX_CHALLENGE, "without": ["X-Signature"]})


# ───────────── TikTok Shop: the app's key and the body ─────────────


@provider(
    "tiktok-shop",
    secret="a4ebc0f1d2e3948576a0b1c2d3e4f506172839ab",
    binds=["body"],
    body=b'{"type":1,"tts_notification_id":"7327112393057371910","timestamp":1767225600,"data":{"order_status":"UNPAID"}}',
    vars={"app_key": "6a6kq3l0s9f2d"},
)
def tiktok_shop(d):
    return [["Authorization", hexed(d.secret, d.vars["app_key"], d.body)]]


also(
    "tiktok-shop",
    "as-a-bearer-token",
    "malformed_signature",
    sent={"with": [["Authorization", "Bearer " + sent("tiktok-shop")[0][1]]]},
)
also("tiktok-shop", "app-of-another", "bad_signature", sent={"vars": {"app_key": "6a6kq3l0s9f2e"}})


# ───────────── Transloadit: one field of a form ─────────────

TRANSLOADIT = '{"ok":"ASSEMBLY_COMPLETED","assembly_id":"c7e0","message":"Jörg & co = 100%","uploads":[]}'


def transloadit_form(assembly, signature):
    return urlencode({"transloadit": assembly, "signature": signature}).encode()


@provider("transloadit", secret="7a1f0c9d2e4b6835f7a1", binds=[], body=TRANSLOADIT.encode(), headers=(FORM,))
def transloadit(d):
    return Sent([], body=transloadit_form(d.body.decode(), "sha384:" + hexed(d.secret, d.body, algorithm="sha384")))


TRANSLOADIT_SECRET = SIGNERS["transloadit"].delivery.secret
also(
    "transloadit",
    "multipart",
    "ok",
    sent={
        "headers": [["Content-Type", "multipart/form-data; boundary=f0e1d2c3"]],
        "body": (
            '--f0e1d2c3\r\nContent-Disposition: form-data; name="transloadit"\r\n\r\n' + TRANSLOADIT + "\r\n"
            '--f0e1d2c3\r\nContent-Disposition: form-data; name="signature"\r\n\r\n'
            f'sha384:{hexed(TRANSLOADIT_SECRET, TRANSLOADIT, algorithm="sha384")}\r\n--f0e1d2c3--\r\n'
        ).encode(),
    },
)
also(
    "transloadit",
    "assembly-altered",
    "bad_signature",
    sent={"body": sent("transloadit").body.replace(b"ASSEMBLY_COMPLETED", b"ASSEMBLY_CANCELED")},
)
also(
    "transloadit",
    "bare-sha1",
    "malformed_signature",
    sent={"body": transloadit_form(TRANSLOADIT, hexed(TRANSLOADIT_SECRET, TRANSLOADIT, algorithm="sha1"))},
    why="the sender does not choose the algorithm: the provider's own code takes SHA-1 where none is named",
)
also(
    "transloadit",
    "sha1-that-is-named",
    "malformed_signature",
    sent={"body": transloadit_form(TRANSLOADIT, "sha1:" + hexed(TRANSLOADIT_SECRET, TRANSLOADIT, algorithm="sha1"))},
)
also(
    "transloadit",
    "field-beside-it",
    "claim_mismatch",
    sent={"body": sent("transloadit").body + b"&user=admin"},
    why="nothing but the one field is signed",
)
also(
    "transloadit",
    "field-that-php-takes-for-it",
    "claim_mismatch",
    sent={"body": sent("transloadit").body + b"&%20transloadit=%7B%7D"},
    why="PHP drops the space and reads this one",
)


# ───────────── Treezor: one member of the body, as PHP prints it ─────────────

TREEZOR = {
    "webhook": "payin.create",
    "webhook_id": "b1c2d3e4",
    "object": "payin",
    "object_id": "42",
    "object_payload": {"payins": [{"payinId": "42", "amount": "10.00", "label": "Jörg / 50 €"}]},
}


@provider(
    "treezor",
    secret="tz_webhook_secret_made_up",
    binds=[],
    body=json.dumps(TREEZOR).encode(),
    headers=(["Content-Type", "text/plain"],),
)
def treezor(d):
    event = json.loads(d.body)
    # json_encode of PHP: no spaces, slashes escaped, and everything beyond ASCII too.
    printed = json.dumps(event["object_payload"], separators=(",", ":")).replace("/", "\\/")
    return Sent([], body=json.dumps(event | {"object_payload_signature": based(d.secret, printed)}).encode())


TREEZOR_SENT = sent("treezor").body
also(
    "treezor",
    "characters-unescaped",
    "ok",
    sent={"body": compact(json.loads(TREEZOR_SENT))},
    why="it is printed anew, so the escapes on the way do not matter",
)
also("treezor", "amount-altered", "bad_signature", sent={"body": TREEZOR_SENT.replace(b"10.00", b"99.00")})
also(
    "treezor",
    "event-altered",
    "ok",
    sent={"body": TREEZOR_SENT.replace(b"payin.create", b"payin.cancel")},
    why="a limit of the scheme: nothing around the payload is signed, not even what happened",
)
also("treezor", "payload-twice", "malformed_content", sent={"body": TREEZOR_SENT[:-1] + b', "object_payload": {}}'})
also("treezor", "no-payload", "missing_header", sent={"body": TREEZOR_SENT.replace(b'"object_payload"', b'"payload"')})


# ───────────── Trello: body and URL ─────────────


@provider(
    "trello",
    secret="5f0e1d2c3b4a59687f5e4d3c2b1a0f9e8d7c6b5a",
    binds=["body", "url"],
    url="https://example.com/trello/7?board=1",
    body=b'{"action":{"id":"51f9d277b2b822f83b005a0b","type":"updateCard"},"model":{"name":"J\xc3\xb6rg"}}',
)
def trello(d):
    return [["X-Trello-Webhook", based(d.secret, d.body, d.url, algorithm="sha1")]]


also("trello", "another-url", "bad_signature", sent={"url": "https://example.com/trello/7?board=2"})
handshake("trello", "asked-for-when-it-is-set-up", kind="ignore", method="HEAD")
also(
    "trello",
    "a-head-with-a-body",
    "missing_signature",
    sent={"method": "HEAD", "without": ["X-Trello-Webhook"]},
    why="only what carries nothing is a formality",
)


# ───────────── Truepic: URL, time and body, with commas between ─────────────


@provider(
    "truepic",
    secret="truepic_secret_made_up_4711",
    binds=["body", "time", "url", "query"],
    tolerance=300,
    url="https://example.com/truepic?a=1,2",
    body=b'{"type":"captures.created","data":{"id":"dd4b8e37","status":"WAITING"}}',
)
def truepic(d):
    return [["truepic-signature", f"t={d.time},s={based(d.secret, d.url, ',', d.time, ',', d.body)}"]]


TRUEPIC = sent("truepic")[0][1]
TRUEPIC_HEX = TRUEPIC.partition(",s=")[0] + ",s=" + base64.b64decode(TRUEPIC.partition(",s=")[2]).hex()
also(
    "truepic",
    "without-padding",
    "ok",
    sent={"with": [["truepic-signature", TRUEPIC.rstrip("=")]]},
    why="so it is in the description, while the provider's test pads it",
)
also("truepic", "cut-short", "bad_signature", sent={"with": [["truepic-signature", TRUEPIC[:-8]]]})
also("truepic", "in-hex", "bad_signature", sent={"with": [["truepic-signature", TRUEPIC_HEX]]})
also("truepic", "another-url", "bad_signature", sent={"url": "https://example.com/truepic?a=1"})


# ───────────── Twitch: id, time and body; the challenge comes signed ─────────────

TWITCH_CHALLENGE = b'{"challenge":"pogchamp-kappa-360noscope-vohiyo","subscription":{"id":"f1c2a387","type":"channel.follow"}}'


@provider(
    "twitch",
    secret="s3cRe7-made-up-for-this",
    binds=["body", "time"],
    tolerance=600,
    id="e76c6bd4-55c9-4987-8304-da1588d8988b",
    body=b'{"subscription":{"id":"f1c2a387","type":"channel.follow"},"event":{"user_name":"J\xc3\xb6rg"}}',
)
def twitch(d, fraction=""):
    time = iso(d.time, fraction)
    return [
        ["Twitch-Eventsub-Message-Id", d.id],
        ["Twitch-Eventsub-Message-Timestamp", time],
        ["Twitch-Eventsub-Message-Type", "notification"],
        ["Twitch-Eventsub-Message-Signature", "sha256=" + hexed(d.secret, d.id, time, d.body)],
    ]


also("twitch", "nanoseconds", "ok", sent={"with": twitch(SIGNERS["twitch"].delivery, ".123456789")})
also("twitch", "id-of-other-letters", "ok", signed={"id": "FJxLd6CPpEcjNl0F7p-yqPExGYwQHBkYg_fkrJmYP8k="})


ASKED = {"with": [["Twitch-Eventsub-Message-Type", "webhook_callback_verification"]]}
also(
    "twitch",
    "challenge",
    "ok",
    signed={"body": TWITCH_CHALLENGE},
    sent=ASKED,
    handshake=answer("pogchamp-kappa-360noscope-vohiyo"),
)
also(
    "twitch",
    "challenge-unsigned",
    "missing_signature",
    signed={"body": TWITCH_CHALLENGE},
    sent=ASKED | {"without": ["Twitch-Eventsub-Message-Signature"]},
)
also(
    "twitch",
    "notification-called-a-challenge",
    "ok",
    sent=ASKED,
    why="the type in the header is not signed; without a challenge in the body there is nothing to answer",
)
also(
    "twitch",
    "another-id",
    "bad_signature",
    sent={"with": [["Twitch-Eventsub-Message-Id", "e76c6bd4-55c9-4987-8304-da1588d8988c"]]},
)
also(
    "twitch",
    "digit-moved-to-the-id",
    "malformed_timestamp",
    sent={
        "with": [
            ["Twitch-Eventsub-Message-Id", "e76c6bd4-55c9-4987-8304-da1588d8988b2"],
            ["Twitch-Eventsub-Message-Timestamp", "026-01-01T00:00:00Z"],
        ]
    },
    why="the same signed text, cut elsewhere",
)


# ───────────── UPayments: time, method, URL and body ─────────────


@provider(
    "upayments",
    secret="upay_sk_9f0e1d2c3b4a5968",
    binds=["body", "time", "method", "url"],
    tolerance=300,
    url="https://example.com/upayments?order=1001",
    body=b'{"payment_id":"100202","result":"CAPTURED","track_id":"1","note":"J\xc3\xb6rg"}',
)
def upayments(d):
    return [["X-Timestamp", str(d.time)], ["X-Signature", based(d.secret, d.time, d.method, d.url, d.body)]]


also("upayments", "another-method", "bad_signature", sent={"method": "PUT"})
also("upayments", "another-url", "bad_signature", sent={"url": "https://example.com/upayments?order=1002"})


# ───────────── USPS: two members of the body ─────────────


def usps_body(time, payload='{"trackingNumber":"9400100000000000000000","status":"Delivered"}', **more):
    return compact({"subscriptionId": "a1b2", "subscriptionType": "TRACKING", "timestamp": time, "payload": payload} | more)


@provider(
    "usps",
    secret="0123456789abcdefghijklmnopqrstuv",
    binds=["time"],
    tolerance=300,
    body=usps_body(iso(TIME)),
)
def usps(d):
    event = json.loads(d.body)
    return [["X-HMAC", based(d.secret, event["timestamp"], event["payload"])]]


USPS_TAG = sent("usps")[0][1]
also("usps", "the-old-header", "ok", sent={"without": ["X-HMAC"], "more": [["hmac-header", USPS_TAG]]})
also(
    "usps",
    "the-old-header-beside-a-wrong-one",
    "bad_signature",
    sent={"with": [["X-HMAC", based("another key", "")]], "more": [["hmac-header", USPS_TAG]]},
)
also("usps", "payload-altered", "bad_signature", sent={"body": usps_body(iso(TIME), '{"status":"Alert"}')})
also(
    "usps",
    "payload-as-an-object",
    "malformed_content",
    sent={"body": usps_body(iso(TIME), {"status": "Delivered"})},
    why="what is signed is a text that holds JSON",
)
also(
    "usps",
    "letter-moved-to-the-payload",
    "malformed_timestamp",
    sent={"body": usps_body(iso(TIME)[:-1], 'Z{"trackingNumber":"9400100000000000000000","status":"Delivered"}')},
    why="the same signed text, cut elsewhere",
)
also(
    "usps",
    "subscription-altered",
    "ok",
    sent={"body": usps_body(iso(TIME), subscriptionId="ffff")},
    why="a limit of the scheme: nothing else of the body is signed",
)


# ───────────── Volt: body, time and the version of the sender's program ─────────────


@provider(
    "volt",
    secret="4c7e1f0a-9d2b-4635-8e1c-4f0a9d2b6358",
    binds=["body"],
    body=b'{"payment":"a9c5e1d0","status":"RECEIVED","merchantInternalReference":"ord-1001"}',
    bytes_pass=True,
)
def volt(d):
    content = [d.body, "|20260101T000000|1.7.0"]
    return [["User-Agent", "Volt/1.7.0"], ["X-Volt-Timed", "20260101T000000"], ["X-Volt-Signed", hexed(d.secret, *content)]]


also("volt", "another-version", "bad_signature", sent={"with": [["User-Agent", "Volt/1.7.1"]]})
also("volt", "another-time", "bad_signature", sent={"with": [["X-Volt-Timed", "20260101T000001"]]})
also(
    "volt",
    "bar-in-the-time",
    "malformed_content",
    signed={"body": b"{}"},
    sent={"with": [["X-Volt-Timed", "20260101|T000000"]]},
    why="so that nothing can move between the body and the time",
)
also("volt", "user-agent-of-a-proxy", "bad_signature", sent={"with": [["User-Agent", "curl/8.9.1"]]})


# ───────────── Vonage's older scheme: all parameters, sorted ─────────────

VONAGE = (
    "message-timestamp=2026-01-01+00%3A00%3A00&messageId=0B00000042AC53BD&msisdn=14843472194&nonce=929d6744-bd28"
    "&text=Test+with+%26+and+%3D+J%C3%B6rg&timestamp=1767225600&to=12192259404&type=text"
)
VONAGE_URL = "https://example.com/inbound"


def vonage_tag(secret, text, algorithm="sha256"):
    pairs = sorted((name, value.replace("&", "_").replace("=", "_")) for name, value in pairs_of(text) if name != "sig")
    return hexed(secret, *(f"&{name}={value}" for name, value in pairs), algorithm=algorithm).upper()


@provider(
    "vonage-legacy",
    secret="my_secret_key_made_up_for_tests",
    binds=[],
    method="GET",
    url=f"{VONAGE_URL}?{VONAGE}",
    body=b"",
    headers=(),
)
def vonage_legacy(d):
    if d.method == "GET":
        return Sent([], url=with_query(d.url, "sig", vonage_tag(d.secret, urlsplit(d.url).query)))
    return Sent([], body=d.body + b"&sig=" + vonage_tag(d.secret, d.body.decode()).encode())


VONAGE_SECRET = SIGNERS["vonage-legacy"].delivery.secret
VONAGE_POST = {"method": "POST", "url": VONAGE_URL, "body": VONAGE.encode()}
also("vonage-legacy", "form", "ok", signed=VONAGE_POST, sent={"headers": [FORM]})
also(
    "vonage-legacy",
    "sha512",
    "ok",
    vars={"algorithm": "sha512"},
    sent={"url": f"{VONAGE_URL}?{VONAGE}&sig={vonage_tag(VONAGE_SECRET, VONAGE, 'sha512')}"},
)
also(
    "vonage-legacy",
    "sha1-though-it-is-sha256",
    "bad_signature",
    sent={"url": f"{VONAGE_URL}?{VONAGE}&sig={vonage_tag(VONAGE_SECRET, VONAGE, 'sha1')}"},
)
VONAGE_SENT = sent("vonage-legacy").url
also("vonage-legacy", "text-altered", "bad_signature", sent={"url": VONAGE_SENT.replace("text=Test", "text=Rest")})
also("vonage-legacy", "parameter-added", "bad_signature", sent={"url": VONAGE_SENT + "&udh=06"})
also("vonage-legacy", "signature-twice", "malformed_content", sent={"url": VONAGE_SENT + "&sig=00"})
also(
    "vonage-legacy",
    "name-with-an-equals-sign",
    "malformed_content",
    sent={"url": VONAGE_SENT.replace("text=Test", "text%3DTest=")},
    why="the same signed text with other names and values",
)
also(
    "vonage-legacy",
    "underscore-for-an-ampersand",
    "ok",
    sent={"url": VONAGE_SENT.replace("%26", "_").replace("%3D", "_")},
    why="a limit of the scheme: both characters are signed as `_`",
)
also(
    "vonage-legacy",
    "body-under-a-signed-query",
    "disallowed",
    sent={"method": "POST", "headers": [FORM], "body": "text=Another"},
    why="a signature over the query must not vouch for a body",
)


# ───────────── Worldline: the body, by a key that a header names; the challenge is echoed ─────────────


@provider(
    "worldline",
    secret="wl_secret_made_up_c0ffee",
    binds=["body"],
    body=b'{"apiVersion":"v1","id":"8ee793f6","merchantId":"20000","type":"payment.paid"}',
    rotates=False,
)
def worldline(d):
    return [["X-GCS-KeyId", "main"], ["X-GCS-Signature", based(d.secret, d.body)]]


WORLDLINE = SIGNERS["worldline"]
also(
    "worldline",
    "second-of-two-secrets",
    "ok",
    sent={"with": [["X-GCS-KeyId", "second"]]},
    secrets=WORLDLINE.secrets("wl_secret_of_another_key", WORLDLINE.delivery.secret),
    key_id="second",
)
also(
    "worldline",
    "named-key-is-another",
    "bad_signature",
    secrets=WORLDLINE.secrets("wl_secret_of_another_key", WORLDLINE.delivery.secret),
    why="only the key that is named is tried",
)
also("worldline", "key-not-held", "unknown_key", sent={"with": [["X-GCS-KeyId", "third"]]})
CHALLENGE = ["X-GCS-Webhooks-Endpoint-Verification", "2c4b1a9e-7f3d-4c58-9b60-1d2e3f4a5b6c"]
handshake("worldline", "endpoint-verification", method="GET", body=CHALLENGE[1])
asked("worldline", CHALLENGE)
also(
    "worldline",
    "verification-that-posts",
    "missing_signature",
    sent={"without": ["X-GCS-Signature"], "more": [CHALLENGE]},
    why="an event without a signature is no challenge, whatever header it has",
)
also(
    "worldline",
    "verification-of-markup",
    "missing_signature",
    sent={"method": "GET", "body": b"", "without": ["X-GCS-Signature"], "more": [[CHALLENGE[0], "<script>"]]},
)


# ───────────── Worldpay: the body; a signature for each key, with its number ─────────────


@provider(
    "worldpay-access",
    secret="0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    other="f01e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    binds=["body"],
    body=b'{"eventId":"bb55ca5a","eventDetails":{"classification":"payment","type":"settled"}}',
    rotates=False,
    secrets=[{"id": "1", "value": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"}],
)
def worldpay_access(d):
    return [["Event-Signature", "1/SHA256/" + hexed(bytes.fromhex(d.secret), d.body)]]


WORLDPAY_NEXT = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
WORLDPAY_TAG = sent("worldpay-access")[0][1]
WORLDPAY_BOTH = f"2/SHA256/{hexed(bytes.fromhex(WORLDPAY_NEXT), SIGNERS['worldpay-access'].delivery.body)},{WORLDPAY_TAG}"
also("worldpay-access", "two-signatures-of-which-one-key-is-held", "ok", sent={"with": [["Event-Signature", WORLDPAY_BOTH]]})
also(
    "worldpay-access",
    "the-next-key",
    "ok",
    sent={"with": [["Event-Signature", WORLDPAY_BOTH]]},
    secrets=[{"id": "2", "value": WORLDPAY_NEXT}],
    key_id="2",
)
also(
    "worldpay-access",
    "number-of-another-key",
    "unknown_key",
    sent={"with": [["Event-Signature", "3" + WORLDPAY_TAG[1:]]]},
)
also(
    "worldpay-access",
    "another-hash",
    "malformed_signature",
    sent={"with": [["Event-Signature", WORLDPAY_TAG.replace("SHA256", "SHA1")]]},
)
