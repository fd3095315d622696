--- The nearest of the names that would have been right: for "did you mean …?".
local M = {}

local MAX_LEN = 64

--- Edits (insert, remove, replace, swap of two neighbours) from a to b.
local function distance(a, b)
  local before, last = nil, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if before and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

--- @param name string what was written
--- @param names string[] what exists
--- @return string|nil nearest the one that was probably meant
function M.match(name, names)
  if type(name) ~= "string" or #name > MAX_LEN then return nil end
  local best, best_distance
  local plain = name:lower()
  for _, candidate in ipairs(names) do
    if type(candidate) == "string" and #candidate <= MAX_LEN then
      local d = distance(plain, candidate:lower())
      local close = d <= math.max(1, math.floor(#candidate / 3)) and d < #candidate
      if close and (not best or d < best_distance) then
        best, best_distance = candidate, d
      end
    end
  end
  return best
end

--- " (did you mean 'x'?)", or " (there is a, b, c)" when nothing is near and there are few.
--- @param most integer|nil how many are few, 12 by default
function M.hint(name, names, most)
  local nearest = M.match(name, names)
  if nearest then return " (did you mean '" .. nearest .. "'?)" end
  if #names == 0 or #names > (most or 12) then return "" end
  local sorted = {}
  for i, candidate in ipairs(names) do sorted[i] = candidate end
  table.sort(sorted)
  return " (there is " .. table.concat(sorted, ", ") .. ")"
end

return M
