--- What a command of a stack works on: the manifest, the state, and who may write it.
---
---   local work, code = open.work(args, out, { create = true })
---   work.manifest, work.store (nil: there is no state yet), work.lease
---   work:rows(), work:intents(), work:accounts()
---   work:close()
local core = require "luaprov.core"
local guards = require "luaprov.stack.guard"
local manifests = require "luaprov.stack.manifest"
local options = require "luaprov.cli.stack.options"
local say = require "luaprov.cli.stack.say"
local store_errors = require "luaprov.stack.store.errors"
local stores = require "luaprov.stack.store"

local M = {}

local LEASE = 60 -- seconds

---@class luaprov.Work
local Work = {}
Work.__index = Work

local function no_manifest(args, file, why)
  if args.file then return "there is no manifest " .. file .. " (" .. tostring(why):gsub("^.*: ", "") .. ")" end
  return "there is no manifest " .. file .. " in this folder: go to its folder, or name it by --file"
end

--- @param args table file, vars
--- @param out luaprov.Output
--- @param spare boolean|nil accounts may lack credentials, as manifest.load has it
--- @return table|nil manifest
--- @return integer|nil code the exit code, when there is none
function M.manifest(args, out, spare)
  local file = args.file or manifests.FILE
  local vars, why = options.vars(args.vars)
  if not vars then return nil, out:wrong(why) end
  local handle
  handle, why = io.open(file, "rb")
  if not handle then return nil, out:wrong(no_manifest(args, file, why)) end
  handle:close()
  local manifest, err = manifests.load(file, { vars = vars, spare = spare })
  if not manifest then return nil, say.error(out, err) end
  return manifest
end

--- @param args table state, file
--- @param out luaprov.Output
--- @param create boolean|nil one that is missing is made
--- @return luaprov.Store|nil store nil and no code: there is none, and none was to be made
--- @return integer|nil code the exit code, when it cannot be opened
function M.store(args, out, create)
  if args.state == "" then return nil, out:wrong "--state takes the path of a file, or a URL of PostgreSQL" end
  local place = options.place(args, function(text) out:note(text) end)
  local scheme = type(place) == "string" and place:match("^(%a[%w+.-]*)://")
  if scheme then
    -- What stands after it may be a password.
    return nil, out:wrong("a state is a file, or at a URL of PostgreSQL (postgresql://…), not at one of " .. scheme)
  end
  local store, err = stores.open(place, { create = create and true or false })
  if store then return store end
  if err.kind == "missing" and not create then return nil end
  return nil, say.error(out, err)
end

--- Says that there is none.
--- @return integer code the exit code
function M.no_state(args, out)
  local _, shown = options.place(args, function() end)
  return say.no(out, "there is no state at " .. shown .. ": go to the manifest's folder, or say where it is by --file "
    .. "or --state; luaprov apply makes it")
end

--- An error of a store; of one that is about a row's text it is said where that row is.
--- @param args table state, file
--- @param err any
--- @return any err
function M.placed(args, err)
  if store_errors.is(err) and err.address and not err.placed then
    local _, shown = options.place(args, function() end)
    err.message, err.placed = shown .. ": " .. err.message, true
  end
  return err
end

--- All of it.
--- @param args table file, vars, state
--- @param out luaprov.Output
--- @param wanted table create: a state that is missing is made; spare: as for M.manifest
--- @return luaprov.Work|nil
--- @return integer|nil code the exit code, when it could not be had
function M.work(args, out, wanted)
  -- What lives long is made once: less memory than by generations, in the same time. LuaJIT knows no other way.
  pcall(collectgarbage, "incremental")
  collectgarbage("setpause", 180)
  local manifest, code = M.manifest(args, out, wanted.spare)
  if not manifest then return nil, code end
  local store
  store, code = M.store(args, out, wanted.create)
  if code then return nil, code end
  return setmetatable({ args = args, out = out, manifest = manifest, store = store }, Work)
end

--- The same without a manifest.
function M.state(args, out, wanted)
  local store, code = M.store(args, out, wanted and wanted.create)
  if code then return nil, code end
  if store then return setmetatable({ args = args, out = out, store = store }, Work) end
  return nil, M.no_state(args, out)
end

--- The rows of the state. None where there is no state.
--- @param as_texts boolean|nil as for Store:records
--- @return table[]|nil rows
--- @return luaprov.StoreError|nil err
function Work:rows(as_texts)
  if not self.store then return {} end
  local rows, err = self.store:records(as_texts)
  return rows, M.placed(self.args, err)
end

--- What earlier runs have begun and not ended.
function Work:intents()
  if not self.store then return {} end
  return self.store:open_intents()
end

--- How long the lease is: as the command line says, or as long as a call may take.
--- @return boolean|nil ok
--- @return integer|nil code the exit code, when what the command line says is too short
function Work:bound()
  local usual, least = 1, 1
  if self.manifest then usual, least = guards.seconds(self.manifest) end
  local seconds = self.args.lease or math.max(LEASE, usual)
  if seconds < least then
    return nil, self.out:wrong(("--lease must be at least %d: a call may take that long, and nothing is sent that "
      .. "could be acted on after the lease"):format(math.ceil(least)))
  end
  self.seconds = seconds
  return true
end

local function first_line(path)
  local file = io.open(path, "r")
  local line = file and file:read("*l")
  if file then file:close() end
  return line
end

local function host() return first_line "/proc/sys/kernel/hostname" or "this machine" end

-- Who this is, for whoever waits.
local function holder(command)
  local stat = first_line "/proc/self/stat"
  local pid = stat and stat:match("^%d+")
  return ("%s@%s (luaprov %s%s)"):format(os.getenv "USER" or os.getenv "LOGNAME" or "somebody", host(), command,
    pid and ", process " .. pid or "")
end

-- Why one waits for somebody who may be dead: the dead send nothing more, but what they have sent may be acted on.
-- Until when, their lease alone says: a call is tried again under the intent that it has.
local function why_wait(text)
  local where, pid = text:match "@(.-) %(.*, process (%d+)%)$"
  if where == host() and not first_line("/proc/" .. pid .. "/stat") then
    return "no such process runs on this machine any more, but what it has sent may be acted on until then"
  end
  return "if it was killed, what it has sent may be acted on until then"
end

--- Takes the lease, and waits for whoever has it: until their time is over, for they may be dead.
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err
function Work:take()
  local args, told = self.args, false
  local function ask(wait)
    return self.store:lease {
      holder = holder(self.out.command), seconds = self.seconds, wait = wait,
      on_wait = function(err)
        if told then return end
        told = true
        self.out:note(("%s; waiting up to %d s: %s"):format(err.message, math.ceil(wait), why_wait(err.holder)))
      end,
    }
  end
  local lease, err = ask(0)
  if not lease and err.kind == "held" and args.wait ~= 0 then
    -- A little more: their clock is the database's, and ours is not.
    lease, err = ask(args.wait or err.left + 1)
  end
  self.lease = lease
  return lease and true or nil, err
end

-- Gives the lease back. Where something is on its way it lasts until that is over.
local function release(self)
  if not self.lease or self.lease.lost then return end
  if self.sending and not self.over_at then return end
  self.lease:release(math.max(self.left_until or 0, self.sending and self.over_at or 0))
end

--- Runs `work(self)` with the lease, and gives it back unless `self.sending` says that something may be on its way
--- (until `self.over_at`, seconds of core.now(), or for as long as the lease lasts), or `self.left_until` that what an
--- earlier run has left may.
--- @param work function returns the exit code
--- @return integer code
function Work:leased(work)
  -- A reader that has gone must not end this with the lease in its hands.
  core.ignore_sigpipe()
  local ok, code = self:bound()
  if not ok then
    self:close()
    return code
  end
  local err
  ok, err = self:take()
  if not ok then
    self:close()
    return say.error(self.out, err)
  end
  return self:run(function()
    local done, result = pcall(work, self)
    -- What was to be done is done; that the lease stays for its time is no failure of it.
    pcall(release, self)
    if not done then error(result, 0) end
    return result
  end)
end

--- Runs `work(self)`, and closes all of it. What is wrong with the state is told as an error.
--- @param work function returns the exit code
--- @return integer code
function Work:run(work)
  local ok, code = pcall(work, self)
  self:close()
  if ok then return code end
  if store_errors.is(code) then return say.error(self.out, M.placed(self.args, code)) end
  error(code, 0)
end

function Work:close()
  if self.store then self.store:close() end
  self.store = nil
end

return M
