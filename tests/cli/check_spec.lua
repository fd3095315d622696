-- luaprov check: what it prints, and its exit codes. What it finds is in tests/check.
local json = require "luaprov.json"
local run = require "tests.cli.support"
local support = require "tests.support"

describe("luaprov check", function()
  after_each(support.clean)

  local function cells_of(out)
    local list = {}
    for line in out:gmatch("[^\n]+") do list[#list + 1] = assert(json.decode(line)) end
    return list
  end

  -- A create's refusal is taken for a success.
  local BROKEN = [[
    local http = require "luaprov.http"
    local real = http.exchange
    function http.exchange(request)
      local response, err, part = real(request)
      if response and response.status == 400 then
        response.status, response.body = 201, '{"id":"5","name":"x"}'
      end
      return response, err, part
    end]]

  it("prints a line of JSON a cell on a pipe, and ends with 0 when all hold", function()
    local out, err, code = run.run { "check", "ocamba", "--only", "400" }
    assert.same({ 0, "" }, { code, err })
    local cells = cells_of(out)
    assert.equal(14, #cells)
    assert.same({
      provider = "ocamba", resource = "integrations", operation = "create", settle = false, fault = "400",
      strikes = "once", reported = "not done", found = "none", holds = true, kind = "invalid", outcome = "refused",
      status = 400, attempts = 1,
    }, cells[1])
    assert.same({ "create", true, "providers", "list" },
      { cells[3].operation, cells[3].settle, cells[14].resource, cells[14].operation })
  end)

  it("prints a table on a terminal", function()
    local out, code = run.on_terminal { "check", "ocamba", "--only", "400", "--only", "401" }
    assert.equal(0, code, out)
    local lines = {}
    for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.same({
      "integrations  create  settled  get  update  delete  list  kinds of error",
      "400           - -     - -      - -  - -     - -     - -   invalid",
      "401           - -     - -      - -  - -     - -     - -   unauthorized",
      "providers  list  kinds of error",
      "400        - -   invalid",
      "401        - -   unauthorized",
    }, { lines[1], lines[2], lines[3], lines[4], lines[5], lines[6] })
    assert.truthy(lines[7]:find("+ done, - not done, ? unknown", 1, true))
    assert.truthy(lines[8]:find("^28 cells in %d+%.%d s, all hold$"), lines[8])
  end)

  it("ends with 1 when a cell does not hold, and says what was reported and what was found", function()
    local out, err, code = run.run({ "check", "ocamba", "--only", "400" }, {}, BROKEN)
    assert.equal(1, code)
    assert.truthy(err:find("^luaprov: %d+ of 14 cells do not hold\n$"), err)
    local cell = cells_of(out)[1]
    assert.same({ false, "done", "none", "that is not so" }, { cell.holds, cell.reported, cell.found, cell.why })
    out, err, code = run.run({ "check", "ocamba", "--only", "400", "--table" }, {}, BROKEN)
    assert.same({ 1, "" }, { code, err })
    assert.truthy(out:find("\n400           %+! %+!  "), out)
    assert.truthy(out:find("\n! integrations create, 400 once: reported done, found none: that is not so\n", 1, true),
      out)
    assert.truthy(out:find(" do not hold\n$"), out)
  end)

  it("takes every fault whose name begins so, and refuses one that is none with 64", function()
    local out, _, code = run.run { "check", "ocamba", "--only", "429", "--only", "429-fewer" }
    assert.equal(0, code)
    local faults = {}
    for _, cell in ipairs(cells_of(out)) do faults[cell.fault] = (faults[cell.fault] or 0) + 1 end
    assert.same({ ["429"] = 14, ["429-fewer"] = 14, ["429-retry-after"] = 14 }, faults)
    local err
    out, err, code = run.run { "check", "ocamba", "--only", "tardy" }
    assert.same({ 64, "" }, { code, out })
    assert.truthy(err:find("luaprov: check: --only: there is no fault 'tardy'", 1, true), err)
    _, err, code = run.run { "check", "ocamba", "--only", "close" }
    assert.equal(64, code)
    assert.truthy(err:find("(did you mean 'closed'?)", 1, true), err)
  end)

  it("checks a user's own file, and one in a folder of --providers", function()
    local file, folder = support.file("acme.lua", support.provider(support.operations .. 'text "name" {},'))
    for _, words in ipairs { { "check", file }, { "check", "acme", "--providers", folder } } do
      words[#words + 1] = "--only=500"
      local out, err, code = run.run(words)
      assert.same({ 0, "" }, { code, err })
      assert.equal(60, #cells_of(out)) -- 500, 500-said and 500-said-otherwise, each acted on or not
    end
  end)

  it("reaches the sandboxes whatever proxy the environment names", function()
    local out, err, code = run.run({ "check", "ocamba", "--only", "400" }, {
      http_proxy = "http://127.0.0.1:9", LUAPROV_OCAMBA_TOKEN = "other", LUAPROV_OCAMBA_ATTEMPTS = "1" })
    assert.same({ 0, "" }, { code, err })
    assert.equal(14, #cells_of(out))
  end)

  it("refuses a provider that is none with 64, and one that cannot be checked with 1", function()
    local _, err, code = run.run { "check", "ocmba" }
    assert.equal(64, code)
    assert.truthy(err:find("(did you mean 'ocamba'?)", 1, true), err)
    _, err, code = run.run { "check" }
    assert.equal(64, code, err)
    local file = support.file("acme.lua", "return provider {\n  titel = 'x',\n}\n")
    _, err, code = run.run { "check", file }
    assert.equal(1, code)
    assert.truthy(err:find(file .. ":2:", 1, true), err)
    file = support.file("acme.lua", support.provider(support.operations
      .. 'text "name" { required = true, pattern = "^%d%d%d%d$", max = 3 },'))
    _, err, code = run.run { "check", file }
    assert.equal(1, code)
    assert.truthy(err:find("no value is known for name: give the field an example", 1, true), err)
  end)
end)
