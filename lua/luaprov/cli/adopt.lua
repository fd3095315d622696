--- luaprov adopt [ADDRESS[=ID] …]
local accounts_of = require "luaprov.stack.account"
local adopt = require "luaprov.stack.adopt"
local near = require "luaprov.near"
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local output = require "luaprov.cli.output"
local say = require "luaprov.cli.stack.say"
local tables = require "luaprov.tables"
local taking = require "luaprov.cli.stack.taking"
local shell_word = require "luaprov.shell_word"

local M = {}

local SHOWN = 20

function M.configure(parser)
  parser:argument("addresses", "Records to take over: ADDRESS, where the vendor has exactly one that may be it, or "
    .. "ADDRESS=ID. Without any, all that may be taken over is shown."):args("*"):argname("<address>")
  parser:option("--parallel", "How many records are read at once."):argname("<n>"):default("16")
    :convert(options.number("--parallel", 1, 1000, true))
  taking.option(parser)
  options.manifest(parser)
  options.state(parser)
  options.lease(parser)
  options.printing(parser)
  parser:epilog [[
Looks for the records that the manifest declares and the state does not know: those that have the same
key at the vendor, and what hangs on them. Nothing is changed there.

Examples:
   luaprov adopt
   luaprov adopt acme.phones.desk acme.phones.hall
   luaprov adopt acme.lines.sms=1165]]
end

-- ---- what may be taken over ----

local function fit(candidate)
  if candidate.equal then return "equal" end
  return say.counted(candidate.changes, "field") .. " to change"
end

local function show(out, list)
  local rows, count = not out.json and out:rows { "address", "id", "" }, 0
  for _, item in ipairs(list) do
    for _, candidate in ipairs(item.candidates) do
      count = count + 1
      if rows then
        rows:add { output.plain(item.address), say.id(candidate.id), fit(candidate) }
      else
        out:value { type = "candidate", address = item.address, id = candidate.id, equal = candidate.equal,
                    changes = candidate.changes }
      end
    end
    if item.more and rows then rows:add { output.plain(item.address), "…", item.more .. " more with this key" } end
  end
  if rows then rows:flush() end
  if count == 0 and not out.json then
    out:line "nothing: no vendor has a record with a declared key that the state does not know"
  end
end

-- What has to wait for another record is no failure where nothing was named.
local function tell(out, errors, is_failure)
  local code, told, addresses = 0, 0, tables.keys(errors)
  for _, address in ipairs(addresses) do
    local err = errors[address]
    local failed = is_failure(err)
    if failed then code = 1 end
    if out.json then
      say.event(out, { what = failed and "failed" or "note", address = address, err = err })
    elseif failed then
      out:note(address .. ": " .. tostring(err))
    else
      told = told + 1
      if told <= SHOWN then say.event(out, { what = "note", address = address, message = err.message }) end
    end
  end
  if told > SHOWN then out:line(("… and %d more"):format(told - SHOWN)) end
  return code
end

-- Puts a record to those that are taken over, unless another address has it.
local function take_one(about, taken, node, record)
  local key = adopt.identity(about, node, record, node.fields)
  if taken.of[key] then return nil, taken.of[key] end
  taken.of[key] = node.address
  taken[#taken + 1] = { node = node, record = record }
  return true
end

-- Of each address the one record that may be it.
local function single(about, found, errors)
  local taken = { of = {} }
  for _, item in ipairs(found) do
    local number = #item.candidates + (item.more or 0)
    local ids, node = {}, about.manifest.record[item.address]
    for i, candidate in ipairs(item.candidates) do ids[i] = say.id(candidate.id) end
    if number == 0 then
      errors[item.address] = item.owner and "the record with its key is " .. item.owner .. " already"
        or "the vendor has no record with its key"
    elseif number > 1 then
      errors[item.address] = ("%d records may be it: name one of them (%s=ID): %s"):format(number, item.address,
        table.concat(ids, ", "))
    else
      local ok, other = take_one(about, taken, node, item.candidates[1].record)
      if not ok then
        errors[item.address] = "the one record that may be it, " .. ids[1] .. ", is that of " .. other .. ", too"
      end
    end
  end
  return taken
end

-- All that may be taken over. What is found alone counts as taken over, for what hangs on it: one run shows all of it.
local function find_all(work, rows)
  local manifest, list, errors, alone, known, wanted = work.manifest, {}, {}, {}, {}, nil
  local about = { manifest = manifest, accounts = work.store and accounts_of.all(manifest, work.store) }
  for i, row in ipairs(rows) do known[i] = row end
  repeat
    local found, why = adopt.candidates {
      manifest = manifest, rows = known, accounts = about.accounts, addresses = wanted,
      concurrency = work.args.parallel,
    }
    for _, item in ipairs(found) do list[#list + 1] = item end
    local taken = single(about, found, {})
    for _, one in ipairs(taken) do
      local account = adopt.account(about, one.node)
      alone[#alone + 1] = one.node.address
      known[#known + 1] = { address = one.node.address, provider = one.node.provider, resource = one.node.resource,
                            base_url = account.base_url, account = account.account, id = one.record.id,
                            fields = one.record }
    end
    wanted = {}
    for address, err in pairs(why) do
      errors[address] = err
      if err.kind == "invalid" then wanted[#wanted + 1] = address end
    end
    for _, item in ipairs(found) do errors[item.address] = nil end
  until not taken[1] or not wanted[1]
  local function sequence(address) return manifest.record[address].sequence end
  table.sort(list, function(a, b) return sequence(a.address) < sequence(b.address) end)
  table.sort(alone, function(a, b) return sequence(a) < sequence(b) end)
  return list, errors, alone
end

-- The command that takes over what there is no doubt about.
local function tell_command(out, alone)
  if out.json or not alone[1] then return end
  local words = {}
  for i = 1, math.min(#alone, SHOWN) do words[i] = shell_word(alone[i]) end
  if #alone > SHOWN then words[SHOWN + 1] = "…" end
  out:line("those of which there is one are taken over by: luaprov adopt " .. table.concat(words, " "))
end

local function list(work)
  local rows, err = work:rows()
  if not rows then return say.error(work.out, err) end
  local found, errors, alone = find_all(work, rows)
  show(work.out, found)
  local code = tell(work.out, errors, function(why) return why.kind ~= "invalid" and why.kind ~= "unsupported" end)
  tell_command(work.out, alone)
  return code
end

-- ---- what is taken over ----

-- The addresses that are meant, each with the id that is named, or true; an address may have a = in it.
local function read(manifest, words)
  local asked = {}
  for _, word in ipairs(words) do
    local address, id = word, nil
    if not manifest.record[word] then address, id = word:match("^(.-)=([^=]*)$") end
    if not address or not manifest.record[address] or id == "" then
      return nil, "the manifest declares no record " .. (address or word)
        .. near.hint(address or word, tables.keys(manifest.record), 5)
    end
    if asked[address] then return nil, address .. " is named twice" end
    asked[address] = id or true
  end
  return asked
end

-- Those that need none of the others.
local function next_wave(manifest, asked)
  local addresses, ids = {}, {}
  for _, address in ipairs(manifest.order) do
    local ready = asked[address] ~= nil
    for _, other in ipairs(ready and manifest.record[address].needs or {}) do ready = ready and asked[other] == nil end
    if ready and asked[address] == true then addresses[#addresses + 1] = address
    elseif ready then ids[#ids + 1] = address end
  end
  return addresses, ids
end

local function find(work, rows, asked, errors)
  local manifest, has_row, found = work.manifest, {}, {}
  local about = { manifest = manifest, accounts = accounts_of.all(manifest, work.store) }
  local addresses, ids = next_wave(manifest, asked)
  for _, row in ipairs(rows) do has_row[row.address] = true end
  if addresses[1] then
    local why
    found, why = adopt.candidates {
      manifest = manifest, rows = rows, accounts = about.accounts, addresses = addresses,
      concurrency = work.args.parallel,
    }
    for address, err in pairs(why) do errors[address] = err end
  end
  local taken = single(about, found, errors)
  for _, address in ipairs(ids) do
    if has_row[address] then
      errors[address] = "the state has it already (luaprov state rm forgets it)"
    else
      local record, err = adopt.read(manifest, address, asked[address], rows, about.accounts)
      local ok, other = nil, nil
      if record then ok, other = take_one(about, taken, manifest.record[address], record) end
      if not ok then errors[address] = err or asked[address] .. " is that of " .. other .. ", too" end
    end
  end
  for _, list_of in ipairs { addresses, ids } do
    for _, address in ipairs(list_of) do asked[address] = nil end
  end
  return taken
end

-- In waves: what a record needs is taken over before it.
local function take(work, asked)
  local errors = {}
  while next(asked) do
    local rows, err = work:rows()
    if not rows then return say.error(work.out, err) end
    local taken = find(work, rows, asked, errors)
    local ok
    ok, err = taking.take(work, taken, rows, accounts_of.all(work.manifest, work.store))
    if not ok then return say.error(work.out, err) end
  end
  return tell(work.out, errors, function() return true end)
end

function M.run(args, out)
  out.json = args.json
  local takes = args.addresses[1] ~= nil
  local work, code = open.work(args, out, { create = takes })
  if not work then return code end
  if not takes then
    return work:run(list)
  end
  local asked, why = read(work.manifest, args.addresses)
  if not asked then
    work:close()
    return out:wrong(why)
  end
  return work:leased(function() return take(work, asked) end)
end

return M
