--- luaprov refresh
local keep = require "luaprov.cli.stack.keep"
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local planning = require "luaprov.cli.stack.planning"
local render = require "luaprov.stack.render"
local say = require "luaprov.cli.stack.say"
local tables = require "luaprov.tables"

local M = {}

function M.configure(parser)
  options.manifest(parser)
  options.state(parser)
  options.looking(parser)
  options.lease(parser)
  options.printing(parser)
  parser:epilog [[
Asks the vendors for every record that the state knows, says what has changed or is gone, and writes
it into the state. What is gone stays there until the next apply, which makes it anew or forgets it.

Examples:
   luaprov refresh
   luaprov refresh --json | jq -r 'select(.gone) | .address']]
end

local function run(work)
  local out = work.out
  local seen, code = planning.state(work, { destroy = true })
  if not seen then return code end
  local ok
  ok, code = planning.look(work, seen)
  if not ok then return code end
  -- Nothing is planned here: what would be wrong with that is not told.
  local plan = keep.drift(work.manifest, seen)
  local err
  ok, err = work.lease:renew()
  if ok then
    ok, err = keep.write(work.store, keep.items(work.manifest, seen.rows, seen.observed, function() return true end))
  end
  if not ok then return say.error(out, err) end
  render.drift(plan, function(text) out:line(text) end, { color = options.color(work.args, 1), json = out.json })
  local total, gone = #seen.rows, 0
  for _, drift in ipairs(plan.drift) do gone = gone + (drift.gone and 1 or 0) end
  for _, address in ipairs(tables.keys(seen.unseen)) do
    say.event(out, { what = "note", address = address, message = "nobody could look: " .. seen.unseen[address] })
  end
  say.either(out, { type = "summary", phase = "refresh", records = total, changed = #plan.drift - gone, gone = gone },
    ("%s, %d changed, %d gone"):format(say.counted(total, "record"), #plan.drift - gone, gone))
  if next(seen.unseen) == nil then return 0 end
  out:note "not everything could be looked at"
  return 1
end

function M.run(args, out)
  out.json = args.json
  local work, code = open.work(args, out, { spare = true })
  if not work then return code end
  if not work.store then return open.no_state(args, out) end
  return work:leased(run)
end

return M
