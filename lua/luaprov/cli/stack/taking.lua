--- Takes records over that exist at a vendor: their rows go into the state, and what is to be known of them is said.
local adopted = require "luaprov.stack.adopt_row"
local errors = require "luaprov.errors"
local outputs = require "luaprov.stack.output"
local output = require "luaprov.cli.output"
local say = require "luaprov.cli.stack.say"

local M = {}

-- What nobody will see any more is not asked for.
local function write_outputs(node, record, lacking)
  local is_lacking, there = {}, {}
  for _, path in ipairs(lacking) do is_lacking[path] = true end
  for _, one in ipairs(node.outputs or {}) do
    if not is_lacking[one.path] then there[#there + 1] = one end
  end
  return outputs.write({ outputs = there }, record)
end

local function tell(out, node, row, lacking, trusted, faults)
  say.either(out, { type = "event", what = "adopted", address = node.address, id = row.id },
    ("%s is the record with the id %s"):format(output.plain(node.address), say.id(row.id)))
  local function note(message) say.event(out, { what = "note", address = node.address, message = message }) end
  for _, path in ipairs(lacking) do note("the vendor does not show " .. path .. " any more: its output has nothing") end
  for _, fault in ipairs(faults) do note(fault) end
  if trusted[1] then
    note("taken as declared, because the vendor does not show it: " .. table.concat(trusted, ", "))
  end
end

-- What an earlier call may have made there would come to an address that has a record then, in its place.
local function refuse_open(work, found)
  local open, err = work:intents()
  if not open then return nil, err end
  local is_open = {}
  for _, intent in ipairs(open) do is_open[intent.address] = intent.operation end
  for _, one in ipairs(found) do
    local operation = is_open[one.node.address]
    if operation then
      return nil, errors.new { kind = "conflict", outcome = "not_sent",
        message = ("an earlier %s of %s has no known end: luaprov apply or luaprov settle ends it first"):format(
          operation, one.node.address) }
    end
  end
  return true
end

--- @param work luaprov.Work with the lease
--- @param found table[] list of { node, record }
--- @param rows table[] of the state
--- @param accounts table of account.all
--- @return boolean|nil done
--- @return luaprov.Error|luaprov.StoreError|nil err
function M.take(work, found, rows, accounts)
  local ok, err = refuse_open(work, found)
  if not ok then return nil, err end
  local items, told, lookup = {}, {}, adopted.lookup(rows)
  for i, one in ipairs(found) do
    local about = accounts[one.node.alias] or {}
    local fields = adopted.filled(one.node, lookup)
    local row, lacking, trusted = adopted.row(one.node, one.record, {
      fields = fields, base_url = about.base_url, account = about.account, resend = work.args.resend,
    })
    items[i] = { record = row }
    told[i] = { row = row, lacking = lacking, trusted = work.args.resend and {} or trusted }
  end
  ok, err = work.store:commit(items)
  if not ok then return nil, err end
  for i, one in ipairs(found) do
    local about = told[i]
    local faults = write_outputs(one.node, one.record, about.lacking)
    tell(work.out, one.node, about.row, about.lacking, about.trusted, faults)
  end
  return true
end

--- --resend
function M.option(parser)
  parser:flag("--resend", "What the vendor does not show, as passwords, is not known: the next apply sends it "
    .. "(else it is taken to be as declared).")
end

return M
