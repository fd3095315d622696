-- Kills `luaprov apply` at its system calls, one a run, and looks what another apply makes of it: TAP, and the figures
-- at the end.
--
--   luaprov tests/faults/kill/run.lua            some calls of each cell
--   luaprov tests/faults/kill/run.lua all        every call of each cell (KILLS_EVERY=20: each twentieth)
--   luaprov tests/faults/kill/run.lua all WORD   of those whose name has the word
local cells = require "tests.faults.kill.cells"
local choose = require "tests.faults.kill.choose"
local core = require "luaprov.core"
local luaprov = require "luaprov"
local processes = require "tests.faults.kill.processes"
local proof = require "tests.faults.kill.proof"
local servers = require "tests.store.server"
local support = require "tests.support"

local AT_ONCE = tonumber(os.getenv "KILLS_AT_ONCE") or 32
local TRIES = 3      -- until the kill has fired: no two runs have the same calls to the last
local RECORDS = 2    -- runs of a cell that are recorded

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

local function jobs_of(cell)
  local runs, total, about = {}, nil, nil
  local first
  if cell.twice then first = choose.middle((proof.record(cell, folder, server))) end
  for i = 1, RECORDS do
    runs[i], total, about = proof.record(cell, folder, server, first)
  end
  local jobs = {}
  for _, call in ipairs(choose.calls(cell, runs, all)) do
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
  local phases, inside, verdicts, struck, human, ended, failed, missed = {}, {}, {}, {}, {}, 0, 0, 0
  local strikes = {} -- by cell
  luaprov.map(jobs, function(job)
    local result
    for _ = 1, TRIES do
      result = proof.play(job, folder(), server)
      if result.fired then break end
      missed = missed + 1
    end
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
    for _, number in pairs(result.struck or {}) do strikes[job.cell] = (strikes[job.cell] or 0) + number end
    if result.human > 0 then human[job.cell.name] = (human[job.cell.name] or 0) + result.human end
    if result.phase then
      phases[result.phase] = (phases[result.phase] or 0) + 1
      if result.inside then inside[result.phase] = (inside[result.phase] or 0) + 1 end
    end
  end, { concurrency = AT_ONCE })
  print("1.." .. #jobs)
  say("figures: %d kills in %d cells of %d calls, %d thread(s), %.0f s; %d runs more whose kill did not fire", #jobs,
    #wanted, calls, threads, core.now() - began, missed)
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
  -- Kills while an earlier run is settled are no proof for what lies between.
  if not all and not only and (#jobs < 100 or sum.inside - (inside["settling of an earlier run"] or 0) < 60) then
    print("not ok - there are not enough kills")
    return false
  end
  for _, cell in ipairs(wanted) do
    if cell.faults and (strikes[cell] or 0) == 0 then
      print("not ok - the vendor of " .. cell.name .. " was never unkind")
      failed = failed + 1
    end
  end
  return failed == 0
end

local ok, good = pcall(main)
if not ok then print("not ok - " .. tostring(good)) end
if server then server:stop() end
support.clean()
os.execute((os.getenv "KEEP" and "echo '# kept: " or "rm -rf '") .. root .. "'")
os.exit(ok and good and 0 or 1)
