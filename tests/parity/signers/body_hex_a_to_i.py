"""Providers that sign the body alone, mostly in hex: A to I."""

import base64

from signing import FORM, TIME, also, based, compact, handshake, hexed, provider


def body_alone(preset, header, secret, prefix="", algorithm="sha256", **fields):
    """Announce a provider that sends HMAC of the body, in small hex digits behind a prefix, under the secret's own text."""

    @provider(preset, secret=secret, **fields)
    def sign(d):
        return [[header, prefix + hexed(d.secret, d.body, algorithm=algorithm)]]


# ───────────── nothing particular ─────────────

body_alone("absa-sanlam", "X-Signature", "absa-sanlam-made-up-secret-1")
body_alone("aiprise", "X-HMAC-SIGNATURE", "aiprise_private_made_up_7c1d9e",
           body=compact({"verification_session_id": "0a1b", "status": "COMPLETED"}))
body_alone("alchemy", "X-Alchemy-Signature", "whsec_alchemy_made_up_b7Qx",
           body=compact({"webhookId": "wh_1", "id": "whevt_1", "createdAt": "2026-01-01T00:00:00.000Z", "type": "ADDRESS_ACTIVITY", "event": {}}))
body_alone("ashby", "Ashby-Signature", "8b943c474f5d1e1712f13e1a870b485c9b6b0000", "sha256=",
           body=compact({"action": "applicationSubmit", "data": {"application": {"id": "1"}}}))
body_alone("attentive", "x-attentive-hmac-sha256", "attentive_made_up_signing_key_4",
           body=compact({"type": "sms.subscribed", "timestamp": TIME * 1000, "subscriber": {"phone": "+15555550100"}}))
body_alone("checkr", "X-Checkr-Signature", "checkr-made-up-api-key-0123456789",
           body=compact({"id": "507f1f77bcf86cd799439011", "object": "event", "type": "report.completed", "data": {"object": {"id": "1"}}}))
body_alone("clickup", "X-Signature", "CLICKUPMADEUPSECRETO7V9K2T4",
           body=compact({"webhook_id": "7689a169-a000-4985-8676-6902b96d6627", "event": "taskCreated", "task_id": "c0j"}))
body_alone("cloudsmith", "X-Cloudsmith-Signature", "cloudsmith-made-up-signature-key", "sha1=", "sha1")
body_alone("coinbase-commerce", "X-CC-Webhook-Signature", "30291a20-0bd1-4267-9b0f-e6e7b123c0aa",
           body=compact({"id": 1, "attempt_number": 1, "event": {"id": "24934862", "type": "charge:created", "data": {"code": "66BEOV2A"}}}))
body_alone("coinify", "X-Coinify-Webhook-Signature", "6a0f2a52-7a0c-4a57-9c0e-00c0ffee0001",
           body=compact({"id": "aeb7475b", "time": "2026-01-01T00:00:00.000Z", "event": "payment-intent.completed", "context": {"amount": "10.00"}}))
body_alone("cryptopay", "X-Cryptopay-Signature", "cryptopay-made-up-callback-secret",
           body=compact({"type": "Invoice", "event": "status_changed", "data": {"id": "ff48eeba", "status": "completed"}}))
body_alone("cursor", "X-Webhook-Signature", "cursor-made-up-webhook-secret-of-32", "sha256=",
           body=compact({"event": "statusChange", "id": "bc_1", "status": "FINISHED"}))
body_alone("datasaur", "X-Datasaur-Signature", "datasaur-made-up-secret")
body_alone("dub", "Dub-Signature", "whsec_dub_made_up_2b7e151628ae",
           body=compact({"id": "evt_1", "event": "link.clicked", "createdAt": "2026-01-01T00:00:00.000Z", "data": {}}))
body_alone("dwolla", "X-Request-Signature-SHA-256", "dwolla-made-up-webhook-secret",
           body=compact({"id": "9ece9660", "resourceId": "1", "topic": "transfer_completed", "timestamp": "2026-01-01T00:00:00.000Z"}))
body_alone("enode", "X-Enode-Signature", "enode-made-up-secret-of-128-bits", "sha1=", "sha1",
           body=compact([{"event": "user:vehicle:updated", "createdAt": "2026-01-01T00:00:00.000Z", "version": "2024-10-01"}]))
body_alone("expo", "expo-signature", "expo-made-up-secret-16", "sha1=", "sha1",
           body=compact({"id": "147a3212", "accountName": "made-up", "platform": "ios", "status": "finished"}))
body_alone("firecrawl", "X-Firecrawl-Signature", "firecrawl_made_up_secret_91", "sha256=",
           body=compact({"success": True, "type": "crawl.page", "id": "job-1", "data": []}))
body_alone("fireflies", "x-hub-signature", "fireflies-made-up-secret", "sha256=",
           body=compact({"meetingId": "ASxwZxCstx", "eventType": "Transcription completed"}))
body_alone("firehydrant", "fh-signature", "firehydrant-made-up-secret")
body_alone("formstack", "X-FS-Signature", "formstack-made-up-hmac-key", "sha256=",
           body=compact({"FormID": "1234567", "UniqueID": "98765", "Name": "Jörg"}))
body_alone("hackerone", "X-H1-Signature", "hackerone-made-up-secret", "sha256=",
           body=compact({"data": {"activity": {"type": "activity-comment"}, "report": {"id": "1"}}}))
body_alone("imerchantsolutions", "x-webhook-signature", "imerchant-made-up-webhook-secret",
           body=compact({"type": "payment.completed", "paymentId": "cmml1234abcd", "amount": 5000, "currency": "USD"}))

PROMOTER = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f0aaaa"
body_alone("firstpromoter", "X-Webhook-Signature", PROMOTER)
also("firstpromoter", "key-read-as-hex", "bad_signature", signed={"body": b"{}"},
     sent={"with": [["X-Webhook-Signature", hexed(bytes.fromhex(PROMOTER), b"{}")]]},
     why="the key is the text that is shown")


# ───────────── a time in the body ─────────────

body_alone("aikido", "X-Aikido-Webhook-Signature", "aikido-made-up-hmac-secret",
           body=compact({"event_type": "issue.open.created", "dispatched_at": TIME, "payload": {"issue_id": 1}}),
           binds=["body", "time"], tolerance=30)

also("aikido", "time-missing", "missing_timestamp", signed={"body": compact({"event_type": "issue.open.created"})})
also("aikido", "time-in-milliseconds", "malformed_timestamp", signed={"body": compact({"dispatched_at": TIME * 1000})})


# ───────────── another spelling of the key ─────────────


AIRTABLE = "Y291bnRlcnNpZ24tYWlydGFibGUtbWFkZS11cC0x"


@provider("airtable", secret=AIRTABLE, other="Y291bnRlcnNpZ24tYWlydGFibGUtbWFkZS11cC0y",
          body=compact({"base": {"id": "app1"}, "webhook": {"id": "ach1"}, "timestamp": "2026-01-01T00:00:00.000Z"}))
def airtable(d):
    return [["X-Airtable-Content-MAC", "hmac-sha256=" + hexed(base64.b64decode(d.secret), d.body)]]


also("airtable", "key-read-as-text", "bad_signature", signed={"body": b"{}"},
     sent={"with": [["X-Airtable-Content-MAC", "hmac-sha256=" + hexed(AIRTABLE, b"{}")]]})
also("airtable", "another-prefix", "malformed_signature",
     sent={"with": [["X-Airtable-Content-MAC", "sha256=" + "0" * 64]]})


ANET_KEY = "0123456789ABCDEF" * 8


@provider("authorize-net", secret=ANET_KEY,
          body=compact({"notificationId": "d0e8e7fe", "eventType": "net.authorize.payment.authcapture.created", "webhookId": "1", "payload": {"id": "1"}}))
def authorize_net(d):
    return [["X-ANET-Signature", "sha512=" + hexed(d.secret, d.body, algorithm="sha512").upper()]]


also("authorize-net", "key-read-as-hex", "bad_signature",
     sent={"with": [["X-ANET-Signature", "sha512=" + hexed(bytes.fromhex(ANET_KEY), b"{}", algorithm="sha512").upper()]]},
     signed={"body": b"{}"},
     why="the key is the text that is shown")
also("authorize-net", "small-digits", "ok",
     sent={"with": [["X-ANET-Signature", "sha512=" + hexed(ANET_KEY, b"{}", algorithm="sha512")]]}, signed={"body": b"{}"})


# ───────────── another spelling of the signature ─────────────

body_alone("autodesk-aps", "x-adsk-signature", "autodesk-made-up-webhook-token", "sha1hash=", "sha1",
           body=compact({"version": "1.0", "resourceUrn": "urn:1", "hook": {"hookId": "1", "event": "dm.version.added"}}))
also("autodesk-aps", "github-prefix", "malformed_signature", sent={"with": [["x-adsk-signature", "sha1=" + "0" * 40]]})

body_alone("bitbucket", "X-Hub-Signature", "bitbucket-made-up-secret", "sha256=",
           headers=(["Content-Type", "application/json"], ["X-Event-Key", "repo:push"]), body=compact({"push": {"changes": []}}))
also("bitbucket", "sha1", "malformed_signature",
     sent={"with": [["X-Hub-Signature", "sha1=" + hexed("bitbucket-made-up-secret", compact({"push": {"changes": []}}), algorithm="sha1")]]},
     why="GitHub's header of that name")

body_alone("clearbit", "X-Request-Signature", "sk_clearbit_made_up_0123456789", "sha1=", "sha1",
           body=compact({"id": "123", "type": "person", "body": None, "status": 404}))


@provider("checkmarx-one", secret="checkmarx-made-up-webhook-secret",
          headers=(["Content-Type", "application/json"], ["X-Cx-Webhook-Event", "scan_completed_successfully"]),
          body=compact({"scanId": "000000-0000", "projectId": "000000-0000"}))
def checkmarx_one(d):
    return [["X-Cx-Webhook-Signature", "sha256=" + based(d.secret, d.body)]]


also("checkmarx-one", "hex", "bad_signature",
     sent={"with": [["X-Cx-Webhook-Signature", "sha256=" + hexed("checkmarx-made-up-webhook-secret", b"{}")]]}, signed={"body": b"{}"})

body_alone("checkout-com", "Cko-Signature", "checkout-made-up-signature-key",
           body=compact({"id": "evt_az5sblvku4ge3dwpztvyizgcau", "type": "payment_approved", "data": {"id": "pay_1"}}))
also("checkout-com", "ubble", "malformed_signature", sent={"with": [["Cko-Signature", f"ts={TIME},v1=" + "0" * 64]]},
     why="the identity service's scheme under the same header")

body_alone("circleci", "circleci-signature", "circleci-made-up-secret", "v1=",
           body=compact({"id": "3888f21b-eaa7-38e3-8f3d-75a63bba8895", "type": "workflow-completed"}))
CIRCLE = hexed("circleci-made-up-secret", b"{}")
also("circleci", "another-version-beside", "ok", signed={"body": b"{}"},
     sent={"with": [["circleci-signature", f"v2=xxx,v1={CIRCLE}"]]})
also("circleci", "another-version-alone", "malformed_signature", signed={"body": b"{}"},
     sent={"with": [["circleci-signature", f"v2={CIRCLE}"]]})


GREENHOUSE = b'{"action":"hire_candidate","payload":{"notes":"\\u003cp\\u003ehello\\u003c/p\\u003e"}}'


@provider("greenhouse", secret="greenhouse-made-up-secret-key", body=GREENHOUSE)
def greenhouse(d):
    return [["Signature", "sha256 " + hexed(d.secret, d.body)]]


also("greenhouse", "equals-sign", "malformed_signature",
     sent={"with": [["Signature", "sha256=" + hexed("greenhouse-made-up-secret-key", GREENHOUSE)]]})


# ───────────── more headers than one ─────────────


@provider("attio", secret="attio_made_up_3f9c1a5d7e2b4c6a",
          body=compact({"webhook_id": "1", "events": [{"event_type": "record.created", "id": {"record_id": "1"}}]}))
def attio(d):
    signature = hexed(d.secret, d.body)
    return [["Attio-Signature", signature], ["X-Attio-Signature", signature]]


also("attio", "older-header-alone", "missing_signature", sent={"without": ["Attio-Signature"]})


@provider("chargify", secret="chargify-made-up-shared-key", headers=(FORM,),
          body=b"id=4242&event=payment_success&payload[site][subdomain]=made-up")
def chargify(d):
    return [
        ["X-Chargify-Webhook-Signature", "68d7abff8bd34ff24ceb2d6aa4c6bc1c"],
        ["X-Chargify-Webhook-Signature-Hmac-Sha-256", hexed(d.secret, d.body)],
        ["X-Chargify-Webhook-Id", "4242"],
    ]


also("chargify", "md5-alone", "missing_signature", sent={"without": ["X-Chargify-Webhook-Signature-Hmac-Sha-256"]})


@provider("easypost", secret="easypost-made-up-secret",
          body=b'{"id":"evt_1","object":"Event","description":"tracker.updated","result":{"weight":614.4}}')
def easypost(d):
    return [["X-Hmac-Signature", "hmac-sha256-hex=" + hexed(d.secret, d.body)]]


also("easypost", "second-version-alone", "missing_signature",
     sent={"without": ["X-Hmac-Signature"], "more": [["X-Hmac-Signature-V2", "hmac-sha256-hex=" + "0" * 64]]})


@provider("flexport", secret="flexport-made-up-secret-token",
          body=compact({"_object": "/event", "id": 1, "type": "/shipment#created"}))
def flexport(d):
    return [
        ["X-Hub-Signature", "sha1=" + hexed(d.secret, d.body, algorithm="sha1")],
        ["X-Hub-Signature-256", "sha256=" + hexed(d.secret, d.body)],
    ]


also("flexport", "sha1-alone", "missing_signature", sent={"without": ["X-Hub-Signature-256"]})


GITEA = compact({"ref": "refs/heads/main", "repository": {"id": 1}})


@provider("gitea", secret="gitea-made-up-secret-of-a-hook", body=GITEA)
def gitea(d):
    signature = hexed(d.secret, d.body)
    return [
        ["X-Gitea-Event", "push"],
        ["X-Gitea-Signature", signature],
        ["X-Hub-Signature", "sha1=" + hexed(d.secret, d.body, algorithm="sha1")],
        ["X-Hub-Signature-256", "sha256=" + signature],
    ]


also("gitea", "github-headers-alone", "missing_signature", sent={"without": ["X-Gitea-Signature"]})
also("gitea", "prefixed", "malformed_signature",
     sent={"with": [["X-Gitea-Signature", "sha256=" + hexed("gitea-made-up-secret-of-a-hook", GITEA)]]})


@provider("gogs", secret="gogs-made-up-secret-of-a-hook",
          body=compact({"ref": "refs/heads/main", "repository": {"id": 1}}))
def gogs(d):
    return [["X-Gogs-Event", "push"], ["X-Gogs-Signature", hexed(d.secret, d.body)]]


@provider("getstream", secret="getstream-made-up-api-secret",
          body=compact({"type": "message.new", "message": {"text": "the quick brown fox"}}))
def getstream(d):
    return [["X-Webhook-Id", "b7c1"], ["X-Signature", hexed(d.secret, d.body)]]


@provider("discourse", secret="discourse-made-up-secret", body=compact({"post": {"id": 7, "username": "jörg"}}))
def discourse(d):
    return [["X-Discourse-Event", "post_created"], ["X-Discourse-Event-Id", "12"], ["X-Discourse-Event-Signature", "sha256=" + hexed(d.secret, d.body)]]


also("discourse", "unsigned", "missing_signature",
     sent={"without": ["X-Discourse-Event-Signature"]}, why="a webhook without a secret")

body_alone("cal-com", "X-Cal-Signature-256", "calcom-made-up-secret",
           body=compact({"triggerEvent": "BOOKING_CREATED", "createdAt": "2026-01-01T00:00:00.000Z", "payload": {"uid": "1"}}))
also("cal-com", "no-secret-given", "malformed_signature",
     sent={"with": [["X-Cal-Signature-256", "no-secret-provided"]]},
     why="what is sent where the webhook has no secret")

body_alone("doppler", "X-Doppler-Signature", "doppler-made-up-signing-secret", "sha256=",
           body=compact({"type": "config.secrets.update", "config": {"name": "prd"}}))


# ───────────── both forms of Convoy ─────────────

EVENT = b'{"event":"charge.success","amount":1000,"currency":"NGN"}'
body_alone("convoy", "X-Convoy-Signature", "convoy-made-up-webhook-secret", body=EVENT)
also("convoy", "advanced", "malformed_signature",
     sent={"with": [["X-Convoy-Signature", f"t={TIME},v1=" + hexed("convoy-made-up-webhook-secret", f"{TIME},", EVENT)]]})


# ───────────── a fixed answer ─────────────

body_alone("gocardless", "Webhook-Signature", "GoCardless-made-up-endpoint-secret",
           body=compact({"events": [{"id": "EV1", "resource_type": "payments", "action": "confirmed"}], "meta": {"webhook_id": "WB1"}}))
also("gocardless", "what-is-answered", "bad_signature",
     sent={"with": [["Webhook-Signature", "0" * 64]]}, refused={"status": 498})


# ───────────── what is asked before ─────────────

OFFERED = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"

body_alone("asana", "X-Hook-Signature", "7a4d1e0c9b8f2365a1d0c3b4e5f60718293a4b5c6d7e8f901a2b3c4d5e6f7081",
           body=compact({"events": [{"action": "changed", "resource": {"gid": "1337", "resource_type": "task"}}]}))
handshake("asana", "secret-offered", {"headers": [["X-Hook-Secret", OFFERED]], "body": b"{}"},
      kind="learn", secret=OFFERED, headers={"x-hook-secret": OFFERED})
also("asana", "offered-beside-a-signature", "ok", sent={"more": [["X-Hook-Secret", OFFERED]]},
     why="a delivery like any other: the secret is not taken from it")
also("asana", "offered-beside-a-false-signature", "bad_signature",
     sent={"with": [["X-Hook-Signature", "0" * 64]], "more": [["X-Hook-Secret", OFFERED]]})
also("asana", "offered-too-short", "missing_signature",
     sent={"without": ["X-Hook-Signature"], "more": [["X-Hook-Secret", "short"]]})

body_alone("clio", "X-Hook-Signature", "clio-made-up-shared-secret-1",
           body=compact({"data": {"id": 1, "etag": "1"}, "meta": {"event": "created", "webhook_id": 1}}))
handshake("clio", "secret-offered", {"headers": [["X-Hook-Secret", "clio-offered-shared-secret-2"]], "body": b"{}"},
      kind="learn", secret="clio-offered-shared-secret-2", headers={"x-hook-secret": "clio-offered-shared-secret-2"})
also("clio", "offered-beside-a-false-signature", "bad_signature",
     sent={"with": [["X-Hook-Signature", "0" * 64]], "more": [["X-Hook-Secret", "clio-offered-shared-secret-2"]]})
also("clio", "offered-in-other-letters", "missing_signature",
     sent={"without": ["X-Hook-Signature"], "more": [["X-Hook-Secret", "<script>alert(1)</script>"]]})

GUSTO = {"verification_token": "gusto-offered-token-of-some-length", "webhook_subscription_uuid": "5d0bb5bb-5c42-4b1a-8d3f-0d0f3b1c2a4e"}
body_alone("gusto", "X-Gusto-Signature", "gusto-made-up-verification-token",
           body=compact({"uuid": "1", "event_type": "company.updated", "resource_type": "Company", "timestamp": TIME}))
handshake("gusto", "token-offered", {"headers": [["Content-Type", "application/json"]], "body": compact(GUSTO)},
      kind="learn", secret=GUSTO["verification_token"])
also("gusto", "token-in-a-signed-body", "ok", signed={"body": compact(GUSTO)}, why="signed, so it offers nothing new")
also("gusto", "event-that-offers-a-token", "missing_signature",
     signed={"body": compact(GUSTO | {"event_type": "company.updated"})}, sent={"without": ["X-Gusto-Signature"]})
also("gusto", "without-a-subscription", "missing_signature",
     signed={"body": compact({"verification_token": GUSTO["verification_token"]})}, sent={"without": ["X-Gusto-Signature"]})

body_alone("bitbucket-server", "X-Hub-Signature", "bitbucket-made-up-secret", "sha256=",
           body=compact({"eventKey": "repo:refs_changed", "date": "2026-01-01T00:00:00+0000"}))
PING = [["X-Event-Key", "diagnostics:ping"]]
handshake("bitbucket-server", "ping", {"headers": PING, "body": b'{"test": true}'}, kind="ignore")
also("bitbucket-server", "ping-with-another-body", "missing_signature",
     sent={"without": ["X-Hub-Signature"], "more": PING})
also("bitbucket-server", "ping-with-a-false-signature", "bad_signature",
     signed={"body": b'{"test": true}'}, sent={"with": [["X-Hub-Signature", "sha256=" + "0" * 64]], "more": PING})
also("bitbucket-server", "ping-signed", "ok", signed={"body": b'{"test": true}'}, sent={"more": PING})

body_alone("dropbox", "X-Dropbox-Signature", "dropboxmadeupapp",
           body=compact({"list_folder": {"accounts": ["dbid:1"]}, "delta": {"users": [1]}}))
CHALLENGE = "https://example.com/hooks?challenge="
handshake("dropbox", "challenge", method="GET", url=CHALLENGE + "6Ix0gQvN-4Yd_k", body="6Ix0gQvN-4Yd_k")
handshake("dropbox", "challenge-of-any-length", method="GET", url=CHALLENGE + "a" * 256, body="a" * 256)
for name, method, challenge in (("posted", "POST", "abc"), ("too-long", "GET", "a" * 257), ("markup", "GET", "%3Cscript%3E"), ("empty", "GET", "")):
    also("dropbox", f"challenge-{name}", "missing_signature", signed={"method": method, "url": CHALLENGE + challenge}, sent={"without": ["X-Dropbox-Signature"]})

TOKEN = "instagram-made-up-verify-token"
INSTAGRAM = b'{"object":"instagram","entry":[{"id":"1","changes":[{"field":"comments","value":{"text":"J\\u00f6rg"}}]}]}'
body_alone("instagram", "X-Hub-Signature-256", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "sha256=", body=INSTAGRAM, vars={"verify_token": TOKEN})
ASKED = "https://example.com/hooks?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
handshake("instagram", "challenge", method="GET", url=ASKED + TOKEN, body="1158201444")
also("instagram", "challenge-with-another-token", "missing_signature", signed={"method": "GET", "url": ASKED + "guessed"},
     sent={"without": ["X-Hub-Signature-256"]})
also("instagram", "challenge-with-an-empty-token", "missing_signature", signed={"method": "GET", "url": ASKED},
     sent={"without": ["X-Hub-Signature-256"]})
also("instagram", "sha1-alone", "missing_signature",
     sent={"without": ["X-Hub-Signature-256"],
           "more": [["X-Hub-Signature", "sha1=" + hexed("0f1e2d3c4b5a69788796a5b4c3d2e1f0", INSTAGRAM, algorithm="sha1")]]})

body_alone("intercom", "X-Hub-Signature", "intercom-made-up-client-secret", "sha1=", "sha1",
           body=compact({"type": "notification_event", "id": "notif_1", "topic": "contact.created", "data": {}}))
handshake("intercom", "head", kind="ignore", method="HEAD")
also("intercom", "head-with-a-body", "missing_signature", signed={"method": "HEAD"},
     sent={"without": ["X-Hub-Signature"]})
