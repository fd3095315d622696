-- What a look through a list tells, list by list.
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local secret = require "luaprov.secret"
local settle = require "luaprov.policy.settle"

local RESOURCE = { name = "things", key = { "name", "kind" }, shape = {
  by_name = { name = { type = "text" } },
  by = { { union = { kind = { type = "choice", value_list = { "A", "B" } } } } },
} }

local UNAVAILABLE = errors.new { kind = "unavailable", outcome = "unknown", message = "ouch" }

-- Looks through lists: each is what one walk sees, a list of pages; the last stays. An error in place of one is told.
local function find(lists, more)
  local search, looks = {
    resource = RESOURCE, wanted = { name = "n", kind = "A", pin = "1234" }, note = { known = { old = true } },
    collection = { claimed = { claimed = true } }, over_at = core.now(), ends = core.now() + 5,
  }, 0
  search.pages = function(each)
    looks = looks + 1
    local pages = lists[math.min(looks, #lists)]
    if errors.is(pages) then return nil, pages end
    for _, page in ipairs(pages) do
      for _, record in ipairs(page) do each(record) end
    end
    return #pages
  end
  for name, value in pairs(more or {}) do search[name] = value end
  local record, verdict, candidates = settle.find(search)
  local ids = {}
  for i, candidate in ipairs(candidates) do ids[i] = candidate.id end
  return record and record.id, verdict, ids, looks
end

local function record(id, more)
  local made = { id = id, name = "n", kind = "A", pin = secret "****" }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local function is(wanted, ...)
  local got = { ... }
  assert.same(wanted, { got[1] or false, got[2], got[3], got[4] })
end

local OTHER = "a new record has its key, and not all that was sent is known to stand in it"

describe("A search", function()
  it("finds the one that is new", function()
    is({ "new", "ours", { "new" }, 1 }, find { { { record "OLD", record "new", record "Claimed" } } })
    is({ 17, "ours", { 17 }, 1 }, find { { { record(17) } } })
  end)

  it("goes by the key, whatever else the list has", function()
    is({ "new", "ours", { "new" }, 1 }, find { { { record("a", { name = "m" }), record("b", { kind = "B" }),
                                                    record "new" } } })
  end)

  it("takes the one that is equal, not the one that is alike", function()
    is({ "new", "ours", { "a", "new", "b" }, 1 },
      find { { { record("a", { name = "N " }), record "new", record("b", { pin = secret "9999" }) } } })
  end)

  it("takes none that does not show its key", function()
    is({ false, OTHER, { "a" }, 1 }, find { { { { id = "a", name = "n" } } } })
    is({ false, OTHER, { "a" }, 1 }, find { { { record("a", { kind = "a?" }) } } })
  end)

  it("takes none of several", function()
    is({ false, "several new records are equal to it", { "a", "b" }, 1 }, find { { { record "a", record "b" } } })
  end)

  it("waits until it would have appeared", function()
    local at = core.now() + 0.5
    is({ false, "not there", {}, 3 }, find({ { {} } }, { over_at = at }))
    assert.is_true(core.now() >= at)
    is({ "new", "ours", { "new" }, 2 }, find({ { {} }, { { record "new" } } }, { over_at = core.now() + 100 }))
    is({ false, OTHER, { "a" }, 2 },
      find({ { { record("a", { pin = secret "9999" }) } } }, { over_at = core.now() + 0.1 }))
  end)

  it("looks twice where the list has pages: a record may slip from one to another", function()
    is({ "new", "ours", { "new" }, 2 }, find { { {}, {} }, { { record "new" }, {} } })
    is({ false, "not there", {}, 2 }, find { { {}, {} } })
    is({ false, "not there", {}, 1 }, find { { {} } })
  end)

  it("says when a record that was there has the key", function()
    is({ false, "held", {}, 1 }, find { { { record "old" } } })
    is({ false, "held", {}, 2 }, find({ { { record "old" } } }, { over_at = core.now() + 0.1 }))
    is({ false, "held", {}, 1 }, find({ { { record "old" } } }, { over_at = core.now() + 100, unique = true }))
    is({ false, "not there", {}, 1 }, find { { { record("old", { name = "N" }) } } })
    is({ false, OTHER, { "a" }, 1 }, find({ { { record "old", record("a", { name = "N" }) } } }, { unique = true }))
  end)

  it("reads what a list shows a part of", function()
    local whole = { a = record("a", { pin = secret "9999" }), new = record "new", gone = false }
    local function get(part) return whole[part.id] end
    local parts = { { { { id = "a", name = "n" }, { id = "gone", name = "n" }, { id = "new", name = "n" } } } }
    is({ "new", "ours", { "a", "new" }, 1 }, find(parts, { get = get }))
    -- One that cannot be read may be any.
    is({ false, "the list cannot be read: ouch", {}, 1 }, find(parts, { get = function(part)
      if part.id == "a" then return nil, UNAVAILABLE end
      return whole[part.id]
    end }))
  end)

  it("does not read without end", function()
    local many, reads = {}, 0
    for i = 1, 1000 do many[i] = record("r" .. i) end
    local id, verdict, ids = find({ { many } }, { get = function(part)
      reads = reads + 1
      return part
    end })
    assert.same({ false, OTHER, 1000, 0 }, { id or false, verdict, #ids, reads })
  end)

  it("tells candidates where nobody noted what was there, and does not wait", function()
    is({ false, "nobody noted what was there before", { "old", "new" }, 1 },
      find({ { { record "old", record "new" } } }, { note = false, over_at = core.now() + 100 }))
    is({ false, "it may appear yet", {}, 1 }, find({ { {} } }, { note = false, over_at = core.now() + 100 }))
  end)

  it("looks again when a look failed, as long as there is time", function()
    is({ "new", "ours", { "new" }, 2 }, find({ UNAVAILABLE, { { record "new" } } }, { over_at = core.now() + 100 }))
    is({ false, "the list cannot be read: ouch", {}, 1 }, find { UNAVAILABLE })
    is({ false, "the list cannot be read: ouch", {}, 2 }, find({ UNAVAILABLE },
      { over_at = core.now() + 100, ends = core.now() + 0.3 }))
    is({ false, "the list cannot be read: no", {}, 1 }, find({ errors.new { kind = "forbidden", outcome = "refused",
      message = "no" } }, { over_at = core.now() + 100 }))
  end)

  it("ends when the call's time does", function()
    is({ false, "it may appear for another 100 s, and there is no time to wait", { "a" }, 2 },
      find({ { { record("a", { name = "N" }) } } }, { over_at = core.now() + 100, ends = core.now() + 0.3 }))
    is({ false, "there is no time to look for it", {}, 0 }, find({ { { record "new" } } }, { ends = core.now() }))
  end)
end)

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
    local notes = luaprov.map({ 1, 2, 3, 4 }, function()
      return settle.note(own, function(each)
        luaprov.sleep(0.01)
        return pages(each)
      end)
    end)
    assert.same({ ["1"] = true, b = true }, notes[4].known)
    assert.same({ 1, true }, { lists.count, notes[1] == notes[4] and settle.note(own, pages) == notes[1] })
  end)

  it("is taken again when it is old, and whoever began with the old one keeps that", function()
    local ids = { 1 }
    local lists, pages = lister(ids)
    local own = collection()
    local first = settle.note(own, pages)
    core.now = function() return now() + 299 end
    assert.equal(first, settle.note(own, pages))
    ids[2] = 2
    core.now = function() return now() + 301 end
    local second = settle.note(own, pages)
    assert.same({ 2, { ["1"] = true }, { ["1"] = true, ["2"] = true } }, { lists.count, first.known, second.known })
    settle.forget(own)
    assert.not_equal(second, settle.note(own, pages))
  end)

  it("of a long list lasts longer", function()
    local own, late = collection(), 0
    core.now = function() return now() + late end
    local first = settle.note(own, function()
      late = 60
      return 600
    end)
    late = 60 + 20 * 60 - 1
    assert.equal(first, settle.note(own, error))
    late = 60 + 20 * 60 + 1
    assert.not_equal(first, settle.note(own, function() return 1 end))
  end)

  it("is none when the list failed", function()
    local own = collection()
    local note, err = settle.note(own, function() return nil, UNAVAILABLE end)
    assert.same({ true, "ouch" }, { note == nil, err.message })
    assert.truthy(settle.note(own, function() return 1 end))
  end)
end)

describe("Creates of one key", function()
  it("take turns, and those of others do not wait", function()
    local own, order = { claimed = {}, busy = {} }, {}
    local resource = { key = { "name" } }
    local key = assert(settle.enter(own, resource, { name = "Front Desk" }))
    local second = luaprov.spawn(function()
      local mine = assert(settle.enter(own, resource, { name = "front-desk" }))
      order[#order + 1] = "second"
      settle.leave(own, mine)
    end)
    luaprov.spawn(function()
      settle.leave(own, assert(settle.enter(own, resource, { name = "other" })))
      order[#order + 1] = "other"
    end):wait()
    settle.leave(own, key)
    second:wait()
    assert.same({ "other", "second" }, order)
    assert.same({}, own.busy)
  end)

  it("end to wait with the deadline, or when they are cancelled", function()
    local own, resource = { claimed = {}, busy = {} }, { key = { "name" } }
    assert(settle.enter(own, resource, { name = "n" }))
    local ends = runtime.now() + 10
    local key, why = luaprov.deadline(0.05, settle.enter, own, resource, { name = "n" })
    assert.same({ true, "timeout" }, { key == nil, why })
    local task = luaprov.spawn(function() key, why = settle.enter(own, resource, { name = "n" }) end)
    luaprov.sleep(0)
    task:cancel()
    task:wait()
    assert.same({ true, "cancelled" }, { key == nil, why })
    assert.is_true(runtime.now() < ends)
  end)
end)

describe("What is known of a collection", function()
  local function client_of(account)
    local collections = settle.collections(account)
    return { collections = function() return collections end }
  end

  it("belongs to the account, its resource and parents", function()
    local one, two, other = client_of "a", client_of "a", client_of "b"
    local function of(client, name, parents) return settle.collection(client, { name = name }, parents) end
    assert.equal(of(one, "hubs", {}), of(two, "hubs", {}))
    assert.equal(of(one, "hubs", { a = "X", b = 1 }), of(two, "hubs", { b = "1", a = "x" }))
    for _, each in ipairs { of(other, "hubs", {}), of(one, "pbxs", {}), of(one, "hubs", { a = "X" }) } do
      assert.not_equal(of(one, "hubs", {}), each)
    end
  end)

  it("goes with its clients", function()
    local kept = client_of "c"
    local there = setmetatable({ settle.collections "d" }, { __mode = "v" })
    collectgarbage()
    collectgarbage()
    assert.is_nil(there[1])
    assert.equal(kept.collections(), settle.collections "c")
  end)
end)
