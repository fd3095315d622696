--- What the commands of a stack take on the command line, each of them said once.
local arguments = require "luaprov.cli.arguments"
local core = require "luaprov.core"
local manifests = require "luaprov.stack.manifest"
local secret = require "luaprov.secret"

local M = {}

local PLACE = ".luaprov/state.db"

-- A converter of an option's text: a number from `least` to `most`, whole or not.
local function number(option, least, most, whole)
  local wrong = ("%s must be a %s from %d to %d"):format(option, whole and "whole number" or "number", least, most)
  return function(text)
    local value = tonumber(text)
    if value and value >= least and value <= most and (not whole or value == math.floor(value)) then return value end
    return nil, wrong
  end
end

M.number = number

local function add_var(parser)
  parser:option("--var", 'What var "NAME" reads in the manifest; may be repeated. @FILE and env:NAME are read from '
    .. "there."):argname("<name=value>"):count("*"):target("vars")
end

local function add_file(parser)
  parser:option("-f --file", "The manifest (default: " .. manifests.FILE .. ")."):argname("<file>")
end

--- Which manifest.
function M.manifest(parser)
  add_file(parser)
  add_var(parser)
end

--- Which state, where no manifest is read.
function M.state_alone(parser)
  add_file(parser)
  -- Whoever has it in an alias of the shell, beside --file, need not take it out.
  parser:option("--var", "As of the other commands. No manifest is read here."):argname("<name=value>"):count("*")
    :target("vars")
  M.state(parser)
end

--- Which state. Beside a manifest, where there is one.
function M.state(parser)
  parser:option("--state", "The state: a file, or a URL of PostgreSQL (default: LUAPROV_STATE, or " .. PLACE
    .. " beside the manifest)."):argname("<place>")
end

--- How something is printed: lines, or objects.
function M.printing(parser)
  parser:flag("--json", "Print JSON, an object a line.")
  parser:flag("--no-color", "No colours, on a terminal either (as with NO_COLOR in the environment).")
end

--- Who may write, and how long one waits for that.
function M.lease(parser)
  parser:option("--lease", "Seconds for which the state is ours, unless that is renewed (default: 60, or what a call "
    .. "may take)."):argname("<seconds>"):convert(number("--lease", 1, 86400))
  parser:option("--wait", "Seconds to wait for somebody else who has the state (default: until their time is over).")
    :argname("<seconds>"):convert(number("--wait", 0, 86400))
end

--- What is planned.
function M.planning(parser)
  parser:option("--target", "Only this record, or all of an account, of its resource, or whose addresses begin so "
    .. "up to a last dot, and what they need; may be repeated.")
    :argname("<address>"):count("*"):target("targets")
  parser:flag("--no-refresh", "Do not ask the vendors first: what the state says counts.")
  M.looking(parser)
end

--- How the vendors are asked.
function M.looking(parser)
  parser:option("--parallel", "How many records at once."):argname("<n>"):default("64")
    :convert(number("--parallel", 1, 1000, true))
  M.same_account(parser)
end

--- Whose credentials, or place, were changed.
function M.same_account(parser)
  parser:option("--same-account", "The credentials or the base URL of this account are others than before, and it is "
    .. "the same account; may be repeated."):argname("<alias>"):count("*"):target("same_accounts")
end

--- What is done with a plan.
function M.applying(parser)
  parser:flag("-y --yes", "Do not ask.")
  parser:option("--allow-delete", "How many records may go, where they are more than 10 or more than 30 %.")
    :argname("<n>"):convert(number("--allow-delete", 0, 1e9, true)):target("allow_delete")
end

--- The values of --var; or what is wrong with them.
--- @param list string[]
--- @return table|nil vars name -> text
--- @return string|nil why
function M.vars(list)
  local vars = {}
  for _, word in ipairs(list or {}) do
    local name, text, is_json = arguments.split(word)
    if not name or is_json then return nil, "--var takes name=value, name=@FILE or name=env:VAR" end
    if vars[name] then return nil, "--var: " .. name .. " is given twice" end
    local value, why = arguments.source(text)
    if not value then return nil, "--var: " .. name .. ": " .. why end
    vars[name] = value
  end
  return vars
end

-- user:password@, or a password among the parameters.
local function has_password(url)
  local authority = url:match("^%w+://([^/?#]*)") or ""
  return authority:find("^[^@]*:[^@]+@") ~= nil or url:lower():find("[?&]password=[^&]") ~= nil
end

local function is_url(place) return place:lower():find("^postgres%a*://") ~= nil end

local function folder_of(file) return (file or ""):match("^(.*/)[^/]*$") or "" end

--- Where the state is.
--- @param args table state, file
--- @param warn function text
--- @return string|luaprov.Secret place as store.open takes it
--- @return string shown for people
function M.place(args, warn)
  local place = args.state
  if place and has_password(place) then
    warn("warning: --state has a password, and others on this machine can read command lines: set LUAPROV_STATE")
  end
  place = place or os.getenv "LUAPROV_STATE"
  if not place or place == "" then place = folder_of(args.file) .. PLACE end
  if not is_url(place) then return place, place end
  return secret.new(place), (place:gsub("^(%w+://)[^/?#]*@", "%1"):gsub("[?#].*$", ""))
end

--- Whether what goes to a stream may have colours.
--- @param args table no_color, json
--- @param fd integer
function M.color(args, fd)
  if args.no_color or args.json or (os.getenv "NO_COLOR" or "") ~= "" then return false end
  return os.getenv "TERM" ~= "dumb" and core.isatty(fd)
end

return M
