-- examples/nginx, started by its one command.
local json = require "luaprov.json"
local worker = require "tests.nginx.worker"

describe("the gateway #nginx", function()
  local process, gateway

  setup(function()
    gateway = worker.at(worker.free_port())
    -- The shell waits for the end of its standard input, which comes when this process is gone.
    process = assert(io.popen(("env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH BUILD=%s examples/nginx/run.sh %d "
      .. ">/dev/null 2>&1 & pid=$!\nread -r end; kill $pid; wait $pid"):format(
        os.getenv "LUAPROV_BUILD" or "build", gateway.port), "w"))
    worker.eventually("the gateway starts", function()
      return pcall(function() return assert(gateway:get "/v1/") end)
    end)
  end)

  teardown(function() process:close() end)

  local function call(method, path, body, authorization)
    local text, status, head = gateway:send("/v1/" .. path, body, {
      method = method, authorization = authorization or "bearer key-of-tenant-one",
    }):read()
    local kind = head:match "[Cc]ontent%-[Tt]ype: (%S+)"
    return text ~= "" and json.decode(text) or nil, status, kind
  end

  it("creates, lists, reads, changes and removes at every vendor that lets one", function()
    for path, fields in pairs {
      ["hubster/hubs"] = { name = "Sales", description = "Second floor" },
      ["ocamba/integrations"] = { name = "Sales", provider_id = "1004", status = "active",
        settings = { api_key = "k-0000", sender_name = "Sales" } },
    } do
      local record, status = call("POST", path, json.encode(fields))
      assert.equal(201, status)
      assert.equal("Sales", record.name)
      local id = tostring(record.id)
      local all
      all, status = call("GET", path)
      assert.equal(200, status)
      assert.equal(1, #all)
      assert.equal("Sales", (call("GET", path .. "/" .. id)).name)
      record, status = call("PATCH", path .. "/" .. id, '{"name":"Sales 2"}')
      assert.equal(200, status)
      assert.equal("Sales 2", record.name)
      assert.equal(204, (select(2, call("DELETE", path .. "/" .. id))))
      local problem, gone, kind = call("GET", path .. "/" .. id)
      assert.equal(404, gone)
      assert.equal("application/problem+json", kind)
      assert.equal("refused", problem.outcome)
    end
  end)

  it("says what is wrong as a problem", function()
    for _, case in ipairs {
      { 401, "GET", "hubster/hubs", nil, "Bearer key-of-tenant-onf" },
      { 401, "GET", "hubster/hubs", nil, "" },
      { 401, "GET", "hubster/hubs", nil, "Basic key-of-tenant-one" },
      { 404, "GET", "clients/hubs" }, { 404, "GET", "hubster/state" }, { 404, "GET", "hubster/nothing" },
      { 404, "GET", "acme/things" }, { 404, "GET", "hubster" },
      { 400, "POST", "hubster/hubs", "no JSON" }, { 422, "POST", "hubster/hubs", "{}" },
      { 405, "PUT", "hubster/hubs", "{}" }, { 413, "POST", "hubster/hubs", ("x"):rep(70000) },
    } do
      local problem, status, kind = call(case[2], case[3], case[4], case[5])
      assert.equal(case[1], status)
      assert.equal("application/problem+json", kind)
      assert.equal(case[1], problem.status)
    end
    local problem = call("POST", "hubster/hubs", "{}")
    assert.equal("invalid", problem.kind)
    assert.equal("not_sent", problem.outcome)
  end)
end)
