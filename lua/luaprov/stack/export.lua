--- Writes a manifest of what a vendor has. With rows for its records (adopt.row) it plans to no change.
---
---   local records, notes, errors = collect.records { client = client, provider = description }
---   local summary = export.manifest { client = client, provider = description, records = records, emit = io.write }
---
--- A summary: records (list of { address, resource, record }), left_out (list of { resource, id, why }: they stand
--- there as comments), secrets (list of { name, address, path }: the environment variables that the manifest
--- wants for secrets; of the account's own without an address), count.
local client_options = require "luaprov.provider.client_options"
local collect = require "luaprov.stack.collect"
local compare = require "luaprov.policy.compare"
local export_fields = require "luaprov.stack.export_fields"
local keys = require "luaprov.stack.key"
local identity = require "luaprov.provider.identity"
local literal = require "luaprov.stack.literal"
local secret = require "luaprov.secret"
local slug = require "luaprov.stack.slug"
local template = require "luaprov.provider.template"
local texts = require "luaprov.text"

local M = {}

local NONE = {}
local WIDTH = 110 -- of a line with a whole record
local WRITTEN = " has, written by luaprov export." -- the end of the first line
local PART = 500  -- records in a function: a Lua function holds so many constants only

-- ---- the account ----

-- What a client was given, and does not find by itself, as the options of `use`.
local function options_of(ctx)
  local state, provider, lines = rawget(ctx.client, 1), ctx.provider, {}
  local function variable(name) return client_options.variable(provider.name, name) end
  local function add(name, text) lines[#lines + 1] = "  " .. literal.key(name) .. " = " .. text .. ",\n" end
  local function from_environment(name, is_secret)
    if is_secret then ctx.secrets[#ctx.secrets + 1] = { name = variable(name), path = name } end
    add(name, (is_secret and "secret.env " or "env ") .. literal.text(variable(name)))
  end
  local function is_set(name)
    local value = ctx.getenv(variable(name))
    return value ~= nil and value ~= ""
  end
  for _, field in ipairs(provider.settings) do
    local value = state.settings[field.name]
    if value ~= nil and value ~= field.default then
      if secret.is(value) or is_set(field.name) and type(value) == "string" then
        from_environment(field.name, secret.is(value))
      else
        add(field.name, literal.value(value))
      end
    end
  end
  local usual = template.expand(provider.base_url, function(name)
    local value = state.settings[name]
    return value ~= nil and not secret.is(value) and tostring(value) or nil
  end)
  if state.base_url ~= (usual and usual:gsub("/+$", "")) then
    if is_set "base_url" then from_environment "base_url" else add("base_url", literal.text(state.base_url)) end
  end
  if state.auth.token_url then
    if is_set "token_url" then from_environment "token_url"
    else add("token_url", literal.text(state.auth.token_url)) end
  end
  for _, field in ipairs(state.auth.method and state.auth.method.fields or NONE) do
    if state.auth.credentials[field.name] ~= nil then from_environment(field.name, field.type == "secret") end
  end
  return lines[1] and "{\n" .. table.concat(lines) .. "}" or "{}"
end

-- The words that are used, and the standard library's: none is to be hidden by an account's name.
local WORDS = { use = true, env = true, secret = true, null = true, math = true, var = true, file = true,
                command = true, string = true, table = true, json_file = true, part = true }

local function local_name(alias)
  local name = alias:gsub("[^%w_]", "_")
  return (WORDS[name] or not literal.is_name(name)) and "account_" .. name or name
end

-- ---- names ----

-- The environment variable of a secret: one, however often it is asked for.
local function variables(ctx)
  local used, given = {}, {}
  return function(address, path)
    local key = address .. "\0" .. path
    if given[key] then return given[key] end
    local base = (address:gsub("^[^%a_]+", "") .. "_" .. path):upper():gsub("[^%w]+", "_"):gsub("_+$", "")
    local name, number = base, used[base] or 1
    while used[name] do
      number = number + 1
      name = base .. "_" .. number
    end
    used[base], used[name] = number, used[name] or 1
    ctx.secrets[#ctx.secrets + 1] = { name = name, address = address, path = path }
    given[key] = "secret.env " .. literal.text(name)
    return given[key]
  end
end

-- Whom a record names by an id, which those of several parents may have.
local function target_of(ctx, resource, id, record)
  local item, found = ctx.index[resource] and ctx.index[resource][compare.id(id)], nil
  while item do
    if identity.may_name(item.description, item.record, record) then found = item end
    item = item.next
  end
  return found
end

-- What a record is recognised by; first what says it alone, as choices do not.
local function name_parts(ctx, description, record)
  local parts, choices = {}, {}
  for _, name in ipairs(description.key or NONE) do
    local value, field = record[name], description.shape.by_name[name]
    local parent = field and field.parent
    local there = parent and value ~= nil and target_of(ctx, parent, value, record)
    if there then value = there.name end
    local list = field and field.type == "choice" and choices or parts
    if type(value) == "string" or type(value) == "number" then list[#list + 1] = value end
  end
  return parts, choices
end

local function field_context(ctx, item)
  return {
    description = item.description,
    reference = function(resource, id)
      local target = target_of(ctx, resource, id, item.record)
      if not target or target.why or target == item then return nil end
      return ctx.face .. literal.field(resource) .. literal.field(target.name) .. ".id"
    end,
    placeholder = function(path)
      if not ctx.variable then return "" end
      return ctx.variable(item.address, path)
    end,
  }
end

-- Gives every record its name, and finds those that cannot be declared: item.why.
local function prepare(ctx, description)
  local index, by_key, names, items = {}, {}, slug.new(), {}
  ctx.index[description.name] = index
  for i, record in ipairs(ctx.records[description.name] or NONE) do
    local item = { description = description, record = record }
    local parts, choices = name_parts(ctx, description, record)
    item.name = names:take(description.name, parts, choices)
    item.address = ctx.alias .. "." .. description.name .. "." .. item.name
    local key = keys.symbolic(description, record)
    local other = key and by_key[key]
    if other then item.why = "has the key of " .. other.name .. ": a manifest declares each key once"
    else
      local entries, why = export_fields.of(field_context(ctx, item), record)
      if not entries then item.why = why elseif key then by_key[key] = item end
    end
    item.next, index[compare.id(record.id)] = index[compare.id(record.id)], item
    items[i] = item
  end
  return items
end

-- ---- the text ----

local function line_of(entries)
  local parts = {}
  for i, entry in ipairs(entries) do
    if entry.note then return nil end
    local text = entry.text or line_of(entry.entries)
    if not text then return nil end
    parts[i] = literal.key(entry.name) .. " = " .. text
  end
  return parts[1] and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

local function lines_of(entries, indent, out)
  for _, entry in ipairs(entries) do
    if not entry.name then
      out[#out + 1] = indent .. "-- " .. entry.note
    else
      local text = entry.text or line_of(entry.entries)
      local head = indent .. literal.key(entry.name) .. " = "
      if text and (entry.text or #head + #text < WIDTH) then
        out[#out + 1] = head .. text .. "," .. (entry.note and " -- " .. entry.note or "")
      else
        out[#out + 1] = head .. "{"
        lines_of(entry.entries, indent .. "  ", out)
        out[#out + 1] = indent .. "},"
      end
    end
  end
end

local function declaration(ctx, item)
  local head = ctx.face .. literal.field(item.description.name) .. "(" .. literal.text(item.name) .. ", "
  local entries = export_fields.of(field_context(ctx, item), item.record)
  local line = line_of(entries)
  if line and #head + #line < WIDTH then return head .. line .. ")\n" end
  local out = { head .. "{" }
  lines_of(entries, "  ", out)
  out[#out + 1] = "})\n"
  return table.concat(out, "\n")
end

-- What cannot be declared is said, with what it is known by.
local function remark(item)
  local id = compare.text(item.record.id)
  return "-- " .. texts.plain(item.description.name .. " " .. id .. " is left out: " .. item.why) .. "\n"
end

local function write_resource(ctx, description, items, summary)
  if not items[1] then return end
  if not description.operations.create then
    ctx.emit(("\n-- %s: %d, not declared here, because they cannot be created\n"):format(description.name, #items))
    return
  end
  ctx.emit("\n")
  local parts = #items > PART
  for i, item in ipairs(items) do
    if parts and i % PART == 1 then ctx.emit((i > 1 and "end)\n" or "") .. "part(function()\n") end
    if item.why then
      ctx.emit(remark(item))
      summary.left_out[#summary.left_out + 1] = { resource = description.name, id = item.record.id, why = item.why }
    else
      ctx.emit(declaration(ctx, item))
      summary.records[#summary.records + 1] = {
        address = item.address, resource = description.name, record = item.record,
      }
    end
  end
  if parts then ctx.emit("end)\n") end
end

--- @param args table client, provider (description), use (how it is found: its name), alias (its name), options_text
---   (Lua text of the table that `use` takes; nil: of the client, credentials and secrets by environment variables),
---   records (resource -> list, see collect), emit (function text, called for each piece), getenv (os.getenv)
--- @return table summary
function M.manifest(args)
  local provider, alias = args.provider, args.alias or args.provider.name
  local ctx = {
    client = args.client, provider = provider, alias = alias, face = local_name(alias), records = args.records,
    emit = args.emit, getenv = args.getenv or os.getenv, secrets = {}, index = {},
  }
  local summary = { records = {}, left_out = {}, secrets = ctx.secrets }
  local order, items, many = collect.order(provider), {}, false
  for _, description in ipairs(order) do
    if description.operations.create then items[description] = prepare(ctx, description)
    else items[description] = args.records[description.name] or NONE end
    many = many or description.operations.create and #items[description] > PART
  end
  local options = args.options_text or options_of(ctx)
  ctx.emit("-- What " .. texts.plain(provider.title or provider.name) .. WRITTEN .. "\n\n")
  ctx.emit("local " .. ctx.face .. " = use(" .. literal.text(args.use or provider.name) .. ", " .. options
    .. (alias ~= provider.name and ", { as = " .. literal.text(alias) .. " }" or "") .. ")\n")
  if many then ctx.emit("\nlocal function part(declare) declare() end -- a Lua function can hold some only\n") end
  ctx.variable = variables(ctx)
  for _, description in ipairs(order) do write_resource(ctx, description, items[description], summary) end
  summary.count = #summary.records
  return summary
end

--- Whether a text begins as an exported manifest does.
--- @param text string
--- @return boolean
function M.is_exported(text) return (text:match("^%-%- What [^\n]*") or ""):sub(-#WRITTEN) == WRITTEN end

return M
