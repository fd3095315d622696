-- What strace wrote of one run: its calls in their order, each with its name and the how manieth of that name it is.
local M = {}

local CHANGING = { POST = true, PUT = true, PATCH = true, DELETE = true }

-- The method of a request that begins with this call, where one does.
local function request_of(call)
  if call.name ~= "sendto" then return nil end
  return call.text:match('^sendto%(%d+, "(%u+) [^ ]+ HTTP/1%.1')
end

--- @param path string
--- @return table[] calls name, n, at (seconds), text, result (text; nil: it never returned), fd, changing (it sends a
---   changing request)
--- @return table about killed (by SIGKILL), threads (how many)
function M.read(path)
  local calls, seen, pids, about = {}, {}, {}, { killed = false, threads = 0 }
  local file = assert(io.open(path, "rb"))
  for line in file:lines() do
    local pid, at, text = line:match("^(%d+) +([%d.]+) (.*)$")
    if not pid then pid, at, text = "0", line:match("^([%d.]+) (.*)$") end
    if pid and not pids[pid] then
      pids[pid] = true
      about.threads = about.threads + 1
    end
    local name = text and text:match("^([%w_]+)%(")
    if name then
      seen[name] = (seen[name] or 0) + 1
      local call = { name = name, n = seen[name], at = tonumber(at), text = text, fd = text:match("^%w+%((%d+)") }
      call.result = text:match("%) += (%-?%d[^=]*)$")
      call.changing = CHANGING[request_of(call) or ""] and call.result ~= nil
      calls[#calls + 1] = call
    elseif text and text:find("^%+%+%+ killed by SIGKILL") then
      about.killed = true
    end
  end
  file:close()
  return calls, about
end

-- Whether a call has the state on the disk.
local function is_commit(call)
  return call.name == "fdatasync" or call.name == "sendto" and call.text:find('"Q.-COMMIT') ~= nil
end

--- Whether a call took bytes of an answer.
function M.is_answer(call)
  return call.name == "recvfrom" and call.result ~= nil and (tonumber(call.result:match("^%-?%d+")) or 0) > 0
end

-- From a commit that a changing request follows on to that request, which is not sent yet.
local function mark_intents(calls)
  for i, call in ipairs(calls) do
    if call.changing then
      local at = i
      while at > 1 and not is_commit(calls[at - 1]) and not calls[at - 1].changing do at = at - 1 end
      for j = at, i do calls[j].part = calls[j].part == "between" and "intent" or calls[j].part end
    end
  end
end

--- Says of each call in which part of a run it lies: "outside" (before the first intent, or after the last result),
--- "between" (of two records, or while an intent is written), "intent" (it is written, and not sent), "sent", and
--- "answered" (and that is not written). `since` are the seconds since something was sent.
--- @param calls table[]
--- @param settles boolean|nil the run settles first: from its first request on nothing is "outside"
--- @param to_end boolean|nil nor is what comes after the last one
function M.parts(calls, settles, to_end)
  local pending, open, sent_at, last = {}, 0, nil, nil
  for _, call in ipairs(calls) do
    call.part = open > 0 and "sent" or last == "answered" and "answered" or "between"
    call.since = sent_at and call.at - sent_at
    if call.changing then
      if not pending[call.fd] then pending[call.fd], open = true, open + 1 end
      sent_at = call.at
    elseif M.is_answer(call) and pending[call.fd] or call.name == "close" and pending[call.fd] then
      pending[call.fd], open, last = nil, open - 1, "answered"
    elseif is_commit(call) then
      last = "written"
    end
  end
  mark_intents(calls)
  local first, final
  for i, call in ipairs(calls) do
    if call.part ~= "between" or settles and request_of(call) then
      first = first or i
      final = i
    end
  end
  if to_end then final = #calls end
  for i, call in ipairs(calls) do
    if not first or i < first or i > final then call.part = "outside" end
  end
end

--- Which of its intents a run had sent, and had an answer of, when it ended.
--- @param calls table[]
--- @param words string[] what stands in the request
--- @param method string|nil its method; nil: any changing one
--- @return string state "unsent", "sent" or "answered"
function M.state_of(calls, words, method)
  local state, fd = "unsent", nil
  for _, call in ipairs(calls) do
    if call.changing then
      local fits = not method or call.text:find('"' .. method .. " ", 1, true) ~= nil
      for _, word in ipairs(words) do fits = fits and call.text:find(word, 1, true) ~= nil end
      if fits then state, fd = "sent", call.fd elseif call.fd == fd then fd = nil end
    elseif state == "sent" and call.fd == fd and M.is_answer(call) then
      state = "answered"
    end
  end
  return state
end

return M
