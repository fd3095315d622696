--- The annotations of one provider: its options, its client, its resources with what their operations take and return.
local client_options = require "luaprov.provider.client_options"
local page = require "luaprov.cli.types.page"
local shapes = require "luaprov.cli.types.shape"
local template = require "luaprov.provider.template"
local values = require "luaprov.cli.types.values"

local M = {}

local FAILED = "|nil, luaprov.Error|nil"
local OPTIONS = ", options?: luaprov.CallOptions"

local ABOUT = {
  base_url = "another server", timeout = "seconds for one try", attempts = "how many tries a call has at most",
  patience = "seconds within which another try may begin",
  limits = "false: the vendor counts no calls of this account",
  settle = "notes what is there before the first create of a collection: a create whose answer is lost can be found",
  connect_timeout = "seconds for the connection alone", response_limit = "bytes",
}

local function add_options(to, provider, name)
  local block = to:class(name, "What a client of " .. provider.title .. " takes.")
  local seen = {}
  local function add(field, kind)
    if seen[field.name] then return end
    seen[field.name] = true
    local comment = values.comment(field)
    if not field.about and ABOUT[field.name] and kind == "common" then
      comment = ABOUT[field.name] .. (comment ~= "" and "; " .. comment or "")
    end
    local is_text = field.type == "text"
    page.field(block, field.name, is_text and kind == "credential" and "string|luaprov.Secret"
      or values.type(field, "create"), true, (comment ~= "" and comment .. "; " or "") .. "or "
      .. client_options.variable(provider.name, field.name))
  end
  for _, method in ipairs(provider.auth) do
    for _, field in ipairs(method.fields) do add(field, "credential") end
  end
  for _, field in ipairs(provider.settings) do add(field, "setting") end
  for _, field in ipairs(client_options.common) do add(field, "common") end
end

-- The parents that the paths of some operations have, in the order of the file.
local function parents_of(resource, ...)
  local found = {}
  local function look(operation)
    if not operation then return end
    for name in pairs(operation.path and template.names(operation.path) or {}) do found[name] = true end
    for _, case in pairs(operation.cases or {}) do look(case) end
  end
  for _, name in ipairs { ... } do look(resource.operations[name]) end
  local list = {}
  for _, name in ipairs(resource.shape.paths) do
    if found[name] then list[#list + 1] = resource.shape.by_name[name] end
  end
  return list
end

local function queries_of(operation, into)
  for _, name in ipairs(operation.query or {}) do into[#into + 1] = name end
  for _, case in pairs(operation.cases or {}) do queries_of(case, into) end
  return into
end

local function add_query(to, resource, name)
  local list = resource.operations.list
  if not list then return "" end
  local filters, parents = queries_of(list, {}), parents_of(resource, "list")
  if #filters == 0 and #parents == 0 then return "query?: table" end
  local query = to:name(name, "Query")
  local block, seen = to:class(query, "What limits a list."), {}
  for _, field in ipairs(parents) do
    seen[field.name] = true
    page.field(block, field.name, "luaprov.Id", false, values.comment(field, "create"))
  end
  table.sort(filters)
  for _, filter in ipairs(filters) do
    if not seen[filter] then page.field(block, filter, "string|number|boolean", true) end
    seen[filter] = true
  end
  return (#parents > 0 and "query: " or "query?: ") .. query
end

-- The class of a record's parents; nil where there are none.
local function add_parents(to, resource, name)
  local parents = parents_of(resource, "get", "update", "delete")
  if #parents == 0 then return nil end
  local class = to:name(name, "Parents")
  local block = to:class(class, "The parents in the path; a record will do.")
  for _, field in ipairs(parents) do page.field(block, field.name, "luaprov.Id", false, field.about) end
  return class
end

local function add_resource(to, provider, resource, prefix)
  local name = to:name(prefix, resource.name)
  local block = to:class(name, resource.about or (provider.title .. ": " .. resource.name))
  local record = to:name(name, "Record")
  local parents = add_parents(to, resource, name)
  local function parent_of(operation, optional)
    if not parents or #parents_of(resource, operation) == 0 then return ", parents?: table" end
    return ", parents" .. (optional and "?" or "") .. ": " .. parents
  end
  local function method(operation, arguments, result, comment)
    if not resource.operations[operation == "each" and "list" or operation] then return end
    block[#block + 1] = "--- " .. comment
    page.field(block, operation, ("fun(self: %s, %s%s): %s"):format(name, arguments, OPTIONS, result), false)
  end
  if resource.operations.create then
    local create = to:name(name, "Create")
    local union = shapes.add(to, resource.shape, create, "create", {})
    if union ~= create then to:alias(create, union) end
    method("create", "fields: " .. create, record .. FAILED, "Creates a record.")
  end
  method("get", "id: luaprov.Id" .. parent_of "get", record .. FAILED, "Reads a record.")
  if resource.operations.update then
    local update = shapes.add(to, resource.shape, to:name(name, "Update"), "update", {}, false,
      { comment = "What changes." })
    method("update", "id: luaprov.Id, fields: " .. update .. parent_of("update", true), record .. FAILED,
      "Changes a record.")
  end
  method("delete", "id: luaprov.Id" .. parent_of "delete", "boolean" .. FAILED, "Removes a record.")
  local query = add_query(to, resource, name)
  method("list", query, record .. "[]" .. FAILED, "Every record, from all pages.")
  method("each", query, "fun(): " .. record .. "|false" .. FAILED,
    "Walks through every record, page by page; a walk that breaks ends with `false, err`.")
  shapes.add(to, resource.shape, record, "record", {}, false, {
    comment = "As the vendor returns it.", parent = parents, extra = { { "id", "luaprov.Id", false } },
  })
  return name
end

--- Adds a provider to a page.
--- @param to luaprov.Page
--- @param provider table description
--- @return string options the class of its options
--- @return string client the class of its clients
function M.add(to, provider)
  local prefix = to:name("luaprov", provider.name)
  local client, options = to:name(prefix, "Client"), to:name(prefix, "Options")
  local block = to:class(client, "A client of " .. provider.title .. ".")
  add_options(to, provider, options)
  for _, resource in ipairs(provider.resources) do
    page.field(block, resource.name, add_resource(to, provider, resource, prefix), false, resource.about)
  end
  return options, client
end

return M
