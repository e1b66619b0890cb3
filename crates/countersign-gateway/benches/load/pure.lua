-- One request, again and again: nothing of it is remembered.
local folder = os.getenv("LOAD")
wrk.method = "POST"
wrk.body = io.open(folder .. "/body", "rb"):read("*a")
wrk.headers["x-hub-signature-256"] = io.open(folder .. "/github"):read("*a")
wrk.headers["content-type"] = "application/json"
