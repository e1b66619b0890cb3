"""Signed requests for the load run, as headers that a wrk script reads: one for all, or one each."""

import base64, hashlib, hmac, json, sys, time

folder, count = sys.argv[1], int(sys.argv[2])
# An event as they come: nested, with lines of an invoice; blanks bring it to its length.
lines = [
    {"id": f"il_{n:08d}", "object": "line_item", "amount": 1999 + n, "currency": "eur", "proration": False, "quantity": n + 1,
     "period": {"start": 1795996800 + n, "end": 1798675200 + n}, "price": {"id": f"price_{n:06d}", "active": True, "nickname": None}}
    for n in range(6)
]
event = {"id": "evt_1", "type": "invoice.paid", "created": 1795996800, "livemode": False, "data": {"object": {
    "id": "in_1", "object": "invoice", "customer": "cus_1", "paid": True, "total": 12009, "lines": {"data": lines, "has_more": False}}}}
body = json.dumps(event).encode()
assert len(body) <= 2048, len(body)
body = body.ljust(2048)
with open(f"{folder}/body", "wb") as out:
    out.write(body)
with open(f"{folder}/github", "w") as out:
    out.write("sha256=" + hmac.new(b"github-secret-of-the-load", body, hashlib.sha256).hexdigest())
key, now = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), int(time.time())
# Each as long as all others, so that a script finds the one it wants by its number.
with open(f"{folder}/standard", "w", newline="") as out:
    for number in range(count):
        name = f"msg_{now}_{number:08d}"
        tag = hmac.new(key, f"{name}.{now}.".encode() + body, hashlib.sha256).digest()
        record = f"webhook-id: {name}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,{base64.b64encode(tag).decode()}\r\n"
        out.write(record)
with open(f"{folder}/standard.size", "w") as out:
    out.write(str(len(record)))
