-- What a look through a list tells, list by list.
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local notes = require "luaprov.policy.notes"
local secret = require "luaprov.secret"
local settle = require "luaprov.policy.settle"

local RESOURCE = { name = "things", key = { "name", "kind" }, shape = {
  by_name = { name = { type = "text" } },
  by = { { union = { kind = { type = "choice", value_list = { "A", "B" } } } } },
} }

local GUID = "D4315495-BFD8-4000-8000-00000000000A"

local UNAVAILABLE = errors.new { kind = "unavailable", outcome = "unknown", message = "ouch" }

-- Looks through lists: each is what one walk sees, a list of pages; the last stays. An error in place of one is told.
local function find(lists, more)
  local search, looks = {
    resource = RESOURCE, wanted = { name = "n", kind = "A", pin = "1234" },
    note = { known = { old = true, [GUID:lower()] = true } }, over_at = core.now(), ends = core.now() + 5,
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
    is({ "new", "ours", { "new" }, 1 }, find { { { record "old", record "new", record(GUID) } } })
    -- Its id is another one.
    is({ "Old", "ours", { "Old" }, 1 }, find { { { record "old", record "Old" } } })
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

  it("takes one that has the id of one that was removed, when no list shows that any more", function()
    local collection = notes.new({ name = "things", settles_in = 0.5 }, {})
    local note = assert(notes.note(collection, function() return 1 end))
    notes.claim(collection, "a")
    local function look(lists)
      return find(lists, { collection = collection, note = note })
    end
    is({ false, "held", {}, 1 }, look { { { record "a" } } })
    notes.remove({ swept = core.now(), of = { collection } }, { name = "things" }, "a", {})
    local at = core.now() + 0.5
    is({ false, "not there", {}, 2 }, look { { { record "a" } }, { {} } })
    is({ "a", "ours", { "a" }, 3 }, look { { { record "a" } } })
    assert.is_true(core.now() >= at)
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

  it("reads what a list shows the beginning of", function()
    local wanted = { name = "Front Desk", kind = "A" }
    for _, shown in ipairs { "Fro", "front", "Fro...", "Fro…" } do
      local other = { id = "old", name = "Front Desk 2", kind = "A" }
      local listed = { { { { id = "new", name = shown, kind = "A" }, other } } }
      local function is_found(id, verdict, name)
        local got = { find(listed, { wanted = wanted, get = function(part)
          assert.equal("new", part.id)
          return { id = part.id, name = name, kind = "A" }
        end }) }
        assert.same({ id, verdict }, { got[1] or false, got[2] })
      end
      is_found("new", "ours", "Front Desk")
      is_found(false, "not there", "Front")
      is_found(false, "not there", "Fro")
    end
  end)

  it("takes what is as long as any other for cut, where nothing shows more of it", function()
    local wanted = { name = "äöüß", kind = "A" }
    local function got(others, name, get)
      local list = { { id = "new", name = name, kind = "A" } }
      for i, other in ipairs(others) do list[i + 1] = { id = "old", name = other, kind = "A" } end
      return (select(2, find({ { list } }, { wanted = wanted, get = get and function(part) return part end })))
    end
    for _, get in ipairs { true, false } do
      assert.equal(OTHER, got({}, "äö", get))
      assert.equal(OTHER, got({ "ab", "cd" }, "äö", get))
      -- By bytes, in the midst of a character.
      assert.equal(OTHER, got({ "abc", "ä" }, "ä\195", get))
      assert.equal("not there", got({ "abcde" }, "äö", get))
    end
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
