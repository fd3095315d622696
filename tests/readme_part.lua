-- A part of a README that a program writes, between two marks.
local M = {}

local function parts_of(text, open, close)
  local _, after = text:find(open, 1, true)
  local before = text:find(close, 1, true)
  assert(after and before, "the README has no marks: " .. open)
  return text:sub(1, after), text:sub(after + 1, before - 1), text:sub(before)
end

--- What stands between the marks.
function M.of(text, open, close)
  local _, inner = parts_of(text, open, close)
  return inner
end

--- Puts a text there, in the file.
function M.write(path, open, close, inner)
  local file = assert(io.open(path, "rb"))
  local before, _, rest = parts_of(file:read "*a", open, close)
  file:close()
  file = assert(io.open(path, "wb"))
  file:write(before, inner, rest)
  file:close()
end

return M
