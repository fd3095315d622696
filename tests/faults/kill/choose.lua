-- Which calls of a run are made the last of another one: pairs of a name and a number that every recorded run has.
--
-- How many calls of a name there are is the same in each run, or not determined: it hangs on how long something takes,
-- and on what comes together and is written together. Of those the last ones may not come in another run. They are left
-- out, and counted; `all` takes them, and tries again where one did not come.
local cells = require "tests.faults.kill.cells"

local M = {}

local QUOTA = { outside = 1, between = 2, intent = 2, sent = 2, answered = 2 } -- kills a cell, by part of the run
-- What hangs on waiting and on connections: how long a vendor takes says how many there are.
local WAITING = { poll = true, socket = true, connect = true, getsockname = true, getpeername = true,
                  getsockopt = true, setsockopt = true }
-- What hangs on that a little, or on what is written together, whatever the recorded runs have of it.
local UNSTEADY = { close = true, fdatasync = true, fcntl = true, pread64 = true, pwrite64 = true, futex = true }
-- What hangs on where memory lies, which is another place in every process.
local MEMORY = { brk = true, mmap = true, munmap = true, mprotect = true, mremap = true, madvise = true }
local SENT_FOR = 0.8 -- seconds: a vendor that acts two seconds after the death acts within the deadline then

-- Why a call is left out.
M.WHY = {
  first = "strace makes it, not the program",
  single = "another run has not so many",
  number = "how many there are is not determined",
  late = "the vendor would act after the deadline",
}

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

M.some = some

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

-- Of each name: how many calls every run has, whether that is determined, and up to which a call may be counted on.
local function numbers_of(cell, runs)
  local of = {}
  local is_alone = cell.parallel == 1 and not cell.twice
  for i, calls in ipairs(runs) do
    local before, last = counts(calls)
    for name, n in pairs(last) do
      if i == 1 then of[name] = { least = n, before = before[name] or 0, most = n } end
    end
    for name, number in pairs(of) do
      number.least = math.min(number.least, last[name] or 0)
      number.most = math.max(number.most, last[name] or 0)
      number.before = math.min(number.before, before[name] or 0)
    end
  end
  for name, number in pairs(of) do
    -- Of a run that settles what an earlier one left nothing is determined: when that died, others were on their way.
    number.steady = number.least == number.most and not (UNSTEADY[name] or WAITING[name] or MEMORY[name] or cell.twice
      or cell.postgres or cell.faults)
    local share = WAITING[name] and 0 or is_alone and 0.7 or cell.twice and 0.4 or 0.5
    number.sure = number.steady and number.least or number.before + (number.least - number.before) * share
  end
  return of
end

-- Why a call is left out; nil: it is not.
local function why_not(cell, number, call, all)
  -- The first call of all is how the program begins.
  if call.name == "execve" then return "first" end
  if call.n > number.least then return "single" end
  if cell.faults and call.part == "sent" and call.since >= SENT_FOR then return "late" end
  if not all and (MEMORY[call.name] or call.n > number.sure) then return "number" end
end

--- @param cell table
--- @param runs table[] its recorded runs
--- @param all boolean|nil every call that all runs have, or some of each part
--- @return table[] calls of the first run, with `steady`: how many there are of the name is determined
--- @return table left why -> name -> how many calls were left out
function M.calls(cell, runs, all)
  local parts = { outside = {}, between = {}, intent = {}, sent = {}, answered = {} }
  local numbers, left = numbers_of(cell, runs), {}
  for _, call in ipairs(runs[1]) do
    local number = numbers[call.name]
    local why = why_not(cell, number, call, all)
    if why then
      left[why] = left[why] or {}
      left[why][call.name] = (left[why][call.name] or 0) + 1
    else
      call.steady = call.n <= number.before or number.steady
      table.insert(parts[call.part], call)
    end
  end
  local chosen = {}
  for part, list in pairs(parts) do
    -- Where it settles lies before what it then sends.
    local most = (cell.quota or QUOTA)[part] or 0
    if part == "between" and cell.twice then most = 6 end
    for _, call in ipairs(some(list, all and #list or most, turn_of(cell))) do chosen[#chosen + 1] = call end
  end
  table.sort(chosen, function(a, b) return a.at < b.at end)
  return chosen, left
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
