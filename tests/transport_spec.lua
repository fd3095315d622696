-- The options themselves: what is refused when a client is made, the warning, and what the command line makes of them.
-- What they do on the wire is in tests/transport.
local certificates = require "tests.transport.certificates"
local client = require "luaprov.provider.client"
local control = require "tests.contract.control"
local luaprov = require "luaprov"
local run = require "tests.cli.support"
local servers = require "tests.transport.servers"
local support = require "tests.support"
local transport = require "luaprov.transport"

local ACME = support.provider('text "name" {},' .. support.operations)

describe("a client's transport", function()
  local files, file, dead, held

  setup(function()
    local port
    port, held = servers.closed_port()
    dead = "127.0.0.1:" .. port
    files = certificates.make()
    file = support.file("acme.lua", ACME)
  end)
  teardown(function()
    held:close()
    support.clean()
  end)

  local function open(given)
    given.token = "tok-0000"
    return client.new(support.description(ACME), given)
  end

  local function refused(given, ...)
    local made, err = open(given)
    support.is_error({ kind = "invalid", outcome = "not_sent", provider = "acme", has = { ... } }, err, made)
    assert.equal(select("#", ...), #err.details, tostring(err))
    return tostring(err)
  end

  it("takes files that are what they should be", function()
    assert(open { ca_file = files.ca, client_certificate = files.client_whole })
    assert(open { client_certificate = files.client, client_key = files.client_locked, client_key_password = "x" })
    assert(open { client_certificate = files.client_whole, client_key = files.client_key })
  end)

  it("names a file that is missing, unreadable, or something else", function()
    local gone = files.folder .. "/gone.pem"
    refused({ ca_file = gone }, "ca_file cannot be read: " .. gone .. ": No such file or directory")
    refused({ ca_file = files.folder }, "ca_file cannot be read: " .. files.folder .. ": Is a directory")
    refused({ ca_file = files.empty }, "ca_file has no PEM certificate: " .. files.empty)
    refused({ ca_file = files.client_key }, "ca_file has no PEM certificate: ")
    refused({ client_certificate = gone, ca_file = gone }, "ca_file cannot be read: " .. gone,
      "client_certificate cannot be read: " .. gone)
    refused({ client_certificate = files.client_key }, "client_certificate has no PEM certificate: ")
    refused({ ca_file = "" }, "ca_file must be the path of a PEM file")
    refused({ ca_file = luaprov.secret "x" }, "ca_file must be the path of a PEM file")
    refused({ ca_file = "a\0b" }, "ca_file must be the path of a PEM file")
  end)

  it("names no file of a key", function()
    local gone = files.folder .. "/gone.key"
    for path, why in pairs { [gone] = "client_key cannot be read: No such file or directory",
                             [files.client] = "client_key has no PEM private key" } do
      local text = refused({ client_certificate = files.client, client_key = path }, why)
      assert.is_nil(text:find(path, 1, true), text)
    end
  end)

  it("wants a key with a certificate, and a certificate with a key", function()
    refused({ client_certificate = files.client },
      "client_key is required: the file of client_certificate has no private key")
    refused({ client_key = files.client_key }, "client_certificate is required: there is a client_key")
  end)

  it("takes a proxy that is one, and shows none", function()
    for _, proxy in ipairs { "http://p:1", "http://joe:pa%40ss@p.acme.com:3128/", "HTTP://[::1]:65535", "", false,
                             luaprov.secret "http://joe:pass-0000@p:1", luaprov.secret "" } do
      local made = assert(open { proxy = proxy })
      assert.is_nil(support.shown(rawget(made, 1).transport):find("pass", 1, true))
    end
    for _, proxy in ipairs { "p:1", "http://p", "https://p:1", "socks5://p:1", "http://p:0", "http://p:65536",
                             "http://:1", "http://joe:pass-0000@p", "http://pass-0000 @p:1",
                             "http://joe:pass-0000@p:1/x", "http://joe:pass-0000@p:1\nx", 7, true, {},
                             luaprov.secret "joe:pass-0000@p:1" } do
      local text = refused({ proxy = proxy }, "proxy must be http://[user:password@]host:port")
      assert.is_nil(text:find("0000", 1, true), text)
    end
    refused({ proxy = luaprov.secret.env "LUAPROV_NOT_THERE" },
      "proxy cannot be opened: environment variable LUAPROV_NOT_THERE is not set")
  end)

  it("says how many connections there may be at once", function()
    for _, value in ipairs { 0, -1, 1.5, 100001 } do refused({ connections = value }, "connections ") end
    refused({ connections = "many" }, "connections must be ")
    local request = {}
    assert.is_true(transport.apply(rawget(assert(open { connections = 500 }), 1).transport, request))
    assert.equal(500, request.route.connections)
  end)

  describe("without verification", function()
    it("is had by true alone", function()
      for _, value in ipairs { "true", 1, 0, "yes", "", {}, luaprov.secret "true" } do
        refused({ insecure = value }, "insecure must be true or false, not a ")
      end
      assert.is_true(rawget(assert(open { insecure = true }), 1).transport.insecure)
      assert.is_falsy(rawget(assert(open { insecure = false }), 1).transport.insecure)
      assert.is_nil(rawget(assert(open {}), 1).transport)
    end)

    local SCRIPT = [[
      local luaprov = require "luaprov"
      for _ = 1, 2 do
        local client, err = luaprov.client(%q, { token = "t", base_url = "https://%s/v1", proxy = false })
        for _ = 1, 2 do if client then _, err = client.things:get "7" end end
        print(err)
      end
      local other = assert(luaprov.client(%q, { token = "t", base_url = "https://[::1]:1/v1", proxy = false }))
      other.things:get "7"]]

    local function child(value)
      return support.child(SCRIPT:format(file, dead, file), { LUAPROV_ACME_INSECURE = value,
        LUAPROV_ACME_ATTEMPTS = "1" })
    end

    it("warns once a client, and no other", function()
      local output = child "true"
      assert.equal(2, select(2, output:gsub("warning", "")), output)
      assert.truthy(output:find("luaprov: warning: client of acme at https://" .. dead .. ": insecure = true: ",
        1, true))
      assert.truthy(output:find("luaprov: warning: client of acme at https://[::1]:1: insecure = true: ", 1, true))
      for _, value in ipairs { "false", "" } do assert.is_nil(child(value):find("warning", 1, true)) end
      for _, value in ipairs { "1", "yes", "TRUE", "on" } do
        output = child(value)
        assert.truthy(output:find("insecure must be true or false", 1, true), output)
      end
    end)
  end)

  describe("on the command line", function()
    local function call(words, environment)
      local list = { "call", file, "things", "get", "7", "--set", "token=env:ACME_TOKEN", "--set",
                     "attempts=1" }
      for _, word in ipairs(words) do list[#list + 1] = word end
      local all = { ACME_TOKEN = "tok-0000", LUAPROV_ACME_BASE_URL = "https://" .. dead }
      for name, value in pairs(environment or {}) do all[name] = value end
      return run.run(list, all)
    end

    it("is given by --set", function()
      local _, err, code = call { "--set", "insecure=true", "--set", "proxy=false" }
      assert.equal(1, code)
      assert.truthy(err:find("luaprov: warning: client of acme at https://" .. dead .. ": insecure = true", 1, true),
        err)
      assert.truthy(err:find("acme things get: network: ", 1, true), err)
      _, err, code = call { "--set", "insecure=yes" }
      assert.equal(64, code)
      assert.truthy(err:find("insecure must be true or false, not a string", 1, true), err)
      _, err = call { "--set", "proxy=", "--set", "ca_file=/nowhere/x" }
      assert.truthy(err:find("ca_file cannot be read: /nowhere/x: No such file", 1, true), err)
    end)

    it("warns of a proxy's password, and does not show it", function()
      local _, err = call { "--set", "proxy=http://joe:pass-0000@" .. dead, "--verbose" }
      assert.truthy(err:find("warning: --set proxy has a secret", 1, true), err)
      assert.truthy(err:find("the proxy " .. dead .. ": ", 1, true), err)
      assert.is_nil(err:find("pass-0000", 1, true), err)
      _, err = call { "--set", "proxy=http://" .. dead }
      assert.is_nil(err:find("has a secret", 1, true), err)
    end)

    it("is in the curl command that does the same", function()
      local out, err, code = call({ "--curl", "--set", "ca_file=" .. files.ca, "--set", "insecure=true",
                                    "--set", "client_certificate=" .. files.client,
                                    "--set", "client_key=" .. files.client_locked,
                                    "--set", "client_key_password=env:KEY_PASSWORD" },
        { KEY_PASSWORD = "open sesame", LUAPROV_ACME_PROXY = "http://joe:pass-0000@p:1" })
      assert.equal(0, code, err)
      assert.equal("", err)
      assert.truthy(out:find(("curl --cacert '%s' --cert '%s' --key '%s' --pass \"$KEY_PASSWORD\" --insecure "
        .. "--noproxy '' --proxy \"$LUAPROV_ACME_PROXY\" "):format(files.ca, files.client, files.client_locked),
        1, true), out)
      assert.is_nil(out:find("0000", 1, true) or out:find("sesame", 1, true), out)
      out = call { "--curl", "--set", "proxy=false" }
      assert.truthy(out:find("curl --noproxy '*' 'https://", 1, true), out)
      out = call { "--curl", "--set", "proxy=http://p:1" }
      assert.truthy(out:find("curl --noproxy '' --proxy 'http://p:1' 'https://", 1, true), out)
      out = call { "--curl" }
      assert.truthy(out:find("curl 'https://", 1, true), out)
    end)

    it("is in the command that runs", function()
      local listener = control.start()
      local words = { "call", file, "things", "get", "7", "--curl", "--set", "proxy=env:PROXY" }
      local environment = { PROXY = listener.url:gsub("://", "://joe:pass0000@"), LUAPROV_ACME_TOKEN = "tok-0000",
                            LUAPROV_ACME_BASE_URL = "http://origin.invalid" }
      local text = run.run(words, environment)
      listener:script { status = 200, json = { id = "7" } }
      local out, err, code = run.sh(("unset LD_PRELOAD; export PROXY=%s LUAPROV_ACME_TOKEN=x\n%s"):format(
        run.quote(environment.PROXY), text))
      assert.equal(0, code, err)
      assert.truthy(out:find('"7"', 1, true), out)
      local request = listener:requests(1)[1]
      assert.equal("http://origin.invalid/things/7", request.path)
      assert.equal("Basic am9lOnBhc3MwMDAw", request.headers["proxy-authorization"])
      listener:stop()
    end)
  end)
end)
