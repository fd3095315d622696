-- Proxies: a real tinyproxy before a real nginx, and listeners that are bad proxies.
local certificates = require "tests.transport.certificates"
local client = require "luaprov.provider.client"
local control = require "tests.contract.control"
local luaprov = require "luaprov"
local servers = require "tests.transport.servers"
local support = require "tests.support"

local ACME = support.provider('text "name" {},' .. support.operations)
local PASSWORD, USER = "pass0000word", "joe:%70ass0000word@"
-- tinyproxy takes letters and digits only.
local ODD_PASSWORD, ODD_USER = "p@ss/word-0000", "joe:p%40ss%2Fword-0000@"

describe("proxies", function()
  local files, nginx, open_proxy, closed_proxy, listener, dead, held

  setup(function()
    files = certificates.make()
    nginx = servers.nginx({ "plain", "good", "h2", "expired", "optional" }, files)
    open_proxy = servers.tinyproxy()
    closed_proxy = servers.tinyproxy("BasicAuth joe " .. PASSWORD)
    listener = control.start()
    local port
    port, held = servers.closed_port()
    dead = "127.0.0.1:" .. port
  end)
  teardown(function()
    for _, server in pairs { nginx, open_proxy, closed_proxy, listener } do server:stop() end
    held:close()
    support.clean()
  end)
  before_each(function() listener:reset() end)

  local function url(proxy, credentials)
    return (proxy:url("plain"):gsub("://", "://" .. (credentials or ""):gsub("%%", "%%%%"), 1))
  end

  local function open(name, proxy, options)
    local given = { token = "tok-acme-0000", base_url = nginx:url(name), ca_file = files.ca, proxy = proxy,
                    attempts = 1 }
    for key, value in pairs(options or {}) do given[key] = value end
    return assert(client.new(support.description(ACME), given))
  end

  -- tinyproxy ends a connection of plain http after each answer and does not say so: a call that comes before that end
  -- has arrived is lost with it.
  local AGAIN = { attempts = 5 }

  local function place(server) return (server:url("plain"):gsub("^http://", "")) end

  local function hides_password(err)
    local shown = support.shown(err)
    for _, text in ipairs { PASSWORD, "%70ass", ODD_PASSWORD, "p%40ss", "joe", "am9l" } do
      assert.is_nil(shown:find(text, 1, true), shown)
    end
  end

  local function is_proxys(fields, record, err, proxy)
    local wanted = { outcome = "not_sent", kind = "network", has = { "the proxy " .. place(proxy) } }
    for name, value in pairs(fields) do
      if name == "has" then wanted.has[2] = value else wanted[name] = value end
    end
    support.is_error(wanted, err, record)
    assert.is_nil(err.status)
    hides_password(err)
  end

  it("carry https by CONNECT, HTTP/2 too, and plain http", function()
    assert.equal("HTTP/1.1", assert(open("good", url(open_proxy)).things:get "7").protocol)
    assert.equal("HTTP/2.0", assert(open("h2", url(open_proxy)).things:get "7").protocol)
    assert.truthy(assert(open("plain", url(open_proxy), AGAIN).things:get "7").via:find "tinyproxy")
    local log = open_proxy:log()
    for _, name in ipairs { "good", "h2" } do
      assert.truthy(log:find("CONNECT 127.0.0.1:" .. nginx.ports[name] .. " HTTP/1.1", 1, true), log)
    end
  end)

  it("get the credentials that they want, and the origin does not", function()
    for _, name in ipairs { "good", "plain" } do
      local record = assert(open(name, url(closed_proxy, USER), AGAIN).things:get "7")
      assert.equal("7", record.id)
      assert.equal("", record.authorization)
    end
    assert.equal("7", assert(open("good", luaprov.secret(url(closed_proxy, USER))).things:get "7").id)
  end)

  it("that refuse the credentials are told apart from the vendor", function()
    for i, credentials in ipairs { "", "joe:wrong-0000@", "joe@" } do
      local record, err = open("good", url(closed_proxy, credentials)).things:create { name = "x" }
      is_proxys({ has = i == 1 and "wants credentials" or "wants other credentials" }, record, err, closed_proxy)
      -- Of plain http the answer is one to the request itself: that nobody acted is all that is known. And tinyproxy's
      -- 401 to wrong credentials cannot be told from a vendor's.
      record, err = open("plain", url(closed_proxy, credentials)).things:create { name = "x" }
      if i == 1 then
        is_proxys({ outcome = "refused", has = "407" }, record, err, closed_proxy)
      else
        support.is_error({ outcome = "refused", kind = "unauthorized" }, err, record)
      end
    end
  end)

  it("never lend one client's credentials to another", function()
    for _ = 1, 3 do
      for _, name in ipairs { "good", "plain" } do
        assert.equal("7", assert(open(name, url(closed_proxy, USER), AGAIN).things:get "7").id)
        for _, credentials in ipairs { "", "joe:wrong-0000@" } do
          local record, err = open(name, url(closed_proxy, credentials), AGAIN).things:get "7"
          assert.is_nil(record)
          assert.truthy(tostring(err):find("40[17]"), tostring(err))
        end
        assert.equal("7", assert(open(name, false).things:get "7").id)
      end
    end
  end)

  it("and direct ways are never mixed", function()
    local direct, through = open("plain", false), open("plain", url(open_proxy), AGAIN)
    for _ = 1, 5 do
      assert.equal("", assert(direct.things:get "7").via)
      assert.truthy(assert(through.things:get "7").via:find "tinyproxy")
    end
    local shown = open("optional", url(open_proxy), { client_certificate = files.client_whole })
    local hidden = open("optional", url(open_proxy))
    for _ = 1, 5 do
      assert.equal("CN=client", assert(shown.things:get "7").who)
      assert.equal("", assert(hidden.things:get "7").who)
    end
  end)

  it("are not blamed for the certificate behind them", function()
    local record, err = open("expired", url(open_proxy)).things:get "7"
    support.is_error({ kind = "tls", outcome = "not_sent",
                       has = nginx:url("expired"):gsub("https://", "") .. ": SSL certificate problem" }, err, record)
    assert.is_nil(tostring(err):find(place(open_proxy), 1, true), tostring(err))
  end)

  it("that are not there are named", function()
    for _, name in ipairs { "good", "plain" } do
      local record, err = open(name, "http://" .. USER .. dead).things:create { name = "x" }
      support.is_error({ kind = "network", outcome = "not_sent",
                         has = { "the proxy " .. dead, "Failed to connect" } }, err, record)
      hides_password(err)
      record, err = open(name, "http://" .. USER .. "proxy.invalid:3128").things:create { name = "x" }
      support.is_error({ kind = "network", outcome = "not_sent",
                         has = { "the proxy proxy.invalid:3128", "resolve proxy" } }, err, record)
      hides_password(err)
    end
  end)

  it("that say no to CONNECT, or nothing, or half of it, are told, and nothing was sent", function()
    local proxy = listener.url:gsub("://", "://" .. ODD_USER:gsub("%%", "%%%%"))
    local blamed = { url = function() return listener.url end }
    for answer, has in pairs {
      [{ status = 403, text = "joe may not" }] = "answered 403 to CONNECT",
      [{ status = 407, text = "" }] = "wants other credentials",
      [{ status = 502, text = "no such host" }] = "answered 502 to CONNECT",
      [{ status = 503, text = "", headers = { ["Retry-After"] = "1" } }] = "answered 503 to CONNECT",
      [{ close = true }] = "Proxy CONNECT aborted", [{ reset = true }] = "the proxy",
      [{ raw = "HTTP/1.1 20" }] = "Proxy CONNECT aborted",
    } do
      listener:script(answer)
      local record, err = open("good", proxy).things:create { name = "x" }
      is_proxys({ has = has }, record, err, blamed)
      local asked = listener:requests(1)
      assert.equal("CONNECT", asked[1].method)
      assert.is_nil(asked[1].headers.authorization, "the vendor's token went to the proxy")
      assert.equal("Basic am9lOnBAc3Mvd29yZC0wMDAw", asked[1].headers["proxy-authorization"])
      listener:reset()
    end
    listener:script { status = 200, text = "", hold = true }
    local record, err = open("good", proxy, { timeout = 0.3 }).things:create { name = "x" }
    is_proxys({ kind = "timeout" }, record, err, blamed)
  end)

  it("that had an answer before are named for what is wrong now", function()
    local record, err = open("good", url(closed_proxy)).things:get "7"
    is_proxys({ has = "407" }, record, err, closed_proxy)
    record, err = open("good", "http://" .. dead).things:get "7"
    support.is_error({ kind = "network", has = "the proxy " .. dead .. ": Failed to connect" }, err, record)
  end)

  it("of plain http that lose the request leave its outcome unknown", function()
    for _, answer in ipairs { { close = true }, { reset = true }, { raw = "HTTP/1.1 20" },
                              { raw = "HTTP/1.1 200 OK\r\n" } } do
      listener:script(answer)
      local record, err = open("plain", listener.url).things:create { name = "x" }
      support.is_error({ outcome = "unknown", has = "through the proxy " .. listener.url:sub(8) }, err, record)
      assert.equal(nginx:url("plain") .. "/things", listener:requests(1)[1].path)
      listener:reset()
    end
    for status, outcome in pairs { [403] = "refused", [502] = "unknown", [504] = "unknown" } do
      listener:script { status = status, text = "no" }
      local record, err = open("plain", listener.url).things:create { name = "x" }
      support.is_error({ outcome = outcome, status = status }, err, record)
    end
  end)

  it("do not show their password where they send it back", function()
    local message = "you are joe:" .. ODD_PASSWORD .. " or am9lOnBAc3Mvd29yZC0wMDAw"
    listener:script { status = 400, json = { message = message } }
    local record, err = open("plain", (listener.url:gsub("://", "://" .. ODD_USER:gsub("%%", "%%%%")))).things:get "7"
    support.is_error({ status = 400 }, err, record)
    hides_password(err)
  end)

  describe("in the environment", function()
    local file

    setup(function() file = support.file("acme.lua", ACME) end)

    -- What two calls, to nginx's plain and good server, came to in a process with that environment.
    local function child(environment, options)
      environment.LUAPROV_ACME_TOKEN, environment.LUAPROV_ACME_CA_FILE = "tok-acme-0000", files.ca
      environment.LUAPROV_ACME_ATTEMPTS = "1"
      for _, name in ipairs { "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
                              "ALL_PROXY", "NO_PROXY" } do
        environment[name] = environment[name] or ""
      end
      return support.child(([[
        local luaprov = require "luaprov"
        for _, url in ipairs { %q, %q } do
          local client = assert(luaprov.client(%q, { base_url = url, %s }))
          local record, err = client.things:get "7"
          print(record and (record.via ~= "" and "via" or "direct") or err)
        end]]):format(nginx:url("plain"), nginx:url("good"), file, options or ""), environment)
    end

    local function tunnels() return select(2, open_proxy:log():gsub("CONNECT 127", "")) end

    it("are used as curl uses them", function()
      local proxy, before = url(open_proxy), tunnels()
      assert.equal("via\ndirect", child { http_proxy = proxy })
      assert.equal("direct\ndirect", child { HTTP_PROXY = proxy })
      assert.equal("direct\ndirect", child { no_proxy = "127.0.0.1", http_proxy = proxy, https_proxy = proxy })
      assert.equal("direct\ndirect", child { NO_PROXY = "*", all_proxy = proxy })
      assert.equal(before, tunnels())
      assert.equal("direct\ndirect", child { https_proxy = proxy })
      assert.equal("direct\ndirect", child { HTTPS_PROXY = proxy })
      assert.equal("via\ndirect", child { ALL_PROXY = proxy, no_proxy = "127.0.0.2" })
      assert.equal(before + 3, tunnels())
    end)

    it("give way to the option, and to its variable", function()
      local proxy, before = url(open_proxy), tunnels()
      for _, none in ipairs { "proxy = false", 'proxy = ""' } do
        assert.equal("direct\ndirect", child({ all_proxy = "http://" .. dead }, none))
      end
      assert.equal("direct\ndirect", child { all_proxy = "http://" .. dead, LUAPROV_ACME_PROXY = "false" })
      assert.equal(before, tunnels())
      local dead_url, option = "http://" .. dead, ("proxy = %q"):format(proxy)
      assert.equal("via\ndirect", child({ all_proxy = dead_url, no_proxy = "*" }, option))
      assert.equal("via\ndirect", child { all_proxy = "http://" .. dead, LUAPROV_ACME_PROXY = proxy })
      assert.equal(before + 2, tunnels())
    end)

    it("are named without their credentials", function()
      for _, proxy in ipairs { "http://joe:pass-0000@" .. dead, "joe:pass-0000@" .. dead,
                               "ftp://joe:pass-0000@" .. dead } do
        local output = child { all_proxy = proxy }
        local count = 0
        for line in output:gmatch("[^\n]+") do
          count = count + 1
          assert.truthy(line:find("^acme things get: network: the proxy .*%d: "), line)
          assert.is_nil(line:find("pass-0000", 1, true) or line:find("joe", 1, true), line)
        end
        assert.equal(2, count)
      end
    end)

    it("that cannot be read are not named at all", function()
      for _, proxy in ipairs { "http://joe:pass#0000@" .. dead, "http://joe:pass/0000@" .. dead,
                               "http://joe:pass-0000", "http://joe:pass-0000@", "http://joe:pass-0000@[x:1",
                               "joe:pass-0000@127.0.0.1:99999" } do
        local output = child { all_proxy = proxy }
        local _, count = output:gsub("acme things get: network: the proxy's URL cannot be read: it must be http", "")
        assert.equal(2, count, output)
        for _, text in ipairs { "pass%-?0000", "pass#", "pass/", "joe", "99999", "%[x" } do
          assert.is_nil(output:find(text), output)
        end
      end
    end)

    it("do not show their password where they send it back", function()
      local places = { "http_proxy", "all_proxy", "ALL_PROXY" }
      for _, name in ipairs(places) do
        local message = "you are joe:" .. ODD_PASSWORD .. " or p%40ss%2Fword-0000 or Basic am9lOnBAc3Mvd29yZC0wMDAw"
        listener:script { status = 502, json = { message = message } }
        local output = support.child(([[
          local luaprov = require "luaprov"
          local client = assert(luaprov.client(%q, { base_url = %q, token = "tok-acme-0000", attempts = 1 }))
          local err = select(2, client.things:get "7")
          print(err, luaprov.json.encode(err.details))]]):format(file, nginx:url("plain")), {
            http_proxy = "", all_proxy = "", ALL_PROXY = "", no_proxy = "", NO_PROXY = "",
            [name] = (listener.url:gsub("://", "://" .. ODD_USER:gsub("%%", "%%%%"))),
          })
        assert.truthy(output:find("you are <secret> or <secret> or Basic <secret>", 1, true), output)
        for _, text in ipairs { ODD_PASSWORD, "p%40ss", "am9l", "joe" } do
          assert.is_nil(output:find(text, 1, true), output)
        end
        listener:reset()
      end
    end)

    it("do not switch verification off, nor does anything of curl's", function()
      local home = support.file(".curlrc", "insecure\n"):match("^(.*)/")
      local output = child({ CURL_CA_BUNDLE = files.ca, SSL_CERT_FILE = files.ca, CURL_INSECURE = "1", HOME = home,
                             INSECURE = "true", LUAPROV_INSECURE = "true" }, ("ca_file = %q"):format(files.stranger_ca))
      assert.truthy(output:find("^direct\nacme things get: tls: "), output)
    end)
  end)
end)
