-- What is known of a collection: notes, claims, and whose turn it is.
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local luaprov = require "luaprov"
local notes = require "luaprov.policy.notes"
local runtime = require "luaprov.runtime"

local UNAVAILABLE = errors.new { kind = "unavailable", outcome = "unknown", message = "ouch" }

describe("A note", function()
  local function collection() return { claimed = {}, busy = {} } end
  local function lister(ids)
    local lists = { count = 0 }
    return lists, function(each)
      lists.count = lists.count + 1
      for _, id in ipairs(ids) do each { id = id } end
      return 1
    end
  end
  local now = core.now
  after_each(function() core.now = now end)

  it("is taken once, by one of many", function()
    local lists, pages = lister { 1, "B" }
    local own = collection()
    local got = luaprov.map({ 1, 2, 3, 4 }, function()
      return notes.note(own, function(each)
        luaprov.sleep(0.01)
        return pages(each)
      end)
    end)
    assert.same({ ["1"] = true, B = true }, got[4].known)
    assert.same({ 1, true }, { lists.count, got[1] == got[4] and notes.note(own, pages) == got[1] })
  end)

  it("is taken again when it is old, and whoever began with the old one keeps that", function()
    local ids = { 1 }
    local lists, pages = lister(ids)
    local own = collection()
    local first = notes.note(own, pages)
    core.now = function() return now() + 299 end
    assert.equal(first, notes.note(own, pages))
    ids[2] = 2
    core.now = function() return now() + 301 end
    local second = notes.note(own, pages)
    assert.same({ 2, { ["1"] = true }, { ["1"] = true, ["2"] = true } }, { lists.count, first.known, second.known })
    notes.forget(own)
    assert.not_equal(second, notes.note(own, pages))
  end)

  it("of a long list lasts longer", function()
    local own, late = collection(), 0
    core.now = function() return now() + late end
    local first = notes.note(own, function()
      late = 60
      return 600
    end)
    late = 60 + 20 * 60 - 1
    assert.equal(first, notes.note(own, error))
    late = 60 + 20 * 60 + 1
    assert.not_equal(first, notes.note(own, function() return 1 end))
  end)

  it("is none when the list failed", function()
    local own = collection()
    local note, err = notes.note(own, function() return nil, UNAVAILABLE end)
    assert.same({ true, "ouch" }, { note == nil, err.message })
    assert.truthy(notes.note(own, function() return 1 end))
  end)
end)

describe("Creates of one key", function()
  it("take turns, and those of others do not wait", function()
    local own, order = { claimed = {}, busy = {} }, {}
    local resource = { key = { "name" } }
    local key = assert(notes.enter(own, resource, { name = "Front Desk" }))
    local second = luaprov.spawn(function()
      local mine = assert(notes.enter(own, resource, { name = "front-desk" }))
      order[#order + 1] = "second"
      notes.leave(own, mine)
    end)
    luaprov.spawn(function()
      notes.leave(own, assert(notes.enter(own, resource, { name = "other" })))
      order[#order + 1] = "other"
    end):wait()
    notes.leave(own, key)
    second:wait()
    assert.same({ "other", "second" }, order)
    assert.same({}, own.busy)
  end)

  it("end to wait with the deadline, or when they are cancelled", function()
    local own, resource = { claimed = {}, busy = {} }, { key = { "name" } }
    assert(notes.enter(own, resource, { name = "n" }))
    local ends = runtime.now() + 10
    local key, why = luaprov.deadline(0.05, notes.enter, own, resource, { name = "n" })
    assert.same({ true, "timeout" }, { key == nil, why })
    local task = luaprov.spawn(function() key, why = notes.enter(own, resource, { name = "n" }) end)
    luaprov.sleep(0)
    task:cancel()
    task:wait()
    assert.same({ true, "cancelled" }, { key == nil, why })
    assert.is_true(runtime.now() < ends)
  end)
end)

describe("What is known of a collection", function()
  local function client_of(account)
    local collections = notes.collections(account)
    return { collections = function() return collections end }
  end

  it("belongs to the account, its resource and parents", function()
    local one, two, other = client_of "a", client_of "a", client_of "b"
    local function of(client, name, parents) return notes.collection(client, { name = name }, parents) end
    assert.equal(of(one, "hubs", {}), of(two, "hubs", {}))
    local guid = "D4315495-BFD8-4000-8000-00000000000A"
    assert.equal(of(one, "hubs", { a = guid, b = 1 }), of(two, "hubs", { b = "1", a = guid:lower() }))
    assert.not_equal(of(one, "hubs", { a = "X" }), of(one, "hubs", { a = "x" }))
    for _, each in ipairs { of(other, "hubs", {}), of(one, "pbxs", {}), of(one, "hubs", { a = "X" }) } do
      assert.not_equal(of(one, "hubs", {}), each)
    end
  end)

  it("goes with its clients", function()
    local kept = client_of "c"
    local there = setmetatable({ notes.collections "d" }, { __mode = "v" })
    collectgarbage()
    collectgarbage()
    assert.is_nil(there[1])
    assert.equal(kept.collections(), notes.collections "c")
  end)
end)
