--- What a vendor shows once goes where its record's declaration says: to a file, or to a command's standard input.
local core = require "luaprov.core"
local digits = require "luaprov.digits"
local find = require "luaprov.stack.fields_of"
local hidden = require "luaprov.stack.hidden"
local json = require "luaprov.json"
local quote = require "luaprov.quote"
local reference = require "luaprov.stack.reference"
local rows_of = require "luaprov.stack.rows"
local runtime = require "luaprov.runtime"
local secret = require "luaprov.secret"

local M = {}

local NONE = {}

local function text_of(value)
  if secret.is(value) then return (value:reveal()) end
  if value == nil or value == json.null then return nil end
  if type(value) == "number" then return digits(value) end
  if type(value) == "table" then return (json.encode(value)) end
  return tostring(value)
end

local FIRST_LOOK, LONGEST_LOOK = 0.002, 0.1 -- seconds between looks at a command that has not ended

-- What a command has ended with; nil while it has not. Both of its shells write a line, in no order: the one that
-- starts it says which process it is.
local function exit_status(place)
  local file = io.open(place)
  local text = file and file:read "*a" or ""
  if file then file:close() end
  local code, process = text:match "end (%d+)\n", text:match "process (%d+)\n"
  return code, process
end

local function is_there(process)
  local stat = io.open("/proc/" .. process .. "/stat")
  if stat then stat:close() end
  return stat ~= nil
end

-- Waits for a command as for a call: other calls, and the lease, go on meanwhile.
local function wait(place)
  local pause = FIRST_LOOK
  while true do
    local code, process = exit_status(place)
    if not code and not (process and is_there(process)) then code = exit_status(place) or "unknown: it was killed" end
    if code then return code end
    -- Whoever is cancelled waits all the same: what was shown once is on its way to it.
    if not runtime.sleep(pause) then core.pause(pause) end
    pause = math.min(pause * 2, LONGEST_LOOK)
  end
end

-- Whether a command of the shell took a text. All of it is read before the command begins: one that ends without
-- reading would else end us, too (SIGPIPE). It runs beside us, for as long as it likes.
local function feed(command, text)
  local place = os.tmpname()
  local script = "t=$(cat; echo .); { printf %%s \"${t%%.}\" 2>/dev/null | { %s\n}; echo end $? >> %s; } &\n"
    .. "echo process $! >> %s"
  local pipe, why = io.popen(script:format(command, quote(place), quote(place)), "w")
  if not pipe then
    os.remove(place)
    return nil, why
  end
  pipe:write(text)
  pipe:close()
  local code = wait(place)
  os.remove(place)
  if code == "0" then return true end
  return nil, "it ended with exit status " .. code
end

local writers = {}

-- Whole or not at all, and nobody else's to read.
function writers.file(target, text)
  local new = quote(target .. ".new")
  return feed(("umask 077 && { cat > %s && mv -f %s %s; } 2>/dev/null"):format(new, new, quote(target)), text)
end

function writers.command(target, text)
  local words = {}
  for i, word in ipairs(target) do words[i] = quote(word) end
  return feed(table.concat(words, " "), text)
end

local function place(output)
  return output.kind == "file" and output.target or "the command " .. output.target[1]
end

-- Why a file cannot be written there.
local function no_place(path)
  local there, why, _ = io.open(path, "rb"), nil, nil
  if there then
    _, why = there:read(0)
    there:close()
  end
  if why then return why end
  local new
  new, why = io.open(path .. ".new", "ab")
  if not new then return (tostring(why):gsub("^.*: ", "")) end
  new:close()
  os.remove(path .. ".new")
end

--- Whether the outputs of a record can be written, as far as that can be known before: what a vendor shows once would
--- else be lost.
--- @param node table of the manifest
--- @return boolean|nil ready
--- @return string|nil why
function M.ready(node)
  for _, output in ipairs(node.outputs or NONE) do
    if output.kind == "file" then
      local why = no_place(output.target)
      if why then return nil, ("%s could not go to %s: %s"):format(output.path, output.target, why) end
    end
  end
  return true
end

local ENOENT, ENOTDIR = 2, 20

--- Whether there is a folder: one that may be written to and not be read, too.
--- @param path string with its last slash
--- @return boolean
function M.is_folder(path)
  local there, _, code = io.open(path .. ".")
  if there then there:close() end
  return there ~= nil or code ~= ENOENT and code ~= ENOTDIR
end

--- The outputs of a record that is to be made for which there is no folder. It looks, and writes nothing.
--- @param node table of the manifest
--- @return string[] faults a text each
function M.unplaced(node)
  local faults = {}
  for _, output in ipairs(node.outputs or NONE) do
    local folder = output.kind == "file" and output.target:match("^(.*/)[^/]*$")
    if folder and not M.is_folder(folder) then
      faults[#faults + 1] = ("the output %s is to go to %s, and there is no folder %s"):format(output.path,
        output.target, folder)
    end
  end
  return faults
end

--- The outputs of a record whose file is not there.
--- @param node table of the manifest
--- @return table[] outputs as the node has them
function M.missing(node)
  local missing = {}
  for _, output in ipairs(node.outputs or {}) do
    local file, code = nil, nil
    if output.kind == "file" then file, _, code = io.open(output.target, "rb") end
    if file then file:close() elseif code == ENOENT then missing[#missing + 1] = output end
  end
  return missing
end

--- Writes the outputs of a record.
--- @param node table of the manifest
--- @param record table as the client returned it
--- @return string[] faults what could not be written, or is not shown, a text each
--- @return table reached path -> whether it is where it was to go
function M.write(node, record)
  local faults, reached = {}, {}
  for _, output in ipairs(node.outputs or NONE) do
    local text = text_of(reference.at(record, output.keys))
    reached[output.path] = false
    -- What an update is answered with may show a mask where the answer of the create has shown all.
    if not text or hidden.is_mask(text) then
      faults[#faults + 1] = ("the vendor does not show %s, so nothing went to %s"):format(output.path, place(output))
    else
      local ok, why = writers[output.kind](output.target, text)
      if ok then
        reached[output.path] = true
      else
        faults[#faults + 1] = ("%s did not get to %s: %s"):format(output.path, place(output), why)
      end
    end
  end
  return faults, reached
end

--- Notes of a record that was made which of its secrets nobody will see again and did not get where they were to go.
--- @param node table of the manifest
--- @param secrets table of its row: an entry gains `owed`
--- @param reached table of `write`
function M.owe(node, secrets, reached)
  for _, output in ipairs(node.outputs or NONE) do
    local field = find.find(node.description, output.keys)
    if not reached[output.path] and hidden.is_field(field) and reference.at(node.fields, output.keys) == nil then
      secrets[output.path] = secrets[output.path] or { secret = true }
      secrets[output.path].owed = true
    end
  end
end

--- The same of one that was changed, and whose answer may have shown them.
function M.pay(secrets, reached)
  for path, is_paid in pairs(reached) do
    if is_paid and secrets[path] then secrets[path].owed = nil end
  end
end

--- The outputs that were to go to a command, and of which the state knows that they did not get there.
--- @param node table of the manifest
--- @param row table of the state
--- @return table[] outputs as the node has them
function M.owed(node, row)
  local owed, _, secrets = {}, rows_of.parts(row)
  for _, output in ipairs(node.outputs or NONE) do
    local entry = (secrets or NONE)[output.path]
    if output.kind == "command" and entry and entry.owed then owed[#owed + 1] = output end
  end
  return owed
end

return M
