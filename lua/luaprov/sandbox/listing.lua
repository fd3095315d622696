--- One page of a list, as a query asks for it: the other direction of `provider/listing` and `provider/pages`.
local digits = require "luaprov.digits"
local fill = require "luaprov.sandbox.fill"
local json = require "luaprov.json"
local records = require "luaprov.sandbox.records"
local routes = require "luaprov.sandbox.routes"

local M = {}

local function text(value)
  if type(value) == "number" then return digits(value) end
  return tostring(value)
end

-- Whether a record is one that the filters ask for. A filter that is no member of the record, or has an operator of the
-- vendor's own in it, means nothing to the sandbox and lets everything pass.
local function fits(entry, filters, parents, collection, now)
  if entry.listed_at and entry.listed_at > now then return false end
  for name, value in pairs(parents) do
    if entry.parents[name] ~= nil and not records.same_id(entry.parents[name], value) then return false end
  end
  for name, value in pairs(filters) do
    local own = entry.body[name]
    local plain = own ~= nil and type(own) ~= "table" and not value:find(":", 1, true)
    local field = collection.resource.shape.by_name[name]
    if plain and field and field.parent then plain = not records.same_id(own, value)
    elseif plain then plain = text(own) ~= value end
    if plain then return false end
  end
  return true
end

local function shown(entry, names)
  if not names then return entry.body end
  local part = {}
  for _, name in ipairs(names) do part[name] = entry.body[name] end
  return part
end

--- @param collection table of records
--- @param operation table description
--- @param asked table query (name -> text), parents, size (at most so many a page, or nil), now
--- @return table|nil items; nil when the page asked for is none
--- @return function|nil lookup of page, size, offset, count, total and now
function M.page(collection, operation, asked)
  local pages, page = operation.pages, routes.page(operation.pages, asked.query)
  if not page then return nil end
  local filters = {}
  for _, name in ipairs(operation.query or {}) do filters[name] = asked.query[name] end
  if pages and pages.max and page.size and page.size > pages.max then return nil end
  local usual = pages and (pages.default or pages.size) or math.huge
  local size = math.min(page.size or usual, pages and math.max(pages.size, usual) or math.huge, asked.size or math.huge)
  local number = page.page or pages and pages.first or 0
  local offset = page.offset or pages and pages.kind == "numbered" and (number - pages.first) * size or 0
  if size < 1 or offset < 0 then return nil end
  local items, total = json.array {}, 0
  if next(filters) == nil and next(asked.parents) == nil and collection.hidden_until <= asked.now then
    total = collection.count
    for i, entry in ipairs(collection:slice(offset, size)) do items[i] = shown(entry, operation.shows) end
  else
    for entry in collection:each() do
      if fits(entry, filters, asked.parents, collection, asked.now) then
        total = total + 1
        if total > offset and #items < size then items[#items + 1] = shown(entry, operation.shows) end
      end
    end
  end
  local values = { page = number, size = size < math.huge and size or total, offset = offset, count = #items,
                   total = total, now = fill.now() }
  return items, function(name) return values[name] end
end

return M
