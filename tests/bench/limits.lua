-- How near to a vendor's limits luaprov keeps: COUNT (300) Ocamba creates, all at once, to a sandbox in a process of
-- its own that enforces limits in fixed windows. Prints the time that they took, beside the least that is possible, and
-- how many were refused; fails when one was, or was lost, or when they took more than a tenth longer. Then the same
-- while another process, which knows of no limits, makes five calls a second with the same account.
--
--   LUAPROV_BUILD=build build/bin/luaprov tests/bench/limits.lua [COUNT]
package.path = "./?.lua;" .. package.path
local account = require "tests.policy.account"
local luaprov = require "luaprov"
local support = require "tests.support"

local count = tonumber(arg[1]) or 300
local good = true

local function size(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

-- Whether two sets of records are the same.
local function same(a, b)
  for id, name in pairs(a) do
    if b[id] ~= name then return false end
  end
  return size(a) == size(b)
end

local function text_of(windows)
  local parts = {}
  for i, window in ipairs(windows) do parts[i] = ("{ %d, per = %g }"):format(window[1], window.per) end
  return table.concat(parts, ", ")
end

-- Seconds that most round trips took: the middle one.
local function round_trips()
  local times = {}
  local off = luaprov.on("attempt", function(event) times[#times + 1] = event.seconds - event.waited end)
  return function()
    off()
    table.sort(times)
    return times[math.ceil(#times / 2)]
  end
end

local function run(windows, other)
  local own = account.start(text_of(windows))
  if other then own:share(other, windows[1]) end
  local round_trip = round_trips()
  local done, failed, seconds = own:create(count)
  local trip, refused = round_trip(), own.refused
  local is_same = same(done, own:records())
  local least = account.least(count, windows) + trip
  own:stop()
  support.clean()
  local beside = other and (", another process makes %d each %g s"):format(other, windows[1].per) or ""
  print(("%s%s: %d done, %d failed, %d answered with 429; the vendor %s; %.2f s"):format(text_of(windows), beside,
    size(done), #failed, refused, is_same and "has exactly these" or "HAS OTHERS", seconds))
  if other then
    local half = account.least(count, { { windows[1][1] - other, per = windows[1].per } }) + trip
    print(("  the least, with what the other one leaves: %.2f s, ratio %.3f"):format(half, seconds / half))
  else
    -- Who knows where the vendor's windows begin can use the end of one and the beginning of the next.
    local ends = least - windows[1].per
    print(("  the least, one round trip of %.1f ms included: %.2f s, ratio %.3f; for whoever knows when the vendor's "
      .. "windows begin: %.2f s, ratio %.3f"):format(trip * 1000, least, seconds / least, ends, seconds / ends))
    good = good and refused == 0 and seconds <= 1.1 * least
  end
  for i = 1, math.min(3, #failed) do print("  " .. tostring(failed[i])) end
  good = good and is_same and #failed == 0 and size(done) == count
end

run { { 10, per = 1 } }
run { { 10, per = 1 }, { 100, per = 12 } }
run({ { 10, per = 1 } }, 5)
os.exit(good and 0 or 1, true)
