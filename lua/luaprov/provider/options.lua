--- Which options each word of a provider file takes, and of what type. `compile` refuses every other.
local errors = require "luaprov.errors"
local words = require "luaprov.provider.words"

local unpack_ = table.unpack or unpack -- luacheck: ignore 113 143

local M = {}

-- Each check returns true, or what should have been there.
local function a(kind)
  return function(value) return type(value) == kind or "a " .. kind end
end
local number, boolean, fn, map = a "number", a "boolean", a "function", a "table"
local text_or_empty = a "string"
local text = function(value) return type(value) == "string" and value ~= "" or "a string" end

local function list_of_text(value)
  if type(value) ~= "table" then return "a list of names" end
  for _, item in ipairs(value) do
    if text(item) ~= true then return "a list of names" end
  end
  return #value > 0 or "a list of names"
end

local function any_of(...)
  local checks = { ... }
  return function(value)
    local wanted = {}
    for i, check in ipairs(checks) do
      local verdict = check(value)
      if verdict == true then return true end
      wanted[i] = verdict
    end
    return table.concat(wanted, " or ")
  end
end

local function one_of(...)
  local names = { ... }
  return function(value)
    for _, name in ipairs(names) do
      if value == name then return true end
    end
    return "'" .. table.concat(names, "' or '") .. "'"
  end
end

local function count(value)
  return type(value) == "number" and value >= 0 and value % 1 == 0 or "a whole number"
end

-- Lua reads a pattern only as far as a text matches it, so trying one finds little: its brackets are counted too.
local function pattern(value)
  if type(value) ~= "string" then return "a Lua pattern" end
  local depth, rest = 0, value:gsub("%%b..", "x"):gsub("%%.", "x"):gsub("%[%^", "["):gsub("%[.[^%]]*%]", "")
  for c in rest:gmatch("[()]") do
    depth = depth + (c == "(" and 1 or -1)
    if depth < 0 then break end
  end
  -- %f wants a set; what %1 means depends on the text before it.
  if value:gsub("%%%%", ""):find("%%f[^%[]") or value:gsub("%%%%", ""):find("%%f$") then depth = -1 end
  if value:gsub("%%%%", ""):find("%%%d") then depth = -1 end
  local well_formed = depth == 0 and not rest:find("[", 1, true) and not rest:find("%", 1, true)
  return well_formed and pcall(string.find, "", value) or "a Lua pattern (this one is malformed)"
end

local function format_of_number(value)
  local fits = type(value) == "string" and value:gsub("%%%%", ""):find("^[^%%]*%%0?%d?%d?d[^%%]*$")
  return fits and true or "a format of string.format for one whole number"
end

local function status(value)
  return count(value) == true and value >= 100 and value <= 599 or "an HTTP status"
end

local function list_of_statuses(value)
  if type(value) ~= "table" then return "a list of them" end
  for _, item in ipairs(value) do
    if status(item) ~= true then return "a list of them" end
  end
  return #value > 0 or "a list of them"
end

-- A body path is where something stands in an answer, "data.phones.1.id": names, and for items of a list their numbers,
-- counted from 1; "." is the whole body.
local function counts_from_one(value)
  for key in value:gmatch("[^.]+") do
    if key:find("^%-?%d+$") and tonumber(key) < 1 then
      return "a body path whose indexes count from 1 ('" .. value .. "' has " .. key .. ")"
    end
  end
  return true
end

local function body_path(value)
  if text(value) ~= true then return "a string" end
  return counts_from_one(value)
end

-- One, or a list of them: the first that is there counts.
local function path(value)
  if type(value) == "string" and value ~= "" then return counts_from_one(value) end
  if list_of_text(value) ~= true then return "a string or a list of names" end
  for _, item in ipairs(value) do
    local verdict = counts_from_one(item)
    if verdict ~= true then return verdict end
  end
  return true
end

-- Where an id is: a body path, `location`, or a list of them.
local function id_source(value)
  local wanted = "a body path, location, or a list of them"
  if type(value) == "string" and value ~= "" then return counts_from_one(value) end
  if value == words.location then return true end
  if type(value) ~= "table" or #value == 0 then return wanted end
  for _, item in ipairs(value) do
    if type(item) == "table" and item ~= words.location then return wanted end
    local verdict = id_source(item)
    if verdict ~= true then return verdict end
  end
  return true
end
local anything = function() return true end

local function with(base, more)
  local all = {}
  for name, check in pairs(base) do all[name] = check end
  for name, check in pairs(more) do all[name] = check end
  return all
end

-- What every field takes:
--   about     what it is, for people
--   required  create refuses a table without it
--   fixed     cannot change after create; "ignored": the vendor ignores a change in silence
--   computed  comes with answers only, is never sent
--   default   what create sends where the table has nothing
--   path      is a part of the path, not of the body
--   sent_as   "string": a number or boolean travels as text
--   as        its name on the wire, where that is another (credentials only)
--   parent    for the sandbox, in the resource itself: the resource whose id it is. That record must be there when this
--             one is created, and takes it along when it is removed
--   example   for the sandbox: what its records have where nothing was sent, of the field's type, or a text with
--             placeholders (`example` below); of a setting or credential: the value that lets a client in, as it stands
local field = { about = text, required = boolean, fixed = any_of(boolean, one_of "ignored"), computed = boolean,
                default = anything, path = boolean, sent_as = one_of "string", as = text, parent = text,
                example = anything }

-- What every operation takes; `expect` is 200 by default. The sandbox answers with the first of them.
--   envelope  for the sandbox: a table, what an answer has around its record or list, which it puts where `record` or
--             `items` says. Placeholders as below: {now}, and of a list {page} {size} {offset} {count} {total}
local operation = { path = text, expect = any_of(status, list_of_statuses), headers = map, envelope = map }

-- Where an answer has the record; `returns = "nothing"`: it has none, which is then read back.
local record = { record = path, id = id_source, returns = one_of "nothing" }

--- For the sandbox: what may stand in braces, by the word that it stands in. A text that is one placeholder and nothing
--- else becomes its value, of whatever type, and goes away where there is none; in a longer text it is put in as text.
M.placeholders = {
  -- `example` of a field, and each text in `example` of a resource
  example = {
    "id",           -- the record's own, a number where `ids = "number"`
    "uuid",         -- a new one wherever it stands
    "now",          -- when the record was made: 2026-01-31T12:00:00.0000000Z
    "changed",      -- when it was changed last, or made; an example with it is made anew by every update
    "date",         -- as now, in the form 2026-01-31 12:00:00
    "changed_date", -- as changed, in that form
  },
  -- `envelope` of create, get, update and delete
  envelope = {
    "now",          -- the time of the answer: 2026-01-31T12:00:00.0000000Z
  },
  -- `envelope` of list
  ["envelope of a list"] = {
    "now",          -- as above
    "page",         -- the number of the page, as it was asked for; the first where none was
    "size",         -- how many records a page has at most; all where there are no pages
    "offset",       -- how many records stand before this page
    "count",        -- how many are on it
    "total",        -- how many there are on all pages
  },
  -- `envelope` of token_request: as it stands
  ["envelope of a token"] = {},
  -- `errors.body`, and `body` within `when`
  error = {
    "status",       -- of the answer, a number
    "reason",       -- what it says in words: Not found
    "code",         -- as `when` has it
    "spelled",      -- the code as `codes` writes it
    "message",      -- ours, or that of `when`
    "path",         -- the field that the error is about: settings.port
    "trace_id",     -- a new one each time
    "now",          -- the time of the answer: 2026-01-31T12:00:00.0000000Z
    "request",      -- the body of the request, decoded
  },
  -- `message` within `when`
  message = {
    "path",         -- the field that the error is about
  },
  -- `limits.headers`, of the window that has the fewest calls left
  ["header of limits"] = {
    "limit",        -- how many calls it allows
    "remaining",    -- how many of them are left
    "reset",        -- in how many whole seconds it ends
    "reset_at",     -- when it ends, in seconds since 1970
  },
}

M.of = {
  text    = with(field, { min = count, max = count, pattern = pattern }),  -- min, max: characters
  secret  = with(field, { min = count, max = count, pattern = pattern }),
  url     = with(field, {}),
  integer = with(field, { min = number, max = number }),
  boolean = with(field, {}),
  choice  = with(field, { values = map, codes = map }),  -- codes: what an answer may have in a value's place
  list    = with(field, {
    of = anything, min = count, max = count,
    any_order = boolean,                  -- its order means nothing: in another order it is the same list
  }),
  group   = with(field, {
    -- fields that the file does not name: "pass" them on; the vendor would refuse them, or has them "ignored"
    unknown  = one_of("refuse", "pass", "ignored"),
    any_case = boolean,                   -- answers spell its keys in any case
    whole    = boolean,                   -- an update replaces it whole, so it must be whole
  }),

  provider = {
    title = text, base_url = text, auth = anything,
    headers = map,                        -- of every call
    errors = any_of(map, fn),             -- a form as below, a list of them, or a function in place of a form
    -- { { calls, per = seconds }, …, at_once = calls in flight, headers = { NAME = text } }. The headers tell what is
    -- left, with placeholders as above. The sandbox refuses what is more with 429; all its other answers to who is let
    -- in have them.
    limits = map,
  },
  resource = {
    about = text, path = text,
    id = text,                            -- the record's own name for its id
    key = list_of_text, unique = boolean, -- how to recognise a record; whether the vendor refuses a second
    -- seconds after which a new record is in the lists at the latest, also when who asked for it has gone (10)
    settles_in = number,
    unknown = one_of("refuse", "pass", "ignored"),
    -- For the sandbox:
    ids = one_of("digits", "number", "uuid"), -- what ids look like: digits in a text (so it is by default), a number, …
    example = map,                        -- what else its records have: name -> value, as a field's `example`
    records = map,                        -- what is there from the start: a list of tables of fields, as they stand
    when = map,                           -- as that of errors, for this resource; goes before that one
    create = anything, get = anything, update = anything, delete = anything, list = anything,
  },
  ["create operation"] = with(operation, record),
  ["get operation"]    = with(operation, { record = path, id = id_source }),
  ["update operation"] = with(operation, with(record, {
    sends = one_of("changes", "whole", "merge_patch", "json_patch"),
  })),
  ["delete operation"] = operation,
  ["list operation"]   = with(operation, {
    items = path, pages = anything,
    query = list_of_text,                 -- the names of its filters
    shows = list_of_text,                 -- for the sandbox: what a listed record has of its fields, where not all
  }),
  bearer = {},
  token_request = {
    url = text,
    encoding = text,                      -- of what is sent: form (by default), json, query, or the name of a setting
                                          -- that is a choice among these
    constant = map,                       -- what is sent beside the credentials: name -> value
    token = body_path, expires_in = body_path,  -- where the answer has them; expires_in in seconds
    lifetime = number,                    -- seconds, where the answer does not say
    rotates = text,                       -- the credential that the answer's field of that name replaces
    envelope = map,                       -- for the sandbox: what else the answer has, as it stands
  },
  -- For the sandbox, one problem of `when`: the status (where absent, that of problems.lua), the code, the message, and
  -- a body in place of that of the form; in message and body placeholders as above.
  when = { status = status, code = any_of(number, text), message = text, body = any_of(map, text_or_empty) },
  -- size: how many records a client asks for; default, max: how many a page of the vendor has where nobody asks, and at
  -- most (a request for more is refused), for the sandbox
  numbered = { query = text, first = count, size = count, default = count, max = count, total = body_path },
  offsets  = { query = text, size = count, default = count, max = count, total = body_path },
  errors = {
    message = path, trace_id = path, code = body_path,
    items = body_path,                    -- a list of errors: message and code are then within each
    codes = format_of_number,             -- how the documentation writes a code: a format of string.format
    strip = pattern,                      -- what to leave out of a message
    kinds = map,                          -- code -> kind; a number, or its digits, stands for what `codes` makes of it
    outcomes = map,                       -- code -> outcome, where the vendor says what it kept; codes as above
    kind = one_of(unpack_(errors.kinds)), -- of every error of this form
    says = map,                           -- words of a message, in any case -> kind
    in_success = boolean,                 -- answers with a good status may have it, too
    read = fn,                            -- reads an answer in place of all the above
    -- For the sandbox:
    body = any_of(map, text),             -- what it answers, with placeholders as above. The first item of a list at
                                          -- `items` stands for every error. Where absent it is made of the paths here
    when = map,                           -- problem -> how the vendor puts it: `when` above. problems.lua has the names
  },
}

--- @param word string
--- @return string[] names
function M.names(word)
  local names = {}
  for name in pairs(M.of[word]) do names[#names + 1] = name end
  table.sort(names)
  return names
end

return M
