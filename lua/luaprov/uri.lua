--- Percent-encoding, RFC 3986, 2.1, and origins, RFC 6454, 4.
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

local PORTS = { http = "80", https = "443" }

--- Whose a URL is: scheme, host and port, in one spelling.
--- @param url string
--- @return string|nil origin "https://api.acme.example:443"; nil for what has no http or https of its own
function M.origin(url)
  local scheme, authority = url:match("^([%a][%w+.-]*)://([^/?#\\]*)")
  scheme = scheme and scheme:lower()
  if not PORTS[scheme] then return nil end
  local place = authority:lower():gsub("^.*@", "")
  local host, port = place:match("^(%[[^%]]*%]):?(%d*)$")
  if not host then host, port = place:match("^([^:]+):?(%d*)$") end
  if not host then return nil end
  return scheme .. "://" .. host:gsub("%.$", "") .. ":" .. (port == "" and PORTS[scheme] or port)
end

--- What a URL may show: nothing of user and password, of query and fragment.
--- @param url string
--- @return string
function M.shown(url)
  return (url:gsub("[?#].*$", ""):gsub("^([%a][%w+.-]*:[/\\]*)[^/\\]*@", "%1"):gsub("^([/\\][/\\]+)[^/\\]*@", "%1"))
end

return M
