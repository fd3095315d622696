-- The two databases, each as what the same specs need of it.
local server = require "tests.store.server"
local support = require "tests.support"

local M = {}

M.sqlite = { name = "SQLite", module = "luaprov.sqlite" }

function M.sqlite.start() end
function M.sqlite.stop() end

--- Where a new state can be.
function M.sqlite.place() return support.folder() .. "/state.db" end

--- The binding itself, on a new and empty database, or on one that is there.
function M.sqlite.connect(place)
  return assert(require("luaprov.sqlite").open(place or M.sqlite.place(), true))
end

M.sqlite.connect_text = "require('luaprov.sqlite').open(%q, true, 60)"

function M.sqlite.sql(text) return (text:gsub("{blob}", "BLOB"):gsub("{real}", "REAL"):gsub("{lock}", "")) end

M.sqlite.codes = { unique = "CONSTRAINT", failed = "ABORT", syntax = "ERROR" }

M.postgres = { name = "PostgreSQL", module = "luaprov.postgres" }

function M.postgres.start() M.postgres.server = server.start() end
function M.postgres.stop() M.postgres.server:stop() end
function M.postgres.place() return M.postgres.server:fresh() end
function M.postgres.connect(place) return assert(require("luaprov.postgres").open(place or M.postgres.place())) end

M.postgres.connect_text = "require('luaprov.postgres').open(%q)"

function M.postgres.sql(text)
  return (text:gsub("{blob}", "BYTEA"):gsub("{real}", "DOUBLE PRECISION"):gsub("{lock}", "FOR UPDATE")
    :gsub("%?(%d+)", "$%1"))
end

M.postgres.codes = { unique = "23505", failed = "25P02", syntax = "42601" }

--- A Lua text in a process of its own, beside this one: `process:read("*a")` waits for its end.
function M.begin(text)
  local path = support.file("script.lua", text)
  return assert(io.popen(("LUA_PATH='%s' LUA_CPATH='%s' %s %s 2>&1"):format(package.path, package.cpath,
    support.interpreter, path), "r"))
end

return M
