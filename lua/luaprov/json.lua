--- JSON (RFC 8259), exact: what is decoded and encoded again has lost nothing.
--
-- Integers stay integers; one that this Lua cannot hold exactly (beyond 64 bits; beyond 2^53 on LuaJIT) is its digits
-- as a string. A list stays a list when it is empty, and `null` is a value. Equal tables give equal bytes.

local core = require "luaprov.core".json

local M = {}

--- The value that stands for JSON's null: `luaprov.null`, the same as `cjson.null`.
---@type lightuserdata
M.null = core.null

--- Decodes a text. It must be one whole JSON value, UTF-8, with at most 512 containers inside one another; of a key
-- that an object has twice the last value counts. A text that says `false` gives false: compare with nil.
---@param text string
---@return any value nil when the text is not JSON
---@return string? err what is wrong, and at which byte, counted from 0
---@return integer? offset that byte
---@type fun(text: string): any, string?, integer?
M.decode = core.decode

--- Encodes a value, its keys in the order of their bytes. A table is a list when it is marked as one (see `array`), or
-- when its keys are 1…n; an empty one is otherwise an object. Metamethods are not called. A secret becomes
-- `"<secret>"`.
---@param value any
---@return string? text
---@return string? err what has no JSON form, after its path: `settings.tags[2]: NaN has no JSON form`
---@type fun(value: any): string?, string?
M.encode = core.encode

--- Marks a table as a list, so that it is one to `encode` even when it is empty.
---@param t? table a new one when left out
---@return table t the same table
function M.array(t)
  if t == nil then t = {} end
  if type(t) ~= "table" then
    error("json.array: expected a table, got " .. type(t), 2)
  end
  local mt = getmetatable(t)
  if mt ~= nil and mt ~= core.array_mt then
    error("json.array: the table already has a metatable", 2)
  end
  return setmetatable(t, core.array_mt)
end

--- Whether a table is marked as a list: decoded from one, or made by `array`.
---@param value any
---@return boolean
function M.is_array(value)
  return type(value) == "table" and getmetatable(value) == core.array_mt
end

return M
