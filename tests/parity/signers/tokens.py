"""Providers that sign nothing and show a secret: a token in a header or in the body, or HTTP Basic."""

import base64

from signing import CASES, FORM, Sent, also, compact, handshake, provider


def shown(preset, header, *, scheme="", more=(), **fields):
    """Announce a provider that shows its token in a header, behind a scheme if there is one."""

    @provider(preset, binds=(), **fields)
    def show(d):
        return [[header, scheme + d.secret], *map(list, more)]

    nothing_is_signed(preset)


def basic(preset, secret, *, more=(), **fields):
    """Announce a provider that logs in by HTTP Basic; the secret is user and password with a colon between."""

    @provider(preset, binds=(), secret=secret, **fields)
    def show(d):
        return [["Authorization", "Basic " + credentials(d.secret)], *map(list, more)]

    nothing_is_signed(preset)
    user, password = secret.split(":", 1)
    also(preset, "password-alone", "bad_signature", sent={"with": [["Authorization", "Basic " + credentials(f":{password}")]]})
    also(preset, "not-in-base64", "malformed_signature", sent={"with": [["Authorization", f"Basic {user}:{password}"]]})


def held_in_body(preset, **fields):
    """Announce a provider that shows its token in a JSON body; `fields` are those of `provider`, and `at` says where."""
    path, body = fields.pop("at"), fields.pop("body")

    @provider(preset, binds=(), body=compact(placed(body, path, "")), **fields)
    def show(d):
        return Sent([], body=compact(placed(body, path, d.secret)))

    also(preset, "no-token", "missing_signature", sent={"body": compact(body)})
    also(preset, "token-is-no-text", "malformed_content", sent={"body": compact(placed(body, path, [fields["secret"]]))})


def placed(body, path, value):
    """The JSON with one more member, at the path."""
    name, *rest = path
    return body | {name: placed(body.get(name, {}), rest, value) if rest else value}


def credentials(text):
    return base64.b64encode(text.encode()).decode()


def nothing_is_signed(preset):
    also(preset, "another-body-is-not-noticed", "ok", sent={"body": b'{"forged":true}'}, why="the token binds nothing")


# ───────────── a header ─────────────

CLIENT = "CBJCHBCAABAAmade-up-client-id"
ECHO = {"status": 200, "content_type": "text/plain", "headers": {"x-adobesign-clientid": CLIENT}, "body": ""}


@provider(
    "adobe-sign",
    secret=CLIENT,
    binds=(),
    rotates=False,
    body=compact({"event": "AGREEMENT_CREATED", "webhookNotificationId": "1", "agreement": {"id": "CBJ1"}}),
)
def adobe_sign(d):
    return [["X-AdobeSign-ClientId", d.secret]]


also("adobe-sign", "said-back", "ok", accepted=ECHO)
handshake(
    "adobe-sign",
    "webhook-is-made",
    signed=True,
    headers={"x-adobesign-clientid": CLIENT},
    sent={"method": "GET", "body": b""},
)
also(
    "adobe-sign",
    "another-application",
    "bad_signature",
    sent={"method": "GET", "body": b"", "with": [["X-AdobeSign-ClientId", "CBJCHBCAABAAanother"]]},
    why="only its own id is said back",
)

shown(
    "auth0",
    "Authorization",
    secret="Bearer made-up-token-of-the-log-stream",
    body=compact([{"log_id": "90020260101", "data": {"type": "s", "client_id": "AaiyAPdpYdesoKnqjj8HJqRn4T5titww"}}]),
)
also(
    "auth0",
    "without-the-word-that-was-written",
    "bad_signature",
    sent={"with": [["Authorization", "made-up-token-of-the-log-stream"]]},
    why="all that was written into the field is the token",
)

shown(
    "azure-acr",
    "Authorization",
    scheme="Bearer ",
    secret="acr-made-up-token-5f10",
    body=compact({"id": "cb8c3971-9adc-488b-bdd8-43cbb4974ff5", "action": "push", "target": {"repository": "hello-world", "tag": "v1"}}),
)
also("azure-acr", "no-scheme", "malformed_signature", sent={"with": [["Authorization", "acr-made-up-token-5f10"]]})

shown(
    "brevo",
    "Authorization",
    scheme="Bearer ",
    secret="brevo-made-up-token-77c3",
    body=compact({"event": "delivered", "email": "joerg@example.com", "id": 26224, "message-id": "<2026@relay>"}),
)
also(
    "brevo",
    "basic-by-override",
    "ok",
    secrets=[{"id": "main", "value": "hook:made-up-password"}],
    overrides={"token": {"token_source": {"header": "authorization", "extract": "scheme", "scheme": "Basic", "encoding": "base64"}}},
    sent={"with": [["Authorization", "Basic " + credentials("hook:made-up-password")]]},
)

CHANNEL = [
    ["X-Goog-Channel-ID", "4ba78bf0-6a47-11e2-bcfd-0800200c9a66"],
    ["X-Goog-Resource-ID", "ret08u3rv24htgh289g"],
    ["X-Goog-Resource-URI", "https://www.googleapis.com/calendar/v3/calendars/joerg@example.com/events"],
    ["X-Goog-Resource-State", "exists"],
    ["X-Goog-Message-Number", "10"],
]
shown("google-calendar-drive", "X-Goog-Channel-Token", secret="google-made-up-channel-token", body=b"", headers=(), more=CHANNEL)
handshake(
    "google-calendar-drive",
    "channel-begins",
    kind="ignore",
    signed=True,
    sent={"with": [["X-Goog-Resource-State", "sync"], ["X-Goog-Message-Number", "1"]]},
)
also(
    "google-calendar-drive",
    "channel-of-a-stranger-begins",
    "bad_signature",
    sent={"with": [["X-Goog-Resource-State", "sync"], ["X-Goog-Channel-Token", "google-made-up-channel-nekot"]]},
)

shown(
    "huggingface",
    "X-Webhook-Secret",
    secret="hf-made-up-webhook-secret",
    body=compact({"event": {"action": "update", "scope": "repo.content"}, "repo": {"type": "model", "name": "someone/some-model"}}),
)

shown(
    "okta",
    "Authorization",
    secret="okta-made-up-authentication-secret",
    body=compact({"eventType": "com.okta.event_hook", "eventId": "b5a188b9-5ece-4636-b041-482ffda96311", "data": {"events": [{"eventType": "user.lifecycle.create"}]}}),
)
CHALLENGE = "8T3zMadeUpChallengeOfOkta_-4"
handshake(
    "okta",
    "verified-once",
    content_type="application/json",
    body='{"verification":"' + CHALLENGE + '"}',
    method="GET",
    why="the token is not looked at: nothing is said but what was asked",
)
CASES["okta"][-1]["headers"] = [["X-Okta-Verification-Challenge", CHALLENGE]]
also(
    "okta",
    "challenge-with-markup",
    "missing_signature",
    sent={"method": "GET", "body": b"", "without": ["Authorization"], "more": [["X-Okta-Verification-Challenge", '"}<script>']]},
)
also(
    "okta",
    "challenge-that-is-posted",
    "missing_signature",
    sent={"without": ["Authorization"], "more": [["X-Okta-Verification-Challenge", CHALLENGE]]},
    why="events are posted, and need their token",
)

shown(
    "portalhq",
    "X-WEBHOOK-SECRET",
    secret="portalhq-made-up-secret-4c1d",
    body=compact({"event": {"type": "EVM_WALLET_TRANSACTIONS"}}),
)

shown(
    "ringcentral",
    "Verification-Token",
    secret="ringcentral-made-up-verification",
    body=compact({"event": "/restapi/v1.0/account/1/extension/2/glip/groups", "uuid": "aed51897-f286-4a98-8862-5a5b2497167e", "body": {"data": {"eventType": "GroupAdded"}}}),
)
VALIDATION = "0f7aMadeUpValidationToken-51"
handshake("ringcentral", "subscription-is-made", headers={"validation-token": VALIDATION})
CASES["ringcentral"][-1]["headers"] = [["Validation-Token", VALIDATION], ["Content-Length", "0"]]
also(
    "ringcentral",
    "validation-with-a-body",
    "missing_signature",
    sent={"without": ["Verification-Token"], "more": [["Validation-Token", VALIDATION]]},
    why="no notification gets in as a validation",
)

shown("streak", "X-Streak-Webhook-Token", secret="streak-made-up-webhook-token")

shown(
    "vapi",
    "X-Vapi-Secret",
    secret="vapi-made-up-server-secret",
    body=compact({"message": {"type": "end-of-call-report", "endedReason": "hangup"}}),
)

shown(
    "xendit",
    "X-CALLBACK-TOKEN",
    secret="xendit-made-up-verification-token",
    more=[["webhook-id", "6a0f1c2d-0000-4111-8222-933344445555"]],
    body=compact({"event": "payment.succeeded", "data": {"id": "py-1", "amount": 10000}}),
)

# ───────────── a body ─────────────


@provider("coingate", secret="coingate-made-up-token-of-orders", binds=(), headers=[FORM], body=b"id=343&order_id=14037&status=paid")
def coingate(d):
    return Sent([], body=d.body + f"&token={d.secret}".encode())


also(
    "coingate",
    "token-twice",
    "malformed_content",
    sent={"body": b"id=343&token=coingate-made-up-token-of-orders&token=another"},
    why="two readers could take two different ones",
)
also("coingate", "no-token", "missing_signature", sent={"body": b"id=343&order_id=14037&status=paid"})

held_in_body(
    "facilitapay",
    secret="4821",
    at=["notification", "secret"],
    body={"notification": {"type": "payment_approved", "transaction_id": "7c2b"}},
)

held_in_body(
    "figma",
    secret="figma-made-up-passcode",
    at=["passcode"],
    body={"event_type": "FILE_UPDATE", "file_key": "zH05R52gLaxFXHEYz1jBoM", "webhook_id": "22", "timestamp": "2026-01-01T00:00:00Z"},
)

held_in_body(
    "meraki",
    secret="meraki-made-up-shared-secret",
    at=["sharedSecret"],
    body={"version": "0.1", "alertId": "643451796765672516", "alertTypeId": "settings_changed", "organizationId": "2930418"},
)

# ───────────── HTTP Basic ─────────────

basic("bandwidth", "bandwidth:made-up-password-1", body=compact([{"type": "message-received", "time": "2026-01-01T00:00:00.000Z", "message": {"id": "1590"}}]))

CASH = compact({"amount": 5.0, "currency": "EUR", "foreignTransactionId": "f1", "type": "payment", "transactionId": "T-7 \"é\""})
basic("cashtocode", "cashtocode:made-up-password-2", body=CASH)
also(
    "cashtocode",
    "executed",
    "ok",
    accepted={"status": 200, "content_type": "application/json", "body": '{"status":"EXECUTED","transactionId":"T-7 \\"é\\""}'},
)

basic("chargebee", "chargebee:made-up-password-3", body=compact({"id": "ev_16BHbhF4s42tO2lK", "event_type": "customer_created", "content": {}}))
basic("mailjet", "mailjet:made:up:password:4", body=compact([{"event": "sent", "time": 1767225600, "MessageID": 19421777835146490}]))
basic("pipedrive", "pipedrive:made-up-password-5", body=compact({"meta": {"action": "change", "entity": "deal", "version": "2.0"}, "data": {"id": 1}}))
basic("postmark", "postmark:made-up-password-6", body=compact({"RecordType": "Bounce", "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "ID": 42}))
basic(
    "sparkpost",
    "sparkpost:made-up-password-7",
    more=[["X-MessageSystems-Batch-ID", "8f2a3d10-0000-4111-8222-933344445555"]],
    body=compact([{"msys": {"message_event": {"type": "delivery", "event_id": "92356927693813856"}}}]),
)
basic("vmware-workspace", "workspace:made-up-password-8", body=compact({"EventId": 178, "EventType": "Device Attribute Changed", "DeviceId": 7}))
