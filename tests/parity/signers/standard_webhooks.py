"""Standard Webhooks and those who send by it, many of them through Svix: an HMAC over id, time and body, with dots between.

The secret is mostly base64 behind `whsec_`. Who takes it otherwise, or names the headers otherwise, says so below.
"""

import base64

from signing import SIGNERS, also, based, provider


def whsec(name, prefix="whsec_"):
    """A secret of the usual form, visibly made up: the name of its preset, to a length of thirty bytes."""
    return prefix + base64.b64encode(f"{name}-of-no-use-elsewhere"[:30].ljust(30, "-").encode()).decode()


def decoded(secret):
    return base64.b64decode(secret.rpartition("whsec_")[2])


def text(secret):
    return secret.encode()


def entry(key, d):
    return "v1," + based(key, d.id, ".", d.time, ".", d.body)


def standard(preset, body, *, names=("webhook-id", "webhook-timestamp", "webhook-signature"), secret=None, key=decoded, **fields):
    """A sender of the family: its preset, what it sends, its headers, and how its secret becomes a key."""

    @provider(
        preset, secret=secret or whsec(preset), body=body, binds=["body", "time", "id"], tolerance=300, bytes_pass=True, **fields
    )
    def sign(d):
        return list(map(list, zip(names, [d.id, str(d.time), entry(key(d.secret), d)])))


def svix(preset, body, **fields):
    """A sender whose messages Svix delivers, under Svix's names or under those of the standard."""
    standard(preset, body, names=("svix-id", "svix-timestamp", "svix-signature"), **fields)
    headers = SIGNERS[preset].sign(SIGNERS[preset].delivery)
    plain = [[name.replace("svix-", "webhook-"), value] for name, value in headers]
    taken = {"without": [name for name, _ in headers], "more": plain}
    also(preset, "unbranded-headers", "ok", sent=taken)


# ───────────── the scheme as it is ─────────────

standard("360learning", b'{"id":"evt_1","type":"course.completed","data":{"userId":"5d3f"}}')
standard("brex", b'{"event_type":"TRANSFER_PROCESSED","transfer_id":"dptx_1","company_id":"cuacc_1"}', secret=whsec("brex", ""))
standard(
    "dodo-payments",
    b'{"business_id":"bus_1","type":"payment.succeeded","timestamp":"2026-01-01T00:00:00Z","data":{"payload_type":"Payment"}}',
)
standard(
    "etsy", b'{"event_type":"order.paid","shop_id":1,"resource_url":"https://api.etsy.com/v3/application/shops/1/receipts/2"}'
)
standard("fathom", b'{"recording_id":123,"title":"Weekly","share_url":"https://fathom.video/share/abc"}')
standard("folk", b'{"id":"evt_1","type":"person.created","data":{"id":"per_1"}}')
standard("gemini", b'{"type":"batch.succeeded","version":"v1","timestamp":"2026-01-01T00:00:00Z","data":{"id":"batches/1"}}')
standard(
    "gitlab-signing",
    b'{"object_kind":"push","ref":"refs/heads/main","checkout_sha":"da1560886d4f094c3e6c9ef40349f7d38b5d27d7"}',
    id="f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
    headers=(["Content-Type", "application/json"], ["X-Gitlab-Event", "Push Hook"]),
)
standard(
    "higgsfield", b'{"request_id":"d7e6c0f3-6699-4f6c-bb45-2ad7fd9158ff","status":"completed","type":"generation.completed"}'
)
standard(
    "incident-io",
    b'{"event_type":"public_incident.incident_created_v2","public_incident.incident_created_v2":{"id":"01FDAG4SAP5TYPT98WGR2N7W91"}}',
)
standard("lithic", b'{"event_type":"card.created","card_token":"00000000-0000-0000-0000-000000000001"}')
standard("postsyncer", b'{"type":"post.published","data":{"id":1}}')
standard(
    "render",
    b'{"type":"deploy_ended","timestamp":"2026-01-01T00:00:00.000Z","data":{"id":"evt-cph1rs3idesc73a2b2mg","serviceId":"srv-xxxxx"}}',
)
standard("replicate", b'{"id":"ufawqhfynnddngldkgtslldrkq","status":"succeeded","output":["https://replicate.delivery/x.png"]}')
standard(
    "signatureapi", b'{"id":"evt_1","type":"envelope.completed","data":{"object_id":"55072f0e-b919-4d69-89cd-e7e56af00530"}}'
)


# ───────────── what differs ─────────────

# The client secret is the key as it stands, and no base64 of anything.
standard(
    "bigcommerce",
    b'{"scope":"store/order/created","store_id":"1025646","data":{"type":"order","id":250},"producer":"stores/abcde"}',
    secret="b7c0ffee" * 7 + "0a1b2c3d",
    key=text,
)
stray = SIGNERS["bigcommerce"].delivery
also(
    "bigcommerce",
    "signed-with-the-secret-decoded",
    "bad_signature",
    sent={"with": [["webhook-signature", entry(base64.b64decode(stray.secret), stray)]]},
    why="what a library makes of it that is handed the secret as it stands",
)

standard(
    "finch",
    b'{"company_id":"720be419-0293-4d32-a707-32179b0827ab","event_type":"account.updated","data":{"status":"connected"}}',
    names=("Finch-Event-Id", "Finch-Timestamp", "Finch-Signature"),
    secret=whsec("finch", ""),
)

standard("liveblocks", b'{"type":"roomCreated","data":{"appId":"605a50b01a36d5ea7a2e9104","roomId":"hero-grid"}}')
also("liveblocks", "secret-without-prefix", "key_error", signed={"secret": whsec("liveblocks", "")})

standard(
    "openai",
    b'{"id":"evt_685c059ae3a481909bdc86819b066fb6","object":"event","created_at":1767225600,"type":"response.completed","data":{"id":"resp_123"}}',
    key=lambda secret: decoded(secret) if secret.startswith("whsec_") else text(secret),
)
also(
    "openai",
    "secret-without-prefix",
    "ok",
    signed={"secret": whsec("openai", "")},
    why="such a secret is text, even where it could be read as base64",
)

standard(
    "polar",
    b'{"type":"order.paid","timestamp":"2026-01-01T00:00:00Z","data":{"id":"0197"}}',
    secret="polar_whs_of0no1use2elsewhere3of4no5use6",
    key=text,
)

standard(
    "portone",
    b'{"type":"Transaction.Paid","timestamp":"2026-01-01T00:00:00.000Z","data":{"paymentId":"p-1","storeId":"store-1"}}',
)

standard(
    "supabase-auth-hooks",
    b'{"user":{"id":"8484b834-f29e-4af2-bf42-80644d154f76"},"email_data":{"token":"305805"}}',
    secret=whsec("supabase-auth-hooks", "v1,whsec_"),
)
also("supabase-auth-hooks", "secret-without-its-version", "ok", signed={"secret": whsec("supabase-auth-hooks")})


# ───────────── delivered by Svix ─────────────

svix("agentmail", b'{"type":"event","event_type":"message.received","event_id":"evt_1","message":{"inbox_id":"a@agentmail.to"}}')
svix("beehiiv", b'{"event_type":"subscription.created","uid":"evt_1","data":{"email":"a@example.com"}}')
svix("guesty", b'{"event":"reservation.new","reservation":{"_id":"5c8f"}}')
svix("nash", b'{"type":"delivery","event":"dropoff_complete","data":{"id":"del_1"}}')
svix("orkestapay", b'{"event_type":"order.paid","data":{"order_id":"ord_1"}}')
svix("pleo", b'{"type":"v1.export-job.created","data":{"id":"1"}}')
svix("psifi", b'{"type":"payment.completed","data":{"id":"1"}}')
svix(
    "resend",
    b'{"type":"email.sent","created_at":"2026-01-01T00:00:00.000Z","data":{"email_id":"56761188-7520-42d8-8898-ff6fc54ce618"}}',
)
svix("safebase", b'{"type":"access.requested","data":{"id":"1"}}')
svix("sardine", b'{"type":"case.created","data":{"id":"1"}}')
svix(
    "seam",
    b'{"event_id":"8a91ac0e-1f1e-4f79-9b7d-1d2f2b3c4d5e","event_type":"device.connected","occurred_at":"2026-01-01T00:00:00.000Z"}',
)
svix("stytch", b'{"action":"CREATE","event_id":"event-1","object_type":"user","source":"DIRECT"}')
svix("vanta", b'{"type":"test.failing","data":{"id":"1"}}')
