-- One kill: what was going on then, and what another run makes of it.
local json = require "luaprov.json"
local stages = require "tests.faults.kill.stage"
local traces = require "tests.faults.kill.trace"

local M = {}

-- What tells where a run was when it ended, whatever else is traced.
local ALWAYS = "sendto,recvfrom,close,pwrite64,fdatasync"
local RUNS = 4 -- of apply, until nothing is left to be done

M.PHASES = { "before an intent", "intent to sending", "sending to answer", "answer to commit",
  "settling of an earlier run" }

-- What a request has in it that an open intent is of.
local function words_of(intent)
  local words = {}
  if intent.operation == "create" then
    local key = intent.key ~= json.null and intent.key and json.decode(intent.key)
    for _, part in ipairs(key and json.decode(key) or {}) do words[#words + 1] = tostring(part) end
    local name = json.decode(intent.fields or "{}").name
    if not words[1] then words[1] = name end
    return words, "POST"
  end
  return { tostring(json.decode(intent.record_id)) }
end

-- The phase of the open intent that is furthest on its way; `earlier` are those of an earlier run.
local function phase_of(intents, calls, earlier)
  local state = { unsent = 0, sent = 0, answered = 0 }
  for _, intent in ipairs(intents) do
    if intent.state == "open" and earlier[intent.id] then return M.PHASES[5] end
    if intent.state == "open" then
      local of = traces.state_of(calls, words_of(intent))
      state[of] = state[of] + 1
    end
  end
  if state.sent > 0 then return M.PHASES[3] end
  if state.answered > 0 then return M.PHASES[4] end
  return state.unsent > 0 and M.PHASES[2] or M.PHASES[1]
end

local function count(intents)
  local begun, settled = 0, 0
  for _, intent in ipairs(intents) do
    begun = begun + 1
    if intent.state ~= "open" then settled = settled + 1 end
  end
  return begun, settled
end

-- Kills the command before it makes a call.
local function kill(stage, pair, total)
  local earlier, open = stage:intents(), {}
  local before = count(earlier)
  for _, intent in ipairs(earlier) do open[intent.id] = intent.state == "open" or nil end
  local options = "-e trace=%s,%s -e inject=%s:signal=KILL:when=%d"
  local path, status, output = stage:trace(options:format(ALWAYS, pair.name, pair.name, pair.n))
  local calls, about = traces.read(path)
  if not about.killed then
    error({ missed = ("the kill did not fire: exit status %d, and …%s"):format(status, output:sub(-200)) }, 0)
  end
  local intents = stage:intents()
  local begun, settled = count(intents)
  local phase = phase_of(intents, calls, open)
  return phase, phase == M.PHASES[5] or begun > before and (not total or settled - before < total)
end

-- ---- what comes after ----

local function events(output)
  local list = {}
  for line in output:gmatch("[^\n]+") do
    local event = line:find("^{") and json.decode(line)
    if event then list[#list + 1] = event end
  end
  return list
end

-- Does what a person would do with what apply cannot tell: looks at the vendor.
local function by_hand(stage, event)
  local id = event.op == "create" and stage:id_of(event.address) or nil
  local status, output = stage:luaprov(("settle %s %s"):format(event.address,
    id and ("--adopt '%s'"):format(tostring(id)) or "--absent"))
  if status ~= 0 then error("settle by hand failed: " .. output, 0) end
end

-- Runs the command until that is done.
local function go_on(stage, result)
  for _ = 1, RUNS do
    local words = stage:words()
    if not words then return end
    local status, output = stage:luaprov(words .. " --json")
    local was_left = false
    for _, event in ipairs(events(output)) do
      if event.what == "settled" then
        local how = (event.verdict == "found" or event.verdict == "absent") and "looking" or "repeating"
        result[how] = result[how] + 1
        result.verdicts[event.op .. " " .. event.verdict] = (result.verdicts[event.op .. " " .. event.verdict] or 0) + 1
      elseif event.what == "left" then
        was_left = true
        result.human = result.human + 1
        by_hand(stage, event)
      end
    end
    if status == 0 and not stage.cell.takes then return end
    if status ~= 1 and status ~= 0 then error(("%s ended with %d:\n%s"):format(words, status, output), 0) end
    if status ~= 0 and not was_left then result.again = result.again + 1 end
    result.last = output
  end
  if stage.cell.takes and not stage:words() then return end
  error("it does not come to its end:\n" .. tostring(result.last), 0)
end

local function check(stage)
  local cell = stage.cell
  local wanted = cell.after or cell.declared
  local found, faults = stage:compare(wanted), {}
  for _, address in ipairs(cell.keeps or {}) do
    if found.ids[address] ~= stage.ids[address] then table.insert(found.lost, address .. " is another one") end
  end
  for _, what in ipairs { "lost", "doubled", "stolen" } do
    for _, text in ipairs(found[what]) do faults[#faults + 1] = what .. ": " .. text end
  end
  local rows, declared = stage:rows(), {}
  for _, item in ipairs(wanted) do
    local address, row = item[1], rows[item[1]]
    declared[address] = true
    if not row then faults[#faults + 1] = "the state lacks " .. address
    elseif tostring(row.id) ~= tostring(found.ids[address]) then
      local name = row.provider .. " " .. row.resource .. " " .. tostring(row.id)
      if stage.foreign[name] then table.insert(found.stolen, name) end
      faults[#faults + 1] = ("the state has %s under %s, and the vendor %s"):format(address, tostring(row.id),
        tostring(found.ids[address]))
    end
  end
  for address in pairs(rows) do
    if not declared[address] then faults[#faults + 1] = "the state has " .. address .. " still" end
  end
  for _, intent in ipairs(stage:intents()) do
    if intent.state == "open" then faults[#faults + 1] = "an intent is open: " .. intent.address end
  end
  if cell.after and not cell.plan then stage:declare(cell.after) end
  local status, output = stage:luaprov((cell.plan or "plan") .. " --detailed-exitcode")
  if status ~= 0 then faults[#faults + 1] = "another plan is not empty:\n" .. output end
  return found, faults
end

local function record(cell, folder, server, first)
  local stage = stages.new(cell, folder, server)
  stage:prepare()
  if first then
    kill(stage, first)
    stage:outlive()
  end
  local before = count(stage:intents())
  local path, status, output = stage:trace ""
  local calls, about = traces.read(path)
  local begun = count(stage:intents())
  stage:close()
  traces.parts(calls, cell.twice or cell.takes, cell.takes)
  about.failed = status ~= 0 and output
  return calls, begun - before, about
end

--- Records the calls of a run that nobody kills; where the cell is one of two kills, of the second run.
--- @param cell table
--- @param new_folder function -> an empty one
--- @param server table|nil of PostgreSQL
--- @param first table|nil pair: the first kill
--- @return table[] calls, integer total how many intents there were, table about
function M.record(cell, new_folder, server, first)
  local output
  for _ = 1, RUNS do
    local ok, calls, total, about = pcall(record, cell, new_folder(), server, first)
    -- Where vendors are unkind it may. On a machine that is too busy to answer in time, too.
    if ok and (cell.faults or not about.failed) then return calls, total, about end
    output = ok and about.failed or calls
  end
  error(cell.name .. ": the run that is recorded failed:\n" .. tostring(output), 0)
end

--- @param job table cell, pair (name, n), first (another pair, for a run before), total
--- @param folder string an empty one
--- @param server table|nil of PostgreSQL
--- @return table result fired, missed (the kill did not fire), phase, inside (between the first intent and the last
---   result), lost, doubled, stolen (how many), looking, repeating, human (how many intents were settled so), again
---   (runs that failed and were repeated), verdicts, struck (how often the vendors were unkind), faults (texts)
function M.play(job, folder, server)
  local result = { looking = 0, repeating = 0, human = 0, again = 0, lost = 0, doubled = 0, stolen = 0, faults = {},
                   verdicts = {} }
  local stage = stages.new(job.cell, folder, server)
  local ok, why = pcall(function()
    stage:prepare()
    if job.first then
      kill(stage, job.first)
      stage:outlive()
    end
    result.phase, result.inside = kill(stage, job.pair, job.total)
    result.fired = true
    go_on(stage, result)
    local found
    found, result.faults = check(stage)
    for _, what in ipairs { "lost", "doubled", "stolen" } do result[what] = #found[what] end
  end)
  if not ok then
    result.missed = type(why) == "table" and why.missed ~= nil
    table.insert(result.faults, result.missed and why.missed or tostring(why))
  end
  result.struck = stage:struck()
  if #result.faults > 0 and os.getenv "KEEP" then
    result.faults[#result.faults + 1] = "kept: " .. folder
    stage.box:stop()
  else
    stage:close()
  end
  return result
end

return M
