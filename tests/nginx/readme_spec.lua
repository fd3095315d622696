-- README.md's nginx.conf, as it stands but for where things lie.
local json = require "luaprov.json"
local process = require "tests.sandbox.process"
local support = require "tests.support"
local worker = require "tests.nginx.worker"

describe("README.md's nginx.conf #nginx", function()
  local box, nginx, page

  setup(function()
    box = process.start "ocamba"
    page = worker.at(worker.free_port())
    local build = os.getenv "LUAPROV_BUILD" or "build"
    local folder = support.folder()
    local conf = assert(support.read("README.md"):match("\n```nginx\n(.-)```"))
    local count
    conf, count = conf:gsub("listen 8080;", "listen 127.0.0.1:" .. page.port .. ";")
    assert.equal(1, count)
    conf, count = conf:gsub("\nhttp {", ([[%%0
      access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
      scgi_temp_path s;
      lua_package_path "%s/share/lua/5.1/?.lua;%s/share/lua/5.1/?/init.lua;;";
      lua_package_cpath "%s/lib/lua/5.1/?.so;;";]]):format(build, build, build))
    assert.equal(1, count)
    local file = assert(io.open(folder .. "/nginx.conf", "w"))
    -- Who is root need not let others read this checkout.
    if worker.is_root() then file:write "user root;\n" end
    file:write("daemon off; pid nginx.pid; error_log stderr; env LUAPROV_OCAMBA_BASE_URL;\n", conf)
    file:close()
    -- The shell waits for the end of its standard input, which comes when this process is gone.
    nginx = assert(io.popen(("cd %s; env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH LUAPROV_OCAMBA_TOKEN=sandbox-token "
      .. "LUAPROV_OCAMBA_BASE_URL=%s nginx -p %s -c nginx.conf >/dev/null 2>&1 & pid=$!\nread -r end; kill $pid; "
      .. "wait $pid"):format(folder, box.exports.LUAPROV_OCAMBA_BASE_URL, folder), "w"))
    worker.eventually("nginx starts", function()
      return pcall(function() return assert(page:get "/") end)
    end)
  end)

  teardown(function()
    if nginx then nginx:close() end
    if box then box:stop() end
    support.clean()
  end)

  it("lists what the vendor has", function()
    local text, status = page:get "/integrations"
    assert.equal(200, status, text)
    assert.same({}, json.decode(text))
  end)
end)
