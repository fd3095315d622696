--- A list over HTTP: its query, and its pages one after the other.
local answers = require "luaprov.provider.answer"
local call = require "luaprov.provider.call"
local digits = require "luaprov.digits"
local identity = require "luaprov.provider.identity"
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

-- The records of one page, and what the vendor says of all of them.
local function read_page(resource, operation, answer, context, parents)
  local items = records.find(answer, operation.items, "array")
  if not items then return nil, answers.unusable(answer, context, "the answer has no list") end
  local list = {}
  for i, item in ipairs(items) do
    local own = type(item) == "table" and item[resource.description.id]
    if not records.is_id(own) then return nil, answers.unusable(answer, context, "item " .. i .. " has no id") end
    list[i] = records.make(resource, item, own, parents)
  end
  local total = operation.pages and operation.pages.total and answers.at(answer.body, operation.pages.total[1])
  return { records = list, total = tonumber(total), answer = answer, context = context }
end

--- Begins a walk through a list.
--- @param resource luaprov.Resource
--- @param operation table description
--- @param query table filters and parents
--- @param options table|nil of the call, for each page
--- @return function|nil next_page returns the records of the next page, nil after the last, or nil and an error
--- @return table[]|nil faults of the query
function M.walk(resource, operation, query, options)
  local filter, parents, faults = read_query(resource, operation, query)
  local path, path_faults = call.path(resource.state, operation, parents)
  for _, fault in ipairs(path_faults or {}) do faults[#faults + 1] = fault end
  if #faults > 0 then return nil, faults end
  local walk, more = pages.start(operation.pages, identity.parents(resource.description)), true
  return function()
    if not more then return nil end
    local page_query = pages.query(walk)
    local both = page_query and filter ~= "" and filter .. "&" .. page_query or page_query or filter
    local list = call.new(resource, operation, path, function(answer, context)
      return read_page(resource, operation, answer, context, parents)
    end)
    list.query = both
    local page, failed = call.send(call.budget(list, options))
    if not page then return nil, failed end
    local fresh
    fresh, more = pages.take(walk, page.records, page.total)
    if not fresh then return nil, answers.unusable(page.answer, page.context, more) end
    return fresh
  end
end

return M
