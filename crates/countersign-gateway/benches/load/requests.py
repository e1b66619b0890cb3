"""Signed requests for the load run, as headers that a wrk script reads: one for all, or one each."""

import base64, hashlib, hmac, json, sys, time

folder, count = sys.argv[1], int(sys.argv[2])
body = json.dumps({"type": "invoice.paid", "data": "x" * 2000}).encode()[:2048].ljust(2048)
with open(f"{folder}/body", "wb") as out:
    out.write(body)
with open(f"{folder}/github", "w") as out:
    out.write("sha256=" + hmac.new(b"github-secret-of-the-load", body, hashlib.sha256).hexdigest())
key, now = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), int(time.time())
with open(f"{folder}/standard", "w") as out:
    for number in range(count):
        name = f"msg_{now}_{number}"
        tag = hmac.new(key, f"{name}.{now}.".encode() + body, hashlib.sha256).digest()
        out.write(f"{name} {now} v1,{base64.b64encode(tag).decode()}\n")
