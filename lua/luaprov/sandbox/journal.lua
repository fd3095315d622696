--- The file that keeps a sandbox's records: a line of JSON for everything that became of one. A line is written and
--- handed to the system before the request is answered, so that killing the sandbox loses nothing that it answered.
local json = require "luaprov.json"

local M = {}
M.__index = M

local FORMAT = "luaprov sandbox records"

local function quote(path) return "'" .. path:gsub("'", "'\\''") .. "'" end

-- Its records hold what was sent as secrets: only its owner reads it.
local function create(path)
  local ok = os.execute("umask 077 && : 2>/dev/null >> " .. quote(path))
  return ok == true or ok == 0
end

local function replay(path, text, on_event)
  local number, at = 0, 1
  while at <= #text do
    number = number + 1
    local stop = text:find("\n", at, true)
    if not stop then
      return nil, ("%s:%d: the last line is cut off, so it is not whole; `head -n %d` has what stands before it")
        :format(path, number, number - 1)
    end
    local event, why = json.decode(text:sub(at, stop - 1))
    if number == 1 and (type(event) ~= "table" or event.format ~= FORMAT) then
      return nil, path .. ": is no file of a sandbox's records; it is left as it is"
    elseif type(event) ~= "table" then
      return nil, ("%s:%d: cannot be read: %s"):format(path, number, why or "no object")
    elseif number > 1 then
      why = on_event(event)
      if why then return nil, ("%s:%d: %s"):format(path, number, why) end
    end
    at = stop + 1
  end
  return number
end

--- Opens a file of records, or makes it, and tells what it holds.
--- @param path string
--- @param on_event function event -> nil, or why it cannot be
--- @return table|nil journal fresh: whether it held nothing
--- @return string|nil why
function M.open(path, on_event)
  local file = io.open(path, "rb")
  local text = ""
  if file then
    local unreadable
    text, unreadable = file:read("*a")
    file:close()
    if not text then return nil, path .. ": cannot be read: " .. tostring(unreadable) end
  end
  local lines, why = replay(path, text, on_event)
  if not lines then return nil, why end
  if not file and not create(path) then return nil, path .. ": cannot be made" end
  file, why = io.open(path, "ab")
  if not file then return nil, why end
  -- Two sandboxes would overwrite each other's view.
  local has_lfs, lfs = pcall(require, "lfs")
  if has_lfs and not lfs.lock(file, "w") then
    file:close()
    return nil, path .. ": another sandbox uses it"
  end
  local journal = setmetatable({ file = file, path = path, fresh = lines == 0 }, M)
  if lines == 0 then
    local ok
    ok, why = journal:write { format = FORMAT }
    if not ok then return nil, why end
  end
  return journal
end

--- @param event table
--- @return boolean|nil done
--- @return string|nil why
function M:write(event)
  if self.broken then return nil, self.broken end
  local line = assert(json.encode(event)) .. "\n"
  local ok, why = self.file:write(line)
  if ok then ok, why = self.file:flush() end
  if ok then return true end
  -- Half a line may be there: nothing can follow it.
  self.broken = self.path .. ": " .. tostring(why)
  return nil, self.broken
end

function M:close() self.file:close() end

return M
