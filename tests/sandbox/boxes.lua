-- What the sandbox's specs share: sandboxes that end with the test, providers from text, and requests as no client of
-- ours would send them.
local http = require "luaprov.http"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local support = require "tests.support"

local M = {}

local running = {}

--- Starts a sandbox that `stop` ends.
function M.start(options)
  local box, err = luaprov.sandbox.start(options)
  if box then running[#running + 1] = box end
  return box, err
end

--- Ends every sandbox, and removes the files.
function M.stop()
  for _, box in ipairs(running) do box:stop() end
  running = {}
  support.clean()
end

--- A sandbox of one provider that is written in the test: `acme`, or as it is called.
---@return luaprov.Box box
---@return luaprov.Client client of it, which tries once
function M.of(text, options, name)
  options = options or {}
  name = name or "acme"
  options[1] = support.file(name .. ".lua", text)
  local box = assert(M.start(options))
  local given = box:options(name)
  given.attempts = 1
  return box, assert(luaprov.client(options[1], given))
end

--- Sends a request as it is.
---@param request table body (text, or a table that becomes JSON), headers, token (false: none)
---@return table response status, headers, body (text), json (decoded, where it is)
function M.send(box, method, path, request)
  request = request or {}
  local headers = {}
  if request.token ~= false then headers.Authorization = "Bearer " .. (request.token or "sandbox-token") end
  for name, value in pairs(request.headers or {}) do headers[name] = value end
  local body = request.body
  if type(body) == "table" then body = assert(json.encode(body)) end
  local response = assert(http.exchange {
    method = method, url = box.url .. path, headers = headers, body = body, deadline = http.now() + 20,
  })
  response.json = response.body ~= "" and json.decode(response.body) or nil
  return response
end

--- Fields of an Ocamba integration.
function M.mitto(name)
  return { name = name, provider_id = "1004", settings = { api_key = "FAKE-key", sender_name = "sender" } }
end

return M
