-- The fault matrix: of every provider, and of one that nobody but its user has.
local check = require "luaprov.check"
local http = require "luaprov.http"
local load = require "luaprov.provider.load"
local luaprov = require "luaprov"
local report = require "luaprov.check.report"
local rows = require "luaprov.check.rows"
local support = require "tests.support"

-- What there is to strike, written down from the vendors' documentation.
local OPERATIONS = {
  onebox = { connections = "create get update list" },
  ocamba = { integrations = "create get update delete list", providers = "list" },
  hubster = { hubs = "create get update delete list", integrations = "create get update delete list" },
  myreports = { pbxs = "create get update delete list" },
}

-- As odd as a provider can be: parents in paths, ids in headers and of several kinds, answers without bodies, no way in
-- but by asking for a token, values that travel as text, patterns, errors read by a function, a resource without a key,
-- one without a list, and one that is only read.
local ODD = [[
return provider {
  title = "Odd", base_url = "https://{region}.odd.invalid/v{version}",
  choice "region" { required = true, values = { "eu", "us" } },
  text "version" { default = "2" },
  text "tenant" {},
  auth = token_request {
    url = "{base_url}/login", encoding = "json",
    text "user" { required = true }, secret "pass" { required = true }, token = "data.token", lifetime = 60,
  },
  limits = { { 2, per = 1 } },
  errors = {
    { read = function(answer)
        if answer:at "fine" ~= false then return nil end
        return { kind = answer.status < 300 and "rejected" or nil, message = "not fine" }
      end, body = { fine = false } },
  },

  resource "sites" {
    path = "[/tenants/{tenant}]/sites", ids = "number", settles_in = 600,
    text "label" { required = true, pattern = "^%u%l%l+ %d+$", example = "Zagreb 1" },
    group "place" { required = true, text "street" { required = true, max = 5 }, integer "level" { required = true } },
    list "tags" { required = true, min = 2, of = choice { values = { "a", "b" } } },
    text "motto" { pattern = "^[^%s]+%-%x%x%x$" },
    create = post { expect = 202, id = location, returns = "nothing" },
    get = get { record = { "site", "." } },
    update = put { sends = "whole", expect = 204, returns = "nothing" },
    delete = delete { expect = { 200, 204 } },
    list = get {},
  },
  resource "lines" {
    path = "/sites/{site}/lines", id = "line_no", key = { "site", "number" }, unique = true,
    integer "site" { path = true, required = true, fixed = true, parent = "sites" },
    text "number" { required = true, pattern = "^%+%d%d%d+$" },
    choice "kind" { required = true, fixed = true, values = { [10] = "sip", [20] = "pots" } },
    boolean "open" { required = true, sent_as = "string" },
    by "kind" { ["10"] = { secret "pin" { required = true, pattern = "^%d%d%d%d$" } },
                ["20"] = { url "hook" { required = true } } },
    create = post { record = "data.line", envelope = { data = {} } },
    get = get { record = "data.line" },
    update = patch { sends = "json_patch", record = "data.line" },
    delete = delete { envelope = { ok = true } },
    list = get { items = "lines", pages = numbered { query = "page={page}&size={size}", size = 2, total = "count" } },
  },
  resource "notes" {
    path = "/notes", key = { "text" },
    text "text" { required = true, min = 20, max = 30 },
    create = post { expect = 201 }, get = get {},
  },
  resource "hours" { path = "/hours", records = { { id = "1", day = "Mon" } }, text "day" { computed = true },
                     list = get { items = "hours" } },
}
]]

-- The cells that there must be: a text for each, from nothing but the names of the operations.
local function wanted(operations, settles)
  local all, count = {}, 0
  for resource, names in pairs(operations) do
    for name in names:gmatch("%a+") do
      for _, row in ipairs(rows) do
        for _, strikes in ipairs { "once", "always" } do
          local ways = name == "create" and settles[resource] ~= false and { false, true } or { false }
          for _, settle in ipairs(ways) do
            all[table.concat({ resource, name, row.name, strikes, tostring(settle) }, " ")] = true
            count = count + 1
          end
        end
      end
    end
  end
  return all, count
end

local function failures(cells)
  local lines = {}
  for _, cell in ipairs(cells) do
    if cell.why then lines[#lines + 1] = report.line(cell) end
  end
  return lines
end

local function assert_whole(cells, operations, settles)
  local all, count = wanted(operations, settles or {})
  assert.equal(count, #cells)
  for _, cell in ipairs(cells) do
    local key = table.concat({ cell.resource.name, cell.name, cell.row.name, cell.strikes, tostring(cell.settle) }, " ")
    assert.is_true(all[key], key)
    all[key] = nil
  end
  assert.is_nil((next(all)))
end

describe("The fault matrix", function()
  after_each(support.clean)

  it("holds for every provider", function()
    local names = {}
    for name in pairs(OPERATIONS) do names[#names + 1] = name end
    -- Beside each other: what they do is mostly to wait.
    local matrices, errors = luaprov.map(names, function(name)
      return check.run(assert(load.load(name)), { at_once = 40 })
    end)
    assert.is_nil((next(errors)))
    for i, name in ipairs(names) do
      assert_whole(matrices[i], OPERATIONS[name])
      assert.same({}, failures(matrices[i]), name)
    end
  end)

  it("holds for a user's own, however odd", function()
    local file = support.file("odd.lua", ODD)
    local cells = assert(check.run(assert(load.load(file))))
    assert_whole(cells, {
      sites = "create get update delete list", lines = "create get update delete list", notes = "create get",
      hours = "list",
    }, { sites = false, notes = false })
    assert.same({}, failures(cells))
  end)

  it("names faults that the sandbox has, each once, and all of them that strike calls", function()
    local faults = require "luaprov.sandbox.faults"
    local names, used = {}, {}
    for _, row in ipairs(rows) do
      assert.is_nil(names[row.name], row.name)
      names[row.name], used[row.fault.fault] = true, true
      assert.truthy(faults.faults[row.fault.fault], row.name)
    end
    -- A vendor that is in order, and unkind, is tried in the specs of settling and of pages.
    for _, name in ipairs { "problem", "others", "unlisted", "short_pages" } do used[name] = true end
    for name in pairs(faults.faults) do assert.is_true(used[name], name) end
  end)

  it("says for which field it knows no value", function()
    local file = support.file("acme.lua", support.provider(support.operations
      .. 'text "name" { required = true, pattern = "^%d%d%d%d$", max = 3 }, text "it" {},'))
    local cells, err = check.run(assert(load.load(file)))
    support.is_error({ kind = "invalid", outcome = "not_sent", resource = "things",
                       has = "no value is known for name: give the field an example" }, err, cells)
  end)

  it("ends with whoever began it, however that ends", function()
    local path, folder = support.file("begin.lua", [[
      local far = require "luaprov.check.far"
      local other = assert(far.start(require("luaprov.provider.load").load("ocamba").file))
      local file = io.open(arg[1], "w")
      file:write(other.url)
      file:close()
      os.execute("kill -9 $PPID")]])
    -- Its streams are nobody's: whoever read them would wait for the other process.
    os.execute(("LUA_PATH='%s' LUA_CPATH='%s' %s %s %s/url >/dev/null 2>&1"):format(package.path, package.cpath,
      support.interpreter, path, folder))
    local url = support.read(folder .. "/url")
    assert.truthy(url:find("^http://127.0.0.1:%d+/."), url)
    local give_up = http.now() + 20
    local err
    repeat
      err = select(2, http.exchange { method = "GET", url = url .. "x", deadline = http.now() + 5,
                                      transport = { proxy = false, about = "x" } })
    until err and err.outcome == "not_sent" or http.now() > give_up
    assert.equal("not_sent", err and err.outcome)
  end)
end)
