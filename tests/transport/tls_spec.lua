-- Trust, client certificates and versions of TLS, against nginx.
local certificates = require "tests.transport.certificates"
local client = require "luaprov.provider.client"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local servers = require "tests.transport.servers"
local support = require "tests.support"

local ACME = support.provider('text "name" {},' .. support.operations)

describe("TLS", function()
  local files, nginx

  setup(function()
    files = certificates.make()
    nginx = servers.nginx({ "good", "expired", "wrong", "client", "optional", "optional_h2", "tls11", "tls12", "tls13",
                            "h2" }, files)
  end)
  teardown(function()
    if nginx then nginx:stop() end
    support.clean()
  end)

  local function open(name, options, host)
    local given = { token = "tok-acme-0000", base_url = nginx:url(name, host), ca_file = files.ca, proxy = false,
                    attempts = 1 }
    for key, value in pairs(options or {}) do given[key] = value end
    if given.ca_file == false then given.ca_file = nil end
    return assert(client.new(support.description(ACME), given))
  end

  local function get(name, options, host) return open(name, options, host).things:get "7" end

  local function place(name, host) return (nginx:url(name, host):gsub("^https://", "")) end

  local function refused(has, name, options, host)
    local record, err = get(name, options, host)
    support.is_error({ kind = "tls", outcome = "not_sent", operation = "get", has = has }, err, record)
    return err
  end

  it("trusts the authorities of ca_file", function()
    assert.equal("7", assert(get "good").id)
    assert.equal("7", assert(get("good", nil, "localhost")).id)
  end)

  it("trusts no others beside them, and not those of ca_file without it", function()
    refused({ place "good", "unable to get local issuer certificate" }, "good", { ca_file = files.stranger_ca })
    refused({ place "good", "unable to get local issuer certificate" }, "good", { ca_file = false })
  end)

  it("refuses a certificate that has expired, is for another name, or not to be had by TLS 1.2", function()
    refused({ place "expired", "certificate has expired" }, "expired")
    refused({ place "wrong", "no alternative certificate subject name matches target host name '127.0.0.1'" }, "wrong")
    refused({ place("wrong", "localhost"), "'localhost'" }, "wrong", nil, "localhost")
    refused({ place "tls11", "protocol version" }, "tls11")
    refused({ place "tls11", "protocol version" }, "tls11", { insecure = true })
  end)

  it("refuses them for a create and for a token request too", function()
    local record, err = open("expired").things:create { name = "x" }
    support.is_error({ kind = "tls", outcome = "not_sent", operation = "create" }, err, record)
    local text = support.provider(support.operations, [[auth = token_request { url = "{base_url}/token", token = "id",
      secret "key" { required = true } }]])
    local function with(options)
      options.base_url, options.key, options.proxy = nginx:url "expired", "key-0000", false
      return assert(client.new(support.description(text), options)).things:get "7"
    end
    record, err = with { ca_file = files.ca }
    support.is_error({ kind = "tls", outcome = "not_sent", has = { "no token: ", "certificate has expired" } }, err,
      record)
    assert.equal("7", assert(with { insecure = true }).id)
  end)

  it("speaks TLS 1.2 and 1.3", function()
    assert.equal("TLSv1.2", assert(get "tls12").tls)
    assert.equal("TLSv1.3", assert(get "tls13").tls)
  end)

  it("speaks HTTP/2 where the server does", function()
    for name, version in pairs { h2 = 20, good = 11 } do
      local response = assert(http.exchange { method = "GET", url = nginx:url(name) .. "/x", deadline = http.now() + 20,
                                              transport = { ca_file = files.ca, proxy = false, about = "x" } })
      assert.equal(version, response.http)
    end
    assert.equal("HTTP/2.0", assert(get "h2").protocol)
  end)

  describe("client certificates", function()
    local own

    setup(function() own = { client_certificate = files.client, client_key = files.client_key } end)

    it("are shown, from two files, from one, and with a password", function()
      assert.equal("CN=client", assert(get("client", own)).who)
      assert.equal("CN=client", assert(get("client", { client_certificate = files.client_whole })).who)
      local locked = { client_certificate = files.client, client_key = files.client_locked }
      for _, password in ipairs { "open sesame", luaprov.secret "open sesame" } do
        locked.client_key_password = password
        assert.equal("CN=client", assert(get("client", locked)).who)
      end
    end)

    it("are missed where they are asked for", function()
      local record, err = get "client"
      support.is_error({ kind = "invalid", outcome = "refused", status = 400,
                         has = "No required SSL certificate was sent" }, err, record)
      record, err = get("client", { client_certificate = files.stranger, client_key = files.stranger_key })
      support.is_error({ outcome = "refused", status = 400, has = "The SSL certificate error" }, err, record)
    end)

    local function hides_keys(err)
      for _, name in ipairs { "client_key", "client_locked", "other_key" } do
        assert.is_nil(support.shown(err):find(files[name], 1, true), support.shown(err))
      end
      assert.is_nil(support.shown(err):find("sesame", 1, true))
    end

    it("whose key is not theirs, or locked, are refused, also after the right one", function()
      local other = { client_certificate = files.client, client_key = files.other_key }
      local locked = { client_certificate = files.client, client_key = files.client_locked }
      for _ = 1, 2 do
        hides_keys(refused({ files.client, "the private key", "another certificate's" }, "client", other))
        locked.client_key_password = nil
        hides_keys(refused({ files.client, "the private key", "another password" }, "client", locked))
        locked.client_key_password = "open barley"
        hides_keys(refused({ files.client, "the private key", "another password" }, "client", locked))
        locked.client_key_password = "open sesame"
        assert.equal("CN=client", assert(get("client", locked)).who)
        assert.equal("CN=client", assert(get("client", own)).who)
      end
    end)

    it("that are gone or broken by the time of the call are named, and their keys are not", function()
      local folder = support.folder()
      local function copy(name, from)
        assert(os.execute(("cp %s %s/%s"):format(from, folder, name)))
        return folder .. "/" .. name
      end
      local ca = copy("ca", files.ca)
      local certificate, key = copy("certificate", files.client), copy("key", files.client_key)
      local first = open("client", { ca_file = ca })
      os.remove(ca)
      local record, err = first.things:get "7"
      support.is_error({ kind = "tls", outcome = "not_sent", has = "the CA file " .. ca .. " cannot be read" }, err,
        record)
      first = open("client", { ca_file = copy("broken", files.garbage) })
      record, err = first.things:get "7"
      support.is_error({ kind = "tls", outcome = "not_sent", has = "the CA file " .. folder .. "/broken" }, err, record)
      first = open("client", { client_certificate = certificate, client_key = key })
      os.remove(key)
      record, err = first.things:get "7"
      support.is_error({ kind = "tls", outcome = "not_sent", has = { "the private key", certificate } }, err, record)
      assert.is_nil(tostring(err):find(key, 1, true))
      copy("key", files.client_key)
      os.remove(certificate)
      record, err = first.things:get "7"
      support.is_error({ kind = "tls", outcome = "not_sent",
                         has = "the client certificate " .. certificate .. " cannot be read" }, err, record)
      copy("certificate", files.client)
      assert.equal("CN=client", assert(first.things:get "7").who)
    end)
  end)

  describe("of several clients", function()
    -- Who every client was to the server, in 40 calls of each, in turn and at once.
    local function mix(name, clients)
      local calls, seen = {}, {}
      for i = 1, 40 * #clients do calls[i] = (i - 1) % #clients + 1 end
      local function call(number)
        local record = assert(clients[number].things:get "7")
        return record.verify .. " " .. record.who
      end
      for round, concurrency in ipairs { 1, 16 } do
        local results, errors = luaprov.map(calls, call, { concurrency = concurrency })
        assert.same({}, errors)
        for i, result in ipairs(results) do
          seen[calls[i]] = seen[calls[i]] or result
          assert.equal(seen[calls[i]], result, name .. ", round " .. round)
        end
      end
      return seen
    end

    it("never mixes their certificates", function()
      for _, name in ipairs { "optional", "optional_h2" } do
        local clients = {
          open(name, { client_certificate = files.client, client_key = files.client_key }), open(name),
          open(name, { client_certificate = files.other, client_key = files.other_key }),
          open(name, { client_certificate = files.client_whole }), open(name, { insecure = true }),
        }
        assert.same({ "SUCCESS CN=client", "NONE ", "SUCCESS CN=other", "SUCCESS CN=client", "NONE " },
          mix(name, clients))
      end
    end)

    it("never lets one trust what only another does", function()
      for _ = 1, 3 do
        for _, name in ipairs { "expired", "wrong", "good" } do
          assert.equal("7", assert(get(name, { insecure = true })).id)
          if name ~= "good" then refused(place(name), name) end
          refused(place(name), name, { ca_file = files.stranger_ca })
          refused(place(name), name, { ca_file = false })
        end
        assert.equal("7", assert(get "good").id)
      end
    end)

    it("keeps the connections of each", function()
      local one, other = open "good", open("good", { insecure = true })
      local first, second = assert(one.things:get "7").connection, assert(other.things:get "7").connection
      assert.are_not.equal(first, second)
      for _ = 1, 3 do
        assert.equal(first, assert(one.things:get "7").connection)
        assert.equal(second, assert(other.things:get "7").connection)
      end
      assert.equal(first, assert(get "good").connection, "two clients with the same settings share connections")
    end)

    it("drops the connections of settings that nobody uses any more", function()
      local folder = support.folder()
      local first = assert(get "good").connection
      for i = 1, 80 do
        assert(os.execute(("cp %s %s/%d"):format(files.ca, folder, i)))
        assert.equal("7", assert(get("good", { ca_file = folder .. "/" .. i })).id)
      end
      assert.are_not.equal(first, assert(get "good").connection)
    end)
  end)
end)
