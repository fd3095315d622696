-- Every exchange that a vendor documents, through the public client: the request that leaves the wire is compared with
-- the documented one, and the documented answer comes back as the right record or error.
--
-- What is expected here is written down from the vendors' documentation, not from the provider files.
local control = require "tests.contract.control"
local luaprov = require "luaprov"
local support = require "tests.support"

-- What stands for the fixtures' placeholders.
local VALUES = {
  TOKEN = "FAKE-token", CLIENT_ID = "FAKE-client", CLIENT_SECRET = "FAKE-client-secret",
  REFRESH_TOKEN = "FAKE-refresh-token", EMAIL = "user@example.com", PASSWORD = "FAKE-password", SITE_ID = "169",
  CUSTOMER_TENANT_ID = "00000000-0000-0000-0000-0000000000c0",
  ACCOUNT_TENANT_ID = "00000000-0000-0000-0000-0000000000a0",
  PBX_ID = "00000000-0000-0000-0000-0000000000b2", hubId = "3bc1e69f-c520-446f-ab2c-01751fd66a31",
  ["connection-id"] = "646", id = "1165",
}

-- Exchanges of operations that the table of providers does not have.
local NOT_OURS = {
  ["ocamba get full view"] = true, ["ocamba get two fields"] = true,
  ["ocamba providers list page 1"] = true, -- one page is all that is documented
  ["myreports exists"] = true, ["myreports exists not"] = true,
}
local function not_ours(provider, exchange)
  return NOT_OURS[provider .. " " .. exchange.name] or exchange.operation == "channel"
end

local BASE = { onebox = "", ocamba = "/v1/hood", hubster = "", myreports = "/api/v1.0" }
local ID_NAME = {
  ["onebox connections"] = "Id", ["hubster hubs"] = "hubId", ["hubster integrations"] = "integrationId",
}
-- The query's page size is the client's own business. Where a list begins, by the parameter that counts its pages.
local SIZES = { limit = true, pageSize = true }
local FIRST = { onebox = { "offset", "^0$" }, ocamba = { "page", "^1," }, hubster = { "pageNumber", "^0$" } }
-- Documented for calls without a body, too (the fixtures from the sheet leave it out).
local CONTENT_TYPE = { hubster = "application/json" }

local SECRETS = { Password = true, Token = true, auth_token = true, password = true, api_key = true, authToken = true,
  pageAccessToken = true, privateSigningKey = true, code = true, botAccessToken = true, appAccessToken = true,
  apiKey = true, licenseKey = true, client_secret = true, refresh_token = true }

local KINDS = { [400] = "invalid", [401] = "unauthorized", [402] = "payment_required", [403] = "forbidden",
  [404] = "not_found", [408] = "timeout", [409] = "conflict", [410] = "not_found", [417] = "rejected",
  [429] = "rate_limited", [500] = "unavailable", [501] = "unsupported", [503] = "unavailable" }

-- Some examples show a request only; its answer is then in an exchange of its own.
local function has_answer(exchange)
  local response = exchange.response
  return response and not (response.unshown and response.status < 400)
end

local function is_error(exchange) return exchange.error end

-- kind, outcome, codes and message of a documented error
local function expected_error(provider, exchange)
  local response = exchange.response
  local status, body = response.status, type(response.json) == "table" and response.json or {}
  local expected = { kind = KINDS[status], codes = {}, outcome = "refused", status = status }
  if status == 408 or status >= 500 then expected.outcome = "unknown" end
  if provider == "onebox" then
    if type(body.error) == "string" then
      expected.kind, expected.message = "rejected", body.error
      if status == 200 then expected.outcome = "unknown" end
    elseif body.records then
      expected.message = body.records.userMessage
      if expected.message:find("time limit") then expected.kind = "quota_exceeded" end
      expected.codes = { tostring(body.records.errorCode):gsub("%.0$", "") .. "" }
    end
  elseif provider == "hubster" and body.errors then
    local messages = {}
    for i, item in ipairs(body.errors) do
      local code = ("PRT%06d"):format(item.code)
      expected.codes[i] = code
      messages[i] = item.description:gsub(" %(code: PRT%d+%)", "")
      if code == "PRT000600" or code == "PRT000700" or code == "PRT000701" then expected.kind = "conflict" end
    end
    expected.message = table.concat(messages, "; ")
  elseif provider == "ocamba" then
    expected.message, expected.trace_id = body.message or body.title, body.trace_id
    expected.retry_after = tonumber((response.headers or {})["retry-after"])
  elseif provider == "myreports" then
    expected.message = body.message
    if body.error then expected.codes = { ("%d"):format(body.error) } end
  end
  return expected
end

local function split_path(path)
  local plain, query = path:match("^([^?]*)%??(.*)$")
  local values = {}
  for name, value in query:gmatch("([^&=]+)=([^&]*)") do
    values[name] = value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  end
  return plain, values
end

local function reveal(value)
  if type(value) ~= "table" then return value end
  if luaprov.secret.is(value) then return value:reveal() end
  local copy = {}
  for key, inner in pairs(value) do copy[key] = reveal(inner) end
  return copy
end

-- The same without the marks that tell lists from objects, for `same`.
local function bare(value)
  if value == control.null or value == luaprov.null then return "null" end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do copy[key] = bare(inner) end
  return copy
end

local function assert_secrets(record, path)
  for key, value in pairs(record) do
    if SECRETS[key] and value ~= luaprov.null then
      assert.is_true(luaprov.secret.is(value), path .. key .. " is no secret")
    elseif type(value) == "table" and not luaprov.secret.is(value) then
      assert_secrets(value, path .. tostring(key) .. ".")
    end
  end
end

-- The secret values of a request, at every depth.
local function secrets_in(values, found)
  for name, value in pairs(type(values) == "table" and values or {}) do
    if SECRETS[name] and type(value) == "string" then found[#found + 1] = value else secrets_in(value, found) end
  end
  return found
end

local function assert_record(documented, record, id_name, parents)
  assert.is_table(record)
  local expected = bare(documented)
  -- Read back in PascalCase or not, a configuration has the spelling in which it is sent.
  for name, value in pairs(type(expected.configuration) == "table" and bare(expected.configuration) or {}) do
    expected.configuration[name] = nil
    expected.configuration[name:sub(1, 1):lower() .. name:sub(2)] = value
  end
  for name, value in pairs(parents) do expected[name] = expected[name] or value end
  expected.id = record.id
  if documented[id_name] then assert.equal(documented[id_name], record.id) end
  assert.is_not_nil(record.id)
  assert.same(expected, bare(reveal(record)))
  assert_secrets(record, "")
end

local function from_patch(operations)
  local changes = {}
  for _, operation in ipairs(operations) do
    assert(operation.op == "replace" and not operation.path:sub(2):find("/"))
    changes[operation.path:sub(2)] = operation.value
  end
  return changes
end

-- What stands in the path: the id and the parents.
local function path_parts(provider, exchange)
  local path = split_path(exchange.request.path):sub(#BASE[provider] + 1)
  local parents = {}
  if provider == "myreports" then
    parents.tenantId = path:match("/customers/([^/]+)/")
  elseif exchange.resource == "integrations" and provider == "hubster" and exchange.operation == "create" then
    parents.hubId = path:match("([^/]+)$")
  end
  return path:match("([^/]+)$"), parents
end

local function record_of(provider, body)
  if provider == "myreports" then return body.data end
  if provider == "ocamba" and body.items then return body.items[1] end
  return body
end

-- The same record under another id.
local function with_id(body, id_name, id)
  local copy = {}
  for name, value in pairs(body) do copy[name] = value end
  if copy[id_name] ~= nil then copy[id_name] = id end
  if copy.data then copy.data = with_id(copy.data, id_name, id) end
  return copy
end

-- Whether a list's request is one that this client begins with: it always asks for pages, and for the first one first.
local function starts_here(provider, exchange, query)
  local counter = FIRST[provider]
  if not counter or exchange.resource == "providers" then return true end
  local value = query[counter[1]]
  return value and (value:find(counter[2]) or value:find("^{")) and not exchange.name:find("behind the end")
end

local function items_of(body) return body.data or body.items or body.results or body end

describe("the contract of", function()
  local listener
  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function client_of(provider, exchange)
    local options = { token = VALUES.TOKEN, attempts = 1, limits = false, base_url = listener.url .. BASE[provider] }
    if exchange.request.path:find("/accounts/", 1, true) then options.account = VALUES.ACCOUNT_TENANT_ID end
    if provider == "myreports" and (exchange.request.headers or {})["accept-charges"] == nil then
      options.accept_charges = false
    end
    if provider == "hubster" and exchange.request.method == "PUT" and exchange.resource == "integrations" then
      options.integration_update = "put"
    end
    return assert(luaprov.client(provider, options))
  end

  -- Compares the first request with the exchange's method and path, or the one with that index.
  local function assert_request(provider, exchange, ignore, index)
    local wanted, found = exchange.request, nil
    local path, query = split_path(wanted.path)
    local seen = {}
    for i, request in ipairs((listener:requests())) do
      local its_path, its_query = split_path(request.path)
      seen[#seen + 1] = request.method .. " " .. request.path
      if request.method == wanted.method and its_path == path and (not index or index == i) then
        found = found or { request, its_query }
      end
    end
    assert(found, wanted.method .. " " .. wanted.path .. " never came; what came: " .. table.concat(seen, ", "))
    local request, its_query = found[1], found[2]
    for name in pairs(SIZES) do
      if query[name] and its_query[name] then query[name] = its_query[name] end
    end
    if query.page then query.page = query.page:gsub(",.*$", its_query.page:match(",.*$")) end
    for name, value in pairs(query) do
      if value:find("^{") then query[name] = its_query[name] end  -- the documentation has no number there
    end
    assert.same(query, its_query)
    for name, value in pairs(wanted.headers or {}) do assert.equal(value, request.headers[name], name) end
    if wanted.json ~= nil then
      local body = assert(control.json.decode(request.body))
      for name in pairs(ignore or {}) do body[name] = nil end
      assert.same(bare(wanted.json), bare(body))
    elseif wanted.form == nil then
      assert.equal("", request.body)
      assert.equal((wanted.headers or {})["content-type"] or CONTENT_TYPE[provider], request.headers["content-type"])
    end
    if provider == "myreports" and not (wanted.headers or {})["accept-charges"] then
      assert.is_nil(request.headers["accept-charges"])
    end
  end

  local function answer(exchange, request)
    local response = {}
    for key, value in pairs(exchange.response or { status = 200, json = {} }) do response[key] = value end
    request = request or exchange.request
    response.match = request and { method = request.method, path = request.path } or nil
    return response
  end

  local function assert_error(provider, exchange, record, err)
    local expected = expected_error(provider, exchange)
    assert.is_nil(record)
    assert.is_table(err)
    assert.equal(expected.kind, err.kind, tostring(err))
    assert.equal(expected.outcome, err.outcome)
    assert.equal(expected.status, err.status)
    assert.same(expected.codes, err.codes)
    assert.equal(expected.retry_after, err.retry_after)
    if expected.trace_id then assert.equal(expected.trace_id, err.trace_id) end
    -- What luaprov says of a create that stays unknown comes behind what the vendor has said.
    local said = err.message:gsub("; whether it was created is not known.*$", "")
    if expected.message then assert.equal(expected.message, said) end
    local shown, sent = support.shown(err), { VALUES.TOKEN }
    secrets_in(exchange.request.json, sent)
    secrets_in(exchange.request.form, sent)
    for _, value in ipairs(sent) do assert.is_nil(shown:find(value, 1, true), "a secret is in " .. shown) end
  end

  -- The record of the variant that an update changes, before it and after it.
  local function reads_around(provider, all, exchange)
    local id = path_parts(provider, exchange)
    local before, after
    for _, other in ipairs(all) do
      if other.operation == "get" and other.resource == exchange.resource and not is_error(other)
        and other.response.status == 200 and path_parts(provider, other) == id
        and not other.request.path:find("?", 1, true) then
        if other.after == exchange.name then after = after or other end
        if not other.after and not other.name:find("other spelling") then before = before or other end
      end
    end
    -- The pages change one record for every variant: what it has then is the variant's.
    for _, other in ipairs(all) do
      if exchange.variant and (not before or before.variant ~= exchange.variant) and other.operation == "get"
        and other.resource == exchange.resource and other.variant == exchange.variant and has_answer(other)
        and not is_error(other) then
        before = other
      end
    end
    return before, after or before
  end

  local calls = {}

  function calls.create(provider, exchange)
    local client = client_of(provider, exchange)
    local _, parents = path_parts(provider, exchange)
    local input, ignore = {}, nil
    for name, value in pairs(exchange.request.json) do input[name] = value end
    for name, value in pairs(parents) do input[name] = value end
    if provider == "onebox" and not input.MediaId then
      -- The page's first example leaves out what its own table calls mandatory.
      input.MediaId, input.ProviderId, ignore = "FCBK", "PVD12", { MediaId = true, ProviderId = true }
    end
    listener:script { answer(exchange) }
    local record, err = client[exchange.resource]:create(input)
    assert_request(provider, exchange, ignore)
    if is_error(exchange) then return assert_error(provider, exchange, record, err) end
    if not has_answer(exchange) then return end
    assert(record, tostring(err))
    assert_record(record_of(provider, exchange.response.json), record,
      ID_NAME[provider .. " " .. exchange.resource] or "id", parents)
  end

  function calls.get(provider, exchange, all)
    local client = client_of(provider, exchange)
    local id, parents = path_parts(provider, exchange)
    listener:script { answer(exchange) }
    local record, err = client[exchange.resource]:get(id, parents)
    assert_request(provider, exchange)
    if is_error(exchange) then return assert_error(provider, exchange, record, err) end
    assert(record, tostring(err))
    local documented = record_of(provider, exchange.response.json)
    local usual = exchange.name:match("^(.*), other spelling$")
    for _, other in ipairs(all) do
      if other.name == usual then documented = record_of(provider, other.response.json) end
    end
    assert_record(documented, record, ID_NAME[provider .. " " .. exchange.resource] or "id", parents)
  end

  function calls.update(provider, exchange, all)
    local client = client_of(provider, exchange)
    local id, parents = path_parts(provider, exchange)
    local input = {}
    local changes = provider == "myreports" and from_patch(exchange.request.json) or exchange.request.json
    for name, value in pairs(changes) do input[name] = value end
    for name, value in pairs(parents) do input[name] = value end
    local before, after = reads_around(provider, all, exchange)
    local answers = { answer(exchange) }
    local resource = client[exchange.resource]
    local get = { method = "GET", path = exchange.request.path:gsub("/hubs/([^/]*)$", "/%1") }
    if exchange.resource == "hubs" then get.path = exchange.request.path end
    local reads_back = exchange.response and (exchange.response.status == 204 or provider == "myreports")
    -- What depends on the variant is judged with the record that is there.
    if before and (not reads_back or changes.settings) then
      local read = answer(before, get)
      read.json = with_id(read.json, ID_NAME[provider .. " " .. exchange.resource] or "id", id)
      answers[#answers + 1] = read
    end
    if after and reads_back then answers[#answers + 1] = answer(after, get) end
    listener:script(answers)
    local record, err = resource:update(id, input)
    if exchange.name:find("shape of create", 1, true) then
      -- The documented path has the shape of create; its fixed fields cannot travel, and no request leaves.
      assert.is_nil(record)
      assert.equal("not_sent", err.outcome)
      return
    end
    assert_request(provider, exchange)
    if is_error(exchange) then return assert_error(provider, exchange, record, err) end
    if not (has_answer(exchange) or reads_back) then return end
    assert(record, tostring(err))
    assert.is_nil(err)
    local documented = reads_back and after and after.response.json or exchange.response.json
    if documented and not (reads_back and not after) then
      assert_record(record_of(provider, documented), record,
        ID_NAME[provider .. " " .. exchange.resource] or "id", parents)
    end
  end

  function calls.delete(provider, exchange)
    local client = client_of(provider, exchange)
    local id, parents = path_parts(provider, exchange)
    listener:script { answer(exchange) }
    local done, err = client[exchange.resource]:delete(id, parents)
    assert_request(provider, exchange)
    if is_error(exchange) then return assert_error(provider, exchange, done, err) end
    assert.is_true(done, tostring(err))
  end

  function calls.list(provider, exchange, all)
    local client = client_of(provider, exchange)
    local _, query = split_path(exchange.request.path)
    local _, parents = path_parts(provider, exchange)
    local filter = {}
    for name, value in pairs(query) do
      if not (SIZES[name] or name == "offset" or name == "page" or name == "pageNumber") then filter[name] = value end
    end
    for name, value in pairs(parents) do filter[name] = value end
    local first = exchange.response
    if is_error(exchange) then
      local response = answer(exchange)
      response.match = nil
      listener:script { response }
      assert_error(provider, exchange, client[exchange.resource]:list(filter))
      if starts_here(provider, exchange, query) then assert_request(provider, exchange) end
      return
    end
    -- The pages that follow, by name: "… page 1", "… page 2"; "… at 0", "… at 2". Then an empty one.
    local answers, documented, pages = {}, {}, { exchange }
    local stem, number = exchange.name:match("^(.- )(%d+)$")
    for step = 1, 9 do
      for _, other in ipairs(all) do
        if stem and other.resource == exchange.resource and other.name == stem .. (tonumber(number) + step) then
          pages[#pages + 1] = other
        end
      end
    end
    for i, page in ipairs(pages) do
      answers[i] = { status = page.response.status, headers = page.response.headers, json = page.response.json }
      for _, item in ipairs(items_of(page.response.json)) do documented[#documented + 1] = item end
    end
    local empty = {}
    for key, value in pairs(first.json) do empty[key] = value end
    for _, key in ipairs { "data", "items", "results" } do
      if empty[key] then empty[key] = control.array {} end
    end
    answers[#answers + 1] = { status = 200, json = first.json[1] == nil and empty or control.array {} }
    listener:script(answers)
    local records, err = client[exchange.resource]:list(filter)
    assert(records, tostring(err))
    assert.equal(#documented, #records)
    for i, record in ipairs(records) do
      assert_record(documented[i], record, ID_NAME[provider .. " " .. exchange.resource] or "id", parents)
    end
    if starts_here(provider, exchange, query) then
      for i, page in ipairs(pages) do assert_request(provider, page, nil, i) end
    end
  end

  function calls.token(provider, exchange)
    local credentials = { attempts = 1, base_url = listener.url .. BASE[provider], identity_url = listener.url }
    if provider == "onebox" then
      credentials.identity_url = nil
      credentials.email, credentials.password = VALUES.EMAIL, VALUES.PASSWORD
      credentials.site_id = VALUES.SITE_ID
      credentials.login_encoding = exchange.request.json and "json"
        or exchange.request.path:find("?", 1, true) and "query" or "form"
    else
      credentials.client_id, credentials.client_secret = VALUES.CLIENT_ID, luaprov.secret(VALUES.CLIENT_SECRET)
      if provider == "myreports" then credentials.refresh_token = VALUES.REFRESH_TOKEN end
    end
    local client = assert(luaprov.client(provider, credentials))
    local resource = provider == "onebox" and client.connections or provider == "hubster" and client.hubs or client.pbxs
    listener:script { { status = exchange.response.status, json = exchange.response.json }, { status = 404 } }
    local record, err = resource:get("1", { tenantId = "t" })
    assert.is_nil(record)
    local requests = listener:requests()
    local path, query = split_path(exchange.request.path)
    local its_path, its_query = split_path(requests[1].path)
    assert.equal(path, its_path)
    assert.same(query, its_query)
    assert.equal("POST", requests[1].method)
    if exchange.request.form then
      local _, form = split_path("?" .. requests[1].body)
      assert.same(exchange.request.form, form)
      assert.equal("application/x-www-form-urlencoded", requests[1].headers["content-type"])
    elseif exchange.request.json then
      assert.same(exchange.request.json, control.json.decode(requests[1].body))
      assert.equal("application/json", requests[1].headers["content-type"])
    else
      assert.equal("", requests[1].body)
      assert.is_nil(requests[1].headers["content-type"])
    end
    if is_error(exchange) then
      assert.equal(1, #requests)
      assert.equal("unauthorized", err.kind)
      assert.equal("not_sent", err.outcome)
      for _, secret in ipairs { VALUES.CLIENT_SECRET, VALUES.PASSWORD, VALUES.REFRESH_TOKEN } do
        assert.is_nil(support.shown(err):find(secret, 1, true))
      end
    else
      local token = exchange.response.json.access_token or exchange.response.json.token
      assert.equal("Bearer " .. token, requests[2].headers.authorization)
    end
  end
  calls.refresh = calls.token

  local skipped = {}
  for _, provider in ipairs { "onebox", "ocamba", "hubster", "myreports" } do
    local all = control.fill(control.fixtures(provider), VALUES)
    for _, exchange in ipairs(all) do
      if not_ours(provider, exchange) then
        skipped[provider .. " " .. exchange.name] = true
      else
        it(provider .. ": " .. exchange.name, function()
          local call = assert(calls[exchange.operation], "no such operation: " .. tostring(exchange.operation))
          call(provider, exchange, all)
          -- Who was told to wait would do so: the next test has another address, and so another account.
          if exchange.response and exchange.response.status == 429 then
            listener:stop()
            listener = control.start()
          end
        end)
      end
    end
  end

  it("nothing but what is named above was left out", function()
    for name in pairs(NOT_OURS) do assert.is_true(skipped[name], name .. " is no exchange") end
  end)
end)
