-- IPv6 and gzip, against nginx.
local certificates = require "tests.transport.certificates"
local http = require "luaprov.http"
local servers = require "tests.transport.servers"
local support = require "tests.support"

local SIZE = 64 * 1024 * 1024

describe("nginx", function()
  local files, nginx, has_ipv6

  setup(function()
    files = certificates.make()
    has_ipv6 = servers.has_ipv6()
    local names = { "plain", "h2" }
    if has_ipv6 then names[3], names[4] = "plain_v6", "good_v6" end
    nginx = servers.nginx(names, files)
    assert(os.execute(("mkdir %s/files && truncate -s %d %s/files/zeros"):format(nginx.folder, SIZE, nginx.folder)))
  end)
  teardown(function()
    if nginx then nginx:stop() end
    support.clean()
  end)

  local function exchange(name, fields, path)
    local request = { method = "GET", url = nginx:url(name) .. (path or "/x"), deadline = http.now() + 20,
                      transport = { ca_file = files.ca, proxy = false, about = "x" } }
    for key, value in pairs(fields or {}) do request[key] = value end
    return http.exchange(request)
  end

  it("is reached by IPv6, with TLS and without", function()
    if not has_ipv6 then return pending "there is no IPv6 here" end
    for _, name in ipairs { "plain_v6", "good_v6" } do
      assert.equal(200, assert(exchange(name)).status)
      assert.equal(200, assert(exchange(name)).status)
    end
  end)

  it("may send gzip, and no bomb of it", function()
    for _, name in ipairs { "plain", "h2" } do
      local response, err, part = exchange(name, { limit = 1024 * 1024 }, "/files/zeros")
      support.is_error({ kind = "too_large", status = 200, outcome = "unknown" }, err, response)
      assert.equal("gzip", part.headers["content-encoding"])
      assert.is_true(#part.body <= 1024 * 1024)
    end
    local response = assert(exchange("plain", { limit = SIZE }, "/files/zeros"))
    assert.equal(SIZE, #response.body)
    assert.equal("gzip", response.headers["content-encoding"])
  end)
end)
