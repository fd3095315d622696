--- Made-up records, one for each variant of a resource: what an update may find when it reads the record first.
local shapes = require "luaprov.provider.shape"

local M = {}

local MOST = 64

-- Every `by` of a shape and of its groups, with the names of the groups around it.
local function find_all(shape, around, found)
  for _, by in ipairs(shape.by) do
    found[#found + 1] = { by = by, cases = shapes.cases(by), around = around }
  end
  for _, field in ipairs(shape.fields) do
    if field.shape then
      local inside = {}
      for i, name in ipairs(around) do inside[i] = name end
      inside[#inside + 1] = field.name
      find_all(field.shape, inside, found)
    end
  end
  return found
end

-- The selectors stand in the group of the `by` or in one around it: a record that has them everywhere serves for all.
local function place(record, around, name, value)
  local at = record
  at[name] = value
  for _, group in ipairs(around) do
    at[group] = at[group] or {}
    at = at[group]
    at[name] = value
  end
end

--- @param shape table of a resource
--- @return table[] list of { record, label }: the selectors' values, and the same as text
function M.records(shape)
  local all, combinations = find_all(shape, {}, {}), { {} }
  for _, item in ipairs(all) do
    local more = {}
    for _, chosen in ipairs(combinations) do
      for _, case in ipairs(item.cases) do
        if #more < MOST then
          local copy = {}
          for i, other in ipairs(chosen) do copy[i] = other end
          copy[#copy + 1] = { item = item, values = case.values }
          more[#more + 1] = copy
        end
      end
    end
    combinations = more
  end
  local list = {}
  for i, chosen in ipairs(combinations) do
    local record, labels = {}, {}
    for _, choice in ipairs(chosen) do
      for j, name in ipairs(choice.item.by.selectors) do
        place(record, choice.item.around, name, choice.values[j])
        labels[#labels + 1] = name .. " = " .. choice.values[j]
      end
    end
    list[i] = { record = record, label = table.concat(labels, ", ") }
  end
  return list
end

return M
