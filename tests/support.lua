-- What several specs share: made-up providers, children, files, and a look into everything a value shows.
local client = require "luaprov.provider.client"
local load = require "luaprov.provider.load"

local M = {}

M.interpreter = rawget(_G, "jit") and "luajit" or "lua5.4"

--- The whole of a file.
function M.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

--- The text of a provider with one resource, `things`.
---@param parts string what stands in the resource
---@param options? string what stands in the provider beside it, in place of a bearer token
function M.provider(parts, options)
  return 'return provider { base_url = "https://api.acme.invalid", ' .. (options or 'auth = bearer "token"') .. ",\n"
    .. '  resource "things" {\n' .. parts .. "\n  },\n}\n"
end

--- All five operations, for `provider`.
M.operations = [[
    path = "/things",
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
]]

--- The description of a provider that is right.
function M.description(text)
  return assert(load.compile(text, "acme.lua", "acme"))
end

--- What is wrong with a provider that is not.
---@return string message the mistakes, a line each
function M.mistakes(text, file)
  local description, err = load.compile(text, file or "acme.lua", "acme")
  assert(description == nil, "the mistake was not seen")
  assert(err.kind == "invalid" and err.outcome == "not_sent")
  return err.message
end

--- A client of a provider's text. Its token is "tok-acme-0000" unless `options` has other credentials.
function M.client(text, url, options)
  -- One try: what is made of one answer, not what is made of several.
  local given = { base_url = url, attempts = 1 }
  for name, value in pairs(options or { token = "tok-acme-0000" }) do given[name] = value end
  return assert(client.new(M.description(text), given))
end

--- Runs a Lua text in a process of its own.
---@param environment table<string, string>
---@return string output of both streams
function M.child(text, environment)
  local words = { "env" }
  environment.LUA_PATH, environment.LUA_CPATH = package.path, package.cpath
  for name, value in pairs(environment) do words[#words + 1] = quote(name .. "=" .. value) end
  words[#words + 1] = M.interpreter .. " - 2>&1 <<'END_OF_SCRIPT'\n" .. text .. "\nEND_OF_SCRIPT\n"
  local pipe = assert(io.popen(table.concat(words, " "), "r"))
  local output = pipe:read("*a")
  pipe:close()
  return (output:gsub("\n$", ""))
end

local made = {}

--- A new folder; `clean` removes it.
function M.folder()
  local name = os.tmpname()
  os.remove(name)
  assert(os.execute("mkdir -m 700 " .. quote(name)))
  made[#made + 1] = name
  return name
end

--- A file in a new folder.
---@return string path, string folder
function M.file(name, text)
  local folder = M.folder()
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path, folder
end

function M.clean()
  for _, name in ipairs(made) do os.execute("rm -rf " .. quote(name)) end
  made = {}
end

--- Everything that printing a value, or walking through it, could show.
function M.shown(value)
  local out, seen = {}, {}
  local function walk(item)
    local mt = getmetatable(item)
    -- A table's address may look like anything.
    if type(item) ~= "table" or (mt and mt.__tostring) then out[#out + 1] = tostring(item) end
    if type(item) ~= "table" or seen[item] then return end
    seen[item] = true
    for key, inner in pairs(item) do
      walk(key)
      walk(inner)
    end
  end
  walk(value)
  return table.concat(out, "\n")
end

--- Fails when an error is not what it should be; the words must stand in its text.
---@param wanted table fields of the error, and `has`: words of its text
function M.is_error(wanted, err, value)
  assert(not value, "there is a value beside the error")
  assert(require("luaprov.errors").is(err), "no error but " .. tostring(err))
  for name, expected in pairs(wanted) do
    if name ~= "has" and err[name] ~= expected then
      error(("%s is %s and not %s: %s"):format(name, tostring(err[name]), tostring(expected), tostring(err)), 2)
    end
  end
  for _, words in ipairs(type(wanted.has) == "table" and wanted.has or { wanted.has }) do
    if not tostring(err):find(words, 1, true) then error(("no '%s' in: %s"):format(words, tostring(err)), 2) end
  end
end

return M
