"""Providers that hash the secret together with what they send, where others use HMAC."""

import base64
import dataclasses
import json
from urllib.parse import parse_qsl, quote_plus, urlencode

from signing import FORM, JSON, SIGNERS, TIME, Sent, also, altered_secret, compact, digest, handshake, hexed, joined, provider

XML = ["Content-Type", "text/xml"]


def keccak256(*parts):
    """Keccak-256 in hex, as it was before the padding of SHA-3 was settled."""
    rate, mask = 136, 2**64 - 1
    data = bytearray(joined(parts))
    data += bytes(rate - len(data) % rate)
    data[len(joined(parts))] ^= 0x01
    data[-1] ^= 0x80

    def turn(lane, by):
        return (lane << by | lane >> (64 - by)) & mask if by else lane

    state = [[0] * 5 for _ in range(5)]
    for start in range(0, len(data), rate):
        for at in range(rate // 8):
            lane = data[start + 8 * at : start + 8 * at + 8]
            state[at % 5][at // 5] ^= int.from_bytes(lane, "little")
        register = 1
        for _ in range(24):
            sums = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(5)]
            state = [[lane ^ sums[x - 1] ^ turn(sums[(x + 1) % 5], 1) for lane in state[x]] for x in range(5)]
            moved = [[0] * 5 for _ in range(5)]
            x, y, by = 1, 0, 0
            moved[0][0] = state[0][0]
            for step in range(24):
                by = (by + step + 1) % 64
                moved[y][(2 * x + 3 * y) % 5] = turn(state[x][y], by)
                x, y = y, (2 * x + 3 * y) % 5
            state = [[moved[x][y] ^ ~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y] & mask for y in range(5)] for x in range(5)]
            for bit in range(7):
                state[0][0] ^= (register & 1) << (2**bit - 1)
                register = register << 1 ^ (0x171 if register & 0x80 else 0)
    return b"".join(state[at % 5][at // 5].to_bytes(8, "little") for at in range(4)).hex()


def changed(preset, **changes):
    """What is sent for the good case of this preset, changed before it is signed."""
    signer = SIGNERS[preset]
    return signer.sign(dataclasses.replace(signer.delivery, **changes))


def whole_body(preset, header, content, *, algorithm="sha256", prefix="", more=(), **fields):
    """Announce a provider that hashes the body and the secret, and puts that into a header."""

    @provider(preset, bytes_pass=False, **fields)
    def sign(d):
        return [[header, prefix + digest(*content(d), algorithm=algorithm)], *map(list, more)]

    also(preset, "body-not-utf8", "ok", signed={"body": b'\xff\xfe{"id":1}\xff'})


def nothing_behind(preset):
    """Where the secret comes first, whoever has seen a hash knows that of the same, some padding and more."""
    also(
        preset,
        "gone-on-with",
        "bad_signature",
        signed={"body": SIGNERS[preset].delivery.body + b"\x80" + bytes(23) + b'\x02\x18{"paid":true}'},
        why="the padding of a hash has NUL bytes, and content with one is never taken, whatever its hash",
    )


def in_body(preset, pointer, sign, **fields):
    """Announce a provider whose JSON body holds its own hash: `sign` makes it of the delivery and the body as read."""

    @provider(preset, binds=fields.pop("binds", []), **fields)
    def make(d):
        value = json.loads(d.body)
        *parents, last = pointer.strip("/").split("/")
        within = value
        for parent in parents:
            within = within.setdefault(parent, {})
        within[last] = sign(d, value)
        return Sent([], body=compact(value))


def altered_body(preset, name, expect, *, why=None, edit, signed=(), **fields):
    """A case whose JSON body is changed after it was signed."""
    value = json.loads(changed(preset, **dict(signed)).body)
    edit(value)
    also(preset, name, expect, signed=signed, sent={"body": compact(value)}, why=why, **fields)


def in_form(preset, field, sign, *, fields, **more):
    """Announce a provider whose form holds its own hash: `sign` makes it of the delivery and the fields."""

    @provider(preset, binds=[], headers=[FORM], body=urlencode(fields).encode(), **more)
    def make(d):
        pairs = dict(parse_qsl(d.body.decode(), keep_blank_values=True))
        return Sent([], body=urlencode(pairs | {field: sign(d, pairs)}).encode())


def altered_form(preset, name, expect, *, why=None, put=(), without=(), signed=(), **fields):
    """A case whose form is changed after it was signed; `signed` is what is put into it before, `put` afterwards."""
    delivery = SIGNERS[preset].delivery
    pairs = dict(parse_qsl(delivery.body.decode(), keep_blank_values=True)) | dict(signed)
    pairs = {name: value for name, value in pairs.items() if value is not None}
    made = changed(preset, body=urlencode(pairs).encode())
    shown = dict(parse_qsl(made.body.decode(), keep_blank_values=True)) | dict(put)
    shown = {name: value for name, value in shown.items() if name not in without}
    also(preset, name, expect, sent={"body": urlencode(shown).encode()}, why=why, **fields)


# ───────────── Cloudinary: body, time, secret ─────────────

EAGER = compact(
    {
        "notification_type": "eager",
        "timestamp": "2026-01-01T00:00:00+00:00",
        "public_id": "dog",
        "eager": [{"transformation": "sp_full_hd/mp4", "bytes": 1055}],
    }
)
CLOUDINARY = "m4d3-Up_c10ud1naryApiSecret"


@provider("cloudinary", secret=CLOUDINARY, body=EAGER, binds=["body", "time"], tolerance=7200)
def cloudinary(d):
    return [["X-Cld-Signature", digest(d.body, d.time, d.secret, algorithm="sha1")], ["X-Cld-Timestamp", str(d.time)]]


def by_sha256(secret=CLOUDINARY):
    return {"with": [["X-Cld-Signature", digest(EAGER, TIME, secret)]]}


also("cloudinary", "by-sha256", "ok", sent=by_sha256())
also("cloudinary", "by-sha256-of-another", "bad_signature", sent=by_sha256(altered_secret(CLOUDINARY)))
also(
    "cloudinary",
    "an-upload-as-a-notification",
    "malformed_signature",
    signed={"body": b"folder=uploads&public_id=dog&timestamp="},
    why="what signs an upload signs this: its parameters, of which the time is the last, and the secret",
)
also(
    "cloudinary",
    "hmac-instead",
    "bad_signature",
    sent={"with": [["X-Cld-Signature", hexed(CLOUDINARY, EAGER, TIME)]]},
)
also(
    "cloudinary",
    "digit-moved-into-the-body",
    "malformed_timestamp",
    sent={"with": [["X-Cld-Timestamp", str(TIME)[1:]]], "body": EAGER + b"1"},
    why="the same content, cut elsewhere",
)


# ───────────── Cryptomus: what PHP prints of the body, in base64 ─────────────

CRYPTOMUS = "m4deUpPaymentKeyOfCryptomus-x7Qd2LrW9sTz"
PAID = {
    "type": "payment",
    "uuid": "62f88b36-a9d5-4fa6-aa26-e040c3dbf26d",
    "order_id": "97a75bf8/1",
    "amount": "3.00000000",
    "is_final": True,
    "status": "paid",
    "txid": None,
    "additional_data": "für Jörg ♥",
    "convert": {"to_currency": "USDT", "rate": 0.98000000},
}


def php(value):
    """As json_encode prints it with JSON_UNESCAPED_UNICODE."""
    return compact(value).replace(b"/", b"\\/")


@provider("cryptomus", secret=CRYPTOMUS, body=php(PAID), binds=[])
def cryptomus(d):
    value = json.loads(d.body)
    sign = digest(base64.b64encode(php(value)), d.secret, algorithm="md5")
    return Sent([], body=php(value | {"sign": sign}))


def cryptomus_case(name, expect, why=None, body=None, signed=PAID):
    sent = changed("cryptomus", body=php(signed)).body
    also("cryptomus", name, expect, sent={"body": body(sent)}, why=why)


cryptomus_case("slashes-as-they-are", "ok", "printed anew, it is the same", body=lambda b: b.replace(b"\\/", b"/"))
cryptomus_case("with-white-space", "ok", "printed anew, it is the same", body=lambda b: b.replace(b',"', b',\n  "'))
cryptomus_case("another-status", "bad_signature", body=lambda b: b.replace(b'"paid"', b'"fail"'))
cryptomus_case("another-order", "bad_signature", body=lambda b: php(dict(reversed(json.loads(b).items()))))
cryptomus_case("sign-twice", "malformed_content", body=lambda b: b[:-1] + b',"sign":"' + b"0" * 32 + b'"}')
also(
    "cryptomus",
    "letters-escaped",
    "bad_signature",
    sent={
        "body": compact(
            PAID
            | {"sign": digest(base64.b64encode(json.dumps(PAID, separators=(",", ":")).encode()), CRYPTOMUS, algorithm="md5")}
        )
    },
    why="letters are hashed as they are, not as \\u00fc",
)


# ───────────── Fiuu: a hash within a hash ─────────────

FIUU = "m4deup53cretk3yoff1uu"
PAYMENT = {
    "nbcb": "1",
    "tranID": "2457301",
    "orderid": "DEMO-1001",
    "status": "00",
    "domain": "SB_acmeshop1",
    "amount": "10.50",
    "currency": "MYR",
    "appcode": "053471",
    "paydate": "2026-01-01 08:00:00",
    "channel": "credit",
    "error_code": "",
}


def fiuu_skey(d, f):
    inner = digest(f["tranID"], f["orderid"], f["status"], f["domain"], f["amount"], f["currency"], algorithm="md5")
    return digest(f["paydate"], f["domain"], inner, f.get("appcode", ""), d.secret, algorithm="md5")


in_form("fiuu", "skey", fiuu_skey, secret=FIUU, fields=PAYMENT)
altered_form(
    "fiuu",
    "no-approval-code",
    "ok",
    signed={"appcode": None, "status": "11"},
    accepted={"status": 200, "content_type": "text/plain", "body": "CBTOKEN:MPSTATOK"},
)
altered_form("fiuu", "declined-as-approved", "bad_signature", signed={"status": "11"}, put={"status": "00"})
altered_form("fiuu", "another-channel", "ok", put={"channel": "fpx", "extraP[token]": "a & b"}, why="not signed")
altered_form(
    "fiuu",
    "a-field-that-php-takes-for-the-status",
    "claim_mismatch",
    signed={"status": "11"},
    put={" status": "00"},
    why="PHP drops the space and reads this one",
)
altered_form(
    "fiuu",
    "digit-moved-from-the-order",
    "claim_mismatch",
    signed={"orderid": "1000"},
    put={"orderid": "100", "paydate": "2026-01-01 08:00:0", "domain": "0SB_acmeshop1"},
    why="the same content, cut elsewhere",
)
altered_form(
    "fiuu",
    "digit-moved-to-the-transaction",
    "ok",
    signed={"orderid": "31001"},
    put={"orderid": "1001", "tranID": "24573013"},
    why="nothing tells where the one ends: hence the note on orders' ids",
)


# ───────────── Global Payments: the body without white space ─────────────

CAPTURED = b'{"id":"TRN_Xk2v","time_created":"2026-01-01T00:00:00.000Z","status":"CAPTURED","amount":"1050","note":"a \\/ b","action":{"type":"SALE"}}'
GLOBALPAY = "m4deUpAppKey16ch"


@provider("globalpay", secret=GLOBALPAY, body=CAPTURED, binds=[])
def globalpay(d):
    return [["X-GP-Signature", digest(d.body, d.secret, algorithm="sha512")]]


also(
    "globalpay",
    "with-white-space",
    "ok",
    sent={"body": CAPTURED.replace(b',"', b',\n  "').replace(b'":', b'" : ')},
    why="what is hashed has none",
)
also("globalpay", "another-amount", "bad_signature", sent={"body": CAPTURED.replace(b'"1050"', b'"10500"')})
also("globalpay", "white-space-in-a-text", "bad_signature", sent={"body": CAPTURED.replace(b"a \\/ b", b"a  \\/ b")})
also("globalpay", "text-escaped-otherwise", "bad_signature", sent={"body": CAPTURED.replace(b"\\/", b"/")})


# ───────────── HubSpot, the first two versions ─────────────

HUBSPOT = "m4deup00-0000-4000-8000-c11ent5ecret"
CREATED = compact(
    [
        {
            "eventId": 1,
            "subscriptionId": 12345,
            "portalId": 62515,
            "occurredAt": 1767225600000,
            "subscriptionType": "contact.creation",
        },
        {
            "eventId": 2,
            "subscriptionId": 12345,
            "portalId": 62515,
            "occurredAt": 1767225600001,
            "subscriptionType": "contact.creation",
        },
    ]
)

whole_body(
    "hubspot-v1",
    "X-HubSpot-Signature",
    lambda d: [d.secret, d.body],
    secret=HUBSPOT,
    body=CREATED,
    more=[["X-HubSpot-Signature-Version", "v1"]],
)
nothing_behind("hubspot-v1")
also("hubspot-v1", "no-version", "malformed_signature", sent={"without": ["X-HubSpot-Signature-Version"]})
also(
    "hubspot-v1",
    "content-of-the-second-version",
    "bad_signature",
    sent={"with": [["X-HubSpot-Signature", digest(HUBSPOT, "POST", "https://example.com/hooks", CREATED)]]},
)


@provider(
    "hubspot-v2",
    secret=HUBSPOT,
    body=compact(
        {
            "callbackId": "ap-102670506-56776413549-7-0",
            "origin": {"portalId": 62515, "actionDefinitionId": 2},
            "object": {"objectId": 904},
        }
    ),
    url="https://example.com/hooks/actions?tenant=7",
    binds=["body", "url", "method"],
    bytes_pass=False,
)
def hubspot_v2(d):
    return [["X-HubSpot-Signature", digest(d.secret, d.method, d.url, d.body)], ["X-HubSpot-Signature-Version", "v2"]]


nothing_behind("hubspot-v2")
also(
    "hubspot-v2",
    "a-card-is-fetched",
    "ok",
    signed={"method": "GET", "body": b"", "url": "https://example.com/card?hs_object_id=904&email=j%40x.example"},
)
also("hubspot-v2", "another-query", "bad_signature", sent={"url": "https://example.com/hooks/actions?tenant=8"})
also("hubspot-v2", "another-method", "bad_signature", sent={"method": "PUT"})
also("hubspot-v2", "of-the-first-version", "malformed_signature", sent={"with": [["X-HubSpot-Signature-Version", "v1"]]})


# ───────────── Lark ─────────────

LARK = "m4deUpEncryptKeyOfAnApp"
ENCRYPTED = compact(
    {"encrypt": "FIAfJPGRmFZWkaxPQ1XrJZVbv2JwdjfLk4jx0k/U1deAqYK3AXOZ5zcHt/cC4ZNTqYwWUW/EoL+b2hW/C4zoAQQ5CeMtbxX2zHjm+E4nX/Aww"}
)


@provider("lark", secret=LARK, body=ENCRYPTED, id="1703958142", binds=["body", "time", "id"], tolerance=300)
def lark(d):
    return [
        ["X-Lark-Request-Timestamp", str(d.time)],
        ["X-Lark-Request-Nonce", d.id],
        ["X-Lark-Signature", digest(d.time, d.id, d.secret, d.body)],
    ]


also("lark", "another-nonce", "bad_signature", sent={"with": [["X-Lark-Request-Nonce", "1703958143"]]})
also(
    "lark",
    "digit-moved-into-the-nonce",
    "malformed_timestamp",
    sent={"with": [["X-Lark-Request-Timestamp", str(TIME)[:-1]], ["X-Lark-Request-Nonce", "01703958142"]]},
    why="the same content, cut elsewhere",
)
also(
    "lark",
    "by-sha1-under-the-token",
    "bad_signature",
    sent={
        "with": [
            ["X-Lark-Signature", digest(TIME, "1703958142", "m4deUpVerificationToken000000000", ENCRYPTED, algorithm="sha1")]
        ]
    },
    why="callbacks of old message cards",
)
LARK_TOKEN = {"verification_token": "m4deUpVerificationToken000000000"}


def asked(challenge="ajls384kdjx98XX", token=LARK_TOKEN["verification_token"], kind="url_verification"):
    return {"headers": [JSON], "body": compact({"challenge": challenge, "token": token, "type": kind}), "vars": LARK_TOKEN}


handshake("lark", "challenge", asked(), content_type="application/json", body='{"challenge":"ajls384kdjx98XX"}')
also("lark", "challenge-of-another-app", "missing_signature", sent=asked(token="m4deUpVerificationToken000000001"))
also("lark", "challenge-with-markup", "missing_signature", sent=asked(challenge='"><script>'))
also("lark", "no-challenge", "missing_signature", sent=asked(kind="event_callback"))
also(
    "lark",
    "challenge-and-no-token-held",
    "missing_signature",
    sent={name: value for name, value in asked().items() if name != "vars"},
)
also(
    "lark",
    "challenge-encrypted",
    "missing_signature",
    sent={"headers": [JSON], "body": ENCRYPTED, "vars": LARK_TOKEN},
    why="it cannot be read here",
)


# ───────────── Moralis ─────────────

MORALIS = "m4deUp" + "0123456789" * 5 + "abcdefgh"
STREAM = compact(
    {
        "confirmed": False,
        "chainId": "0x1",
        "streamId": "c28d9e2e",
        "tag": "mywallets",
        "retries": 0,
        "block": {"number": "15988462"},
        "logs": [],
    }
)


@provider("moralis", secret=MORALIS, body=STREAM, bytes_pass=False)
def moralis(d):
    return [["x-signature", "0x" + keccak256(d.body, d.secret)]]


also("moralis", "longer-than-a-block", "ok", signed={"body": compact({"tag": "x" * 272})})
also("moralis", "without-its-prefix", "malformed_signature", sent={"with": [["x-signature", keccak256(STREAM, MORALIS)]]})
also("moralis", "secret-first", "bad_signature", sent={"with": [["x-signature", "0x" + keccak256(MORALIS, STREAM)]]})


# ───────────── Novalnet: five fields and the key turned round ─────────────

NOVALNET = "a87ff679a2f3e71d9181a67b7542122c"
CAPTURE = compact(
    {
        "event": {"type": "TRANSACTION_CAPTURE", "tid": "14575600025122030"},
        "result": {"status": "SUCCESS", "status_code": 100},
        "transaction": {"tid": "14575600025122030", "amount": 1500, "currency": "EUR", "order_no": "1001"},
    }
)


def novalnet_checksum(d, v, key=None):
    transaction = v["transaction"]
    fields = [v["event"]["tid"], v["event"]["type"], v["result"]["status"]]
    fields += [transaction[name] for name in ("amount", "currency") if name in transaction]
    return digest(*fields, key or d.secret[::-1])


in_body("novalnet", "/event/checksum", novalnet_checksum, secret=NOVALNET, body=CAPTURE)
also(
    "novalnet",
    "no-amount",
    "ok",
    signed={
        "body": compact(
            {
                "event": {"type": "SUBSCRIPTION_CANCEL", "tid": "14575600025122030"},
                "result": {"status": "SUCCESS"},
                "transaction": {},
            }
        )
    },
)
altered_body("novalnet", "another-amount", "bad_signature", edit=lambda v: v["transaction"].update(amount=15000))
altered_body("novalnet", "another-order", "ok", edit=lambda v: v["transaction"].update(order_no="1002"), why="not signed")
altered_body(
    "novalnet",
    "amount-moved-to-the-currency",
    "claim_mismatch",
    edit=lambda v: v["transaction"].update(amount=15, currency="00EUR"),
    why="the same content, cut elsewhere",
)
altered_body(
    "novalnet",
    "key-as-it-is",
    "bad_signature",
    edit=lambda v: v["event"].update(checksum=novalnet_checksum(None, v, NOVALNET)),
)


# ───────────── Nuvei: a form, or a query ─────────────

NUVEI = "m4deUpMerchantSecretKeyOfNuvei-5hV8kPzR"
DMN = {
    "totalAmount": "115.00",
    "currency": "USD",
    "responseTimeStamp": "2026-01-01.00:00:00",
    "PPP_TransactionID": "3453459",
    "Status": "APPROVED",
    "productId": "Product 1",
    "merchant_unique_id": "1001",
}


def nuvei_checksum(d, f, missing=""):
    names = ["totalAmount", "currency", "responseTimeStamp", "PPP_TransactionID", "Status"]
    return digest(d.secret, *(f[name] for name in names), f.get("productId", missing))


in_form("nuvei", "advanceResponseChecksum", nuvei_checksum, secret=NUVEI, fields=DMN)


def as_query(**changes):
    fields = {name: value for name, value in (DMN | changes).items() if value is not None}
    checksum = nuvei_checksum(SIGNERS["nuvei"].delivery, fields, "NA")
    return {
        "method": "GET",
        "headers": [],
        "body": b"",
        "url": "https://example.com/dmn?" + urlencode(fields | {"advanceResponseChecksum": checksum}),
    }


also("nuvei", "as-a-query", "ok", sent=as_query())
also("nuvei", "no-product-signed-as-na", "ok", sent=as_query(productId=None))
altered_form("nuvei", "no-product-signed-as-nothing", "ok", signed={"productId": None})
altered_form("nuvei", "declined-as-approved", "bad_signature", signed={"Status": "DECLINED"}, put={"Status": "APPROVED"})
altered_form("nuvei", "another-reference", "ok", put={"merchant_unique_id": "1002"}, why="not signed")
altered_form(
    "nuvei",
    "digit-moved-into-the-time",
    "claim_mismatch",
    put={"responseTimeStamp": "2026-01-01.00:00:003", "PPP_TransactionID": "453459"},
    why="the same content, cut elsewhere",
)
altered_form(
    "nuvei",
    "one-thing-in-form-and-query",
    "malformed_content",
    url="https://example.com/hooks?Status=APPROVED",
)


# ───────────── PayU ─────────────

PAYU = "m4deup5ec0ndkey0fap01nt0fsa1e000"
ORDER = b'{"order":{"orderId":"LDLW5N7MF4140324GUEST000P01","status":"COMPLETED","totalAmount":"200","currencyCode":"PLN"},"localReceiptDateTime":"2026-01-01T01:00:00.000+01:00"}'


def payu_header(d, name="MD5", algorithm="md5"):
    return f"sender=checkout;signature={digest(d.body, d.secret, algorithm=algorithm)};algorithm={name};content=DOCUMENT"


@provider("openpayu", secret=PAYU, body=ORDER, bytes_pass=False)
def openpayu(d):
    return [["OpenPayu-Signature", payu_header(d)]]


def payu(name, expect, header, why=None):
    also("openpayu", name, expect, sent={"with": [["OpenPayu-Signature", header]]}, why=why)


PAYU_DELIVERY = SIGNERS["openpayu"].delivery
payu("by-sha256", "ok", payu_header(PAYU_DELIVERY, "SHA-256", "sha256"))
payu("by-sha1", "ok", payu_header(PAYU_DELIVERY, "SHA-1", "sha1"))
payu("by-another-hash", "malformed_signature", payu_header(PAYU_DELIVERY, "SHA-512", "sha512"))
payu("hash-of-another-name", "bad_signature", payu_header(PAYU_DELIVERY, "SHA-256", "md5"))
payu("hash-not-named", "malformed_signature", payu_header(PAYU_DELIVERY).replace("algorithm=MD5;", ""))
payu("no-signature", "malformed_signature", "sender=checkout;algorithm=MD5;content=DOCUMENT")


# ───────────── those that hash the body and the secret alone ─────────────

whole_body(
    "pagbank",
    "x-authenticity-token",
    lambda d: [d.secret, "-", d.body],
    secret="M4DEUP0000000000000000000000PAGBANKTOKEN",
    body=compact({"id": "ORDE_F87334AC", "reference_id": "ex-00001", "charges": [{"id": "CHAR_F1F10115", "status": "PAID"}]}),
)
nothing_behind("pagbank")
whole_body(
    "ppro",
    "Webhook-Signature",
    lambda d: [d.body, d.secret],
    secret="m4deUpWebhookSecretOfPpro",
    body=compact({"type": "PAYMENT_CHARGE_SUCCESS", "data": {"id": "charge_pcDS5Q", "status": "CAPTURED"}}),
)
whole_body(
    "recharge",
    "X-Recharge-Hmac-Sha256",
    lambda d: [d.secret, d.body],
    secret="m4deup-client-secret-of-recharge-91f4c7",
    body=compact({"subscription": {"id": 89526145, "status": "active", "product_title": "Jörgs Kaffee"}}),
)
nothing_behind("recharge")
also(
    "recharge",
    "hmac-as-the-header-says",
    "bad_signature",
    sent={
        "with": [
            ["X-Recharge-Hmac-Sha256", hexed("m4deup-client-secret-of-recharge-91f4c7", SIGNERS["recharge"].delivery.body)]
        ]
    },
)
whole_body(
    "sellsy",
    "X-Webhook-Signature",
    lambda d: [d.secret, d.body],
    algorithm="sha1",
    secret="m4deUpWebhookSecretOfSellsy",
    body=compact({"relatedtype": "invoice", "relatedid": "1001", "event": "updated"}),
)
nothing_behind("sellsy")
XSOLLA = "m4deUpProjectSecretKey0"
whole_body(
    "xsolla",
    "Authorization",
    lambda d: [d.body, d.secret],
    algorithm="sha1",
    prefix="Signature ",
    secret=XSOLLA,
    body=compact(
        {
            "notification_type": "payment",
            "user": {"id": "1234567", "country": "US"},
            "transaction": {"id": 87654321, "dry_run": 1},
        }
    ),
    accepted={"status": 204, "content_type": "text/plain", "body": ""},
    refused={
        "status": 400,
        "content_type": "application/json",
        "body": '{"error":{"code":"INVALID_SIGNATURE","message":"Invalid signature"}}',
    },
)
also(
    "xsolla",
    "scheme-in-small-letters",
    "ok",
    sent={"with": [["Authorization", "signature " + digest(SIGNERS["xsolla"].delivery.body, XSOLLA, algorithm="sha1")]]},
    why="names of schemes are of any case",
)
also("xsolla", "another-scheme", "malformed_signature", sent={"with": [["Authorization", "Bearer " + "0" * 40]]})


# ───────────── Payfast: the form as PHP writes it, in its order ─────────────

PAYFAST = "m4de up/passphrase*"
ITN = {
    "m_payment_id": "1001",
    "pf_payment_id": "1089250",
    "payment_status": "COMPLETE",
    "item_name": "Jörg's test & product~1",
    "item_description": "",
    "amount_gross": "200.00",
    "amount_fee": "-4.60",
    "amount_net": "195.40",
    "name_first": "Ann Marie",
    "email_address": "ann+shop@example.com",
    "merchant_id": "10000100",
}


def php_urlencode(text):
    """As PHP's urlencode: a space is a plus sign, and of the punctuation only `-_.` stays."""
    return quote_plus(text, safe="").replace("~", "%7E")


@provider("payfast", secret=PAYFAST, body=urlencode(ITN).encode(), headers=[FORM], binds=[])
def payfast(d):
    pairs = parse_qsl(d.body.decode(), keep_blank_values=True)
    text = "&".join(f"{name}={php_urlencode(value)}" for name, value in pairs)
    signature = digest(text, "&passphrase=", php_urlencode(d.secret), algorithm="md5")
    return Sent([], body=d.body + b"&signature=" + signature.encode())


NOTIFIED = changed("payfast").body
also(
    "payfast",
    "escapes-of-another-kind",
    "ok",
    sent={"body": NOTIFIED.replace(b"%C3%B6", b"%c3%b6").replace(b"+", b"%20").replace(b"~", b"%7E")},
    why="what was read is written anew",
)
also(
    "payfast",
    "another-order-of-fields",
    "bad_signature",
    sent={"body": NOTIFIED.replace(b"m_payment_id=1001&pf_payment_id=1089250", b"pf_payment_id=1089250&m_payment_id=1001")},
)
also("payfast", "a-field-behind-the-signature", "bad_signature", sent={"body": NOTIFIED + b"&custom_str1=free"})
also("payfast", "an-empty-field-left-out", "bad_signature", sent={"body": NOTIFIED.replace(b"item_description=&", b"")})
also(
    "payfast",
    "two-statuses",
    "bad_signature",
    sent={"body": NOTIFIED.replace(b"&signature=", b"&payment_status=COMPLETE&signature=")},
)
also(
    "payfast",
    "no-passphrase",
    "bad_signature",
    sent={
        "body": urlencode(ITN).encode()
        + b"&signature="
        + digest("&".join(f"{n}={php_urlencode(v)}" for n, v in ITN.items()), algorithm="md5").encode()
    },
    why="anybody can make this one",
)


# ───────────── PayMe, PayPro Global ─────────────

SALE = {
    "payme_status": "success",
    "payme_transaction_id": "TRAN1767-225600AB-CDEF1234",
    "payme_sale_id": "SALE1767-225599XY-ABCD5678",
    "price": "5000",
    "currency": "ILS",
}
in_form(
    "payme",
    "payme_signature",
    lambda d, f: digest(d.vars["first_secret"], d.secret, f["payme_transaction_id"], f["payme_sale_id"], algorithm="md5"),
    secret="MPL14985-m4deup00-S3CR3TK1",
    vars={"first_secret": "m4deUpFirstSecretOfPayme"},
    fields=SALE,
)
altered_form("payme", "another-status", "ok", put={"payme_status": "error", "price": "1"}, why="neither is signed")
altered_form(
    "payme",
    "sale-that-php-takes-for-it",
    "claim_mismatch",
    put={" payme_sale_id": "SALE1767-225599XY-ABCD5679"},
    why="PHP drops the space and reads this one",
)
altered_form("payme", "another-sale", "bad_signature", put={"payme_sale_id": "SALE1767-225599XY-ABCD5679"})
also(
    "payme",
    "secrets-the-other-way-round",
    "bad_signature",
    secrets=[{"id": "main", "value": "m4deUpFirstSecretOfPayme"}],
    vars={"first_secret": "MPL14985-m4deup00-S3CR3TK1"},
)

IPN = {
    "IPN_TYPE_NAME": "OrderCharged",
    "ORDER_ID": "8312244",
    "ORDER_STATUS": "Processed",
    "ORDER_TOTAL_AMOUNT": "49.99",
    "ORDER_CURRENCY_CODE": "USD",
    "CUSTOMER_EMAIL": "ann+shop@example.com",
    "TEST_MODE": "0",
}
in_form(
    "paypro-global",
    "SIGNATURE",
    lambda d, f: digest(
        f["ORDER_ID"],
        f["ORDER_STATUS"],
        f["ORDER_TOTAL_AMOUNT"],
        f["CUSTOMER_EMAIL"],
        d.secret,
        f["TEST_MODE"],
        f["IPN_TYPE_NAME"],
    ),
    secret="m4deUpValidationKey",
    fields=IPN,
)
altered_form("paypro-global", "another-amount", "bad_signature", put={"ORDER_TOTAL_AMOUNT": "0.99"})
altered_form(
    "paypro-global",
    "amount-that-php-takes-for-it",
    "claim_mismatch",
    put={"ORDER TOTAL.AMOUNT": "0.99"},
    why="PHP makes underscores of space and dot, and reads this one",
)
altered_form(
    "paypro-global",
    "digit-moved-to-the-status",
    "claim_mismatch",
    put={"ORDER_STATUS": "Processed4", "ORDER_TOTAL_AMOUNT": "9.99"},
    why="the same content, cut elsewhere",
)
altered_form("paypro-global", "another-currency", "ok", put={"ORDER_CURRENCY_CODE": "VND"}, why="not signed")
altered_form("paypro-global", "no-e-mail", "missing_header", without=["CUSTOMER_EMAIL"])
altered_form(
    "paypro-global",
    "kind-moved-into-the-mode",
    "claim_mismatch",
    put={"TEST_MODE": "0Order", "IPN_TYPE_NAME": "Charged"},
    why="the same content, cut elsewhere",
)


# ───────────── PhonePe ─────────────

PHONEPE = "m4deup00-5a17-4000-8000-0fph0nep3k3y"


def called_back(code="PAYMENT_SUCCESS"):
    told = {
        "success": True,
        "code": code,
        "data": {"merchantId": "ACME", "merchantTransactionId": "MT1001", "transactionId": "T2601010000", "amount": 10000},
    }
    return compact({"response": base64.b64encode(compact(told)).decode()})


@provider("phonepe", secret=PHONEPE, body=called_back(), binds=[])
def phonepe(d):
    return [["X-VERIFY", digest(json.loads(d.body)["response"], d.secret) + "###1"]]


def verify(name, expect, content, index="###1", why=None):
    also("phonepe", name, expect, sent={"with": [["X-VERIFY", digest(content, PHONEPE) + index]]}, why=why)


RESPONSE = json.loads(called_back())["response"]
verify("of-another-index", "ok", RESPONSE, "###2", why="whichever key is held is tried")
verify("without-an-index", "malformed_signature", RESPONSE, "")
verify("with-the-path", "bad_signature", RESPONSE + "/hooks", why="that is how requests to the provider are signed")
verify("of-the-whole-body", "bad_signature", called_back())
also("phonepe", "another-outcome", "bad_signature", sent={"body": called_back("PAYMENT_ERROR")})
also(
    "phonepe",
    "a-field-beside",
    "ok",
    sent={"body": called_back()[:-1] + b',"amount":1}'},
    why="nothing but the response is signed",
)


@provider(
    "phonepe-v2",
    secret="m4deUpPassword1",
    vars={"username": "acme-hooks"},
    body=compact(
        {
            "event": "checkout.order.completed",
            "payload": {"merchantId": "ACME", "orderId": "OMO2601010000", "state": "COMPLETED"},
        }
    ),
    binds=[],
)
def phonepe_v2(d):
    return [["Authorization", digest(d.vars["username"], ":", d.secret)]]


also(
    "phonepe-v2",
    "another-body",
    "ok",
    sent={"body": b'{"event":"checkout.order.completed","payload":{"orderId":"OMO1"}}'},
    why="nothing of it is signed",
)
also(
    "phonepe-v2",
    "basic-instead",
    "malformed_signature",
    sent={"with": [["Authorization", "Basic YWNtZS1ob29rczptNGRlVXBQYXNzd29yZDE="]]},
)


# ───────────── Praxis: the fields that it lists for each kind ─────────────

PRAXIS = "m4deUpMerchantSecretOfPraxis-7Tq2"
PRAXIS_OWN = {"merchant_id": "API-Merchant", "application_key": "test-application"}
PRAXIS_PAYMENT = {
    **PRAXIS_OWN,
    "customer": {"customer_token": "8f14e45fceea167a5a36dedd4bea2543", "country": "GB"},
    "session": {"order_id": "order-1001", "intent": "payment", "session_status": "successful"},
    "transaction": {
        "transaction_type": "sale",
        "transaction_status": "approved",
        "tid": 756850,
        "currency": "USD",
        "amount": 2500,
        "conversion_rate": "0.920000",
        "processed_currency": "EUR",
        "processed_amount": 2300,
    },
    "version": "1.3",
    "timestamp": TIME,
}
PRAXIS_SUBSCRIPTION = {
    "event": "PaymentSucceeded",
    **PRAXIS_OWN,
    "cid": "user-1234",
    "plan_id": "i2VANeFxKR1aZGoH",
    "subscription_id": "1GQ0xJonekLvqKTUdH1ELyYs",
    "subscription_status": "active",
    "event_data": {"amount": 2500},
    "version": 1.3,
    "timestamp": TIME,
}


@provider(
    "praxis",
    secret=PRAXIS,
    body=compact(PRAXIS_PAYMENT),
    vars=PRAXIS_OWN,
    binds=["time"],
    tolerance=300,
)
def praxis(d):
    v = json.loads(d.body)
    if "event" in v:
        names = ("event", "merchant_id", "application_key", "cid", "plan_id", "subscription_id", "subscription_status", "timestamp")
        values = [v[name] for name in names]
    else:
        values = [v["merchant_id"], v["application_key"], v["timestamp"], v["customer"]["customer_token"], v["session"]["order_id"]]
        names = ("tid", "currency", "amount", "conversion_rate", "processed_currency", "processed_amount")
        values += [v["transaction"][name] for name in names]
    given = [value for value in values if value is not None]
    return [["Gt-Authentication", digest(*given, d.secret, algorithm="sha384")]]


def praxis_with(**changes):
    return compact(PRAXIS_PAYMENT | {"transaction": PRAXIS_PAYMENT["transaction"] | changes})


also("praxis", "subscription", "ok", signed={"body": compact(PRAXIS_SUBSCRIPTION)})
also(
    "praxis",
    "rejected",
    "ok",
    signed={
        "body": praxis_with(
            transaction_status="rejected", conversion_rate=None, processed_currency=None, processed_amount=None
        )
    },
    why="what is null is left out",
)
also("praxis", "another-amount", "bad_signature", sent={"body": praxis_with(amount=250000)})
also(
    "praxis",
    "pending-as-approved",
    "ok",
    signed={"body": praxis_with(transaction_status="pending")},
    sent={"body": praxis_with(transaction_status="approved")},
    why="the status is not signed",
)
also(
    "praxis",
    "digit-moved-to-the-rate",
    "claim_mismatch",
    sent={"body": praxis_with(amount=250, conversion_rate="00.920000")},
    why="the same content, cut elsewhere",
)
also(
    "praxis",
    "amount-moved-to-the-currency",
    "claim_mismatch",
    sent={"body": praxis_with(currency="USD2", amount=500)},
    why="the same content, cut elsewhere",
)
also(
    "praxis",
    "another-account",
    "claim_mismatch",
    signed={"body": compact(PRAXIS_PAYMENT | {"merchant_id": "API-Merchant-2"})},
)
also(
    "praxis",
    "customer-sync",
    "disallowed",
    sent={"body": compact(PRAXIS_OWN | {"cid": "user-1234", "version": "1.3", "timestamp": TIME})},
    why="it asks, and is signed over other fields",
)


# ───────────── WeChat: the token, a time and a number, sorted ─────────────

WECHAT = "m4deUpTokenOfWechat"
MESSAGE = b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName><CreateTime>1767225600</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[hi]]></Content><MsgId>1</MsgId></xml>"
SUCCESS = {"status": 200, "content_type": "text/plain", "body": "success"}


def wechat_query(secret, time, nonce, **more):
    signature = digest(*sorted([secret, str(time), nonce]), algorithm="sha1")
    return urlencode({"signature": signature, "timestamp": str(time), "nonce": nonce} | more)


@provider("wechat-official-account", secret=WECHAT, body=MESSAGE, headers=[XML], id="486175732", binds=[], accepted=SUCCESS)
def wechat(d):
    return Sent([], url=f"{d.url}?{wechat_query(d.secret, d.time, d.id, openid='o1')}")


def wechat_case(name, expect, query, why=None, **fields):
    also("wechat-official-account", name, expect, sent={"url": f"https://example.com/hooks?{query}"}, why=why, **fields)


also("wechat-official-account", "another-message", "ok", sent={"body": MESSAGE.replace(b"hi", b"pay")}, why="it is not signed")
also("wechat-official-account", "token-that-sorts-first", "ok", signed={"secret": "0m4deUpTokenOfWechat"})
wechat_case("another-number", "bad_signature", wechat_query(WECHAT, TIME, "486175732").replace("486175732", "486175733"))
wechat_case(
    "time-and-number-swapped",
    "ok",
    wechat_query(WECHAT, TIME, "1486175732").replace(
        f"timestamp={TIME}&nonce=1486175732", f"timestamp=1486175732&nonce={TIME}"
    ),
    why="sorted, they are the same: hence the time proves nothing",
)
wechat_case(
    "not-sorted",
    "bad_signature",
    wechat_query(WECHAT, TIME, "9").replace(
        wechat_query(WECHAT, TIME, "9")[10:50], digest("9", TIME, WECHAT, algorithm="sha1")
    ),
)
wechat_case("number-twice", "malformed_content", wechat_query(WECHAT, TIME, "486175732") + "&nonce=1")
wechat_case("no-time", "missing_timestamp", "signature=" + "0" * 40 + "&nonce=486175732")


def echo(echostr="5837397576500011341", **fields):
    return {
        "method": "GET",
        "headers": [],
        "body": b"",
        "url": "https://example.com/hooks?" + wechat_query(WECHAT, TIME, "486175732", echostr=echostr),
    } | fields


handshake("wechat-official-account", "address-is-entered", signed=True, body="5837397576500011341", sent=echo())
also(
    "wechat-official-account", "echo-with-markup", "ok", sent=echo("<script>"), why="signed it may be, and nothing is said back"
)
also("wechat-official-account", "echo-beside-a-message", "ok", sent=echo(method="POST", headers=[XML], body=MESSAGE))
also(
    "wechat-official-account",
    "address-entered-by-another",
    "bad_signature",
    sent=echo(
        url="https://example.com/hooks?"
        + wechat_query(altered_secret(WECHAT), TIME, "486175732", echostr="5837397576500011341")
    ),
)


# ───────────── Wompi: the fields that the event itself names ─────────────

WOMPI = "test_events_m4deUpSecretForEvents4kQz"
SIGNED_FIELDS = ["transaction.id", "transaction.status", "transaction.amount_in_cents"]


def updated(time=TIME, properties=SIGNED_FIELDS, **changes):
    transaction = {
        "id": "1234-1610641025-49201",
        "amount_in_cents": 4490000,
        "reference": "MZQ3X2DE2SMX",
        "currency": "COP",
        "status": "APPROVED",
    }
    return {
        "event": "transaction.updated",
        "data": {"transaction": transaction | changes},
        "environment": "test",
        "signature": {"properties": properties},
        "timestamp": time,
        "sent_at": "2026-01-01T00:00:00.000Z",
    }


def wompi_checksum(secret, value):
    def named(path, within=value["data"]):
        for step in path.split("."):
            within = within[step]
        return within

    return digest(*map(named, value["signature"]["properties"]), value["timestamp"], secret).upper()


in_body(
    "wompi",
    "/signature/checksum",
    lambda d, v: wompi_checksum(d.secret, v),
    secret=WOMPI,
    body=compact(updated()),
    binds=["time"],
    tolerance=300,
)


def wompi(name, expect, value, edit=lambda value: None, why=None):
    value["signature"]["checksum"] = wompi_checksum(WOMPI, value)
    edit(value)
    also("wompi", name, expect, sent={"body": compact(value)}, why=why)


wompi("another-reference", "ok", updated(), lambda v: v["data"]["transaction"].update(reference="FREE"), why="not signed")
wompi("another-event", "ok", updated(), lambda v: v.update(event="nequi_token.updated"), why="not signed")
wompi("another-amount", "bad_signature", updated(), lambda v: v["data"]["transaction"].update(amount_in_cents=100))
wompi(
    "fields-of-no-matter",
    "malformed_signature",
    updated(properties=["transaction.id"]),
    why="status and amount are then anything",
)
wompi("fields-in-another-order", "malformed_signature", updated(properties=SIGNED_FIELDS[::-1]))
wompi("a-field-twice", "malformed_signature", updated(properties=SIGNED_FIELDS + ["transaction.id"]))
wompi(
    "all-in-one-field",
    "malformed_signature",
    updated(),
    lambda v: (v["signature"].update(properties=["x"]), v["data"].update(x="1234-1610641025-49201APPROVED4490000")),
    why="the same content, named otherwise",
)
wompi(
    "amount-moved-into-the-status",
    "claim_mismatch",
    updated(),
    lambda v: v["data"]["transaction"].update(status="APPROVED44", amount_in_cents=90000),
    why="the same content, cut elsewhere",
)
wompi(
    "status-moved-into-the-id",
    "claim_mismatch",
    updated(),
    lambda v: v["data"]["transaction"].update(id="1234-1610641025-49201APP", status="ROVED"),
    why="the same content, cut elsewhere",
)


# ───────────── ZEN ─────────────

OK = {"status": 200, "content_type": "application/json", "body": '{"status":"ok"}'}
in_body(
    "zen",
    "/hash",
    lambda d, v: digest(v["merchantTransactionId"], v["currency"], v["amount"], v["status"].upper(), d.secret).upper(),
    secret="m4deup00-1pn0-4000-8000-53cr3t0fz3n0",
    body=compact(
        {
            "type": "TRT_PURCHASE",
            "transactionId": "7f3a",
            "merchantTransactionId": "order-1001",
            "amount": "10.50",
            "currency": "EUR",
            "status": "ACCEPTED",
        }
    ),
    accepted=OK,
)
altered_body("zen", "hash-in-small-letters", "ok", edit=lambda v: v.update(hash=v["hash"].lower()))
altered_body(
    "zen", "status-in-small-letters", "ok", edit=lambda v: v.update(status="accepted"), why="it is hashed in large ones"
)
altered_body("zen", "rejected-as-accepted", "bad_signature", edit=lambda v: v.update(status="REJECTED"))
altered_body("zen", "another-kind", "ok", edit=lambda v: v.update(type="TRT_REFUND"), why="not signed")
altered_body(
    "zen",
    "digit-moved-into-the-status",
    "claim_mismatch",
    edit=lambda v: v.update(amount="10.5", status="0ACCEPTED"),
    why="the same content, cut elsewhere",
)
altered_body(
    "zen",
    "letter-moved-from-the-currency",
    "claim_mismatch",
    edit=lambda v: v.update(merchantTransactionId="order-1001E", currency="UR"),
    why="the same content, cut elsewhere",
)
