-- The secrets that are planted. Each begins and ends with a core, in letters and digits that no spelling changes, and
-- has between its two cores what JSON, URLs, HTML and patterns change.
local M = { CORE = "K4n4r1" }

local ODD = '"\\/+&=<é>%41\'$'

local long = os.getenv "CANARY_LONG" and M.CORE:rep(100) or ""

--- Every one that was made: name -> value.
M.made = {}

--- What a text has that holds the value of that name, whole, in any of its spellings.
--- @param name string in letters, digits, "." and "_"
function M.mark(name) return M.CORE .. "-" .. name .. "." end

--- A secret.
--- @param name string anything
--- @return string value, string name as the mark has it
function M.of(name)
  name = name:gsub("[^%w._]", "_")
  M.made[name] = M.mark(name) .. ODD .. long .. M.CORE
  return M.made[name], name
end

return M
