--- Leaves in a plan only what somebody named, what that needs, and what cannot stay when it goes.
local M = {}

--- Whether an address goes on, after a dot, where a name ends.
--- @param address string
--- @param name string
--- @return boolean
function M.goes_on(address, name) return address:sub(1, #name + 1) == name .. "." end

--- Whether a target means an address: an account, or a resource of one, all that it has; a record itself alone, also
--- where others' names go on after a dot, and when it is gone; and what ends in a dot all that begins so.
--- @param address string
--- @param name string the target
--- @return boolean
function M.is_meant(address, name)
  if address == name then return true end
  if name:find("%.$") then return address:sub(1, #name) == name end
  return not name:find("%..*%.") and M.goes_on(address, name)
end

--- @param plan table steps, step; in place
--- @param rows table index of rows.lua
--- @param targets string[] see `is_meant`
--- @return string|nil unknown the first that names no record
function M.select(plan, rows, targets)
  local chosen, queue = {}, {}
  local function choose(address)
    if chosen[address] then return end
    chosen[address] = true
    queue[#queue + 1] = address
  end
  local declared = plan.manifest.record
  for _, name in ipairs(targets) do
    local found = declared[name] or rows.by_address[name] -- most name one record
    if found then choose(name) end
    for _, list in ipairs(found and {} or { plan.manifest.records, rows.list }) do
      for _, item in ipairs(list) do
        if M.is_meant(item.address, name) then
          found = true
          choose(item.address)
        end
      end
    end
    if not found then return name end
  end
  -- Who is made anew, or goes, takes along whoever needs it.
  local followers = {}
  local function follow(address, by)
    followers[address] = followers[address] or {}
    table.insert(followers[address], by)
  end
  for _, node in ipairs(plan.manifest.records) do
    for _, address in ipairs(node.needs) do follow(address, node.address) end
  end
  for _, row in ipairs(rows.list) do
    for _, other in ipairs(rows.needs(row)) do follow(other.address, row.address) end
  end
  local at = 1
  while queue[at] do
    local address = queue[at]
    at = at + 1
    local step = plan.step[address]
    if declared[address] and not plan.destroy then
      for _, other in ipairs(declared[address].needs) do choose(other) end
    end
    if step and (step.action == "delete" or step.action == "replace") then
      for _, other in ipairs(followers[address] or {}) do choose(other) end
    end
  end
  local steps, by_address = {}, {}
  for _, step in ipairs(plan.steps) do
    if chosen[step.address] then
      steps[#steps + 1] = step
      by_address[step.address] = step
    end
  end
  plan.steps, plan.step = steps, by_address
end

return M
