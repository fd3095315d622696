-- Charts as SVG: bars for the README, lines for growth.
local M = {}

local WIDTH, LEFT, BAR = 720, 230, 22
local COLOURS = { "#2b6cb0", "#a0aec0", "#c05621", "#2f855a" }

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

local function text(x, y, words, more)
  return ('<text x="%.1f" y="%.1f" %s>%s</text>'):format(x, y, more or "", escape(words))
end

local HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">\n'

local function document(height, parts)
  return (HEAD .. '<rect width="100%%" height="100%%" fill="#fff"/>\n%s\n</svg>\n'):format(WIDTH, height,
    table.concat(parts, "\n"))
end

local function shown(value) return value < 10 and ("%.1f"):format(value) or ("%d"):format(math.floor(value + 0.5)) end

--- Bars, in groups. Those too long for the page are cut, and say so by their figure.
--- @param groups table[] name, and bars { name, value, ours } each
--- @param unit string
--- @return string
function M.bars(groups, unit)
  local parts, y = {}, 8
  for _, group in ipairs(groups) do
    y = y + 20
    parts[#parts + 1] = text(8, y, group.name .. ", " .. unit, 'font-weight="bold"')
    y = y + 10
    local longest = 0
    for _, bar in ipairs(group) do
      if bar.ours then longest = math.max(longest, bar.value * 10) end
    end
    for _, bar in ipairs(group) do
      local length = math.max(1, math.min(1, bar.value / longest) * (WIDTH - LEFT - 70))
      parts[#parts + 1] = text(LEFT - 8, y + 15, bar.name, 'text-anchor="end"')
      parts[#parts + 1] = ('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'):format(LEFT, y + 2, length,
        BAR - 6, COLOURS[bar.ours and 1 or 2])
      parts[#parts + 1] = text(LEFT + length + 6, y + 15, shown(bar.value) .. (bar.value > longest and " …" or ""))
      y = y + BAR
    end
  end
  return document(y + 12, parts)
end

local function log10(value) return math.log(value) / math.log(10) end

local function bounds(lines, key)
  local low, high = math.huge, -math.huge
  for _, line in ipairs(lines) do
    for _, point in ipairs(line.points) do
      low, high = math.min(low, point[key]), math.max(high, point[key])
    end
  end
  return math.floor(log10(low)), math.max(math.ceil(log10(high)), math.floor(log10(low)) + 1)
end

local function plot(parts, top, one)
  local left, right, height = 70, WIDTH - 40, 220
  local x0, x1 = bounds(one.lines, "x")
  local y0, y1 = bounds(one.lines, "y")
  local function at(x, y)
    return left + (log10(x) - x0) / (x1 - x0) * (right - left), top + height - (log10(y) - y0) / (y1 - y0) * height
  end
  for power = x0, x1 do
    local x = at(10 ^ power, 10 ^ y0)
    parts[#parts + 1] = ('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>'):format(x, top, x, top + height)
    parts[#parts + 1] = text(x, top + height + 16, ("%d"):format(math.floor(10 ^ power + 0.5)),
      'text-anchor="middle" font-size="11"')
  end
  for power = y0, y1 do
    local _, y = at(10 ^ x0, 10 ^ power)
    parts[#parts + 1] = ('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>'):format(left, y, right, y)
    parts[#parts + 1] = text(left - 6, y + 4, ("%g"):format(10 ^ power), 'text-anchor="end" font-size="11"')
  end
  for i, line in ipairs(one.lines) do
    local points = {}
    for j, point in ipairs(line.points) do points[j] = ("%.1f,%.1f"):format(at(point.x, point.y)) end
    parts[#parts + 1] = ('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>'):format(
      table.concat(points, " "), COLOURS[i])
    parts[#parts + 1] = text(left + 10, top + 2 + 16 * i, line.name, ('fill="%s"'):format(COLOURS[i]))
  end
  parts[#parts + 1] = text((left + right) / 2, top + height + 34, one.name, 'text-anchor="middle"')
end

--- Lines on logarithmic axes, a plot below the other.
--- @param plots table[] as of growth.lua
--- @param unit string of the y axis
--- @return string
function M.lines(plots, unit)
  local parts, top = { text(8, 20, unit, 'font-weight="bold"') }, 36
  for _, one in ipairs(plots) do
    plot(parts, top, one)
    top = top + 270
  end
  return document(top, parts)
end

return M
