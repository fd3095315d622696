local fields = require "luaprov.provider.fields"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local support = require "tests.support"

local function shape_of(parts)
  local operations = parts:find(", path = ", 1, true) and support.operations:gsub("path = [^,]*,", "")
    or support.operations
  return support.description(support.provider(parts .. ",\n" .. operations)).resource.things.shape
end

-- What is sent, and the faults as "path message" texts.
local function check(parts, input, options)
  local shape = shape_of(parts)
  local checked = fields.check(shape, input, options or { operation = "create" })
  local faults = {}
  for i, fault in ipairs(checked.faults) do faults[i] = fault.path .. " " .. fault.message end
  local quickly = not options and fields.check_new(shape, input)
  if quickly and quickly.body then
    -- What the quick way has taken, the other one takes, too, and sends the same.
    assert.same({}, faults)
    assert.equal(json.encode(checked.wire), quickly.body)
  end
  return fields.wire(checked), faults, checked
end

local function accepts(parts, input, wire, options)
  local sent, faults = check(parts, input, options)
  assert.same({}, faults)
  assert.same(json.encode(wire or input), json.encode(sent))
end

local function refuses(parts, input, faults, options)
  local _, found = check(parts, input, options)
  assert.same(faults, found)
end

local update = { operation = "update" }

describe("a field", function()
  it("of type text takes text", function()
    accepts('text "a" {}', { a = "x" })
    accepts('text "a" {}', { a = "" })
    for _, case in ipairs { { 5, "a number" }, { true, "true" }, { {}, "a table" }, { print, "a function" } } do
      refuses('text "a" {}', { a = case[1] }, { "a must be text, not " .. case[2] })
    end
  end)

  it("of type text has a length in characters", function()
    accepts('text "a" { min = 2, max = 3 }', { a = "äöü" })
    refuses('text "a" { min = 2, max = 3 }', { a = "ä" }, { "a is shorter than 2 characters" })
    refuses('text "a" { min = 2, max = 3 }', { a = "äöüß" }, { "a is longer than 3 characters" })
    refuses('text "a" { min = 1 }', { a = "" }, { "a is empty" })
  end)

  it("of type text has a pattern", function()
    accepts('text "a" { pattern = "^%d%d:%d%d$" }', { a = "12:00" })
    refuses('text "a" { pattern = "^%d%d:%d%d$" }', { a = "noon" }, { "a does not match ^%d%d:%d%d$" })
  end)

  it("of type secret takes a secret or text, and opens it", function()
    local path = support.file("key", "key-file-0000\n")
    accepts('secret "a" {}', { a = "key-0000" })
    accepts('secret "a" {}', { a = luaprov.secret "key-0000" }, { a = "key-0000" })
    accepts('secret "a" {}', { a = luaprov.secret.env "PATH" }, { a = os.getenv "PATH" })
    accepts('secret "a" {}', { a = luaprov.secret.file(path) }, { a = "key-file-0000" })
    support.clean()
    refuses('secret "a" {}', { a = 5 }, { "a must be a secret or text, not a number" })
    refuses('secret "a" { min = 9 }', { a = luaprov.secret "short" }, { "a is shorter than 9 characters" })
    refuses('secret "a" { pattern = "^md-" }', { a = luaprov.secret "SG.0000" }, { "a does not match ^md-" })
  end)

  it("of type secret tells why it cannot be opened", function()
    refuses('secret "a" {}', { a = luaprov.secret.env "LUAPROV_SURELY_NOT_SET" },
      { "a cannot be opened: environment variable LUAPROV_SURELY_NOT_SET is not set" })
    refuses('secret "a" {}', { a = luaprov.secret.file "/nowhere/key" },
      { "a cannot be opened: cannot read the secret's file: /nowhere/key: No such file or directory" })
  end)

  it("takes a secret in place of any text, and notes what it opened", function()
    local wire, faults, checked = check('text "a" {}, secret "b" {}, list "c" {}, unknown = "pass"',
      { a = luaprov.secret "one", b = "two", c = { luaprov.secret "three" }, d = { e = luaprov.secret "four" } })
    assert.same({}, faults)
    assert.same({ a = "one", b = "two", c = { "three" }, d = { e = "four" } }, wire)
    table.sort(checked.opened)
    assert.same({ "four", "one", "three", "two" }, checked.opened)
  end)

  it("shows no value in a fault", function()
    local hidden = "key-0000-in-the-wrong-place"
    local _, faults = check([[ integer "a" {}, boolean "b" {}, url "c" {}, text "d" { pattern = "^x" }, list "e" {},
      group "f" {}, choice "g" { values = { "x" } }, integer "h" { sent_as = "string" } ]],
      { a = hidden, b = hidden, c = hidden, d = hidden, e = hidden, f = hidden, g = hidden, h = hidden })
    assert.equal(8, #faults)
    assert.is_nil(table.concat(faults, "\n"):find("key-0000", 1, true))
  end)

  it("of type integer takes whole numbers", function()
    accepts('integer "a" {}', { a = 5 })
    accepts('integer "a" {}', { a = 5.0 }, { a = 5 })
    accepts('integer "a" { min = 1, max = 10 }', { a = 10 })
    refuses('integer "a" {}', { a = 1.5 }, { "a must be a whole number" })
    refuses('integer "a" {}', { a = 0 / 0 }, { "a must be a whole number" })
    refuses('integer "a" {}', { a = math.huge }, { "a must be a whole number" })
    refuses('integer "a" {}', { a = "5" }, { "a must be a whole number, not a string" })
    refuses('integer "a" { min = 1 }', { a = 0 }, { "a is less than 1" })
    refuses('integer "a" { max = 10 }', { a = 11 }, { "a is more than 10" })
  end)

  it("of type integer can travel as text", function()
    accepts('integer "a" { sent_as = "string", max = 65535 }', { a = 993 }, { a = "993" })
    accepts('integer "a" { sent_as = "string", max = 65535 }', { a = "993" })
    refuses('integer "a" { sent_as = "string", max = 65535 }', { a = "99999" }, { "a is more than 65535" })
    for _, text in ipairs { "9 9", "", "1.5", "0x10", "ten", "1e3" } do
      refuses('integer "a" { sent_as = "string" }', { a = text }, { "a must be a whole number" })
    end
  end)

  if math.type then
    it("of type integer keeps every digit", function()
      accepts('integer "a" {}', { a = 123456789012345678 })
      accepts('integer "a" { sent_as = "string" }', { a = 123456789012345678 }, { a = "123456789012345678" })
    end)
  end

  it("of type boolean takes true and false, and can travel as text", function()
    accepts('boolean "a" {}', { a = false })
    accepts('boolean "a" { sent_as = "string" }', { a = true }, { a = "true" })
    accepts('boolean "a" { sent_as = "string" }', { a = false }, { a = "false" })
    accepts('boolean "a" { sent_as = "string" }', { a = "false" })
    refuses('boolean "a" {}', { a = "true" }, { "a must be true or false, not a string" })
    refuses('boolean "a" { sent_as = "string" }', { a = "yes" }, { "a must be true or false, not a string" })
    refuses('boolean "a" {}', { a = 1 }, { "a must be true or false, not a number" })
  end)

  it("of type url takes http and https without user name, query and fragment", function()
    accepts('url "a" {}', { a = "https://a.invalid/x/" }, { a = "https://a.invalid/x" })
    accepts('url "a" {}', { a = "http://127.0.0.1:8080" })
    for _, text in ipairs { "ftp://a.invalid", "a.invalid", "https://", "https://u:p@a.invalid", "https://a.invalid?x",
                            "https://a.invalid/#x", "https://a b.invalid", "https://a.invalid/\n" } do
      refuses('url "a" {}', { a = text },
        { "a must be a URL (http or https, without user name, query and fragment)" })
    end
  end)

  it("of type choice takes its values and names the nearest", function()
    local parts = 'choice "a" { values = { "Customer", "Agent" } }'
    accepts(parts, { a = "Agent" })
    refuses(parts, { a = "Agnet" }, { "a must be one of Customer, Agent (did you mean 'Agent'?)" })
    refuses(parts, { a = "x" }, { "a must be one of Customer, Agent" })
    refuses(parts, { a = { "Agent" } }, { "a must be one of Customer, Agent" })
  end)

  it("of type choice can have numbers, and labels", function()
    local parts = 'choice "a" { values = { [2000] = "Active", [2002] = "Paused" } }'
    accepts(parts, { a = 2002 })
    accepts(parts, { a = 2002.0 }, { a = 2002 })
    accepts(parts, { a = "2002" }, { a = 2002 })
    accepts('choice "a" { values = { ["1000"] = "twilio" } }', { a = 1000 }, { a = "1000" })
    for _, value in ipairs { 5, "x", 0 / 0 } do
      refuses(parts, { a = value }, { "a must be one of 2000 (Active), 2002 (Paused)" })
    end
    refuses(parts, { a = "active" }, { "a must be one of 2000 (Active), 2002 (Paused) (did you mean '2000'?)" })
    refuses('choice "a" { values = { "Agent", "Bot" }, codes = { Agent = 3 } }', { a = 3 },
      { "a must be one of Agent, Bot (did you mean 'Agent'?)" })
    accepts('choice "a" { values = { [5] = "five" }, sent_as = "string" }', { a = 5 }, { a = "5" })
  end)

  it("of type list takes a sequence, and checks its items", function()
    accepts('list "a" {}', { a = { 1, "x", { y = true } } })
    accepts('list "a" {}', { a = {} }, { a = json.array {} })
    accepts('list "a" { of = integer { sent_as = "string" } }', { a = { 1, 2 } }, { a = { "1", "2" } })
    refuses('list "a" { of = text { max = 1 } }', { a = { "x", "yy", 3 } },
      { "a[2] is longer than 1 character", "a[3] must be text, not a number" })
    refuses('list "a" { min = 1, max = 2 }', { a = {} }, { "a is empty" })
    refuses('list "a" { min = 1, max = 2 }', { a = { 1, 2, 3 } }, { "a is longer than 2 items" })
    refuses('list "a" {}', { a = "x" }, { "a must be a list, not a string" })
    refuses('list "a" {}', { a = luaprov.secret "x" }, { "a must be a list, not a secret" })
    refuses('list "a" {}', { a = { x = 1 } }, { "a must be a list, and has a key 'x'" })
    refuses('list "a" { of = text {} }', { a = { "x", json.null } }, { "a[2] must be text, not null" })
    for _, holes in ipairs { { nil, 2 }, { 1, nil, 3 }, { [0] = 1 }, { [2] = 1 }, { [1.5] = 1 },
                             { nil, 2, [-1] = 3 } } do
      refuses('list "a" {}', { a = holes }, { "a has holes" })
    end
  end)

  it("of type list can hold groups", function()
    local parts = 'list "a" { of = group { text "x" { required = true }, secret "y" {} } }'
    accepts(parts, { a = { { x = "1", y = luaprov.secret "2" } } }, { a = { { x = "1", y = "2" } } })
    refuses(parts, { a = { { x = "1" }, { z = "1" } } },
      { "a[2].x is required", "a[2].z is unknown (there is x, y)" })
  end)

  it("of type group takes a table", function()
    local parts = 'group "a" { text "x" { required = true }, group "b" { text "y" {} } }'
    accepts(parts, { a = { x = "1", b = { y = "2" } } })
    refuses(parts, { a = { b = { z = "2" } } }, { "a.b.z is unknown (there is y)", "a.x is required" })
    refuses(parts, { a = "x" }, { "a must be a table, not a string" })
    refuses(parts, { a = luaprov.secret "x" }, { "a must be a table, not a secret" })
  end)
end)

describe("a table", function()
  it("must have what is required, when it is created", function()
    refuses('text "b" { required = true }, text "a" { required = true }', {}, { "a is required", "b is required" })
    accepts('text "a" { required = true }, text "b" {}', { b = "x" }, nil, update)
  end)

  it("has all its faults told at once, by path", function()
    refuses([[ text "name" { required = true }, integer "count" {},
      group "settings" { secret "key" { required = true } } ]],
      { count = "x", nmae = "y", settings = { keey = "z" } }, {
        "count must be a whole number, not a string", "name is required", "nmae is unknown (did you mean 'name'?)",
        "settings.keey is unknown (did you mean 'key'?)", "settings.key is required",
      })
  end)

  it("has each fault's problem for programs, too", function()
    local parts = [[ text "must" { required = true }, integer "count" { min = 1 }, choice "k" { values = { "a", "b" } },
      text "made" { computed = true }, list "l" { of = secret { max = 1 } }, group "g" {},
      text "fits" { pattern = "^x" },
      by "k" { a = { text "only_a" {} }, b = { text "only_b" {} } } ]]
    local function problems(input, options)
      local list, _, _, checked = {}, check(parts, input, options)
      for i, fault in ipairs(checked.faults) do list[i] = fault.path .. " " .. tostring(fault.problem) end
      return list
    end
    assert.same({ "count type", "fits value", "g type", "l[1] range", "l[2] type", "made computed", "must required",
                  "only_b variant", "stray unknown" },
      problems { count = "x", fits = "y", g = 1, l = { "yy", 2 }, made = 1, k = "a", only_b = "x", stray = 1 })
    assert.same({ "count range", "k value", "l type", "must type" },
      problems { count = 0, k = "c", l = { x = 1 }, must = json.null })
    assert.same({ "only_a variant" }, problems { must = "x", only_a = "x" })
    assert.same({ "id computed" }, problems({ id = 7 }, update))
  end)

  it("is not checked where a secret is a mark", function()
    local mark, other = luaprov.secret "mark", luaprov.secret "mark"
    local parts = 'secret "a" { pattern = "^x" }, text "b" { max = 2 }, integer "c" {}'
    local checked = fields.check(shape_of(parts), { a = mark, b = mark, c = mark },
      { operation = "create", marks = { [mark] = true } })
    assert.same({}, checked.faults)
    assert.same({ a = "mark", b = "mark", c = "mark" }, checked.wire)
    checked = fields.check(shape_of(parts), { a = other, b = other, c = other },
      { operation = "create", marks = { [mark] = true } })
    assert.equal(3, #checked.faults)
  end)

  it("gets defaults when it is created, and only then", function()
    local parts = 'text "a" { default = "x" }, boolean "b" { default = false }, text "c" {}'
    accepts(parts, {}, { a = "x", b = false })
    accepts(parts, { a = "y" }, { a = "y", b = false })
    accepts(parts, { c = "z" }, { c = "z" }, update)
  end)

  it("cannot change what is fixed", function()
    local _, faults, checked = check('text "a" { fixed = true }', { a = "x" }, update)
    assert.same({ "a is fixed: it cannot change after create" }, faults)
    assert.equal("fixed", checked.faults[1].problem)
    accepts('text "a" { fixed = true }', { a = "x" })
  end)

  it("cannot set what is computed", function()
    local message = "a comes with answers only and cannot be set"
    refuses('text "a" { computed = true }', { a = "x" }, { message }, { operation = "create" })
    refuses('text "a" { computed = true }', { a = "x" }, { message .. ": an update takes what changes" }, update)
    refuses('text "a" {}', { id = "x" }, { "id is not changed: an update takes what changes" }, update)
  end)

  it("says where a field belongs that stands outside its group", function()
    refuses('group "g" { text "key" {} }', { key = "x" }, { "key is unknown (it belongs in g)" })
  end)

  it("says what a pattern is about where the provider file does", function()
    refuses('text "a" { pattern = "^x" }', { a = "y" }, { "a does not match ^x" })
    refuses('text "a" { pattern = "^x", about = "an x and more" }', { a = "y" }, { "a must be an x and more" })
  end)

  it("empties with null what is not required, in an update", function()
    accepts('text "a" {}, secret "b" {}, group "c" {}', { a = json.null, b = json.null, c = json.null }, nil, update)
    refuses('text "a" { required = true }', { a = json.null }, { "a must not be null" }, update)
    refuses('text "a" {}', { a = json.null }, { "a must not be null" })
    refuses('text "a" {}', { nope = json.null }, { "nope is unknown (there is a)" }, update)
  end)

  it("keeps the parts of the path out of the body", function()
    local parent = 'text "parent" { path = true }, path = "/parents/{parent}/things"'
    local wire, faults, checked = check(parent .. ', text "a" {}', { parent = "7", a = "x" })
    assert.same({}, faults)
    assert.same({ a = "x" }, wire)
    assert.same({ parent = "7" }, checked.parents)
    refuses(parent, { parent = "7" }, { "parent is fixed: it cannot change after create" },
      update)
  end)

  it("passes on unknown fields where the provider file says so", function()
    accepts('unknown = "pass", text "a" {}', { a = "x", b = 1, c = { d = { true } } })
    refuses('text "a" {}', { [1] = "x", b = 1 }, { "1 is unknown (there is a)", "b is unknown (there is a)" })
    accepts('group "g" { unknown = "pass" }', { g = { x = 1 } })
    refuses('unknown = "pass", group "g" {}', { g = { x = 1 } }, { "g.x is unknown" })
  end)

  it("that holds itself is a fault", function()
    local loop = {}
    loop.loop = loop
    local _, faults = check('unknown = "pass"', { a = loop })
    assert.equal(1, #faults)
    assert.equal("a.loop holds itself", faults[1])
  end)

  it("is not changed, nor what it holds", function()
    local input = { a = 5, b = { "x" }, g = { k = "y" } }
    check([[ integer "a" { sent_as = "string", default = 1 }, list "b" {},
      group "g" { text "k" {}, text "l" { default = "z" } } ]],
      input)
    assert.same({ a = 5, b = { "x" }, g = { k = "y" } }, input)
  end)
end)

describe("variants", function()
  local parts = [[
    choice "kind" { required = true, fixed = true, values = { "mail", "sms" } },
    by "kind" {
      mail = { text "host" { required = true }, integer "port" { sent_as = "string" }, text "note" { max = 5 } },
      sms  = { text "number" { required = true }, text "note" { max = 9 } },
    }
  ]]

  it("choose the fields", function()
    accepts(parts, { kind = "mail", host = "h", port = 25 }, { kind = "mail", host = "h", port = "25" })
    accepts(parts, { kind = "sms", number = "1", note = "123456789" })
    refuses(parts, { kind = "sms", host = "h" },
      { "host is no field of this variant", "number is required" })
    refuses(parts, { kind = "mail", host = "h", note = "123456789" }, { "note is longer than 5 characters" })
  end)

  it("are not guessed when the field that chooses is wrong or missing", function()
    refuses(parts, { kind = "mial", host = "h" }, { "kind must be one of mail, sms (did you mean 'mail'?)" })
    refuses(parts, { number = "1", nope = 1 },
      { "kind is required", "nope is unknown (did you mean 'note'?)" })
  end)

  it("lose nothing when the field that chooses may be absent, and is", function()
    local loose = 'choice "kind" { values = { "a" } }, by "kind" { a = { text "x" {} } }'
    accepts(loose, {})
    accepts(loose, { kind = "a", x = "1" })
    refuses(loose, { x = "1" }, { "x needs kind, which it depends on" })
  end)

  it("can be chosen by a default", function()
    local loose = [[ choice "kind" { values = { "a", "b" }, default = "b" },
      by "kind" { a = { text "x" {} }, b = { text "y" {} } } ]]
    accepts(loose, { y = "1" }, { kind = "b", y = "1" })
  end)

  it("can be chosen by several fields", function()
    local two = [[
      choice "m" { required = true, values = { "E", "F" } }, choice "p" { required = true, values = { "1", "2" } },
      by { "m", "p" } { ["E 1"] = { text "in" { required = true } }, ["E 2"] = { text "out" {} }, ["F 1"] = {} }
    ]]
    accepts(two, { m = "E", p = "1", ["in"] = "x" })
    refuses(two, { m = "E", p = "2", ["in"] = "x" }, { "in is no field of this variant" })
    refuses(two, { m = "F", p = "2" }, { "m, p 'F 2' is none of 'E 1', 'E 2', 'F 1'" })
  end)

  it("can be chosen by numbers", function()
    local numbers = [[ choice "n" { values = { [1000] = "x", [1001] = "y" } },
      by "n" { ["1000"] = { text "a" {} }, ["1001"] = {} } ]]
    accepts(numbers, { n = 1000, a = "x" })
    accepts(numbers, { n = 1000.0, a = "x" }, { n = 1000, a = "x" })
  end)

  it("can lie within one another and be chosen from outside", function()
    local nested = [[
      choice "a" { required = true, values = { "1", "2" } },
      group "g" {
        choice "b" { values = { "x", "y" } },
        by "a" {
          ["1"] = { text "one" { required = true }, by "b" { x = { text "one_x" { required = true } }, y = {} } },
          ["2"] = { unknown = "pass" },
        },
      }
    ]]
    accepts(nested, { a = "1", g = { b = "x", one = "v", one_x = "w" } })
    refuses(nested, { a = "1", g = { b = "x", two = "v" } },
      { "g.one is required", "g.one_x is required", "g.two is unknown (there is b, one, one_x)" })
    accepts(nested, { a = "2", g = { b = "y", anything = 1 } })
  end)

  it("pass unknown fields on each for itself", function()
    local one = 'choice "k" { values = { "a", "b" } }, by "k" { a = { unknown = "pass" }, b = { text "y" {} } }'
    accepts(one, { k = "a", x = 1 })
    refuses(one, { k = "b", x = 1 }, { "x is unknown (there is k, y)" })
  end)

  describe("in an update", function()
    local shape = shape_of(parts)

    it("need the record only where they differ", function()
      assert.is_false(fields.needs_record(shape, { kind = "x" }))
      for _, input in ipairs { { note = "x" }, { host = "x" }, { number = "x" } } do
        assert.is_true(fields.needs_record(shape, input))
      end
      local same = shape_of('choice "k" { values = { "a", "b" } }, by "k" { a = { text "x" {} }, b = { text "x" {} } }')
      assert.is_false(fields.needs_record(same, { x = "1" }))
      local passing = shape_of('choice "k" { values = { "a", "b" } }, by "k" { a = { unknown = "pass" }, b = {} }')
      assert.is_true(fields.needs_record(passing, { anything = 1 }))
      local within = shape_of('choice "k" { values = { "a" } }, group "g" { whole = true, by "k" { a = {} } }')
      assert.is_true(fields.needs_record(within, { g = {} }))
      assert.is_false(fields.needs_record(within, { k = "a" }))
    end)

    it("are those of the record", function()
      local with = { operation = "update", record = { kind = "sms" } }
      accepts(parts, { note = "123456789" }, nil, with)
      refuses(parts, { host = "h" }, { "host is no field of this variant" }, with)
      refuses(parts, { kind = "mail" }, { "kind is fixed: it cannot change after create" }, with)
    end)

    it("need the whole of a group that is replaced whole", function()
      local whole = [[ choice "k" { values = { "a", "b" } }, group "g" { whole = true, by "k" {
        a = { text "x" { required = true }, text "y" {} }, b = { secret "z" { required = true, fixed = true },
                                                                 text "y" {} } } } ]]
      local a = { operation = "update", record = { k = "a", g = { x = "1" } } }
      accepts(whole, { g = { x = "2" } }, nil, a)
      refuses(whole, { g = { y = "2" } }, { "g.x is required: an update replaces all of g" }, a)
      local b = { operation = "update", record = { k = "b", g = {} } }
      for _, g in ipairs { { z = "2" }, { y = "2" }, {} } do
        local _, faults, checked = check(whole, { g = g }, b)
        assert.same({ "g.z is fixed: it cannot change after create" }, faults)
        assert.equal("fixed", checked.faults[1].problem)
      end
    end)
  end)
end)

describe("reading", function()
  local function read(parts, body)
    return require("luaprov.provider.reader").read(shape_of(parts), body)
  end

  it("makes secrets of secret fields, at every depth and in every variant", function()
    local record = read([[
      choice "k" { values = { "a", "b" } }, secret "key" {},
      group "g" { by "k" { a = { secret "x" {} }, b = { text "x" {} } } },
      list "l" { of = group { secret "z" {} } }, list "m" { of = secret {} }
    ]], { key = "one", g = { x = "two" }, l = { { z = "three" }, { z = json.null } }, m = { "four" }, other = "five" })
    for value, secret in pairs { one = record.key, two = record.g.x, three = record.l[1].z, four = record.m[1] } do
      assert.is_true(luaprov.secret.is(secret))
      assert.equal(value, secret:reveal())
    end
    assert.equal(json.null, record.l[2].z)
    assert.equal("five", record.other)
  end)

  it("reads as the record's own variant does", function()
    local parts = [[ choice "k" { values = { "a", "b", "c" } },
      by "k" { a = { choice "mode" { values = { "on" }, codes = { on = 1 } }, secret "s" {} },
               b = { choice "mode" { values = { "fast" }, codes = { fast = 1 } }, text "s" {} },
               c = {} } ]]
    local a, b, c = read(parts, { k = "a", mode = 1, s = "x" }), read(parts, { k = "b", mode = 1, s = "x" }),
      read(parts, { k = "c", mode = 1, s = "x" })
    assert.same({ "on", "fast", 1 }, { a.mode, b.mode, c.mode })
    assert.equal("x", a.s:reveal())
    assert.equal("x", b.s)
    assert.equal("x", c.s:reveal()) -- another variant's secret stays one
  end)

  it("closes what has a secret's name wherever it turns up", function()
    local parts = [[ choice "k" { values = { "a", "b" } }, list "keys" { of = secret {} },
      group "g" { any_case = true, secret "token" {} },
      by "k" { a = { group "inner" { secret "x" {} } }, b = { text "note" {} } } ]]
    local record = read(parts, { k = "b", keys = "LEAK", note = "n", inner = { x = "LEAK" },
                                 g = { { token = "LEAK" } } })
    local other = read(parts, { keys = { a = "LEAK" }, g = { token = "m", Token = "LEAK" } })
    for _, closed in ipairs { record.keys, record.inner.x, record.g[1].token, other.keys.a, other.g.token,
                              other.g.Token } do
      assert.is_true(luaprov.secret.is(closed))
    end
    assert.equal("n", record.note)
    assert.equal("123456789012345", read('secret "s" {}', { s = 123456789012345 }).s:reveal())
  end)

  it("makes secrets of what a secret field holds, whatever it is", function()
    local record = read('secret "key" {}', { key = { a = "x", b = { 1 } } })
    assert.equal("x", record.key.a:reveal())
    assert.equal("1", record.key.b[1]:reveal())
  end)

  it("makes secrets of numbers too", function()
    assert.equal("1234", read('secret "pin" {}', { pin = 1234 }).pin:reveal())
  end)

  it("gives a choice its documented spelling", function()
    local parts = 'choice "c" { values = { "A", "B" }, codes = { A = 101, B = 102 } }'
    assert.equal("B", read(parts, { c = 102 }).c)
    assert.equal("B", read(parts, { c = "102" }).c)
    assert.equal("B", read(parts, { c = "B" }).c)
    assert.equal(999, read(parts, { c = 999 }).c)
    assert.equal(json.null, read(parts, { c = json.null }).c)
  end)

  it("gives keys their documented spelling where the provider file says so", function()
    local parts = 'group "g" { any_case = true, text "webhookUrl" {}, secret "authToken" {}, group "start" {} }'
    local record = read(parts, { g = { WebhookUrl = "u", AUTHTOKEN = "t", Other = 1, start = {} } })
    assert.equal("u", record.g.webhookUrl)
    assert.is_nil(record.g.WebhookUrl)
    assert.equal("t", record.g.authToken:reveal())
    assert.equal(1, record.g.Other)
    record = read('group "g" { text "webhookUrl" {} }', { g = { WebhookUrl = "u" } })
    assert.is_nil(record.g.webhookUrl)
  end)

  it("leaves what is of another type as it came", function()
    local parts = [[ group "g" { any_case = true, text "x" {} }, list "l" { of = secret {} },
      choice "c" { values = { "A" }, codes = { A = 1 } } ]]
    local record = read(parts, { g = "text", l = { x = "y" }, c = { 1 }, id = false })
    assert.equal("text", record.g)
    assert.equal("y", record.l.x:reveal())
    assert.same({ 1 }, record.c)
    assert.equal(json.null, read(parts, { g = json.null }).g)
    assert.same({}, read(parts, { g = json.array {} }).g)
  end)
end)
