--- How far something is: a line at the end of a terminal, which goes when it is over. On a pipe there is none.
local core = require "luaprov.core"
local duration = require("luaprov.stack.render").duration
local output = require "luaprov.cli.output"
local runtime = require "luaprov.runtime"
local width = require "luaprov.cli.width"

local M = {}

local PAUSE = 0.2 -- seconds between two drawings
local COLUMNS = 80

local Line = {}
Line.__index = Line

-- One that is as wide as the terminal would go on in the next line, and stay there. Shells do not export COLUMNS.
local function columns()
  return math.max(1, (core.columns(2) or tonumber(os.getenv "COLUMNS" or "") or COLUMNS) - 1)
end

-- The accounts of which somebody waits for a turn.
local function waiting(manifest)
  local names = {}
  for _, account in ipairs(manifest.accounts) do
    local limiter = account.state and account.state.limiter()
    if limiter and limiter:is_awaited() then names[#names + 1] = account.alias end
  end
  return names
end

--- The words of a line.
--- @param about table what, done, total, seconds (since it began), least (seconds that it takes at least, or nil),
---   waits (list of accounts)
--- @return string
function M.text(about)
  local parts = { ("%s %d of %d"):format(about.what, about.done, about.total) }
  local left = about.least and about.least - about.seconds or 0
  if about.done > 0 and about.seconds > 0 then
    local rate = about.done / about.seconds
    parts[#parts + 1] = (rate >= 10 and "%.0f a second" or "%.1f a second"):format(rate)
    left = math.max(left, (about.total - about.done) / rate)
  end
  if left > 0 then parts[#parts + 1] = duration(left) .. " left" end
  if #about.waits > 0 then parts[#parts + 1] = "waits for a limit: " .. table.concat(about.waits, ", ") end
  return table.concat(parts, ", ")
end

local function draw(self)
  self.drawn = core.now()
  local text = M.text {
    what = self.what, done = self.now_done, total = self.total, seconds = core.now() - self.began, least = self.least,
    waits = waiting(self.manifest),
  }
  io.stderr:write("\r\27[K", width.cut(output.plain(text), columns()))
  self.is_there = true
end

-- What waits for a limit has no events: it is looked at now and then.
local function tick(self)
  while not self.over do
    if self.total then draw(self) end
    runtime.sleep(PAUSE)
  end
end

--- @param args table json
--- @param what string a word: applying, looking
--- @param manifest table
--- @param options table|nil total, least
function M.new(args, what, manifest, options)
  options = options or {}
  local self = setmetatable({
    what = what, manifest = manifest, began = core.now(), now_done = 0, total = options.total, least = options.least,
  }, Line)
  self.wanted = not args.json and core.isatty(2) and os.getenv "TERM" ~= "dumb"
  if self.wanted then self.task = runtime.spawn(tick, self) end
  return self
end

--- So many are done now.
function Line:at(done, total)
  self.now_done, self.total = done, total or self.total
  if self.wanted and self.total and core.now() - (self.drawn or 0) >= PAUSE then draw(self) end
end

--- Makes room for another line.
function Line:clear()
  if not self.is_there then return end
  io.stderr:write("\r\27[K")
  self.is_there = false
end

--- It is over.
function Line:done()
  self.over = true
  if self.task then self.task:cancel() end
  self:clear()
end

return M
