-- Which calls of a run are made the last of another one.
local cells = require "tests.faults.kill.cells"

local M = {}

local EVERY = tonumber(os.getenv "KILLS_EVERY") or 1 -- of all each so manieth
local QUOTA = { outside = 1, between = 2, intent = 2, sent = 3, answered = 2 } -- kills a cell, by part of the run
-- What hangs on how long something takes: waiting, connections, memory.
local UNSTEADY = { poll = true, futex = true, brk = true, mmap = true, munmap = true, socket = true, connect = true,
                   getsockname = true, getpeername = true, getsockopt = true, setsockopt = true }
-- A death there is as one at the call before; how many there are hangs on the machine.
local MEMORY = { brk = true, mmap = true, munmap = true, mprotect = true, mremap = true, madvise = true, futex = true }
local SENT_FOR = 0.8 -- seconds: a vendor that acts two seconds after the death acts within the deadline then

-- Evenly from a list, its ends among them; a single one from where that cell's turn is.
local function some(list, most, turn)
  if #list <= most then return list end
  local out = {}
  for i = 1, most do
    local share = most == 1 and turn or (i - 1) / (most - 1)
    out[i] = list[1 + math.floor(share * (#list - 1) + 0.5)]
  end
  return out
end

-- From 0, of the first cell, to 1, of the last.
local function turn_of(cell)
  for i, other in ipairs(cells.list) do
    if other == cell then return (i - 1) / (#cells.list - 1) end
  end
end

-- How many calls of each name there are before the first intent, and in all.
local function counts(calls)
  local before, last, is_before = {}, {}, true
  for _, call in ipairs(calls) do
    is_before = is_before and call.part == "outside"
    if is_before then before[call.name] = call.n end
    last[call.name] = call.n
  end
  return before, last
end

-- Up to which number a call may be counted on. From the first intent on no run is as another: what comes together is
-- written together.
local function count_on(cell, runs, all)
  local first, least = {}, {}
  for i, calls in ipairs(runs) do
    local before, last = counts(calls)
    for name, n in pairs(i == 1 and last or least) do
      first[name] = math.min(first[name] or math.huge, before[name] or 0)
      least[name] = math.min(n, last[name] or 0)
    end
  end
  local is_alone = cell.parallel == 1 and not cell.twice
  local share = all and 0.95 or is_alone and 0.8 or cell.twice and 0.5 or 0.6
  for name, n in pairs(least) do
    local own = UNSTEADY[name] and math.min(share, is_alone and 0.8 or 0.4) or share
    least[name] = first[name] + (n - first[name]) * own
  end
  return least
end

local function most_of(part, cell, all, number)
  if all then return math.ceil(number / EVERY) end
  -- Where it settles lies before what it then sends.
  return part == "between" and cell.twice and 6 or QUOTA[part]
end

--- @param cell table
--- @param runs table[] its recorded runs
--- @param all boolean|nil every call, or some of each part
--- @return table[] calls of the first run
function M.calls(cell, runs, all)
  local parts = { outside = {}, between = {}, intent = {}, sent = {}, answered = {} }
  local most = count_on(cell, runs, all)
  for i, call in ipairs(runs[1]) do
    local soon = not cell.faults or call.part ~= "sent" or call.since < SENT_FOR
    -- The first is of strace's own process.
    local told = i > 1 and call.name ~= "exit_group" and (all or not MEMORY[call.name])
    if told and soon and call.n <= most[call.name] then
      table.insert(parts[call.part], call)
    end
  end
  local chosen = {}
  for part, list in pairs(parts) do
    for _, call in ipairs(some(list, most_of(part, cell, all, #list), turn_of(cell))) do chosen[#chosen + 1] = call end
  end
  table.sort(chosen, function(a, b) return a.at < b.at end)
  return chosen
end

--- Where the first of two kills is: something is on its way, and something is done.
function M.middle(calls)
  local sent = {}
  for _, call in ipairs(calls) do
    if call.part == "sent" and call.name == "recvfrom" then sent[#sent + 1] = call end
  end
  return assert(sent[math.max(1, math.floor(#sent / 2))], "nothing was sent")
end

return M
