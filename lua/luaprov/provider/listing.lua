--- A list over HTTP: its query, and its pages one after the other.
local answers = require "luaprov.provider.answer"
local call = require "luaprov.provider.call"
local digits = require "luaprov.provider.digits"
local near = require "luaprov.near"
local pages = require "luaprov.provider.pages"
local records = require "luaprov.provider.records"
local template = require "luaprov.provider.template"
local uri = require "luaprov.uri"

local M = {}

-- The query text of list's filters, and the parents among them.
local function read_query(resource, operation, query)
  local in_path, faults, parts, parents = template.names(operation.path), {}, {}, {}
  local allowed, names = {}, {}
  for _, name in ipairs(operation.query or {}) do
    allowed[name] = true
    names[#names + 1] = name
  end
  for name in pairs(in_path) do
    if not resource.state.is_setting[name] then names[#names + 1] = name end
  end
  local none = #(operation.query or {}) == 0 and ": this list has no filters" or ""
  for name, value in pairs(query) do
    if in_path[name] then
      parents[name] = value
    elseif not allowed[name] then
      local why = "is unknown" .. none .. near.hint(tostring(name), names)
      faults[#faults + 1] = { path = tostring(name), message = why, problem = "unknown" }
    elseif type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then
      faults[#faults + 1] = { path = name, message = "must be text, a number or a boolean", problem = "type" }
    else
      local text = type(value) == "number" and digits(value) or tostring(value)
      parts[#parts + 1] = uri.escape(name) .. "=" .. uri.escape(text)
    end
  end
  table.sort(parts)
  table.sort(faults, function(a, b) return a.path < b.path end)
  return table.concat(parts, "&"), parents, faults
end

--- Begins a walk through a list.
--- @param resource luaprov.Resource
--- @param operation table description
--- @param query table filters and parents
--- @return function|nil next_page returns the records of the next page, nil after the last, or nil and an error
--- @return table[]|nil faults of the query
function M.walk(resource, operation, query)
  local filter, parents, faults = read_query(resource, operation, query)
  local path, path_faults = call.path(resource.state, operation, parents)
  for _, fault in ipairs(path_faults or {}) do faults[#faults + 1] = fault end
  if #faults > 0 then return nil, faults end
  local walk, more = pages.start(operation.pages), true
  return function()
    if not more then return nil end
    local page_query = pages.query(walk)
    local both = page_query and filter ~= "" and filter .. "&" .. page_query or page_query or filter
    local answer, failed, context = call.send(resource.state, {
      resource = resource.description.name, operation = operation, path = path, query = both,
    })
    if not answer then return nil, failed end
    local items = records.find(answer, operation.items, "array")
    if not items then return nil, answers.unusable(answer, context, "the answer has no list") end
    local page = {}
    for i, item in ipairs(items) do
      local own = type(item) == "table" and item[resource.description.id]
      if not records.is_id(own) then
        return nil, answers.unusable(answer, context, "item " .. i .. " has no id")
      end
      page[i] = records.make(resource, item, own, parents)
    end
    local total = operation.pages and operation.pages.total and answers.at(answer.body, operation.pages.total[1])
    local fresh
    fresh, more = pages.take(walk, page, tonumber(total))
    if not fresh then return nil, answers.unusable(answer, context, more) end
    return fresh
  end
end

return M
