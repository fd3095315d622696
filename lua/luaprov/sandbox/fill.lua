--- Fills the templates of answers: `{ status = "{status}", errors = {…} }`. A text that is one placeholder and nothing
--- else becomes its value, of whatever type, and goes away where there is none.
local json = require "luaprov.json"

local M = {}

--- @param template any
--- @param lookup function name -> value or nil
--- @return any
function M.fill(template, lookup)
  if type(template) == "table" then
    local copy = {}
    for key, inner in pairs(template) do copy[key] = M.fill(inner, lookup) end
    -- What the provider file writes as a list is one, even when a placeholder in it had nothing.
    return (#template > 0 or json.is_array(template)) and json.array(copy) or copy
  elseif type(template) ~= "string" then
    return template
  end
  local whole = template:match("^{([%a_]+)}$")
  if whole then return lookup(whole) end
  return (template:gsub("{([%a_]+)}", function(name)
    local value = lookup(name)
    return value == nil and "" or tostring(value)
  end))
end

-- Puts something before the item of a list that has nothing there.
local function fill_up(body, key)
  for i = 1, type(key) == "number" and key - 1 or 0 do
    if body[i] == nil then body[i] = json.null end
  end
end

--- What stands at a path of keys, made as needed: the other direction of `answer.at`.
--- @param body table
--- @param keys table
--- @param value any
function M.put(body, keys, value)
  for i = 1, #keys - 1 do
    local key = keys[i]
    if type(body[key]) ~= "table" then body[key] = type(keys[i + 1]) == "number" and json.array {} or {} end
    fill_up(body, key)
    body = body[key]
  end
  fill_up(body, keys[#keys])
  body[keys[#keys]] = value
end

local REASONS = {
  [200] = "OK", [201] = "Created", [202] = "Accepted", [204] = "No content",
  [400] = "Bad request", [401] = "Unauthorized", [402] = "Payment required", [403] = "Forbidden", [404] = "Not found",
  [405] = "Method not allowed", [408] = "Request timeout", [409] = "Conflict", [410] = "Gone",
  [429] = "Too many requests", [500] = "Internal server error", [501] = "Not implemented", [502] = "Bad gateway",
  [503] = "Service unavailable", [504] = "Gateway timeout",
}

--- RFC 9110, 15: what a status says in words.
function M.reason(status) return REASONS[status] or "Status " .. status end

--- RFC 3339 with seven decimals, as .NET services write it.
function M.now() return os.date("!%Y-%m-%dT%H:%M:%S") .. ".0000000Z" end

function M.date() return os.date("!%Y-%m-%d %H:%M:%S") end

local function random_bytes()
  local file = io.open("/dev/urandom", "rb")
  local bytes = file and file:read(4)
  if file then file:close() end
  return bytes or ("%4.4s"):format(os.time() % 10000)
end

local first, made

--- An id that no other has, here, in another process or after a restart.
function M.uuid()
  first, made = first or ("%02x%02x%02x%02x"):format(random_bytes():byte(1, 4)), (made or 0) + 1
  return ("%s-%04x-4000-8000-%012x"):format(first, os.time() % 0x10000, made)
end

return M
