--- Every fault that a connection or a vendor can have, for every operation of a provider, against sandboxes in a
--- process of their own: what luaprov reports of a call must be what the vendor has afterwards.
local cells_of = require "luaprov.check.cell"
local far = require "luaprov.check.far"
local plan = require "luaprov.check.plan"
local runtime = require "luaprov.runtime"

local M = {}

local AT_ONCE = 80
local AGAIN, SLOWLY = 4, 5 -- of those that may have failed for want of time: how many at once, and how slowly

--- @param provider table description
--- @param options table|nil only (rows of `luaprov.check.rows`), exchange (what sends requests, in place of
---   http.exchange), at_once (how many cells)
--- @return table[]|nil cells each with reported, found, err, and why, where it does not hold
--- @return luaprov.Error|nil err
function M.run(provider, options)
  options = options or {}
  local cells, err = plan.cells(provider, options.only)
  if not cells then return nil, err end
  local other
  other, err = far.start(provider.file)
  if not other then return nil, err end
  local function run(list, at_once, slowly)
    runtime.map(list, function(cell) cells_of.run(cell, other, options.exchange, slowly) end,
      { concurrency = at_once })
  end
  local ok, why = pcall(function()
    run(cells, options.at_once or AT_ONCE)
    local late = {}
    for _, cell in ipairs(cells) do
      if cells_of.was_late(cell) then late[#late + 1] = cell end
    end
    run(late, AGAIN, SLOWLY)
  end)
  other:stop()
  if not ok then error(why, 0) end
  return cells
end

return M
