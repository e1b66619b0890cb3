-- Every request has an id of its own, and none comes twice as long as there are enough of them. All but the records is joined once: what
-- makes the requests shares its cores with what is measured.
local folder = os.getenv("LOAD")
local function whole(name) return io.open(folder .. "/" .. name, "rb"):read("*a") end
local body, records, size = whole("body"), whole("standard"), tonumber(whole("standard.size"))
local at, count = tonumber(os.getenv("LOAD_FROM") or "0"), #records / size
local before = "POST /store HTTP/1.1\r\nhost: 127.0.0.1:8095\r\ncontent-type: application/json\r\ncontent-length: " .. #body .. "\r\n"
local after = "\r\n" .. body
function request()
  local from = at % count * size
  at = at + 1
  return before .. records:sub(from + 1, from + size) .. after
end
