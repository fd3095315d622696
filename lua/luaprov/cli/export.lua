--- luaprov export PROVIDER
local accounts_of = require "luaprov.stack.account"
local adopted = require "luaprov.stack.adopt_row"
local arguments = require "luaprov.cli.arguments"
local clients = require "luaprov.provider.client"
local collect = require "luaprov.stack.collect"
local compare = require "luaprov.policy.compare"
local export = require "luaprov.stack.export"
local find = require "luaprov.cli.find"
local keep = require "luaprov.cli.stack.keep"
local manifests = require "luaprov.stack.manifest"
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local output = require "luaprov.cli.output"
local save = require "luaprov.cli.stack.save"
local say = require "luaprov.cli.stack.say"
local settings = require "luaprov.cli.settings"

local M = {}

local SHOWN = 20

function M.configure(parser)
  parser:argument("provider", "A provider's name, or the path of a provider file."):argname("<provider>")
  parser:option("--set", "An option of the client, as in --set region=eu or --set token=env:VAR; the default is the "
    .. "environment."):argname("<option=value>"):count("*"):target("options")
  parser:option("--as", "What the manifest calls the account (default: the provider's name)."):argname("<alias>")
  parser:option("--out", "The manifest to write (default: " .. manifests.FILE .. "). One that is there stays as it is.")
    :argname("<file>")
  parser:flag("--no-state", "Write the manifest alone: the records are not taken over into the state.")
  options.state(parser)
  options.lease(parser)
  options.printing(parser)
  parser:epilog [[
Writes a manifest of all that an account has, and takes the records over into the state, so that luaprov
plan shows no change. Secrets are not written: the manifest reads them from the environment.

Examples:
   luaprov export hubster
   luaprov export ocamba --as ocamba_eu --set token=env:EU_TOKEN --out eu/luaprov.lua]]
end

-- A client of the provider that is named; or an exit code.
local function connect(args, out)
  local provider, code = find.provider(args.provider, out, args.json)
  if not provider then return nil, code end
  local given, sources = settings.read(provider, args.options)
  if not given then return nil, out:wrong(sources) end
  arguments.warn(sources, function(text) out:note(text) end)
  local client, err = clients.new(provider, given)
  if not client then return nil, say.error(out, err) end
  return provider, client
end

local function tell_errors(out, errors)
  for i, entry in ipairs(errors) do
    if out.json then
      out:value { type = "event", what = "failed", resource = entry.resource, id = entry.id,
                  message = tostring(entry.err) }
    elseif i <= SHOWN then
      out:note(collect.shown(entry) .. ": " .. tostring(entry.err))
    end
  end
  if #errors > SHOWN and not out.json then out:note(("… and %d more"):format(#errors - SHOWN)) end
  return say.no(out, "not everything could be read, so nothing was written")
end

-- A manifest that declares only these records would have the others deleted.
local function foreign(rows, summary)
  local own = {}
  for _, entry in ipairs(summary.records) do own[entry.address] = entry.record.id end
  for _, row in ipairs(rows) do
    if own[row.address] == nil then
      return ("the state has %s, which the new manifest would not declare, and so delete: name another state "
        .. "(--state), or none (--no-state)"):format(row.address)
    end
    if compare.id(own[row.address]) ~= compare.id(row.id) then
      return ("the state has %s with the id %s, and the vendor has it under %s"):format(row.address, say.id(row.id),
        say.id(own[row.address]))
    end
  end
end

-- The records' rows, as the manifest that was written declares them.
local function take_over(work, manifest, summary)
  local rows, err = work:rows()
  if not rows then return say.error(work.out, err) end
  local why = foreign(rows, summary)
  if why then return say.no(work.out, why) end
  local accounts, known, items = accounts_of.all(manifest, work.store), {}, {}
  -- Of references only the ids are asked for.
  for i, entry in ipairs(summary.records) do
    known[i] = { address = entry.address, id = entry.record.id, fields = entry.record }
  end
  local lookup = adopted.lookup(known)
  for i, entry in ipairs(summary.records) do
    local node = manifest.record[entry.address]
    local about = accounts[node.alias]
    items[i] = { record = (adopted.row(node, entry.record, {
      fields = adopted.filled(node, lookup), base_url = about.base_url, account = about.account,
    })) }
  end
  local ok
  ok, err = keep.write(work.store, items)
  return ok and 0 or say.error(work.out, err)
end

local function tell(out, args, summary, notes)
  for _, note in ipairs(notes) do
    say.event(out, { what = "note", address = note.resource, message = note.message })
  end
  for _, entry in ipairs(summary.left_out) do
    say.event(out, { what = "note", address = collect.shown(entry), message = "is left out: " .. entry.why })
  end
  local names = {}
  for i, secret in ipairs(summary.secrets) do
    if i <= SHOWN or out.json then names[i] = secret.name end
  end
  if #summary.secrets > #names then names[#names + 1] = ("… and %d more"):format(#summary.secrets - #names) end
  if names[1] then
    say.event(out, { what = "note", message = "the manifest reads secrets from the environment: "
      .. table.concat(names, ", ") })
  end
  say.either(out, { type = "summary", phase = "export", records = summary.count, left_out = #summary.left_out,
                    file = args.out, state = not args.no_state },
    ("%s: %s%s"):format(output.plain(args.out), say.counted(summary.count, "record"),
      args.no_state and "" or ", all of them in the state"))
end

-- The text of the manifest, and the manifest; or an exit code.
local function write(args, out, provider, client)
  local records, notes, errors = collect.records { client = client, provider = provider }
  if errors[1] then return nil, tell_errors(out, errors) end
  local parts = {}
  local summary = export.manifest {
    client = client, provider = provider, use = args.provider, alias = args.as, records = records,
    emit = function(text) parts[#parts + 1] = text end,
  }
  local text = table.concat(parts)
  local manifest, err = manifests.read(text, args.out)
  if not manifest then return nil, say.error(out, err) end
  return { text = text, manifest = manifest, summary = summary, notes = notes }
end

local function is_there(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

function M.run(args, out)
  out.json = args.json
  args.out = args.out or manifests.FILE
  if args.as and not args.as:find("^[%a_][%w_-]*$") then
    return out:wrong "--as takes a name of letters, digits, _ and -"
  end
  if is_there(args.out) then return say.no(out, args.out .. " is there already, and stays as it is") end
  local provider, client = connect(args, out)
  if not provider then return client end
  local made, code = write(args, out, provider, client)
  if not made then return code end
  if not args.no_state then
    args.file = args.out
    local work
    work, code = open.state(args, out, { create = true })
    if not work then return code end
    code = work:leased(function() return take_over(work, made.manifest, made.summary) end)
    if code ~= 0 then return code end
  end
  local ok, why = save.new_file(args.out, made.text)
  if not ok then return say.no(out, why) end
  tell(out, args, made.summary, made.notes)
  return 0
end

return M
