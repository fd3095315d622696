--- A provider file's limits, kept as a vendor keeps them: fixed windows that count what arrives. Whoever has good
--- credentials is the same account, so there is one set of windows.
local M = {}
M.__index = M

--- @param windows table[] { calls, per = seconds } each
--- @param now function -> seconds
function M.new(windows, now) return setmetatable({ windows = windows, now = now, counts = {} }, M) end

--- Counts one call.
--- @return table state limit, remaining, reset (seconds, whole), reset_at (since 1970) of the window that is nearest to
---   its end
--- @return boolean refused
function M:count_call()
  local now, refused, tightest = self.now(), nil, nil
  for i, window in ipairs(self.windows) do
    local number = math.floor(now / window.per)
    local own = self.counts[i]
    if not own or own.number ~= number then
      own = { number = number, calls = 0 }
      self.counts[i] = own
    end
    local state = {
      limit = window[1], remaining = math.max(0, window[1] - own.calls - 1),
      reset = math.max(1, math.ceil((number + 1) * window.per - now)),
    }
    state.reset_at = os.time() + state.reset
    if own.calls >= window[1] then
      -- Of several full windows the longest says when to come again.
      if not refused or state.reset > refused.reset then refused = state end
    elseif not tightest or state.remaining < tightest.remaining then
      tightest = state
    end
  end
  if refused then return refused, true end
  for _, own in ipairs(self.counts) do own.calls = own.calls + 1 end
  return tightest, false
end

return M
