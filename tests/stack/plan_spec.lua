local actions = require "luaprov.stack.actions"
local graph = require "luaprov.stack.graph"
local plans = require "luaprov.stack.plan"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local stack = require "tests.stack.support"
local support = require "tests.support"

local TWO = [[
  local hub = acme.hubs("h", { name = "h", about = "one" })
  acme.lines("l", { hub = hub.id, name = "l of " .. hub.hubId, kind = "sms", token = secret "tok-l" })
]]

local function changed(text, pattern, with)
  local result, count = text:gsub(pattern, with)
  assert(count > 0, "there is nothing to change")
  return result
end

-- What a manifest comes to where `before` was applied.
local function plan_after(before, text, args)
  local manifest = stack.manifest(before)
  local rows, observed = stack.applied(manifest, args and args.answer)
  local all = { manifest = stack.manifest(text), rows = rows }
  if args and args.look then all.observed = args.look(observed) or observed end
  for name, value in pairs(args or {}) do
    if name ~= "look" and name ~= "answer" then all[name] = value end
  end
  return stack.plan(all), rows, observed
end

-- "op ADDRESS after op ADDRESS, …", a line an action.
local function order_of(plan)
  local out = {}
  for i, action in ipairs(plan.actions) do
    local needs = {}
    for j, other in ipairs(action.needs) do needs[j] = other.op .. " " .. other.step.address end
    table.sort(needs)
    out[i] = action.op .. " " .. action.step.address .. (needs[1] and " after " .. table.concat(needs, ", ") or "")
  end
  assert(graph.order(plan.actions, actions.needs(plan.actions)), "the actions have no order")
  return out
end

local function faults_of(plan)
  local out = {}
  for i, fault in ipairs(plan.faults) do out[i] = fault.address .. ": " .. fault.message end
  return out
end

describe("a plan", function()
  it("makes what is not there", function()
    local plan = stack.plan { manifest = stack.manifest(TWO) }
    assert.same({ "create acme.hubs.h", "create acme.lines.l" }, stack.steps(plan))
    assert.same({ "create acme.hubs.h", "create acme.lines.l after create acme.hubs.h" }, order_of(plan))
    assert.equal(2, plan.counts.create)
    assert.equal(2, plan.step["acme.lines.l"].deferred)
    assert.is_nil(plan.allow_delete)
    assert.is_false(plans.is_empty(plan))
  end)

  it("is empty where all is as declared, looked at or not", function()
    for _, look in ipairs { false, function() end } do
      local plan = plan_after(TWO, TWO, { look = look or nil })
      assert.same({}, stack.steps(plan))
      assert.same({}, plan.drift)
      assert.equal(2, plan.counts.unchanged)
      assert.is_true(plans.is_empty(plan))
      assert.equal(0, plan.calls)
    end
  end)

  it("changes in place, with what is known filled in", function()
    local plan = plan_after(TWO, changed(changed(TWO, "one", "two"), "l of ", "line of "))
    assert.same({ "update acme.hubs.h", "update acme.lines.l" }, stack.steps(plan))
    assert.same({ "about: one > two" }, stack.changes(plan.steps[1].changes))
    assert.same({ "name: l of id-acme.hubs.h > line of id-acme.hubs.h" }, stack.changes(plan.steps[2].changes))
    assert.equal(0, plan.steps[2].deferred)
    assert.same({ "update acme.hubs.h", "update acme.lines.l after update acme.hubs.h" }, order_of(plan))
  end)

  it("changes a secret, and shows none", function()
    local plan = plan_after(TWO, changed(TWO, "tok%-l", "tok-new"))
    assert.same({ "token: secret changed" }, stack.changes(plan.steps[1].changes))
    assert.equal("tok-new", plan.steps[1].fields.token:reveal())
    assert.is_nil(support.shown(plan.steps[1].changes):find("tok-", 1, true))
  end)

  it("makes anew what is fixed, deleted first where the key stays", function()
    local plan = plan_after(TWO, changed(TWO, 'kind = "sms", token', 'kind = "call", code'))
    assert.same({ "replace acme.lines.l" }, stack.steps(plan))
    assert.same({ "kind is fixed" }, plan.steps[1].why)
    assert.equal("delete", plan.steps[1].first)
    assert.same({ "create acme.lines.l after delete acme.lines.l", "delete acme.lines.l" }, order_of(plan))
    assert.equal(1, plan.deletes)
  end)

  it("makes anew what is fixed, made first where the key changes", function()
    local plan = plan_after(TWO, changed(changed(TWO, 'kind = "sms", token', 'kind = "call", code'), "l of", "x of"))
    assert.equal("create", plan.steps[1].first)
    assert.same({ "create acme.lines.l", "delete acme.lines.l after create acme.lines.l" }, order_of(plan))
  end)

  it("makes anew what names a record that is made anew, all in an order that can be", function()
    local text = changed(TWO, 'about = "one"', 'about = "one", site = "https://b"')
    local plan = plan_after(changed(TWO, 'about = "one"', 'about = "one", site = "https://a"'), text)
    assert.same({ "replace acme.hubs.h", "replace acme.lines.l" }, stack.steps(plan))
    assert.same({ "site is ignored by the vendor after create" }, plan.steps[1].why)
    assert.same({ "hub is fixed" }, plan.steps[2].why)
    -- Its key changes with the hub, but it cannot be made before the hub is, nor outlive the old one.
    assert.equal("delete", plan.steps[2].first)
    assert.same({
      "create acme.hubs.h after delete acme.hubs.h",
      "delete acme.hubs.h after delete acme.lines.l",
      "create acme.lines.l after create acme.hubs.h, delete acme.lines.l",
      "delete acme.lines.l",
    }, order_of(plan))
    assert.equal(2, plan.step["acme.lines.l"].deferred)
  end)

  it("makes the new one first all along where every key changes", function()
    local text = changed(changed(TWO, 'about = "one"', 'site = "https://b"'), 'name = "h"', 'name = "other"')
    local plan = plan_after(changed(TWO, 'about = "one"', 'site = "https://a"'), text)
    assert.same({
      "create acme.hubs.h",
      "delete acme.hubs.h after create acme.hubs.h, delete acme.lines.l",
      "create acme.lines.l after create acme.hubs.h",
      "delete acme.lines.l after create acme.lines.l",
    }, order_of(plan))
  end)

  it("deletes in reverse order", function()
    local plan = plan_after(TWO, "", { destroy = false })
    assert.same({ "delete acme.hubs.h", "delete acme.lines.l" }, stack.steps(plan))
    assert.same({ "delete acme.hubs.h after delete acme.lines.l", "delete acme.lines.l" }, order_of(plan))
  end)

  it("deletes in reverse order also by the parents that the vendor knows", function()
    local manifest = stack.manifest(TWO)
    local rows = stack.applied(manifest)
    for _, row in ipairs(rows) do row.depends_on = nil end
    local plan = stack.plan { manifest = manifest, rows = rows, destroy = true }
    assert.same({ "delete acme.hubs.h after delete acme.lines.l", "delete acme.lines.l" }, order_of(plan))
  end)

  it("tells parents apart whose ids differ in case alone", function()
    local manifest = stack.manifest [[
      local a = acme.hubs("a", { name = "a" })
      acme.hubs("b", { name = "b" })
      acme.lines("l", { name = "l", hub = a.id, kind = "sms", token = secret "t" })]]
    local rows = stack.applied(manifest)
    local ids = { ["acme.hubs.a"] = "aBc", ["acme.hubs.b"] = "AbC" }
    for _, row in ipairs(rows) do
      row.depends_on, row.id = nil, ids[row.address] or row.id
      if row.resource == "lines" then row.fields.hub, row.parents = "aBc", { hub = "aBc" } end
    end
    local plan = stack.plan { manifest = manifest, rows = rows, destroy = true }
    assert.same({ "delete acme.hubs.a after delete acme.lines.l", "delete acme.hubs.b", "delete acme.lines.l" },
      order_of(plan))
  end)

  it("lets go of a record before that is deleted", function()
    local before = 'local a = acme.hubs("a", { name = "a" })\nacme.hubs("b", { name = "b", about = a.id })'
    local plan = plan_after(before, 'acme.hubs("b", { name = "b", about = "none" })')
    assert.same({ "update acme.hubs.b", "delete acme.hubs.a after update acme.hubs.b" }, order_of(plan))
    -- Made anew under another id: b is told when that is known.
    before = changed(before, 'name = "a"', 'name = "a", site = "https://a"')
    plan = plan_after(before, changed(before, "https://a", "https://b"))
    assert.same({ "create acme.hubs.a after delete acme.hubs.a", "delete acme.hubs.a",
                  "update acme.hubs.b after create acme.hubs.a" }, order_of(plan))
  end)

  it("forgets what is neither declared nor there", function()
    local plan = plan_after(TWO, "", { look = function(observed)
      return { ["acme.lines.l"] = false, ["acme.hubs.h"] = observed["acme.hubs.h"] }
    end })
    assert.same({ "delete acme.hubs.h", "forget acme.lines.l" }, stack.steps(plan))
    assert.equal(1, plan.deletes)
  end)

  it("wonders about an account whose records are all gone", function()
    local text = 'for i = 1, 3 do acme.hubs("h" .. i, { name = "h" .. i }) end'
    local function notes(gone)
      local plan = plan_after(text, text, { look = function(observed)
        for i = 1, gone do observed["acme.hubs.h" .. i] = false end
      end })
      assert.equal(gone, plan.counts.create)
      return plan.notes
    end
    assert.same({}, notes(2))
    assert.same({ { address = "acme",
                    message = "the vendor has none of its 3 records any more: is it the right account?" } }, notes(3))
  end)

  it("makes again what is declared and gone", function()
    local plan = plan_after(TWO, TWO, { look = function(observed) observed["acme.hubs.h"] = false end })
    assert.same({ "create acme.hubs.h", "replace acme.lines.l" }, stack.steps(plan))
    assert.is_true(plan.steps[1].gone)
    assert.same({ { address = "acme.hubs.h", gone = true, changes = {} } }, plan.drift)
  end)

  it("shows what was changed at the vendor, and changes back what is declared", function()
    local plan = plan_after(TWO, TWO, { look = function(observed)
      observed["acme.hubs.h"].about, observed["acme.hubs.h"].open = "theirs", true
    end })
    assert.equal(1, plan.counts.drift)
    assert.same({ "about: one > theirs", "open: nil > true" }, stack.changes(plan.drift[1].changes))
    assert.same({ "about: theirs > one" }, stack.changes(plan.steps[1].changes))
  end)

  it("leaves alone what is ignored", function()
    local text = changed(TWO, 'about = "one" }', 'about = "one" }, { ignore = { "about" } }')
    local plan = plan_after(text, changed(text, "one", "two"), { look = function(observed)
      observed["acme.hubs.h"].about = "theirs"
    end })
    assert.same({}, stack.steps(plan))
    assert.same({}, plan.drift)
  end)

  it("does not guess at a fixed secret that nobody knows", function()
    local text = 'acme.hubs("h", { name = "h" }) acme.lines("l", { hub = "id-acme.hubs.h", name = "l", kind = "call", '
      .. 'code = secret "c-0000", to = "x" })'
    local manifest = stack.manifest(text)
    local rows = stack.applied(manifest)
    rows[2].secrets = {}
    local plan = stack.plan { manifest = manifest, rows = rows }
    assert.same({}, stack.steps(plan))
    assert.equal("acme.lines.l", plan.notes[1].address)
    assert.truthy(plan.notes[1].message:find("code cannot be compared", 1, true))
  end)

  it("changes a list that names a record which is made anew", function()
    local before = 'local a = acme.hubs("a", { name = "a", site = "https://a" }) '
      .. 'acme.hubs("b", { name = "b", steps = { "to " .. a.id }, people = { { name = a.id } } })'
    local plan = plan_after(before, changed(before, "https://a", "https://b"))
    assert.same({ "replace acme.hubs.a", "update acme.hubs.b" }, stack.steps(plan))
    local paths = {}
    for i, change in ipairs(plan.steps[2].changes) do paths[i] = change.path end
    assert.same({ "people", "steps" }, paths)
    plan = plan_after(before, changed(before, 'name = "a"', 'name = "a", about = "new"'))
    assert.same({ "update acme.hubs.a" }, stack.steps(plan))
  end)

  it("does not take for changed a secret that was shown once", function()
    local text = 'local a = acme.hubs("a", { name = "a" }) acme.lines("l", { hub = a.id, name = "l", kind = "sms", '
      .. "token = a.apiKey })"
    local function answer(address, record)
      if address == "acme.hubs.a" then record.apiKey = secret "once-0000" end
    end
    local plan = plan_after(text, text, { answer = answer })
    assert.same({}, stack.steps(plan))
    plan = plan_after(text, changed(text, 'name = "a"', 'name = "a", about = "new"'), { answer = answer })
    assert.same({ "update acme.hubs.a" }, stack.steps(plan))
  end)
end)

describe("what forbids a plan", function()
  it("is protection", function()
    local text = changed(TWO, 'about = "one" }', 'site = "https://a" }, { protect = true }')
    local plan = plan_after(text, changed(text, "https://a", "https://b"))
    assert.same({ "acme.hubs.h: is protected and would be replaced (site is ignored by the vendor after create)" },
      faults_of(plan))
    assert.equal(2, plan.faults[1].line)
    assert.same({ "acme.hubs.h: is protected and would be deleted: declare it again, with protect = false, before it "
      .. "goes" }, faults_of((plan_after(text, ""))))
    assert.same({ "acme.hubs.h: is protected and would be deleted" }, faults_of((plan_after(text, text,
      { destroy = true }))))
    assert.same({}, faults_of((plan_after(text, changed(text, "protect = true", "protect = false"),
      { destroy = true }))))
  end)

  it("is a provider without the operation", function()
    local box = 'acme.boxes("b", { name = "b", color = "red" })'
    assert.same({ "acme.boxes.b: acme has no delete for boxes: declare it again to keep it, or forget it (luaprov "
      .. "state rm acme.boxes.b), and it stays at the vendor" }, faults_of((plan_after(box, ""))))
    assert.same({ "acme.boxes.b: acme has no delete for boxes: forget it (luaprov state rm acme.boxes.b), and it stays "
      .. "at the vendor" }, faults_of((plan_after(box, box, { destroy = true }))))
    assert.same({ "acme.boxes.b: acme has no delete for boxes: it looks renamed: luaprov state mv acme.boxes.b "
      .. "acme.boxes.c keeps it; or forget it (luaprov state rm acme.boxes.b), and it stays at the vendor" },
      faults_of((plan_after(box, changed(box, '"b", {', '"c", {')))))
    local plan = plan_after(box, changed(box, "red", "blue"))
    assert.equal("replace", plan.steps[1].action)
    assert.same({ "the provider has no update" }, plan.steps[1].why)
    assert.truthy(faults_of(plan)[1]:find("acme has no delete for boxes, so it cannot be replaced", 1, true))
  end)

  it("names commands that a shell takes, whatever the record's name", function()
    local box = 'acme.boxes("a b", { name = "b", color = "red" })'
    assert.same({ "acme.boxes.a b: acme has no delete for boxes: it looks renamed: luaprov state mv 'acme.boxes.a b' "
      .. "'acme.boxes.it'\\''s' keeps it; or forget it (luaprov state rm 'acme.boxes.a b'), and it stays at the "
      .. "vendor" },
      faults_of((plan_after(box, changed(box, '"a b"', '"it\'s"')))))
    local hub = 'acme.hubs("a b", { name = "b" })'
    local plan = plan_after(hub, changed(hub, '"a b"', '"c"'))
    assert.matches("luaprov state mv 'acme.hubs.a b' acme.hubs.c keeps it", plan.notes[1].message)
  end)

  it("is a state of another provider, another place, another account, or of none", function()
    local manifest = stack.manifest(TWO)
    local rows = stack.applied(manifest)
    for _, row in ipairs(rows) do row.account = "one" end
    local function faults(args)
      args.manifest, args.rows = args.manifest or manifest, rows
      return faults_of(stack.plan(args))
    end
    local url = "https://api.acme.invalid"
    assert.same({}, faults { accounts = { acme = { base_url = url, account = "one" } } })
    assert.same({ "acme.hubs.h: the state's records of 'acme' belong to another account than today's credentials"
      .. " (--same-account acme says that it is the same)" },
      faults { accounts = { acme = { base_url = url, account = "two" } } })
    assert.same({ "acme.hubs.h: the state's records of 'acme' are at " .. url
      .. ", and the client is at https://other (--same-account acme says that it is the same account there)" },
      faults { accounts = { acme = { base_url = "https://other" } } })
    local other = assert(stack.read 'use("acme", { token = "x" }, { as = "other" })')
    assert.same({
      "acme.hubs.h: the manifest uses no account 'acme' with acme hubs: keep its use until its records are gone, or "
        .. "forget them (luaprov state rm)",
      "acme.lines.l: the manifest uses no account 'acme' with acme lines: keep its use until its records are gone, or "
        .. "forget them (luaprov state rm)",
    }, faults { manifest = other })
    other = assert(stack.read 'use("hubster", { token = "x" }, { as = "acme" })')
    assert.equal("acme.hubs.h: the state has records of acme under 'acme', and the manifest uses hubster there",
      faults { manifest = other }[1])
  end)
end)

describe("deletes have to be allowed", function()
  local function of(count, deleted, args)
    local before = {}
    for i = 1, count do before[i] = ('acme.hubs("h%d", { name = "h%d" })'):format(i, i) end
    return plan_after(table.concat(before, "\n"), table.concat(before, "\n", deleted + 1), args).allow_delete
  end

  it("when there are more than ten, or more than thirty percent", function()
    assert.is_nil(of(100, 10))
    assert.equal(11, of(100, 11))
    assert.is_nil(of(10, 3))
    assert.equal(4, of(10, 4))
    assert.equal(1, of(1, 1))
    assert.is_nil(of(20, 20, { destroy = true }))
  end)
end)

describe("a plan for some records", function()
  local BOTH = TWO .. changed(TWO, '"h"', '"h2"'):gsub('"l"', '"l2"'):gsub("l of", "l2 of")

  it("has them, and what they need", function()
    local manifest = stack.manifest("do " .. TWO .. " end " .. BOTH:sub(#TWO + 1))
    local function steps(...) return stack.steps(stack.plan { manifest = manifest, targets = { ... } }) end
    assert.same({ "create acme.hubs.h" }, steps "acme.hubs.h")
    assert.same({ "create acme.hubs.h", "create acme.lines.l" }, steps "acme.lines.l")
    assert.same({ "create acme.hubs.h", "create acme.hubs.h2" }, steps "acme.hubs")
    assert.equal(4, #steps "acme")
    local plan, err = plans.make { manifest = manifest, targets = { "acme.hubs.h22" } }
    support.is_error({ kind = "invalid",
      has = "--target: there is no record acme.hubs.h22 (did you mean 'acme.hubs.h2'?)" }, err, plan)
  end)

  it("has one alone whose address is given whole, also where another's begins with it and a dot", function()
    local text = 'acme.hubs("a", { name = "a" })\nacme.hubs("a.b", { name = "a.b" })'
    for _, targets in ipairs { { "acme.hubs.a" }, { "acme.hubs.a", "acme.hubs.a" } } do
      assert.same({ "delete acme.hubs.a" },
        stack.steps((plan_after(text, text, { targets = targets, destroy = true }))))
    end
    assert.same({ "delete acme.hubs.a" }, stack.steps((plan_after(text, "", { targets = { "acme.hubs.a" } }))))
    assert.equal(2, #stack.steps((plan_after(text, "", { targets = { "acme.hubs" } }))))
    assert.same({ "delete acme.hubs.a", "delete acme.hubs.a.b" },
      stack.steps((plan_after(text, "", { targets = { "acme.hubs", "acme.hubs.a" } }))))
    -- The same command again, when that one is gone.
    local rest = stack.manifest('acme.hubs("a.b", { name = "a.b" })')
    local args = { manifest = rest, rows = (stack.applied(rest)), destroy = true, targets = { "acme.hubs.a" } }
    local plan, err = plans.make(args)
    support.is_error({ kind = "invalid", has = "--target: there is no record acme.hubs.a (acme.hubs.a. means those "
      .. "whose names go on after it)" }, err, plan)
    args.targets = { "acme.hubs.a." }
    assert.same({ "delete acme.hubs.a.b" }, stack.steps(assert(plans.make(args))))
  end)

  it("takes along what cannot stay when they go", function()
    assert.same({ "delete acme.hubs.h", "delete acme.lines.l" },
      stack.steps((plan_after(TWO, "", { targets = { "acme.hubs.h" } }))))
    assert.same({ "delete acme.lines.l" }, stack.steps((plan_after(TWO, "", { targets = { "acme.lines" } }))))
    assert.same({ "delete acme.hubs.h", "delete acme.lines.l" },
      stack.steps((plan_after(TWO, TWO, { targets = { "acme.hubs.h" }, destroy = true }))))
  end)

  it("is not forbidden by others", function()
    local text = TWO .. 'acme.hubs("p", { name = "p" }, { protect = true })'
    assert.equal(1, #plan_after(text, TWO).faults)
    assert.equal(0, #plan_after(text, changed(TWO, "one", "two"), { targets = { "acme.hubs.h" } }).faults)
  end)
end)

describe("the calls of a plan", function()
  it("are counted, and take what the limits say", function()
    local many = {}
    for i = 1, 10 do many[i] = ('acme.hubs("h%d", { name = "h%d" })'):format(i, i) end
    local plan = stack.plan { manifest = stack.manifest(table.concat(many, "\n")) }
    -- Ten creates and a list, two a second.
    assert.equal(11, plan.calls)
    assert.equal(5, plan.seconds)
    assert.same({ { alias = "acme", calls = 11, seconds = 5 } }, plan.accounts)
    -- A line's variant is asked for before, and what its update does not show is read after.
    plan = plan_after(TWO, changed(TWO, "tok%-l", "new"))
    assert.equal(3, plan.calls)
    assert.equal(1, plan.seconds)
  end)

  it("have no time where a provider file has no limits", function()
    local plan = stack.plan { manifest = assert(stack.read [[
      use("hubster", { token = "x" }).hubs("h", { name = "h", description = "d" })]]) }
    assert.equal(2, plan.calls)
    assert.is_nil(plan.seconds)
  end)
end)

it("the fields of a step are filled in at apply", function()
  local plan = stack.plan { manifest = stack.manifest(TWO) }
  local fields, left = reference.fill(plan.step["acme.lines.l"].fields, function(_, path)
    return ({ id = "17", hubId = "17" })[path[1]]
  end)
  assert.equal(0, left)
  assert.equal("17", fields.hub)
  assert.equal("l of 17", fields.name)
end)
