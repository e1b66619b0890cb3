"""Providers that sign the body and nothing else: an HMAC of it, mostly in base64, in a header."""

import base64

from signing import CASES, FORM, JSON, also, altered_secret, based, compact, handshake, hexed, mac, provider


def whole_body(preset, header, *, prefix="", algorithm="sha256", more=(), **fields):
    """Announce a provider that puts the base64 of its HMAC into a header."""

    @provider(preset, **fields)
    def sign(d):
        tag = prefix + based(d.secret, d.body, algorithm=algorithm)
        return [[header, tag], *map(list, more)]


def posted(preset, name, body, **fields):
    """A handshake that comes with a body of its own: `body` is what is asked, and the answer has none."""
    handshake(preset, name, **fields)
    CASES[preset][-1]["body"] = body


# ───────────── A to F ─────────────

ABLY = "4rTk0-made-up-key-secret-Yx9w"
whole_body(
    "ably",
    "X-Ably-Signature",
    secret=ABLY,
    more=[["X-Ably-Key", "xVLyHw.3pQaZg"]],
    body=compact({"items": [{"webhookId": "r1xZ", "name": "channel.message", "serial": "a1", "data": {"channelId": "orders"}}]}),
)
also(
    "ably",
    "whole-key-held",
    "bad_signature",
    secrets=[{"id": "main", "value": "xVLyHw.3pQaZg:" + ABLY}],
    why="the key is what stands behind the colon",
)
also(
    "ably",
    "a-token-request-as-a-body",
    "malformed_signature",
    signed={"body": b'xVLyHw.3pQaZg\n3600000\n{"*":["*"]}\nclient\n1767225600000\n8d2f0c3e5a7b\n'},
    why="its mac is made by the same key, and clients have it",
)
also(
    "ably",
    "a-token-as-a-body",
    "malformed_signature",
    signed={"body": b"eyJhbGciOiJIUzI1NiJ9.eyJ4LWFibHktY2xpZW50SWQiOiJjIn0"},
    why="what a JWT signs, by the same key",
)
also("ably", "a-message-alone", "ok", signed={"body": b"order 17 is paid.\nThank you"})
also("ably", "nothing", "ok", signed={"body": b""})

ACUITY = "acuity-made-up-api-key-9c41f2"
whole_body(
    "acuity-scheduling",
    "X-Acuity-Signature",
    secret=ACUITY,
    headers=[FORM],
    body=b"action=scheduled&id=54433221&calendarID=3456&appointmentTypeID=998877",
)
also(
    "acuity-scheduling",
    "escapes-as-they-were",
    "ok",
    signed={"body": b"action=canceled&id=54433222&note=J%c3%b6rg+%2B%20co"},
    why="escapes in small letters, and a space in two spellings: a form that is read and printed again is another",
)

ADYEN = "8A13F0C26E5B49D7A0C4E1F2938475665A4B3C2D1E0FCAFE0123456789ABCDEF"


@provider("adyen-platform", secret=ADYEN, body=compact({"data": {"id": "TR1", "balancePlatform": "Shop"}, "type": "balancePlatform.transfer.created", "environment": "test"}))
def adyen_platform(d):
    return [["HmacSignature", based(bytes.fromhex(d.secret), d.body)], ["Protocol", "HmacSHA256"]]


also(
    "adyen-platform",
    "key-as-text",
    "bad_signature",
    sent={"with": [["HmacSignature", based(ADYEN, b'{"type":"merchant.created"}')]]},
    signed={"body": b'{"type":"merchant.created"}'},
    why="the digits themselves are not the key",
)

whole_body(
    "aftership",
    "aftership-hmac-sha256",
    secret="aftership-made-up-webhook-secret-17",
    body=compact({"event": "tracking_update", "event_id": "fd3ba1a5-2ac6-4ba2-b9e2-4a5a1a2bd6b3", "msg": {"tracking_number": "9405511899", "tag": "InTransit"}, "ts": 1767225600}),
)
also(
    "aftership",
    "header-of-another-product",
    "missing_signature",
    sent={"without": ["aftership-hmac-sha256"], "more": [["as-signature-hmac-sha256", based("aftership-made-up-webhook-secret-17", b"{}")]]},
    signed={"body": b"{}"},
)

RETURNS = "returns-made-up-webhook-secret-22"
whole_body("aftership-returns", "as-signature-hmac-sha256", secret=RETURNS)
also(
    "aftership-returns",
    "header-of-older-organisations",
    "ok",
    sent={"without": ["as-signature-hmac-sha256"], "more": [["am-webhook-signature", "hmac-sha256=" + based(RETURNS, b'{"rma":"A1"}')]]},
    signed={"body": b'{"rma":"A1"}'},
)
also(
    "aftership-returns",
    "older-header-without-its-prefix",
    "malformed_signature",
    sent={"without": ["as-signature-hmac-sha256"], "more": [["am-webhook-signature", based(RETURNS, b'{"rma":"A1"}')]]},
    signed={"body": b'{"rma":"A1"}'},
)

whole_body("alloy", "Authorization", secret="alloy-made-up-hmac-secret-5d1e")
also(
    "alloy",
    "basic-instead",
    "malformed_signature",
    sent={"with": [["Authorization", "Basic aG9vazpzZWNyZXQ="]]},
    why="the webhook is set to another way, in which nothing is signed",
)

AUTOTASK = "autotask-made-up-SecretKey-0815"
TICKET = compact({"Action": "Update", "Guid": "e1f2a3b4", "EntityType": "Ticket", "Id": 7684, "Fields": {"Title": "Printer"}, "SequenceNumber": 3})
whole_body("autotask", "X-Hook-Signature", prefix="sha1=", algorithm="sha1", secret=AUTOTASK, body=TICKET)
also(
    "autotask",
    "hexadecimal-instead",
    "bad_signature",
    sent={"with": [["X-Hook-Signature", "sha1=" + hexed(AUTOTASK, TICKET, algorithm="sha1")]]},
    why="forty hexadecimal digits are base64 too, of thirty other bytes",
)
also(
    "autotask",
    "no-prefix",
    "malformed_signature",
    sent={"with": [["X-Hook-Signature", based(AUTOTASK, TICKET, algorithm="sha1")]]},
)

BOLT = "bolt-made-up-signing-secret-2f8a"
PAYMENT = compact({"object": "transaction", "type": "auth", "data": {"reference": "V2YW-NYNR-2MYM"}})
whole_body("bolt", "X-Bolt-Hmac-Sha256", secret=BOLT, body=PAYMENT)
also(
    "bolt",
    "by-the-secret-to-come",
    "ok",
    sent={
        "with": [["X-Bolt-Hmac-Sha256", based(altered_secret(BOLT), PAYMENT)]],
        "more": [["X-Bolt-Hmac-Sha256-Pending", based(BOLT, PAYMENT)]],
    },
    why="the secret is being rolled, and only the new one is held",
)
also(
    "bolt",
    "neither-of-two",
    "bad_signature",
    sent={
        "with": [["X-Bolt-Hmac-Sha256", based(altered_secret(BOLT), PAYMENT)]],
        "more": [["X-Bolt-Hmac-Sha256-Pending", based(altered_secret(BOLT), PAYMENT)]],
    },
)

whole_body(
    "castle",
    "X-Castle-Signature",
    secret="castle-made-up-api-secret-3b",
    body=compact({"api_version": "v1", "type": "$review.opened", "created_at": "2026-01-01T00:00:00.000Z", "data": {"id": "r1"}}),
    bytes_pass=False,
)
also("castle", "the-id-of-a-user-as-a-body", "malformed_signature", signed={"body": b"alice@example.com"}, why="secure mode signs it by the same key")

whole_body(
    "commercelayer",
    "X-CommerceLayer-Signature",
    secret="c0mmerce-made-up-shared-secret-77",
    more=[["X-CommerceLayer-Topic", "orders.place"]],
    body=compact({"data": {"id": "wBXVhKzrnq", "type": "orders", "attributes": {"number": 1234}}}),
)
also(
    "commercelayer",
    "topic-changed",
    "ok",
    sent={"with": [["X-CommerceLayer-Topic", "orders.cancel"]]},
    why="the topic is not signed",
)

CRONOFY = "CRN_made-up-client-secret-of-an-application"
CHANGE = compact({"notification": {"type": "change", "changes_since": "2026-01-01T00:00:00Z"}, "channel": {"channel_id": "chn_54cf7c7cb4ad4c1027000001"}})
whole_body("cronofy", "Cronofy-HMAC-SHA256", secret=CRONOFY, body=CHANGE)
OTHERS = based(altered_secret(CRONOFY), CHANGE)
also("cronofy", "second-of-two", "ok", sent={"with": [["Cronofy-HMAC-SHA256", f"{OTHERS},{based(CRONOFY, CHANGE)}"]]})
also("cronofy", "a-space-behind-the-comma", "ok", sent={"with": [["Cronofy-HMAC-SHA256", f"{based(CRONOFY, CHANGE)}, {OTHERS}"]]})
also("cronofy", "none-of-two", "bad_signature", sent={"with": [["Cronofy-HMAC-SHA256", f"{OTHERS},{OTHERS}"]]})

whole_body(
    "fastspring",
    "X-FS-Signature",
    secret="fastspring-made-up-hmac-secret-61",
    body=compact({"events": [{"id": "uLrHtPKvQAS6kEXAMPLE00", "type": "order.completed", "live": False, "created": 1767225600000, "data": {}}]}),
)

# ───────────── H to L ─────────────

whole_body(
    "help-scout",
    "X-HelpScout-Signature",
    algorithm="sha1",
    secret="helpscout-made-up-key-40-letters",
    more=[["X-HelpScout-Event", "convo.created"]],
    body=compact({"id": 123, "subject": "Hello"}),
)
also(
    "help-scout",
    "sha256-instead",
    "bad_signature",
    sent={"with": [["X-HelpScout-Signature", based("helpscout-made-up-key-40-letters", compact({"id": 123, "subject": "Hello"}))]]},
)

whole_body(
    "heroku",
    "Heroku-Webhook-Hmac-SHA256",
    secret="heroku-made-up-webhook-secret-9a",
    body=compact({"id": "a5b2f1c0-6a2e-4c2f-9d80-1f0d3f1a9b11", "action": "create", "resource": "release", "data": {"status": "succeeded"}, "version": "application/vnd.heroku+json; version=3"}),
)
also(
    "heroku",
    "with-a-token-beside",
    "ok",
    sent={"more": [["Authorization", "whatever-was-set"]]},
    why="the token is not looked at",
)

HOOKDECK = "hookdeck-made-up-signing-secret-4tq"
PASSED_ON = b'{"order":1}'
whole_body(
    "hookdeck",
    "X-Hookdeck-Signature",
    secret=HOOKDECK,
    body=PASSED_ON,
    more=[["X-Hookdeck-EventID", "evt_Kb4Rw7pTzGMIdfqn"], ["X-Hookdeck-Verified", "true"]],
)
also(
    "hookdeck",
    "by-the-secret-before",
    "ok",
    sent={
        "with": [["X-Hookdeck-Signature", based(altered_secret(HOOKDECK), PASSED_ON)]],
        "more": [["X-Hookdeck-Signature-2", based(HOOKDECK, PASSED_ON)]],
    },
)
also(
    "hookdeck",
    "source-not-verified",
    "ok",
    sent={"with": [["X-Hookdeck-Verified", "false"]]},
    why="not signed, and not looked at",
)

IATA = "iata-pay-made-up-client-secret-31"
whole_body("iatapay", "Authorization", prefix="IATAPAY-HMAC-SHA256 ", secret=IATA, body=compact({"iataPaymentId": "PTXN1", "status": "AUTHORIZED", "amount": 100.5}))
also(
    "iatapay",
    "another-scheme",
    "malformed_signature",
    sent={"with": [["Authorization", "Bearer " + based(IATA, b"{}")]]},
    signed={"body": b"{}"},
)
also(
    "iatapay",
    "no-scheme",
    "malformed_signature",
    sent={"with": [["Authorization", based(IATA, b"{}")]]},
    signed={"body": b"{}"},
)

whole_body(
    "jobber",
    "X-Jobber-Hmac-SHA256",
    secret="jobber-made-up-client-secret-b7d0",
    body=compact({"data": {"webHookEvent": {"topic": "CLIENT_CREATE", "appId": "3ef22a50-072d-430c-a78f-b7646657560b", "accountId": "MQ==", "itemId": "MQ==", "occurredAt": "2026-01-01T00:00:00-06:00"}}}),
)

KONTENT = "bWFkZS11cC13ZWJob29rLXNlY3JldC1vZi1rb250ZW50"
NOTIFICATION = b'{\r\n  "notifications": [\r\n    {\r\n      "message": {\r\n        "object_type": "content_item",\r\n        "action": "published"\r\n      }\r\n    }\r\n  ]\r\n}'
whole_body("kontent-ai", "X-Kontent-ai-Signature", secret=KONTENT, body=NOTIFICATION)
also(
    "kontent-ai",
    "ends-of-lines-changed",
    "bad_signature",
    sent={"body": NOTIFICATION.replace(b"\r\n", b"\n")},
)
also(
    "kontent-ai",
    "legacy-header",
    "ok",
    sent={"without": ["X-Kontent-ai-Signature"], "more": [["X-KC-Signature", based(KONTENT, NOTIFICATION)]]},
)
also(
    "kontent-ai",
    "key-decoded",
    "bad_signature",
    sent={"with": [["X-Kontent-ai-Signature", based(base64.b64decode(KONTENT), NOTIFICATION)]]},
    why="the secret looks like base64, and is not decoded",
)

LAGO = "lago-made-up-hmac-key-6f5c"
whole_body(
    "lago-hmac",
    "X-Lago-Signature",
    secret=LAGO,
    more=[["X-Lago-Signature-Algorithm", "hmac"], ["X-Lago-Unique-Key", "1a901a90-1a90-1a90-1a90-1a901a901a90"]],
    body=compact({"webhook_type": "invoice.created", "object_type": "invoice", "invoice": {"number": "LAG-1"}}),
)
also("lago-hmac", "the-other-algorithm", "malformed_signature", sent={"with": [["X-Lago-Signature-Algorithm", "jwt"]]})
also("lago-hmac", "no-algorithm", "malformed_signature", sent={"without": ["X-Lago-Signature-Algorithm"]})

whole_body(
    "line",
    "x-line-signature",
    secret="3f2a1c0d9e8b7a6f5e4d3c2b1a0f9e8d",
    body=compact({"destination": "xxxxxxxxxx", "events": [{"type": "message", "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR", "message": {"type": "text", "text": "こんにちは"}}]}),
)
also("line", "verify-button", "ok", signed={"body": compact({"destination": "xxxxxxxxxx", "events": []})})

# ───────────── M to R ─────────────

whole_body(
    "mautic",
    "Webhook-Signature",
    secret="mautic-made-up-webhook-secret-e1",
    body=compact({"mautic.lead_post_save_new": [{"lead": {"id": 7}}], "timestamp": "2026-01-01T00:00:00+00:00"}),
)

MERGE = "merge-made-up-signature-key-HT4"
HIRED = compact({"hook": {"id": "c640b80b", "event": "Employee.changed", "target": "https://example.com/hooks"}, "data": {"id": 6}})


@provider("merge-dev", secret=MERGE, body=HIRED)
def merge_dev(d):
    return [["X-Merge-Webhook-Signature", base64.urlsafe_b64encode(mac(d.secret, d.body)).decode()]]


# A body whose signature has letters of the one alphabet that the other has not.
ODD = next(body for body in (b'{"n":%d}' % n for n in range(99)) if {"-", "_"} <= set(base64.urlsafe_b64encode(mac(MERGE, body)).decode()))
also("merge-dev", "url-safe-letters", "ok", signed={"body": ODD})
also(
    "merge-dev",
    "the-other-alphabet",
    "malformed_signature",
    sent={"with": [["X-Merge-Webhook-Signature", based(MERGE, ODD)]]},
    signed={"body": ODD},
)

whole_body("mews-pos", "X-Signature", secret="mews-made-up-webhook-secret-08")

TEAMS = base64.b64encode(b"made-up security token, 32 bytes").decode()
MESSAGE = compact({"type": "message", "id": "1485983408511", "text": "<at>Bot</at> hello", "from": {"name": "Jörg"}})
RECEIVED = {"status": 200, "content_type": "application/json", "body": '{"type":"message","text":"Received."}'}


@provider(
    "microsoft-teams",
    secret=TEAMS,
    other=base64.b64encode(b"another security token, 32 bytes").decode(),
    body=MESSAGE,
    accepted=RECEIVED,
)
def microsoft_teams(d):
    return [["Authorization", "HMAC " + based(base64.b64decode(d.secret), d.body)]]


also(
    "microsoft-teams",
    "token-not-decoded",
    "bad_signature",
    sent={"with": [["Authorization", "HMAC " + based(TEAMS, MESSAGE)]]},
    accepted=None,
)
also(
    "microsoft-teams",
    "bearer-instead",
    "malformed_signature",
    sent={"with": [["Authorization", "Bearer " + based(base64.b64decode(TEAMS), MESSAGE)]]},
    accepted=None,
)

whole_body(
    "mongodb-atlas",
    "X-MMS-Signature",
    algorithm="sha1",
    secret="atlas-made-up-webhook-secret-2c",
    more=[["X-MMS-Event", "alert.open"]],
    body=compact({"id": "5f9b1b7ed4c5a9001d0b0b0b", "eventTypeName": "OUTSIDE_METRIC_THRESHOLD", "status": "OPEN"}),
)

whole_body(
    "picqer",
    "X-Picqer-Signature",
    secret="picqer-made-up-hook-secret-5521",
    body=compact({"idhook": 1, "name": "Orders", "event": "orders.created", "data": {"idorder": 12}}),
)

PRIMER = "primer-made-up-signing-secret-7e"
STATUS = compact({"eventType": "PAYMENT.STATUS", "version": "2.1", "payment": {"id": "DdRZ6YY0"}, "signedAt": "1767225600"})


@provider("primer", secret=PRIMER, body=STATUS, binds=["body", "time"], tolerance=300)
def primer(d):
    return [["X-Signature-Primary", based(d.secret, d.body)]]


also(
    "primer",
    "time-as-a-number",
    "ok",
    signed={"body": STATUS.replace(b'"1767225600"', b"1767225600")},
    signed_at=1767225600,
)
also("primer", "no-time", "missing_timestamp", signed={"body": b'{"eventType":"PAYMENT.STATUS"}'})
also(
    "primer",
    "by-the-secret-before",
    "ok",
    sent={
        "with": [["X-Signature-Primary", based(altered_secret(PRIMER), STATUS)]],
        "more": [["X-Signature-Secondary", based(PRIMER, STATUS)]],
    },
)

whole_body(
    "quickbooks",
    "intuit-signature",
    secret="a0b1c2d3-made-up-verifier-token",
    body=compact([{"specversion": "1.0", "id": "d1a3aedd-9670-41bf-a4f9-c148a1cc4e03", "type": "qbo.invoice.updated.v1", "intuitentityid": "12", "intuitaccountid": "310687"}]),
)

RISKIFIED = "d1a5e2made0up0auth0token0c44f0e9b7c6a2d8"


@provider("riskified", secret=RISKIFIED, body=compact({"order": {"id": "450789469", "status": "approved", "description": "Reviewed and approved"}}))
def riskified(d):
    return [["X-Riskified-Hmac-Sha256", hexed(d.secret, d.body)], ["X-Riskified-Shop-Domain", "shop.example.com"]]


also(
    "riskified",
    "base64-instead",
    "malformed_signature",
    sent={"with": [["X-Riskified-Hmac-Sha256", based(RISKIFIED, b"{}")]]},
    signed={"body": b"{}"},
)

RUTTER = "rutter-made-up-client-secret-41ab"
whole_body("rutter", "X-Rutter-Signature", prefix="sha256=", secret=RUTTER, body=compact({"type": "ORDER", "code": "ORDER_CREATED", "connection_id": "c1"}))
also(
    "rutter",
    "no-prefix",
    "malformed_signature",
    sent={"with": [["X-Rutter-Signature", based(RUTTER, b"{}")]]},
    signed={"body": b"{}"},
)

# ───────────── S to Z ─────────────

ENS = "b2Jhcy1tYWRlLXVwLXNpZ25hdHVyZS1rZXktb2YtZW5z"
SENT = compact([{"eventCategoryType": "TransactionalSendEvents.EmailSent", "timestampUTC": 1767225600000, "compositeId": "14.1.2", "mid": 1}])
whole_body("salesforce-marketing-cloud", "x-sfmc-ens-signature", secret=ENS, body=SENT)
CALLBACK = {"callbackId": "0f6bc9a5-4f1c-4d1d-9c57-0f1f2a3b4c5d", "verificationKey": "made-up-verification-key"}
posted(
    "salesforce-marketing-cloud",
    "callback-is-made",
    compact(CALLBACK),
    why="the key in it is to be sent back through the provider's API, and is none of ours",
)
also(
    "salesforce-marketing-cloud",
    "no-verification-key",
    "missing_signature",
    signed={"body": compact({"callbackId": CALLBACK["callbackId"]})},
    sent={"without": ["x-sfmc-ens-signature"]},
)
also(
    "salesforce-marketing-cloud",
    "signed-and-alike",
    "ok",
    signed={"body": compact(CALLBACK)},
    why="what comes with a signature is a delivery",
)

SHOPLINE = "5shopline6made7up8app9secret0"
PAID = compact({"id": "32398389389389", "total": "403.00"})


@provider("shopline", secret=SHOPLINE, body=PAID)
def shopline(d):
    return [
        ["X-Shopline-Hmac-Sha256", hexed(d.secret, d.body)],
        ["X-Shopline-Topic", "orders/paid"],
        ["X-Shopline-Webhook-Id", "61b2f3a0-1a2b-4c3d-8e9f-0a1b2c3d4e5f"],
        ["X-Shopline-Shop-Domain", "example.myshopline.com"],
    ]


also(
    "shopline",
    "base64-instead",
    "malformed_signature",
    sent={"with": [["X-Shopline-Hmac-Sha256", based(SHOPLINE, PAID)]]},
)
also("shopline", "topic-changed", "ok", sent={"with": [["X-Shopline-Topic", "orders/cancelled"]]}, why="the topic is not signed")

whole_body("signable", "Signature", secret="signable-made-up-secret-93c7", more=[["X-Signable-Webhook", "1767225600"]])
also(
    "signable",
    "time-changed",
    "ok",
    sent={"with": [["X-Signable-Webhook", "1"]]},
    why="the time in the header is not signed",
)

CASE = compact({"caseId": 44, "guaranteeDisposition": "APPROVED"})
whole_body("signifyd", "X-SIGNIFYD-SEC-HMAC-SHA256", secret="signifyd-made-up-team-api-key", body=CASE, more=[["X-SIGNIFYD-TOPIC", "cases/review"]])
also(
    "signifyd",
    "test-of-the-console",
    "bad_signature",
    sent={"with": [["X-SIGNIFYD-SEC-HMAC-SHA256", based("ABCDE", CASE)], ["X-SIGNIFYD-TOPIC", "cases/test"]]},
    why="signed with a key that everybody knows",
)
also("signifyd", "topic-changed", "ok", sent={"with": [["X-SIGNIFYD-TOPIC", "cases/test"]]}, why="the topic is not signed")

whole_body(
    "tally",
    "Tally-Signature",
    secret="8c5f1e0a-made-up-signing-secret",
    body=compact({"eventId": "a4cb511e-d513-4fa5-baee-b815d718dfd1", "eventType": "FORM_RESPONSE", "createdAt": "2026-01-01T00:00:00.000Z", "data": {"formName": "Ünïcode"}}),
)

whole_body(
    "todoist",
    "X-Todoist-Hmac-SHA256",
    secret="todoist0made0up0client0secret0f2",
    more=[["X-Todoist-Delivery-ID", "5c6d7e8f-1111-4222-8333-944455556666"]],
    body=compact({"event_name": "item:added", "user_id": "2671355", "event_data": {"content": "Buy Milk", "id": "2995104339"}, "version": "10"}),
)

TYPEFORM = "typeform-made-up-secret-1b6d"
RESPONSE = compact({"event_id": "LtWXD3crgy", "event_type": "form_response", "form_response": {"form_id": "lT4Z3j"}})
whole_body("typeform", "Typeform-Signature", prefix="sha256=", secret=TYPEFORM, body=RESPONSE)
also(
    "typeform",
    "hexadecimal-instead",
    "bad_signature",
    sent={"with": [["Typeform-Signature", "sha256=" + hexed(TYPEFORM, RESPONSE)]]},
    why="sixty-four hexadecimal digits are base64 too, of forty-eight other bytes",
)
also("typeform", "no-prefix", "malformed_signature", sent={"with": [["Typeform-Signature", based(TYPEFORM, RESPONSE)]]})

UNIT = "unit-made-up-webhook-token-46f2"
EVENTS = compact({"data": [{"id": "376", "type": "customer.created", "attributes": {"createdAt": "2026-01-01T00:00:00.000Z"}}]})
whole_body("unit", "x-unit-signature", algorithm="sha1", secret=UNIT, body=EVENTS)
also("unit", "sha256-instead", "bad_signature", sent={"with": [["x-unit-signature", based(UNIT, EVENTS)]]})

WOO = "woo made-up & secret 50 letters <of> the shop"
whole_body(
    "woocommerce",
    "X-WC-Webhook-Signature",
    secret=WOO,
    more=[["X-WC-Webhook-Topic", "order.updated"], ["X-WC-Webhook-Delivery-ID", "d1f2e3a4b5c6d7e8f9a0b1c2d3e4f5a6"], ["X-WC-Webhook-ID", "3"]],
    body=compact({"id": 727, "status": "processing", "total": "29.35"}),
)

posted("woocommerce", "ping-when-saved", b"webhook_id=3", kind="ignore")
also(
    "woocommerce",
    "more-than-a-ping",
    "missing_signature",
    signed={"body": b"webhook_id=3&status=completed"},
    sent={"without": ["X-WC-Webhook-Signature"]},
)
also(
    "woocommerce",
    "ping-with-a-wrong-signature",
    "bad_signature",
    signed={"body": b"webhook_id=3"},
    sent={"with": [["X-WC-Webhook-Signature", based(altered_secret(WOO), b"webhook_id=3")]]},
    why="what comes with a signature is a delivery",
)
also("woocommerce", "topic-changed", "ok", sent={"with": [["X-WC-Webhook-Topic", "order.deleted"]]}, why="the topic is not signed")

TWITTER = "xMadeUpConsumerSecret0000000000000000000000000000x"
TWEET = compact({"for_user_id": "2244994945", "tweet_create_events": [{"id_str": "1", "text": "hi"}]})
whole_body("x-twitter", "x-twitter-webhooks-signature", prefix="sha256=", secret=TWITTER, body=TWEET)
also(
    "x-twitter",
    "hexadecimal-instead",
    "bad_signature",
    sent={"with": [["x-twitter-webhooks-signature", "sha256=" + hexed(TWITTER, TWEET)]]},
)
also(
    "x-twitter",
    "answer-to-a-challenge-as-signature",
    "claim_mismatch",
    signed={"body": b"any-text-that-was-asked-for"},
    why="the signature is what the endpoint answers to that challenge: whoever asked could send it",
)

CRC = "NjQ4ZTYxMDAtY2Y1My00ZmVkLTg3YzYtZGUwZDlkNTc5YzQ5"
handshake(
    "x-twitter",
    "challenge",
    content_type="application/json",
    body='{"response_token":"sha256=' + based(TWITTER, CRC) + '"}',
    method="GET",
    url=f"https://example.com/hooks?crc_token={CRC}&nonce=bm9uY2U",
)
also(
    "x-twitter",
    "challenge-that-is-a-body",
    "missing_signature",
    sent={"without": ["x-twitter-webhooks-signature"], "body": b"", "method": "GET", "url": "https://example.com/hooks?crc_token=%7B%22for_user_id%22%3A1%7D"},
    why="an answer to this would be a signature under a delivery",
)
also(
    "x-twitter",
    "challenge-too-long",
    "missing_signature",
    sent={"without": ["x-twitter-webhooks-signature"], "body": b"", "method": "GET", "url": "https://example.com/hooks?crc_token=" + "a" * 129},
)
also(
    "x-twitter",
    "challenge-that-is-posted",
    "missing_signature",
    sent={"without": ["x-twitter-webhooks-signature"], "url": f"https://example.com/hooks?crc_token={CRC}"},
)

XERO = "xero-made-up-webhooks-signing-key"
NOTHING = compact({"events": [], "firstEventSequence": 0, "lastEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"})
YES, NO = {"status": 200, "content_type": "text/plain", "body": ""}, {"status": 401, "content_type": "text/plain", "body": ""}
whole_body(
    "xero",
    "x-xero-signature",
    secret=XERO,
    body=compact({"events": [{"resourceId": "717f2bfc", "eventCategory": "INVOICE", "eventType": "UPDATE", "tenantId": "c2cc9b6e"}], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "LKJDSFLKJ"}),
)
also("xero", "intent-to-receive", "ok", signed={"body": NOTHING}, accepted=YES)
also(
    "xero",
    "intent-to-receive-signed-wrongly",
    "bad_signature",
    signed={"body": NOTHING},
    sent={"with": [["x-xero-signature", based(altered_secret(XERO), NOTHING)]]},
    refused=NO,
)

ZOHO = "zoho-made-up-hook-secret-20ad"
MAIL = compact({"messageId": 1767225600000110001, "subject": "Hello", "fromAddress": "joerg@example.com"})
whole_body("zoho-mail", "X-Hook-Signature", secret=ZOHO, body=MAIL)
posted("zoho-mail", "key-handed-over", MAIL, kind="learn", secret=ZOHO)
CASES["zoho-mail"][-1]["headers"] = [list(JSON), ["X-Hook-Secret", ZOHO]]
also(
    "zoho-mail",
    "key-too-short",
    "missing_signature",
    sent={"without": ["X-Hook-Signature"], "more": [["X-Hook-Secret", "short"]]},
)
