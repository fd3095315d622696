--- Secrets are values of their own, not strings: whatever prints one shows `<secret>`.
---
---   luaprov.secret "text"          a value that is there already
---   luaprov.secret.env "NAME"      from the environment, read when it is needed
---   luaprov.secret.file "PATH"     from a file, read when it is needed, without its last line end
---   luaprov.secret.command { "pass", "show", "acme" }
---                                  what a command prints, run when it is first needed, without the last line end
---
--- The one opening is `secret:reveal()`.
local run = require "luaprov.command"
local spellings = require "luaprov.spellings"

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
    error('secret.command takes a list of words, as in { "pass", "show", "acme" }', 2)
  end
  return make(from_command, { words = copy })
end

function M.is(value) return sources[value] ~= nil end

--- Whether a secret was made of its value, and is not read when it is needed.
function M.is_fixed(secret) return not sources[secret][1] end

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

local LEAST = 4 -- bytes of a secret's beginning: fewer tell nothing

-- Where the end of a text begins a spelling, of which the rest is missing.
local function begun_at(text, spelling)
  local start = spelling:sub(1, LEAST)
  local at = text:find(start, math.max(1, #text - #spelling + 2), true)
  while at do
    if text:sub(at) == spelling:sub(1, #text - at + 1) then return at end
    at = text:find(start, at + 1, true)
  end
end

--- Makes a function that takes secrets out of texts that came from elsewhere (a vendor may echo the request): each
--- value as it is, and in its JSON, URL, HTML and base64 spellings.
--- @param values string[] opened secrets
--- @param cache table|nil value -> its spellings, which are dear; the caller's own, because it holds what is secret
--- @return function scrub text, cut -> text; cut: its end is missing, and with it may be that of a secret
function M.scrubber(values, cache)
  local list, seen = {}, {}
  for _, value in ipairs(values) do
    local own = cache and cache[value] or spellings(value)
    if cache then cache[value] = own end
    for _, spelling in ipairs(own) do
      if not seen[spelling] then
        seen[spelling] = true
        list[#list + 1] = spelling
      end
    end
  end
  -- The longest first, or a secret that begins another would leave the other's end.
  table.sort(list, function(a, b) return #a > #b end)
  return function(text, cut)
    for _, spelling in ipairs(list) do text = replace(text, spelling) end
    if cut then
      local stop = #text + 1
      for _, spelling in ipairs(list) do stop = math.min(stop, begun_at(text, spelling) or stop) end
      text = text:sub(1, stop - 1)
    end
    return (text:gsub(MARK, SHOWN))
  end
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
      if type(inner) == "table" and value[key] ~= nil then value[key] = M.close_like(value[key], inner) end
    end
  end
  return value
end

return setmetatable(M, { __call = function(_, value)
  if type(value) ~= "string" and not M.is(value) then bad_value(value) end
  return M.new(value)
end })
