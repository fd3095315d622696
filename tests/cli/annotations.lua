-- A strict reader of annotations for the Lua language server: what it does not know is an error, and so is a class that
-- is not there, or is there twice. Written from the server's documentation of annotations, not from what writes them.
local M = {}

local BUILT_IN = { string = 1, number = 1, integer = 1, boolean = 1, any = 1, ["nil"] = 1, table = 1, ["function"] = 1,
                   ["true"] = 1, ["false"] = 1 }

-- One reader of types: a text and where in it we are.
local Reader = {}
Reader.__index = Reader

function Reader:fail(why) error(("%s at byte %d of: %s"):format(why, self.at, self.text), 0) end

function Reader:take(pattern)
  local found = self.text:match("^ *(" .. pattern .. ")", self.at)
  if not found then return nil end
  self.at = select(2, self.text:find("^ *" .. pattern, self.at)) + 1
  return found
end

function Reader:need(pattern)
  return self:take(pattern) or self:fail("no " .. pattern)
end

local read_union

local function read_function(reader)
  reader:need "%("
  while not reader:take "%)" do
    local name = reader:take "%.%.%." or reader:need "[%a_][%w_]*"
    reader:take "%?"
    if reader:take ":" then read_union(reader) elseif name ~= "self" then reader:fail "no type of an argument" end
    if not reader:take "," then
      reader:need "%)"
      break
    end
  end
  if reader:take ":" then
    repeat read_union(reader) until not reader:take ","
  end
end

local function read_unit(reader)
  if reader:take "%(" then
    read_union(reader)
    reader:need "%)"
  elseif reader:take '"' then
    local rest = reader.text:sub(reader.at)
    local at = 1
    while rest:sub(at, at) ~= '"' do
      if at > #rest then reader:fail "a text without end" end
      at = at + (rest:sub(at, at) == "\\" and 2 or 1)
    end
    reader.at = reader.at + at
  elseif not reader:take "%-?%d+%f[^%w_.]" then
    local name = reader:need "[%a_][%w_.]*"
    if name == "fun" then return read_function(reader) end
    if reader.text:sub(reader.at, reader.at) == "<" then
      reader:need "<"
      read_union(reader)
      reader:need ","
      read_union(reader)
      reader:need ">"
    end
    if not BUILT_IN[name] then reader.names[name] = true end
  end
  while reader:take "%[%]" do end -- luacheck: ignore 542
  reader:take "%?"
end

function read_union(reader)
  repeat read_unit(reader) until not reader:take "|"
end

-- Reads a type, and returns what stands after it.
local function read_type(text, names)
  local reader = setmetatable({ text = text, at = 1, names = names }, Reader)
  read_union(reader)
  return text:sub(1, reader.at - 1), text:sub(reader.at)
end

local function comment_of(rest)
  if rest == "" then return nil end
  return rest:match("^ # (%S.*)$") or error("no comment: " .. rest, 0)
end

local function read_field(page, line)
  local class = page.class or error("a field without a class: " .. line, 0)
  local rest = line:match "^%-%-%-@field (.*)$"
  local name, optional, after = rest:match "^([%a_][%w_.%-]*)(%??) (.*)$"
  if not name then
    name, optional, after = rest:match '^(%b[])(%??) (.*)$'
    local fits = name and (name:find '^%["[^%c]*"%]$' or name == "[string]" or name == "[integer]")
    if not fits then error("no field: " .. line, 0) end
  end
  local kind, left = read_type(after, page.names)
  if class[name] then error(name .. " is there twice: " .. line, 0) end
  class[name] = { type = kind, optional = optional == "?", comment = comment_of(left) }
  class[#class + 1] = name
end

local function define(page, name, value, line)
  if not name:find "^luaprov[%w_.]*$" then error("a strange name: " .. line, 0) end
  if page.classes[name] or page.aliases[name] then error("there twice: " .. line, 0) end
  return value
end

local KINDS = {
  class = function(page, line)
    local name, parent = line:match "^%-%-%-@class ([%w_.]+)$", nil
    if not name then name, parent = line:match "^%-%-%-@class ([%w_.]+): ([%w_.]+)$" end
    page.class = define(page, name or error("no class: " .. line, 0), { [":parent"] = parent }, line)
    page.classes[name] = page.class
    if parent then page.names[parent] = true end
  end,
  alias = function(page, line)
    local name, kind = line:match "^%-%-%-@alias ([%w_.]+) (.*)$"
    local whole, left = read_type(kind or error("no alias: " .. line, 0), page.names)
    if left ~= "" then error("more than a type: " .. line, 0) end
    page.aliases[name] = define(page, name, whole, line)
    page.class = nil
  end,
  field = read_field,
  overload = function(page, line)
    local kind = line:match "^%-%-%-@overload (fun.*)$" or error("no overload: " .. line, 0)
    local text, left = read_type(kind, page.names)
    if left ~= "" then error("more than a type: " .. line, 0) end
    page.overloads[#page.overloads + 1] = text
  end,
  param = function(page, line) read_type(line:match "^%-%-%-@param [%a_]+%?? (.*)$", page.names) end,
  ["return"] = function(page, line) read_type(line:match "^%-%-%-@return (.*)$", page.names) end,
  meta = function(page, line) page.metas[#page.metas + 1] = line:match "^%-%-%-@meta ([%w_]+)$" end,
}

--- Reads pages that belong together.
---@param texts string[]
---@return table page classes (name -> fields by name, and their names in order), aliases, overloads, metas
function M.read(texts)
  local page = { classes = {}, aliases = {}, names = {}, overloads = {}, metas = {} }
  for _, text in ipairs(texts) do
    assert(text:sub(-1) == "\n", "the last line has no end")
    assert(load(text, "=page"))
    page.class = nil
    for line in text:gmatch "(.-)\n" do
      local kind = line:match "^%-%-%-@(%a+) "
      if kind then
        assert(KINDS[kind], "unknown: " .. line)(page, line)
      elseif line == "" or line:find "^%-%-[ -]" == nil then
        page.class = nil
        local code = line == "" or line == "local luaprov = {}" or line == "return luaprov"
          or line == "function luaprov.client(name, options) end"
        assert(code, "strange code: " .. line)
      else
        assert(line:find "^%-%-%- %S" or line:find "^%-%- Written by " or line:find "^%-%- luaprov%.client: fun",
          "strange: " .. line)
      end
    end
  end
  for name in pairs(page.names) do assert(page.classes[name] or page.aliases[name], "not defined: " .. name) end
  return page
end

--- A class in short: its fields in order, `!` after what must be there.
function M.short(class)
  local words = {}
  for i, name in ipairs(class) do words[i] = name .. (class[name].optional and "" or "!") end
  return table.concat(words, " ")
end

return M
