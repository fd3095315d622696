--- The arguments of `luaprov call`: name=value, a.b=value, name=@FILE, name=env:VAR; and with := the same as JSON. No
--- JSON begins with @ or env:, so there is nothing that these could not say.
local fields = require "luaprov.cli.fields"
local json = require "luaprov.json"
local secret = require "luaprov.secret"

local M = {}

--- What an argument looks like.
M.FORMS = "name=value, name:=json, name=@FILE or name=env:VAR"

--- @param word string
--- @return string|nil name
--- @return string|nil text
--- @return boolean|nil is_json
function M.split(word)
  local name, text = word:match("^([^=]+)=(.*)$")
  if not name then return nil end
  if name:sub(-1) == ":" then return name:sub(1, -2), text, true end
  return name, text, false
end

--- @param path string
--- @return string|nil content without its last line end
--- @return string line_end that; or why there is no content
local function content_of(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local content
  content, why = file:read("*a")
  file:close()
  if not content then return nil, path .. ": " .. tostring(why) end
  local line_end = content:match("\r?\n$") or ""
  return content:sub(1, #content - #line_end), line_end
end

--- A text from where an argument says that it is.
--- @param text string what stands after the =
--- @return string|nil text
--- @return table|string source kind (plain, file or env), name, line_end (that a file ends with); or what is wrong
--- @return table|nil absent the source, when it is a variable that is not set
function M.source(text)
  local path = text:match("^@(.*)$")
  if path then
    if path == "" then return nil, "@ needs a file after it" end
    local content, line_end = content_of(path)
    if not content then
      return nil, "cannot read the file: " .. line_end .. "; a value that begins with @ is given as JSON, "
        .. "with := in place of ="
    end
    return content, { kind = "file", name = path, line_end = line_end }
  end
  local variable = text:match("^env:(.*)$")
  if variable then
    local value = variable ~= "" and os.getenv(variable)
    if variable == "" then return nil, "env: needs the name of a variable after it" end
    if not value or value == "" then
      return nil, "the environment variable " .. variable .. (value and " is empty" or " is not set"),
        { kind = "env", name = variable, absent = true }
    end
    return value, { kind = "env", name = variable }
  end
  return text, { kind = "plain" }
end

-- Puts a value at its place. `made` has the tables that dots have made: what an argument gave whole gets no more parts.
local function place(values, keys, value, made)
  local at = values
  for i = 1, #keys - 1 do
    local inner = at[keys[i]]
    if inner == nil then
      inner = {}
      made[inner], at[keys[i]] = true, inner
    elseif not made[inner] then
      return "contradicts " .. table.concat(keys, ".", 1, i) .. ", which is given whole"
    end
    at = inner
  end
  local last = keys[#keys]
  if at[last] ~= nil then
    return made[at[last]] and "is given whole and in parts" or "is given twice"
  end
  at[last] = value
end

-- The arguments' own words for the selectors of variants: the nearest around, else the outermost.
local function chooser(words)
  local by_name = {}
  for _, word in ipairs(words) do
    local value = word.text
    if word.is_json then value = json.decode(value) end
    local last = word.name:match("[^.]+$")
    if value ~= nil and last and by_name[last] == nil then by_name[last] = value end
  end
  return function(selector) return by_name[selector] end
end

-- What stands for the value of a variable that is not set, and how: `as` is "text" where no secret can stand, "bare"
-- where JSON has the value without quotes.
local function stand_in(absent, shape, field)
  if not shape or field and field.path then absent.as = "text"
  elseif field and fields.is_bare(field) then absent.as = "bare" end
  return secret.new "absent", absent
end

-- The value of an argument, where it stands, and where it came from; or what is wrong with it.
local function value_of(word, shape, chosen, lenient)
  local keys, meant, possible = { word.name }, {}, {}
  local why
  if shape then
    keys, meant, why = fields.find(shape, word.name, chosen)
    if not keys then return nil, " " .. why end
    possible = select(2, fields.find(shape, word.name, fields.no_choice)) or {}
  end
  local text, source, absent = M.source(word.text)
  absent = lenient and not word.is_json and absent or nil
  if not text and not absent then return nil, ": " .. source end
  if word.is_json then
    local value, fault = json.decode(text)
    if fault then return nil, " is no JSON: " .. fault end
    return fields.close(possible, value), keys, { kind = source.kind == "plain" and "plain" or "within" }
  end
  local value
  value, why = fields.convert(meant, possible, text or "")
  if why then return nil, " " .. why end
  -- What nobody describes and does not stand on the command line is kept as if it were a secret: it may be one.
  if shape and #meant == 0 and source.kind ~= "plain" and type(value) == "string" then value = secret.new(value) end
  if absent then value, source = stand_in(absent, shape, meant[1]) end
  return value, keys, source
end

-- Notes where each secret in a value came from.
local function note_secrets(value, path, source, sources, argument)
  if secret.is(value) then
    sources[#sources + 1] = { secret = value, path = path, kind = source.kind, name = source.name, argument = argument,
                              line_end = source.line_end, absent = source.absent, as = source.as }
  elseif type(value) == "table" then
    for key, inner in pairs(value) do note_secrets(inner, path .. "." .. tostring(key), source, sources, argument) end
  end
end

--- Reads arguments.
--- @param list string[]
--- @param shape table|nil of the resource; nil: every value is text, as filters and parents are
--- @param lenient boolean|nil for a variable that is not set there is a secret in its place, and no complaint
--- @return table|nil values
--- @return table[]|string sources of the secrets among them: secret, path, kind (plain, file, env, or within: of a JSON
---   text from elsewhere), name, argument (how it was given), line_end (that its file ends with), absent
---   (it only stands for a variable that is not set), as (of such a one: "text" where no secret can stand, "bare" where
---   JSON has no quotes); or what is wrong with the arguments. No message holds a value.
--- @return integer|nil number of the argument that has no name to call it by
function M.read(list, shape, lenient)
  local words = {}
  for i, word in ipairs(list) do
    local name, text, is_json = M.split(word)
    -- Not the word itself: it may be a secret that a space has parted from its name.
    if not name then return nil, "is not " .. M.FORMS, i end
    if name == "" or name:find("^%.") or name:find("%.$") or name:find("..", 1, true) then
      return nil, "has a name with nothing before or after a dot", i
    end
    words[i] = { name = name, text = text, is_json = is_json }
  end
  local values, made, sources, chosen = {}, {}, {}, chooser(words)
  for _, word in ipairs(words) do
    local value, keys, source = value_of(word, shape, chosen, lenient)
    if not source then return nil, word.name .. keys end
    local why = place(values, keys, value, made)
    if why then return nil, word.name .. " " .. why end
    note_secrets(value, word.name, source, sources, word.name .. (word.is_json and ":=" or "="))
  end
  return values, sources
end

--- A warning for the secrets that stand on the command line itself.
--- @param sources table[] of read
--- @param warn function text
function M.warn(sources, warn)
  local seen = {}
  for _, source in ipairs(sources) do
    local argument = source.argument
    if source.kind == "plain" and not seen[argument] then
      seen[argument] = true
      warn(("warning: %s has a secret, and others on this machine can read command lines: give it as %senv:VAR or "
        .. "%s@FILE"):format((argument:gsub(":?=$", "")), argument, argument))
    end
  end
end

return M
