-- What `make demo` runs: every documented connection of every vendor, against a sandbox in a process of its own, by the
-- script that users read; once with the interpreter, once with plain lua5.4.
local build = (os.getenv("LUAPROV_BUILD") or "build")

-- The issue's table: vendor, resource, variants, operations.
local ALL = { "create", "get", "list", "update", "delete" }
local KEPT = { "create", "get", "list", "update" }
local ROWS = {
  { "onebox", "connections", { "EMAIL PVD9", "EMAIL PVD7", "FCBK PVD12", "INST PVD28", "TWTR PVD10", "WHATP PVD30" },
    KEPT },
  { "ocamba", "integrations", { "1000", "1001", "1002", "1003", "1004", "1005" }, ALL },
  { "ocamba", "providers", { "-" }, { "list" } },
  { "hubster", "hubs", { "-" }, ALL },
  { "hubster", "integrations", { "TwilioSMS", "Messenger", "WebChat", "Direct", "System", "Slack" }, ALL },
  { "myreports", "pbxs", { "KazooPbxConnectionProfile", "ThreeCxConnectionProfile" }, ALL },
}

describe("the demo", function()
  it("prints a line for every call of every documented connection, no error, and how many there were", function()
    local pipe = io.popen("BUILD='" .. build .. "' lua5.4 tests/demo.lua 2>&1; echo status $?", "r")
    local output = pipe:read("*a")
    pipe:close()
    assert.truthy(output:find("status 0\n$"), output)
    local seen, lines = {}, 0
    for line in output:gmatch("[^\n]+") do
      local vendor, resource, rest = line:match("^(%S+)%s+(%S+)%s+(.+)$")
      for _, operation in ipairs(ALL) do
        local variant, result = (rest or ""):match("^(.-)%s+" .. operation .. "%s+(%S.*)$")
        if variant then
          local name = table.concat({ vendor, resource, variant, operation }, "|")
          seen[name] = seen[name] or {}
          table.insert(seen[name], result)
          lines = lines + 1
        end
      end
    end
    local expected = 0
    for _, row in ipairs(ROWS) do
      for _, variant in ipairs(row[3]) do
        for _, operation in ipairs(row[4]) do
          local name = table.concat({ row[1], row[2], variant, operation }, "|")
          expected = expected + 1
          assert.is_table(seen[name], name .. " has no line")
          assert.equal(2, #seen[name], name)
          local wanted = operation == "list" and "^[1-9]%d* records$" or "^[%w-]+$"
          for _, result in ipairs(seen[name]) do assert.truthy(result:find(wanted), name .. ": " .. result) end
        end
      end
    end
    assert.equal(2 * expected, lines)
    for _, line in ipairs { "15 to create; 0 unchanged", "15 created", "no changes; 15 unchanged", "12 deleted" } do
      assert.truthy(output:find("\n" .. line .. "\n", 1, true), line)
    end
    local _, runs = output:gsub(("\n%d calls, 0 failed\n"):format(expected), "")
    assert.equal(2, runs)
    assert.truthy(output:find("\n  [^\n]*bin/luaprov call hubster hubs create [^\n]*\nstatus 0\n$"), output)
  end)
end)
