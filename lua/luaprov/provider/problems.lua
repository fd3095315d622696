--- What a vendor may find wrong with a request, by the names that a provider file's `when` uses, and what it answers
--- where the file says nothing better. Names and statuses follow RFC 9110, 15.5.
local tables = require "luaprov.tables"

local M = {}

M.status = {
  unauthorized = 401, -- no token, or one that it does not know
  expired      = 401, -- a token that was good
  credentials  = 401, -- of a token request
  not_found    = 404,
  method       = 405,
  body         = 400, -- none, or no JSON
  header       = 400, -- one that the operation wants is not there
  required     = 400, -- the rest is about a field: absent,
  type         = 400, -- of another type,
  value        = 400, -- none of its values, or not of its pattern,
  range        = 400, -- too small or large, too short or long,
  unknown      = 400, -- not one of the resource's,
  fixed        = 400, -- changed, and it cannot change
  exists       = 409, -- a record with this key is there already
  rate_limited = 429,
}

--- @return string[] names sorted
function M.names() return tables.keys(M.status) end

return M
