"""What the signers in `signers/` are made of: a function for each provider, and the cases that follow from it.

A signer says in Python how one provider signs, read from the provider's description and never from the preset, so that a
mistake in our reading of one cannot hide in both. It takes a `Delivery` and gives what is sent for it: the headers, or a
`Sent` where the signature stands in the body, the URL or a form.

    @provider("acme", secret="acme_test_secret", binds=["body", "time"], tolerance=300)
    def acme(d):
        return [["X-Acme-Time", str(d.time)], ["X-Acme-Signature", hexed(d.secret, str(d.time), ".", d.body)]]

From that the cases that any provider should have are made (a good one, another's, an altered one, each end of the time
allowed); `also` adds what is particular to the provider, and `handshake` what it asks before it sends anything.
"""

import base64
import dataclasses
import hashlib
import hmac
import json

ORIGIN = "tests/parity/catalogue.py"

# 2026-01-01T00:00:00Z, five seconds before it is read.
TIME, LATENCY = 1767225600, 5
JSON = ["Content-Type", "application/json"]
FORM = ["Content-Type", "application/x-www-form-urlencoded"]
NOT_UTF8 = bytes([0xFF, 0xFE, 0x00, 0x7B, 0x7D, 0xFF])

# The cases of each preset, in the order of the files.
CASES = {}

# The signers, by the name of their preset.
SIGNERS = {}


# ───────────── signing ─────────────


def joined(parts):
    return b"".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)


def mac(key, *parts, algorithm="sha256"):
    """HMAC of the parts, one behind the other; text stands for its UTF-8."""
    return hmac.new(joined([key]), joined(parts), algorithm).digest()


def hexed(key, *parts, algorithm="sha256"):
    return mac(key, *parts, algorithm=algorithm).hex()


def based(key, *parts, algorithm="sha256"):
    return base64.b64encode(mac(key, *parts, algorithm=algorithm)).decode()


def digest(*parts, algorithm="sha256"):
    """A plain hash of the parts, in hex."""
    return hashlib.new(algorithm, joined(parts)).hexdigest()


def compact(value):
    """JSON without a space, in the order of its keys, as most senders print it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# ───────────── deliveries ─────────────


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What is to be sent."""

    secret: str
    body: bytes
    time: int
    id: str
    method: str
    url: str
    vars: dict

    @property
    def path(self):
        """The path and the query."""
        return "/" + self.url.split("/", 3)[3]


@dataclasses.dataclass(frozen=True)
class Sent:
    """What is sent, where that is more than headers: whatever is None goes out as it was."""

    headers: list
    body: bytes | None = None
    url: str | None = None


@dataclasses.dataclass(frozen=True)
class Signer:
    sign: object
    delivery: Delivery
    headers: list
    binds: list
    held: object
    fields: dict

    def secrets(self, *secrets):
        """What an operator holds to check what these have signed."""
        names = ["main", "second"]
        return [{"id": name, "value": self.held(secret)} for name, secret in zip(names, secrets)]

    def case(self, name, expect, delivery, **fields):
        """One case, as the keys of its table in the order in which they are written."""
        sent = self.sign(delivery)
        if not isinstance(sent, Sent):
            sent = Sent(sent)
        made = {"name": name, "source": "generated", "origin": ORIGIN, "now": delivery.time + LATENCY}
        made |= {"secrets": self.secrets(delivery.secret)}
        if delivery.vars:
            made["vars"] = delivery.vars
        if delivery.method != "POST":
            made["method"] = delivery.method
        made["url"] = delivery.url if sent.url is None else sent.url
        made["headers"] = self.headers + sent.headers
        made["body"] = delivery.body if sent.body is None else sent.body
        made |= self.fields | {"expect": expect} | fields
        return {key: value for key, value in made.items() if value is not None}


def provider(
    preset,
    *,
    secret,
    other=None,
    body=b'{"id":"evt_1","type":"order.paid","note":"J\xc3\xb6rg"}',
    time=TIME,
    id="msg_2Lh9KRb0pzN4LePd3XiA4v12Axj",
    method="POST",
    url="https://example.com/hooks",
    vars=None,
    headers=(JSON,),
    binds=("body",),
    tolerance=None,
    future=60,
    bytes_pass=None,
    rotates=True,
    altered="bad_signature",
    held=lambda secret: secret,
    **fields,
):
    """Announce a signer and make its cases.

    `secret` is the key as an operator has it, and `other` one that is not held. `binds` is what a signature covers. `tolerance`
    and `future` are the seconds that the preset allows, and None where it judges no time. `bytes_pass` adds a body that is no
    text: unless said, where nothing but the body is signed. `rotates` adds a case of two keys. `altered` is what becomes of
    a body with a byte more. `held` makes of what signs what an operator holds: of a private key its public one. All else are
    fields of every case.
    """

    def announce(sign):
        if preset in SIGNERS:
            raise SystemExit(f"two signers for {preset}")
        delivery = Delivery(secret, body, time, id, method, url, vars or {})
        signer = SIGNERS[preset] = Signer(sign, delivery, [list(header) for header in headers], list(binds), held, fields)
        stranger = other or altered_secret(secret)
        cases = CASES.setdefault(preset, [])
        known = {"binds": signer.binds}
        if "time" in binds:
            known["signed_at"] = time
        if "id" in binds:
            known["message_id"] = id
        good = signer.case("signed", "ok", delivery, **known)
        elsewhere = signer.case("signed-by-another", "bad_signature", dataclasses.replace(delivery, secret=stranger))
        cases += [good, elsewhere | {"secrets": good["secrets"]}]
        if rotates:
            cases.append(alike("second-of-two-secrets", "ok", secrets=signer.secrets(stranger, secret), key_id="second"))
        if "body" in binds and good["body"] == body and altered:
            cases.append(alike("a-byte-more", altered, body=body + b" "))
        if bytes_pass or bytes_pass is None and list(binds) == ["body"] and good["body"] == body:
            cases.append(signer.case("body-not-utf8", "ok", dataclasses.replace(delivery, body=NOT_UTF8)))
        if tolerance is not None:
            cases.append(alike("as-old-as-may-be", "ok", now=time + tolerance))
            cases.append(alike("too-old", "stale_timestamp", now=time + tolerance + 1))
            cases.append(alike("as-early-as-may-be", "ok", now=time - future))
            cases.append(alike("too-early", "future_timestamp", now=time - future - 1))
        return sign

    return announce


def alike(name, expect, **changes):
    """The good case once more, but for these."""
    return {"name": name, "like": "signed", "source": "generated", "origin": ORIGIN, **changes, "expect": expect}


def altered_secret(secret):
    """A secret of the same form: its last letters the other way round."""
    text = secret.rstrip("=")
    turned = text[:-8] + text[-8:][::-1]
    if turned == text:
        raise SystemExit(f"{secret} reads alike from both ends: give another")
    return turned + secret[len(text) :]


def also(preset, name, expect, *, signed=(), sent=(), **fields):
    """A case that is particular to the provider.

    `signed` is what is changed of the delivery before it is signed, and `sent` what is changed of the case afterwards. A header
    given in `sent` as `["Name", None]` under `"without"` is taken away: `sent={"without": ["Name"]}`.
    """
    signer, sent = SIGNERS[preset], dict(sent)
    made = signer.case(name, expect, dataclasses.replace(signer.delivery, **dict(signed)), **fields)
    gone = {header.lower() for header in sent.pop("without", ())}
    replaced = {header.lower(): value for header, value in sent.pop("with", ())}
    more = [list(header) for header in sent.pop("more", ())]
    held = [[n, replaced.get(n.lower(), v)] for n, v in made["headers"] if n.lower() not in gone]
    CASES[preset].append(made | {"headers": held + more} | sent)


def handshake(
    preset,
    name,
    request=None,
    *,
    kind="answer",
    signed=False,
    status=200,
    content_type="text/plain",
    headers=None,
    body="",
    secret=None,
    **fields,
):
    """What the provider asks before it sends anything, and what it has to hear.

    `status`, `content_type`, `headers` and `body` are the answer's, and `secret` is what is handed over where `kind` is `learn`;
    `request` holds the fields of what is asked. Where it is `signed`, it is a delivery like any other, and `fields` may be those
    of `also`.
    """
    answer = {"kind": kind, "status": status, "content_type": content_type, "body": body}
    if headers:
        answer["headers"] = headers
    if secret:
        answer["secret"] = secret
    if signed:
        also(preset, name, "ok", handshake=answer, **fields)
        return
    signer = SIGNERS[preset]
    made = {"name": name, "source": "generated", "origin": ORIGIN, "now": TIME + LATENCY}
    made |= {"secrets": signer.secrets(signer.delivery.secret)}
    if signer.delivery.vars:
        made["vars"] = signer.delivery.vars
    made |= {"url": signer.delivery.url, "headers": [], "body": b""} | (request or {})
    CASES[preset].append(made | fields | {"expect": "handshake", "handshake": answer})
