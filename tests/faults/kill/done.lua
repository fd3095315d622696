-- The kills that were made with this build and went well: a file, so that hours of them can be cut and gone on with.
local processes = require "tests.faults.kill.processes"

local M = {}

local Done = {}
Done.__index = Done

local function name_of(job) return ("%s\t%s\t%d"):format(job.cell.name, job.pair.name, job.pair.n) end

-- Of another build none was made.
local function build_of(build)
  return (processes.text(("cd '%s' && find bin lib share tests -type f 2>/dev/null | LC_ALL=C sort | xargs sha256sum "
    .. "| sha256sum"):format(build)):match "^%x+")
end

--- @param build string the folder of the build, where the file is
--- @return table done
function M.open(build)
  local path, id, seen, count = build .. "/soak.done", build_of(build), {}, 0
  local file = io.open(path, "rb")
  if file and file:read "*l" == id then
    for line in file:lines() do
      if not seen[line] then count = count + 1 end
      seen[line] = true
    end
  end
  if file then file:close() end
  local out = assert(io.open(path, count > 0 and "ab" or "wb"))
  out:setvbuf "line"
  if count == 0 then out:write(id, "\n") end
  return setmetatable({ path = path, seen = seen, count = count, file = out }, Done)
end

function Done:has(job) return self.seen[name_of(job)] == true end

function Done:add(job)
  self.seen[name_of(job)] = true
  self.file:write(name_of(job), "\n")
end

return M
