--- The limits of an account that several processes keep together: the workers of one nginx.
---
--- A window of n calls is n places in a store that all of them see. A call takes one in every window, and its answer
--- keeps it taken for one window more. No place is taken for good: whoever dies with one gives it back by its time.
local M = {}

local POLL = 0.05 -- seconds between looks, while the answer of another process may free a place

local Slots = {}
Slots.__index = Slots

--- @param store table of the host, see luaprov.runtime.host
--- @param account string
--- @param windows table[] { calls, per = seconds } each; per = 0: that many at once
--- @return table slots
function M.new(store, account, windows)
  local self = setmetatable({ store = store, account = store.name(account), windows = {} }, Slots)
  for i, window in ipairs(windows) do
    self.windows[i] = { count = window[1], per = window.per, next = 0, prefix = self.account .. ":" .. i .. ":" }
  end
  return self
end

-- A place of a window, or nil.
local function take(self, window, lasts)
  for _ = 1, window.count do
    local place = window.prefix .. window.next
    window.next = (window.next + 1) % window.count
    if self.store.add(place, "taken", lasts + window.per) then return place end
  end
end

-- Seconds until a place of a full window may be free.
local function until_free(self, window)
  local soonest = math.huge
  for i = 0, window.count - 1 do
    local place = window.prefix .. i
    local value, left = self.store.get(place), self.store.left(place)
    soonest = math.min(soonest, value == "answered" and left or POLL)
  end
  return math.max(0.001, soonest)
end

--- Takes a place in every window.
--- @param lasts number seconds that the call may take at most
--- @return table|nil places for `answered` or `give_back`
--- @return number|nil seconds after which it is worth asking again
function Slots:claim(lasts)
  local held = self.store.left(self.account .. ":held")
  if held then return nil, math.max(0.001, held) end
  local places = {}
  for i, window in ipairs(self.windows) do
    places[i] = take(self, window, lasts)
    if not places[i] then
      self:give_back(places)
      return nil, until_free(self, window)
    end
  end
  return places
end

--- The call was answered, or may have been.
function Slots:answered(places)
  for i, window in ipairs(self.windows) do
    if window.per > 0 then self.store.set(places[i], "answered", window.per) else self.store.delete(places[i]) end
  end
end

--- The call was not made.
function Slots:give_back(places)
  for _, place in ipairs(places) do self.store.delete(place) end
end

--- The vendor wants no call for so long.
function Slots:hold(seconds)
  if seconds > 0 then self.store.set(self.account .. ":held", "held", seconds) end
end

return M
