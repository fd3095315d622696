-- Faults that repeat the whole request, headers too, as real vendors do: each form is a fault of the sandbox while a
-- canary run lasts.
local faults = require "luaprov.sandbox.faults"
local json = require "luaprov.json"
local look = require "tests.canary.look"
local uri = require "luaprov.uri"

local M = {}

local function whole(request)
  local lines = { request.method .. " " .. request.path .. "?" .. (request.query or "") }
  for name, value in pairs(request.headers) do lines[#lines + 1] = name .. ": " .. value end
  return table.concat(lines, "\n") .. "\n\n" .. (request.body or "")
end

local function html(text)
  return (text:gsub("[&<>\"']", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }))
end

local function as_json(status, value)
  return { status = status, headers = { "Content-Type", "application/json" }, body = assert(json.encode(value)) }
end

local function printable(text) return (text:gsub("[%c\128-\255]", "?")) end

-- What a vendor makes of a request: reply of status, its request and the exchange.
local forms = {}

function forms.json(status, request)
  return as_json(status, { error = "bad", request = { method = request.method, path = request.path,
    query = request.query, headers = request.headers, body = request.body, json = json.decode(request.body or ""),
    list = { request.body, { request.headers.authorization } } }, [request.headers.authorization or "none"] = 1 })
end

-- Text within text, as a gateway that logs what it got.
function forms.nested(status, request)
  return as_json(status, { message = json.encode { message = json.encode { got = whole(request) } } })
end

function forms.oauth(status, request)
  return as_json(status, { error = whole(request), error_description = whole(request), message = whole(request),
                           trace_id = request.headers.authorization, code = request.body,
                           records = { userMessage = whole(request), errorCode = request.headers.authorization },
                           errors = { { code = request.body, description = whole(request) } } })
end

function forms.own(status, request, exchange)
  local text = whole(request)
  local code = request.headers.authorization
  return exchange:problem { status = status, faults = { { message = text:rep(3), code = code } } }
end

-- The secrets before everything else, and many of them: what is cut off must not be the end of one.
function forms.many(status, request, exchange)
  local text = (request.headers.authorization or request.query or ""):gsub("^Bearer ", "")
  return exchange:problem { status = status, faults = { { message = (text .. (request.body or "") .. " "):rep(40) } } }
end

function forms.text(status, request)
  return { status = status, headers = { "Content-Type", "text/plain" }, body = whole(request):rep(20) }
end

function forms.html(status, request)
  return { status = status, headers = { "Content-Type", "text/html" },
           body = "<html><body><pre>" .. html(whole(request)) .. "</pre></body></html>" }
end

function forms.base64(status, request)
  return { status = status, headers = { "Content-Type", "text/plain" },
           body = look.base64(request.headers.authorization or "") .. " " .. look.base64(request.body or "") }
end

function forms.url(status, request)
  return { status = status, headers = { "Content-Type", "application/x-www-form-urlencoded" },
           body = "auth=" .. uri.escape(request.headers.authorization or "")
             .. "&body=" .. uri.escape(request.body or "") }
end

function forms.location(status, request)
  local text = uri.escape(request.headers.authorization or "") .. uri.escape(request.body or "")
  return { status = status, body = "", headers = { "Location",
    "https://" .. uri.escape("u:" .. (request.headers.authorization or "")) .. "@elsewhere.invalid/" .. text
    .. "/things/" .. text .. "?" .. text .. "#" .. text } }
end

function forms.headers(status, request)
  local text = printable(request.headers.authorization or request.query or "")
  local token = (request.headers.authorization or ""):gsub("^Bearer ", "")
  return { status = status, body = "no", headers = {
    "Content-Type", token == "" and "text/plain" or "text/" .. token, "X-Request-Id", token == "" and text or token,
    "X-RateLimit-Remaining", text, "X-RateLimit-Reset", text, "Retry-After", text, "WWW-Authenticate", text,
    "Set-Cookie", text, "Location", "/" .. token } }
end

-- A body that ends in the midst of a secret.
function forms.cut(status, request, exchange)
  local text = json.encode { error = "x", message = "no: " .. (request.headers.authorization or request.body or "") }
  local length = #text
  text = text:sub(1, length - 12)
  exchange:write(("HTTP/1.1 %d No\r\nContent-Type: application/json\r\nConnection: close\r\n"
    .. "Content-Length: %d\r\n\r\n%s"):format(status, length, text), status)
  exchange:finish "close"
end

--- The names of the faults, each of which takes a status.
M.names = {}
for name in pairs(forms) do M.names[#M.names + 1] = "echo_" .. name end
table.sort(M.names)

for name, form in pairs(forms) do
  local function play(exchange, fault)
    local reply = form(fault.status, exchange.request, exchange)
    if reply then exchange:send(reply) end
  end
  faults.faults["echo_" .. name] = { about = "repeats the request", takes = { status = 400 }, play = play }
end

return M
