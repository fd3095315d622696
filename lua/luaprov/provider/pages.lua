--- Walks through the pages of a list.
local template = require "luaprov.provider.template"

local M = {}

--- Begins at the first page.
--- @param pages table|nil numbered or offsets; nil: there is one page
--- @param names string[]|nil the parents without which an id does not say which record it is
--- @return table walk
function M.start(pages, names)
  return { pages = pages, names = names or {}, number = pages and pages.first, offset = 0, seen = {}, count = 0,
           page = 0 }
end

--- The query of the page that is next, or nil when the vendor has no pages.
function M.query(walk)
  if not walk.pages then return nil end
  local values = { page = walk.number, offset = walk.offset, size = walk.pages.size }
  return (template.expand(walk.pages.query, function(name) return ("%.0f"):format(values[name]) end))
end

local function key_of(walk, record)
  local key = record.id
  for _, name in ipairs(walk.names) do key = tostring(key) .. "\0" .. tostring(record[name]) end
  return key
end

--- Takes a page: leaves out records that an earlier page had (they move when others are made or removed meanwhile), and
--- tells whether more are to come. Only an empty page, or the vendor's own total, ends a list: a short page does not,
--- because a vendor may give fewer than were asked for. A total that is less than what came is no total.
--- @param walk table
--- @param records table[] with ids
--- @param total number|nil
--- @return table[]|nil fresh
--- @return boolean|string more whether there may be another page; a message when the pages do not advance
function M.take(walk, records, total)
  walk.page = walk.page + 1
  local fresh = {}
  for _, record in ipairs(records) do
    local key = record.id ~= nil and key_of(walk, record)
    if not key or not walk.seen[key] then
      if key then walk.seen[key] = true end
      fresh[#fresh + 1] = record
    end
  end
  walk.count = walk.count + #records
  if walk.pages then
    walk.number = walk.number + 1
    walk.offset = walk.offset + #records
  end
  if not walk.pages or #records == 0 or walk.count == total then return fresh, false end
  if #fresh == 0 then return nil, "page " .. walk.page .. " repeats what earlier pages had" end
  return fresh, true
end

return M
