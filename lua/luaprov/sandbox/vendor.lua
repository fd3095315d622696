--- One provider's vendor: what it answers to a request, and what becomes of its records. Time, connections and faults
--- are the server's business.
local errors = require "luaprov.sandbox.errors"
local fill = require "luaprov.sandbox.fill"
local http = require "luaprov.http"
local identity = require "luaprov.provider.identity"
local json = require "luaprov.json"
local limits = require "luaprov.sandbox.limits"
local operations = require "luaprov.sandbox.operations"
local problems = require "luaprov.provider.problems"
local records = require "luaprov.sandbox.records"
local routes = require "luaprov.sandbox.routes"
local template = require "luaprov.provider.template"
local tokens = require "luaprov.sandbox.tokens"

local M = {}
M.__index = M

--- @param provider table description
--- @param options table url ("http://127.0.0.1:8080"), credentials, token_life, limits (false: none), save (function
---   event -> true, or nil and why: keeps what became of a record)
function M.new(provider, options)
  local prefix = "/" .. provider.name:gsub("[^%w_.~-]", "_")
  local base_path = prefix .. routes.base_path(provider.base_url)
  local self = setmetatable({
    provider = provider, base_path = base_path, base_url = options.url .. base_path, save = options.save,
    prefix = prefix, origin = options.url, collections = {}, children = {}, routes = routes.of(provider, base_path),
    credentials = tokens.credentials(provider, options.credentials),
  }, M)
  self.tokens = tokens.new(provider, { credentials = self.credentials, life = options.token_life, now = http.now,
                                       base_path = base_path, prefix = prefix })
  if #provider.limits > 0 then
    if options.limits ~= false then self.limits = limits.new(provider.limits, http.now) else self.unlimited = true end
  end
  for _, resource in ipairs(provider.resources) do
    self.collections[resource.name] = records.new(resource)
    for _, field in ipairs(resource.shape.fields) do
      if field.parent then
        self.children[field.parent] = self.children[field.parent] or {}
        table.insert(self.children[field.parent], { resource.name, field.name })
      end
    end
  end
  return self
end

--- What a client needs beside the way to authenticate: required settings and those that are secret.
--- @return table[] list of { option, value }
function M:settings()
  local list = tokens.settings(self.provider)
  for _, field in ipairs(self.provider.settings) do
    local value = self.credentials[field.name]
    if value ~= nil then list[#list + 1] = { field.name, value } end
  end
  return list
end

-- ---- records ----

local function saved(self, event)
  event.provider = self.provider.name
  return self.save(event)
end

--- Keeps a record: a new one, or a changed one in the place of what it was.
--- @return boolean|nil done
--- @return string|nil why
function M:put(resource, entry)
  local ok, why = saved(self, { resource = resource.name, id = entry.id, parents = entry.parents, put = entry.body })
  if ok then self.collections[resource.name]:put(entry) end
  return ok, why
end

-- Takes a record away, and with it those that belong to it, at whatever depth. Records may belong to each other in a
-- circle.
local function drop(self, name, id, parents)
  local first = self.collections[name]:get(id, parents)
  if not first then return false end
  local doomed, at = { { name, first } }, 1
  while doomed[at] do
    local entry
    name, entry = doomed[at][1], doomed[at][2]
    at = at + 1
    if self.collections[name]:remove(entry.id, entry.parents, entry.body) then
      local names = identity.parents(self.provider.resource[name])
      for _, child in ipairs(self.children[name] or {}) do
        for _, orphan in ipairs(self.collections[child[1]]:owned(child[2], entry.id, entry, names)) do
          doomed[#doomed + 1] = { child[1], orphan }
        end
      end
    end
  end
  return true
end

--- Removes a record, and with it those that belong to it: one event, so that all of it is kept or nothing.
--- @return boolean|nil done
--- @return string|nil why
function M:remove(resource, entry)
  local id, parents = entry.id, nil
  -- The id alone says which it is, in most cases.
  for _, name in ipairs(identity.parents(resource)) do
    parents = parents or {}
    parents[name] = entry.parents[name] or entry.body[name]
  end
  local ok, why = saved(self, { resource = resource.name, id = id, parents = parents, remove = true })
  if ok then drop(self, resource.name, id, parents) end
  return ok, why
end

--- Takes back what a file of records says.
--- @param event table as `save` got it
--- @return string|nil why it cannot be
function M:replay(event)
  local collection = self.collections[event.resource]
  if not collection then return "names no resource of " .. self.provider.name end
  if event.last then
    collection.last_number = math.max(collection.last_number, tonumber(event.last) or 0)
    return
  end
  if type(event.id) ~= "string" and type(event.id) ~= "number" then return "has no id" end
  if event.remove then
    local parents = type(event.parents) == "table" and event.parents or nil
    if not drop(self, event.resource, event.id, parents) then return "removes a record that is not there" end
  elseif type(event.put) == "table" then
    collection:put { id = event.id, parents = type(event.parents) == "table" and event.parents or {}, body = event.put }
  else
    return "says neither what was put nor what was removed"
  end
end

--- Says what a file of records has to say of what there is: which ids are used up, and every record.
--- @param write function event
function M:events(write)
  for _, resource in ipairs(self.provider.resources) do
    local collection, name = self.collections[resource.name], self.provider.name
    write { provider = name, resource = resource.name, last = collection.last_number }
    for entry in collection:each() do
      write { provider = name, resource = resource.name, id = entry.id, parents = entry.parents, put = entry.body }
    end
  end
end

--- Puts a record there that nobody asked for over HTTP.
--- @param name string a resource
--- @param given table fields; with the record's own id, where it shall have that
--- @return table|nil entry
--- @return string|nil why
function M:seed(name, given)
  local resource, body, parents = self.provider.resource[name], {}, {}
  for key, value in pairs(given) do body[key] = value end
  for _, parent in ipairs(resource.shape.paths) do parents[parent] = body[parent] end
  local collection = self.collections[name]
  local id = body[resource.id]
  if id == nil then id = collection:next_id(fill.uuid) end
  local entry = { id = id, parents = parents, body = operations.complete(resource, body, id, parents) }
  local ok, why = self:put(resource, entry)
  if not ok then return nil, why end
  return entry
end

-- ---- the face ----

local function same_parents(self, entry, parts)
  for name, value in pairs(operations.parents_of(self, parts)) do
    if entry.parents[name] ~= nil and not records.same_id(entry.parents[name], value) then return false end
  end
  return true
end

--- Which operation a request is. Where two are one route, an id that is known decides.
--- @param request table as the listener has it
--- @return table|nil route resource, operation, parts, entry (the record that it is about, where there is one)
--- @return string|nil problem not_found or method
function M:route(request)
  if self.tokens.requests[request.path] then
    return request.method == "POST" and { token = true } or nil, "method"
  end
  local found, known = routes.find(self.routes, request.method, request.path)
  local first
  for _, candidate in ipairs(found) do
    local own, parts = candidate.route, candidate.parts
    -- What is spelled out goes before what may be anything.
    if own.literals < found[1].route.literals then break end
    local route = { resource = own.resource, operation = own.operation, parts = parts }
    if route.parts.id == nil then
      first = (not first or first.parts.id ~= nil) and route or first
    else
      local entry = self.collections[route.resource.name]:get(route.parts.id, route.parts)
      if entry and same_parents(self, entry, route.parts) then
        route.entry = entry
        return route
      end
      first = first or route
    end
  end
  return first, not first and (known and "method" or "not_found") or nil
end

-- A header that the operation wants and the request has not; one that is a switch wants to be on.
local function missing_header(self, route, headers)
  for name, parts in pairs(route.operation.headers) do
    if #parts.names > 0 then
      local pattern = routes.pattern(parts, function(setting)
        for _, field in ipairs(self.provider.settings) do
          if field.name == setting and field.type == "boolean" then return "true" end
        end
        return ".*"
      end)
      if not headers[name:lower()] or not headers[name:lower()]:find("^" .. pattern .. "$") then return name end
    end
  end
end

local function limit_headers(self, state, into)
  for name, parts in pairs(self.provider.limits.headers or {}) do
    into[#into + 1] = name
    into[#into + 1] = template.expand(parts, function(what) return ("%d"):format(state[what]) end)
  end
end

local function answer_token(self, request)
  local body, code = self.tokens:request(request)
  if not body then return errors.no_token(self.provider, code, request) end
  return { status = 200, headers = { "Content-Type", "application/json" }, body = assert(json.encode(body)) }
end

--- What the vendor says to a request that has a problem.
--- @param request table
--- @param route table|nil of M.route
--- @param problem string of provider/problems
--- @return table reply
function M:refuse(request, route, problem)
  if route and route.token and problem == "credentials" then
    return errors.no_token(self.provider, "invalid_client", request)
  end
  local status = problems.status[problem]
  return operations.refused(self, route and route.resource, request, problem, fill.reason(status))
end

--- Answers a request, and acts.
--- @param request table method, path, query, headers, body
--- @param route table|nil of M.route
--- @param problem string|nil of M.route, where it found none
--- @return table reply status, headers (list), body
--- @return table|nil entry that was created
function M:answer(request, route, problem)
  if route and route.token then return answer_token(self, request) end
  if not route then return self:refuse(request, nil, problem) end
  local stranger = self.tokens:check(request.headers)
  if stranger then return self:refuse(request, nil, stranger) end
  local state, over
  if self.limits then state, over = self.limits:count_call() end
  if over then
    return errors.of(self.provider, nil, { { problem = "rate_limited", message = fill.reason(429) } }, request,
      { "Retry-After", ("%d"):format(state.reset) })
  end
  local reply, entry
  local header = missing_header(self, route, request.headers)
  if header then
    operations.body_of(request)
    reply = operations.refused(self, route.resource, request, "header", header .. " is required")
  elseif route.parts.id ~= nil and not route.entry then
    reply = self:refuse(request, route, "not_found")
  else
    reply, entry = operations[route.operation.name](self, route, request)
  end
  if state then limit_headers(self, state, reply.headers) end
  return reply, entry
end

return M
