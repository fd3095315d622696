--- What a vendor shows once goes where its record's declaration says: to a file, or to a command's standard input.
local digits = require "luaprov.digits"
local hidden = require "luaprov.stack.hidden"
local json = require "luaprov.json"
local quote = require "luaprov.quote"
local reference = require "luaprov.stack.reference"
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

-- Whether a command of the shell took a text. All of it is read before the command begins: one that ends without
-- reading would else end us, too (SIGPIPE). What it ended with goes by a file: Lua 5.1 does not tell of a pipe.
local function feed(command, text)
  local status = os.tmpname()
  local script = "t=$(cat; echo .); printf %%s \"${t%%.}\" 2>/dev/null | { %s\n}; echo $? > %s"
  local pipe, why = io.popen(script:format(command, quote(status)), "w")
  if not pipe then return nil, why end
  pipe:write(text)
  pipe:close()
  local file = io.open(status)
  local code = file and file:read "*l"
  if file then file:close() end
  os.remove(status)
  if code == "0" then return true end
  return nil, "it ended with exit status " .. tostring(code)
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

--- Writes the outputs of a record.
--- @param node table of the manifest
--- @param record table as the client returned it
--- @return string[] faults what could not be written, or is not shown, a text each
function M.write(node, record)
  local faults = {}
  for _, output in ipairs(node.outputs or NONE) do
    local text = text_of(reference.at(record, output.keys))
    -- What an update is answered with may show a mask where the answer of the create has shown all.
    if not text or hidden.is_mask(text) then
      faults[#faults + 1] = ("the vendor does not show %s, so nothing went to %s"):format(output.path, place(output))
    else
      local ok, why = writers[output.kind](output.target, text)
      if not ok then
        faults[#faults + 1] = ("%s did not get to %s: %s"):format(output.path, place(output), why)
      end
    end
  end
  return faults
end

return M
