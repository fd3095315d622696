-- Kills `luaprov apply` at its system calls, one a run, and looks what another apply makes of it: TAP, and the figures
-- at the end.
--
--   luaprov tests/faults/kill/run.lua            some calls of each cell
--   luaprov tests/faults/kill/run.lua all        every call of each cell (KILLS_EVERY=20: each twentieth)
--   luaprov tests/faults/kill/run.lua all WORD   of those whose name has the word
local cells = require "tests.faults.kill.cells"
local core = require "luaprov.core"
local luaprov = require "luaprov"
local processes = require "tests.faults.kill.processes"
local proof = require "tests.faults.kill.proof"
local servers = require "tests.store.server"
local support = require "tests.support"

local AT_ONCE = tonumber(os.getenv "KILLS_AT_ONCE") or 32
local EVERY = tonumber(os.getenv "KILLS_EVERY") or 1 -- of "all" each so manieth
local QUOTA = { outside = 1, between = 2, intent = 2, sent = 3, answered = 2 } -- kills a cell, by part of the run
local UNSTEADY = { poll = true, futex = true, brk = true, mmap = true, munmap = true } -- not as many in each run
local RECORDS = 2 -- runs of a cell that are recorded
local SENT_FOR = 0.8 -- seconds: a vendor that acts two seconds after the death acts within the deadline then

local all, only = arg[1] == "all", arg[2]
local began = core.now()
local root = processes.text "mktemp -d":gsub("%s+$", "")
local folders, server = 0, nil

local function folder()
  folders = folders + 1
  local path = ("%s/%d"):format(root, folders)
  assert(os.execute("mkdir " .. path))
  return path
end

local function can_trace()
  local said = processes.text "strace -f -o /dev/null true 2>&1 || echo failed"
  return not said:find "failed", (said:gsub("\n.*", ""))
end

-- Evenly from a list, its ends among them.
local function some(list, most)
  if #list <= most then return list end
  local out = {}
  for i = 1, most do out[i] = list[1 + math.floor((i - 1) * (#list - 1) / math.max(1, most - 1) + 0.5)] end
  return out
end

-- How often a call may be counted on: what waits, and what several tasks share, is not the same in each run.
local function count_on(cell, runs)
  local least = {}
  for i, calls in ipairs(runs) do
    local last = {}
    for _, call in ipairs(calls) do last[call.name] = call.n end
    for name, n in pairs(i == 1 and last or least) do least[name] = math.min(n, last[name] or 0) end
  end
  local is_alone = cell.parallel == 1 and not cell.twice
  local share = is_alone and not cell.faults and 0.97 or cell.twice and 0.7 or 0.85
  for name, n in pairs(least) do
    least[name] = n * (UNSTEADY[name] and (is_alone and 0.8 or 0.4) or share)
  end
  return least
end

local function choose(cell, runs)
  local parts = { outside = {}, between = {}, intent = {}, sent = {}, answered = {} }
  local most = count_on(cell, runs)
  for i, call in ipairs(runs[1]) do
    local soon = not cell.faults or call.part ~= "sent" or call.since < SENT_FOR
    -- The first is of strace's own process.
    if i > 1 and call.name ~= "exit_group" and soon and call.n <= most[call.name] then
      table.insert(parts[call.part], call)
    end
  end
  local chosen = {}
  for part, list in pairs(parts) do
    for _, call in ipairs(some(list, all and math.ceil(#list / EVERY) or QUOTA[part])) do
      chosen[#chosen + 1] = call
    end
  end
  table.sort(chosen, function(a, b) return a.at < b.at end)
  return chosen
end

-- Where the first of two kills is: something is on its way, and something is done.
local function middle(calls)
  local sent = {}
  for _, call in ipairs(calls) do
    if call.part == "sent" and call.name == "recvfrom" then sent[#sent + 1] = call end
  end
  return assert(sent[math.max(1, math.floor(#sent / 2))], "nothing was sent")
end

local function jobs_of(cell)
  local runs, total, about = {}, nil, nil
  local first
  if cell.twice then first = middle((proof.record(cell, folder(), server))) end
  for i = 1, RECORDS do
    runs[i], total, about = proof.record(cell, folder(), server, first)
  end
  local jobs = {}
  for _, call in ipairs(choose(cell, runs)) do
    jobs[#jobs + 1] = { cell = cell, pair = { name = call.name, n = call.n }, first = first, total = total }
  end
  return jobs, about.threads, #runs[1]
end

local function wanted_cells()
  local wanted = {}
  for _, cell in ipairs(cells.list) do
    if not only or cell.name:find(only, 1, true) then
      wanted[#wanted + 1] = cell
      if cell.postgres and not server then server = servers.start() end
    end
  end
  return wanted
end

local function collect(wanted)
  local jobs = {}
  local lists, threads, calls = {}, 0, 0
  luaprov.map(wanted, function(cell)
    local list, its_threads, its_calls = jobs_of(cell)
    lists[cell], threads, calls = list, math.max(threads, its_threads), calls + its_calls
  end, { concurrency = AT_ONCE })
  for _, cell in ipairs(wanted) do
    for _, job in ipairs(lists[cell]) do jobs[#jobs + 1] = job end
  end
  return jobs, threads, calls
end

local function say(format, ...) io.stdout:write("# ", format:format(...), "\n") end

local function counted(map)
  local parts = {}
  for name, number in pairs(map) do parts[#parts + 1] = ("%s %d"):format(name, number) end
  table.sort(parts)
  return table.concat(parts, ", ")
end

local function add(to, map)
  for name, number in pairs(map) do to[name] = (to[name] or 0) + number end
end

local function main()
  local can, why = can_trace()
  if not can then
    print("ok 1 - apply is killed # SKIP strace cannot trace here: " .. why)
    return true
  end
  local wanted = wanted_cells()
  local jobs, threads, calls = collect(wanted)
  local sum = { looking = 0, repeating = 0, human = 0, lost = 0, doubled = 0, stolen = 0, again = 0, inside = 0 }
  local phases, inside, verdicts, struck, human, ended, failed = {}, {}, {}, {}, {}, 0, 0
  luaprov.map(jobs, function(job)
    local result = proof.play(job, folder(), server)
    ended = ended + 1
    local ok = #result.faults == 0
    failed = failed + (ok and 0 or 1)
    print(("%sok %d - %s: killed before %s %d (%s)"):format(ok and "" or "not ", ended, job.cell.name, job.pair.name,
      job.pair.n, result.phase or "?"))
    for _, fault in ipairs(result.faults) do print("#   " .. fault:gsub("\n", "\n#   ")) end
    io.stdout:flush()
    for name in pairs(sum) do
      local value = result[name]
      sum[name] = sum[name] + (value == true and 1 or tonumber(value) or 0)
    end
    add(verdicts, result.verdicts)
    add(struck, result.struck)
    if result.human > 0 then human[job.cell.name] = (human[job.cell.name] or 0) + result.human end
    if result.phase then
      phases[result.phase] = (phases[result.phase] or 0) + 1
      if result.inside then inside[result.phase] = (inside[result.phase] or 0) + 1 end
    end
  end, { concurrency = AT_ONCE })
  print("1.." .. #jobs)
  say("figures: %d kills in %d cells of %d calls, %d thread(s), %.0f s", #jobs, #wanted, calls, threads,
    core.now() - began)
  for _, phase in ipairs(proof.PHASES) do
    say("figures: %s: %d (%d between the first intent and the last result)", phase, phases[phase] or 0,
      inside[phase] or 0)
  end
  say("figures: between the first intent and the last result: %d", sum.inside)
  say("figures: lost %d, doubled %d, stolen %d", sum.lost, sum.doubled, sum.stolen)
  say("figures: settled by looking %d, by repeating %d, left to a human %d (%s); %s", sum.looking, sum.repeating,
    sum.human, next(human) and counted(human) or "none", counted(verdicts))
  say("figures: the vendors were unkind: %s", counted(struck))
  say("figures: applies that ended with a failure and were run again %d", sum.again)
  if not all and not only and (#jobs < 100 or sum.inside < 60) then
    print("not ok - there are not enough kills")
    return false
  end
  return failed == 0
end

local ok, good = pcall(main)
if not ok then print("not ok - " .. tostring(good)) end
if server then server:stop() end
support.clean()
os.execute((os.getenv "KEEP" and "echo '# kept: " or "rm -rf '") .. root .. "'")
os.exit(ok and good and 0 or 1)
