-- A fault that is declared wrongly is refused, and the message says where.
local boxes = require "tests.sandbox.boxes"
local faults = require "luaprov.sandbox.faults"
local support = require "tests.support"

local known = {
  ocamba = assert(require("luaprov.provider.load").load "ocamba"),
  onebox = assert(require("luaprov.provider.load").load "onebox"),
}

local function wrong(given) return select(2, faults.read(given, known)) end

describe("A fault that is declared", function()
  after_each(boxes.stop)

  local WRONG = {
    { "a fault is a table", "drop" },
    { "no fault 'nil'", {} },
    { "no fault 'dorp' (did you mean 'drop'?)", { fault = "dorp" } },
    { "drop: unknown option 'act' (did you mean 'acts'?)", { fault = "drop", act = true } },
    { "drop: unknown option '1'", { fault = "drop", "ocamba" } },
    { "drop: acts must be true or false", { fault = "drop", acts = 1 } },
    { "drop: after must be a number of calls", { fault = "drop", after = -1 } },
    { "drop: times must be a number of calls", { fault = "drop", times = 1.5 } },
    { "drop: times must be a number of calls", { fault = "drop", times = "2" } },
    { "drop: times must be a number of calls", { fault = "drop", times = 0 / 0 } },
    { "drop: on must be text", { fault = "drop", on = { "ocamba" } } },
    { "on is PROVIDER", { fault = "drop", on = "" } },
    { "on is PROVIDER", { fault = "drop", on = "ocamba integrations create now" } },
    { "on: there is no provider 'ocmba' here (did you mean 'ocamba'?)", { fault = "drop", on = "ocmba" } },
    { "ocamba has no resource 'integration' (did you mean", { fault = "drop", on = "ocamba integration" } },
    { "a provider here has no resource 'hubs'", { fault = "drop", on = "* hubs" } },
    { "no operation 'creat' (did you mean 'create'?)", { fault = "drop", on = "* * creat" } },
    { "providers has no create", { fault = "drop", on = "ocamba providers create" } },
    { "connections has no delete", { fault = "drop", on = "onebox connections delete" } },
    { "ocamba asks for no token", { fault = "drop", on = "ocamba token" } },
    { "token has no create", { fault = "drop", on = "onebox token create" } },
    { "status: status must be an HTTP status", { fault = "status", status = 99 } },
    { "status: status must be an HTTP status", { fault = "status", status = 100 } },
    { "status: status must be an HTTP status", { fault = "status", status = 600 } },
    { "status: status must be an HTTP status", { fault = "status", status = "500" } },
    { "html: status must be", { fault = "html", status = 1 } },
    { "status: form must be 1", { fault = "status", form = 0 } },
    { "form 3: onebox has no such form", { fault = "status", form = 3, on = "onebox" } },
    { "status: body must be", { fault = "status", body = { f = print } } },
    { "status: message must be text", { fault = "status", message = {} } },
    { "status: code must be", { fault = "status", code = {} } },
    { "status: headers must be a table", { fault = "status", headers = "x" } },
    { "headers has a name that is no header's", { fault = "status", headers = { ["a b"] = "x" } } },
    { "headers X must be a text", { fault = "status", headers = { X = "a\r\nSet-Cookie: b" } } },
    { "headers cannot have Content-Length", { fault = "status", headers = { ["Content-Length"] = 3 } } },
    { "retry_after must be a text", { fault = "status", retry_after = "1\n" } },
    { "redirect: to must be a text", { fault = "redirect", to = "x\r\ny" } },
    { "late: seconds must be a number of seconds", { fault = "late", seconds = -1 } },
    { "late: seconds must be a number of seconds", { fault = "late", seconds = 1 / 0 } },
    { "short_pages: size must be", { fault = "short_pages", size = 0 } },
    { "enormous: bytes must be", { fault = "enormous", bytes = 1.5 } },
    { "problem: problem 'unautorized' is none that a vendor finds (did you mean", { fault = "problem",
      problem = "unautorized" } },
    { "others: records is required", { fault = "others", on = "ocamba integrations" } },
    { "others: records must be a list", { fault = "others", on = "ocamba integrations", records = { name = "x" } } },
    { "others: records must be a list", { fault = "others", on = "ocamba integrations", records = { "x" } } },
    { "others: on must name a provider and a resource", { fault = "others", on = "ocamba", records = { {} } } },
    { "others: on must name a provider and a resource", { fault = "others", records = { {} } } },
    { "others: on must name a provider and a resource", { fault = "others", on = "* integrations", records = { {} } } },
    { "others: on must name", { fault = "others", on = "onebox token", records = { {} } } },
    { "others: unknown option 'times'", { fault = "others", on = "ocamba integrations", records = { {} }, times = 2 } },
    { "others: count must be", { fault = "others", on = "ocamba integrations", records = { {} }, count = 0 } },
  }
  for i, case in ipairs(WRONG) do
    it("wrongly is refused: " .. i .. " " .. case[1], function()
      local why = wrong(case[2])
      assert.truthy(why and why:find(case[1], 1, true), tostring(why))
    end)
  end

  it("well has every option that it was not given", function()
    local fault = assert(faults.read({ fault = "status", on = "onebox connections" }, known))
    assert.same({ 500, 1, false, nil }, { fault.status, fault.form, fault.acts, fault.message })
    assert(faults.read({ fault = "drop", on = "* token" }, known))
    assert(faults.read({ fault = "drop", on = "* * delete" }, known))
    assert(faults.read({ fault = "drop" }, known))
  end)

  it("wrongly keeps a sandbox from starting, and raises in a script", function()
    local box, err = boxes.start { "ocamba", faults = { { fault = "drop" }, { fault = "late", second = 1 } } }
    support.is_error({ kind = "invalid", outcome = "not_sent",
                       has = "fault 2: late: unknown option 'second' (did you mean 'seconds'?)" }, err, box)
    box = assert(boxes.start { "ocamba" })
    local ok, why = pcall(box.fault, box, { fault = "dorp" })
    assert.is_false(ok)
    assert.truthy(why:find("no fault 'dorp'", 1, true))
  end)

  it("in a file is read from it, and the file can do nothing else", function()
    local function load(text) return faults.load((support.file("faults.lua", text))) end
    local list = assert(load 'return { { fault = "drop", on = "ocamba", times = 1 + 1 } }')
    assert.equal(2, list[1].times)
    for text, words in pairs {
      ['os.exit(3)'] = "faults.lua:1:", ["return {"] = "faults.lua:1:", ["return 1"] = "must return a list",
      ["return { fault = 'drop' }"] = "must return a list", [""] = "must return a list", ["\27Lua"] = "binary chunk",
      ["\n\nx = y.z"] = "faults.lua:3:",
    } do
      local none, why = load(text)
      assert.is_nil(none)
      assert.truthy(why:find(words, 1, true), why)
    end
    for _, path in ipairs { "/nonexistent/faults.lua", support.folder() } do
      local none, why = faults.load(path)
      assert.is_nil(none)
      assert.truthy(why:find(path, 1, true), why)
    end
  end)
end)
