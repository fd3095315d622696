local json = require "luaprov.json"
local render = require "luaprov.stack.render"
local stack = require "tests.stack.support"

local BEFORE = [[
  local hub = acme.hubs("h", { name = "h", about = "one", open = true, site = "https://a" })
  acme.lines("l", { hub = hub.id, name = "l", kind = "sms", token = secret "tok-0000" })
  acme.hubs("gone", { name = "gone" }, { protect = true })
  acme.hubs("same", { name = "same" })
]]
local AFTER = [[
  local hub = acme.hubs("h", { name = "h", about = "two", open = false })
  acme.lines("l", { hub = hub.id, name = "l", kind = "call", code = secret "code-0000" })
  acme.lines("new", { hub = acme.hubs("n", { name = "\27[31mred", steps = { "a" } }).id, name = "new", kind = "sms",
                      token = "tok-1111" })
  acme.hubs("same", { name = "same" })
]]

local function plan_of(drifted)
  local before = stack.manifest(BEFORE)
  local rows, observed = stack.applied(before)
  observed["acme.hubs.same"].about = drifted
  return stack.plan { manifest = stack.manifest(AFTER), rows = rows, observed = observed }
end

local function lines_of(plan, options)
  local lines = {}
  render.text(plan, function(line) lines[#lines + 1] = line end, options)
  return lines
end

local function objects_of(plan)
  local list = {}
  render.json(plan, function(text)
    assert(not text:find("\n", 1, true))
    list[#list + 1] = assert(json.decode(text))
  end)
  return list
end

describe("a plan that is shown", function()
  it("as text has each step, field by field", function()
    assert.same({
      "! acme.hubs.same changed at the vendor",
      '      about  (nothing) → "by hand\\u0007"',
      "",
      "~ update acme.hubs.h (id id-acme.hubs.h)",
      '      about  "one" → "two"',
      "      open   true → false",
      "± replace acme.lines.l (id id-acme.lines.l): kind is fixed; deleted first",
      "      code  (secret, not known what the vendor has: it is sent)   (fixed)",
      '      kind  "sms" → "call"   (fixed)',
      "+ create acme.hubs.n",
      '      name   "\\u001b[31mred"',
      '      steps  ["a"]',
      "+ create acme.lines.new",
      "      hub    acme.hubs.n.id (known at apply)",
      '      kind   "sms"',
      '      name   "new"',
      "      token  (secret)",
      "- delete acme.hubs.gone (id id-acme.hubs.gone)",
      "",
      "2 to create, 1 to update, 1 to replace, 1 to delete; 1 unchanged, 1 changed at the vendors",
      "10 calls, at least 4 s at the vendors' limits (acme 10, 4 s)",
      "2 records would go: that wants --allow-delete 2",
      "luaprov.lua: acme.hubs.gone: is protected and would be deleted: declare it again, with protect = false, "
        .. "before it goes",
    }, lines_of(plan_of "by hand\a"))
  end)

  it("as text says of a list that a part of it is known later", function()
    local manifest = stack.manifest([[local a = acme.hubs("a", { name = "a" })
      acme.hubs("b", { name = "b", steps = { a.id } })]])
    local lines = table.concat(lines_of(stack.plan { manifest = manifest }), "\n")
    assert.matches('steps  ["acme.hubs.a.id"] (partly known at apply)\n', lines, 1, true)
  end)

  it("as text has colours when they are asked for, and no other control characters", function()
    local plain, colored = lines_of(plan_of "x"), lines_of(plan_of "x", { color = true })
    assert.is_nil(table.concat(plain):find("%c"))
    assert.equal(#plain, #colored)
    for i, line in ipairs(colored) do assert.equal(plain[i], (line:gsub("\27%[%d+m", ""))) end
    assert.truthy(table.concat(colored):find("\27[32m+ create acme.hubs.n\27[0m", 1, true))
  end)

  it("as JSON has an object a line", function()
    local objects = objects_of(plan_of "x")
    local types = {}
    for i, object in ipairs(objects) do types[i] = object.type end
    assert.same({ "drift", "step", "step", "step", "step", "step", "fault", "summary" }, types)
    assert.same({ path = "open", old = true, new = false }, objects[2].changes[2])
    assert.same({ path = "code", secret = "unknown", fixed = true }, objects[3].changes[1])
    assert.equal("kind is fixed", objects[3].why[1])
    assert.same({ path = "hub", later = "acme.hubs.n.id" }, objects[5].changes[1])
    assert.equal("delete", objects[6].action)
    assert.equal(2, objects[8].allow_delete)
    assert.equal(10, objects[8].calls)
    assert.equal(1, objects[8].counts.update)
  end)

  it("shows no secret", function()
    local all = table.concat(lines_of(plan_of "x"))
    render.json(plan_of "x", function(text) all = all .. text end)
    assert.is_nil(all:find("-0000", 1, true))
    assert.is_nil(all:find("-1111", 1, true))
  end)

  it("says when there is nothing to do", function()
    local manifest = stack.manifest(AFTER)
    local plan = stack.plan { manifest = manifest, rows = (stack.applied(manifest)) }
    assert.same({ "no changes; 5 unchanged" }, lines_of(plan))
    assert.equal(5, objects_of(plan)[1].declared)
    plan = stack.plan { manifest = stack.manifest "" }
    assert.same({ "no changes; 0 unchanged; the manifest declares nothing" }, lines_of(plan))
    assert.equal(0, objects_of(plan)[1].declared)
    plan = stack.plan { manifest = stack.manifest "", destroy = true }
    assert.same({ "no changes; 0 unchanged" }, lines_of(plan))
  end)

  it("cuts long values, not within a character", function()
    local manifest = stack.manifest('acme.hubs("h", { name = ("ä"):rep(300) })')
    local line = lines_of(stack.plan { manifest = manifest })[2]
    local shown = line:match('^      name  "(.*)…$')
    assert.equal("", (shown:gsub("ä", "")))
    assert.is_true(#shown > 100 and #shown < 150)
  end)

  it("has times that people read", function()
    for seconds, text in pairs { [0] = "0 s", [59.2] = "1 min 0 s", [61] = "1 min 1 s", [3600] = "1 h 0 min" } do
      assert.equal(text, render.duration(seconds))
    end
  end)
end)
