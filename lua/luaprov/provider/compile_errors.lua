--- The `errors` of a provider file: one form or several, each read off answers and, for the sandbox, made again.
---
--- form: read (a function that replaces all reading), items, message, code, codes, strip, trace_id, kinds, outcomes,
---       kind, says, in_success; body (a template) and when (problem -> how the vendor puts it)
---
--- A function cannot be turned round: beside `read` a form takes a `body`, and without one the sandbox answers
--- { "message": …, "code": … }.
local errors = require "luaprov.errors"
local for_sandbox = require "luaprov.provider.for_sandbox"
local near = require "luaprov.near"
local problems = require "luaprov.provider.problems"

local M = {}

-- A code as the answers' are compared: a number is spelled by `codes`, which may be no good.
local function spelled(given, code)
  local number = tonumber(code)
  local whole = number and number % 1 == 0 and math.abs(number) < 2 ^ 53
  local good, text = pcall(string.format, whole and type(given.codes) == "string" and given.codes or nil, number)
  return good and text or tostring(code)
end

-- A table from codes, or from words of a message in any case, to kinds or outcomes.
local function by_name(given, option, allowed, report)
  local known, map = {}, {}
  for _, name in ipairs(allowed) do known[name] = true end
  for code, name in pairs(type(given[option]) == "table" and given[option] or {}) do
    local key = option == "says" and tostring(code):lower() or spelled(given, code)
    if map[key] ~= nil and map[key] ~= name then
      report(0, "errors." .. option .. "." .. key, "is there twice, and says two things")
    end
    map[key] = name
    if not known[name] then
      local one = option == "says" and "kind" or option:gsub("s$", "")
      report(0, "errors." .. option .. "." .. tostring(code), "unknown " .. one .. " '" .. tostring(name) .. "'"
        .. near.hint(tostring(name), allowed))
    end
  end
  return map
end

--- How a vendor puts a problem: `when = { exists = { status = 400, code = 600, message = "Hub name exists." } }`. In a
--- message {path} stands for the field that it is about.
--- @param given any the option `when`
--- @param path string for messages
--- @param check_options function
--- @param report function
--- @return table problem -> { status, code, message, body }
function M.when(given, path, check_options, report)
  local map = {}
  for problem, case in pairs(type(given) == "table" and given or {}) do
    local case_path = path .. "." .. tostring(problem)
    if not problems.status[problem] then
      report(0, case_path, "is no problem" .. near.hint(tostring(problem), problems.names(), #problems.names()))
    elseif type(case) ~= "table" then
      report(0, case_path, "must be a table, as in { status = 400, code = 301 }")
    else
      check_options({ word = "when", options = case, line = 0 }, case_path, report)
      for_sandbox.template(case.message, "message", { option = "message", line = 0, path = case_path }, report)
      for_sandbox.template(case.body, "error", { option = "body", line = 0, path = case_path }, report)
      map[problem] = case
    end
  end
  return map
end

local function compile_form(given, tools, report)
  if type(given) == "function" then return { read = given, kinds = {}, outcomes = {}, when = {} } end
  if type(given) ~= "table" then
    report(0, "errors", "must be a table, a function, or a list of them")
    return { kinds = {}, outcomes = {}, when = {} }
  end
  tools.check_options({ word = "errors", options = given, line = 0 }, "errors", report)
  if (given.kinds or given.outcomes or given.codes) and not given.code then
    report(0, "errors", "has codes, kinds or outcomes, and no code: where a code is")
  end
  for_sandbox.template(given.body, "error", { option = "body", line = 0, path = "errors" }, report)
  local paths = tools.body_paths
  return {
    read = given.read, items = given.items and paths(given.items), message = paths(given.message),
    code = given.code and paths(given.code), codes = given.codes, strip = given.strip,
    trace_id = paths(given.trace_id), kinds = by_name(given, "kinds", errors.kinds, report),
    outcomes = by_name(given, "outcomes", errors.outcomes, report), kind = given.kind,
    says = by_name(given, "says", errors.kinds, report), in_success = given.in_success,
    body = given.body, when = M.when(given.when, "errors.when", tools.check_options, report),
  }
end

--- @param given any the option `errors`: a form, or a list of forms of which the first that fits an answer counts
--- @param tools table check_options, body_paths
--- @param report function
--- @return table[] forms in their order; empty where the file says nothing. in_success: whether any looks at a success
function M.compile(given, tools, report)
  if given == nil then return {} end
  local forms = {}
  local list = type(given) == "table" and #given > 0 and given or { given }
  if list == given then
    for name in pairs(given) do
      if type(name) ~= "number" then
        report(0, "errors", "is a list of forms: '" .. tostring(name) .. "' belongs in one")
      end
    end
  end
  for i, form in ipairs(list) do
    forms[i] = compile_form(form, tools, report)
    forms.in_success = forms.in_success or forms[i].read ~= nil or forms[i].in_success == true
  end
  return forms
end

return M
