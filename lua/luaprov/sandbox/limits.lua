--- A provider file's limits, kept as a vendor keeps them: fixed windows, per account, that count what arrives.
local M = {}
M.__index = M

--- @param windows table[] { calls, per = seconds } each
--- @param now function -> seconds
function M.new(windows, now) return setmetatable({ windows = windows, now = now, accounts = {}, count = 0 }, M) end

local MANY = 10000 -- accounts; beyond, those whose windows are over go

local function forget(self, now)
  local longest = 0
  for _, window in ipairs(self.windows) do longest = math.max(longest, window.per) end
  for name, account in pairs(self.accounts) do
    if now - account.seen > longest then
      self.accounts[name] = nil
      self.count = self.count - 1
    end
  end
end

--- Counts one call of an account.
--- @param name string
--- @return table state limit, remaining, reset (seconds, whole) of the window that is nearest to its end
--- @return boolean refused
function M:count_call(name)
  local now = self.now()
  local account = self.accounts[name]
  if not account then
    if self.count >= MANY then forget(self, now) end
    account = {}
    self.accounts[name] = account
    self.count = self.count + 1
  end
  account.seen = now
  local refused, tightest
  for i, window in ipairs(self.windows) do
    local number = math.floor(now / window.per)
    local own = account[i]
    if not own or own.number ~= number then
      own = { number = number, calls = 0 }
      account[i] = own
    end
    local state = {
      limit = window[1], remaining = math.max(0, window[1] - own.calls - 1),
      reset = math.max(1, math.ceil((number + 1) * window.per - now)),
    }
    if own.calls >= window[1] then
      -- Of several full windows the longest says when to come again.
      if not refused or state.reset > refused.reset then refused = state end
    elseif not tightest or state.remaining < tightest.remaining then
      tightest = state
    end
  end
  if refused then return refused, true end
  for i in ipairs(self.windows) do account[i].calls = account[i].calls + 1 end
  return tightest, false
end

return M
