local json = require "luaprov.json"
local plan_file = require "luaprov.stack.plan_file"
local stack = require "tests.stack.support"
local support = require "tests.support"

local TEXT = [[
  local hub = acme.hubs("h", { name = "h", about = "one", mail = { from = "x", password = secret "pw-0000" } })
  acme.lines("l", { hub = hub.id, name = "l", kind = "sms", token = secret "tok-0000" })
]]

-- A hub that is there, a line that is not.
local function plan_of(text, edit, options)
  local manifest = stack.manifest(text, options)
  local rows, observed = stack.applied(manifest)
  rows[2] = nil
  rows[1].fields.about, observed["acme.hubs.h"].about = "old", "old"
  observed["acme.lines.l"] = nil
  if edit then edit(observed["acme.hubs.h"], rows[1], observed) end
  return stack.plan { manifest = manifest, rows = rows, observed = observed }
end

local function saved_of(plan) return assert(plan_file.decode(plan_file.encode(plan))) end

local function differs(wanted, plan)
  local ok, err = plan_file.check(saved_of(plan_of(TEXT)), plan)
  assert.is_nil(ok)
  assert.same(wanted, err.details)
  support.is_error({ kind = "invalid", outcome = "not_sent", has = "nothing was sent" }, err)
end

describe("a saved plan", function()
  it("is the same as the plan that is made again", function()
    local plan = plan_of(TEXT)
    assert.same({ "update acme.hubs.h", "create acme.lines.l" }, stack.steps(plan))
    assert.is_true((plan_file.check(saved_of(plan), plan_of(TEXT))))
  end)

  it("holds no secret", function()
    local text = plan_file.encode(plan_of(TEXT, function(record) record.mail.password = nil end))
    assert.is_nil(text:find("-0000", 1, true))
    assert.truthy(text:find("acme.lines.l", 1, true))
  end)

  it("is another when the manifest is, or what it reads", function()
    differs({ "the manifest, or a file or variable that it reads, changed" }, plan_of(TEXT .. " -- a word"))
    local text = "local _ = env 'REGION'\n" .. TEXT
    local saved = saved_of(plan_of(text))
    assert.is_true((plan_file.check(saved, plan_of(text))))
    assert.is_nil((plan_file.check(saved, plan_of(text, nil, { getenv = function() return "us" end }))))
  end)

  it("is another when a secret is", function()
    local text = TEXT:gsub('secret "tok%-0000"', 'secret(env "TOKEN")')
    local function with(token) return { getenv = function() return token end } end
    local saved = saved_of(plan_of(text, nil, with "tok-1"))
    assert.is_true((plan_file.check(saved, plan_of(text, nil, with "tok-1"))))
    local _, err = plan_file.check(saved, plan_of(text, nil, with "tok-2"))
    assert.same({ "the manifest, or a file or variable that it reads, changed",
                  "acme.lines.l is declared otherwise" }, err.details)
  end)

  it("is another when a record is", function()
    differs({ "acme.hubs.h changed at the vendor" }, plan_of(TEXT, function(record) record.about = "newer" end))
    differs({ "acme.hubs.h changed at the vendor" }, plan_of(TEXT, function(record) record.open = true end))
    differs({ "acme.hubs.h changed at the vendor", "acme.lines.l is declared otherwise" },
      plan_of(TEXT, function(_, row) row.id = "other" end))
    differs({ "acme.hubs.h was to be updated, is to stay" }, plan_of(TEXT, function(record) record.about = "one" end))
    differs({ "acme.hubs.h was to be updated, is to be created", "acme.lines.l is declared otherwise" },
      plan_of(TEXT, function(_, _, observed) observed["acme.hubs.h"] = false end))
    -- What only the vendor sets, and nobody can, is no such change.
    assert.is_true((plan_file.check(saved_of(plan_of(TEXT)), plan_of(TEXT, function(record)
      record.seen, record.other = "later", 5
    end))))
  end)

  it("is another when the provider file is", function()
    local name = stack.acme.file
    local folder = support.folder()
    stack.acme.file = folder .. "/acme.lua"
    local function write(text)
      local file = assert(io.open(stack.acme.file, "w"))
      file:write(text)
      file:close()
    end
    write "one"
    local saved = saved_of(plan_of(TEXT))
    assert.is_true((plan_file.check(saved, plan_of(TEXT))))
    write "two"
    local _, err = plan_file.check(saved, plan_of(TEXT))
    stack.acme.file = name
    support.clean()
    assert.same({ "the provider file of acme changed" }, err.details)
  end)

  it("is another with the credentials of another account, of which the state has nothing yet", function()
    local place = support.folder() .. "/token"
    local text = ("local b = use('acme', { token = secret.file %q }, { as = 'b' })\n"):format(place) .. TEXT
      .. "b.hubs('x', { name = 'x' })"
    local function plan_with(token)
      local file = assert(io.open(place, "w"))
      file:write(token)
      file:close()
      return plan_of(text)
    end
    local saved = saved_of(plan_with "FAKE-1")
    assert.is_nil(json.encode(saved):find("FAKE", 1, true))
    assert.is_true((plan_file.check(saved, plan_with "FAKE-1")))
    local _, err = plan_file.check(saved, plan_with "FAKE-2")
    assert.same({ "account b has other credentials (--same-account b says that they are of the same account)" },
      err.details)
    assert.is_true((plan_file.check(saved, plan_with "FAKE-2", { "b" })))
    support.clean()
  end)

  it("that is none is refused", function()
    for text, words in pairs {
      ["{"] = "the plan is no JSON", ["5"] = "the file is no plan of luaprov",
      ["{}"] = "the file is no plan of luaprov",
      ['{"luaprov_plan":2}'] = "the plan has format 2, and this luaprov reads format 1: make it anew",
      ['{"luaprov_plan":1}'] = "the plan is damaged",
      ['{"luaprov_plan":1,"salt":"a","accounts":{},"steps":[5]}'] = "the plan is damaged",
      ['{"luaprov_plan":1,"salt":"a","accounts":{},"steps":[],"manifest":{}}'] = "the plan is damaged",
      ['{"luaprov_plan":1,"salt":"a","accounts":{},"steps":[],"targets":[5]}'] = "the plan is damaged",
      [""] = "the plan is no JSON",
    } do
      local saved, err = plan_file.decode(text)
      support.is_error({ kind = "invalid", outcome = "not_sent", has = words }, err, saved)
    end
  end)
end)
