#!/usr/bin/env python3
"""The vectors that no provider publishes, signed without any of this project's code.

Providers publish few deliveries, and hardly any with two signatures, a rolled key or a body that is not text. This script
makes them: it signs with Python's own hmac and hashlib, by what the providers' descriptions say, so that a mistake in our
reading of a preset cannot hide in both places at once. Such cases are marked `source = "generated"`; they show that two
independent programs agree, not that a provider does.

    python3 tests/parity/generate.py            print the cases, to be pasted into presets/*.vectors.toml
    python3 tests/parity/generate.py --check    compare them with what stands in those files

Deterministic: fixed keys and times, no randomness. Python 3.11 or later, standard library only.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys
import tomllib
from urllib.parse import quote, urlencode

ORIGIN = "tests/parity/generate.py"
PRESETS = pathlib.Path(__file__).resolve().parents[2] / "presets"

# ───────────── signing ─────────────


def tag(key, content, algorithm="sha256"):
    return hmac.new(key, content, getattr(hashlib, algorithm)).digest()


def hexed(key, content, algorithm="sha256"):
    return tag(key, content, algorithm).hex()


def based(key, content, algorithm="sha256"):
    return base64.b64encode(tag(key, content, algorithm)).decode()


def github(secret, body, algorithm="sha256"):
    name = "X-Hub-Signature-256" if algorithm == "sha256" else "X-Hub-Signature"
    return [name, f"{algorithm}=" + hexed(secret.encode(), body, algorithm)]


def shopify(secret, body):
    return ["X-Shopify-Hmac-Sha256", based(secret.encode(), body)]


def linear(secret, body):
    return ["Linear-Signature", hexed(secret.encode(), body)]


def stripe(keys, time, body):
    entries = ["v1=" + hexed(key, f"{time}.".encode() + body) for key in keys]
    return ["Stripe-Signature", ",".join([f"t={time}", *entries])]


def slack(secret, time, body):
    tagged = "v0=" + hexed(secret.encode(), f"v0:{time}:".encode() + body)
    return [["X-Slack-Request-Timestamp", str(time)], ["X-Slack-Signature", tagged]]


def standard(brand, secrets, ident, time, body):
    def entry(secret):
        text = secret.removeprefix("whsec_")
        key = base64.b64decode(text + "=" * (-len(text) % 4))
        return "v1," + based(key, f"{ident}.{time}.".encode() + body)

    signature = " ".join(map(entry, secrets))
    return [[f"{brand}-id", ident], [f"{brand}-timestamp", str(time)], [f"{brand}-signature", signature]]


def mailgun(secret, time, token):
    return {"timestamp": str(time), "token": token, "signature": hexed(secret.encode(), f"{time}{token}".encode())}


def twilio(secret, url, fields=()):
    content = url + "".join(name + value for name, value in sorted(set(fields)))
    return ["X-Twilio-Signature", based(secret.encode(), content.encode(), "sha1")]


def adyen(secret, item):
    fields = [item.get("pspReference"), item.get("originalReference", ""), item["merchantAccountCode"]]
    fields += [item["merchantReference"], item["amount"]["value"], item["amount"]["currency"]]
    fields += [item["eventCode"], item["success"]]
    signature = based(bytes.fromhex(secret), ":".join(map(str, fields)).encode())
    return {"NotificationRequestItem": {**item, "additionalData": {"hmacSignature": signature}}}


def hubspot(secret, method, url, body, time):
    content = (method + url).encode() + body + str(time).encode()
    return [["X-HubSpot-Request-Timestamp", str(time)], ["X-HubSpot-Signature-v3", based(secret.encode(), content)]]


def box(primary, secondary, time, body):
    signed = [["box-delivery-timestamp", time], ["box-signature-algorithm", "HmacSHA256"], ["box-signature-version", "1"]]
    for role, key in (("primary", primary), ("secondary", secondary)):
        if key:
            signed.append([f"box-signature-{role}", based(key.encode(), body + time.encode())])
    return signed


def contentful(secret, method, target, named, time, body):
    values = {**dict(named), "x-contentful-timestamp": str(time)}
    values["x-contentful-signed-headers"] = ",".join(sorted([*values, "x-contentful-signed-headers"]))
    path, _, query = target.partition("?")
    path = quote(path, safe=";,/?:@&=+$-_.!~*'()#")
    if query:
        path += "?" + quote(quote(query, safe="!'()*-._~"), safe=";,/?:@&=+$-_.!~*'()#")
    lines = ";".join(f"{name}:{values[name]}" for name in sorted(values))
    signature = hexed(secret.encode(), f"{method}\n{path}\n{lines}\n".encode() + body)
    return [*map(list, values.items()), ["x-contentful-signature", signature]]


# ───────────── cases ─────────────

CASES = {}


def case(preset, name, expect, **fields):
    why = {"why": fields.pop("why")} if "why" in fields else {}
    made = {"name": name, "source": "generated", "origin": ORIGIN, **fields, "expect": expect, **why}
    CASES.setdefault(preset, []).append(made)


def main_key(value, **more):
    return [{"id": "main", "value": value, **more}]


NOT_UTF8 = bytes([0xFF, 0xFE, 0x00, 0x7B, 0x7D, 0xFF])
JSON = ["Content-Type", "application/json"]
FORM = ["Content-Type", "application/x-www-form-urlencoded"]
WINDOWS = [
    {"id": "old", "value": "the-key-until-the-first-of-March", "not_after": 1772323200},
    {"id": "new", "value": "the-key-from-the-15th-of-Februar", "not_before": 1771113600},
]


def github_cases():
    secret = "It's a Secret to Everybody"
    keys = main_key(secret)
    case("github", "body-not-utf8", "ok", secrets=keys, headers=[github(secret, NOT_UTF8)], body=NOT_UTF8)
    case("github", "empty-body", "ok", secrets=keys, headers=[github(secret, b"")], body=b"")

    form = urlencode({"payload": '{"zen":"Keep it logically awesome."}'}).encode()
    case("github", "form-body", "ok", secrets=keys, headers=[FORM, github(secret, form)], body=form,
         why="a webhook set to form encoding signs the raw form")
    inner = b'{"zen":"Keep it logically awesome."}'
    case("github", "form-body-signed-as-json", "bad_signature", secrets=keys, headers=[FORM, github(secret, inner)], body=form,
         why="the JSON inside the form is not what was sent")

    body = b'{"action":"opened"}'
    case("github", "only-sha1", "missing_signature", secrets=keys, headers=[github(secret, body, "sha1")], body=body,
         why="a good signature of the older, weaker kind must not be enough")
    wrong = ["X-Hub-Signature-256", "sha256=" + "00" * 32]
    case("github", "sha256-wrong-sha1-right", "bad_signature", secrets=keys,
         headers=[wrong, github(secret, body, "sha1")], body=body, why="no falling back to the weaker one")

    old, new = (key["value"] for key in WINDOWS)
    rolled = {"secrets": WINDOWS, "body": body}
    case("github", "old-key-before-its-end", "ok", now=1772323199, headers=[github(old, body)], **rolled, key_id="old")
    case("github", "old-key-at-its-end", "expired_secret", now=1772323200, headers=[github(old, body)], **rolled,
         why="not_after is the first second in which the key may not be used")
    case("github", "new-key-before-its-start", "expired_secret", now=1771113599, headers=[github(new, body)], **rolled,
         why="outside its window, whichever side")
    case("github", "new-key-at-its-start", "ok", now=1771113600, headers=[github(new, body)], **rolled, key_id="new")


def shopify_cases():
    secret = "hush-hush-hush-hush"
    case("shopify", "body-not-utf8", "ok", secrets=main_key(secret), headers=[shopify(secret, NOT_UTF8)], body=NOT_UTF8)
    case("shopify", "empty-body", "ok", secrets=main_key(secret), headers=[shopify(secret, b"")], body=b"")

    two = [{"id": "main", "value": "the-client-secret-of-tomorrow"}, {"id": "second", "value": secret}]
    body = b'{"id":788032119674292922,"total_price":"403.00"}'
    case("shopify", "second-secret", "ok", secrets=two, headers=[shopify(secret, body)], body=body, key_id="second",
         why="after the secret is rolled, deliveries go on under the old one for up to an hour")

    # The first counter whose signature tells the two alphabets apart.
    body = next(b for b in (b'{"id":%d}' % n for n in range(64)) if {"+", "/"} <= set(shopify(secret, b)[1]))
    header, text = shopify(secret, body)
    case("shopify", "plus-and-slash", "ok", secrets=main_key(secret), headers=[[header, text]], body=body)
    other = text.replace("+", "-").replace("/", "_")
    case("shopify", "url-safe-alphabet", "malformed_signature", secrets=main_key(secret), headers=[[header, other]], body=body,
         why="one alphabet a preset: two spellings of one signature are two deliveries to whoever compares texts")


def linear_cases():
    secret = "lin_wh_0123456789abcdefghij"

    def signed(name, expect, time, now=1767225600, extra=(), **fields):
        body = b'{"action":"update","type":"Issue","webhookTimestamp":' + time + b"}"
        case("linear", name, expect, secrets=main_key(secret), now=now,
             headers=[JSON, *extra, linear(secret, body)], body=body, **fields)

    named = [["Linear-Delivery", "234d1a4e-b617-4388-90fe-adc3633d6b72"], ["Linear-Event", "Issue"]]
    signed("all-headers", "ok", b"1767225600123", extra=named)
    signed("fifty-nine-seconds", "ok", b"1767225541000")
    signed("seconds-for-milliseconds", "malformed_timestamp", b"1767225600", why="the digits tell the unit, never the size of the number")
    signed("time-in-exponent", "malformed_timestamp", b"1.767225600123e12", why="a number that JSON allows and the wire format does not")
    signed("time-is-null", "missing_timestamp", b"null", why="signed and timeless would be good for ever")
    signed("two-times", "malformed_content", b'1767225600123,"webhookTimestamp":1767220000000',
           why="two readers may take different ones; the signature is good")
    fresh = [["Linear-Timestamp", "1767225600123"]]
    signed("fresh-header-stale-body", "stale_timestamp", b"1767220000000", extra=fresh, why="the header is not signed and must not refresh the body")


def stripe_cases():
    body = b'{"id":"evt_1NG8Du2eZvKYlo2CUI79vXWy","object":"event","type":"charge.succeeded"}'
    time = 1767225600
    old, new = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC0h", "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy0h"
    both = stripe([old.encode(), new.encode()], time, body)
    case("stripe", "whsec-secret-is-text", "ok", now=time, secrets=main_key(old), headers=[stripe([old.encode()], time, body)],
         body=body, why="the prefix is part of the key")
    decoded = base64.b64decode(old.removeprefix("whsec_"))
    case("stripe", "whsec-secret-decoded", "bad_signature", now=time, secrets=main_key(old),
         headers=[stripe([decoded], time, body)], body=body, why="that is what Standard Webhooks does with the same spelling")
    case("stripe", "rolled-first-of-two", "ok", now=time, secrets=main_key(old), headers=[both], body=body)
    case("stripe", "rolled-second-of-two", "ok", now=time, secrets=main_key(new), headers=[both], body=body)
    stray = stripe([b"somebody-else"], time, body)
    case("stripe", "two-secrets-one-signature", "ok", now=time, headers=[stripe([new.encode()], time, body)], body=body,
         secrets=[{"id": "main", "value": old}, {"id": "second", "value": new}], key_id="second")
    case("stripe", "of-another-endpoint", "bad_signature", now=time, secrets=main_key(old), headers=[stray], body=body)


def slack_cases():
    secret, time = "8f742231b10e8888abcd99yyyzzz85a5", 1767225600
    keys = main_key(secret)
    form = b"command=%2Fweather&text=94070+%26+more&user_name=J%C3%B6rg&trigger_id=13345224609.738474920.8088930838d88f008e0"
    case("slack", "slash-command", "ok", now=time, secrets=keys, headers=[FORM, *slack(secret, time, form)], body=form)
    body = b'{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkRFXO7tYXAYM8P","type":"url_verification"}'
    case("slack", "url-verification", "ok", now=time, secrets=keys, headers=[JSON, *slack(secret, time, body)], body=body,
         handshake={"kind": "answer", "body": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkRFXO7tYXAYM8P"},
         why="signed like any other; the answer comes after")
    stray = slack("another-app-another-app-another!", time, body)
    case("slack", "url-verification-of-another-app", "bad_signature", now=time, secrets=keys, headers=[JSON, *stray], body=body,
         why="a challenge is answered to nobody who does not hold the secret")
    event = b'{"type":"event_callback","event_id":"Ev0PV52K21","event":{"type":"message","text":"\xe2\x98\x83"}}'
    case("slack", "event-callback", "ok", now=time + 300, secrets=keys, headers=[JSON, *slack(secret, time, event)], body=event)


STANDARD_OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def standard_cases(preset, brand):
    ident, time, body = "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj", 1767225600, b'{"type":"user.created","data":{"id":"user_29w8"}}'
    both = [STANDARD_OLD, STANDARD_NEW]

    def signed(name, expect, secrets, keys, body=body, ident=ident, now=time, **fields):
        case(preset, name, expect, now=now, secrets=keys, headers=standard(brand, secrets, ident, time, body), body=body, **fields)

    signed("one-signature", "ok", both[:1], main_key(STANDARD_OLD), message_id=ident, signed_at=time)
    signed("rolled-first-of-two", "ok", both, main_key(STANDARD_OLD), why="the sender signs with both keys while one is rolled")
    signed("rolled-second-of-two", "ok", both, main_key(STANDARD_NEW))
    two = [{"id": "main", "value": STANDARD_NEW}, {"id": "second", "value": STANDARD_OLD}]
    signed("two-secrets-one-signature", "ok", both[:1], two, key_id="second")
    rolled = [{"id": "old", "value": STANDARD_OLD, "not_after": time}, {"id": "new", "value": STANDARD_NEW}]
    signed("signed-by-an-expired-key", "expired_secret", both[:1], rolled)
    signed("signed-by-both-one-expired", "ok", both, rolled, key_id="new")
    if preset == "standard-webhooks":
        signed("body-not-utf8", "ok", both[:1], main_key(STANDARD_OLD), body=NOT_UTF8)
        signed("bare-base64-secret", "ok", both[:1], main_key(STANDARD_OLD.removeprefix("whsec_")))
        signed("id-with-a-dot", "malformed_content", both[:1], main_key(STANDARD_OLD), ident=f"msg_1.{time}",
               why="the dot separates the signed parts: id and time could trade places")
        short = "whsec_" + base64.b64encode(b"sixteen bytes !!").decode()
        signed("secret-of-sixteen-bytes", "key_error", [short], main_key(short))


def mailgun_cases():
    secret, time, now = "3ax6xnjp29jd6fds4gc373sgvjxteol0", 1767225600, 1767225605
    token = "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"

    def enveloped(values):
        return json.dumps({"signature": values, "event-data": {"event": "opened"}}).encode()

    values = mailgun(secret, time, token)
    case("mailgun", "second-secret", "ok", now=now, headers=[JSON], body=enveloped(values), key_id="second", message_id=token,
         secrets=[{"id": "main", "value": "a-new-signing-key-a-new-signing-"}, {"id": "second", "value": secret}])
    form = urlencode({**values, "event": "opened", "recipient": "alice@example.com"}).encode()
    places = {"signature_source": {"form": "signature"}, "timestamp_source": {"form": "timestamp"}, "id_source": {"form": "token"}}
    case("mailgun", "form-fields", "ok", now=now, secrets=main_key(secret), headers=[FORM], body=form, overrides={"hmac": places},
         why="inbound routes carry the same three values as form fields")
    case("mailgun", "token-with-a-space", "malformed_content", now=now, secrets=main_key(secret), headers=[JSON],
         body=enveloped(mailgun(secret, time, "a8ce0edb 2dd8301d")), why="ids have a closed alphabet")
    case("mailgun", "digit-moved-into-the-token", "malformed_timestamp", now=now, secrets=main_key(secret), headers=[JSON],
         body=enveloped({**values, "timestamp": str(time)[:9], "token": str(time)[9:] + token}),
         why="same signed text, cut elsewhere: ten digits are a time, nine are not")


def twilio_cases():
    secret = "0123456789abcdef0123456789abcdef"
    keys = main_key(secret)
    url = "https://example.com/voice?stage=1"
    case("twilio", "get-without-body", "ok", method="GET", url=url, secrets=keys, headers=[twilio(secret, url)], body=b"")
    fields = [("Body", "caf\u00e9 & cr\u00e8me"), ("From", "+14158675309"), ("Empty", "")]
    form = urlencode(fields).encode()
    case("twilio", "form-with-escapes", "ok", url=url, secrets=keys, headers=[FORM, twilio(secret, url, fields)], body=form)
    case("twilio", "content-type-with-charset", "ok", url=url, secrets=keys, body=form,
         headers=[["Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"], twilio(secret, url, fields)])
    twice = b"A=1&A=1"
    case("twilio", "same-pair-twice", "ok", url=url, secrets=keys, headers=[FORM, twilio(secret, url, [("A", "1")])], body=twice,
         why="the provider counts equal pairs once")
    body = b'{"CallSid":"CA1234567890ABCDE"}'
    digest = f"https://example.com/events?bodySHA256={hashlib.sha256(body).hexdigest()}"
    case("twilio", "json-body", "ok", url=digest, secrets=keys, headers=[JSON, twilio(secret, digest)], body=body)
    case("twilio", "json-body-changed", "claim_mismatch", url=digest, secrets=keys, headers=[JSON, twilio(secret, digest)],
         body=body.replace(b"CA1", b"CA2"), why="the signature over the URL is good; the digest in it is of another body")
    case("twilio", "json-without-digest", "disallowed", url=url, secrets=keys, headers=[JSON, twilio(secret, url)], body=body,
         why="a signed URL would vouch for any body")


def adyen_cases():
    secret = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
    keys = main_key(secret)
    item = {"pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant", "merchantReference": "order-1",
            "amount": {"currency": "EUR", "value": 1130}, "eventCode": "AUTHORISATION", "success": "true"}
    refund = {**item, "pspReference": "7914073381342299", "originalReference": "7914073381342284", "eventCode": "REFUND"}

    def batch(*items):
        return json.dumps({"live": "false", "notificationItems": items}, separators=(",", ":")).encode()

    good, second = adyen(secret, item), adyen(secret, refund)
    case("adyen-standard", "batch-of-two", "ok", secrets=keys, headers=[JSON], body=batch(good, second))
    changed = json.loads(json.dumps(second))
    changed["NotificationRequestItem"]["amount"]["value"] = 113000
    case("adyen-standard", "batch-second-item-changed", "bad_signature", secrets=keys, headers=[JSON], body=batch(good, changed),
         why="every item must verify, not any")
    case("adyen-standard", "batch-second-item-unsigned", "missing_signature", secrets=keys, headers=[JSON],
         body=batch(good, {"NotificationRequestItem": refund}))
    case("adyen-standard", "batch-of-none", "missing_signature", secrets=keys, headers=[JSON], body=batch(),
         why="nothing to check is not the same as nothing wrong")
    case("adyen-standard", "signature-of-the-other-item", "bad_signature", secrets=keys, headers=[JSON],
         body=batch({"NotificationRequestItem": {**refund, "additionalData": good["NotificationRequestItem"]["additionalData"]}}))
    lower = {"id": "main", "value": secret.lower()}
    case("adyen-standard", "key-in-lower-case", "ok", secrets=[lower], headers=[JSON], body=batch(good))
    case("adyen-standard", "key-not-hex", "key_error", secrets=main_key("not-hex-at-all-but-long-enough-to-be-one-of-them"),
         headers=[JSON], body=batch(good))


def hubspot_cases():
    secret, time = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", 1767225600000
    body = b'[{"eventId":1,"subscriptionType":"contact.creation","objectId":123}]'
    sent = "https://example.com/hook?to=a%40example.com&next=%2Fhome%3Fx"
    decoded = "https://example.com/hook?to=a@example.com&next=/home?x"

    def signed(name, expect, signed_url, **fields):
        case("hubspot-v3", name, expect, **{"now": time // 1000, "url": sent, "secrets": main_key(secret),
             "headers": [JSON, *hubspot(secret, "POST", signed_url, body, time)], "body": body, **fields})

    signed("url-escapes-decoded", "ok", decoded, why="the spelling that the description gives")
    signed("url-escapes-kept", "ok", sent, why="the spelling that the provider's Python SDK gives")
    signed("other-query", "bad_signature", "https://example.com/hook?to=b%40example.com&next=%2Fhome%3Fx")
    signed("other-scheme", "bad_signature", sent.replace("https:", "http:"), why="what an application behind a proxy would see")


def box_cases():
    primary, secondary, time, now = "PrimaryKeyOfTheTest", "SecondaryKeyOfTheTest", "2025-12-31T16:00:00-08:00", 1767225600
    body = b'{"type":"webhook_event","trigger":"FILE.UPLOADED","source":{"id":"1","type":"file","name":"\\ud83d\\ude00.txt"}}'
    keys = [{"id": "main", "value": primary, "role": "primary"}, {"id": "second", "value": secondary, "role": "secondary"}]

    def signed(name, expect, first, second, **fields):
        case("box", name, expect, **{"now": now, "secrets": keys, "headers": box(first, second, time, body), "body": body, **fields})

    signed("both-right", "ok", primary, secondary)
    signed("secondary-alone", "ok", None, secondary, key_id="second", why="while the primary key is replaced")
    signed("primary-key-under-the-secondary-header", "bad_signature", None, primary, why="a signature counts only for the key of its own role")
    signed("neither-header", "missing_signature", None, None)


def contentful_cases():
    secret, time, now = "a1b2c3d4" * 8, 1767225600000, 1767225605
    topic = [("x-contentful-topic", "ContentManagement.Entry.publish")]
    body = '{"sys":{"id":"entry"},"fields":{"title":"Grüße"}}'.encode()

    def signed(name, expect, target, headers, **fields):
        case("contentful", name, expect, **{"method": "POST", "url": "https://example.com" + target, "now": now,
             "secrets": main_key(secret), "headers": headers, "body": body, **fields})

    for name, target in (("query-and-topic", "/hooks/a?b=2&a=1"), ("no-query", "/hooks/a")):
        signed(name, "ok", target, contentful(secret, "POST", target, topic, time, body))
    headers = contentful(secret, "POST", "/hooks/a", topic, time, body)
    signed("named-header-gone", "missing_header", "/hooks/a", [h for h in headers if h[0] != "x-contentful-topic"],
           why="a header that the list names and the request lacks is not an empty one")
    timeless = [[n, v.replace(",x-contentful-timestamp", "")] for n, v in headers]
    signed("list-without-the-time", "malformed_signature", "/hooks/a", timeless,
           why="the request chooses what is signed, but not less than the preset demands")


# ───────────── writing and checking ─────────────


def toml(value):
    if isinstance(value, str):
        return f"'{value}'" if value.isprintable() and "'" not in value and '"' in value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{bare(key)} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def bare(key):
    """A key, in quotes where it needs them."""
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def spelled(fields):
    """The case as it stands in a file: bytes become text where they can, base64 where they cannot."""
    out = {}
    for key, value in fields.items():
        if key == "body" and isinstance(value, bytes):
            try:
                value = value.decode()
                if any(ord(c) < 32 and c not in "\n\r\t" or ord(c) == 127 for c in value):
                    raise ValueError
            except ValueError:
                key, value = "body_base64", base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
        out[key] = value
    return out


def block(fields):
    lines = ["[[case]]"]
    for key, value in spelled(fields).items():
        if key == "headers" and len(value) > 1:
            lines += ["headers = [", *(f"  {toml(pair)}," for pair in value), "]"]
        else:
            lines.append(f"{key} = {toml(value)}")
    return "\n".join(lines) + "\n"


def check():
    """What differs between the cases above and those in the files, as lines to print."""
    for preset, cases in CASES.items():
        path = PRESETS / f"{preset}.vectors.toml"
        held = {c["name"]: c for c in tomllib.loads(path.read_text(encoding="utf-8"))["case"]}
        for case in held.values():
            case.pop("binds", None)  # what a signature covers is no output of this script
        for wanted in map(spelled, cases):
            name = wanted["name"]
            if name not in held:
                yield f"{path.name}: `{name}` is missing"
            elif held[name] != wanted:
                keys = sorted(k for k in held[name].keys() | wanted.keys() if held[name].get(k) != wanted.get(k))
                yield f"{path.name}: `{name}` differs in {', '.join(keys)}"
        made = {c["name"] for c in cases}
        yield from (f"{path.name}: `{n}` is no longer made" for n, c in held.items() if c.get("origin") == ORIGIN and n not in made)


def main():
    for build in (github_cases, shopify_cases, linear_cases, stripe_cases, slack_cases, mailgun_cases, twilio_cases,
                  adyen_cases, hubspot_cases, box_cases, contentful_cases):
        build()
    for preset, brand in (("standard-webhooks", "webhook"), ("svix", "svix"), ("clerk", "svix")):
        standard_cases(preset, brand)

    if sys.argv[1:] == ["--check"]:
        wrong = list(check())
        print("\n".join(wrong) if wrong else f"{sum(map(len, CASES.values()))} cases as generated")
        return 1 if wrong else 0
    chosen = sys.argv[1:] or list(CASES)
    for preset in chosen:
        print(f"# presets/{preset}.vectors.toml\n")
        print("\n".join(map(block, CASES[preset])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
