"""Providers, from J to W, that sign the body alone with an HMAC that is written in hexadecimal digits."""

from signing import JSON, TIME, also, compact, digest, handshake, hexed, provider

SHA256, SHA1, SHA512 = "sha256", "sha1", "sha512"


def plain(preset, header, secret, body, *, prefix="", algorithm=SHA256, beside=(), key=lambda secret: secret, **fields):
    """A signer of the body: `prefix` stands before the digits, and the headers `beside` are sent and not signed."""

    @provider(
        preset, secret=secret, body=compact(body) if isinstance(body, (dict, list)) else body, headers=(JSON, *beside), **fields
    )
    def sign(d):
        return [[header, prefix + hexed(key(d.secret), d.body, algorithm=algorithm)]]


def asked(preset, name, *, sent=b"", more=(), method="POST", **fields):
    """A challenge that is answered before anything is verified: `sent` is its body, and `more` its headers beside JSON's."""
    headers = [list(header) for header in ([JSON] if sent else []) + list(more)]
    request = {"headers": headers, "body": sent} | ({"method": method} if method != "POST" else {})
    handshake(preset, name, request, **fields)


def unasked(preset, name, header, expect="missing_signature", **delivery):
    """What looks like a challenge and is none, and comes unsigned."""
    why = delivery.pop("why", None)
    also(preset, name, expect, signed=delivery, sent={"without": [header]}, why=why)


# ───────────── J to M ─────────────

plain(
    "jfrog",
    "X-JFrog-Event-Auth",
    "jfrog_test_webhook_secret",
    {"domain": "artifact", "event_type": "deployed", "data": {"repo_key": "libs", "path": "a/b.jar", "size": 12}},
)
also(
    "jfrog",
    "the-secret-itself",
    "malformed_signature",
    sent={"with": [["X-JFrog-Event-Auth", "jfrog_test_webhook_secret"]]},
    why="what it sends where payloads are not signed",
)

plain(
    "jira",
    "X-Hub-Signature",
    "jira_test_webhook_secret",
    {"timestamp": TIME * 1000, "webhookEvent": "jira:issue_updated", "issue": {"key": "TEST-1"}},
    prefix="sha256=",
    beside=[["X-Atlassian-Webhook-Identifier", "3f2a1c60-0d6c-4c0b-9d0e-6a3f1f3a7d11"]],
)
also("jira", "header-twice", "malformed_signature", sent={"more": [["X-Hub-Signature", "sha256=" + "0" * 64]]})
also(
    "jira",
    "another-hash",
    "malformed_signature",
    sent={"with": [["X-Hub-Signature", "sha1=" + hexed("jira_test_webhook_secret", b"{}", algorithm=SHA1)]], "body": b"{}"},
)
also(
    "jira",
    "identifier-changed",
    "ok",
    sent={"with": [["X-Atlassian-Webhook-Identifier", "other"]]},
    why="it is not signed",
)

plain(
    "jobdiva",
    "X-Hub-Signature",
    "jobdiva_test_webhook_secret",
    {"type": "candidate", "operation": "update", "id": "1234567"},
    prefix="sha1=",
    algorithm=SHA1,
)
also(
    "jobdiva",
    "another-hash",
    "malformed_signature",
    sent={"with": [["X-Hub-Signature", "sha256=" + hexed("jobdiva_test_webhook_secret", b"{}")]], "body": b"{}"},
)

plain(
    "launchdarkly",
    "X-LD-Signature",
    "launchdarkly_test_secret",
    {"_id": "57c0a8e29969090743529965", "kind": "flag", "date": TIME * 1000, "name": "beta", "titleVerb": "turned on the flag"},
)

plain(
    "lemon-squeezy",
    "X-Signature",
    "lemonsqueezy_test_secret",
    {"meta": {"event_name": "order_created", "test_mode": True}, "data": {"type": "orders", "id": "1"}},
    beside=[["X-Event-Name", "order_created"]],
)

plain(
    "logto",
    "logto-signature-sha-256",
    "logto_test_signing_key_0123456789",
    {"hookId": "hook_1", "event": "PostSignIn", "createdAt": "2026-01-01T00:00:00.000Z", "userId": "u1"},
)

plain(
    "mailerlite",
    "Signature",
    "mailerlite_test_secret",
    {"type": "subscriber.created", "account_id": 1, "data": {"id": "1", "email": "joerg@example.com"}},
)

plain(
    "mailersend",
    "Signature",
    "mailersend_test_signing_secret",
    {
        "type": "activity.sent",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "data": {"object": "activity", "id": "62f114f8165fe0d8db0288e3"},
    },
)
PING = compact({"type": "webhook.test", "message": "This is a ping test message", "created_at": "2026-01-01T00:00:00.000000Z"})
PUBLIC = "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G"
asked("mailersend", "ping", kind="ignore", sent=PING, more=[["Signature", hexed(PUBLIC, PING)]])
unasked("mailersend", "ping-without-a-signature", "Signature", body=PING)
also(
    "mailersend",
    "event-under-the-public-secret",
    "bad_signature",
    sent={"with": [["Signature", hexed(PUBLIC, b'{"type":"activity.sent"}')]], "body": b'{"type":"activity.sent"}'},
    why="the secret of the ping is printed in the documentation",
)

META = "0123456789abcdef0123456789abcdef"
VERIFY = "meta_test_verify_token"
ESCAPED = (
    b'{"object":"page","entry":[{"id":"1","time":1767225600,"messaging":[{"message":{"text":"J\\u00f6rg \\ud83d\\ude00"}}]}]}'
)
QUERY = "https://example.com/hooks?hub.mode={}&hub.verify_token={}&hub.challenge={}"

for preset, kind in (("messenger", "page"), ("meta-graph", "user"), ("whatsapp-cloud", "whatsapp_business_account")):
    plain(
        preset,
        "X-Hub-Signature-256",
        META,
        ESCAPED.replace(b"page", kind.encode()),
        prefix="sha256=",
        vars={"verify_token": VERIFY},
    )
    also(
        preset,
        "printed-again",
        "bad_signature",
        sent={"body": ESCAPED.replace(b"page", kind.encode()).replace(b"\\u00f6", "ö".encode())},
        why="the escapes are part of what is signed",
    )
    also(
        preset,
        "sha1-alone",
        "missing_signature",
        sent={
            "without": ["X-Hub-Signature-256"],
            "more": [["X-Hub-Signature", "sha1=" + hexed(META, b"{}", algorithm=SHA1)]],
            "body": b"{}",
        },
    )
    also(preset, "without-a-verify-token", "key_error", vars=None)
    asked(preset, "subscribe", method="GET", url=QUERY.format("subscribe", VERIFY, 1158201444), body="1158201444")
    for name, *parts in (
        ("another-token", "subscribe", "meta_test_other_token", "1158201444"),
        ("empty-token", "subscribe", "", "1158201444"),
        ("another-mode", "unsubscribe", VERIFY, "1158201444"),
        ("challenge-of-markup", "subscribe", VERIFY, "%3Cscript%3E"),
    ):
        unasked(preset, name, "X-Hub-Signature-256", method="GET", url=QUERY.format(*parts), body=b"")

plain(
    "modern-treasury",
    "X-Signature",
    "modern_treasury_test_webhook_key",
    {"event": "completed", "data": {"id": "c743edb7-4059-496a-94b8-06fc081156fd", "object": "payment_order"}},
    beside=[["X-Topic", "payment_order"], ["X-Event-ID", "0f0d1d1c-0000-4000-8000-000000000001"]],
)
also("modern-treasury", "event-id-changed", "ok", sent={"with": [["X-Event-ID", "other"]]}, why="it is not signed")

plain(
    "mollie",
    "X-Mollie-Signature",
    "mollie_test_signing_secret",
    {
        "resource": "event",
        "id": "event_GvJ8WHrp5isUdRub9CJyH",
        "type": "payment-link.paid",
        "entityId": "pl_qng5gbbv8NAZ5gpM5ZYgx",
    },
    prefix="sha256=",
)
also(
    "mollie",
    "second-of-two-headers",
    "ok",
    sent={
        "more": [["X-Mollie-Signature", "sha256=" + hexed("mollie_test_next_secret", b'{"id":"event_1"}')]],
        "body": b'{"id":"event_1"}',
    },
    secrets=[{"id": "main", "value": "mollie_test_next_secret"}],
)
also("mollie", "classic", "missing_signature", signed={"body": b"id=tr_d0b0E3EA3v"}, sent={"without": ["X-Mollie-Signature"]})

# ───────────── N to P ─────────────

NANGO = compact({"type": "sync", "from": "nango", "connectionId": "c1", "providerConfigKey": "github", "success": True})
plain("nango", "X-Nango-Hmac-Sha256", "nango_test_signing_key", NANGO)
also(
    "nango",
    "plain-hash-alone",
    "missing_signature",
    sent={
        "without": ["X-Nango-Hmac-Sha256"],
        "more": [["X-Nango-Signature", digest("nango_test_signing_key", NANGO)]],
    },
)

plain(
    "notch-pay",
    "x-notch-signature",
    "hsk_test.notchpay_0123456789",
    {"id": "evt.1", "event": "payment.complete", "data": {"reference": "trx.test_1", "amount": 100, "currency": "XAF"}},
)

plain(
    "notion",
    "X-Notion-Signature",
    "secret_notionTestVerificationToken0123456789",
    {
        "id": "367cba44-b6f3-4c92-81e7-6a2e9659efd4",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "type": "page.created",
        "entity": {"id": "1", "type": "page"},
    },
    prefix="sha256=",
)
TOKEN = "secret_notionTestFirstRequest0123456789"
FIRST = b'{"verification_token":"' + TOKEN.encode() + b'"}'
asked("notion", "first-request", kind="learn", sent=FIRST, secret=TOKEN)
asked(
    "notion",
    "first-request-signed",
    kind="learn",
    sent=FIRST,
    more=[["X-Notion-Signature", "sha256=" + hexed(TOKEN, FIRST)]],
    secret=TOKEN,
    why="it is signed with what it hands over, which proves nothing",
)
unasked("notion", "token-beside-an-event", "X-Notion-Signature", body=FIRST[:-1] + b',"type":"page.created"}')
unasked("notion", "token-too-short", "X-Notion-Signature", body=b'{"verification_token":"short"}')
unasked("notion", "first-request-by-get", "X-Notion-Signature", method="GET", body=FIRST)
also(
    "notion",
    "bare-digest",
    "malformed_signature",
    sent={"with": [["X-Notion-Signature", hexed("secret_notionTestVerificationToken0123456789", b"{}")]], "body": b"{}"},
    why="the provider's library refuses it too",
)

plain(
    "npm",
    "x-npm-signature",
    "npm_test_hook_secret",
    {
        "event": "package:publish",
        "name": "@example/pkg",
        "type": "package",
        "version": "1.0.0",
        "hookOwner": {"username": "joerg"},
    },
    prefix="sha256=",
)

plain(
    "nuvemshop",
    "x-linkedstore-hmac-sha256",
    "nuvemshop_test_client_secret",
    {"store_id": 123, "event": "order/created", "id": 4567},
)

plain(
    "nylas",
    "X-Nylas-Signature",
    "nylas_test_webhook_secret",
    {
        "specversion": "1.0",
        "type": "message.created",
        "source": "/google/emails/realtime",
        "id": "mock-id-1",
        "data": {"object": {"object": "message"}},
    },
)
also(
    "nylas",
    "compressed",
    "ok",
    signed={
        "body": bytes.fromhex("1f8b0800000000000203ab562aa92c4855b252ca4d2d2e4e4c4fd54b2e4a4d2c494d51aa0500600233541a000000")
    },
    why="compressed bytes are signed as they are",
)
ASKED = "bc609b38-c81f-47fb-a275-1d9bd61a968b"
asked("nylas", "challenge", method="GET", url="https://example.com/hooks?challenge=" + ASKED, body=ASKED)
unasked(
    "nylas",
    "challenge-of-markup",
    "X-Nylas-Signature",
    method="GET",
    url="https://example.com/hooks?challenge=%3Cb%3E",
    body=b"",
)
unasked("nylas", "challenge-by-post", "X-Nylas-Signature", url="https://example.com/hooks?challenge=abc")
unasked(
    "nylas",
    "challenge-twice",
    "X-Nylas-Signature",
    method="GET",
    url="https://example.com/hooks?challenge=a&challenge=b",
    body=b"",
)

plain(
    "onfido",
    "X-SHA2-Signature",
    "onfido_test_webhook_token_0123456",
    {"payload": {"resource_type": "check", "action": "check.completed", "object": {"id": "f2302f45", "status": "complete"}}},
)

plain(
    "onfleet",
    "X-Onfleet-Signature",
    "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef",
    {"taskId": "kc8SS1tzuZ~jqjlebKGrUmpe", "triggerId": 0, "triggerName": "taskStarted", "time": TIME * 1000},
    algorithm=SHA512,
    key=bytes.fromhex,
)
also(
    "onfleet",
    "digits-as-text",
    "bad_signature",
    sent={
        "with": [["X-Onfleet-Signature", hexed("0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef", b"{}", algorithm=SHA512)]],
        "body": b"{}",
    },
    why="the key is what the digits spell",
)
also("onfleet", "secret-no-digits", "key_error", secrets=[{"id": "main", "value": "onfleet_test_secret"}])
asked("onfleet", "check", method="GET", url="https://example.com/hooks?check=4f8aR2dQ", body="4f8aR2dQ")
unasked(
    "onfleet", "check-of-markup", "X-Onfleet-Signature", method="GET", url="https://example.com/hooks?check=%3Cb%3E", body=b""
)
unasked("onfleet", "check-by-post", "X-Onfleet-Signature", url="https://example.com/hooks?check=4f8aR2dQ")

plain(
    "pagerduty",
    "X-PagerDuty-Signature",
    "pagerduty/test+secret0123456789/ABCDEFGHIJKLMNOPQRSTUVWX",
    {
        "event": {
            "id": "01BWDWL3NYY7LUFPZCC28QUCMK",
            "event_type": "incident.triggered",
            "resource_type": "incident",
            "data": {"id": "PGR0VU2"},
        }
    },
    prefix="v1=",
)
PD = hexed("pagerduty/test+secret0123456789/ABCDEFGHIJKLMNOPQRSTUVWX", b"{}")
for name, expect, value in (
    ("second-of-a-list", "ok", f"v1={'0' * 64},v1={PD}"),
    ("spaces-in-a-list", "ok", f"v1={'0' * 64}, v1={PD}"),
    ("another-version-beside", "ok", f"v2={'0' * 64},v1={PD}"),
    ("another-version-alone", "malformed_signature", f"v2={PD}"),
):
    also("pagerduty", name, expect, sent={"with": [["X-PagerDuty-Signature", value]], "body": b"{}"})

plain(
    "payload-com",
    "X-Payload-Signature",
    "payload_test_sender_secret",
    {
        "object": "webhook_trigger",
        "trigger": "payment",
        "triggered_on": {"id": "txn_3bfCMwa8OwUbYOvUQKTGi", "object": "transaction"},
    },
    prefix="sha256=",
)

plain(
    "paystack",
    "x-paystack-signature",
    "sk_test_0123456789abcdef0123456789abcdef01234567",
    {
        "event": "charge.success",
        "data": {"id": 302961, "domain": "test", "status": "success", "amount": 10000, "currency": "NGN"},
    },
    algorithm=SHA512,
)
also(
    "paystack",
    "sha256-in-its-place",
    "bad_signature",
    sent={"with": [["x-paystack-signature", hexed("sk_test_0123456789abcdef0123456789abcdef01234567", b"{}")]], "body": b"{}"},
)

# ───────────── R and S ─────────────

plain(
    "rajaongkir",
    "X-Callback-Api-Key",
    "rajaongkir_test_callback_key",
    {"order_id": "INV-1", "payment_id": "KOMPAY1", "status": "paid", "amount": 10000},
)
also(
    "rajaongkir",
    "the-key-itself",
    "malformed_signature",
    sent={"with": [["X-Callback-Api-Key", "rajaongkir_test_callback_key"]]},
    why="the header is named after a key and holds none",
)

plain(
    "razorpay",
    "X-Razorpay-Signature",
    "razorpay_test_webhook_secret",
    {"entity": "event", "account_id": "acc_1", "event": "payment.captured", "contains": ["payment"], "created_at": TIME},
    beside=[["x-razorpay-event-id", "GKvkvdTUBfJDLr"]],
)
also("razorpay", "event-id-changed", "ok", sent={"with": [["x-razorpay-event-id", "other"]]}, why="it is not signed")

plain(
    "segment",
    "X-Signature",
    "segment_test_shared_secret",
    {"type": "track", "event": "Order Completed", "messageId": "ajs-next-1767225600-1", "userId": "u1"},
    algorithm=SHA1,
)

plain(
    "semaphore-ci",
    "X-Semaphore-Signature-256",
    "semaphore_test_secret",
    {"version": "1.0.0", "pipeline": {"id": "1", "state": "done", "result": "passed"}, "project": {"name": "demo"}},
    prefix="sha256=",
)

plain(
    "sendbird",
    "X-Sendbird-Signature",
    "sendbird_test_master_api_token_0123456789",
    {"category": "group_channel:message_send", "app_id": "APP", "sender": {"user_id": "joerg"}, "sent_at": TIME * 1000},
)

plain(
    "sentry",
    "Sentry-Hook-Signature",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    {"action": "created", "installation": {"uuid": "7a485448-a9e2-4c85-8a3c-4f44175783c9"}, "data": {"issue": {"id": "1"}}},
    beside=[["Request-ID", "4f2a"], ["Sentry-Hook-Resource", "issue"], ["Sentry-Hook-Timestamp", str(TIME)]],
)
also(
    "sentry",
    "time-moved",
    "ok",
    sent={"with": [["Sentry-Hook-Timestamp", str(TIME + 86400)]]},
    why="it is not signed, and so is not judged",
)

plain(
    "signal-sciences",
    "X-SigSci-Signature",
    "sigsci_test_signing_key",
    {"created": "2026-01-01T00:00:00Z", "type": "flag", "payload": {"remoteIP": "192.0.2.1"}, "link": "https://example.com/"},
)

plain("silverflow", "X-Silverflow-Signature", "silverflow_test_secret", {"eventType": "charge-cleared", "eventId": "evt-1"})

plain(
    "sinch-numbers",
    "X-Sinch-Signature",
    "sinch_test_callback_secret",
    {
        "eventId": "01jr7stexp0znky34pj07dwp41",
        "timestamp": "2026-01-01T00:00:00.1",
        "resourceType": "ACTIVE_NUMBER",
        "eventType": "PROVISIONING_TO_VOICE_PLATFORM",
        "status": "SUCCEEDED",
    },
    algorithm=SHA1,
)

AMT = "5a8e5e38-1e12-4011-a36d-56f120053f9e"
plain(
    "smartcar",
    "SC-Signature",
    AMT,
    {
        "eventId": "52f6e0bb-1369-45da-a61c-9e67d092d6db",
        "eventType": "VEHICLE_STATE",
        "data": {"vehicle": {"id": "v1"}},
        "meta": {"version": "4.0"},
    },
    bytes_pass=False,
)
CHALLENGE = "nsQsLU7wY9WKt2IU"
V4 = {"eventId": "e1", "eventType": "VERIFY", "data": {"challenge": CHALLENGE}, "meta": {"version": "4.0", "webhookId": "w1"}}
V2 = {"version": "2.0", "webhookId": "w1", "eventName": "verify", "payload": {"challenge": CHALLENGE}}
HASHED = '{"challenge":"' + hexed(AMT, CHALLENGE) + '"}'
for name, body in (("verify-4", V4), ("verify-2", V2)):
    asked("smartcar", name, sent=compact(body), content_type="application/json", body=HASHED)
unasked("smartcar", "verify-of-an-object", "SC-Signature", body=compact(V4 | {"data": {"challenge": {"a": 1}}}))
unasked(
    "smartcar",
    "verify-of-json",
    "SC-Signature",
    body=compact(V4 | {"data": {"challenge": '{"eventType":"VEHICLE_STATE"}'}}),
    why="its answer would be the signature of a delivery",
)
unasked("smartcar", "challenge-in-another-event", "SC-Signature", body=compact(V4 | {"eventType": "VEHICLE_STATE"}))
also(
    "smartcar",
    "answered-challenge-as-a-body",
    "claim_mismatch",
    sent={"with": [["SC-Signature", hexed(AMT, CHALLENGE)]], "body": CHALLENGE.encode()},
)
also(
    "smartcar",
    "schedule-2",
    "ok",
    signed={"body": compact({"version": "2.0", "eventName": "schedule", "payload": {"vehicles": []}})},
)

plain(
    "smartsheet",
    "Smartsheet-Hmac-SHA256",
    "smartsheetTestSharedSecret1",
    {
        "nonce": "4b2ed20d-6f00-4b0c-8fac-082182aa9aac",
        "timestamp": "2026-01-01T00:00:00.000+0000",
        "webhookId": 4503604829677444,
        "scope": "sheet",
        "events": [{"objectType": "sheet", "eventType": "updated"}],
    },
)
UUID = "d78dd1d3-01ce-4481-81de-92b4f3aa5ab1"
ASKED = {"challenge": UUID, "webhookId": 4503604829677444}
HOOK = ["Smartsheet-Hook-Challenge", UUID]
asked(
    "smartsheet",
    "verification",
    sent=compact(ASKED),
    more=[HOOK],
    content_type="application/json",
    headers={"smartsheet-hook-response": UUID},
    body='{"smartsheetHookResponse":"' + UUID + '"}',
)
for name, header, body in (
    ("verification-of-another", ["Smartsheet-Hook-Challenge", "other"], ASKED),
    ("verification-with-events", HOOK, ASKED | {"events": []}),
    ("verification-of-the-header-alone", HOOK, {"nonce": "n", "events": [{"eventType": "updated"}]}),
):
    also(
        "smartsheet",
        name,
        "missing_signature",
        signed={"body": compact(body)},
        sent={"without": ["Smartsheet-Hmac-SHA256"], "more": [header]},
    )

plain(
    "smile-api",
    "Smile-Signature",
    "smile_test_webhook_secret",
    {"event": "TASK_FINISHED", "createdAt": "2026-01-01T00:00:00.000000Z", "data": {"id": "tsk-1", "userId": "u1"}},
    algorithm=SHA512,
)

plain(
    "snyk",
    "X-Hub-Signature",
    "snyk_test_webhook_secret",
    {"project": {"name": "demo"}, "org": {"name": "acme"}, "newIssues": [], "removedIssues": []},
    prefix="sha256=",
    beside=[["X-Snyk-Event", "project_snapshot/v0"], ["X-Snyk-Transport-ID", "998fe884-18a0-45db-8ae0-e379eea3bc0a"]],
)
also("snyk", "event-changed", "ok", sent={"with": [["X-Snyk-Event", "ping/v0"]]}, why="it is not signed")

plain(
    "sonarqube",
    "X-Sonar-Webhook-HMAC-SHA256",
    "sonarqube_test_secret",
    {
        "serverUrl": "https://sonar.example.com",
        "taskId": "AVh21JS2JepAEhwQ-b3u",
        "status": "SUCCESS",
        "project": {"key": "demo", "name": "Demo"},
    },
    beside=[["X-SonarQube-Project", "demo"]],
)

plain(
    "sonatype-nexus",
    "X-Nexus-Webhook-Signature",
    "nexus_test_secret_key",
    {
        "timestamp": "2026-01-01T00:00:00.000+0000",
        "nodeId": "52905B51",
        "initiator": "admin/127.0.0.1",
        "repositoryName": "npm-proxy",
        "action": "CREATED",
    },
    algorithm=SHA1,
    beside=[
        ["X-Nexus-Webhook-Id", "rm:repository:asset"],
        ["X-Nexus-Webhook-Delivery", "7f4a6dde-5c68-4999-bcc0-a62f3fb8ae48"],
    ],
)
also("sonatype-nexus", "kind-changed", "ok", sent={"with": [["X-Nexus-Webhook-Id", "rm:repository"]]}, why="it is not signed")

SQUARE = "A1B2C3D4E5F60718293A4B5C6D7E8F900112233445566778899AABBCCDDEEFF0"
plain(
    "squarespace",
    "Squarespace-Signature",
    SQUARE,
    {
        "id": "5c2ba184b63ed3cb411ce2b1",
        "websiteId": "5f3c3d55ac435e1a051f77b3",
        "topic": "order.create",
        "createdOn": "2026-01-01T00:00Z",
        "data": {},
    },
    key=bytes.fromhex,
)
also("squarespace", "secret-in-small-digits", "ok", secrets=[{"id": "main", "value": SQUARE.lower()}])
also(
    "squarespace",
    "digits-as-text",
    "bad_signature",
    sent={"with": [["Squarespace-Signature", hexed(SQUARE, b"{}")]], "body": b"{}"},
    why="the key is what the digits spell",
)

# ───────────── T to W ─────────────

plain(
    "taiga",
    "X-TAIGA-WEBHOOK-SIGNATURE",
    "taiga_test_secret_key",
    {
        "action": "create",
        "type": "userstory",
        "by": {"username": "joerg"},
        "date": "2026-01-01T00:00:00.000Z",
        "data": {"id": 1},
    },
    algorithm=SHA1,
)


def terraform(trigger):
    return compact(
        {
            "payload_version": 1,
            "notification_configuration_id": "nc-1",
            "run_id": None,
            "notifications": [{"message": "m", "trigger": trigger}],
        }
    )


plain("terraform-cloud", "X-TFE-Notification-Signature", "terraform_test_token", terraform("run:created"), algorithm=SHA512)
DROPPED = {"kind": "ignore", "status": 200, "content_type": "text/plain", "body": ""}
also("terraform-cloud", "verification", "ok", signed={"body": terraform("verification")}, handshake=DROPPED)
TASK = b'{"payload_version":1,"access_token":"test-token","stage":"post_plan","task_result_id":"taskrs-1"}'
also(
    "terraform-cloud",
    "run-task",
    "ok",
    signed={"body": TASK},
    sent={
        "without": ["X-TFE-Notification-Signature"],
        "more": [["X-TFC-Task-Signature", hexed("terraform_test_token", TASK, algorithm=SHA512)]],
    },
    overrides={"hmac": {"signature_source": {"header": "x-tfc-task-signature"}}},
)
unasked("terraform-cloud", "verification-unsigned", "X-TFE-Notification-Signature", body=terraform("verification"))

plain(
    "thinkific",
    "X-Thinkific-Hmac-Sha256",
    "thinkific_test_api_key_0123456789",
    {"id": "20180126192124784", "resource": "order", "action": "created", "tenant_id": "3", "payload": {"id": 1}},
)


def toggl(**fields):
    return compact(
        {
            "event_id": 0,
            "creator_id": 6,
            "metadata": {"request_type": "POST", "event_user_id": 6},
            "payload": "ping",
            "subscription_id": 6,
        }
        | fields
    )


plain(
    "toggl",
    "x-webhook-signature-256",
    "toggl_test_secret_01",
    toggl(
        event_id=7,
        metadata={"action": "created", "model": "time_entry", "request_type": "POST"},
        payload={"id": 1, "description": "J"},
    ),
    prefix="sha256=",
)
CODE = "0b7d3c55aa6e4a5f8d20"
REPLY = {"kind": "answer", "status": 200, "content_type": "application/json", "body": '{"validation_code":"' + CODE + '"}'}
also("toggl", "validation", "ok", signed={"body": toggl(validation_code=CODE)}, handshake=REPLY)
also("toggl", "ping-without-a-code", "ok", signed={"body": toggl()})
also("toggl", "code-of-markup", "ok", signed={"body": toggl(validation_code="<b>")}, why="verified, and not answered with it")
unasked("toggl", "validation-unsigned", "x-webhook-signature-256", body=toggl(validation_code=CODE))

plain(
    "trendmicro-conformity",
    "X-Conformity-Signature",
    "conformity_test_secret",
    {"organisation": "acme", "ruleId": "S3-001", "status": "FAILURE", "riskLevel": "MEDIUM", "resource": "bucket"},
)

plain(
    "uber",
    "X-Uber-Signature",
    "uber_test_signing_key",
    {
        "event_id": "c4d2261e-2779-4eb6-beb0-cb41235c751e",
        "event_type": "orders.notification",
        "event_time": TIME,
        "meta": {"resource_id": "153dd7f1"},
    },
    beside=[["X-Environment", "sandbox"]],
)
also("uber", "environment-changed", "ok", sent={"with": [["X-Environment", "production"]]}, why="it is not signed")

plain(
    "uploadcare",
    "X-Uc-Signature",
    "uploadcare_test_signing_secret01",
    {"hook": {"id": 1, "event": "file.uploaded"}, "data": {"uuid": "f08d7c8a"}, "file": "https://ucarecdn.com/f08d7c8a/"},
    prefix="v1=",
)
also(
    "uploadcare",
    "another-version",
    "malformed_signature",
    sent={"with": [["X-Uc-Signature", "v2=" + hexed("uploadcare_test_signing_secret01", b"{}")]], "body": b"{}"},
)

plain(
    "vercel",
    "x-vercel-signature",
    "vercel_test_webhook_secret",
    {"id": "evt_1", "type": "deployment.created", "createdAt": TIME * 1000, "payload": {"deployment": {"id": "dpl_1"}}},
    algorithm=SHA1,
)

CODE = "6ebf0123456789abcdef0123456789abcdef0123"
SHOWN = {"status": 200, "content_type": "text/plain", "headers": {"x-vercel-verify": CODE}, "body": ""}
plain(
    "vercel-log-drains",
    "x-vercel-signature",
    "vercel_test_drain_secret",
    b'{"id":"1","message":"a","source":"build","projectId":"p"}\n{"id":"2","message":"b","source":"build","projectId":"p"}\n',
    algorithm=SHA1,
    vars={"verify": CODE},
)
also(
    "vercel-log-drains",
    "an-array",
    "ok",
    signed={"body": compact([{"id": "1", "message": "a", "source": "build"}])},
    accepted=SHOWN,
)
also(
    "vercel-log-drains",
    "unsigned",
    "missing_signature",
    sent={"without": ["x-vercel-signature"]},
    refused=SHOWN | {"status": 401},
)
asked("vercel-log-drains", "verification", method="GET", headers={"x-vercel-verify": CODE})
unasked("vercel-log-drains", "verification-with-a-body", "x-vercel-signature", method="GET")

plain(
    "veriff",
    "X-HMAC-SIGNATURE",
    "5e1f0a9c-3b4d-4e8f-9071-8293a4b5c6d7",
    {
        "status": "success",
        "verification": {
            "id": "12df6045-3846-4e45-946a-14fa6136d78b",
            "attemptId": "00bca969-b53a-4fad-b065-874d41a7b2b8",
            "vendorData": "user-1001",
            "status": "approved",
            "code": 9001,
        },
    },
    beside=[["X-AUTH-CLIENT", "8e4d7a52-7a0c-4a57-9c0e-00c0ffee0001"]],
)
also(
    "veriff",
    "session-submitted",
    "ok",
    signed={
        "body": compact(
            {
                "id": "12df6045-3846-4e45-946a-14fa6136d78b",
                "attemptId": "00bca969-b53a-4fad-b065-874d41a7b2b8",
                "feature": "selfid",
                "code": 7002,
                "action": "submitted",
                "vendorData": None,
            }
        )
    },
)
also(
    "veriff",
    "old-signature-alone",
    "missing_signature",
    sent={"without": ["X-HMAC-SIGNATURE"], "more": [["X-SIGNATURE", digest(b"{}", "5e1f0a9c-3b4d-4e8f-9071-8293a4b5c6d7")]], "body": b"{}"},
    why="a plain hash of the body and the secret, which older integrations were sent",
)

plain(
    "viber",
    "X-Viber-Content-Signature",
    "0123456789abcdef-0123456789abcdef-0123456789abcdef",
    {
        "event": "message",
        "timestamp": TIME * 1000,
        "message_token": 4912661846655238145,
        "sender": {"id": "01234567890A="},
        "message": {"type": "text", "text": "hi"},
    },
)

plain(
    "webex",
    "X-Spark-Signature",
    "webex_test_webhook_secret",
    {"id": "Y2lzY28", "name": "demo", "resource": "messages", "event": "created", "data": {"id": "Y2lzY29z"}},
    algorithm=SHA1,
)

plain(
    "workable",
    "X-Workable-Signature",
    "workable_test_access_token",
    {
        "event_type": "candidate_created",
        "id": "9ef6e1f2",
        "fired_at": "2026-01-01T00:00:00Z",
        "resource_type": "candidate",
        "data": {"id": "1"},
    },
)

plain(
    "patreon",
    "X-Patreon-Signature",
    "patreon_test_webhook_secret_0a1b",
    {"data": {"id": "1", "type": "member", "attributes": {"patron_status": "active_patron"}}},
    algorithm="md5",
    beside=[["X-Patreon-Event", "members:pledge:create"]],
)
also(
    "patreon",
    "signed-with-sha256",
    "bad_signature",
    sent={"with": [["X-Patreon-Signature", hexed("patreon_test_webhook_secret_0a1b", b"{}")]], "body": b"{}"},
)
