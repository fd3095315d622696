-- What is known of a collection: notes, claims, and whose turn it is.
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local luaprov = require "luaprov"
local notes = require "luaprov.policy.notes"
local runtime = require "luaprov.runtime"

local UNAVAILABLE = errors.new { kind = "unavailable", outcome = "unknown", message = "ouch" }

local function collection() return notes.new({ name = "things", settles_in = 10 }, {}) end

describe("A note", function()
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

describe("A record", function()
  local now, late = core.now, 0
  local own
  before_each(function()
    late, own = 0, collection()
    core.now = function() return now() + late end
  end)
  after_each(function() core.now = now end)

  local function known(ids)
    return assert(notes.note(own, function(each)
      for _, id in ipairs(ids or {}) do each { id = id } end
      return 1
    end)).known
  end
  local function remove(id, parents, resource)
    notes.remove({ swept = core.now(), of = { own } }, { name = resource or "things" }, id, parents or {})
  end

  it("that is claimed is known to every note, until a list shows it", function()
    local first = known()
    notes.forget(own)
    local second = known()
    notes.claim(own, "a")
    notes.forget(own)
    assert.same({ { a = true }, { a = true }, { a = true } }, { first, second, known() })
    late = 11
    notes.forget(own)
    assert.same({ { a = true }, {} }, { known { "a" }, own.claimed })
    notes.forget(own)
    assert.same({}, known())
  end)

  it("that is claimed while somebody notes what is there is known to that note", function()
    local note = assert(notes.note(own, function()
      notes.claim(own, 7)
      return 1
    end))
    assert.same({ ["7"] = true }, note.known)
  end)

  it("that is removed is known no more, and not by a list that still shows it", function()
    local first = known { 7, 8 }
    notes.claim(own, 9)
    remove "7"
    remove(9)
    assert.same({ { ["8"] = true }, {} }, { first, own.claimed })
    notes.forget(own)
    assert.same({ ["8"] = true }, known { 7, 8 })
    notes.forget(own)
    late = 11
    assert.same({ ["7"] = true, ["8"] = true }, known { 7, 8 })
    -- Its id belongs to another one.
    remove(7)
    notes.claim(own, 7)
    assert.same({ { ["7"] = true, ["8"] = true } }, { own.note.known, notes.passing(own, "7", core.now()) })
  end)

  it("that is removed is another one's within other parents, or of another resource", function()
    own.parents = { hub = "a" }
    notes.claim(own, 1)
    remove(1, { hub = "B" })
    remove(1, nil, "others")
    assert.same({ {} }, { own.removed })
    remove(1, { hub = "a", account = "x" })
    assert.same({ {} }, { own.claimed })
  end)

  it("that a create may have made is in the next note, whoever notes at that time", function()
    local lists = 0
    local function pages()
      lists = lists + 1
      luaprov.sleep(0.02)
      return 1
    end
    local first = luaprov.spawn(function() return notes.note(own, pages) end)
    luaprov.sleep(0.005)
    notes.forget(own)
    local second = notes.note(own, pages)
    assert.same({ 2, true }, { lists, second ~= first:wait() })
    assert.equal(second, own.note)
  end)
end)

describe("Creates of one key", function()
  local own
  before_each(function() own = collection() end)
  local function turn(name) return notes.turn(own, { key = { "name" } }, { name = name }) end

  it("take turns, and those of others do not wait", function()
    local order, first = {}, turn "Front Desk"
    assert(notes.enter(first))
    local second = luaprov.spawn(function()
      local mine = turn "front-desk"
      assert(notes.enter(mine))
      order[#order + 1] = "second"
      notes.leave(mine)
    end)
    luaprov.spawn(function()
      local other = turn "other"
      assert(notes.enter(other))
      notes.leave(other)
      order[#order + 1] = "other"
    end):wait()
    notes.leave(first)
    second:wait()
    assert.same({ "other", "second" }, order)
    assert.same({}, own.busy)
  end)

  it("end to wait with the deadline, or when they are cancelled", function()
    local first, second = turn "n", turn "n"
    assert(notes.enter(first))
    local ends = runtime.now() + 10
    local entered, why = luaprov.deadline(0.05, notes.enter, second)
    assert.same({ true, "timeout" }, { entered == nil, why })
    local task = luaprov.spawn(function() entered, why = notes.enter(second) end)
    luaprov.sleep(0)
    task:cancel()
    task:wait()
    assert.same({ true, "cancelled" }, { entered == nil, why })
    assert.is_true(runtime.now() < ends)
  end)

  it("leave their own turns only, and once", function()
    local first, second = turn "n", turn "n"
    assert(notes.enter(first))
    notes.leave(second)
    assert.equal(first, own.busy[first.key])
    notes.leave(first)
    assert(notes.enter(second))
    notes.leave(first)
    assert.equal(second, own.busy[first.key])
  end)
end)

describe("What is known of a collection", function()
  local function client_of(account)
    local collections = notes.collections(account)
    return { collections = function() return collections end }
  end

  it("belongs to the account, its resource and parents", function()
    local one, two, other = client_of "a", client_of "a", client_of "b"
    local function of(client, name, parents) return notes.collection(client, { name = name }, parents, true) end
    assert.is_nil(notes.collection(one, { name = "hubs" }, {}))
    assert.equal(of(one, "hubs", {}), of(two, "hubs", {}))
    local guid = "D4315495-BFD8-4000-8000-00000000000A"
    assert.equal(of(one, "hubs", {}), notes.collection(two, { name = "hubs" }, {}))
    assert.equal(of(one, "hubs", { a = guid, b = 1 }), of(two, "hubs", { b = "1", a = guid:lower() }))
    assert.not_equal(of(one, "hubs", { a = "X" }), of(one, "hubs", { a = "x" }))
    for _, each in ipairs { of(other, "hubs", {}), of(one, "pbxs", {}), of(one, "hubs", { a = "X" }) } do
      assert.not_equal(of(one, "hubs", {}), each)
    end
  end)

  it("goes when it is of no use any more", function()
    local now, late = core.now, 0
    finally(function() core.now = now end)
    core.now = function() return now() + late end
    local client, things, others = client_of "e", { name = "things", key = { "name" }, settles_in = 400 },
      { name = "others", settles_in = 400 }
    local function of(is_new) return notes.collection(client, things, {}, is_new) end
    -- Whether it is there yet so many seconds later.
    local function stays(seconds)
      late = late + seconds
      notes.collection(client, others, {}, true)
      return of() ~= nil
    end
    local own = of(true)
    assert(notes.note(own, function() return 1 end))
    assert.same({ true, false }, { stays(299), stays(61) })
    notes.claim(of(true), 1)
    assert.same({ true, false }, { stays(399), stays(61) })
    of(true)
    notes.remove(client.collections(), things, 1, {})
    assert.same({ true, false }, { stays(399), stays(61) })
    own = of(true)
    local turn = notes.turn(own, things, { name = "n" })
    assert(notes.enter(turn))
    assert.is_true(stays(1000))
    late = late + 30
    notes.leave(turn)
    assert.same({ true, false }, { stays(59), stays(61) })
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
