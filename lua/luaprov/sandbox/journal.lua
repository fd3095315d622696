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

-- A kill while the system takes a line may cut that off, but only between two pages of the file. So no line lies in
-- two: one that would begins with spaces up to the next page, and one that is longer than a page is several, of which
-- all but the last begin with `+` and the last with `=`. What a kill leaves behind is then spaces, or a beginning
-- without its end, and nobody was answered for it; a file that lost its end in another way still looks like one.
local PAGE = 4096
local LEAST = 64 -- bytes that are worth a part of their own

-- A line as it is written behind `size` bytes.
local function laid_out(line, size)
  local room = PAGE - size % PAGE
  if #line < room then return line .. "\n" end
  if #line < PAGE or room < LEAST then return (" "):rep(room) .. laid_out(line, 0) end
  local out, at = {}, 1
  while #line - at + 3 > room do
    out[#out + 1] = "+" .. line:sub(at, at + room - 3) .. "\n"
    at, room = at + room - 2, PAGE
  end
  out[#out + 1] = "=" .. line:sub(at) .. "\n"
  return table.concat(out)
end

-- The lines of a file behind its first, those in several parts put together: fn(line) -> nil, or what is wrong with it.
-- Returns how many lines there are and whether a part has no end; or nil, what is wrong, and in which line.
local function each_line(text, fn)
  local at, number, parts = 1, 0, {}
  while at <= #text and not text:find("^ +$", at) do
    number = number + 1
    local stop = text:find("\n", at, true)
    if not stop then
      return nil, ("the last line is cut off, so it is not whole; `head -n %d` has what stands before it")
        :format(number - 1), number
    end
    local line = text:sub(at, stop - 1):gsub("^ +", "")
    local mark = line:sub(1, 1)
    if mark == "+" then parts[#parts + 1] = line:sub(2)
    elseif line == "-" then parts = {} -- what was begun has no end
    elseif number > 1 then
      if mark == "=" then line = table.concat(parts) .. line:sub(2) end
      local why = mark ~= "=" and parts[1] and "the line before it has no end" or fn(line)
      if why then return nil, "cannot be read: " .. why, number end
      parts = {}
    end
    at = stop + 1
  end
  return number, parts[1] ~= nil
end

-- Tells what a file holds. Returns how many lines it has and whether the last of them was only begun; or nil and why.
local function replay(path, file, on_event)
  local line = file:read(#FORMAT + 64) -- it may be anything, of any size
  if not line or line == "" then return 0 end
  if not header_of(line:match("^([^\n]*)\n")) then
    return nil, path .. ": is no file of a sandbox's records; it is left as it is"
  end
  file:seek("set", 0)
  local count, why, number = each_line(file:read("*a"), function(text)
    local event, wrong = json.decode(text)
    if type(event) == "table" then return on_event(event) end
    return wrong or "no object"
  end)
  if not count then return nil, ("%s:%d: %s"):format(path, number, why) end
  return count, why
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
  -- A line is one call of the system: a buffer has 4 KiB, whatever is asked for, and would make it several.
  file:setvbuf("no")
  local lines, begun
  if lock(file) then lines, begun = replay(path, file, on_event)
  else begun = path .. ": another sandbox uses it" end
  local good
  good, why = lines, begun
  local journal = setmetatable({ file = file, path = path, id = id, lines = lines, size = file:seek "end" }, M)
  if lines == 0 then good, why = journal:write { format = FORMAT }
  elseif lines and begun then good, why = journal:put "-" end
  if not good then
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

-- The size of the file, when all events are in it as the system has it.
local function write_all(file, each)
  local good, size = true, 0
  local function add(event)
    local line = json.encode(event)
    local text = line and laid_out(line, size) or ""
    good = good and line and file:write(text)
    size = size + #text
  end
  add { format = FORMAT }
  each(add)
  return good and file:flush() and file:seek("end") == size and size
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
  local size = write_all(file, each)
  if not size or not os.rename(name, self.path) then
    file:close()
    os.remove(name)
    return false
  end
  -- The old one stays open, and so locked: whoever has opened it and waits for it must not write where nobody reads.
  in_use[self.id] = nil
  file:setvbuf("no")
  self.old, self.file, self.id, self.size = self.file, file, identity(self.path), size
  in_use[self.id] = true
  return true
end

--- @param event table
--- @return boolean|nil done
--- @return string|nil why
function M:write(event)
  local line, why = json.encode(event)
  if not line then return nil, why end
  return self:put(line)
end

-- Writes a line; the same.
function M:put(line)
  if self.broken then return nil, self.broken end
  local text = laid_out(line, self.size)
  local ok, why = self.file:write(text)
  if ok then ok, why = self.file:flush() end
  if ok then
    self.size = self.size + #text
    return true
  end
  -- Half a line may be there: nothing can follow it.
  self.broken = self.path .. ": " .. tostring(why)
  return nil, self.broken
end

-- Compiled by LuaJIT (2.1.0-beta3), a flush that fails says that it was well.
local jit = rawget(_G, "jit")
if jit then
  jit.off(M.put)
  jit.off(write_all)
end

function M:close()
  if self.old then self.old:close() end
  self.file:close()
  in_use[self.id] = nil
end

return M
