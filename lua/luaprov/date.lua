--- Dates of HTTP, and what time it is for a vendor.
local M = {}

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
                 Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

-- Days since 1970-01-01 of a date of the Gregorian calendar: os.time would read it as local time.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function seconds(year, month, day, hour, min, sec)
  if not MONTHS[month] then return nil end
  return days(tonumber(year), MONTHS[month], tonumber(day)) * 86400 + hour * 3600 + min * 60 + sec
end

local FIFTY_YEARS = 50 * 365.2425 * 86400

-- RFC 9110, 5.6.7: what would lie more than fifty years ahead was in the past.
local function in_its_century(text)
  local day, month, year, hour, min, sec = text:match("^%a+, (%d%d)%-(%a%a%a)%-(%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  if not day then return nil end
  local now = os.time()
  year = tonumber(year) + 100 + 100 * math.floor(tonumber(os.date("!%Y", now)) / 100)
  local at
  repeat
    at = seconds(year, month, day, hour, min, sec)
    year = year - 100
  until not at or at <= now + FIFTY_YEARS
  return at
end

--- RFC 9110, 5.6.7: the form of a date that may be sent, and the two obsolete ones that are still to be read.
--- @param text string|nil
--- @return number|nil seconds since 1970; nil for what cannot be read
function M.read(text)
  if not text then return nil end
  local day, month, year, hour, min, sec = text:match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  if not day then -- asctime
    month, day, hour, min, sec, year = text:match("^%a%a%a (%a%a%a) ([ %d]%d) (%d%d):(%d%d):(%d%d) (%d%d%d%d)$")
  end
  if not day then return in_its_century(text) end
  return seconds(year, month, day, hour, min, sec)
end

--- What time it is for whoever sent an answer: its clock need not be ours.
--- @param headers table names in lower case
--- @return number seconds since 1970
function M.now(headers) return M.read(headers.date) or os.time() end

return M
