-- The printed commands are run, by sh and curl, and what arrives is compared with what the client itself sends.
local control = require "tests.contract.control"
local run = require "tests.cli.support"
local support = require "tests.support"

local ACME = [[
return provider {
  base_url = "https://api.acme.invalid",
  auth = token_request {
    url = "{base_url}/login", encoding = "json", constant = { scope = "it's" },
    secret "api_key" { required = true, pattern = "^key%-", min = 8 }, token = "data.0-a.1.token",
  },
  secret "tenant" {},
  headers = { ["X-Tenant"] = "t {tenant}" },
  resource "things" {
    path = "/things", id = "no",
    text "name" {}, secret "path" { max = 12 }, secret "path_2" {},
    create = post { expect = 201 }, get = get { record = "data.1" }, delete = delete {},
    update = put { sends = "whole" }, list = get { items = "items", pages = offsets { query = "from={offset}" } },
  },
  resource "kinds" {
    path = "/kinds", choice "kind" { required = true, fixed = true, values = { "a", "b" } },
    by "kind" { a = { integer "size" { sent_as = "string" }, text "only_a" {} }, b = { integer "size" {} } },
    get = get {}, update = patch { sends = "merge_patch" },
  },
  resource "lines" {
    path = "/{site}/lines", text "site" { path = true, fixed = true, required = true },
    choice "mode" { required = true, fixed = true, values = { "static", "register" } },
    text "label" {}, text "code" { pattern = "^x" }, integer "count" { min = 4 }, boolean "on" {},
    integer "port" { sent_as = "string" }, choice "level" { values = { 1, 2 } },
    group "inside" { text "note" {}, text "other" {} },
    by "mode" { static = { text "host" { required = true } }, register = { secret "pass" { min = 4 } } },
    create = post {}, get = get {}, update = put { sends = "whole" }, delete = delete {},
    list = get { items = "items", query = { "q" } },
  },
}
]]

describe("luaprov call --curl", function()
  local listener, file
  setup(function()
    listener = control.start()
    file = support.file("acme.lua", ACME)
  end)
  teardown(function()
    listener:stop()
    support.clean()
  end)
  before_each(function() listener:reset() end)

  local function environment(more)
    local all = { LUAPROV_ACME_API_KEY = "key-0000", LUAPROV_ACME_BASE_URL = listener.url,
                  LUAPROV_OCAMBA_TOKEN = "tok-0000", LUAPROV_OCAMBA_BASE_URL = listener.url,
                  LUAPROV_HUBSTER_CLIENT_ID = "id & co", LUAPROV_HUBSTER_CLIENT_SECRET = "shh &=+0000",
                  LUAPROV_HUBSTER_BASE_URL = listener.url, LUAPROV_HUBSTER_IDENTITY_URL = listener.url .. "/identity",
                  LUAPROV_ONEBOX_EMAIL = "me@x", LUAPROV_ONEBOX_PASSWORD = "shh &=+0000", LUAPROV_ONEBOX_SITE_ID = "3",
                  LUAPROV_ONEBOX_BASE_URL = listener.url, LUAPROV_MYREPORTS_BASE_URL = listener.url,
                  LUAPROV_MYREPORTS_TOKEN = "tok-0000" }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local function sent(count)
    local requests = listener:requests(count)
    for _, request in ipairs(requests) do
      local headers = {}
      for _, name in ipairs { "accept", "authorization", "content-type", "x-tenant", "accept-charges" } do
        headers[name] = request.headers[name]
      end
      request.headers, request.connection = headers, nil
      -- In a form curl writes a space as +.
      if (headers["content-type"] or ""):find("form", 1, true) then request.body = request.body:gsub("%+", "%%20") end
    end
    listener:reset()
    return requests
  end

  -- Runs the call, then the commands that --curl prints for it, and compares. The answers are given in their order.
  local function compare(words, answers, more, set_by_hand, absent)
    local list = { "call" }
    for i, word in ipairs(words) do list[i + 1] = word end
    listener:script(answers)
    local _, err, code = run.run(list, environment(more))
    assert.equal(0, code, err)
    local theirs = sent(#answers)
    list[#list + 1] = "--curl"
    local text
    local there = environment(more)
    for name in pairs(absent or {}) do there[name] = nil end
    text, err, code = run.run(list, there)
    assert.equal(0, code, err)
    assert.equal(0, #listener:requests(), "something was sent")
    for _, value in pairs { "key-0000", "tok-0000", "shh &", "shh%20", "pass-0000" } do
      assert.is_nil((text .. err):find(value, 1, true), text)
    end
    listener:script(answers)
    -- What a user's shell has.
    local shell = { "unset LD_PRELOAD" }
    for name, value in pairs(environment(more)) do
      if name:find("^[%w_]+$") then shell[#shell + 1] = "export " .. name .. "=" .. run.quote(value) end
    end
    shell[#shell + 1] = set_by_hand or ""
    shell[#shell + 1] = text
    _, err, code = run.sh("sh -e <<'END_OF_COMMANDS'\n" .. table.concat(shell, "\n") .. "\nEND_OF_COMMANDS")
    assert.equal(0, code, text .. err)
    return theirs, sent(), text
  end

  local TOKEN = { status = 200, json = { access_token = "tok-1111", token = "tok-1111" } }

  it("does what create does, with a token that is asked for", function()
    local theirs, ours, text = compare({ "hubster", "integrations", "create", "hubId=7/8", "channelId=TwilioSMS",
      "name=it's \"quoted\"\nand $HOME `two` \\ lines", "configuration.accountSid=AC1", "configuration.numberSid=PN1",
      "configuration.authToken=env:TWILIO_TOKEN" }, { TOKEN, { status = 200, json = { integrationId = "9" } } },
      { TWILIO_TOKEN = "pass-0000" })
    assert.same(theirs, ours)
    assert.equal(2, #ours)
    assert.truthy(ours[2].body:find('"authToken":"pass-0000"', 1, true))
    assert.truthy(text:find([["authToken":'"$(printf %s "$TWILIO_TOKEN" | jq -sR .)"',]], 1, true), text)
    assert.truthy(text:find("ACCESS_TOKEN=$(curl -sS -X POST", 1, true), text)
  end)

  it("does what list does, of its first page", function()
    local theirs, ours, text = compare({ "ocamba", "integrations", "list", "q=a b&c", "sort=-id" },
      { { status = 200, json = { total = 0, items = control.array {} } } })
    assert.same(theirs, ours)
    assert.equal("/integrations?q=a%20b%26c&sort=-id&page=1,100", ours[1].path)
    assert.truthy(text:find("\n# this is the first page\n$"), text)
  end)

  it("does what delete does, and get", function()
    local theirs, ours = compare({ "ocamba", "integrations", "delete", "11/65" }, { { status = 204 } })
    assert.same(theirs, ours)
    theirs, ours = compare({ "ocamba", "integrations", "get", "1165" }, { { status = 200, json = { id = "1165" } } })
    assert.same(theirs, ours)
  end)

  it("does what an update does that reads the record first", function()
    local theirs, ours, text = compare(
      { "myreports", "pbxs", "update", "5", "tenantId=t", "enabled=true", "apiKey=env:PBX_KEY", "--set", "region=eu" },
      { { status = 200, json = { data = { id = "5", _type = "KazooPbxConnectionProfile" } } },
        { status = 200, text = "" }, { status = 200, json = { data = { id = "5" } } } }, { PBX_KEY = "pass-0000" })
    assert.equal(3, #theirs)
    theirs[3] = nil -- what was changed is read back
    assert.same(theirs, ours)
    assert.truthy(text:find("# the record is read first", 1, true), text)
  end)

  it("asks for a token as each vendor wants it", function()
    for _, encoding in ipairs { "form", "json", "query" } do
      local theirs, ours = compare({ "onebox", "connections", "get", "7" },
        { TOKEN, { status = 200, json = { Id = "7" } } }, { LUAPROV_ONEBOX_LOGIN_ENCODING = encoding })
      assert.same(theirs, ours)
      assert.equal(2, #ours)
    end
  end)

  local LOGIN = { status = 200, json = { data = { ["0-a"] = { { token = "tok-1111" } } } } }

  it("takes secrets from files, sends them in headers, and names them so that no other variable is taken", function()
    local secret = support.file("it's secret", "pass-0000\n")
    local theirs, ours, text = compare({ file, "things", "create", "name=n", "path=@" .. secret, "path_2=env:ODD-NAME",
      "--set", "tenant=@" .. secret }, { LOGIN, { status = 201, json = { no = "1" } } },
      { ["ODD-NAME"] = "pass-0001" }, "PATH_2=pass-0001")
    assert.same(theirs, ours)
    assert.equal("t pass-0000", ours[2].headers["x-tenant"])
    assert.equal('{"name":"n","path":"pass-0000","path_2":"pass-0001"}', ours[2].body)
    assert.is_nil(text:find("\nPATH=", 1, true), text)
    assert.truthy(text:find("# set PATH_2 to the value of the environment variable ODD-NAME", 1, true), text)
    assert.truthy(text:find([[jq -r '.data["0-a"][0].token']], 1, true), text)
  end)

  local function printed(words, more)
    local list = { "call" }
    for i, word in ipairs(words) do list[i + 1] = word end
    list[#list + 1] = "--curl"
    local out, err, code = run.run(list, environment(more))
    assert.equal(0, #listener:requests())
    assert.is_nil((out .. err):find("pass-0000", 1, true))
    return out, err, code
  end

  it("says what to set for a secret that was given as it is", function()
    local out, err, code = printed { "ocamba", "integrations", "create", "name=n", "provider_id=1004",
      "settings.sender_name=s", "settings.api_key=pass-0000" }
    assert.equal(0, code)
    assert.truthy(err:find("warning: settings.api_key has a secret", 1, true), err)
    assert.truthy(out:find("# set API_KEY to the value of settings.api_key\n", 1, true), out)
    assert.truthy(out:find([["api_key":'"$(printf %s "$API_KEY" | jq -sR .)"',]], 1, true), out)
  end)

  it("prints what it knows of an update of the whole", function()
    local out, err, code = printed { file, "things", "update", "7", "name=n" }
    assert.equal(0, code, err)
    assert.truthy(out:find("# the record is read first: what can be changed depends on it\ncurl '" .. listener.url
      .. "/things/7'", 1, true), out)
    assert.truthy(out:find("# this replaces the whole record: its own fields must stand in the body, too\ncurl -X PUT",
      1, true), out)
    assert.truthy(out:find([[--data-raw '{"name":"n"}']], 1, true), out)
  end)

  it("invents nothing of a record that an update replaces", function()
    local out, err, code = printed { file, "lines", "update", "7", "site=s", "label=stat2", "inside.note=n" }
    assert.equal(0, code, err)
    assert.truthy(out:find([[--data-raw '{"inside":{"note":"n"},"label":"stat2"}']], 1, true), out)
    out, err, code = printed { file, "lines", "update", "7", "site=s", "pass=env:PASS", "inside.note:=null",
                               "label:=null", "on:=false" }
    assert.equal(0, code, err)
    assert.truthy(out:find([[--data-raw '{"on":false,"pass":'"$(printf %s "$PASS" | jq -sR .)"'}']], 1, true), out)
    assert.truthy(out:find("# inside.note is left out of it\n# label is left out of it\n", 1, true), out)
    out, err, code = printed { file, "lines", "update", "7", "site=s", "host=h", "pass=env:PASS" }
    assert.equal(1, code)
    assert.equal("", out)
    assert.truthy(err:find("is no field of this variant", 1, true), err)
  end)

  it("leaves what is not set here to the shell, whatever it is", function()
    local values = { SITE = "s/1", PASS = "pass-0000", LABEL = "my label", CODE = "x1", COUNT = "5", ON = "true",
                     PORT = "0587", LEVEL = "2", LUAPROV_ACME_TOKEN = "x", KEY = "key-0000" }
    local theirs, ours, text = compare({ file, "lines", "create", "site=env:SITE", "mode=register", "pass=env:PASS",
      "label=env:LABEL", "code=env:CODE", "count=env:COUNT", "on=env:ON", "port=env:PORT", "level=env:LEVEL",
      "--set", "api_key=env:KEY" }, { LOGIN, { status = 200, json = { id = "1" } } }, values, nil, values)
    assert.same(theirs, ours)
    assert.equal('{"code":"x1","count":5,"label":"my label","level":2,"mode":"register","on":true,'
      .. '"pass":"pass-0000","port":"0587"}', ours[2].body)
    for _, name in ipairs { "CODE", "COUNT", "KEY", "LABEL", "LEVEL", "ON", "PASS", "PORT", "SITE" } do
      assert.truthy(text:find("# " .. name .. " is not set here: set it\n", 1, true), text)
    end
    values = { SITE = "s/1", Q = "a&b" }
    theirs, ours = compare({ file, "lines", "list", "site=env:SITE", "q=env:Q" },
      { LOGIN, { status = 200, json = { items = control.array {} } } }, values, nil, values)
    assert.same(theirs, ours)
    assert.equal("/s%2F1/lines?q=a%26b", ours[2].path)
    theirs, ours = compare({ file, "lines", "get", "7", "site=env:SITE" },
      { LOGIN, { status = 200, json = { no = "7", id = "7" } } }, values, nil, values)
    assert.same(theirs, ours)
  end)

  it("needs to know JSON, groups and what no variable can stand for", function()
    for said, words in pairs {
      ["label: the environment variable NOT_SET is not set"] = { "label:=env:NOT_SET" },
      ["inside is a group"] = { "inside=env:NOT_SET" },
      ["--set: timeout: the environment variable NOT_SET is not set"] = { "--set", "timeout=env:NOT_SET" },
      ["label: env: needs the name of a variable"] = { "label=env:" },
    } do
      local list = { file, "lines", "create", "site=s" }
      for _, word in ipairs(words) do list[#list + 1] = word end
      local out, err, code = printed(list)
      assert.equal(64, code)
      assert.equal("", out)
      assert.truthy(err:find(said, 1, true), err)
    end
  end)

  it("checks no credential that is not there", function()
    local out, err, code = run.run { "call", file, "things", "get", "7", "--curl" }
    assert.equal(0, code, err)
    assert.truthy(out:find("# LUAPROV_ACME_API_KEY is not set here: set it\n", 1, true), out)
    assert.truthy(out:find([["api_key":'"$(printf %s "$LUAPROV_ACME_API_KEY" | jq -sR .)"',]], 1, true), out)
  end)

  it("says for which variant an update is, where they differ", function()
    local out, err, code = printed { file, "kinds", "update", "7", "size:=4" }
    assert.equal(0, code, err)
    assert.truthy(out:find("# this is what is sent when the record has kind = a\n", 1, true), out)
    assert.truthy(out:find([[--data-raw '{"size":"4"}']], 1, true), out)
    out, err, code = printed { file, "kinds", "update", "7", "only_a=x" }
    assert.equal(0, code, err)
    assert.is_nil(out:find("kind = ", 1, true), out)
  end)

  it("needs no credentials", function()
    local out, err, code = run.run { "call", "hubster", "hubs", "list", "--curl" }
    assert.equal(0, code, err)
    assert.truthy(out:find("# LUAPROV_HUBSTER_TOKEN is not set here: set it\n", 1, true), out)
    assert.truthy(out:find("'Authorization: Bearer '\"$LUAPROV_HUBSTER_TOKEN\"", 1, true), out)
  end)

  it("refuses what the call itself would refuse, with 1", function()
    for _, words in ipairs {
      { "ocamba", "integrations", "create", "name=n", "provider_id=1004", "settings.api_key=pass-0000" },
      { "hubster", "integrations", "update", "7", "configuration.authToken=pass-0000" },
      { file, "things", "create", "path=pass-0000-is-too-long" },
      { file, "things", "get", "7", "path=pass-0000" },
    } do
      local out, err, code = printed(words)
      assert.equal(1, code)
      assert.equal("", out)
      assert.truthy(err:find("invalid: ", 1, true) or err:find("unsupported: ", 1, true), err)
      assert.is_nil(err:find("caught", 1, true), err)
      assert.is_nil(err:find("no field of this variant", 1, true), err)
    end
  end)
end)
