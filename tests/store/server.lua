-- A PostgreSQL server of one's own, on a free port, in a folder of its own, as an unprivileged user: as Debian's
-- package `postgresql` installs it.
local place = require "tests.packages.place"
local socket = require "socket"
local support = require "tests.support"

local M = {}
M.__index = M

M.PASSWORD = "s3cret-of-the-state"

local function programs()
  local folder = place.done("ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1")
  assert(folder ~= "", "there is no PostgreSQL: apt-get install postgresql")
  return folder
end

-- It refuses to be root. It ends with whoever started it, however that ends; and it is nobody's to look into for leaks.
local function as_user(is_server)
  local root = place.done("id -u") == "0"
  return "env -u LD_PRELOAD -u ASAN_OPTIONS -u LSAN_OPTIONS LC_ALL=C setpriv "
    .. (is_server and "--pdeathsig=INT " or "")
    .. (root and "--reuid=postgres --regid=postgres --init-groups " or "--clear-groups 2>/dev/null env ")
end

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

--- @param limit integer|nil bytes that no file of its may grow beyond
--- @return table server url, port, pid
function M.start(limit)
  local self = setmetatable({ folder = support.folder(), programs = programs(), log = {}, limit = limit }, M)
  place.done(("printf %%s %s > %s/password && if [ $(id -u) = 0 ]; then chown -R postgres %s; fi"):format(M.PASSWORD,
    self.folder, self.folder))
  place.done(("cd %s && %s%s/initdb -D data --no-sync --no-instructions --wal-segsize=1 -E UTF8 --locale=C "
    .. "--auth=scram-sha-256 -U luaprov --pwfile=password"):format(self.folder, as_user(), self.programs))
  -- Somebody else may be given the port meanwhile.
  for _ = 1, 5 do
    self.port = free_port()
    if self:run() then
      self.url = ("postgresql://luaprov:%s@127.0.0.1:%d/postgres"):format(M.PASSWORD, self.port)
      return self
    end
  end
  error("PostgreSQL did not start: " .. table.concat(self.log, "\n"))
end

--- Runs it, where it was stopped.
--- @return boolean
function M:run()
  local limit = self.limit and ("ulimit -f %d; "):format(self.limit / 512) or ""
  -- What clients do wrong is not logged: nobody reads the pipe while they do it.
  local settings = "-c listen_addresses=127.0.0.1 -c log_min_messages=log -c max_wal_size=32MB -c min_wal_size=2MB"
  self.pipe = assert(io.popen(("cd %s && echo $$ && %sexec %s%s/postgres -D data -k %s -p %d %s 2>&1"):format(
    self.folder, limit, as_user(true), self.programs, self.folder, self.port, settings), "r"))
  self.pid = self.pipe:read("*l")
  for line in self.pipe:lines() do
    self.log[#self.log + 1] = line
    if line:find("ready to accept connections", 1, true) then return true end
  end
  self.pipe:close()
  self.pipe = nil
  return false
end

--- Stops it and waits until it has ended.
--- @param signal string|nil "QUIT": at once, without a word; INT by default
function M:stop(signal)
  if not self.pipe then return end
  os.execute(("kill -%s %s"):format(signal or "INT", self.pid))
  self.log[#self.log + 1] = self.pipe:read("*a")
  self.pipe:close()
  self.pipe = nil
end

--- Has nothing logged of what its clients do, for clients that are killed by the thousand: that one has gone in the
--- middle of a transaction is logged, and with the pipe full, which nobody reads, its backend waits for ever and keeps
--- its locks.
function M:quiet()
  local db = assert(require("luaprov.postgres").open(self.url))
  assert(db:query "ALTER ROLE luaprov SET log_min_messages = 'panic'")
  db:close()
end

--- A URL with a new, empty schema of its own.
function M:fresh()
  self.schemas = (self.schemas or 0) + 1
  local db = assert(require("luaprov.postgres").open(self.url))
  assert(db:query("CREATE SCHEMA t" .. self.schemas))
  db:close()
  return ("%s?options=-csearch_path%%3Dt%d"):format(self.url, self.schemas)
end

return M
