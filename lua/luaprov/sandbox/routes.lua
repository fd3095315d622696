--- Which operation a request is: the other direction of a provider file's path templates.
local template = require "luaprov.provider.template"
local uri = require "luaprov.uri"

local M = {}

-- A whole number that is more than this is no page.
local MOST = 2 ^ 53

--- A pattern that fits a text and nothing else.
function M.literal(text) return (text:gsub("%W", "%%%0")) end
local literal = M.literal

--- The pattern of a template; in the place of an optional part anything may stand.
--- @param parts table
--- @param pattern_of function name -> pattern of what may stand there
function M.pattern(parts, pattern_of)
  local out = {}
  for i, part in ipairs(parts) do
    if type(part) == "string" then out[i] = literal(part)
    else out[i] = part.optional and ".*" or pattern_of(part.name) end
  end
  return table.concat(out)
end

-- The patterns of a template, one for each choice of its optional parts, with the names that they capture.
local function patterns_of(parts, prefix)
  local found = { { text = literal(prefix), names = {}, literals = #prefix } }
  local function append(into, part)
    local names = {}
    for i, name in ipairs(into.names) do names[i] = name end
    if type(part) == "string" then
      return { text = into.text .. literal(part), names = names, literals = into.literals + #part }
    end
    names[#names + 1] = part.name
    return { text = into.text .. "([^/]+)", names = names, literals = into.literals }
  end
  for _, part in ipairs(parts) do
    local next_found = {}
    for _, pattern in ipairs(found) do
      if type(part) == "table" and part.optional then
        local with = pattern
        for _, inner in ipairs(part) do with = append(with, inner) end
        next_found[#next_found + 1] = with
        next_found[#next_found + 1] = pattern
      else
        next_found[#next_found + 1] = append(pattern, part)
      end
    end
    found = next_found
  end
  return found
end

--- The path of a URL template, without its scheme and host or the setting in their place.
--- @param parts table of a template
--- @return table parts of the path
function M.path_of(parts)
  local path, names = {}, {}
  for i, part in ipairs(parts) do
    if i == 1 and type(part) == "string" then part = part:gsub("^%a[%w+.-]*://[^/]*", "") end
    -- A name before the first slash belongs to the host, or is a URL whole.
    local begun = #path > 0 or type(part) == "string" and part:find("/", 1, true)
    if begun and type(part) == "string" and #path == 0 then part = part:match("/.*$") end
    if begun and part ~= "" then
      path[#path + 1] = part
      if type(part) == "table" then names[#names + 1] = part.name end
    end
  end
  path.names = names
  return path
end

--- @param provider table description
--- @param prefix string what stands before every path, "/acme/v2"
--- @return table[] routes
function M.of(provider, prefix)
  local routes = {}
  local function add(resource, operation)
    for _, case in pairs(operation.cases or {}) do add(resource, case) end
    if not operation.path then return end
    for _, pattern in ipairs(patterns_of(operation.path, prefix)) do
      routes[#routes + 1] = {
        resource = resource, operation = operation, method = operation.method, pattern = "^" .. pattern.text .. "/?$",
        names = pattern.names, literals = pattern.literals,
      }
    end
  end
  for _, resource in ipairs(provider.resources) do
    for _, operation in pairs(resource.operations) do add(resource, operation) end
  end
  return routes
end

--- The routes that a path fits, the most literal first, each with what stands in its places.
--- @param routes table[]
--- @param method string
--- @param path string raw
--- @return table[] found { route, parts (name -> unescaped text) }
--- @return boolean known whether the path fits with another method
function M.find(routes, method, path)
  local found, known = {}, false
  for _, route in ipairs(routes) do
    local captures = { path:match(route.pattern) }
    if captures[1] then
      known = true
      if route.method == method then
        local parts = {}
        for i, name in ipairs(route.names) do parts[name] = uri.unescape(captures[i]) end
        found[#found + 1] = { route = route, parts = parts }
      end
    end
  end
  table.sort(found, function(a, b) return a.route.literals > b.route.literals end)
  return found, known
end

--- The members of a query or a form.
--- @param text string
--- @return table name -> value
function M.query(text)
  local values = {}
  for pair in text:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    values[uri.unescape((name:gsub("%+", " ")))] = uri.unescape((value:gsub("%+", " ")))
  end
  return values
end

-- "page={page},{size}" -> for each parameter its pattern and the names in it.
local function parameters_of(parts)
  local text, names = {}, {}
  for _, part in ipairs(parts) do
    if type(part) == "string" then text[#text + 1] = literal(part)
    else
      text[#text + 1] = "{}"
      names[#names + 1] = part.name
    end
  end
  local list, at = {}, 0
  -- `&` and `=` are escaped by then.
  for pair in (table.concat(text) .. "%&"):gmatch("(.-)%%&") do
    local name, value = pair:match("^(.-)%%=(.*)$")
    if name then
      local own = {}
      for _ in value:gmatch("{}") do
        at = at + 1
        own[#own + 1] = names[at]
      end
      list[#list + 1] = { name = name:gsub("%%(%W)", "%1") .. "", pattern = value, names = own }
    end
  end
  return list
end

--- Which page a query asks for.
--- @param pages table|nil of a list operation
--- @param query table name -> value
--- @return table|nil asked page, size, offset, as far as the query has them; nil when what it has is no number
function M.page(pages, query)
  local asked = {}
  for _, parameter in ipairs(pages and parameters_of(pages.query) or {}) do
    local value = query[parameter.name]
    if value then
      -- A vendor takes the first part alone, too: page=2 for page=2,100.
      local pattern = parameter.pattern
      local captures = { value:match("^" .. pattern:gsub("{}", "(%%d+)") .. "$") }
      if not captures[1] then captures = { value:match("^(%d+)$") } end
      if not captures[1] then return nil end
      for i, name in ipairs(parameter.names) do
        local number = tonumber(captures[i])
        if number and number >= MOST then return nil end
        asked[name] = number
      end
    end
  end
  return asked
end

--- The path of a base URL's template; "" where it depends on settings.
--- @param base_url table parts
--- @return string
function M.base_path(base_url)
  local path = M.path_of(base_url)
  if #path.names > 0 then return "" end
  return (template.expand(path, function() end):gsub("/+$", ""))
end

return M
