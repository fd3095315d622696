--- A page of annotations for the Lua language server: names of classes that are unique, and their lines.
local M = {}

---@class luaprov.Page
local Page = {}
Page.__index = Page

--- @param taken table<string, boolean>|nil names of classes that are there already; gains those of this page
--- @return luaprov.Page
function M.new(taken) return setmetatable({ blocks = {}, taken = taken or {} }, Page) end

--- A name that is not taken yet, after what a provider, a resource or a field is called.
--- @param prefix string a name from here, or ""
--- @param name string any text
--- @return string
function Page:name(prefix, name)
  -- Letters beyond ASCII too could be names; what an editor shows of them depends on the editor.
  name = name:gsub("[^%w_]+", "_")
  if name == "" then name = "_" end
  local whole, count = prefix == "" and name or prefix .. "." .. name, 1
  local unique = whole
  while self.taken[unique] do
    count = count + 1
    unique = whole .. "_" .. count
  end
  self.taken[unique] = true
  return unique
end

--- Begins a class, which stands before those that begin later.
--- @param name string
--- @param comment string|nil
--- @param parent string|nil the class that it extends
--- @return table block for `field`
function Page:class(name, comment, parent)
  local block = {}
  self.blocks[#self.blocks + 1] = block
  if comment then block[1] = "--- " .. M.line(comment) end
  block[#block + 1] = "---@class " .. name .. (parent and ": " .. parent or "")
  return block
end

--- Adds a name for a type.
function Page:alias(name, kind) self.blocks[#self.blocks + 1] = { "---@alias " .. name .. " " .. kind } end

--- A text on one line, without what would end a comment.
function M.line(text) return (text:gsub("%c+", " "):gsub("^%s+", ""):gsub("%s+$", "")) end

local MODIFIERS = { public = true, private = true, protected = true, package = true }

--- A text as the annotation of itself.
function M.literal(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return (c == '"' or c == "\\") and "\\" .. c or ("\\%03d"):format(c:byte())
  end) .. '"'
end

--- Adds a field to a class.
--- @param block table of `class`
--- @param name string any text
--- @param kind string its type
--- @param optional boolean
--- @param comment string|nil
function M.field(block, name, kind, optional, comment)
  -- In brackets the server does not miss it where it is required.
  if not name:find("^[%a_][%w_.%-]*$") or MODIFIERS[name] then name = "[" .. M.literal(name) .. "]" end
  comment = comment and M.line(comment) or ""
  block[#block + 1] = "---@field " .. name .. (optional and "?" or "") .. " " .. kind
    .. (comment ~= "" and " # " .. comment or "")
end

--- Adds what a table may have beside its named fields.
function M.others(block) block[#block + 1] = "---@field [string] any" end

--- The whole page.
--- @return string
function Page:text()
  local parts = {}
  for i, block in ipairs(self.blocks) do parts[i] = table.concat(block, "\n") .. "\n" end
  return table.concat(parts, "\n")
end

return M
