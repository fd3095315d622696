-- When a call may be sent, by what was sent before and by what the vendor says. Where nobody waits the clock stands
-- still.
local core = require "luaprov.core"
local limits = require "luaprov.policy.limits"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local support = require "tests.support"

local accounts = 0

local function description(text)
  return support.description(support.provider(support.operations, 'auth = bearer "token", limits = ' .. text))
end

-- The limiter of an account that nobody has used.
local function limiter(text)
  accounts = accounts + 1
  return limits.of(description(text), "account " .. accounts)
end

local function answered(fields)
  local answer = { status = 200, headers = {} }
  for name, value in pairs(fields or {}) do answer[name] = value end
  return answer
end

-- Waits until nothing else runs: all tasks that could go on have.
local function settle() luaprov.sleep(0) luaprov.sleep(0) end

describe("The limits of an account", function()
  local real, now = core.now, nil
  local function freeze() now = 1000 core.now = function() return now end end -- luacheck: ignore
  after_each(function() core.now = real end) -- luacheck: ignore

  -- The answer of a call that is sent now, whether or not it may be.
  local function hear(self, fields)
    self.in_flight = self.in_flight + 1
    self:leave({ sent = now }, answered(fields))
  end

  local function left(self, remaining, reset)
    hear(self, { headers = { ["x-left"] = tostring(remaining), ["x-reset"] = tostring(reset) } })
  end

  it("are kept once for each provider, file and account", function()
    local provider, other = description "{ { 1, per = 1 } }", description "{ { 1, per = 1 } }"
    assert.equal(limits.of(provider, "a"), limits.of(provider, "a"))
    assert.equal(limits.of(provider, "a"), limits.of(other, "a"))
    assert.not_equal(limits.of(provider, "a"), limits.of(provider, "b"))
    other.file = "elsewhere/acme.lua"
    assert.not_equal(limits.of(provider, "a"), limits.of(other, "a"))
  end)

  it("let the one after n go a window after the answer of the first", function()
    freeze()
    local self = limiter "{ { 2, per = 5 } }"
    local first, second = self:enter(1), self:enter(1)
    assert.equal(math.huge, self:ready_at(now))
    now = 1003
    self:leave(first, answered())
    assert.equal(1008, self:ready_at(now))
    now = 1004
    self:leave(second, answered())
    assert.equal(1008, self:ready_at(now))
    now = 1008
    self:enter(1)
    assert.equal(1009, self:ready_at(now))
  end)

  it("are those of all windows", function()
    freeze()
    local self = limiter "{ { 2, per = 1 }, { 3, per = 60 } }"
    for _ = 1, 2 do self:leave(self:enter(1), answered()) end
    assert.equal(1001, self:ready_at(now))
    now = 1001
    self:leave(self:enter(1), answered())
    assert.equal(1060, self:ready_at(now))
  end)

  it("do not count what was not sent, and count what had no answer", function()
    freeze()
    local self = limiter "{ { 2, per = 5 } }"
    for _ = 1, 1000 do self:leave(self:enter(1), nil, true) end
    self:leave(self:enter(1), nil)
    assert.is_true(self:ready_at(now) <= now)
    local second = self:enter(1)
    assert.equal(1005, self:ready_at(now))
    self:leave(second, nil, true)
    assert.is_true(self:ready_at(now) <= now)
  end)

  it("hold however many calls there were, and whatever of the last was not sent", function()
    freeze()
    local self = limiter "{ { 20, per = 10 }, at_once = 20 }"
    for _ = 1, 40 do
      local tickets = {}
      for i = 1, 20 do tickets[i] = self:enter(1) end
      assert.equal(math.huge, self:ready_at(now))
      for i = 1, 20 do self:leave(tickets[i], answered(), nil) end
      assert.equal(now + 10, self:ready_at(now))
      now = now + 10
      for i = 1, 20 do tickets[i] = self:enter(1) end
      for i = 1, 20 do self:leave(tickets[i], nil, true) end
      -- They leave behind what was before them.
      assert.is_true(self:ready_at(now) <= now)
      assert.is_true(self:ready_at(now - 0.001) >= now)
    end
    assert.is_true(#self.sent < 120)
  end)

  it("say what a list of all sendings would, in any order of answers", function()
    freeze()
    for seed = 1, 20 do
      local few, many = seed % 2 == 0 and 3 or 150, seed % 2 == 0 and 7 or 160
      local windows, sent, out = { { few, 2 }, { many, 11 } }, {}, {}
      local self = limiter(("{ { %d, per = 2 }, { %d, per = 11 }, at_once = 1000 }"):format(few, many))
      local state = seed * 7919
      local function random(n)
        state = (state * 16807) % 2147483647
        return state % n + 1
      end
      for step = 1, 3000 do
        local ready = 0
        for _, window in ipairs(windows) do
          local first = sent[#sent - window[1] + 1]
          if first then ready = math.max(ready, (first.answered or math.huge) + window[2]) end
        end
        assert.equal(ready, self:ready_at(now), seed .. " at " .. step)
        -- Bursts: sendings for a while, and then answers, most of which say in turns that nothing was sent.
        local phase, what = math.floor(step / 250), random(100)
        if what <= 3 or few == 3 and what <= 30 then
          now = now + random(3) / 2
        elseif what <= (phase % 2 == 0 and 95 or 15) and ready <= now then
          local one = { ticket = self:enter(1) }
          sent[#sent + 1], out[#out + 1] = one, one
        elseif out[1] then
          local one = table.remove(out, random(#out))
          local is_sent = (random(10) > 1) == (phase % 4 < 2)
          self:leave(one.ticket, is_sent and answered() or nil, not is_sent)
          one.answered = now
          for i = #sent, is_sent and #sent + 1 or 1, -1 do
            if sent[i] == one then table.remove(sent, i) end
          end
        end
      end
    end
  end)

  it("keep nothing of whoever had a turn, where that may be ended in its midst", function()
    local name, kills, guard = "luaprov.policy.limits", runtime.kills, runtime.guard
    runtime.kills, runtime.guard = true, function() return { co = {} } end
    package.loaded[name] = nil
    finally(function() runtime.kills, runtime.guard, package.loaded[name] = kills, guard, limits end)
    local self = require(name).of(description "{ { 2, per = 5 } }", "guarded")
    local ticket = self:enter(1)
    assert.truthy(ticket.guard)
    self:leave(ticket, nil, true)
    assert.is_false(ticket.guard)
    -- The same one is taken next; other processes have all turns.
    self.slots = { claim = function() return nil, 0.01 end }
    assert.equal("timeout", select(2, runtime.deadline(0.03, function() return self:enter(1) end)))
    assert.is_false(ticket.guard)
  end)

  it("let only so many be in flight", function()
    local self = limiter "{ at_once = 3 }"
    local tickets = { self:enter(1), self:enter(1), self:enter(1) }
    assert.equal(math.huge, self:ready_at(core.now()))
    self:leave(tickets[2], answered())
    assert.is_true(self:ready_at(core.now()) <= core.now())
    local other = limiter "{ { 1000, per = 1 } }"
    for _ = 1, 64 do other:enter(1) end
    assert.equal(math.huge, other:ready_at(core.now()))
  end)

  describe("corrected by a refusal", function()
    it("that names a time: everybody waits", function()
      freeze()
      local self = limiter "{}"
      self:leave(self:enter(1), answered { status = 429, retry_after = 7 })
      assert.equal(1007, self:ready_at(now))
      hear(self, { status = 429, retry_after = 3 })
      assert.equal(1007, self:ready_at(now))
    end)

    it("that wants fewer at once: half of what was on its way, once for all of those, and then slowly more", function()
      freeze()
      local self, tickets = limiter "{ at_once = 16 }", {}
      for i = 1, 16 do tickets[i] = self:enter(1) end
      for i = 1, 16 do
        now = now + 0.01
        self:leave(tickets[i], answered { status = 429, retry_after = -1 })
      end
      local function room()
        local got = {}
        while self:ready_at(now) <= now do got[#got + 1] = self:enter(1) end
        for _, ticket in ipairs(got) do self:leave(ticket, answered()) end
        return #got
      end
      assert.equal(8, room())
      assert.equal(8, room()) -- sixteen good ones by now
      assert.equal(9, room())
      for _ = 1, 50 do room() end
      assert.equal(16, room())
      for _ = 1, 9 do self:leave(self:enter(1), answered { status = 429, retry_after = -1 }) end
      assert.equal(1, room())
    end)

    it("that is later than somebody's patience: that one hears so, and the next in its place", function()
      local self = limiter "{}"
      local holder = self:enter(1)
      self.cap = 1
      local told = {}
      local tasks = {}
      for i, patience in ipairs { 5, 500, 5 } do
        tasks[i] = luaprov.spawn(function() told[i] = { self:enter(patience) } end)
      end
      settle()
      self:leave(holder, answered { status = 429, retry_after = 100 })
      settle()
      assert.equal("rate_limited", told[1][2])
      assert.is_true(told[1][3] > 99 and told[1][3] <= 100)
      assert.is_nil(told[2])
      tasks[2]:cancel()
      tasks[2]:wait()
      tasks[3]:wait()
      assert.equal("cancelled", told[2][2])
      assert.equal("rate_limited", told[3][2])
    end)

    it("that is as long as a window: everybody waits, whatever their patience", function()
      local self = limiter "{ { 10, per = 0.2 } }"
      self:leave(self:enter(1), answered { status = 429, retry_after = 0.2 })
      local asked = core.now()
      assert.is_truthy(self:enter(0.001))
      assert.is_true(core.now() - asked >= 0.19)
    end)
  end)

  describe("corrected by headers", function()
    local HEADERS = '{ { 10, per = 60 }, headers = { ["X-Left"] = "{remaining}", ["X-Reset"] = "{reset}" } }'

    it("let nothing go when nothing is left", function()
      freeze()
      local self = limiter(HEADERS)
      left(self, 0, 4)
      assert.equal(1004, self:ready_at(now))
      now = 1004
      assert.is_true(self:ready_at(now) <= now)
    end)

    it("count what is on its way as not counted yet", function()
      freeze()
      local self = limiter(HEADERS)
      local tickets = { self:enter(1), self:enter(1) }
      left(self, 3, 4) -- the third: two are still out
      assert.is_true(self:ready_at(now) <= now)
      tickets[3] = self:enter(1)
      assert.equal(1004, self:ready_at(now))
      -- It came first and is heard last.
      self:leave(tickets[1], answered { headers = { ["x-left"] = "5", ["x-reset"] = "4" } })
      assert.is_true(self:ready_at(now) <= now)
      tickets[4] = self:enter(1)
      assert.equal(1004, self:ready_at(now))
      -- One of which nothing was heard may have been counted.
      self:leave(tickets[4], nil)
      assert.equal(1004, self:ready_at(now))
      self:leave(tickets[3], nil, true)
      assert.is_true(self:ready_at(now) <= now)
    end)

    it("know a new window by more that is left", function()
      freeze()
      local self = limiter(HEADERS)
      left(self, 1, 50)
      now = 1001
      left(self, 9, 60)
      for _ = 1, 5 do
        assert.is_true(self:ready_at(now) <= now)
        self:enter(1)
      end
    end)

    it("are not misled by one that was overtaken, also by the end of its window", function()
      freeze()
      local self = limiter(HEADERS)
      local late = self:enter(1)
      left(self, 1, 2)
      now = 1002.5
      self:leave(late, answered { headers = { ["x-left"] = "0", ["x-reset"] = "2" } })
      assert.is_true(self:ready_at(now) <= now)
    end)

    it("last at least a second, and no longer than the window that they are about", function()
      freeze()
      local self = limiter
        '{ { 5, per = 0.5 }, { 50, per = 9 }, headers = { L = "{limit}", M = "{remaining}, {reset}" } }'
      self:leave(self:enter(1), answered { headers = { l = "5", m = "0, 1" } })
      assert.equal(1000.5, self:ready_at(now))
      hear(self, { headers = { l = "50", m = "0, 0" } })
      assert.equal(1001, self:ready_at(now))
    end)

    it("may name the time of day", function()
      freeze()
      local self = limiter '{ headers = { M = "{remaining}", E = "{reset_at}" } }'
      self:leave(self:enter(1), answered { headers = { m = "0", e = tostring(os.time() + 30) } })
      local at = self:ready_at(now)
      assert.is_true(at == 1030 or at == 1029, at)
    end)

    it("say nothing where they are not as declared", function()
      freeze()
      local self = limiter(HEADERS)
      for _, value in ipairs { "", "nan", "0x10", "-1", "1e9", "7;w=1", "seven" } do
        left(self, value, 4)
        left(self, 0, value)
      end
      assert.is_true(self:ready_at(now) <= now)
    end)
  end)

  describe("are a queue", function()
    -- Tasks that wait behind one call that is in flight, and what became of each, in order.
    local function waiting(self, count, each)
      local holder, order, tasks = self:enter(1), {}, {}
      for i = 1, count do
        tasks[i] = luaprov.spawn(function()
          local ticket, why = self:enter(60)
          order[#order + 1] = why and i .. " " .. why or i
          if ticket then
            if each then each(i) end
            self:leave(ticket, answered())
          end
        end)
      end
      settle()
      return holder, order, tasks
    end

    it("first come, first served", function()
      local self = limiter "{ at_once = 1 }"
      local holder, order, tasks = waiting(self, 50, function() luaprov.sleep(0) end)
      assert.same({}, order)
      self:leave(holder, answered())
      -- Who comes now is behind them, although it could go.
      assert.is_true(self:ready_at(core.now()) <= core.now())
      local late = self:enter(60)
      order[#order + 1] = "late"
      self:leave(late, answered())
      for _, task in ipairs(tasks) do task:wait() end
      for i = 1, 50 do assert.equal(i, order[i]) end
      assert.equal("late", order[51])
    end)

    it("that goes on without those who are cancelled", function()
      local self = limiter "{ at_once = 1 }"
      local holder, order, tasks = waiting(self, 6)
      for _, i in ipairs { 1, 4, 6 } do tasks[i]:cancel() end
      for _, i in ipairs { 1, 4, 6 } do tasks[i]:wait() end
      assert.same({ "1 cancelled", "4 cancelled", "6 cancelled" }, order)
      self:leave(holder, answered())
      for _, task in ipairs(tasks) do task:wait() end
      assert.same({ 2, 3, 5 }, { order[4], order[5], order[6] })
      assert.equal(0, self.in_flight)
      assert.is_true(self:ready_at(core.now()) <= core.now())
    end)

    it("that goes on when the first is cancelled in the moment when its turn comes", function()
      local self = limiter "{ at_once = 1 }"
      local holder, order, tasks = waiting(self, 3)
      self:leave(holder, answered())
      tasks[1]:cancel()
      for _, task in ipairs(tasks) do task:wait() end
      assert.same({ 2, 3 }, { order[#order - 1], order[#order] })
      assert.equal(0, self.in_flight)
    end)

    it("that goes on without those whose deadline has passed", function()
      local self = limiter "{ { 1, per = 100 } }"
      self:leave(self:enter(1), answered())
      local began, seen = core.now(), {}
      local task = luaprov.spawn(function()
        seen = { luaprov.deadline(0.05, function() return self:enter(60) end) }
      end)
      task:wait()
      assert.is_nil(seen[1])
      assert.equal("timeout", seen[2])
      assert.is_true(core.now() - began < 5)
      assert.is_nil(self.head)
      -- In the main chunk, too, and behind others.
      local other = luaprov.spawn(function() return self:enter(60) end)
      settle()
      assert.equal("timeout", select(2, luaprov.deadline(0.02, function() return self:enter(60) end)))
      other:cancel()
      assert.equal("cancelled", select(2, other:wait()))
      assert.is_nil(self.head)
    end)

    it("that goes on without those who are torn out of their wait", function()
      local self = limiter "{ at_once = 1 }"
      local holder = self:enter(1)
      local event = getmetatable(require("luaprov.runtime").event())
      local wait = event.wait
      event.wait = function() error("interrupted!", 0) end -- luacheck: ignore
      local ok, err = pcall(self.enter, self, 60)
      event.wait = wait -- luacheck: ignore
      assert.same({ false, "interrupted!" }, { ok, err })
      local order = luaprov.spawn(function() return self:enter(60) ~= nil end)
      settle()
      self:leave(holder, answered())
      assert.is_true(order:wait())
    end)

    it("that takes as long as the windows say, and no longer", function()
      local self, began, at = limiter "{ { 3, per = 0.1 } }", core.now(), {}
      local list = {}
      for i = 1, 12 do list[i] = i end
      luaprov.map(list, function(i)
        local ticket = self:enter(60)
        at[i] = core.now() - began
        self:leave(ticket, answered())
      end, { concurrency = 12 })
      for i = 4, 12 do assert.is_true(at[i] - at[i - 3] >= 0.1, i .. ": " .. at[i] - at[i - 3]) end
      assert.is_true(at[12] < 0.3 + 2, at[12])
    end)
  end)

  describe("are forgotten", function()
    it("not with the clients, but when they bound nothing any more", function()
      freeze()
      local provider = description "{ { 1, per = 60 } }"
      limits.of(provider, "short-lived"):leave(limits.of(provider, "short-lived"):enter(1), answered())
      collectgarbage()
      collectgarbage()
      assert.equal(1060, limits.of(provider, "short-lived"):ready_at(now))
      now = 1061
      for i = 1, 1000 do
        local self = limits.of(provider, "sweep" .. i)
        self:leave(self:enter(1), answered())
      end
      collectgarbage()
      collectgarbage()
      assert.same({}, limits.of(provider, "short-lived").sent)
    end)

    it("so 100,000 accounts cost what those of the last minute do", function()
      freeze()
      local provider = description "{ { 10, per = 1 }, { 150, per = 60 } }"
      local function use(first, last)
        for i = first, last do
          now = now + 0.1
          local self = limits.of(provider, "many" .. i)
          self:leave(self:enter(1), answered())
        end
        collectgarbage()
        collectgarbage()
        return collectgarbage "count"
      end
      local before = use(1, 5000)
      local after = use(5001, 100000)
      -- All of them would be 50 MB. What other specs left may be counted, too.
      assert.is_true(after - before < 8000, after - before .. " KB")
    end)

    it("and an account of whom the vendor has said something is not, for as long as that holds", function()
      freeze()
      local provider = description "{}"
      hear(limits.of(provider, "held"), { status = 429, retry_after = 900 })
      collectgarbage()
      collectgarbage()
      assert.equal(now + 900, limits.of(provider, "held"):ready_at(now))
    end)
  end)
end)
