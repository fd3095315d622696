--- Reads a manifest: runs it where only its words exist (words.lua), and judges what it declares (check.lua).
---
---   local manifest, err = manifest.load("luaprov.lua", { vars = { region = "eu" } })
---
---   manifest.file, manifest.folder
---   manifest.accounts   list of { alias, provider (description), client, state (the client's inside), line }
---   manifest.account    the same by alias
---   manifest.records    list, in the order of the file; manifest.record: the same by address
---   manifest.order      list of addresses, each after what it needs
---   manifest.inputs     list of { what, text }: all that it was made of (the file, JSON files, env, var), for digests
---   manifest.lacking    list of faults, with the option `spare`: what accounts lack to be used, see manifest.wanting
---
--- A record: address, alias, provider, resource, name, description (the resource's), fields (secrets are secrets;
--- what is known later is deferred: reference.lua), needs (addresses, sorted), line, protect (true, false or nil),
--- ignore (set of field paths, or nil), outputs (list of { path, keys, kind = "file" or "command", target }, or nil),
--- deferred (the places of what is known later, a table and a key each; nil: there is nothing).
---
--- All that is wrong is one error: `err.details` is a list of { line, address, path, message } in the order of the
--- file, `err.message` has it as text, FILE:LINE: ADDRESS: PATH MESSAGE. Nothing has been sent then.
local check = require "luaprov.stack.check"
local clients = require "luaprov.provider.client"
local errors = require "luaprov.errors"
local near = require "luaprov.near"
local providers = require "luaprov.provider.load"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local tables = require "luaprov.tables"
local words = require "luaprov.stack.words"

local M = {}

M.FILE = "luaprov.lua"

local STEPS = 1e9    -- of Lua's machine, that a manifest may take: some hundreds a record
local LOOK = 1e6     -- steps between two looks at what it has taken
local MEMORY = 4096  -- megabytes
local SHOWN = 50     -- faults in a message; all are in its details

local function connect(provider, options)
  local inside = {}
  local client, err = clients.new(provider, options, inside)
  return client, err, inside.state
end

-- ---- the context of a run: what words note ----

-- The line of the manifest that is being run: where the innermost of its functions is.
local function line_in(ctx)
  local ours = ctx.functions -- whether a function is the manifest's: asking for its source costs
  for level = 2, 60 do
    local info = debug.getinfo(level, "fl")
    if not info then return 0 end
    local fn = info.func
    if fn and ours[fn] == nil then ours[fn] = debug.getinfo(fn, "S").source == ctx.chunk end
    if fn and ours[fn] then return info.currentline end
  end
  return 0
end

local function context(file, options)
  local ctx = {
    file = file, chunk = "@" .. file, folder = file:match("^(.*/)[^/]*$") or "", faults = {}, inputs = {},
    accounts = {}, account = {}, records = {}, record = {}, asked = {}, vars = options.vars or {},
    getenv = options.getenv or os.getenv, provider = options.provider or providers.load,
    connect = options.connect or connect, missing = words.MISSING,
    functions = setmetatable({}, { __mode = "k" }),
  }
  function ctx.line() return line_in(ctx) end
  function ctx.where() return file .. ":" .. line_in(ctx) .. ": " end
  function ctx.declared(address)
    local node = ctx.record[address]
    return node and node.fields
  end
  function ctx.path(name)
    if name:find("^/") then return name end
    return ctx.folder .. name
  end
  function ctx.fault(line, message, address, path)
    ctx.faults[#ctx.faults + 1] = { line = line, message = message, address = address, path = path }
  end
  return ctx
end

-- ---- faults as an error ----

local function fault_text(file, fault)
  local path = fault.path and fault.path ~= "" and fault.path .. " " or ""
  return file .. (fault.line > 0 and ":" .. fault.line or "") .. ": "
    .. (fault.address and fault.address .. ": " or "") .. path .. fault.message
end

local function invalid(file, faults)
  local lines, details, more = {}, {}, 0
  for i, fault in ipairs(faults) do fault.number = i end
  table.sort(faults, function(a, b)
    if a.line ~= b.line then return a.line < b.line end
    return a.number < b.number
  end)
  for i, fault in ipairs(faults) do
    fault.number = nil
    details[i] = { line = fault.line, address = fault.address, path = fault.path, message = fault.message }
    -- What a manifest broke off with is told, whatever else there is.
    if i <= SHOWN or fault.raised then lines[#lines + 1] = fault_text(file, fault) else more = more + 1 end
  end
  if more > 0 then lines[#lines + 1] = ("… and %d more"):format(more) end
  return errors.new {
    kind = "invalid", outcome = "not_sent", message = table.concat(lines, "\n"), details = details,
  }
end

-- ---- the run ----

-- Runs what may never end, or may want all memory.
local function bounded(chunk, limits)
  local hook, mask, count = debug.gethook()
  -- Somebody else's hook cannot be put back.
  if type(hook) == "string" then return xpcall(chunk, limits.where) end
  local jit = rawget(_G, "jit")
  if jit then jit.off(chunk, true) end -- what is compiled calls no hooks
  local steps, most = limits.steps or STEPS, collectgarbage "count" + (limits.memory or MEMORY) * 1024
  local look, taken = math.min(LOOK, steps), 0
  debug.sethook(function()
    taken = taken + look
    if taken >= steps then error("the manifest does not end", 2) end
    if collectgarbage "count" > most then error("the manifest takes too much memory", 2) end
  end, "", look)
  local ok, why = xpcall(chunk, limits.where)
  debug.sethook(hook, mask, count)
  return ok, why
end

-- An error in its own words, which name its line, or else with the line that was run.
local function note_error(ctx, why, line)
  local text = type(why) == "string" and why or type(why) == "table" and getmetatable(why) and tostring(why)
    or "an error of type " .. type(why)
  -- Lua shortens a long name of a chunk.
  local named, message = text:match("^[^\n]-:(%d+): (.*)$")
  ctx.fault(tonumber(named) or line or 0, message or text)
  ctx.faults[#ctx.faults].raised = true
end

local function run(ctx, source, limits)
  if source:find("^\27") then return ctx.fault(1, "is a binary chunk; a manifest is text") end
  -- A first line that names an interpreter.
  local text = source:gsub("^#[^\n]*", "")
  local chunk, why = load(text, ctx.chunk, "t", words.environment(ctx))
  if not chunk then return note_error(ctx, why) end
  local ok, line
  ok, why = bounded(chunk, { steps = limits.steps, memory = limits.memory, where = function(raised)
    line = line_in(ctx)
    return raised
  end })
  if ok then return true end
  -- Ctrl-C is nobody's mistake.
  if type(why) == "string" and why:find("interrupted!$") then error("interrupted!", 0) end
  note_error(ctx, why, line)
end

local function check_vars(ctx)
  for _, name in ipairs(tables.keys(ctx.vars)) do
    if not ctx.asked[name] then
      ctx.fault(0, "asks for no var '" .. name .. "'" .. near.hint(name, tables.keys(ctx.asked)))
    end
  end
end

-- ---- what accounts lack ----

local function holds(value, text)
  if type(value) == "string" then return value:find(text, 1, true) ~= nil end
  for _, inner in pairs(type(value) == "table" and not secret.is(value) and not reference.is(value) and value or {}) do
    if holds(inner, text) then return true end
  end
  return false
end

-- Takes the faults that only keep an account from being used out of those of the manifest.
local function take_lacking(ctx)
  local lacking, faults = {}, {}
  for _, fault in ipairs(ctx.faults) do
    local spared = fault.account
    for _, node in ipairs(spared and fault.marker and ctx.records or {}) do
      spared = spared and not holds(node.fields, fault.marker)
    end
    table.insert(spared and lacking or faults, fault)
  end
  ctx.faults = faults
  return lacking
end

--- What accounts that are to be used lack.
--- @param manifest table read with `spare`
--- @param aliases table set of the accounts that are to be used
--- @return luaprov.Error|nil err
function M.wanting(manifest, aliases)
  local faults = {}
  for _, fault in ipairs(manifest.lacking or {}) do
    if aliases[fault.account] then faults[#faults + 1] = fault end
  end
  return faults[1] and invalid(manifest.file, faults) or nil
end

--- @param source string a manifest's text
--- @param file string its path, for messages and for the files that it names
--- @param options table|nil vars (name -> text), getenv (function), steps, memory (megabytes), provider (name ->
---   description or nil, err) and connect (description, options -> client or nil, err, state) for tests; spare (true:
---   an account that lacks its credentials is no fault yet)
--- @return table|nil manifest
--- @return luaprov.Error|nil err
function M.read(source, file, options)
  options = options or {}
  local ctx = context(file, options)
  ctx.inputs[1] = { "manifest", source }
  local ended = run(ctx, source, options)
  ctx.has_missing = #ctx.faults > 0
  if ended then check_vars(ctx) end
  -- What a manifest that broke off has not declared would be told as missing.
  if ended then check.check(ctx) else check.fields(ctx) end
  local lacking = options.spare and ended and take_lacking(ctx) or nil
  if #ctx.faults > 0 then return nil, invalid(ctx.file, ctx.faults) end
  return {
    file = ctx.file, folder = ctx.folder, accounts = ctx.accounts, account = ctx.account, records = ctx.records,
    record = ctx.record, order = ctx.order, inputs = ctx.inputs, lacking = lacking,
  }
end

--- @param file string|nil luaprov.lua by default
--- @param options table|nil as for read
--- @return table|nil manifest
--- @return luaprov.Error|nil err
function M.load(file, options)
  file = file or M.FILE
  local handle, why = io.open(file, "rb")
  local source
  if handle then
    source, why = handle:read("*a")
    handle:close()
  end
  if not source then
    return nil, errors.new {
      kind = "invalid", outcome = "not_sent",
      message = "there is no manifest " .. file .. " (" .. tostring(why) .. ")",
    }
  end
  return M.read(source, file, options)
end

return M
