-- The check of the check: every exchange that a vendor documents is sent to the sandbox, which must accept what the
-- vendor accepts and answer in its shape; and every documented error can be had from it.
local http = require "luaprov.http"
local json = require "luaprov.json"
local luaprov = require "luaprov"

local PLACEHOLDERS = {
  CLIENT_ID = "FAKE-client", CLIENT_SECRET = "FAKE-client-secret", REFRESH_TOKEN = "FAKE-refresh-token",
  EMAIL = "user@example.com", PASSWORD = "FAKE-password", SITE_ID = "169", TOKEN = "FAKE-token",
  CUSTOMER_TENANT_ID = "00000000-0000-0000-0000-0000000000c0",
  ACCOUNT_TENANT_ID = "00000000-0000-0000-0000-0000000000a0", PBX_ID = "00000000-0000-0000-0000-0000000000b2",
  hubId = "3bc1e69f-c520-446f-ab2c-01751fd66a31", ["connection-id"] = "646", id = "1165",
  pageNumber = "0", pageSize = "50", limit = "20", offset = "0", page = "1", size = "100",
}
local CREDENTIALS = {
  onebox = { token = PLACEHOLDERS.TOKEN, email = PLACEHOLDERS.EMAIL, password = PLACEHOLDERS.PASSWORD,
             site_id = "169" },
  ocamba = { token = PLACEHOLDERS.TOKEN },
  hubster = { token = PLACEHOLDERS.TOKEN, client_id = PLACEHOLDERS.CLIENT_ID,
              client_secret = PLACEHOLDERS.CLIENT_SECRET },
  myreports = { token = PLACEHOLDERS.TOKEN, client_id = PLACEHOLDERS.CLIENT_ID,
                client_secret = PLACEHOLDERS.CLIENT_SECRET, refresh_token = PLACEHOLDERS.REFRESH_TOKEN },
}
local ID_NAME = {
  ["onebox connections"] = "Id", ["hubster hubs"] = "hubId", ["hubster integrations"] = "integrationId",
}
-- Documented, and no operation of ours.
local NOT_OURS = { ["myreports exists"] = true, ["myreports exists not"] = true }

local function filled(value)
  if type(value) == "table" then
    local copy = setmetatable({}, getmetatable(value))
    for key, inner in pairs(value) do copy[key] = filled(inner) end
    return copy
  elseif type(value) == "string" then
    return (value:gsub("{([%w_-]+)}", PLACEHOLDERS))
  end
  return value
end

local function read(provider)
  local exchanges = {}
  for _, folder in ipairs { "pages", "sheets" } do
    local file = assert(io.open(("tests/contract/fixtures/%s/%s.json"):format(folder, provider)))
    local all = assert(json.decode(file:read("*a")))
    file:close()
    for _, exchange in ipairs(all.exchanges) do
      exchange.request = filled(exchange.request)
      exchange.response = filled(exchange.response)
      exchanges[#exchanges + 1] = exchange
    end
  end
  return exchanges
end

local function ours(provider, exchange)
  return not NOT_OURS[provider .. " " .. exchange.name] and exchange.operation ~= "channel"
end

-- The record in a documented answer.
local function record_in(body)
  if type(body) ~= "table" then return nil end
  if body.data and not json.is_array(body.data) then return body.data end
  if body.items then return body.items[1] end
  return body
end

-- What the vendor must have for an exchange to be possible: the record that the documentation reads under that id, and
-- what it belongs to.
local function record_before(provider, exchanges, exchange)
  local id = exchange.request.path:gsub("?.*$", ""):match("[^/]+$")
  local id_name = ID_NAME[provider .. " " .. exchange.resource] or "id"
  for pass = 1, 2 do
    for _, other in ipairs(exchanges) do
      local record = other.response and not other.error and record_in(other.response.json)
      local reads = pass == 1 and other.operation == "get" and not other.after and not other.name:find("spelling")
        or pass == 2 and (other.operation == "create" or other.operation == "update")
      if reads and other.resource == exchange.resource and type(record) == "table"
        and tostring(record[id_name] or other.request.path:match("[^/]+$")) == id
        and (not exchange.variant or other.variant == exchange.variant) then
        return record, id, id_name
      end
    end
  end
  -- The pages change one record for every variant: the variant's own record then stands there.
  for _, other in ipairs(exchanges) do
    local record = other.operation == "get" and not other.error and record_in(other.response.json)
    if record and other.resource == exchange.resource and other.variant == exchange.variant then
      return record, id, id_name
    end
  end
end

local function copied(record)
  local copy = {}
  for key, value in pairs(record) do copy[key] = value end
  return copy
end

local function others_for(provider, exchanges, exchange)
  local list = {}
  local function there(resource, record)
    list[#list + 1] = { fault = "others", on = provider .. " " .. resource, records = { record } }
  end
  if provider == "hubster" and exchange.resource == "integrations" then
    there("hubs", { hubId = PLACEHOLDERS.hubId, name = "FAKE hub", description = "FAKE" })
  end
  if exchange.operation == "get" or exchange.operation == "update" or exchange.operation == "delete" then
    local record, id, id_name = record_before(provider, exchanges, exchange)
    if record then
      record = copied(record)
      record[id_name] = id
      if provider == "myreports" then record.tenantId = PLACEHOLDERS.CUSTOMER_TENANT_ID end
      there(exchange.resource, record)
    end
  end
  return list
end

local function send(box, provider, request)
  local headers = {}
  for name, value in pairs(request.headers or {}) do headers[name] = tostring(value) end
  local body = request.json ~= nil and json.encode(request.json) or nil
  if request.form then
    local parts = {}
    for name, value in pairs(request.form) do parts[#parts + 1] = name .. "=" .. value:gsub("@", "%%40") end
    body = table.concat(parts, "&")
  end
  return assert(http.exchange {
    method = request.method, url = box.url .. "/" .. provider .. request.path, headers = headers, body = body,
    deadline = http.now() + 10,
  })
end

local function type_of(value)
  if value == json.null then return "null" end
  if type(value) == "table" then return json.is_array(value) and "list" or "object" end
  return type(value)
end

-- Everything documented is there, of the same type; what the request brought, or was there before, also of one value.
local function assert_shape(documented, answered, known, path)
  for name, value in pairs(documented) do
    local own, where = answered[name], path .. tostring(name)
    -- Hubster may answer a configuration's keys in PascalCase.
    if own == nil and path:find("configuration") then own = answered[name:sub(1, 1):lower() .. name:sub(2)] end
    if type(name) ~= "number" then
      if type_of(own) == "null" or type_of(value) == "null" then
        assert.is_not_nil(own, where .. " is missing")
      else
        assert.equal(type_of(value), type_of(own), where)
      end
    end
    if type(value) == "table" and type(own) == "table" then
      assert_shape(value, own, type(known) == "table" and known[name] or nil, where .. ".")
    elseif type(known) == "table" and known[name] ~= nil and type(known[name]) ~= "table" then
      assert.equal(known[name], own, where)
    end
  end
end

-- What a page says of its vendor's errors, as a fault: the sandbox's own wording where it has the same.
local function fault_of(provider, exchange)
  local response = exchange.response
  local body = type(response.json) == "table" and response.json or nil
  local resource = exchange.resource == "auth" and "token" or exchange.resource
  local fault = { fault = "status", on = provider .. " " .. resource, status = response.status }
  if exchange.resource ~= "auth" then fault.on = fault.on .. " " .. exchange.operation end
  if provider == "onebox" and body then
    if body.error then fault.form, fault.message = 2, body.error
    else fault.message = body.records.userMessage end
  elseif provider == "hubster" and body and body.errors and #body.errors == 1 then
    fault.code = body.errors[1].code
    fault.message = body.errors[1].description:gsub(" %(code: PRT%d+%)", "") .. ""
  elseif provider == "ocamba" and body then
    fault.message = body.message
  elseif provider == "myreports" and body and body.message then
    fault.message = body.message
  elseif body then
    fault.body = body
  else
    fault.body = ""
  end
  if response.headers then fault.retry_after = response.headers["retry-after"] end
  return fault
end

-- Members whose value is another at every call, or which a page happens to show.
local VOLATILE = { trace_id = true, timestamp = true }
-- A page's own spellings of one thing: the sandbox has the commoner one.
local function comparable(provider, value, key)
  if type(value) ~= "table" then
    if provider == "onebox" and key == "errorCode" then return tostring(value):gsub("%.0$", "") .. "" end
    if provider == "onebox" and (key == "devMessage" or key == "applicationCode") then return "" end
    return value == json.null and "null" or value
  end
  local copy = {}
  for name, inner in pairs(value) do copy[name] = comparable(provider, VOLATILE[name] and "any" or inner, name) end
  return copy
end

describe("the sandbox of", function()
  local box
  after_each(function()
    if box then box:stop() end
    box = nil
  end)

  for _, provider in ipairs { "onebox", "ocamba", "hubster", "myreports" } do
    local exchanges = read(provider)
    local good, bad = 0, 0
    for _, exchange in ipairs(exchanges) do
      local function start(faults)
        local credentials = { [provider] = CREDENTIALS[provider] }
        box = assert(luaprov.sandbox.start { provider, faults = faults, credentials = credentials })
      end
      if exchange.error and ours(provider, exchange) then
        bad = bad + 1
        it(("%s says '%s'"):format(provider, exchange.name), function()
          local faults = others_for(provider, exchanges, exchange)
          table.insert(faults, fault_of(provider, exchange))
          start(faults)
          local response = send(box, provider, exchange.request)
          assert.equal(exchange.response.status, response.status)
          local body = response.body ~= "" and assert(json.decode(response.body)) or nil
          assert.same(comparable(provider, exchange.response.json), comparable(provider, body))
          local retry_after = (exchange.response.headers or {})["retry-after"]
          assert.equal(retry_after and tostring(retry_after), response.headers["retry-after"])
        end)
      elseif ours(provider, exchange) then
        good = good + 1
        it(("%s accepts '%s'"):format(provider, exchange.name), function()
          start(others_for(provider, exchanges, exchange))
          local request = exchange.request
          if provider == "onebox" and exchange.name == "create example" then
            -- The page's first example leaves out what its own table calls mandatory.
            request.json.MediaId, request.json.ProviderId = "FCBK", "PVD12"
          end
          local response = send(box, provider, request)
          assert.equal(exchange.response.status, response.status, response.body)
          local documented = exchange.response.json
          if documented == nil then
            if not exchange.response.unshown and exchange.operation ~= "create" and exchange.operation ~= "update" then
              assert.equal("", response.body)
            end
            return
          end
          local body = assert(json.decode(response.body))
          if exchange.operation == "list" then
            -- A bare list or an envelope, where both are documented; its items are not there.
            for name in pairs(json.is_array(documented) and {} or documented) do
              if not json.is_array(body) then assert.is_not_nil(body[name], name) end
            end
          elseif exchange.name:find("other spelling") or exchange.name:find("older envelope")
            or exchange.name:find("two fields") then
            assert.is_table(body)
          else
            local sent = type(request.json) == "table" and not json.is_array(request.json) and request.json or nil
            if provider == "myreports" and sent then sent = { data = sent } end
            assert_shape(documented, body, sent, "")
          end
        end)
      end
    end
    it(provider .. " has documentation to be checked against", function()
      assert.is_true(good > 10 and bad > 2, good .. " and " .. bad)
    end)
  end
end)
