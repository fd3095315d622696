--- The tables of a state: the same on SQLite and on PostgreSQL. Times are the database's, in milliseconds since 1970.
---
--- What may have any form (ids, keys, parents, fields) is a text of JSON. No column holds a secret: the fields are
--- written as everything is that is shown, and what is kept of a secret is a salted hash.
local digest = require "luaprov.digest"
local errors = require "luaprov.stack.store.errors"

local M = {}

--- The version of the tables below. A state of an older one is changed when it is opened, one of a newer is refused.
M.VERSION = 1

local TABLES = {
  "CREATE TABLE luaprov_meta (name {text} PRIMARY KEY, value {text} NOT NULL)",

  -- What exists, by its address in the manifest.
  [[CREATE TABLE luaprov_records (
    address {text} PRIMARY KEY, provider {text} NOT NULL, resource {text} NOT NULL, id {text},
    base_url {text}, account {text}, key {text}, parents {text}, fields {text}, secrets {text},
    depends_on {text}, protect {text},
    created BIGINT NOT NULL, updated BIGINT NOT NULL)]],

  -- The journal: what we were about to do, and what came of it. `noted` are the ids that had the key before.
  [[CREATE TABLE luaprov_intents (
    id {text} PRIMARY KEY, fence BIGINT NOT NULL, number BIGINT NOT NULL, state {text} NOT NULL,
    address {text} NOT NULL, provider {text} NOT NULL, resource {text} NOT NULL, operation {text} NOT NULL,
    record_id {text}, base_url {text}, account {text}, key {text}, parents {text}, fields {text}, hash {text},
    noted {text}, deadline BIGINT, outcome {text}, result {text}, written BIGINT NOT NULL, settled BIGINT)]],
  -- The open ones are few, however long the journal is.
  "CREATE INDEX luaprov_open_intents ON luaprov_intents (fence, number) WHERE state = 'open'",

  -- One row: who may write. Each holder has a higher fence than the one before.
  [[CREATE TABLE luaprov_lease (
    name {text} PRIMARY KEY, fence BIGINT NOT NULL, token {text}, holder {text}, since BIGINT, ends BIGINT)]],
}

local ADD_META = "INSERT INTO luaprov_meta (name, value) VALUES (?1, ?2)"

--- Makes the tables, all or none.
--- @param db luaprov.Database
--- @param is_there function|nil asked in the transaction: whether somebody else has made them meanwhile
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err
function M.make(db, is_there)
  return db:transaction("write", function()
    if is_there and is_there() then return true end
    for _, sql in ipairs(TABLES) do db:query(sql) end
    db:query(ADD_META, "format", "luaprov state")
    db:query(ADD_META, "schema", tostring(M.VERSION))
    db:query(ADD_META, "salt", digest.random(32))
    db:query("INSERT INTO luaprov_lease (name, fence) VALUES ('apply', 0)")
    return true
  end)
end

--- What the state says of itself; refuses what is not ours to change.
--- @param db luaprov.Database gains its salt
--- @param place string for messages
--- @return boolean|nil ok
--- @return luaprov.StoreError|nil err
function M.check(db, place)
  local meta, err = db:transaction("read", function()
    local found = {}
    for _, row in ipairs(db:query("SELECT name, value FROM luaprov_meta")) do found[row.name] = row.value end
    return found
  end)
  if not meta and err.kind ~= "failed" then return nil, err end
  meta = meta or {} -- a table of that name with other columns
  local version = tonumber(meta.schema)
  if meta.format ~= "luaprov state" or not version or not meta.salt then
    return nil, errors.new("foreign", place .. ": its luaprov_meta is not one of luaprov's; it is left as it is")
  elseif version > M.VERSION then
    return nil, errors.new("newer", ("%s: the state is of schema %s, which a newer luaprov has written; this one knows "
      .. "schemas up to %d"):format(place, meta.schema, M.VERSION))
  end
  db.salt = meta.salt
  return true
end

return M
