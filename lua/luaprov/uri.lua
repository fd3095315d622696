--- Percent-encoding, RFC 3986, 2.1.
local M = {}

--- Everything but the unreserved characters is escaped.
--- @param text string
--- @return string
function M.escape(text)
  return (text:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- @param text string
--- @return string
function M.unescape(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

return M
