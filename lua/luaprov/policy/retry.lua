--- When a call is made again.
---
--- Only evidence decides: what was not sent may always be sent again; what the vendor refused until later is sent again
--- later; what may have been done is done again only where that changes nothing, and else is settled or stays unknown.
local core = require "luaprov.core"
local runtime = require "luaprov.runtime"

local M = {}

local FIRST, LONGEST = 0.5, 20 -- seconds: the most that the first wait may take, and any

-- Errors that another try would meet again.
local FINAL = {
  invalid = true, unsupported = true, cancelled = true, tls = true, payment_required = true, quota_exceeded = true,
  forbidden = true, not_found = true, conflict = true, rejected = true, too_large = true, unauthorized = true,
}

-- Doing them twice leaves what doing them once leaves.
local IDEMPOTENT = { get = true, list = true, update = true, delete = true }

-- Not math.random: its state is the script's, and LuaJIT's begins the same in every process.
local seed
local function dice()
  if not seed then
    local address = tonumber(tostring({}):match("0x(%x+)") or "1", 16)
    seed = 1 + math.floor(core.now() * 1e6 + address) % 2147483646
  end
  seed = seed * 16807 % 2147483647
  return seed / 2147483647
end

--- Exponential back-off with full jitter: any time up to the bound.
--- @param count integer tries so far
--- @return number seconds
function M.back_off(count) return dice() * math.min(LONGEST, FIRST * 2 ^ (count - 1)) end

--- Whether a call is worth another try, and after how long.
--- @param operation string create, get, update, delete or list
--- @param err luaprov.Error of the last try
--- @param count integer tries so far
--- @return number|nil seconds to wait; nil: it stays as it is
--- @return string why for the record of attempts
function M.wait_before(operation, err, count)
  if err.outcome == "not_sent" then
    if FINAL[err.kind] then return nil, "another try would end the same" end
    return math.max(err.retry_after or 0, M.back_off(count)), "nothing was sent"
  elseif err.outcome == "refused" then
    local later = err.kind == "rate_limited" or err.kind == "unavailable"
    if not later then return nil, "the vendor refused" end
    local named = err.retry_after and err.retry_after >= 0 and err.retry_after
    -- Whoever waits for one moment comes at different ones.
    return named and named + M.back_off(1) or M.back_off(count + 1), "the vendor said later"
  end
  if not IDEMPOTENT[operation] then return nil, "it may have been done" end
  if FINAL[err.kind] then return nil, "another try would end the same" end
  return math.max(err.retry_after or 0, M.back_off(count)), "doing it twice changes nothing"
end

-- To the millisecond: more is noise.
local function rounded(seconds) return math.floor(seconds * 1000 + 0.5) / 1000 end

local function note(attempts, began, err)
  local attempt = {
    at = rounded(began - attempts.began), seconds = rounded(core.now() - began), status = err and err.status,
    kind = err and err.kind, outcome = err and err.outcome,
  }
  attempts[#attempts + 1] = attempt
  return attempt
end

local function some_unknown(attempts)
  for _, attempt in ipairs(attempts) do
    if attempt.outcome == "unknown" and not attempt.settled then return true end
  end
  return false
end

-- What is known of all tries together: one that may have been carried out is not undone by a later one, and one of
-- which the vendor's list says that it was not is as good as refused.
local function concluded(err, attempts, changes)
  local open = some_unknown(attempts)
  if changes and err.outcome ~= "unknown" and open then
    err.outcome = "unknown"
    err.message = err.message .. "; an earlier try may have been carried out"
  elseif changes and err.outcome == "unknown" and not open then
    err.outcome = "refused"
    err.message = err.message .. "; the vendor's list says that nothing was created"
  end
  attempts.began = nil
  err.attempts = attempts
  return err
end

local function was_unknown(attempts)
  for _, attempt in ipairs(attempts) do
    if attempt.outcome == "unknown" then return true end
  end
  return false
end

-- What is known of a create that may have been carried out: as decide.
local function settled_by(call, err, attempts, count, is_last)
  local settled, verdict = call.settle(err, is_last, call)
  if settled then return nil, "it was found", settled end
  if verdict == "again" then return M.back_off(count), "doing it again is safe" end
  local done_none = verdict == "not there" or verdict == "refused"
  for _, attempt in ipairs(attempts) do
    if attempt.outcome == "unknown" then attempt.settled = done_none and "not done" or nil end
  end
  if not done_none then return nil, verdict end
  return verdict == "not there" and not is_last and 0 or nil, "it was not done"
end

-- Whether, when and why a call is tried again; or what stands in place of its answer.
local function decide(call, err, attempts, count)
  local budget = call.budget
  local seconds, why = M.wait_before(call.operation, err, count)
  -- What the vendor counts is not the call's fault: only time ends it.
  local is_last = budget.attempts == 1 or count >= budget.attempts and err.kind ~= "rate_limited"
  if seconds and is_last then
    seconds, why = nil, budget.attempts == 1 and "it is tried once" or "these were all tries"
  elseif seconds and core.now() + seconds > math.min(budget.ends, runtime.deadline_now() or math.huge) then
    seconds, why = nil, "there is no time for another try"
  end
  -- A refusal may be due to what an earlier try has made, although that seemed not to be there.
  local open = some_unknown(attempts) or err.outcome == "refused" and was_unknown(attempts)
  if seconds or not call.settle or not open then return seconds, why end
  return settled_by(call, err, attempts, count, is_last or core.now() > budget.ends)
end

-- Waits for another try; or says why there is none.
local function wait(call, attempt, seconds)
  local at = core.now() + seconds
  if at > math.min(call.budget.ends, runtime.deadline_now() or math.huge) then
    return "there is no time for another try"
  end
  attempt.waited = rounded(seconds)
  if not runtime.sleep_until(at) then return "cancelled while waiting for another try" end
end

-- There is no other try after all: of a create, what the others may have left is asked for now.
local function given_up(call, err, attempts, count)
  if call.settle and some_unknown(attempts) then
    local _, _, settled = settled_by(call, err, attempts, count, true)
    if settled then return settled end
  end
  return nil, concluded(err, attempts, call.changes)
end

local function try_again(call, attempts, began, err, renew)
  local renewed, count = false, 0
  while true do
    local attempt = note(attempts, began, err)
    if call.changes and call.url and err.outcome == "unknown" then runtime.open_call(call) end
    -- After a try that may have been carried out, being gone is what a delete wanted.
    if call.operation == "delete" and err.kind == "not_found" and some_unknown(attempts) then return { gone = true } end
    if renew and not renewed then
      renewed, attempt.why = true, "another token is asked for"
    else
      count = count + 1
      local seconds, why, settled = decide(call, err, attempts, count)
      if settled then return settled end
      if not some_unknown(attempts) then runtime.close_call(call) end
      attempt.why = why
      if not seconds then return nil, concluded(err, attempts, call.changes) end
      local why_not = wait(call, attempt, seconds)
      if why_not then
        attempt.why = why_not
        return given_up(call, err, attempts, count)
      end
    end
    began = core.now()
    local answer
    answer, err, renew = call:try()
    if not err then return answer end
  end
end

-- After a first try that failed. A call that is torn out of its waits stays open: it is told at the script's end.
local function again(call, began, err, renew)
  local answer, why = try_again(call, { began = began }, began, err, renew)
  runtime.close_call(call)
  return answer, why
end

--- Makes a call, again where that is safe.
--- @param call table operation (its name), try (function call -> answer or nil, err, renew: whether another token may
---   be had), began (seconds of core.now(), or nil: now), budget ({ attempts, ends }: how many tries, and until when
---   one may begin), changes (whether it changes anything at the vendor), settle (function err, is_last, call -> what
---   stands in place of the answer; or nil and "again", "not there", "refused" (none was carried out, and another will
---   not be), or why nobody can tell; for an operation that may not simply be repeated), url, method
---   (where it sends a request: see open_call of runtime.host)
--- @return any answer
--- @return luaprov.Error|nil err with attempts: at (seconds since the first), seconds, status, kind, outcome, why,
---   waited (seconds) each
function M.run(call)
  local began = call.began or core.now()
  local answer, err, renew = call:try()
  if not err then return answer end
  return again(call, began, err, renew)
end

return M
