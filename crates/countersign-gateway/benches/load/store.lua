-- Every request has an id of its own, and none comes twice as long as there are enough of them.
local folder = os.getenv("LOAD")
local body = io.open(folder .. "/body", "rb"):read("*a")
local lines, at = {}, tonumber(os.getenv("LOAD_FROM") or "0")
for line in io.lines(folder .. "/standard") do lines[#lines + 1] = line end
function request()
  at = at % #lines + 1
  local id, time, tag = lines[at]:match("(%S+) (%S+) (%S+)")
  return wrk.format("POST", "/store", {
    ["webhook-id"] = id, ["webhook-timestamp"] = time, ["webhook-signature"] = tag, ["content-type"] = "application/json",
  }, body)
end
