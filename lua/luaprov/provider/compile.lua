--- From the nodes of a provider file to the description that everything else reads. Every mistake is noted with its
--- line and its path; none of them reaches a call.
local base_url = require "luaprov.provider.base_url"
local compile_errors = require "luaprov.provider.compile_errors"
local for_sandbox = require "luaprov.provider.for_sandbox"
local near = require "luaprov.near"
local options = require "luaprov.provider.options"
local shape = require "luaprov.provider.shape"
local template = require "luaprov.provider.template"
local words = require "luaprov.provider.words"

local M = {}

local OPERATIONS = require "luaprov.provider.operations"

-- What reads must not change anything, and what changes must not look like reading to whoever stands between.
local METHODS = {
  create = { post = true, put = true }, update = { post = true, put = true, patch = true },
  get = { get = true, post = true }, list = { get = true, post = true }, delete = { delete = true, post = true },
}

local SETTLES_IN = 10 -- seconds, where a provider file says nothing

--- Checks a node's options against those that its word takes.
local function check_options(node, path, report, word)
  if node.twice then report(node.line, path, "has its options twice") end
  if node.stray then report(node.line, path, "has '" .. node.stray .. "' where options in braces belong") end
  local allowed = options.of[word or node.word]
  for name, value in pairs(node.options or {}) do
    local check = allowed[name]
    if not check then
      report(node.line, path, "unknown option '" .. name .. "'" .. near.hint(name, options.names(word or node.word)))
    else
      local verdict = check(value)
      if verdict ~= true then report(node.line, path, "option '" .. name .. "' must be " .. verdict) end
    end
  end
end

local function template_of(text, node, path, report)
  if type(text) ~= "string" then return nil end
  local parts, fault = template.parse(text)
  if not parts then report(node.line, path, "'" .. text .. "' has " .. fault) end
  return parts
end

-- `fields`: those that may not stand there, and might.
local function check_names(parts, known, node, path, report, fields)
  for _, name in ipairs(parts and parts.names or {}) do
    local found
    for _, candidate in ipairs(known) do found = found or candidate == name end
    if not found and fields and fields[name] then
      report(node.line, path, "{" .. name .. "} is a field that has no path = true")
    elseif not found then
      local is_new = fields and not near.match(name, known)
      report(node.line, path, "{" .. name .. "} is no field or setting" .. near.hint(name, known)
        .. (is_new and (": declare it, as in text %q { path = true }"):format(name) or ""))
    end
  end
end

-- A body path, or a list of them, as lists of keys. "." is the whole body.
local function body_paths(value)
  if value == nil then return nil end
  local list = {}
  for _, text in ipairs(type(value) == "table" and getmetatable(value) == nil and value or { value }) do
    if text == words.location then
      list[#list + 1] = "location"
    else
      local keys = {}
      for key in tostring(text):gmatch("[^.]+") do keys[#keys + 1] = tonumber(key) or key end
      list[#list + 1] = keys
    end
  end
  return list
end

local function statuses(value)
  local set = {}
  for _, status in ipairs(type(value) == "table" and value or { value or 200 }) do set[status] = true end
  return set
end

local function compile_pages(node, path, report)
  if node == nil then return nil end
  if not words.is_node(node) or node.class ~= "pages" then
    report(0, path, "pages must be numbered {…} or offsets {…}")
    return nil
  end
  check_options(node, path, report)
  local given = node.options or {}
  if type(given.query) ~= "string" then report(node.line, path, "needs a query, as in \"page={page}\"") end
  local query = template_of(given.query, node, path, report)
  check_names(query, node.word == "numbered" and { "page", "size" } or { "offset", "size" }, node, path, report)
  local wanted, there = node.word == "numbered" and "page" or "offset", false
  for _, name in ipairs(query and query.names or {}) do there = there or name == wanted end
  if query and not there then report(node.line, path, "its query has no {" .. wanted .. "}") end
  if given.size == 0 then report(node.line, path, "its size is 0") end
  return { kind = node.word, query = query, first = given.first or 0, size = given.size or 100,
           default = given.default, max = given.max,
           total = body_paths(given.total) }
end

local function header_templates(headers, node, path, known, report)
  local compiled = {}
  for name, text in pairs(headers or {}) do
    if type(name) ~= "string" or type(text) ~= "string" then
      report(node.line, path, "headers must be a table of names and texts")
      return compiled
    end
    if not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then report(node.line, path, "'" .. name .. "' is no header's name") end
    if text:find("%c") then report(node.line, path, "the header " .. name .. " has a control character") end
    compiled[name] = template_of(text, node, path, report)
    if known then check_names(compiled[name], known, node, path, report) end
  end
  return compiled
end

-- Without its id in the path, delete would remove whatever the path names: a collection.
local function check_id_in(parts, name, node, path, report)
  local there
  for _, part_name in ipairs(parts and parts.names or {}) do there = there or part_name == "id" end
  local wanted = name ~= "create" and name ~= "list"
  if parts and wanted and not there then report(node.line, path, "its path needs {id}") end
  if there and not wanted then report(node.line, path, "its path cannot have {id}") end
end

local function compile_operation(name, node, resource, context, report)
  local path = resource.name .. "." .. name
  if words.is_node(node, "by") then
    local setting = node.selectors[1]
    local field = context.settings[setting]
    if not field or not field.values then
      report(node.line, path, "by: '" .. tostring(setting) .. "' is no choice among the provider's settings")
      return nil
    end
    local cases = { setting = setting, cases = {} }
    for value, case in pairs(node.options or {}) do
      if field.values[value] == nil then report(node.line, path, "'" .. value .. "' is no value of " .. setting) end
      cases.cases[value] = compile_operation(name, case, resource, context, report)
    end
    for _, value in ipairs(field.value_list) do
      if (node.options or {})[value] == nil then report(node.line, path, "by has nothing for '" .. value .. "'") end
    end
    return cases
  end
  if not words.is_node(node) or node.class ~= "operation" then
    report(resource.line, path, "must be get, post, put, patch or delete, with a table")
    return nil
  end
  check_options(node, path, report, name .. " operation")
  local given = node.options or {}
  local text = node.name or given.path
  if not text then
    if not resource.path_text then report(node.line, path, "needs a path") end
    text = (resource.path_text or "") .. ((name == "create" or name == "list") and "" or "/{id}")
  end
  local parts = template_of(text, node, path, report)
  if not text:find("^%[?/") then report(node.line, path, "'" .. text .. "' must begin with a slash") end
  if text:find("[?#%s]") then report(node.line, path, "'" .. text .. "' has more than a path") end
  if METHODS[name] and not METHODS[name][node.word] then
    report(node.line, path, name .. " cannot be " .. node.word)
  end
  check_id_in(parts, name, node, path, report)
  local known = { "id" }
  for _, list in ipairs { resource.shape.paths, context.setting_names } do
    for _, known_name in ipairs(list) do known[#known + 1] = known_name end
  end
  check_names(parts, known, node, path, report, resource.shape.by_name)
  return {
    name = name, method = node.word:upper(), path = parts, line = node.line, expect = statuses(given.expect),
    status = type(given.expect) == "table" and given.expect[1] or given.expect or 200,
    headers = header_templates(given.headers, node, path, context.setting_names, report),
    query = given.query, pages = compile_pages(given.pages, path, report),
    record = body_paths(given.record or "."), items = body_paths(given.items or "."), id = body_paths(given.id),
    returns = given.returns, sends = given.sends or "changes", envelope = given.envelope, shows = given.shows,
  }
end

local function in_some_path(operations, name)
  for _, operation in pairs(operations) do
    for _, there in ipairs(operation.path and operation.path.names or {}) do
      if there == name then return true end
    end
    if operation.cases and in_some_path(operation.cases, name) then return true end
  end
  return false
end

local function compile_resource(node, context, report)
  local resource = { name = node.name, line = node.line, about = node.options and node.options.about }
  if type(node.name) ~= "string" or not node.name:find("^[%a_][%w_]*$") then
    report(node.line, "resource", "needs a name of letters, digits and underscores")
    return nil
  end
  check_options(node, node.name, report)
  local given = node.options or {}
  resource.path_text = given.path
  resource.id = given.id or "id"
  resource.key, resource.unique = given.key, given.unique or false
  resource.ids = given.ids or "digits"
  for _, word in ipairs { "example", "records" } do
    resource[word] = type(given[word]) == "table" and given[word] or {} -- what it is else is told
  end
  resource.settles_in = given.settles_in or SETTLES_IN
  resource.when = compile_errors.when(given.when, node.name .. ".when", check_options, report)
  resource.shape = shape.compile(node.parts or {}, node.name, given.unknown or "refuse", check_options, report)
  local names = shape.names(resource.shape)
  for _, key in ipairs(type(given.key) == "table" and given.key or {}) do
    check_names({ names = { key } }, names, node, node.name .. ".key", report)
  end
  resource.operations = {}
  for _, name in ipairs(OPERATIONS) do
    if given[name] ~= nil then
      resource.operations[name] = compile_operation(name, given[name], resource, context, report)
    end
  end
  for _, name in ipairs(resource.shape.paths) do
    if not in_some_path(resource.operations, name) then
      report(resource.shape.by_name[name].line, node.name .. "." .. name,
        "is a part of the path, and no operation's path has {" .. name .. "}")
    end
  end
  if not next(resource.operations) then report(node.line, node.name, "has no operation") end
  for_sandbox.resource(resource, report)
  return resource
end

local function compile_auth_method(node, index, context, report)
  local path = "auth." .. index
  if not words.is_node(node) or node.class ~= "auth" then
    report(0, path, "must be bearer \"NAME\" or token_request {…}")
    return nil
  end
  path = "auth." .. node.word
  check_options(node, path, report)
  local given = node.options or {}
  if node.word == "bearer" then
    if type(node.name) ~= "string" then report(node.line, path, "needs the name of its credential") return nil end
    return { kind = "bearer", fields = { { name = node.name, type = "secret", required = true, line = node.line } } }
  end
  local fields = shape.compile(node.parts or {}, path, "refuse", check_options, report).fields
  if type(given.url) ~= "string" then report(node.line, path, "needs a url") end
  if type(given.token) ~= "string" then report(node.line, path, "needs token, where the answer has it") end
  if not context.encodings[given.encoding or "form"] then
    local setting = context.settings[given.encoding]
    if not setting or not setting.values then
      report(node.line, path, "encoding must be form, json, query, or a choice among the settings")
    end
  end
  local url = template_of(given.url, node, path, report)
  local known = { "base_url" }
  for _, name in ipairs(context.setting_names) do known[#known + 1] = name end
  check_names(url, known, node, path, report)
  if given.rotates then
    local names = {}
    for i, field in ipairs(fields) do names[i] = field.name end
    check_names({ names = { given.rotates } }, names, node, path .. ".rotates", report)
  end
  for_sandbox.credentials(fields, path, report)
  for_sandbox.template(given.envelope, "envelope of a token",
    { option = "envelope", line = node.line, path = path }, report)
  return {
    kind = "token_request", fields = fields, url = url, encoding = given.encoding or "form",
    constant = given.constant or {}, token = given.token and body_paths(given.token)[1], lifetime = given.lifetime,
    expires_in = given.expires_in and body_paths(given.expires_in)[1], rotates = given.rotates,
    envelope = given.envelope,
  }
end

local function compile_auth(auth, context, report)
  local methods = {}
  if auth == nil then return methods end
  for index, node in ipairs(words.is_node(auth) and { auth } or type(auth) == "table" and auth or { auth }) do
    methods[#methods + 1] = compile_auth_method(node, index, context, report)
  end
  return methods
end

local function compile_limits(limits, report)
  limits = limits or {}
  local compiled = {}
  for i, limit in ipairs(limits) do
    local is_right = type(limit) == "table" and type(limit[1]) == "number" and type(limit.per) == "number"
      and limit[1] >= 1 and limit[1] % 1 == 0 and limit.per > 0 and limit.per < 1e9
    for name in pairs(is_right and limit or {}) do is_right = is_right and (name == 1 or name == "per") end
    if not is_right then report(0, "limits." .. i, "must be { calls, per = seconds }") end
    compiled[i] = limit
  end
  for name in pairs(limits) do
    if type(name) ~= "number" and name ~= "headers" and name ~= "at_once" then
      report(0, "limits", "unknown option '" .. tostring(name) .. "'"
        .. near.hint(tostring(name), { "headers", "at_once" }))
    end
  end
  local at_once = limits.at_once
  if at_once ~= nil and (type(at_once) ~= "number" or at_once < 1 or at_once % 1 ~= 0) then
    report(0, "limits.at_once", "must be a whole number of calls")
  end
  compiled.at_once = at_once
  if limits.headers ~= nil and type(limits.headers) ~= "table" then
    report(0, "limits.headers", "must be a table of names and texts")
  elseif limits.headers then
    compiled.headers = header_templates(limits.headers, { line = 0 }, "limits.headers", nil, report)
    for name, text in pairs(limits.headers) do
      for_sandbox.template(text, "header of limits",
        { option = "headers", line = 0, path = "limits.headers." .. tostring(name) }, report)
    end
  end
  return compiled
end

-- Every client has options of its own, beside its provider's settings and credentials.
local function check_option_names(provider, report)
  local taken = {}
  for _, option in ipairs(require("luaprov.provider.client_options").common) do taken[option.name] = true end
  local function check(list)
    for _, field in ipairs(list) do
      if taken[field.name] then report(field.line or 0, field.name, "every client has an option of this name") end
    end
  end
  check(provider.settings)
  for _, method in ipairs(provider.auth) do check(method.fields) end
end

local function check_parents(resource, provider, report)
  for _, field in ipairs(resource.shape.fields) do
    if field.parent and not provider.resource[field.parent] then
      report(field.line, resource.name .. "." .. field.name, "parent: there is no resource '" .. field.parent .. "'")
    end
  end
end

--- @param node table what the file returned
--- @param name string the provider's name
--- @param report function line, path, message: notes a mistake
--- @return table description
function M.compile(node, name, report)
  if not words.is_node(node, "provider") then
    report(0, "", "the file must return provider {…}")
    return {}
  end
  check_options(node, "provider", report)
  local given, resources, settings = node.options or {}, {}, {}
  for _, part in ipairs(node.parts or {}) do
    if words.is_node(part, "resource") then
      resources[#resources + 1] = part
    elseif words.is_node(part) and part.class == "field" then
      settings[#settings + 1] = part
    else
      local line = type(part) == "table" and part.line or 0
      report(line, "provider", "holds something that is no resource and no setting")
    end
  end
  local setting_shape = shape.compile(settings, "settings", "refuse", check_options, report)
  for_sandbox.credentials(setting_shape.fields, "settings", report)
  local context = { settings = setting_shape.by_name, setting_names = {},
                    encodings = { form = true, json = true, query = true } }
  for _, field in ipairs(setting_shape.fields) do
    context.setting_names[#context.setting_names + 1] = field.name
  end
  local provider = {
    name = name, title = given.title or name, settings = setting_shape.fields,
    base_url = template_of(given.base_url, node, "base_url", report),
    auth = compile_auth(given.auth, context, report),
    errors = compile_errors.compile(given.errors, { check_options = check_options, body_paths = body_paths }, report),
    headers = header_templates(given.headers, node, "headers", context.setting_names, report),
    limits = compile_limits(given.limits, report), resources = {}, resource = {},
  }
  check_names(provider.base_url, context.setting_names, node, "base_url", report)
  if given.base_url == nil then
    report(node.line, "provider", "needs a base_url")
  elseif provider.base_url then
    local why = base_url.fault(given.base_url, provider.base_url)
    if why then report(node.line, "base_url", why) end
  end
  if #resources == 0 then report(node.line, "provider", "has no resource") end
  for _, part in ipairs(resources) do
    local resource = compile_resource(part, context, report)
    if resource then
      if provider.resource[resource.name] then report(part.line, resource.name, "is there twice") end
      provider.resources[#provider.resources + 1] = resource
      provider.resource[resource.name] = resource
    end
  end
  for _, resource in ipairs(provider.resources) do check_parents(resource, provider, report) end
  check_option_names(provider, report)
  return provider
end

return M
