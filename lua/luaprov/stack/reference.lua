--- Values that are known only when a record exists: `hub.id`, and texts with them in it (`"hub " .. hub.id`).
---
--- A *handle* stands for a record: what a declaration returns, or `acme.phones.desk`, which may be declared later.
--- Indexing a handle gives what the manifest declares, where that is a plain value, and a *reference* where it is not.
--- References and texts are *deferred*: they stand in a record's fields until `fill` puts values in their place.
---
---   reference.is(value)                  deferred (a reference or a text)?
---   reference.is_handle(value)
---   reference.address(handle)            "acme.phones.desk"
---   reference.parts(deferred)            list of texts and { address, path, line }: what it is made of
---   reference.shown(deferred)            acme.phones.desk.id, for people
---   reference.is_secret(deferred)        whether what it stands for is; check.lua finds out
---   reference.fill(value, lookup)        a copy with values in place of what `lookup(address, path)` knows (not nil),
---                                        and how many are left
local digits = require "luaprov.digits"
local secret = require "luaprov.secret"

local M = {}

-- Keys that no field has.
local ADDRESS, PATH, LINE, CONTEXT, PARTS, SECRET = {}, {}, {}, {}, {}, {}

local handle_mt = { __name = "luaprov.handle" }
local reference_mt = { __name = "luaprov.reference" }
local text_mt = { __name = "luaprov.text" }

local function raw(value, key) return rawget(value, key) end

--- @param value any
--- @return boolean
function M.is(value)
  if type(value) ~= "table" then return false end
  local mt = getmetatable(value)
  return mt == reference_mt or mt == text_mt
end

--- @param value any
--- @return boolean
function M.is_handle(value) return type(value) == "table" and getmetatable(value) == handle_mt end

--- Where the manifest is at the moment, for the messages of what Lua itself calls.
local function here(value)
  local context = raw(value, CONTEXT)
  return context and context.where() or ""
end

local function reference(address, path, context)
  local made = { [ADDRESS] = address, [PATH] = path, [LINE] = context.line(), [CONTEXT] = context }
  return setmetatable(made, reference_mt)
end

--- @param address string
--- @param context table line() -> the manifest's line, where() -> "FILE:LINE: ", declared(address) -> fields or nil
--- @return table handle
function M.handle(address, context)
  return setmetatable({ [ADDRESS] = address, [CONTEXT] = context }, handle_mt)
end

--- @param handle table
--- @return string
function M.address(handle) return raw(handle, ADDRESS) end

function handle_mt.__index(handle, name)
  local context, address = raw(handle, CONTEXT), raw(handle, ADDRESS)
  local declared = context.declared(address)
  local value = declared and declared[name]
  if value ~= nil and (type(value) ~= "table" or M.is(value) or secret.is(value)) then return value end
  return reference(address, { name }, context)
end

function handle_mt.__newindex(handle)
  error(here(handle) .. M.address(handle) .. ": a record's fields stand in its declaration", 0)
end

-- acme.hubs:create { … }, as in a script.
function handle_mt.__call(handle)
  local prefix, name = M.address(handle):match("^([^.]*%.[^.]*)%.(.*)$")
  error(here(handle) .. ("%s.%s is the name of a record, and nothing to call: a record is declared by %s(NAME, {…})")
    :format(tostring(prefix), tostring(name), tostring(prefix)), 0)
end

function handle_mt.__tostring(handle) return M.address(handle) end

function reference_mt.__index(self, name)
  local path = {}
  for i, part in ipairs(raw(self, PATH)) do path[i] = part end
  path[#path + 1] = name
  return reference(raw(self, ADDRESS), path, raw(self, CONTEXT))
end

local function path_text(path)
  if #path == 1 and type(path[1]) == "string" then return path[1] end
  local out = {}
  for i, part in ipairs(path) do
    out[i] = type(part) == "number" and "[" .. digits(part) .. "]" or (i > 1 and "." or "") .. tostring(part)
  end
  return table.concat(out)
end

local function name_of(part) return part.address .. "." .. path_text(part.path) end

--- @param deferred table
--- @return table[] parts texts, and { address, path, line }
function M.parts(deferred)
  if getmetatable(deferred) == text_mt then return raw(deferred, PARTS) end
  return { { address = raw(deferred, ADDRESS), path = raw(deferred, PATH), line = raw(deferred, LINE) } }
end

--- Notes that what a deferred value stands for is secret.
--- @param deferred table
function M.close(deferred) rawset(deferred, SECRET, true) end

--- @param deferred table
--- @return boolean
function M.is_secret(deferred) return raw(deferred, SECRET) == true end

--- @param deferred table
--- @return string
function M.shown(deferred)
  local out, parts = {}, M.parts(deferred)
  for i, part in ipairs(parts) do
    out[i] = type(part) == "string" and part or #parts == 1 and name_of(part) or "{" .. name_of(part) .. "}"
  end
  return table.concat(out)
end

local function misuse(value, what)
  error(here(value) .. M.shown(value) .. " is known only when the record exists: it can stand for a value or in a text "
    .. "(..), and cannot " .. what, 0)
end

local function add_part(into, part)
  if type(part) == "string" and type(into[#into]) == "string" then into[#into] = into[#into] .. part
  else into[#into + 1] = part end
end

-- What may be put into a text that is made later.
local function add_parts(into, value)
  if M.is(value) then
    for _, part in ipairs(M.parts(value)) do add_part(into, part) end
  elseif type(value) == "string" or type(value) == "number" then
    add_part(into, type(value) == "number" and digits(value) or value)
  else
    return secret.is(value) and "a secret cannot be put into a text"
      or M.is_handle(value) and M.address(value) .. " is a record: put one of its fields into the text"
      or "a " .. type(value) .. " cannot be put into a text"
  end
end

local function concat(a, b)
  local parts = {}
  local fault = add_parts(parts, a) or add_parts(parts, b)
  local context = raw(M.is(a) and a or b, CONTEXT)
  if fault then error(context.where() .. fault, 0) end
  return setmetatable({ [PARTS] = parts, [CONTEXT] = context }, text_mt)
end

for _, mt in ipairs { reference_mt, text_mt } do
  mt.__concat = concat
  function mt.__tostring(value) misuse(value, "be made a text otherwise") end
  function mt.__len(value) misuse(value, "be measured") end
  function mt.__call(value) misuse(value, "be called") end
  function mt.__newindex(value) misuse(value, "be changed") end
end

function text_mt.__index(value, name)
  misuse(value, "be looked into (" .. tostring(name) .. ")")
end

-- A reference has the type that its value has; within a text it becomes text.
local function fill_one(value, lookup)
  local parts = M.parts(value)
  if #parts == 1 and type(parts[1]) == "table" and getmetatable(value) == reference_mt then
    return lookup(parts[1].address, parts[1].path)
  end
  local out = {}
  for i, part in ipairs(parts) do
    local known = part
    if type(part) == "table" then known = lookup(part.address, part.path) end
    if type(known) == "number" then known = digits(known) end
    if type(known) == "boolean" then known = tostring(known) end
    if type(known) ~= "string" then return nil end
    out[i] = known
  end
  return table.concat(out)
end

--- @param value any fields, or a part of them
--- @param lookup function address, path (list of keys) -> value or nil
--- @return any value as it is where nothing in it is deferred
--- @return integer left how many deferred values stand in it still
function M.fill(value, lookup)
  if type(value) ~= "table" or secret.is(value) then return value, 0 end
  if M.is(value) then
    local known = fill_one(value, lookup)
    if known == nil then return value, 1 end
    return known, 0
  end
  local copy, left = nil, 0
  for key, inner in pairs(value) do
    local filled, more = M.fill(inner, lookup)
    left = left + more
    if not rawequal(filled, inner) then
      if not copy then
        copy = setmetatable({}, getmetatable(value))
        for other, same in pairs(value) do copy[other] = same end
      end
      copy[key] = filled
    end
  end
  return copy or value, left
end

--- Calls `visit` with every reference in a value ({ address, path, line }), and with the deferred value that has it.
function M.each(value, visit)
  if type(value) ~= "table" or secret.is(value) then return end
  if M.is(value) then
    for _, part in ipairs(M.parts(value)) do
      if type(part) == "table" then visit(part, value) end
    end
    return
  end
  for _, inner in pairs(value) do M.each(inner, visit) end
end

--- "a.b[1]"
M.path_text = path_text

--- The value at a path in plain tables, or nil.
--- @param record any
--- @param path any[]
function M.at(record, path)
  for _, key in ipairs(path) do
    if type(record) ~= "table" or secret.is(record) or M.is(record) then return nil end
    record = record[key]
  end
  return record
end

return M
