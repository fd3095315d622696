-- The vendors' documented exchanges, looked up by request: what the listener answers with under --replay.
-- Placeholders: {NAME} in a fixture's path, headers, form or JSON strings stands for any text; the text that stood
-- there in the request takes its place in the answer.

local here = debug.getinfo(1, "S").source:match("^@(.-)[^/]*$")
local json = dofile(here .. "json.lua")

local M = {}

local placeholder = "{([%w_-]+)}"

--- A copy of a value with the placeholders in all its strings replaced; unknown ones stay.
---@param values table placeholder name -> text
function M.fill(value, values)
  if type(value) == "string" then return (value:gsub(placeholder, values)) end
  if type(value) ~= "table" then return value end
  local out = json.is_array(value) and json.array() or {}
  for key, item in pairs(value) do out[key] = M.fill(item, values) end
  return out
end

local function count_placeholders(value)
  if type(value) == "string" then return select(2, value:gsub(placeholder, "")) end
  local count = 0
  if type(value) == "table" then
    for _, item in pairs(value) do count = count + count_placeholders(item) end
  end
  return count
end

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(hex)
    if hex:lower() == "2f" then return nil end
    return string.char(tonumber(hex, 16))
  end))
end

local function split(text, separator)
  local parts = {}
  for part in (text .. separator):gmatch("(.-)%" .. separator) do parts[#parts + 1] = part end
  return parts
end

--- "a=1&b=2" as a table; a form's "+" is a space.
local function parse_query(text)
  local query = {}
  for part in text:gmatch("[^&]+") do
    local key, value = part:match("^([^=]*)=?(.*)$")
    key, value = key:gsub("%+", " "), value:gsub("%+", " ")
    query[unescape(key):gsub("%%2[fF]", "/")] = unescape(value):gsub("%%2[fF]", "/")
  end
  return query
end

--- Whether a text is what a fixture's text says; fills `captured` with what stood for the placeholders.
local function text_equals(expected, actual, captured)
  if expected == actual then return true end
  local names = {}
  local pattern = expected:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("{([%w_%%-]+)}", function(name)
    names[#names + 1] = name:gsub("%%", "")
    return "(.+)"
  end)
  if #names == 0 then return false end
  local found = { actual:match("^" .. pattern .. "$") }
  if not found[1] then return false end
  for index, name in ipairs(names) do captured[name] = found[index] end
  return true
end

local function show(value)
  if value == nil then return "nothing" end
  return json.encode(value)
end

--- The first difference of two values, with its path, or nil.
local function difference(expected, actual, where, captured)
  if type(expected) == "string" and type(actual) == "string" then
    if text_equals(expected, actual, captured) then return nil end
  elseif type(expected) == "table" and type(actual) == "table" and json.is_array(expected) == json.is_array(actual) then
    local keys = {}
    for key in pairs(expected) do keys[#keys + 1] = key end
    for key in pairs(actual) do
      if expected[key] == nil then keys[#keys + 1] = key end
    end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, key in ipairs(keys) do
      local found = difference(expected[key], actual[key], where .. "." .. tostring(key), captured)
      if found then return found end
    end
    return nil
  elseif expected == actual then
    return nil
  end
  return ("%s: expected %s, got %s"):format(where, show(expected), show(actual))
end

--- The first difference and how many segments are equal.
local function path_difference(expected, actual, captured)
  local expected_path, expected_query = expected:match("^([^?]*)%??(.*)$")
  local actual_path, actual_query = actual:match("^([^?]*)%??(.*)$")
  local wanted, given = split(expected_path, "/"), split(actual_path, "/")
  local same = #wanted == #given
  local shared = 0
  for index, segment in ipairs(wanted) do
    if given[index] and text_equals(segment, unescape(given[index]), captured) then
      shared = shared + 1
    else
      same = false
    end
  end
  if not same then return ("path: expected %s, got %s"):format(expected_path, actual_path), shared end
  return difference(parse_query(expected_query), parse_query(actual_query), "query", captured), shared
end

--- The first difference and the part of the top-level fields that are equal.
local function body_difference(expected, request, captured)
  if expected.json ~= nil then
    local actual, problem = json.decode(request.body)
    if actual == nil then return "body: expected JSON, got " .. problem end
    local equal, total = 0, 0
    for key, value in pairs(expected.json) do
      total = total + 1
      if type(actual) == "table" and not difference(value, actual[key], "", {}) then equal = equal + 1 end
    end
    return difference(expected.json, actual, "body", captured), equal / math.max(total, 1)
  elseif expected.form then
    return difference(expected.form, parse_query(request.body), "form", captured)
  elseif request.body ~= "" then
    return "body: expected none, got " .. show(request.body)
  end
end

--- Compares a request with a fixture's: nil and the texts of the placeholders if equal, else how near it came (more is
--- nearer) and the first difference.
---@param expected table { method, path, headers, json | form }
---@param request table { method, path, headers, body }
function M.compare(expected, request)
  local captured = {}
  local nearness = expected.method == request.method and 10 or 0
  local found, shared = path_difference(expected.path, request.path, captured)
  nearness = nearness + (shared or 0) * 20
  if found then
    -- A path of another length is farther away than one with another segment.
    return nearness - math.abs(#split(expected.path, "/") - #split(request.path, "/")) * 15, found
  end
  if expected.method ~= request.method then
    return nearness, ("method: expected %s, got %s"):format(expected.method, request.method)
  end
  nearness = nearness + 30
  local has_body = expected.json ~= nil or expected.form
  for name, value in pairs(expected.headers or {}) do
    local actual = request.headers[name]
    if name == "content-type" then
      actual = has_body and actual and actual:match("^[^;]*") or not has_body and value
    end
    found = difference(value, actual, "header " .. name, captured)
    if found then return nearness, found end
  end
  nearness = nearness + 1
  local likeness
  found, likeness = body_difference(expected, request, captured)
  if found then return nearness + (likeness or 0), found end
  return nil, captured
end

local function read_json(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  local value, problem = json.decode(text)
  if value == nil then error(name .. ": " .. problem, 0) end
  return value
end

---@param files string[] names of fixture files
---@return table replay answers the requests of their successful exchanges: replay:answer(request)
function M.open(files)
  local replay = { entries = {}, served = {}, count = 0 }
  for _, name in ipairs(files) do
    local fixtures = read_json(name)
    for _, exchange in ipairs(fixtures.exchanges) do
      local response = exchange.response
      if response.status >= 200 and response.status < 300 and not exchange.error and not response.unshown then
        replay.entries[#replay.entries + 1] = {
          name = fixtures.provider .. " " .. exchange.name,
          exchange = exchange,
          family = table.concat({ fixtures.provider, exchange.resource, exchange.variant or "" }, " "),
          after = exchange.after and fixtures.provider .. " " .. exchange.after,
          looseness = count_placeholders(exchange.request),
        }
      end
    end
  end
  return setmetatable(replay, { __index = M })
end

--- When the exchange that an answer comes after took place: 0 for answers that come after none, nil where it has not
--- taken place since the record was created.
local function turn(replay, entry)
  if not entry.after then return 0 end
  local served = replay.served[entry.after] or 0
  return served > (replay.served["create " .. entry.family] or 0) and served or nil
end

--- The documented answer to a request, { status, headers, json | text }: of the fixtures that equal the request the one
--- that comes after the latest change, then the one with the fewest placeholders, then the first. Two changes do not
--- add up: this is a replay, not a vendor.
--- None: a 404 that names the nearest fixture and the first difference.
function M.answer(replay, request)
  local best, best_turn, best_captured, nearest, nearest_by, first_difference
  for _, entry in ipairs(replay.entries) do
    local entry_turn = turn(replay, entry)
    if entry_turn then
      local nearness, found = M.compare(entry.exchange.request, request)
      if not nearness then
        local better = not best or entry_turn > best_turn
          or (entry_turn == best_turn and entry.looseness < best.looseness)
        if better then best, best_turn, best_captured = entry, entry_turn, found end
      elseif not nearest_by or nearness > nearest_by then
        nearest, nearest_by, first_difference = entry, nearness, found
      end
    end
  end
  if best then
    replay.count = replay.count + 1
    replay.served[best.name] = replay.count
    if best.exchange.operation == "create" then replay.served["create " .. best.family] = replay.count end
    return M.fill(best.exchange.response, best_captured)
  end
  return {
    status = 404,
    text = nearest and ("no fixture for %s %s; the nearest is '%s', %s\n"):format(request.method, request.path,
      nearest.name, first_difference) or "no fixtures are loaded\n",
  }
end

return M
