--- What a check found, for people and for programs.
local M = {}

local MARKS = { done = "+", ["not done"] = "-", unknown = "?" }

--- A cell as plain values.
--- @param cell table that has been run
--- @return table
function M.plain(cell)
  local err = cell.err or {}
  return {
    provider = cell.provider.name, resource = cell.resource.name, operation = cell.name, settle = cell.settle,
    fault = cell.row.name, strikes = cell.strikes, reported = cell.reported, found = cell.found,
    holds = cell.why == nil, why = cell.why, kind = err.kind, outcome = err.outcome, status = err.status,
    attempts = err.attempts and #err.attempts or nil,
  }
end

--- A cell that does not hold, in a line.
--- @param cell table
--- @return string
function M.line(cell)
  return ("%s %s%s, %s %s: reported %s%s, found %s: %s"):format(cell.resource.name, cell.name,
    cell.settle and " with settle" or "", cell.row.name, cell.strikes, cell.reported,
    cell.err and " (" .. cell.err.kind .. ")" or "", cell.found, cell.why)
end

local function title(cell) return cell.settle and "settled" or cell.name end

-- The tables of cells: for each resource its columns, and for each row its cells by column and by how often it struck.
local function sorted(cells)
  local resources, by_name = {}, {}
  for _, cell in ipairs(cells) do
    local own = by_name[cell.resource.name]
    if not own then
      own = { name = cell.resource.name, columns = {}, rows = {}, has = {}, by_row = {} }
      resources[#resources + 1], by_name[own.name] = own, own
    end
    local column = title(cell)
    if not own.has[column] then
      own.has[column] = true
      own.columns[#own.columns + 1] = column
    end
    local row = own.by_row[cell.row]
    if not row then
      row = { name = cell.row.name, cells = {}, kinds = {} }
      own.rows[#own.rows + 1], own.by_row[cell.row] = row, row
    end
    row.cells[column] = row.cells[column] or {}
    row.cells[column][cell.strikes] = cell
    if cell.err then row.kinds[cell.err.kind] = true end
  end
  return resources
end

local function mark(cell)
  if not cell then return " " end
  return MARKS[cell.reported] .. (cell.why and "!" or "")
end

local function listed(set)
  local list = {}
  for word in pairs(set) do list[#list + 1] = word end
  table.sort(list)
  return table.concat(list, ", ")
end

--- The matrix: a table for each resource, a row for each fault, a column for each operation; in each cell what was
--- reported when the fault struck once, and always.
--- @param cells table[]
--- @return table[] tables of lists of texts, the first line of each its heading
function M.tables(cells)
  local tables = {}
  for i, resource in ipairs(sorted(cells)) do
    local lines = { { resource.name } }
    for _, column in ipairs(resource.columns) do table.insert(lines[1], column) end
    table.insert(lines[1], "kinds of error")
    for _, row in ipairs(resource.rows) do
      local line = { row.name }
      for _, column in ipairs(resource.columns) do
        local own = row.cells[column] or {}
        line[#line + 1] = mark(own.once) .. " " .. mark(own.always)
      end
      line[#line + 1] = listed(row.kinds)
      lines[#lines + 1] = line
    end
    tables[i] = lines
  end
  return tables
end

--- What the marks mean.
M.legend = "Reported when the fault struck once, and always: + done, - not done, ? unknown; ! what does not hold."

return M
