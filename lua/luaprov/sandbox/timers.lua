--- What is to be done later: a heap, the earliest first.
local M = {}
M.__index = M

function M.new() return setmetatable({}, M) end

--- @param at number seconds of http.now()
--- @param fn function
function M:add(at, fn)
  local i, timer = #self + 1, { at = at, fn = fn }
  while i > 1 do
    local up = math.floor(i / 2)
    if self[up].at <= at then break end
    self[i], i = self[up], up
  end
  self[i] = timer
end

local function take(self)
  local first, count = self[1], #self
  local last = self[count]
  self[count] = nil
  if count == 1 then return first end
  local i = 1
  while true do
    local down = 2 * i
    if down + 1 < count and self[down + 1].at < self[down].at then down = down + 1 end
    if down >= count or self[down].at >= last.at then break end
    self[i], i = self[down], down
  end
  self[i] = last
  return first
end

--- @return number|nil when the earliest is due
function M:due() return self[1] and self[1].at end

--- Does what is due. What is added meanwhile waits for the next time.
--- @param now number
function M:run(now)
  local ready = {}
  while self[1] and self[1].at <= now do ready[#ready + 1] = take(self) end
  for _, timer in ipairs(ready) do timer.fn() end
end

return M
