-- Whether what was counted is what is written down.
local M = {}

-- The seed of Lua's hashes is another one in each run: some 1.5 % to both sides.
M.TOLERANCE = 0.05

--- @param counted number a ratio
--- @param written number|nil the one that is written down
--- @return string verdict "ok", "more", "less", or "new" where nothing is written down
function M.judge(counted, written)
  if not written then return "new" end
  if counted > written * (1 + M.TOLERANCE) then return "more" end
  if counted < written * (1 - M.TOLERANCE) then return "less" end
  return "ok"
end

--- What differs, in words; nil where nothing does: other versions have other counts.
--- @param here table<string, string> name -> version
--- @param written table<string, string>
function M.difference(here, written)
  local words = {}
  for name, version in pairs(written) do
    if here[name] ~= version then
      words[#words + 1] = name .. " is " .. tostring(here[name]) .. " and not " .. version
    end
  end
  table.sort(words)
  return words[1] and table.concat(words, ", ") or nil
end

--- The median of the ratios of several counts, each as count.all returns it.
--- @param counts table[]
--- @return table counts name -> that one of them whose ratio is the median
function M.median(counts)
  local found = {}
  for name in pairs(counts[1]) do
    local list = {}
    for i, one in ipairs(counts) do list[i] = one[name] end
    table.sort(list, function(a, b) return a.ratio < b.ratio end)
    found[name] = list[math.ceil(#list / 2)]
  end
  return found
end

return M
