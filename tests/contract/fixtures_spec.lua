-- The fixtures themselves: their form, what they must cover, and that they hang together well enough for a replay.

local control = require "tests.contract.control"
local json = control.json
local replay = dofile("tests/contract/replay.lua")

local providers = { "onebox", "ocamba", "hubster", "myreports" }

local read = require("tests.support").read

local function named(provider, name)
  for _, exchange in ipairs(control.fixtures(provider)) do
    if exchange.name == name then return exchange end
  end
end

local function shown(exchange)
  return not exchange.error and not exchange.response.unshown
end

local known = {
  name = true, source = true, resource = true, operation = true, variant = true, request = true, response = true,
  error = true, after = true,
}

--- Calls visit(key, string) for every string of a value.
local function each_string(value, visit, key)
  if type(value) == "string" then return visit(key, value) end
  if type(value) ~= "table" then return end
  for name, item in pairs(value) do each_string(item, visit, type(name) == "string" and name or key) end
end

local secret = {}
for _, key in ipairs { "Password", "Token", "auth_token", "password", "api_key", "authToken", "pageAccessToken",
  "privateSigningKey", "code", "botAccessToken", "appAccessToken", "apiKey", "licenseKey", "access_token",
  "refresh_token", "client_secret", "token", "authorization" } do secret[key] = true end

local function is_placeholder(text)
  return text:find("^<[%w-]+>") or text:find("^FAKE%-") or text:find("{[%w_]+}$") or text:find("XXXXXXXX", 1, true)
    or text:find("^yourPassword") or text:find("^password") or text:find("^licenseKey") or text == "ABCDEF"
end

for _, provider in ipairs(providers) do
  describe("the fixtures of " .. provider, function()
    local exchanges = control.fixtures(provider)

    it("are kept in their form", function()
      for _, name in ipairs(control.fixture_files(provider)) do
        local text = read(name)
        assert.equal(json.pretty(assert(json.decode(text))), text)
        assert.equal(provider, json.decode(text).provider)
      end
      local names = {}
      for _, exchange in ipairs(exchanges) do
        assert.is_nil(names[exchange.name], "twice: " .. exchange.name)
        names[exchange.name] = true
        for key in pairs(exchange) do assert.is_true(known[key], exchange.name .. ": " .. key) end
        assert.matches("^%l+$", exchange.resource)
        assert.matches("^%l+$", exchange.operation)
        local source = exchange.source
        assert.is_true(source == "page" or source == "doc" or source == "client" or source == "unverified")
        assert.matches("^/", exchange.request.path)
        assert.is_true(exchange.error or exchange.response.status < 300, exchange.name)
        for key in pairs(exchange.request.headers or {}) do assert.equal(key:lower(), key) end
      end
      for _, exchange in ipairs(exchanges) do
        assert.is_true(not exchange.after or names[exchange.after], exchange.name)
      end
    end)

    it("hold no credential", function()
      each_string(exchanges, function(key, text)
        if secret[key] then assert.is_truthy(is_placeholder(text), key .. ": " .. text) end
        assert.is_nil(text:find("eyJ", 1, true))
        assert.is_nil(text:find("email protected", 1, true))
      end)
    end)

    it("give an answer to every example of the page", function()
      for _, exchange in ipairs(exchanges) do
        local request = exchange.request
        -- The page's first example lacks the MediaId that its own table calls mandatory.
        if exchange.source == "page" and not exchange.error and not shown(exchange)
          and not (provider == "onebox" and exchange.name == "create example") then
          local found
          for _, other in ipairs(exchanges) do
            found = found or other.source ~= "page" and shown(other) and other.variant == exchange.variant
              and other.request.method == request.method
              and json.encode(other.request.json) == json.encode(request.json)
          end
          assert.is_true(found, exchange.name)
        end
      end
    end)
  end)
end

describe("the fixtures", function()
  it("hold every documented error", function()
    for _, code in ipairs { 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 206, 207, 208, 209, 300, 301, 302,
      303, 304, 305, 600, 699, 700, 701, 799 } do
      local exchange = named("hubster", ("error PRT%06d"):format(code))
      assert.equal(code, exchange.response.json.errors[1].code)
      assert.equal(exchange.response.status, exchange.response.json.status)
    end
    assert.equal(5, named("ocamba", "create error 429, retry after 5").response.headers["retry-after"])
    assert.equal(-1, named("ocamba", "create error 429, retry after -1").response.headers["retry-after"])
    assert.equal("401", named("onebox", "get error: expired token, code as a string").response.json.records.errorCode)
    local charged = named("myreports", "create error 402 KazooPbxConnectionProfile")
    assert.same(charged.request.json, charged.response.json)
    assert.is_nil(charged.request.headers["accept-charges"])
  end)
end)

-- One replay for all, as in the demonstration: created, read, listed, changed, read again, removed.
describe("the fixtures' replay", function()
  local files = control.fixture_files()
  local expected = {
    onebox = { connections = 6 }, ocamba = { integrations = 6 }, hubster = { hubs = 1, integrations = 6 },
    myreports = { pbxs = 2 },
  }

  local function record_id(answer)
    local record = answer.json.data or answer.json
    return record.Id or record.id or record.integrationId or record.hubId or answer.headers.location:match("([^/]+)$")
  end

  for _, provider in ipairs(providers) do
    it("carries every connection of " .. provider .. " through its life", function()
      local exchanges = control.fixtures(provider)
      local server = replay.open(files)
      local values = { TOKEN = "FAKE-token", CUSTOMER_TENANT_ID = "00000000-0000-0000-0000-0000000000a1",
        ACCOUNT_TENANT_ID = "00000000-0000-0000-0000-0000000000a0", pageSize = "100", limit = "100", size = "100" }

      local function ask(exchange)
        local request = control.fill(exchange.request, values)
        local answer = server:answer {
          method = request.method, path = request.path, headers = request.headers,
          body = request.json and json.encode(request.json) or "",
        }
        assert.is_true(answer.status < 300, exchange.name .. ": " .. (answer.text or ""))
        return answer
      end

      local function of(operation, variant, id)
        local found = {}
        for _, exchange in ipairs(exchanges) do
          local path = exchange.request.path:match("^[^?]*")
          if exchange.operation == operation and shown(exchange) and exchange.variant == variant
            and (path:sub(-#id) == id or path:find("{[%w-]+}$")) then
            found[#found + 1] = exchange
          end
        end
        return found
      end

      local variants = {}
      for _, create in ipairs(exchanges) do
        if create.operation == "create" and shown(create) then
          local id = assert(record_id(ask(create)))
          variants[create.resource] = variants[create.resource] or {}
          variants[create.resource][create.variant or ""] = true

          local gets = of("get", create.variant, id)
          assert.is_true(#gets > 0, create.name .. ": get")
          for _, get in ipairs(gets) do
            if not get.after then ask(get) end
          end

          local listed = false
          for _, list in ipairs(exchanges) do
            if list.operation == "list" and shown(list) and list.resource == create.resource then
              listed = listed or json.encode(ask(list).json):find('"' .. id .. '"', 1, true) ~= nil
            end
          end
          assert.is_true(listed, create.name .. ": list")

          local updates = of("update", create.variant, id)
          assert.is_true(#updates > 0, create.name .. ": update")
          for _, update in ipairs(updates) do
            ask(update)
            for _, get in ipairs(gets) do
              if get.after == update.name then
                assert.same(control.fill(get.response.json, values), ask(get).json)
              end
            end
          end

          if provider ~= "onebox" then
            local deletes = of("delete", create.variant, id)
            assert.is_true(#deletes > 0, create.name .. ": delete")
            ask(deletes[1])
          end
        end
      end
      for resource, count in pairs(expected[provider]) do
        local found = 0
        for _ in pairs(variants[resource]) do found = found + 1 end
        assert.equal(count, found, resource)
      end
    end)
  end
end)
