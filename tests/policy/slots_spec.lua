local slots = require "luaprov.policy.slots"

-- A store as nginx's shared dictionary is one, with a clock that stands still until a test moves it.
local function new_store()
  local store, there = { now = 100 }, {}
  local function alive(key)
    local entry = there[key]
    return entry and (not entry.ends or entry.ends > store.now) and entry or nil
  end
  function store.name(text) return "<" .. text .. ">" end
  function store.set(key, text, seconds) there[key] = { text = text, ends = seconds and store.now + seconds } end
  function store.add(key, text, seconds)
    if alive(key) then return false end
    store.set(key, text, seconds)
    return true
  end
  function store.get(key) return alive(key) and alive(key).text end
  function store.left(key) return alive(key) and alive(key).ends - store.now end
  function store.delete(key) there[key] = nil end
  return store
end

describe("the places of a window", function()
  local store, one, other

  local function make(windows)
    store = new_store()
    one, other = slots.new(store, "account", windows), slots.new(store, "account", windows)
  end

  it("are as many as the window has calls, whoever takes them", function()
    make { { 3, per = 10 } }
    assert.truthy(one:claim(5))
    assert.truthy(other:claim(5))
    assert.truthy(one:claim(5))
    assert.is_nil((one:claim(5)))
    assert.is_nil((other:claim(5)))
  end)

  it("are free again one window after the answer", function()
    make { { 1, per = 10 } }
    local places = one:claim(5)
    store.now = 103
    one:answered(places)
    local none, seconds = other:claim(5)
    assert.is_nil(none)
    assert.equal(10, seconds)
    store.now = 112.9
    assert.is_nil((other:claim(5)))
    store.now = 113
    assert.truthy(other:claim(5))
  end)

  it("are looked at again soon while somebody has them", function()
    make { { 1, per = 10 } }
    one:claim(5)
    local _, seconds = other:claim(5)
    assert.is_true(seconds < 0.1)
  end)

  it("are free at once when nothing was sent", function()
    make { { 1, per = 10 }, { 2, per = 60 } }
    one:give_back(one:claim(5))
    one:give_back(one:claim(5))
    assert.truthy(other:claim(5))
  end)

  it("are taken in all windows or in none", function()
    make { { 2, per = 1 }, { 1, per = 60 } }
    assert.truthy(one:claim(5))
    for _ = 1, 5 do assert.is_nil((other:claim(5))) end
    assert.truthy(store.add("<account>:1:1", "x", 1)) -- nobody has kept it
  end)

  it("are given back by their time when whoever had them is gone", function()
    make { { 1, per = 10 } }
    one:claim(5)
    store.now = 114.9
    assert.is_nil((other:claim(5)))
    store.now = 115
    assert.truthy(other:claim(5))
  end)

  it("of calls at once are free with the answer", function()
    make { { 1, per = 0 } }
    local places = one:claim(5)
    assert.is_nil((other:claim(5)))
    one:answered(places)
    assert.truthy(other:claim(5))
  end)

  it("are nobody's while the vendor wants no call", function()
    make { { 5, per = 1 } }
    one:hold(7)
    local _, seconds = other:claim(5)
    assert.equal(7, seconds)
    store.now = 107
    assert.truthy(other:claim(5))
  end)

  it("of another account are its own", function()
    make { { 1, per = 10 } }
    one:claim(5)
    assert.truthy(slots.new(store, "another", { { 1, per = 10 } }):claim(5))
  end)
end)
