--- Where a provider is at home: the origins that a client's credentials are for, and whose links mean something.
---
--- They are never taken from an answer: redirects are not followed, and a link names a record or nothing.
local template = require "luaprov.provider.template"
local uri = require "luaprov.uri"

local M = {}

-- What a setting may be in a URL, when the client does not say: one of a choice.
local function values_of(provider, name, settings)
  if settings[name] ~= nil then return { tostring(settings[name]) } end
  for _, field in ipairs(provider.settings) do
    if field.name == name and field.type == "choice" then return field.value_list end
  end
  return {}
end

--- The origins of a client: that of the base URL it uses, and those that the provider file names. Whoever has a gateway
--- before the vendor still gets the vendor's own links.
--- @param provider table description
--- @param settings table of the client
--- @param base_url string
--- @return table<string, boolean> set as uri.origin spells them
function M.of(provider, settings, base_url)
  local set = { [uri.origin(base_url) or ""] = true }
  local names = provider.base_url.names
  local function try(index, chosen)
    local name = names[index]
    if not name then
      local url = template.expand(provider.base_url, function(wanted) return chosen[wanted] end)
      set[url and uri.origin(url) or ""] = true
      return
    end
    for _, value in ipairs(values_of(provider, name, settings)) do
      chosen[name] = tostring(value)
      try(index + 1, chosen)
    end
  end
  try(1, {})
  set[""] = nil
  return set
end

--- Whether a link, such as a Location header has, is a provider's own: a path of it, or a URL at one of its origins.
--- @param link string
--- @param origins table<string, boolean>
--- @return boolean
function M.own(link, origins)
  -- "//elsewhere/path" is at another host, too; and some read \\ as /.
  if link:find("^[/\\][/\\]") then return false end
  if not link:find("^[%a][%w+.-]*:") then return true end
  return origins[uri.origin(link) or ""] or false
end

-- A setting that is a part of a host's name must not end that name.
local function is_host(text) return not text:find("[^%w%-._:%[%]\128-\255]") end

--- The setting that stands in the host of a URL and would make it another's.
--- @param parts table template of a URL
--- @param value_of function name -> text or nil
--- @return string|nil name
function M.wrong_host(parts, value_of)
  local before = ""
  for _, part in ipairs(parts) do
    if type(part) == "string" then
      before = before .. part
    elseif part.name and before:find("^%a+://[^/?#]*$") then
      local value = value_of(part.name)
      if value ~= nil and not is_host(value) then return part.name end
      before = before .. "x"
    else
      before = before .. "/"
    end
  end
end

return M
