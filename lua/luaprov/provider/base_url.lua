--- Whether a provider file's base_url is one that calls can go to.
local template = require "luaprov.provider.template"
local values = require "luaprov.provider.values"

local M = {}

--- What is wrong with it, whatever its settings are. A setting in its beginning is a URL, or a scheme.
--- @param text string
--- @param parts table the same as a template
--- @return string|nil why
function M.fault(text, parts)
  if not text:find("^https?://") and not text:find("^{") then return "must begin with https:// or http://" end
  local first = text:find("^{[%w_]+}://") and "https" or text:find("^{") and "https://1" or "1"
  local url = template.expand(parts, function()
    local value = first
    first = "1"
    return value
  end)
  return select(2, values.check({ type = "url", called = true }, url, {}))
end

return M
