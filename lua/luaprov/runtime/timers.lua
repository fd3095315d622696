--- What is to be done later: a heap, the earliest first.
local M = {}
M.__index = M

function M.new() return setmetatable({}, M) end

local function put(self, i, timer)
  self[i] = timer
  timer.i = i
end

-- Puts a timer at `i` or above it, where it belongs.
local function rise(self, i, timer)
  while i > 1 do
    local up = math.floor(i / 2)
    if self[up].at <= timer.at then break end
    put(self, i, self[up])
    i = up
  end
  put(self, i, timer)
end

-- Puts a timer at `i` or below it, where it belongs.
local function sink(self, i, timer)
  local count = #self
  while true do
    local down = 2 * i
    if down < count and self[down + 1].at < self[down].at then down = down + 1 end
    if down > count or self[down].at >= timer.at then break end
    put(self, i, self[down])
    i = down
  end
  put(self, i, timer)
end

--- @param at number seconds of core.now()
--- @param fn function
--- @param arg any what it is called with
--- @return table timer for `remove`
function M:add(at, fn, arg)
  local timer = { at = at, fn = fn, arg = arg }
  rise(self, #self + 1, timer)
  return timer
end

--- Harmless for one that is done or removed.
--- @param timer table
function M:remove(timer)
  local i, count = timer.i, #self
  timer.gone = true
  if not i then return end
  timer.i = nil
  local last = self[count]
  self[count] = nil
  if i == count then return end
  if i > 1 and last.at < self[math.floor(i / 2)].at then rise(self, i, last) else sink(self, i, last) end
end

--- @return number|nil when the earliest is due
function M:due() return self[1] and self[1].at end

--- Does what is due. What is added meanwhile waits for the next time.
--- @param now number
function M:run(now)
  if not self[1] or self[1].at > now then return end
  local ready = {}
  while self[1] and self[1].at <= now do
    local timer = self[1]
    self:remove(timer)
    timer.gone = nil
    ready[#ready + 1] = timer
  end
  for _, timer in ipairs(ready) do
    if not timer.gone then timer.fn(timer.arg) end
  end
end

return M
