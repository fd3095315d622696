--- The annotations of luaprov itself.
local errors = require "luaprov.errors"
local page = require "luaprov.cli.types.page"

local M = {}

--- What stands before every provider's classes.
local CLASSES = [[
--- A record's id, as the vendor has it.
---@alias luaprov.Id string|integer

---@alias luaprov.ErrorKind @KINDS@

--- Nothing can have happened; the vendor answered that it did not act; it may have acted.
---@alias luaprov.Outcome @OUTCOMES@

--- What a call returns as `nil, err`.
---@class luaprov.Error
---@field kind luaprov.ErrorKind
---@field message string
---@field outcome luaprov.Outcome
---@field codes string[] # the vendor's own codes, as its documentation writes them
---@field provider? string
---@field resource? string
---@field operation? string
---@field status? integer # HTTP status, when an answer came
---@field trace_id? string
---@field retry_after? number # seconds; -1: the vendor wants fewer calls at once and names no time
---@field attempts? luaprov.Attempt[] # the tries, first to last
---@field candidates? table[] # of a create whose outcome is unknown: the records that it may have made
---@field details? any # faults of a table ({ path, message, problem } each), or what the vendor answered

--- One try of a call.
---@class luaprov.Attempt
---@field at number # seconds since the first began
---@field seconds number
---@field why string # it was made again, or was not
---@field outcome luaprov.Outcome
---@field kind luaprov.ErrorKind
---@field status? integer
---@field waited? number # seconds until the next

--- A value that prints as `<secret>` everywhere.
---@class luaprov.Secret
--- Its value; nil and why when its source does not have it.
---@field reveal fun(self: luaprov.Secret): string|nil, string|nil

---@class luaprov.Secrets
---@overload fun(value: string|luaprov.Secret): luaprov.Secret
--- From an environment variable, read when it is needed.
---@field env fun(name: string): luaprov.Secret
--- From a file, read when it is needed, without its last line end.
---@field file fun(path: string): luaprov.Secret
--- What a program prints, as in `{ "pass", "show", "acme" }`, run once, when it is first needed.
---@field command fun(words: string[]): luaprov.Secret
---@field is fun(value: any): boolean

--- JSON's null: empties a field in an update, and stands in records.
---@class luaprov.Null

--- Exact JSON: 64-bit integers, `[]` and `null` stay what they are.
---@class luaprov.JSON
---@field null luaprov.Null
--- The value; nil, what is wrong, and at which byte, counted from 0.
---@field decode fun(text: string): any, string|nil, integer|nil
--- The text; nil and what has no JSON form.
---@field encode fun(value: any): string|nil, string|nil
--- Marks a table as a list, so that it is one even when it is empty.
---@field array fun(list?: any[]): any[]
---@field is_array fun(value: any): boolean

--- What is returned for each item, by the item's index.
---@alias luaprov.Results table<integer, any>

---@alias luaprov.Each fun(item: any, index: integer): any, any

---@class luaprov.MapOptions
---@field concurrency? integer # how many at once; default 16

--- A function that runs beside the others.
---@class luaprov.Task
--- Waits until it has ended: what the function returned. What it raised is raised.
---@field wait fun(self: luaprov.Task): any, any, any
--- Ends its call that is on its way, and every wait in it: whether it was still going on.
---@field cancel fun(self: luaprov.Task): boolean
---@field done fun(self: luaprov.Task): boolean

--- Of one call, in place of the client's.
---@class luaprov.CallOptions
---@field attempts? integer # how many tries at most
---@field timeout? number # seconds for one try
---@field patience? number # seconds within which another try may begin

--- What is told of a call, or of one try. Nothing in it is secret.
---@class luaprov.CallEvent
---@field provider string
---@field resource string
---@field operation string
---@field method string
---@field outcome "done"|luaprov.Outcome
---@field attempts integer # so far
---@field seconds number # all of it
---@field waited number # seconds of those that it waited for its turn
---@field kind? luaprov.ErrorKind
---@field status? integer # HTTP status of the last answer
---@field trace_id? string

--- Something that a sandbox does wrong: `luaprov sandbox --list-faults` has every one with its options.
---@class luaprov.Fault
---@field fault string
---@field on? string # "PROVIDER RESOURCE OPERATION", * for any; default every call
---@field after? integer # how many such calls go well before it begins
---@field times? integer # how many calls it strikes; default all
---@field [string] any

--- A list of providers by name or file, all without any, and options.
---@class luaprov.SandboxOptions
---@field [integer] string
---@field port? integer # default 0: one that is free
---@field host? string # default "127.0.0.1"
---@field data? string # a file that keeps the records
---@field faults? luaprov.Fault[]
---@field limits? boolean # false: calls are not counted
---@field credentials? table<string, table<string, string>> # by provider and option, where they shall be others
---@field token_life? number # seconds
---@field log? fun(line: string) # called with a line for every call

--- A running sandbox. It answers whenever this process waits for something of luaprov.
---@class luaprov.Box
---@field url string
---@field port integer
---@field base_url table<string, string> # by provider
---@field token_url table<string, string> # by provider, of those whose tokens are asked for
--- What a client of a provider needs to reach it.
---@field options fun(self: luaprov.Box, provider: string): table<string, any>
--- What the vendor has now.
---@field records fun(self: luaprov.Box, provider: string, resource: string): table[]
--- Declares one more fault, whose `struck` then counts the calls that it struck.
---@field fault fun(self: luaprov.Box, fault: luaprov.Fault): table
--- Ends every token that was asked for.
---@field expire_tokens fun(self: luaprov.Box, provider: string)
---@field stop fun(self: luaprov.Box)

---@class luaprov.Sandbox
---@field start fun(options?: luaprov.SandboxOptions): luaprov.Box|nil, luaprov.Error|nil

]]

local MODULE = [[

---@class luaprov
---@field version string
---@field null luaprov.Null
---@field secret luaprov.Secrets
---@field json luaprov.JSON
--- Marks a table as a list, so that it is one even when it is empty.
---@field array fun(list?: any[]): any[]
--- Calls a function for every item, many at once: what it returned first and second, by index.
---@field map fun(list: any[], fn: luaprov.Each, options?: luaprov.MapOptions): luaprov.Results, luaprov.Results
--- Calls several functions at once; results as `map`.
---@field all fun(functions: function[]): luaprov.Results, luaprov.Results
--- Starts a task; the further arguments are the function's.
---@field spawn fun(fn: function, ...: any): luaprov.Task
--- Waits for some seconds; the others go on. Raises luaprov.Error when the task is cancelled, or a deadline passes.
---@field sleep fun(seconds: number): true
--- Calls a function in which no call and no wait goes on for longer: what it returns.
---@field deadline fun(seconds: number, fn: function, ...: any): any, any, any
--- Calls a function when a call, or one try of it, has ended: a function that ends this.
---@field on fun(event: "call"|"attempt", fn: fun(event: luaprov.CallEvent)): fun()
--- A server on this machine that behaves as the provider files say.
---@field sandbox luaprov.Sandbox
local luaprov = {}

--- A client of a provider. What the options leave out is taken from the environment.
@OVERLOADS@---@param name string a provider's name, or the path of a provider file
---@param options? table<string, any>
---@return table<string, any>|nil client
---@return luaprov.Error|nil err
function luaprov.client(name, options) end

return luaprov
]]

local function literals(list)
  local parts = {}
  for i, word in ipairs(list) do parts[i] = page.literal(word) end
  return table.concat(parts, "|")
end

local function fill(text, marks)
  return (text:gsub("@([A-Z]+)@", marks))
end

--- The names of the classes that `classes` has.
--- @return table<string, boolean>
function M.taken()
  local taken = {}
  for name in CLASSES:gmatch("%-%-%-@%a+ (luaprov%.[%w.]+)") do taken[name] = true end
  return taken
end

--- @return string
function M.classes() return fill(CLASSES, { KINDS = literals(errors.kinds), OUTCOMES = literals(errors.outcomes) }) end

--- An overload of luaprov.client.
--- @param literal string the annotation of a provider's name, as luaprov.client takes it
--- @param options string the class of its options
--- @param client string the class of its clients
--- @return string
function M.overload(literal, options, client)
  return ("fun(name: %s, options?: %s): %s|nil, luaprov.Error|nil"):format(literal, options, client)
end

--- The module.
--- @param overloads string[] of luaprov.client
--- @return string
function M.module(overloads)
  local lines = {}
  for i, overload in ipairs(overloads) do lines[i] = "---@overload " .. overload .. "\n" end
  return fill(MODULE, { OVERLOADS = table.concat(lines) })
end

return M
