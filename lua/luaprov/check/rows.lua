--- The faults that a provider is checked with, and what each means for a call that it strikes.
---
--- name     as it is shown, and asked for
--- fault    of the sandbox (see `sandbox/faults`)
--- kinds    every err.kind that is right
--- means    what the client can know of the call: "nothing" (it is well), "not_sent", "refused", "later" (refused, and
---          worth another try), "unauthorized", "unknown", "either" (not sent, or unknown)
--- acts     the vendor has acted, or will, before it can be looked for
--- body     what is wrong is in the body alone: an answer that needs none may be well
--- headed   the status arrives: what says no is heard, whatever becomes of the rest
-- final    another try would end the same, and is not made
--- waits    the call runs into its time-out
--- warm     the fault strikes the call before, on whose connection this one would go
--- opens    the first try is refused, the others are not; for ever: all are
local M = {}

local function add(name, fault, means, kinds, more)
  local row = { name = name, fault = fault, means = means, kinds = kinds }
  for key, value in pairs(more or {}) do row[key] = value end
  row.acts = row.acts or fault.acts
  M[#M + 1] = row
end

-- The same twice: the vendor has not acted, and has.
local function add_both(name, fault, means, kinds, more)
  for _, acts in ipairs { false, true } do
    local own = { acts = acts }
    for key, value in pairs(fault) do own[key] = value end
    add(name .. (acts and "-acted" or ""), own, means, kinds, more)
  end
end

local LOST = { "network", "protocol" } -- where TCP decides which of two errors is seen first, both are right

-- ---- each place where a connection can fail ----
add("refused", { fault = "refuse" }, "not_sent", { "network" }, { opens = true })
add("hung-up", { fault = "hang_up" }, "either", { "network" })
add("hung-up-reset", { fault = "hang_up", reset = true }, "either", { "network" })
add("idle-closed", { fault = "idle" }, "nothing", {}, { warm = true, acts = true })
add("idle-reset", { fault = "idle", reset = true }, "nothing", {}, { warm = true, acts = true })
add_both("closed", { fault = "drop" }, "unknown", { "network" })
add_both("reset", { fault = "drop", reset = true }, "unknown", { "network" })
add_both("silent", { fault = "silent" }, "unknown", { "timeout" }, { waits = true })
add("late", { fault = "late", seconds = 0.1 }, "unknown", { "timeout" }, { waits = true, acts = true })
add_both("half-status", { fault = "half_status" }, "unknown", LOST)
add_both("half-status-reset", { fault = "half_status", reset = true }, "unknown", LOST)
add_both("half-headers", { fault = "half_headers" }, "unknown", { "protocol" })
add_both("half-headers-reset", { fault = "half_headers", reset = true }, "unknown", LOST)
add("headers-reset", { fault = "cut", bytes = 0, reset = true, acts = true }, "unknown", LOST, { headed = true })
add("half-body", { fault = "cut", acts = true }, "unknown", LOST, { headed = true })
add("half-body-reset", { fault = "cut", reset = true, acts = true }, "unknown", LOST, { headed = true })

-- ---- answers that say no ----
add("400", { fault = "status", status = 400 }, "refused", { "invalid" })
add("401", { fault = "status", status = 401 }, "unauthorized", { "unauthorized" })
add("403", { fault = "status", status = 403 }, "refused", { "forbidden" })
add("404", { fault = "status", status = 404 }, "refused", { "not_found" })
add_both("408", { fault = "status", status = 408 }, "unknown", { "timeout" })
add("409", { fault = "status", status = 409 }, "refused", { "conflict" })
add("429", { fault = "status", status = 429 }, "later", { "rate_limited" })
add("429-retry-after", { fault = "status", status = 429, retry_after = 1 }, "later", { "rate_limited" })
add("429-fewer", { fault = "status", status = 429, retry_after = -1 }, "later", { "rate_limited" })
add_both("500", { fault = "status", status = 500 }, "unknown", { "unavailable" })
add_both("502", { fault = "status", status = 502 }, "unknown", { "unavailable" })
add_both("502-html", { fault = "html", status = 502 }, "unknown", { "unavailable" })
add_both("503", { fault = "status", status = 503 }, "unknown", { "unavailable" })
add("503-retry-after", { fault = "status", status = 503, retry_after = 1 }, "later", { "unavailable" })
-- What a file's `errors` make of a body decides no less than the status: in its first form, and in its second, if any.
local SAID = "It went wrong."
add_both("408-said", { fault = "status", status = 408, message = SAID }, "unknown", { "timeout" })
add_both("500-said", { fault = "status", status = 500, message = SAID }, "unknown", { "unavailable" })
add_both("500-said-otherwise", { fault = "status", status = 500, message = SAID, form = 2 }, "unknown",
  { "unavailable" })
add("redirect", { fault = "redirect" }, "unknown", { "protocol" })

-- ---- answers that are none ----
add("html", { fault = "html", acts = true }, "unknown", { "protocol" }, { body = true })
add("empty", { fault = "empty", acts = true }, "unknown", { "protocol" }, { body = true })
add("half-json", { fault = "not_json", acts = true }, "unknown", { "protocol" }, { body = true })
add("twice", { fault = "twice", acts = true }, "unknown", { "protocol" }, { body = true })
add("enormous", { fault = "enormous", bytes = 256 * 1024, acts = true }, "unknown", { "too_large" },
  { body = true, final = true })

-- ---- answers that take their time, or look odd ----
add("slow", { fault = "slow", seconds = 0.05 }, "nothing", {}, { acts = true })
add("slow-headers", { fault = "slow_headers", seconds = 0.05, acts = true }, "nothing", {})
add("slow-body", { fault = "slow_body", seconds = 0.05, acts = true }, "nothing", {})
add("too-slow-headers", { fault = "slow_headers", seconds = 1, acts = true }, "unknown", { "timeout" },
  { waits = true })
add("too-slow-body", { fault = "slow_body", seconds = 1, acts = true }, "unknown", { "timeout" },
  { waits = true, headed = true })
add("wrong-type", { fault = "wrong_type", acts = true }, "nothing", { "protocol" }, { body = true })

--- The rows of that name, and those whose name begins with it and a hyphen.
--- @param name string
--- @return table[]
function M.named(name)
  local list = {}
  for _, row in ipairs(M) do
    if row.name == name or row.name:sub(1, #name + 1) == name .. "-" then list[#list + 1] = row end
  end
  return list
end

return M
