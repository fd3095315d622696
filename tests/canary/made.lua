-- What a vendor makes up is a secret, too: computed ones, and tokens.
local fill = require "luaprov.sandbox.fill"
local tokens = require "luaprov.sandbox.tokens"
local values = require "tests.canary.values"

local M = {}

--- Has the sandbox make up planted secrets for the computed ones of a shape.
function M.plant(shape)
  for _, field in ipairs(shape.fields) do
    if field.type == "secret" and field.computed then field.example = values.CORE .. "-made-" .. field.name end
    if field.shape then M.plant(field.shape) end
  end
  for _, by in ipairs(shape.by) do
    for _, case in pairs(by.cases) do M.plant(case) end
  end
end

local uuid, request = fill.uuid, tokens.request
function tokens.request(...)
  fill.uuid = function() return values.CORE .. uuid() .. values.CORE end
  local body, code = request(...)
  fill.uuid = uuid
  return body, code
end

return M
