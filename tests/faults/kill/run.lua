-- Kills `luaprov apply` and other commands at their system calls, one a run, and looks what another run makes of it:
-- TAP, and the figures at the end.
--
--   luaprov tests/faults/kill/run.lua            some calls of each cell
--   luaprov tests/faults/kill/run.lua all        every call of each cell that was not made with this build before
--                                                (KILLS_MOST=200: so many of them, evenly)
--   luaprov tests/faults/kill/run.lua all WORD   of those whose name has the word
local cells = require "tests.faults.kill.cells"
local choose = require "tests.faults.kill.choose"
local core = require "luaprov.core"
local done_of = require "tests.faults.kill.done"
local luaprov = require "luaprov"
local processes = require "tests.faults.kill.processes"
local proof = require "tests.faults.kill.proof"
local servers = require "tests.store.server"
local support = require "tests.support"

local AT_ONCE = tonumber(os.getenv "KILLS_AT_ONCE") or 32
local MOST = tonumber(os.getenv "KILLS_MOST") or math.huge
-- With `all`, until a kill has fired at a call whose number is not determined; no other is tried twice.
local TRIES = 10
local RECORDS = 2 -- runs of a cell that are recorded

local all, only = arg[1] == "all", arg[2]
local done = all and done_of.open(os.getenv "LUAPROV_BUILD" or "build")
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
  local calls, left = choose.calls(cell, runs, all)
  for _, call in ipairs(calls) do
    jobs[#jobs + 1] = { cell = cell, pair = { name = call.name, n = call.n }, first = first, total = total,
                        tries = all and not call.steady and TRIES or 1 }
  end
  return jobs, { threads = about.threads, calls = #runs[1], left = left }
end

local function wanted_cells()
  local wanted = {}
  for _, cell in ipairs(cells.list) do
    if not only or cell.name:find(only, 1, true) then
      wanted[#wanted + 1] = cell
      if cell.postgres and not server then
        server = servers.start()
        server:quiet()
      end
    end
  end
  return wanted
end

-- What there is to do, and what was seen on the way: threads, calls, left (why -> name -> calls that are left out),
-- before (kills that were made before).
local function collect(wanted)
  local lists, jobs, seen = {}, {}, { threads = 0, calls = 0, left = {}, before = 0 }
  luaprov.map(wanted, function(cell)
    local list, about = jobs_of(cell)
    lists[cell], seen.threads, seen.calls = list, math.max(seen.threads, about.threads), seen.calls + about.calls
    for why, names in pairs(about.left) do
      seen.left[why] = seen.left[why] or {}
      for name, number in pairs(names) do seen.left[why][name] = (seen.left[why][name] or 0) + number end
    end
  end, { concurrency = AT_ONCE })
  for _, cell in ipairs(wanted) do
    for i, job in ipairs(lists[cell]) do
      job.share, job.number = (i - 0.5) / #lists[cell], #jobs
      if done and done:has(job) then seen.before = seen.before + 1 else jobs[#jobs + 1] = job end
    end
  end
  -- Cells beside each other: what one waits for another uses, and what is cut has made some of each.
  table.sort(jobs, function(a, b)
    if a.share ~= b.share then return a.share < b.share end
    return a.number < b.number
  end)
  seen.open = #jobs
  return MOST < #jobs and choose.some(jobs, MOST, 0) or jobs, seen
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
  local jobs, seen = collect(wanted)
  local sum = { looking = 0, repeating = 0, human = 0, lost = 0, doubled = 0, stolen = 0, again = 0, inside = 0 }
  local phases, inside, verdicts, struck, human, ended, failed, missed = {}, {}, {}, {}, {}, 0, 0, 0
  local strikes = {} -- by cell
  luaprov.map(jobs, function(job)
    local result
    for _ = 1, job.tries do
      result = proof.play(job, folder(), server)
      if result.fired or not result.missed then break end
      missed = missed + 1
    end
    ended = ended + 1
    local ok = #result.faults == 0
    if ok and done then done:add(job) end
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
  say("figures: %d kills in %d cells of %d calls, %d thread(s), %.0f s; %d runs whose kill did not fire", #jobs,
    #wanted, seen.calls, seen.threads, core.now() - began, missed)
  for reason, names in pairs(seen.left) do
    local number = 0
    for _, count in pairs(names) do number = number + count end
    say("figures: left out %d calls (%s): %s", number, choose.WHY[reason], counted(names))
  end
  if done then say("figures: of all, made before %d, open %d (%s)", seen.before, seen.open - ended, done.path) end
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
    if cell.faults and not done and (strikes[cell] or 0) == 0 then
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
