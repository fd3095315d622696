--- Secrets are values of their own, not strings: whatever prints one shows `<secret>`.
---
---   luaprov.secret "text"          a value that is there already
---   luaprov.secret.env "NAME"      from the environment, read when it is needed
---   luaprov.secret.file "PATH"     from a file, read when it is needed, without its last line end
---   luaprov.secret.command { "pass", "show", "hubster" }
---                                  what a command prints, run when it is first needed, without the last line end
---
--- The one opening is `secret:reveal()`.
local run = require "luaprov.command"
local uri = require "luaprov.uri"

local M = {}

local SHOWN = "<secret>"

-- Not in the table itself: whatever walks through a secret finds nothing.
local sources = setmetatable({}, { __mode = "k" })

---@class luaprov.Secret
local Secret = {}
local mt = { __name = "luaprov.secret", __index = Secret }

local function from_env(name)
  local value = os.getenv(name)
  if not value or value == "" then return nil, "environment variable " .. name .. " is not set" end
  return value
end

local function from_file(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, "cannot read the secret's file: " .. why end
  local value = file:read("*a")
  file:close()
  if not value then return nil, "cannot read the secret's file " .. path end
  value = value:gsub("\r?\n$", "")
  if value == "" then return nil, "the secret's file " .. path .. " is empty" end
  return value
end

-- It may ask somebody for a password: once is enough. What failed is tried again.
local function from_command(source)
  if source.value then return source.value end
  local name = "the secret's command " .. source.words[1]
  local value, why = run(source.words)
  if not value then return nil, name .. " " .. why end
  value = value:gsub("\r?\n$", "")
  if value == "" then return nil, name .. " printed nothing" end
  source.value = value
  return value
end

local function make(read, argument)
  local secret = setmetatable({}, mt)
  sources[secret] = { read, argument }
  return secret
end

--- The value.
---@return string|nil value nil when its source does not have it
---@return string|nil why
function Secret:reveal()
  local source = sources[self]
  if not source[1] then return source[2] end
  return source[1](source[2])
end

function mt.__tostring() return SHOWN end

function mt.__concat(a, b)
  return (M.is(a) and SHOWN or tostring(a)) .. (M.is(b) and SHOWN or tostring(b))
end

function mt.__eq(a, b)
  local value = a:reveal()
  return value ~= nil and value == b:reveal()
end

local function bad_value(value) error("a secret is made from a string, not from " .. type(value), 3) end

--- @param value string
--- @return luaprov.Secret
function M.new(value)
  if M.is(value) then return value end
  if type(value) ~= "string" then bad_value(value) end
  return make(nil, value)
end

--- @param name string environment variable
--- @return luaprov.Secret
function M.env(name)
  if type(name) ~= "string" or name == "" then error("secret.env takes the name of an environment variable", 2) end
  return make(from_env, name)
end

--- @param path string
--- @return luaprov.Secret
function M.file(path)
  if type(path) ~= "string" or path == "" then error("secret.file takes a path", 2) end
  return make(from_file, path)
end

--- What a program prints, a password manager for one. There is no shell: the words are the program and its arguments.
--- It is run when the value is first needed, and nothing else goes on meanwhile; it has the environment and the folder
--- of this process, its standard error and its terminal, and nothing to read on standard input.
--- @param words string[]
--- @return luaprov.Secret
function M.command(words)
  local copy = {}
  for i, word in ipairs(type(words) == "table" and words or {}) do
    copy[i] = type(word) == "string" and not word:find("\0", 1, true) and word or nil
  end
  local count = 0
  for _ in pairs(type(words) == "table" and words or {}) do count = count + 1 end
  if not copy[1] or copy[1] == "" or #copy ~= count then
    error('secret.command takes a list of words, as in { "pass", "show", "hubster" }', 2)
  end
  return make(from_command, { words = copy })
end

function M.is(value) return sources[value] ~= nil end

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  return (text:gsub("..?.?", function(part)
    local a, b, c = part:byte(1, 3)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    local out = ""
    for i = 3, 0, -1 do
      local index = math.floor(bits / 64 ^ i) % 64 + 1
      out = out .. BASE64:sub(index, index)
    end
    return out:sub(1, #part + 1) .. ("="):rep(3 - #part)
  end))
end

-- RFC 4648, 5.
local function url_safe(text) return (text:gsub("[+/]", { ["+"] = "-", ["/"] = "_" })) end

local function html(text)
  return (text:gsub("[&<>\"']", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }))
end

local function json_escaped(text)
  local names = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
  local escaped = text:gsub('[%c"\\]', function(c) return names[c] or ("\\u%04x"):format(c:byte()) end)
  return escaped, (escaped:gsub("/", "\\/"))
end

-- What stands for a secret until all are found: no spelling of another can be in it.
local MARK = "\1"

-- Without patterns: LuaJIT has none with a NUL in them.
local function replace(text, value)
  local parts, at = {}, 1
  while true do
    local first, last = text:find(value, at, true)
    if not first then break end
    parts[#parts + 1] = text:sub(at, first - 1)
    at = last + 1
  end
  if at == 1 then return text end
  parts[#parts + 1] = text:sub(at)
  return table.concat(parts, MARK)
end

--- Makes a function that takes secrets out of texts that came from elsewhere (a vendor may echo the request): each
--- value as it is, and in its JSON, URL, HTML and base64 spellings.
--- @param values string[] opened secrets
--- @return function scrub text -> text
--- @return integer longest spelling, in bytes
function M.scrubber(values)
  local spellings, seen = {}, { [""] = true }
  local function add(spelling)
    if seen[spelling] then return end
    seen[spelling] = true
    spellings[#spellings + 1] = spelling
  end
  for _, value in ipairs(values) do
    local escaped, slashed = json_escaped(value)
    local in_url, in_base64 = uri.escape(value), base64(value):gsub("=+$", "")
    for _, spelling in ipairs {
      value, escaped, slashed, html(value), in_base64, url_safe(in_base64),
      in_url, (in_url:gsub("%%%x%x", string.lower)), (in_url:gsub("%%20", "+")),
    } do
      add(spelling)
      -- An echo of the request's text within JSON is escaped once more.
      local again, and_slashed = json_escaped(spelling)
      add(again)
      add(and_slashed)
    end
  end
  -- The longest first, or a secret that begins another would leave the other's end.
  table.sort(spellings, function(a, b) return #a > #b end)
  return function(text)
    for _, spelling in ipairs(spellings) do text = replace(text, spelling) end
    return (text:gsub(MARK, SHOWN))
  end, spellings[1] and #spellings[1] or 0
end

--- A scrubber used once.
--- @param text string
--- @param values string[] opened secrets
--- @return string
function M.scrub(text, values) return (M.scrubber(values)(text)) end

--- Closes in `value` what was a secret in `like`, a table of the same shape.
--- @param value any in place
--- @param like any
--- @return any value
function M.close_like(value, like)
  if M.is(like) then
    if type(value) == "string" then return make(nil, value) end
    -- LuaJIT's tostring has fourteen digits.
    local whole = type(value) == "number" and not math.type and value % 1 == 0
    if type(value) == "number" then return make(nil, whole and ("%.0f"):format(value) or tostring(value)) end
  elseif type(value) == "table" and type(like) == "table" and not M.is(value) then
    for key, inner in pairs(like) do
      if value[key] ~= nil then value[key] = M.close_like(value[key], inner) end
    end
  end
  return value
end

return setmetatable(M, { __call = function(_, value)
  if type(value) ~= "string" and not M.is(value) then bad_value(value) end
  return M.new(value)
end })
