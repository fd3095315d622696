--- luaprov export PROVIDER
local accounts_of = require "luaprov.stack.account"
local adopted = require "luaprov.stack.adopt_row"
local arguments = require "luaprov.cli.arguments"
local clients = require "luaprov.provider.client"
local collect = require "luaprov.stack.collect"
local compare = require "luaprov.policy.compare"
local declare = require "luaprov.stack.declare"
local export = require "luaprov.stack.export"
local find = require "luaprov.cli.find"
local keep = require "luaprov.cli.stack.keep"
local manifests = require "luaprov.stack.manifest"
local near = require "luaprov.near"
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local output = require "luaprov.cli.output"
local outputs = require "luaprov.stack.output"
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
  parser:option("--parent", "Whose records are meant, where only you know, as in --parent customer=17; may be "
    .. "repeated."):argname("<name=value>"):count("*"):target("parents")
  parser:flag("--no-state", "Write the manifest alone: the records are not taken over into the state.")
  options.state(parser)
  options.lease(parser)
  options.printing(parser)
  parser:epilog [[
Writes a manifest of all that an account has, and takes the records over into the state, so that luaprov
plan shows no change. Secrets are not written: the manifest reads them from the environment. Where they are
not set there, the records are taken over when the same command is run again with them set.

Examples:
   luaprov export acme
   luaprov export acme --as acme_eu --set token=env:EU_TOKEN --out eu/luaprov.lua]]
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

-- The records' rows, as the manifest that was written declares them. Where an earlier export is gone on with, a row
-- that is there stays: it knows which secrets were sent, and the variables may have changed since.
local function take_over(work, manifest, summary, goes_on)
  local rows, err = work:rows()
  if not rows then return say.error(work.out, err) end
  local why = foreign(rows, summary)
  if why then return say.no(work.out, why) end
  local accounts, known, items, has_row = accounts_of.all(manifest, work.store), {}, {}, {}
  for _, row in ipairs(goes_on and rows or {}) do has_row[row.address] = true end
  -- Of references only the ids are asked for.
  for i, entry in ipairs(summary.records) do
    known[i] = { address = entry.address, id = entry.record.id, fields = entry.record }
  end
  local lookup = adopted.lookup(known)
  for _, entry in ipairs(summary.records) do
    local node = manifest.record[entry.address]
    local about = accounts[node.alias]
    items[#items + 1] = not has_row[entry.address] and { record = (adopted.row(node, entry.record, {
      fields = adopted.filled(node, lookup), base_url = about.base_url, account = about.account,
    })) } or nil
  end
  local ok
  ok, err = keep.write(work.store, items)
  return ok and 0 or say.error(work.out, err)
end

-- ---- what is told ----

local function tell_notes(out, made)
  for _, note in ipairs(made.notes) do
    local message = note.message
    if note.parent then message = message .. " (--parent " .. note.parent .. "=VALUE)" end
    if note.parent and not out.json then
      out:note(note.resource .. ": " .. message)
    else
      say.event(out, { what = "note", address = note.resource, message = message })
    end
  end
  for _, entry in ipairs(made.summary.left_out) do
    say.event(out, { what = "note", address = collect.shown(entry), message = "is left out: " .. entry.why })
  end
end

local function tell_secrets(out, secrets)
  local names, are_sent = {}, false
  for i, secret in ipairs(secrets) do
    if i <= SHOWN or out.json then names[i] = secret.name end
    are_sent = are_sent or secret.address ~= nil
  end
  if #secrets > #names then names[#names + 1] = ("… and %d more"):format(#secrets - #names) end
  if names[1] then
    say.event(out, { what = "note", message = "the manifest reads secrets from the environment: "
      .. table.concat(names, ", ") })
  end
  if are_sent then
    say.event(out, { what = "note", message = "an apply sends the values of the variables that stand for records' "
      .. "secrets: they must be the true ones, or live passwords are overwritten" })
  end
end

-- How to go on where a secret is missing that the state has to know.
local function tell_unset(out, args, made)
  local unset = made.unset
  -- All of them: each has to be set.
  for _, secret in ipairs(unset) do
    if out.json then
      out:value { type = "event", what = "unset", variable = secret.name, address = secret.address,
                  field = secret.path }
    else
      out:note(("set %s: %s %s"):format(secret.name, secret.address or made.alias, secret.path))
    end
  end
  return say.no(out, ("the records are not in the state yet: with %s set, run the same luaprov export again, which "
    .. "goes on with this %s, or luaprov adopt%s ADDRESS …, which takes them over by their keys"):format(
    say.counted(#unset, "variable"), args.out, args.out == manifests.FILE and "" or " -f " .. args.out))
end

-- ---- the manifest ----

local function unset_of(secrets)
  local unset = {}
  for _, secret in ipairs(secrets) do
    if (os.getenv(secret.name) or "") == "" then unset[#unset + 1] = secret end
  end
  return unset
end

-- Whether all that is wrong with a manifest is that these variables are not set.
local function is_only_unset(err, unset)
  local is_unset = {}
  for _, secret in ipairs(unset) do is_unset[secret.name] = true end
  for _, fault in ipairs(err.details or { { message = "" } }) do
    if not is_unset[fault.message:match("environment variable (%S+) is not set") or ""] then return false end
  end
  return true
end

-- The provider as the new manifest names it, whose paths begin in its own folder.
local function named_in(file, name)
  local folder = file:match("^(.*/)[^/]*$")
  if not folder or name:find "^/" or not name:find("/", 1, true) then return name end
  local plain, up, down = name:gsub("^%./+", ""), {}, not folder:find "^/"
  for part in folder:gmatch "[^/]+" do
    if part ~= "." then up[#up + 1] = "../" end
    down = down and part ~= ".."
  end
  if down then return up[1] and table.concat(up) .. plain or name end
  local ok, lfs = pcall(require, "lfs")
  local here = ok and lfs.currentdir()
  return here and here .. "/" .. plain or name
end

-- What is to be written: text, manifest (nil: secrets of it are not set), summary, notes, unset, lacks (there is more,
-- with --parent), alias; or an exit code.
local function make(args, out, provider, client)
  local records, notes, errors = collect.records { client = client, provider = provider, parents = args.parents }
  if errors[1] then return nil, tell_errors(out, errors) end
  local parts = {}
  local summary = export.manifest {
    client = client, provider = provider, use = named_in(args.out, args.provider), alias = args.as, records = records,
    emit = function(text) parts[#parts + 1] = text end,
  }
  local made = { text = table.concat(parts), summary = summary, notes = notes, unset = unset_of(summary.secrets),
                 alias = args.as or provider.name }
  for _, note in ipairs(notes) do made.lacks = made.lacks or note.parent ~= nil end
  local err
  made.manifest, err = manifests.read(made.text, args.out)
  if made.manifest or is_only_unset(err, made.unset) then return made end
  return nil, say.error(out, err)
end

local function text_of(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then file:close() end
  return file and (text or "") or nil
end

-- The values of --parent: name -> list.
local function parents_of(args, provider, client)
  local parents, names, is_name = {}, collect.to_say(client, provider), {}
  for _, name in ipairs(names) do is_name[name] = true end
  for _, word in ipairs(args.parents) do
    local name, text, is_json = arguments.split(word)
    if not name or is_json or text == "" then return nil, "--parent takes name=value, name=@FILE or name=env:VAR" end
    if not is_name[name] then
      return nil, ("--parent: %s has no '%s' that has to be said%s"):format(provider.name, name, near.hint(name, names))
    end
    local value, why = arguments.source(text)
    if not value then return nil, "--parent: " .. name .. ": " .. why end
    parents[name] = parents[name] or {}
    table.insert(parents[name], value)
  end
  return parents
end

local function keep_state(args, out, made, goes_on)
  args.file = args.out
  local work, code = open.state(args, out, { create = true })
  if not work then return code end
  return work:leased(function() return take_over(work, made.manifest, made.summary, goes_on) end)
end

local function stays(out, file)
  return say.no(out, file .. " is there already, and stays as it is: --out FILE writes another")
end

-- Writes what was made, and says so.
local function finish(args, out, made, there)
  local summary = made.summary
  if there and there ~= made.text then return stays(out, args.out) end
  if made.lacks and summary.count == 0 then
    tell_notes(out, made)
    return say.no(out, "nothing could be listed, so nothing was written")
  end
  local in_state = not args.no_state and made.manifest ~= nil
  local code = in_state and keep_state(args, out, made, there ~= nil) or 0
  if code ~= 0 then return code end
  if not there then
    local ok, why = save.new_file(args.out, made.text)
    if not ok then return say.no(out, why) end
  end
  tell_notes(out, made)
  tell_secrets(out, summary.secrets)
  say.either(out, { type = "summary", phase = "export", records = summary.count, left_out = #summary.left_out,
                    file = args.out, state = in_state },
    ("%s: %s%s"):format(output.plain(args.out), say.counted(summary.count, "record"),
      in_state and ", all of them in the state" or ""))
  if not args.no_state and not in_state then code = tell_unset(out, args, made) end
  if made.lacks then code = say.no(out, "not everything could be listed, so " .. args.out
    .. " lacks it: an export to a new file, with what has to be said, has it") end
  return code
end

function M.run(args, out)
  out.json = args.json
  args.out = args.out or manifests.FILE
  if args.as and not args.as:find("^[%a_][%w_-]*$") then
    return out:wrong "--as takes a name of letters, digits, _ and -"
  end
  local there, folder = text_of(args.out), args.out:match("^(.*/)[^/]*$")
  if there and not export.is_exported(there) then return stays(out, args.out) end
  if folder and not outputs.is_folder(folder) then return say.no(out, "--out: there is no folder " .. folder) end
  local provider, client = connect(args, out)
  if not provider then return client end
  if not args.as and not declare.is_alias(provider.name) then
    return out:wrong(("'%s' cannot name an account: say --as %s"):format(provider.name,
      declare.alias_for(provider.name)))
  end
  local why
  args.parents, why = parents_of(args, provider, client)
  if not args.parents then return out:wrong(why) end
  local made, code = make(args, out, provider, client)
  if not made then return code end
  return finish(args, out, made, there)
end

return M
