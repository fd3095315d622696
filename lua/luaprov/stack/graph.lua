--- What must come before what. Nodes are any values that can be keys; `needs[node]` lists those before it (those that
--- are no nodes are left out). All is linear in nodes and edges, and no walk is deeper than a few calls.
---
---   graph.order(nodes, needs) -> list, each after what it needs, otherwise as they stood; or nil, cycle (a list)
---   local run = graph.run(nodes, needs)        for a graph without a cycle:
---     run:next() -> node or nil                one that is ready; nil: none is, at the moment
---     run:has_next()                           whether one is
---     run:done(node)                           what waited for it may be ready now
---     run:failed(node) -> list                 what needs it, directly or not, and so will not be done
---     run.left                                 how many are neither done, failed nor skipped
---     run.running                              how many were given out and are not back
local M = {}

-- Who waits for whom: followers[node] = list, waiting[node] = how many it waits for.
local function links(nodes, needs)
  local waiting, followers = {}, {}
  for _, node in ipairs(nodes) do waiting[node] = 0 end
  for _, node in ipairs(nodes) do
    local before = needs[node]
    for i = 1, before and #before or 0 do
      local other = before[i]
      if waiting[other] then
        waiting[node] = waiting[node] + 1
        local list = followers[other]
        if list then list[#list + 1] = node else followers[other] = { node } end
      end
    end
  end
  return waiting, followers
end

-- Among what is left when all that can be done is done: whoever waits waits for another that is left.
local function cycle_among(nodes, needs, waiting)
  local at
  for _, node in ipairs(nodes) do
    if waiting[node] > 0 then
      at = node
      break
    end
  end
  local place, path = {}, {}
  while not place[at] do
    path[#path + 1] = at
    place[at] = #path
    for _, other in ipairs(needs[at]) do
      if waiting[other] and waiting[other] > 0 then
        at = other
        break
      end
    end
  end
  local cycle = {}
  for i = place[at], #path do cycle[#cycle + 1] = path[i] end
  return cycle
end

--- @param nodes any[]
--- @param needs table node -> list of nodes
--- @return any[]|nil order
--- @return any[]|nil cycle each needs the next, the last the first
function M.order(nodes, needs)
  local waiting, followers = links(nodes, needs)
  -- The order in which they stand is kept as far as it can be: a node is followed by what waited for it alone.
  local order, stack = {}, {}
  for _, node in ipairs(nodes) do
    if waiting[node] == 0 then
      stack[1] = node
      waiting[node] = -1
      local top = 1
      while top > 0 do
        local next_node = stack[top]
        stack[top] = nil
        top = top - 1
        order[#order + 1] = next_node
        local list = followers[next_node]
        for i = list and #list or 0, 1, -1 do
          local follower = list[i]
          waiting[follower] = waiting[follower] - 1
          if waiting[follower] == 0 then
            waiting[follower] = -1
            top = top + 1
            stack[top] = follower
          end
        end
      end
    end
  end
  if #order == #nodes then return order end
  return nil, cycle_among(nodes, needs, waiting)
end

---@class luaprov.GraphRun
local Run = {}
Run.__index = Run

--- @param nodes any[]
--- @param needs table
--- @return luaprov.GraphRun
function M.run(nodes, needs)
  local waiting, followers = links(nodes, needs)
  local ready = {}
  for _, node in ipairs(nodes) do
    if waiting[node] == 0 then ready[#ready + 1] = node end
  end
  return setmetatable({
    waiting = waiting, followers = followers, ready = ready, first = 1, last = #ready, left = #nodes, running = 0,
    skipped = {},
  }, Run)
end

--- First come, first served.
function Run:next()
  local node = self.ready[self.first]
  if node == nil then return nil end
  self.ready[self.first] = nil
  self.first = self.first + 1
  self.running = self.running + 1
  return node
end

--- Whether one is ready.
function Run:has_next() return self.ready[self.first] ~= nil end

local function leave(self)
  self.left, self.running = self.left - 1, self.running - 1
end

function Run:done(node)
  leave(self)
  for _, follower in ipairs(self.followers[node] or {}) do
    self.waiting[follower] = self.waiting[follower] - 1
    if self.waiting[follower] == 0 then
      self.last = self.last + 1
      self.ready[self.last] = follower
    end
  end
end

function Run:failed(node)
  leave(self)
  local lost, at = { node }, 1
  while lost[at] ~= nil do
    for _, follower in ipairs(self.followers[lost[at]] or {}) do
      if not self.skipped[follower] then
        self.skipped[follower] = true
        lost[#lost + 1] = follower
        self.left = self.left - 1
      end
    end
    at = at + 1
  end
  table.remove(lost, 1)
  return lost
end

return M
