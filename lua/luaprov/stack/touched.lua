--- Which accounts a command has to do with: only theirs are the credentials that it needs.
local M = {}

local function alias_of(address) return address:match("^[^.]+") end

-- Accounts whose records need one another, alias -> set.
local function links_of(manifest, rows)
  local links = {}
  local function link(a, b)
    if a == b then return end
    links[a], links[b] = links[a] or {}, links[b] or {}
    links[a][b], links[b][a] = true, true
  end
  for _, node in ipairs(manifest.records) do
    for _, address in ipairs(node.needs) do link(node.alias, alias_of(address)) end
  end
  for _, row in ipairs(rows) do
    for _, address in ipairs(row.depends_on or {}) do link(alias_of(row.address), alias_of(address)) end
  end
  return links
end

--- @param manifest table
--- @param seen table rows, intents (of the state)
--- @param about table destroy (true: only what the state has), targets (addresses, or beginnings of them)
--- @return table aliases set
function M.of(manifest, seen, about)
  local aliases, queue = {}, {}
  local function add(alias)
    if aliases[alias] then return end
    aliases[alias] = true
    queue[#queue + 1] = alias
  end
  for _, intent in ipairs(seen.intents) do add(alias_of(intent.address)) end
  local targets = about.targets or {}
  if not targets[1] then
    for _, row in ipairs(about.destroy and seen.rows or {}) do add(alias_of(row.address)) end
    for _, account in ipairs(not about.destroy and manifest.accounts or {}) do add(account.alias) end
    return aliases
  end
  for _, name in ipairs(targets) do
    local alias = alias_of(name)
    if alias then add(alias) end -- else it names no record, and the plan says so
  end
  -- What is needed comes along, and who needs what goes.
  local links, at = links_of(manifest, seen.rows), 1
  while queue[at] do
    for alias in pairs(links[queue[at]] or {}) do add(alias) end
    at = at + 1
  end
  return aliases
end

return M
