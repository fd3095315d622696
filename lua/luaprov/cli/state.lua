--- luaprov state list|show|rm|mv
local declare = require "luaprov.stack.declare"
local near = require "luaprov.near"
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local errors = require "luaprov.errors"
local output = require "luaprov.cli.output"
local say = require "luaprov.cli.stack.say"
local target = require "luaprov.stack.target"
local view = require "luaprov.cli.stack.view"

local M = {}

function M.configure(parser)
  parser:argument("what", "list, show, rm or mv."):choices { "list", "show", "rm", "mv" }:argname("<what>")
  parser:argument("address", "A record; of list whatever --target of plan takes."):args("?")
    :argname("<address>")
  parser:argument("to", "Of mv: the new address."):args("?"):argname("<to>")
  options.state_alone(parser)
  options.lease(parser)
  output.add_options(parser)
  parser:epilog [[
No vendor is asked, and nothing is changed there: a record that rm forgets stays where it is, and one
that mv gives another address is the same record. What list calls open is a call of an earlier run
of which nobody knows the end: luaprov apply, or luaprov settle, ends it.

Examples:
   luaprov state list
   luaprov state list acme.phones
   luaprov state show acme.phones.desk
   luaprov state mv acme.phones.desk acme.phones.desk-eu
   luaprov state rm acme.phones.desk]]
end

local commands = {}

function commands.list(args, out)
  local work, code = open.state(args, out)
  if not work then return code end
  local rows, err = work:rows()
  local intents
  if rows then intents, err = work:intents() end
  work:close()
  if not intents then return say.error(out, err) end
  local function chosen(list)
    local found = {}
    for _, one in ipairs(list) do
      if not args.address or target.is_meant(one.address, args.address) then found[#found + 1] = one end
    end
    return found
  end
  view.list(out, chosen(rows), chosen(intents))
  return 0
end

function commands.show(args, out) return view.show(args, out, args.address) end

local function write(args, out, change)
  out.json = args.json
  local work, code = open.state(args, out)
  if not work then return code end
  return work:leased(function()
    local ok, err = change(work.store)
    if ok then return 0 end
    return say.error(out, err)
  end)
end

-- An error of an address, with the one that was probably meant where there is none.
local function hinted(store, address, err)
  local rows = err.kind == "missing" and store:records(true) or {}
  local names = {}
  for i, row in ipairs(rows) do names[i] = row.address end
  if rows[1] then err.message = err.message .. near.hint(address, names, 5) end
  return err
end

function commands.rm(args, out)
  return write(args, out, function(store)
    local row = store:record(args.address)
    local ok, err = store:remove(args.address)
    if not ok then return nil, hinted(store, args.address, err) end
    say.either(out, { type = "event", what = "forgotten", address = args.address, id = row and row.id },
      ("the state has forgotten %s; the vendor still has it%s"):format(output.plain(args.address),
        row and row.id ~= nil and " (id " .. say.id(row.id) .. ")" or ""))
    return true
  end)
end

-- An alias is one provider's.
local function other_provider(store, address, to)
  local row, alias = store:record(address), to:match("^[^.]+")
  for _, other in ipairs(row and store:records(true) or {}) do
    if other.address:match("^[^.]+") == alias and other.provider ~= row.provider then
      return errors.new { kind = "invalid", outcome = "not_sent",
        message = ("'%s' is %s's, and the record is %s's"):format(alias, other.provider, row.provider) }
    end
  end
end

function commands.mv(args, out)
  -- No manifest could declare it.
  local name = args.to:match("^[^.]+%.[^.]+%.(.+)$")
  local fault = name and declare.name_fault(name)
  fault = fault and "the name " .. fault
    or name and not declare.is_alias(args.to:match "^[^.]+") and "an alias has letters, digits, _ and - only" or nil
  if not name or fault then
    return out:wrong("an address is ALIAS.RESOURCE.NAME, and '" .. args.to .. "' is none"
      .. (fault and ": " .. fault or ""))
  end
  if args.address:match("^[^.]+%.([^.]+)") ~= args.to:match("^[^.]+%.([^.]+)") then
    return out:wrong "a record stays one of its resource: only the alias and the name may be others"
  end
  return write(args, out, function(store)
    local foreign = other_provider(store, args.address, args.to)
    if foreign then return nil, foreign end
    local ok, err = store:move(args.address, args.to)
    if not ok then return nil, hinted(store, args.address, err) end
    say.either(out, { type = "event", what = "moved", address = args.address, to = args.to },
      ("%s is %s now"):format(output.plain(args.address), output.plain(args.to)))
    return true
  end)
end

local TAKES = { list = { 0, 1 }, show = { 0, 1 }, rm = { 1, 1 }, mv = { 2, 2 } }
local WORDS = {
  "%s takes the address of a record", "%s takes two addresses: the old one and the new one",
}

function M.run(args, out)
  local given = (args.address and 1 or 0) + (args.to and 1 or 0)
  local takes = TAKES[args.what]
  if given < takes[1] or given > takes[2] then return out:wrong(WORDS[takes[2]]:format(args.what)) end
  return commands[args.what](args, out)
end

return M
