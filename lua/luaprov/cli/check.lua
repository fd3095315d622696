--- luaprov check PROVIDER
local find = require "luaprov.cli.find"
local near = require "luaprov.near"
local output = require "luaprov.cli.output"

local M = {}

function M.configure(parser)
  parser:argument("provider", "A provider's name, or the path of a provider file.")
  parser:option("--only", "A fault, or the first part of several faults' names; may be repeated (default: all).")
    :argname("<fault>"):count("*")
  output.add_options(parser)
  parser:epilog [[
Every fault that a connection or a vendor can have strikes every operation, once and always, against
sandboxes in another process. What is reported of each call must be what the vendor has afterwards,
and as much as can be known; the exit code is 1 when it is not.

Examples:
   luaprov check acme
   luaprov check ./acme.lua --only closed --only 429
   luaprov check ./acme.lua --json | jq 'select(.holds | not)']]
end

-- The rows that are asked for; or an exit code.
local function wanted(names, out)
  if #names == 0 then return nil end
  local rows = require "luaprov.check.rows"
  local only, has = {}, {}
  for _, name in ipairs(names) do
    local own = rows.named(name)
    if #own == 0 then
      local all = {}
      for i, row in ipairs(rows) do all[i] = row.name end
      return nil, out:wrong("--only: there is no fault '" .. name .. "'" .. near.hint(name, all, #all))
    end
    for _, row in ipairs(own) do
      if not has[row] then only[#only + 1] = row end
      has[row] = true
    end
  end
  return only
end

function M.run(args, out)
  local only, code = wanted(args.only, out)
  if code then return code end
  local provider
  provider, code = find.provider(args.provider, out)
  if not provider then return code end
  local now = require("luaprov.http").now
  local began = now()
  local cells, err = require("luaprov.check").run(provider, { only = only })
  if not cells then return out:error(err) end
  local report, wrong = require "luaprov.check.report", {}
  for _, cell in ipairs(cells) do
    if cell.why then wrong[#wrong + 1] = cell end
    if out.json then out:value(report.plain(cell)) end
  end
  if not out.json then
    for _, lines in ipairs(report.tables(cells)) do
      out:columns(lines)
      out:line("")
    end
    for _, cell in ipairs(wrong) do out:line("! " .. output.plain(report.line(cell))) end
    out:line(report.legend)
    out:line(("%d cells in %.1f s, %s"):format(#cells, now() - began,
      #wrong == 0 and "all hold" or #wrong .. " do not hold"))
  elseif #wrong > 0 then
    out:note(("%d of %d cells do not hold"):format(#wrong, #cells))
  end
  return #wrong == 0 and 0 or 1
end

return M
