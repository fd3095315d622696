--- The file that keeps a sandbox's records: a line of JSON for everything that became of one. A line is written and
--- handed to the system before the request is answered, so that killing the sandbox loses nothing that it answered.
local json = require "luaprov.json"
local quote = require "luaprov.quote"

local M = {}
M.__index = M

local FORMAT = "luaprov sandbox records"

local in_use = {} -- the files of this process

local function shell(command)
  local ok = os.execute(command)
  return ok == true or ok == 0
end

-- Its records hold what was sent as secrets: only its owner reads it.
local function create(path)
  return shell("umask 077 && { : >> " .. quote(path) .. "; } 2>/dev/null")
end

local function header_of(line)
  local header = line and json.decode(line)
  return type(header) == "table" and header.format == FORMAT
end

local function replay(path, file, on_event)
  local line, number = file:read(#FORMAT + 64), 0 -- it may be anything, of any size
  if not line or line == "" then return number end
  if not header_of(line:match("^([^\n]*)\n")) then
    return nil, path .. ": is no file of a sandbox's records; it is left as it is"
  end
  file:seek("set", 0)
  local text = file:read("*a")
  local at = 1
  while at <= #text do
    number = number + 1
    local stop = text:find("\n", at, true)
    if not stop then
      return nil, ("%s:%d: the last line is cut off, so it is not whole; `head -n %d` has what stands before it")
        :format(path, number, number - 1)
    end
    if number > 1 then
      local event, why = json.decode(text:sub(at, stop - 1))
      why = type(event) == "table" and on_event(event) or why or (type(event) ~= "table" and "no object") or nil
      if why then return nil, ("%s:%d: cannot be read: %s"):format(path, number, why) end
    end
    at = stop + 1
  end
  file:seek("end")
  return number
end

-- What tells a file from all others; without lua-filesystem no more than its path.
local function identity(path)
  local has_lfs, lfs = pcall(require, "lfs")
  local about = has_lfs and lfs.attributes(path)
  return about and about.dev .. ":" .. about.ino or path
end

local function lock(file)
  local has_lfs, lfs = pcall(require, "lfs")
  return not has_lfs or lfs.lock(file, "w")
end

--- Opens a file of records, or makes it, and tells what it holds. Where lua-filesystem is installed, no second sandbox
--- can have it meanwhile.
--- @param path string
--- @param on_event function event -> nil, or why it cannot be
--- @return table|nil journal
--- @return string|nil why
function M.open(path, on_event)
  if shell("test -e " .. quote(path)) and not shell("test -f " .. quote(path)) then
    return nil, path .. ": is no file"
  elseif not shell("test -e " .. quote(path)) and not create(path) then
    return nil, path .. ": cannot be made"
  end
  local id = identity(path)
  -- The system's locks are a process's: within one they keep nobody out, and the first who closes the file ends them.
  if in_use[id] then return nil, path .. ": another sandbox uses it" end
  local file, why = io.open(path, "a+b")
  if not file then return nil, why end
  -- A line is one call of the system: a buffer has 4 KiB, whatever is asked for, and a kill between two calls would cut
  -- the line off. One that comes while the system copies a long line still can.
  file:setvbuf("no")
  local lines
  if lock(file) then lines, why = replay(path, file, on_event)
  else why = path .. ": another sandbox uses it" end
  local journal = setmetatable({ file = file, path = path, id = id, lines = lines }, M)
  if lines == 0 then lines, why = journal:write { format = FORMAT } end
  if not lines then
    file:close()
    return nil, why
  end
  in_use[id] = true
  return journal
end

-- A new file of one's own, locked, under a name that nobody else has.
local function open_beside(path)
  local name = path .. ".new"
  os.remove(name)
  -- -C: what has come there meanwhile is not ours.
  if not shell("{ umask 077 && set -C && : > " .. quote(name) .. "; } 2>/dev/null") then return nil end
  local file = io.open(name, "a+b")
  if file and lock(file) then return file, name end
  if file then file:close() end
  os.remove(name)
end

-- Whether all events are in the file, as the system has it.
local function write_all(file, each)
  local good, bytes = true, 0
  local function add(event)
    local line = json.encode(event)
    good = good and line and file:write(line, "\n")
    bytes = bytes + (line and #line + 1 or 0)
  end
  add { format = FORMAT }
  each(add)
  return good and file:flush() and file:seek("end") == bytes
end

--- Writes the file anew, with other events that say the same. Where that is not possible it stays as it is.
--- @param each function (add): calls add(event) for every event
--- @return boolean done
function M:rewrite(each)
  local has_lfs, lfs = pcall(require, "lfs")
  -- A new file in the place of one that has other names would leave the old one to those.
  if shell("test -h " .. quote(self.path)) or has_lfs and lfs.attributes(self.path, "nlink") ~= 1 then return false end
  local file, name = open_beside(self.path)
  if not file then return false end
  if not write_all(file, each) or not os.rename(name, self.path) then
    file:close()
    os.remove(name)
    return false
  end
  -- The old one stays open, and so locked: whoever has opened it and waits for it must not write where nobody reads.
  in_use[self.id] = nil
  file:setvbuf("no")
  self.old, self.file, self.id = self.file, file, identity(self.path)
  in_use[self.id] = true
  return true
end

--- @param event table
--- @return boolean|nil done
--- @return string|nil why
function M:write(event)
  if self.broken then return nil, self.broken end
  local line, why = json.encode(event)
  if not line then return nil, why end
  local ok
  ok, why = self.file:write(line .. "\n")
  if ok then ok, why = self.file:flush() end
  if ok then return true end
  -- Half a line may be there: nothing can follow it.
  self.broken = self.path .. ": " .. tostring(why)
  return nil, self.broken
end

-- Compiled by LuaJIT (2.1.0-beta3), a flush that fails says that it was well.
local jit = rawget(_G, "jit")
if jit then
  jit.off(M.write)
  jit.off(write_all)
end

function M:close()
  if self.old then self.old:close() end
  self.file:close()
  in_use[self.id] = nil
end

return M
