--- How a client reaches its vendor: the certificates that it trusts and shows, the proxy, how many connections.
local secret = require "luaprov.secret"

local M = {}

--- The options of a client that are about it. A `file` is the path of a PEM file.
M.options = {
  { name = "ca_file", type = "file", about = "PEM: the authorities to trust, in place of the system's" },
  { name = "client_certificate", type = "file", about = "PEM: the client's own certificate" },
  { name = "client_key", type = "file", about = "PEM: its private key, where the certificate's file has none" },
  { name = "client_key_password", type = "secret", about = "of an encrypted private key" },
  { name = "insecure", type = "boolean", strict = true, about = "true: no certificate is verified" },
  { name = "proxy", type = "proxy",
    about = "http://[user:password@]host:port; false: none, whatever the environment says" },
  { name = "connections", type = "integer", min = 1, max = 100000,
    about = "at once to the vendor; what is beyond them waits (128; in an nginx worker 1024)" },
}

local PEM = {
  ca_file = { "%-%-%-%-%-BEGIN [A-Z0-9 ]*CERTIFICATE%-%-%-%-%-", "certificate" },
  client_certificate = { "%-%-%-%-%-BEGIN [A-Z0-9 ]*CERTIFICATE%-%-%-%-%-", "certificate" },
  client_key = { "%-%-%-%-%-BEGIN [A-Z0-9 ]*PRIVATE KEY%-%-%-%-%-", "private key" },
}

local function content_of(path)
  local file, why = io.open(path, "rb")
  local text
  if file then
    text, why = file:read("*a")
    file:close()
  end
  if text then return text end
  why = tostring(why)
  -- The reason alone: whose path may be named, its caller knows.
  return nil, why:sub(1, #path + 2) == path .. ": " and why:sub(#path + 3) or why
end

-- Where a private key lies is nobody's business who reads a log.
local function named(option, path) return option == "client_key" and "" or ": " .. path end

local function check_file(option, value)
  if type(value) ~= "string" or value == "" or value:find("\0", 1, true) then
    return nil, "must be the path of a PEM file"
  end
  local text, why = content_of(value)
  if not text then return nil, "cannot be read" .. named(option, value) .. ": " .. why end
  local pattern, what = PEM[option][1], PEM[option][2]
  if not text:find(pattern) then return nil, "has no PEM " .. what .. named(option, value) end
  return value
end

-- The parts of a proxy's URL; nil where it is none.
local function proxy_parts(url)
  local authority = url:match("^[Hh][Tt][Tt][Pp]://([^/?#%s%c]+)/?$")
  if not authority then return nil end
  local credentials, place = authority:match("^(.*)@([^@]*)$")
  place = place or authority
  local port = place:match("^%[[%x:.]+%]:(%d+)$") or place:match("^[%w%-._]+:(%d+)$")
  if not port or tonumber(port) < 1 or tonumber(port) > 65535 then return nil end
  return place, credentials
end

local function check_proxy(value)
  if value == false or value == "" then return false end
  local text = value
  if secret.is(value) then
    local why
    text, why = value:reveal()
    if not text then return nil, "cannot be opened: " .. why end
    if text == "" then return false end
  end
  if type(text) ~= "string" or not proxy_parts(text) then
    return nil, "must be http://[user:password@]host:port (with %40 for an @ in the password, and so on), or false"
  end
  return secret.is(value) and value or secret.new(text)
end

--- Checks the value of an option whose type is file or proxy. No message holds the path of a key, or a proxy's URL.
--- @param field table of M.options
--- @param value any
--- @return any value nil when something is wrong; a proxy as a secret, or false for none
--- @return string|nil why
function M.check(field, value)
  if field.type == "proxy" then return check_proxy(value) end
  return check_file(field.name, value)
end

---@class luaprov.Transport
---@field ca_file string|nil
---@field client_certificate string|nil
---@field client_key string|nil
---@field client_key_password luaprov.Secret|nil
---@field insecure boolean|nil
---@field proxy luaprov.Secret|boolean|nil false: none; nil: as the environment says
---@field connections integer|nil
---@field about string whose it is, for the warning

--- The transport of a client.
--- @param values table the options that have passed their checks
--- @param about string the client, for the warning
--- @param faults table[] gains what is wrong with them together
--- @return luaprov.Transport|nil transport nil where there is nothing to say
function M.new(values, about, faults)
  local transport = {}
  for _, field in ipairs(M.options) do transport[field.name] = values[field.name] end
  if next(transport) == nil then return nil end
  local function wrong(path, message)
    for _, fault in ipairs(faults) do
      if fault.path == path then return end -- it is there, and it is wrong
    end
    faults[#faults + 1] = { path = path, message = message }
  end
  if transport.client_certificate then
    local text = not transport.client_key and content_of(transport.client_certificate)
    if text and not text:find(PEM.client_key[1]) then
      wrong("client_key", "is required: the file of client_certificate has no private key")
    end
  elseif transport.client_key then
    wrong("client_certificate", "is required: there is a client_key")
  end
  transport.about = about
  return transport
end

local warned = {} -- about -> true

-- On standard error, and not as an error: the call goes on.
local function warn(transport)
  if not transport.insecure or warned[transport.about] then return end
  warned[transport.about] = true
  io.stderr:write("luaprov: warning: ", transport.about, ": insecure = true: no certificate is verified, so whoever is "
    .. "on the way can read and change everything, credentials included\n")
end

--- Puts a transport into a request of the engine; warns, once a client, where nothing is verified.
--- @param transport luaprov.Transport|nil
--- @param request table
--- @return boolean|nil ok
--- @return string|nil why a secret cannot be opened
function M.apply(transport, request)
  if not transport then return true end
  local why
  local route = {
    ca_file = transport.ca_file, client_certificate = transport.client_certificate, client_key = transport.client_key,
    insecure = transport.insecure, connections = transport.connections,
  }
  if transport.client_key_password then
    route.client_key_password, why = transport.client_key_password:reveal()
    if not route.client_key_password then return nil, "client_key_password cannot be opened: " .. why end
  end
  if transport.proxy then
    route.proxy, why = transport.proxy:reveal()
    if not route.proxy then return nil, "proxy cannot be opened: " .. why end
  elseif transport.proxy == false then
    route.proxy = ""
  end
  request.route = route
  warn(transport)
  return true
end

local VARIABLES = { "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY" }

-- As they are given, and as the proxy gets them.
local function add_credentials(credentials, opened)
  for _, text in ipairs { credentials, (credentials:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)) } do
    opened[#opened + 1] = text
    opened[#opened + 1] = text:match("^[^:]*:(.+)$") or not text:find(":", 1, true) and text .. ":" or nil
  end
end

--- What is secret in a transport, opened, as anything that was sent may come back: for secret.scrubber.
--- @param transport luaprov.Transport|nil
--- @param opened string[] gains them
function M.add_secrets(transport, opened)
  transport = transport or {}
  opened[#opened + 1] = transport.client_key_password and transport.client_key_password:reveal()
  if transport.proxy then
    local _, credentials = proxy_parts(transport.proxy:reveal() or "")
    if credentials then add_credentials(credentials, opened) end
  elseif transport.proxy == nil then
    for _, name in ipairs(VARIABLES) do
      -- Nobody has checked these: all before the last @, whatever it looks like.
      local credentials = (os.getenv(name) or ""):gsub("^%a[%w+.-]*://", ""):match("^(.+)@")
      if credentials then add_credentials(credentials, opened) end
    end
  end
end

--- A transport as options of curl, for sh.
--- @param transport luaprov.Transport|nil
--- @param quote function text -> a word of sh
--- @param variable function a secret, the option's name -> the variable of sh that has it
--- @return string|nil
function M.as_curl(transport, quote, variable)
  local words = {}
  local function add(option, word) words[#words + 1] = option .. " " .. word end
  transport = transport or {}
  if transport.ca_file then add("--cacert", quote(transport.ca_file)) end
  if transport.client_certificate then
    add("--cert", quote((transport.client_certificate:gsub("[:\\]", "\\%0"))))
  end
  if transport.client_key then add("--key", quote(transport.client_key)) end
  if transport.client_key_password then
    add("--pass", '"$' .. variable(transport.client_key_password, "client_key_password") .. '"')
  end
  if transport.insecure then words[#words + 1] = "--insecure" end
  if transport.proxy then
    local url = transport.proxy:reveal() or ""
    local _, credentials = proxy_parts(url)
    add("--noproxy '' --proxy", credentials and '"$' .. variable(transport.proxy, "proxy") .. '"' or quote(url))
  elseif transport.proxy == false then
    add("--noproxy", "'*'")
  end
  return words[1] and table.concat(words, " ") or nil
end

return M
