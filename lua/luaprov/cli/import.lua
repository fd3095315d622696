--- luaprov import ADDRESS ID
local accounts_of = require "luaprov.stack.account"
local adopt = require "luaprov.stack.adopt"
local near = require "luaprov.near"
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local say = require "luaprov.cli.stack.say"
local tables = require "luaprov.tables"
local taking = require "luaprov.cli.stack.taking"

local M = {}

function M.configure(parser)
  parser:argument("address", "A record that the manifest declares."):argname("<address>")
  parser:argument("id", "Its id at the vendor."):argname("<id>")
  taking.option(parser)
  options.manifest(parser)
  options.state(parser)
  options.lease(parser)
  options.printing(parser)
  parser:epilog [[
From then on the record with this id is the one that the manifest declares; nothing is changed at the
vendor. luaprov plan shows what differs.

Examples:
   luaprov import acme.phones.desk 7f0c0f6e-52f7-4b33-8d1c-3a8b9a1e0b11
   luaprov import acme.lines.sms 1165 --resend]]
end

local function run(work)
  local args, out = work.args, work.out
  local rows, err = work:rows()
  if not rows then return say.error(out, err) end
  for _, row in ipairs(rows) do
    if row.address == args.address then
      return say.no(out, args.address .. " is in the state already, with the id " .. say.id(row.id)
        .. " (luaprov state rm forgets it)")
    end
  end
  local record
  local accounts = accounts_of.all(work.manifest, work.store)
  record, err = adopt.read(work.manifest, args.address, args.id, rows, accounts)
  if not record then return say.error(out, err) end
  local ok
  ok, err = taking.take(work, { { node = work.manifest.record[args.address], record = record } }, rows, accounts)
  return ok and 0 or say.error(out, err)
end

function M.run(args, out)
  out.json = args.json
  local work, code = open.work(args, out, { create = true })
  if not work then return code end
  if not work.manifest.record[args.address] then
    work:close()
    return out:wrong("the manifest declares no record " .. args.address
      .. near.hint(args.address, tables.keys(work.manifest.record), 5))
  end
  return work:leased(run)
end

return M
