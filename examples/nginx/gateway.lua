-- One REST API in front of all vendors: POST, GET, PATCH and DELETE of /v1/{provider}/{resource}[/{id}].
-- Errors are problem+json (RFC 9457) with luaprov's `kind` and `outcome`.
local luaprov = require "luaprov"

local ngx = rawget(_G, "ngx")
local M = {}

local STATUS = {
  invalid = 422, not_found = 404, conflict = 409, rejected = 422, unsupported = 405, too_large = 502, timeout = 504,
  rate_limited = 429, quota_exceeded = 402, payment_required = 402,
}

local TITLE = {
  read = "It was not read", not_sent = "Nothing was changed", refused = "Nothing was changed",
  unknown = "It is not known whether it was changed: look before you send it again",
}

local function answer(status, body, content_type)
  ngx.status = status
  ngx.header["Content-Type"] = content_type or "application/json"
  if body then ngx.print(assert(luaprov.json.encode(body))) end
  return ngx.exit(ngx.HTTP_OK)
end

local function problem(status, title, err)
  return answer(status, {
    status = status, title = title,
    kind = err and err.kind, outcome = err and err.outcome, detail = err and err.message,
    codes = err and err.codes[1] and luaprov.array(err.codes), trace_id = err and err.trace_id,
  }, "application/problem+json")
end

-- Key -> provider -> client. The file, which nginx alone reads, has options in a client's place; it is read before
-- there are workers, and a mistake in it is told then.
local tenants = {}
for key, providers in pairs(dofile(os.getenv "GATEWAY_TENANTS")) do
  tenants[key] = {}
  for name, options in pairs(providers) do
    local client, err = luaprov.client(name, options)
    tenants[key][name] = assert(client, tostring(err)) -- nginx prints texts only
  end
end

-- Takes as long for a key that is nearly right as for one that is all wrong: what is compared are digests.
local function same(a, b)
  a, b = ngx.sha1_bin(a), ngx.sha1_bin(b)
  local difference = 0
  for i = 1, #a do difference = difference + math.abs(a:byte(i) - b:byte(i)) end
  return difference == 0
end

local function tenant_of(authorization)
  local scheme, key, found = (authorization or ""):match "^(%a+) +(.+)$"
  if not scheme or scheme:lower() ~= "bearer" then return nil end
  for there, tenant in pairs(tenants) do
    if same(key, there) then found = tenant end
  end
  return found
end

local function read_body()
  ngx.req.read_body() -- no larger than client_body_buffer_size, and so never in a file
  local fields = luaprov.json.decode(ngx.req.get_body_data() or "")
  if type(fields) ~= "table" then problem(400, "The body is no JSON object") end
  return fields
end

local function call(method, resource, id)
  local parents = ngx.req.get_uri_args()
  if method == "POST" and not id then return resource:create(read_body()) end
  if method == "GET" and not id then return resource:list(parents) end
  if method == "GET" then return resource:get(id, parents) end
  if method == "PATCH" and id then return resource:update(id, read_body()) end
  if method == "DELETE" and id then return resource:delete(id, parents) end
  return problem(405, "There is no such operation")
end

function M.serve()
  local tenant = tenant_of(ngx.var.http_authorization)
  if not tenant then
    ngx.header["WWW-Authenticate"] = "Bearer"
    return problem(401, "The key is not known")
  end
  -- As it was sent: an id may have a slash in it, escaped.
  local provider, name, id = ngx.var.request_uri:match "^/v1/([%w_]+)/([%w_]+)/?([^/?]*)"
  local client = tenant[provider]
  local is_there, resource = pcall(function() return client[name] end)
  if not client or not is_there then return problem(404, "There is no such resource") end
  local method = ngx.req.get_method()
  local result, err = call(method, resource, id ~= "" and ngx.unescape_uri(id) or nil)
  if result == nil then
    return problem(STATUS[err.kind] or 502, TITLE[method == "GET" and "read" or err.outcome], err)
  end
  if method == "DELETE" then return answer(204) end
  return answer(method == "POST" and 201 or 200, method == "GET" and id == "" and luaprov.array(result) or result)
end

return M
