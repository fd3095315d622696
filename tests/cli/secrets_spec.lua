-- A canary in every way of giving a secret, and a look for it in all that `luaprov call` prints.
local control = require "tests.contract.control"
local run = require "tests.cli.support"
local support = require "tests.support"

local ACME = [[
return provider {
  base_url = "https://api.acme.invalid",
  auth = {
    token_request { url = "{base_url}/login", encoding = "way", secret "key" { required = true }, token = "token" },
    bearer "token",
  },
  choice "way" { default = "form", values = { "form", "json", "query" } },
  secret "tenant" {}, headers = { ["X-Tenant"] = "{tenant}" }, errors = { message = "message" },
  resource "things" {
    path = "/things", text "name" {}, choice "kind" { fixed = true, values = { "a", "b" } },
    secret "plain" {}, secret "exact" {}, secret "file" {}, secret "variable" {},
    group "group" { secret "inner" {}, by "kind" { a = { secret "either" {} }, b = { text "either" {} } } },
    list "keys" { of = secret {} }, list "groups" { of = group { secret "within" {} } },
    create = post {}, get = get {}, update = patch { returns = "nothing" }, list = get { items = "items" },
  },
}
]]

local CANARY = "canary" -- every secret begins with it, and nothing else has it

describe("luaprov call shows no secret", function()
  local listener, file, secret_file
  setup(function()
    listener = control.start()
    file = support.file("acme.lua", ACME)
    secret_file = support.file("secret", "canary&file\n")
  end)
  teardown(function()
    listener:stop()
    support.clean()
  end)
  before_each(function() listener:reset() end)

  local function check(words, wanted, more)
    local environment = { SECRET = 'canary"variable', LUAPROV_ACME_KEY = "canary+key",
                          LUAPROV_ACME_TENANT = "canary tenant", LUAPROV_ACME_BASE_URL = listener.url,
                          SECRETS = '[{"within": "canary-within"}]' }
    for name, value in pairs(more or {}) do environment[name] = value end
    local list = { "call", file }
    for _, word in ipairs(words) do list[#list + 1] = word end
    local out, err, code = run.run(list, environment)
    assert.is_nil(out:lower():find(CANARY, 1, true), out)
    assert.is_nil(err:lower():find(CANARY, 1, true), err)
    assert.equal(wanted, code, err)
    return out, err
  end

  local EVERY = { "name=n", "plain=canary plain", 'exact:="canary\\nexact"', "variable=env:SECRET",
                  "group.inner=canary-inner", "group.either=canary-either", 'keys:=["canary-1", "canary-2"]',
                  "groups:=env:SECRETS" }

  -- What a vendor may say of a request: all of it again.
  local ECHO_OF_KEY = "canary+key canary%2Bkey"
  local ECHO = "canary plain canary\nexact canary&file canary\"variable canary%26file canary-inner canary-1 "
    .. "canary-within canary tenant canary-either token-canary" .. ECHO_OF_KEY

  local function every(operation, ...)
    -- On update the variant is the record's.
    local words = { "things", operation }
    words[3] = operation == "update" and "7" or "kind=b"
    for _, word in ipairs(EVERY) do words[#words + 1] = word end
    words[#words + 1] = "file=@" .. secret_file
    for _, word in ipairs { ... } do words[#words + 1] = word end
    return words
  end

  local RECORD = { id = "7", name = "n", plain = "canary plain", exact = "canary", group = { inner = "canary" },
                   keys = { "canary-1" }, groups = { { within = "canary" } } }
  local TOKEN = { status = 200, json = { token = "token-canary" } }

  for _, mode in ipairs { "--json", "--table", "--verbose", "--curl" } do
    it("when it goes well, with " .. mode, function()
      for _, way in ipairs { "form", "json", "query" } do
        listener:reset()
        listener:script { TOKEN, { status = 200, json = RECORD } }
        local out = check(every("create", mode, "--set", "way=" .. way), 0)
        assert.truthy(out:find(mode == "--curl" and '"$FILE"' or "<secret>", 1, true), out)
        -- It was there to be shown.
        if mode ~= "--curl" then assert.truthy(listener:requests(2)[2].body:find("canary plain", 1, true)) end
      end
    end)

    it("when the vendor says no and repeats the request, with " .. mode, function()
      local code = mode == "--curl" and 0 or 1
      listener:script { TOKEN, { status = 400, json = { message = ECHO, echo = RECORD, more = { ECHO } } } }
      check(every("create", mode), code)
      listener:reset()
      listener:script { { status = 400, json = { error = "invalid", error_description = ECHO_OF_KEY } } }
      check(every("create", mode), code)
      listener:reset()
      listener:script { TOKEN, { status = 500, text = ECHO } }
      check(every("create", mode), code)
      listener:reset()
      listener:script { TOKEN, { status = 200, json = { id = "7", kind = "b" } }, { status = 500, text = ECHO } }
      check(every("update", mode), code)
    end)

    it("when nobody answers, with " .. mode, function()
      check(every("create", mode, "--set", "way=query"), mode == "--curl" and 0 or 1,
        { LUAPROV_ACME_BASE_URL = "http://127.0.0.1:1" })
    end)

    it("when a check says no, with " .. mode, function()
      check({ "things", "create", "kind=c", "plain=canary", "nam=x", "plane=canary", mode }, 1)
      check({ "things", "create", "name:=7", 'keys:={"key":"canary"}', "group.inner:=7", mode }, 1)
    end)

    it("when it is given as an option of the client, with " .. mode, function()
      for _, option in ipairs { "key=canary-option", "key=@" .. secret_file, "key=env:SECRET",
                                "tenant=canary-option" } do
        listener:reset()
        listener:script { TOKEN, { status = 200, json = RECORD } }
        check({ "things", "get", "7", "--set", option, mode }, 0)
      end
      listener:reset()
      listener:script { { status = 200, json = RECORD } }
      check({ "things", "get", "7", "--set", "token=canary-token", mode }, 0)
    end)
  end

  it("when it is what a password manager prints to bash", function()
    listener:script { { status = 200, json = RECORD } }
    local command = run.command({ "call", file, "things", "get", "7", "--json" },
      { LUAPROV_ACME_BASE_URL = listener.url, LUAPROV_ACME_TENANT = "canary" })
    local out, err, code = run.sh("bash -c " .. run.quote(command .. " --set token=@<(echo canary-token)"))
    assert.equal(0, code, err)
    assert.is_nil((out .. err):find(CANARY, 1, true))
    assert.equal("Bearer canary-token", listener:requests(1)[1].headers.authorization)
  end)

  it("when the command line is wrong", function()
    for _, words in ipairs {
      { "plain", "=", "canary" }, { "plain=", "canary" }, { "plain=canary", "plain=canary" }, { "plain:=canary" },
      { 'plain:="canary' }, { "plain:=@" .. secret_file }, { "plain:=env:SECRET" },
      { 'group:={"inner":"canary"', }, { "group=canary" }, { "group.inner.more=canary" },
      { "keys=canary" }, { "canary" }, { "plain=canary", ".=canary" }, { "plain=@/nowhere", "exact=canary" },
      { "plain=env:NOT_SET_AT_ALL", "exact=canary" }, { "--set", "key", "canary" }, { "--set", "kee=canary" },
      { "--set", "key:=canary" }, { "--set", "key=canary", "--set", "key=canary" }, { "--token=canary" },
      { "--json=canary" },
    } do
      local list = { "things", "create" }
      for _, word in ipairs(words) do list[#list + 1] = word end
      check(list, 64)
    end
    assert.equal(0, #listener:requests())
  end)
end)
