--- Files that a command writes: whole or not at all, and for their owner alone to read.
local quote = require "luaprov.quote"

local M = {}

local function shell(command)
  local ok = os.execute(command)
  return ok == true or ok == 0
end

-- A file of one's own beside the place, with the text in it.
local function write_beside(path, text)
  local name = path .. ".new"
  os.remove(name)
  -- -C: what has come there meanwhile is not ours.
  if not shell("{ umask 077 && set -C && : > " .. quote(name) .. "; } 2>/dev/null") then
    local file, why = io.open(name, "r")
    if file then file:close() end
    return nil, file and name .. ": it is there already" or why and path .. ": it cannot be made"
  end
  local file, why = io.open(name, "wb")
  local ok
  if file then
    ok, why = file:write(text)
    local closed, late = file:close()
    if ok and not closed then ok, why = nil, late end
  end
  if ok then return name end
  os.remove(name)
  return nil, why
end

--- Writes a file, in place of one that is there.
--- @param path string
--- @param text string
--- @return boolean|nil done
--- @return string|nil why
function M.file(path, text)
  local name, why = write_beside(path, text)
  local ok
  if name then ok, why = os.rename(name, path) end
  if name and not ok then os.remove(name) end
  return ok and true or nil, why
end

--- Writes a file where there is none.
--- @param path string
--- @param text string
--- @return boolean|nil done
--- @return string|nil why
function M.new_file(path, text)
  local name, why = write_beside(path, text)
  if not name then return nil, why end
  -- A link takes no other's place.
  local ok = shell(("ln -T -- %s %s 2>/dev/null"):format(quote(name), quote(path)))
  os.remove(name)
  if ok then return true end
  local file = io.open(path, "r")
  if file then file:close() end
  return nil, path .. (file and " is there already, and stays as it is" or ": it cannot be made")
end

return M
