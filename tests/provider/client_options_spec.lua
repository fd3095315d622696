local client_options = require "luaprov.provider.client_options"
local control = require "tests.contract.control"
local luaprov = require "luaprov"
local support = require "tests.support"

local text = support.provider('text "name" {},' .. support.operations, [[
  auth = { bearer "token",
           token_request { url = "{login_url}/token", token = "t", text "client_id" { required = true },
                           secret "client_secret" { required = true }, text "scope" { default = "all" } } },
  url "login_url" { default = "https://login.invalid" }, choice "mode" { values = { "a", "b" } },
  boolean "loud" {}, integer "size" { max = 10 }
]])

local function open(given)
  return require("luaprov.provider.client").new(support.description(text), given)
end

describe("a client's options", function()
  local file

  setup(function() file = support.file("acme-one.lua", text) end)
  teardown(support.clean)

  -- Runs a Lua text with `client, err` of `options` in a process with an environment.
  local function child(options, environment, script)
    return support.child(("local luaprov = require 'luaprov'\nlocal client, err = luaprov.client(%q, %s)\n%s")
      :format(file, options, script), environment)
  end

  it("are refused all at once, each with its path", function()
    local client, err = open { token = 5, base_url = "nowhere", timeout = 0, connect_timeout = "x", mode = "c",
                               size = 11,
                               response_limit = 0, tokne = "x" }
    support.is_error({ kind = "invalid", outcome = "not_sent", provider = "acme", has = {
      "base_url must be a URL", "connect_timeout must be a number of seconds above zero",
      "mode must be one of a, b", "response_limit is less than 1", "size is more than 10",
      "timeout must be a number of seconds above zero", "token must be a secret or text, not a number",
      "tokne is unknown (did you mean 'token'?)" } }, err, client)
    assert.equal(8, #err.details)
  end)

  it("name the credentials that are missing, and their variables", function()
    local client, err = open {}
    support.is_error({ kind = "invalid", has = "missing credentials: give the option or the environment variable: "
      .. "token (LUAPROV_ACME_TOKEN), or client_id (LUAPROV_ACME_CLIENT_ID) and "
      .. "client_secret (LUAPROV_ACME_CLIENT_SECRET)" },
      err, client)
    client, err = open { client_id = "x" }
    support.is_error({ has = "token (LUAPROV_ACME_TOKEN), or client_secret (LUAPROV_ACME_CLIENT_SECRET)" }, err, client)
  end)

  it("take a credential as text and as a secret of any source", function()
    local path = support.file("key", "tok-file-0000\n")
    local listener = control.start()
    for value, token in pairs { ["tok-0000"] = "tok-0000", ["tok-1111"] = luaprov.secret "tok-1111",
                                ["tok-file-0000"] = luaprov.secret.file(path),
                                [os.getenv "PATH"] = luaprov.secret.env "PATH" } do
      listener:reset()
      listener:script { status = 200, json = { id = "7" } }
      assert(assert(open { token = token, base_url = listener.url }).things:get "7")
      assert.equal("Bearer " .. value, listener:requests(1)[1].headers.authorization)
    end
    listener:stop()
  end)

  it("tell why a credential cannot be opened", function()
    for why, token in pairs {
      ["token cannot be opened: environment variable LUAPROV_SURELY_NOT_SET is not set"] =
        luaprov.secret.env "LUAPROV_SURELY_NOT_SET",
      ["token cannot be opened: cannot read the secret's file: /nowhere/key: No such file"] =
        luaprov.secret.file "/nowhere/key",
      ["token is empty"] = "",
      ["token is empty "] = luaprov.secret "",
    } do
      local client, err = open { token = token }
      support.is_error({ kind = "invalid", outcome = "not_sent", has = why:gsub(" $", "") }, err, client)
    end
  end)

  it("tell it at the call too, when a source is gone by then", function()
    local path = support.file("key", "tok-file-0000\n")
    local client = assert(open { token = luaprov.secret.file(path), base_url = "http://127.0.0.1:9" })
    os.remove(path)
    local record, err = client.things:get "7"
    support.is_error({ kind = "invalid", outcome = "not_sent", operation = "get",
                       has = "cannot be opened: cannot read the secret's file" }, err, record)
  end)

  it("refuse a token with a line end in it before it is sent, and do not show it", function()
    local client = assert(open { token = "tok-0000\r\nX-Evil: 1", base_url = "http://127.0.0.1:9" })
    local record, err = client.things:get "7"
    support.is_error({ kind = "invalid", outcome = "not_sent" }, err, record)
    assert.is_nil(support.shown(err):find("tok-0000", 1, true))
  end)

  it("come from the environment", function()
    local listener = control.start()
    local environment = {
      LUAPROV_ACME_ONE_TOKEN = "tok-env-0000", LUAPROV_ACME_ONE_BASE_URL = listener.url .. "/v1/",
      LUAPROV_ACME_ONE_TIMEOUT = "20", LUAPROV_ACME_ONE_LOUD = "yes", LUAPROV_ACME_ONE_SIZE = "5",
      LUAPROV_ACME_ONE_MODE = "b",
    }
    listener:script { { status = 200, json = { id = "7" } }, { status = 200, json = { id = "8" } } }
    assert.equal("7", child("nil", environment, "print(assert(assert(client, err).things:get '7').id)"))
    assert.equal("8", child("{ token = 'tok-table-0000' }", environment, "print(assert(client.things:get '8').id)"))
    local requests = listener:requests(2)
    assert.equal("/v1/things/7", requests[1].path)
    assert.equal("Bearer tok-env-0000", requests[1].headers.authorization)
    assert.equal("Bearer tok-table-0000", requests[2].headers.authorization)
    listener:stop()
  end)

  it("from the environment are checked as those of the table", function()
    local output = child("nil", {
      LUAPROV_ACME_ONE_TOKEN = "tok-env-0000", LUAPROV_ACME_ONE_TIMEOUT = "soon", LUAPROV_ACME_ONE_LOUD = "perhaps",
      LUAPROV_ACME_ONE_SIZE = "11", LUAPROV_ACME_ONE_MODE = "c", LUAPROV_ACME_ONE_BASE_URL = "ftp://x",
    }, "print(client, err)")
    for _, words in ipairs { "nil\t", "timeout must be a number", "loud must be true or false", "size is more than 10",
                             "mode must be one of a, b", "base_url must be a URL" } do
      assert(output:find(words, 1, true), output)
    end
    assert.is_nil(output:find("tok-env-0000", 1, true))
  end)

  it("that are empty in the environment are absent", function()
    local output = child("nil", { LUAPROV_ACME_ONE_TOKEN = "" }, "print(client, err)")
    assert(output:find("token (LUAPROV_ACME_ONE_TOKEN)", 1, true), output)
  end)

  it("in the table go before those of the environment in choosing the credentials", function()
    local listener = control.start()
    local environment = { LUAPROV_ACME_ONE_TOKEN = "tok-env-0000", LUAPROV_ACME_ONE_BASE_URL = listener.url,
                          LUAPROV_ACME_ONE_LOGIN_URL = listener.url, LUAPROV_ACME_ONE_CLIENT_SECRET = "cs-env-0000" }
    listener:script { { status = 200, json = { t = "tok-asked-0000" } }, { status = 200, json = { id = "7" } } }
    child("{ client_id = 'me' }", environment, "assert(client.things:get '7')")
    local requests = listener:requests(2)
    assert.equal("client_id=me&client_secret=cs-env-0000&scope=all", requests[1].body)
    assert.equal("Bearer tok-asked-0000", requests[2].headers.authorization)
    listener:stop()
  end)

  it("have variables of letters, digits and underscores", function()
    assert.equal("LUAPROV_ACME_TOKEN", client_options.variable("acme", "token"))
    assert.equal("LUAPROV_MY_OWN_2_BASE_URL", client_options.variable("my-own-2", "base_url"))
  end)

  it("fill the templates of the base URL, or must", function()
    local templated = [[ return provider { base_url = "https://{zone}.acme.invalid/{mode}/", auth = bearer "token",
      text "zone" {}, choice "mode" { values = { "a" }, default = "a" }, resource "things" { path = "/t",
        get = get {} } } ]]
    local new = require("luaprov.provider.client").new
    local description = support.description(templated)
    assert.equal("luaprov client of acme at https://eu.acme.invalid/a",
      tostring(assert(new(description, { token = "t", zone = "eu" }))))
    assert.equal("luaprov client of acme at http://x.invalid",
      tostring(assert(new(description, { token = "t", base_url = "http://x.invalid/" }))))
    local client, err = new(description, { token = "t" })
    support.is_error({ kind = "invalid", has = "zone is required (or LUAPROV_ACME_ZONE), or base_url" }, err, client)
  end)

  it("may have an IPv6 address in its URL, and no half of one", function()
    local description = support.description(support.provider(support.operations))
    local new = require("luaprov.provider.client").new
    assert(new(description, { token = "t", base_url = "http://[::1]:8080/v1" }))
    for _, url in ipairs { "http://[::1", "http://::1", "http://[::1]8080", "http://[x]" } do
      local client, err = new(description, { token = "t", base_url = url })
      support.is_error({ kind = "invalid", has = "base_url has no host, or a port that is none" }, err, client)
    end
  end)

  it("need no credentials where the provider needs none", function()
    local listener = control.start()
    local client = support.client(support.provider(support.operations, 'title = "Open"'), listener.url, {})
    listener:script { status = 200, json = { id = "7" } }
    assert(client.things:get "7")
    assert.is_nil(listener:requests(1)[1].headers.authorization)
    listener:stop()
  end)

  it("bound the whole call and the answer", function()
    local listener = control.start()
    listener:script { { status = 200, json = { id = "7" }, hold = true },
                      { status = 200, json = { id = ("x"):rep(1000) }, headers = { Connection = "close" } } }
    local record, err = assert(open { token = "t", base_url = listener.url, attempts = 1, timeout = 0.1 })
      .things:get "7"
    support.is_error({ kind = "timeout", outcome = "unknown", operation = "get" }, err, record)
    record, err = assert(open { token = "t", base_url = listener.url, attempts = 1, response_limit = 1000 })
      .things:get "7"
    support.is_error({ kind = "too_large", status = 200, operation = "get" }, err, record)
    listener:stop()
  end)
end)
