"""Providers that sign nothing and show no secret but that of the URL they were given; and OpenClaw, which shows one."""

from signing import FORM, Sent, also, compact, handshake, provider

HOOKS = "https://example.com/hooks"


def in_url(preset, secret, *, posted=True, **fields):
    """Announce a provider whose secret stands in the query of the URL; `posted` says that nothing but a POST is an event."""

    @provider(preset, secret=secret, binds=(), url=HOOKS, **fields)
    def show(d):
        return Sent([], url=f"{d.url}?token={d.secret}")

    also(preset, "another-body-is-not-noticed", "ok", sent={"body": b"forged=true"}, why="the token binds nothing")
    also(preset, "no-token", "missing_signature", sent={"url": HOOKS})
    also(preset, "empty-token", "malformed_signature", sent={"url": f"{HOOKS}?token="})
    also(
        preset,
        "token-twice",
        "malformed_signature",
        sent={"url": f"{HOOKS}?token={secret}&token=another"},
        why="two readers could take two different ones",
    )
    also(preset, "beginning-of-the-token", "bad_signature", sent={"url": f"{HOOKS}?token={secret[:-1]}"})
    also(
        preset,
        "token-in-the-body",
        "missing_signature",
        sent={"url": HOOKS, "headers": [FORM], "body": f"token={secret}".encode()},
        why="it is looked for in the query alone",
    )
    also(preset, "a-word-for-a-secret", "key_error", signed={"secret": "hunter2"}, why="that can be guessed")
    if posted:
        also(
            preset,
            "link-that-is-opened",
            "claim_mismatch",
            sent={"method": "GET", "headers": [], "body": b""},
            why="a URL that is pasted somewhere is fetched by programs that show what is behind it",
        )


in_url(
    "docker-hub",
    "m4deUpTokenInAUrlOfDockerHub0001",
    body=compact(
        {
            "callback_url": "https://registry.hub.docker.com/u/someone/some-image/hook/2141b5bi5i5b02bec211i4eeih0242eg11000a/",
            "push_data": {"pushed_at": 1767225600, "pusher": "someone", "tag": "latest"},
            "repository": {"name": "some-image", "namespace": "someone", "repo_name": "someone/some-image", "status": "Active"},
        }
    ),
)

PROFILE = {"type": "subscribe", "fired_at": "2026-01-01 00:00:00", "data%5Bid%5D": "8a25ff1d98", "data%5Blist_id%5D": "a6b5da1054"}
AUDIENCE = "m4deUpTokenInAUrlOfMailchimp0001"
in_url(
    "mailchimp-marketing",
    AUDIENCE,
    posted=False,
    headers=[FORM],
    body="&".join(f"{name}={value.replace(' ', '+').replace(':', '%3A')}" for name, value in PROFILE.items()).encode(),
)
TRIED = {"headers": [], "body": b""}
for method in ("GET", "HEAD"):
    asked = TRIED | {"method": method}
    name = f"saved-and-tried-by-{method.lower()}"
    handshake("mailchimp-marketing", name, kind="ignore", signed=True, sent=asked)
    also("mailchimp-marketing", f"{name}-without-the-token", "missing_signature", sent=asked | {"url": HOOKS})
also(
    "mailchimp-marketing",
    "tried-with-another-token",
    "bad_signature",
    sent=TRIED | {"method": "GET", "url": f"{HOOKS}?token=m4deUpTokenInAUrlOfMailchimp0002"},
)
also("mailchimp-marketing", "empty-and-posted", "ok", sent=TRIED, why="it is no trial: those are not posted")

in_url("mollie-classic", "m4deUpTokenInAUrlOfMollie0000001", headers=[FORM], body=b"id=tr_d0b0E3EA3v")

in_url(
    "quay",
    "m4deUpTokenInAUrlOfQuay000000001",
    body=compact(
        {
            "name": "some-image",
            "repository": "someone/some-image",
            "namespace": "someone",
            "docker_url": "quay.io/someone/some-image",
            "homepage": "https://quay.io/repository/someone/some-image",
            "updated_tags": ["latest"],
        }
    ),
)

# ───────────── Strava ─────────────

RIDE = "m4deUpTokenInAUrlOfStrava0000001"
VERIFY = {"verify_token": "strava-made-up-verify-token"}
in_url(
    "strava",
    RIDE,
    vars=VERIFY,
    body=compact(
        {
            "aspect_type": "update",
            "event_time": 1767225600,
            "object_id": 1360128428,
            "object_type": "activity",
            "owner_id": 134815,
            "subscription_id": 120475,
            "updates": {"title": "Messy"},
        }
    ),
)
also("strava", "no-verify-token-held", "ok", vars=None, why="events need none")
CHALLENGE = "15f7d1a91c1f40f8a748fd134752feb3"


def subscribing(query=f"token={RIDE}&", verify=VERIFY["verify_token"], mode="subscribe", challenge=CHALLENGE, **more):
    query += f"hub.verify_token={verify}&hub.challenge={challenge}&hub.mode={mode}"
    return {"method": "GET", "url": f"{HOOKS}?{query}", "headers": [], "body": b""} | more


ECHO = {"content_type": "application/json", "body": '{"hub.challenge":"' + CHALLENGE + '"}'}
handshake("strava", "subscribing", subscribing(), **ECHO)
handshake("strava", "subscribing-without-the-token", subscribing(""), why="what is asked for is the verify token", **ECHO)
for name, change in (
    ("with-another-verify-token", {"verify": "strava-made-up-verify-nekot"}),
    ("with-an-empty-verify-token", {"verify": ""}),
    ("with-the-token-for-it", {"verify": RIDE}),
    ("in-another-mode", {"mode": "unsubscribe"}),
    ("with-markup", {"challenge": "%3Cscript%3E"}),
    ("with-a-long-challenge", {"challenge": "a" * 129}),
    ("with-a-body", {"body": b"{}"}),
):
    also("strava", f"challenge-{name}", "claim_mismatch", sent=subscribing(**change), why="and no event either")
also("strava", "challenge-that-is-posted", "missing_signature", sent=subscribing("", method="POST"))
also("strava", "challenge-and-no-verify-token-held", "missing_signature", sent=subscribing(""), vars=None)

# ───────────── OpenClaw ─────────────

CRON = "openclaw-made-up-webhook-token"


@provider(
    "openclaw",
    secret=CRON,
    binds=(),
    body=compact(
        {
            "jobId": "3f0c2a1e-0000-4111-8222-933344445555",
            "action": "finished",
            "job": {"id": "3f0c2a1e-0000-4111-8222-933344445555", "name": "Morning brief"},
            "runAtMs": 1767225590000,
            "durationMs": 10000,
            "status": "ok",
            "summary": "Nothing new.",
            "delivered": True,
            "deliveryStatus": "delivered",
        }
    ),
)
def openclaw(d):
    return [["Authorization", f"Bearer {d.secret}"]]


def bearing(name, expect, shown, why=None):
    also("openclaw", name, expect, sent={"with": [["Authorization", shown]]}, why=why)


also("openclaw", "another-body-is-not-noticed", "ok", sent={"body": b'{"forged":true}'}, why="the token binds nothing")
also(
    "openclaw",
    "failure-alert",
    "ok",
    signed={
        "body": compact({"jobId": "3f0c2a1e", "jobName": "Morning brief", "message": "failed 2 times", "runAtMs": 1767225590000})
    },
)
also("openclaw", "gateway-without-a-token", "missing_signature", sent={"without": ["Authorization"]})
also(
    "openclaw",
    "in-the-header-of-hooks",
    "missing_signature",
    sent={"without": ["Authorization"], "more": [["x-openclaw-token", CRON]]},
    why="a gateway takes that, and does not send it",
)
bearing("scheme-in-any-case", "ok", f"bearer {CRON}", why="RFC 9110: schemes have no case")
bearing("no-scheme", "malformed_signature", CRON)
bearing("two-words", "malformed_signature", f"Bearer {CRON} {CRON}")
also("openclaw", "header-twice", "malformed_signature", sent={"more": [["Authorization", f"Bearer {CRON}"]]})
