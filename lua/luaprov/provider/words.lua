--- The words of a provider file: each one only notes what was written and on which line. `compile` judges it.
---
--- `text "name" { required = true }` is two calls: the first makes a node, the second gives it its options and parts.
local json = require "luaprov.json"

local M = {}

local node_mt = { __name = "luaprov.node" }

local function line_of(level)
  local info = debug.getinfo(level + 1, "l")
  return info and info.currentline or 0
end

--- What a table constructor holds: named options, and parts in their order (lists of parts are laid flat, so that a
--- file can name a list of fields once and use it in several places).
local function take(node, body)
  node.options, node.parts = {}, {}
  local function add(parts)
    local last = 0
    for i, part in ipairs(parts) do
      last = i
      if type(part) == "table" and getmetatable(part) == nil then add(part) else node.parts[#node.parts + 1] = part end
    end
    -- What stands after a hole would be lost.
    for key in pairs(parts) do
      if type(key) ~= "string" and (type(key) ~= "number" or key < 1 or key > last or key % 1 ~= 0) then
        node.stray = "[" .. tostring(key) .. "]"
      elseif type(key) == "string" and parts ~= body then
        node.stray = key
      end
    end
  end
  for key, value in pairs(body) do
    if type(key) == "string" then node.options[key] = value end
  end
  add(body)
  return node
end

function node_mt.__call(node, body)
  if node.options then node.twice = true return node end
  if type(body) ~= "table" then node.stray = tostring(body) return node end
  return take(node, body)
end

function M.is_node(value, word)
  return getmetatable(value) == node_mt and (word == nil or value.word == word)
end

-- A word with a name: `text "name"`, `text "name" {…}`, and without one where none is needed: `text {…}`.
local function named(word, class)
  return function(argument)
    local node = setmetatable({ word = word, class = class, line = line_of(2) }, node_mt)
    if type(argument) == "table" and not M.is_node(argument) then return take(node, argument) end
    node.name = argument
    return node
  end
end

-- `by "field" { value = {…} }`, `by { "one", "two" } { ["value value"] = {…} }`
local function by(selectors)
  local node = setmetatable({ word = "by", class = "by", line = line_of(2) }, node_mt)
  node.selectors = type(selectors) == "table" and selectors or { selectors }
  return node
end

--- The types of fields, in the order in which messages name them.
M.field_types = { "text", "integer", "boolean", "url", "choice", "secret", "list", "group" }

M.location = setmetatable({ word = "location", class = "location" }, node_mt)

--- Every word, by its name.
function M.environment()
  local environment = { by = by, location = M.location, null = json.null }
  for _, word in ipairs(M.field_types) do environment[word] = named(word, "field") end
  for _, word in ipairs { "get", "post", "put", "patch", "delete" } do environment[word] = named(word, "operation") end
  for _, word in ipairs { "bearer", "token_request" } do environment[word] = named(word, "auth") end
  for _, word in ipairs { "numbered", "offsets" } do environment[word] = named(word, "pages") end
  environment.resource = named("resource", "resource")
  environment.provider = named("provider", "provider")
  return environment
end

return M
