-- A check of the check: with a client that is broken on purpose, cells do not hold; and those are the right ones.
local check = require "luaprov.check"
local http = require "luaprov.http"
local json = require "luaprov.json"
local load = require "luaprov.provider.load"
local luaprov = require "luaprov"
local rows = require "luaprov.check.rows"
local support = require "tests.support"

-- Runs some rows with something else that sends requests. Returns why each cell does not hold, by its name.
local function run(names, exchange, file)
  local only = {}
  for _, name in ipairs(names) do
    for _, row in ipairs(rows) do
      if row.name == name then only[#only + 1] = row end
    end
  end
  assert(#only == #names)
  local cells = assert(check.run(assert(load.load(file or "ocamba")), { only = only, exchange = exchange }))
  local why, cell_of = {}, {}
  for _, cell in ipairs(cells) do
    local name = cell.resource.name .. " " .. cell.name .. (cell.settle and " settled " or " ") .. cell.row.name .. " "
      .. cell.strikes
    why[name], cell_of[name] = cell.why, cell
  end
  return why, cell_of
end

local function create_with(err)
  return function(request, what)
    local response, failed, part = http.exchange(request)
    if what == "create" then return err(request, response, failed, part) end
    return response, failed, part
  end
end

describe("A check of", function()
  it("a client that is right finds nothing", function()
    assert.is_nil((next((run({ "closed-acted", "400", "refused", "html" }, http.exchange)))))
  end)

  it("one that sends a create again when no answer came finds it twice", function()
    local why, cells = run({ "closed-acted", "closed", "400" }, create_with(function(request, response, err, part)
      if err and err.outcome == "unknown" then return http.exchange(request) end
      return response, err, part
    end))
    assert.equal("2", cells["integrations create closed-acted once"].found)
    assert.equal("done", cells["integrations create closed-acted once"].reported)
    assert.equal("that is not so", why["integrations create closed-acted once"])
    assert.equal("that is not so", why["integrations create closed-acted always"])
    -- Where the vendor had not acted, it was lucky: but nobody can have known.
    assert.equal("one", cells["integrations create closed once"].found)
    assert.equal("should be reported as unknown", why["integrations create closed once"])
    for name in pairs(why) do assert.truthy(name:find("^integrations create .*closed"), name) end
  end)

  it("one that reports a dropped answer as done finds nothing at the vendor", function()
    local why, cells = run({ "closed", "400" }, create_with(function(request, response, err, part)
      if not err or err.outcome ~= "unknown" then return response, err, part end
      local body = json.decode(request.body)
      body.id = "1001"
      return { status = 201, headers = {}, body = json.encode(body), seconds = 0, http = 11 }
    end))
    for _, name in ipairs { "integrations create closed once", "integrations create settled closed always" } do
      assert.same({ "done", "none", "that is not so" }, { cells[name].reported, cells[name].found, why[name] })
    end
    for name in pairs(why) do assert.truthy(name:find("^integrations create .*closed"), name) end
  end)

  it("one that takes every failure for a request that was never sent finds doubles", function()
    local why, cells = run({ "reset-acted", "refused" }, function(request)
      local response, err = http.exchange(request)
      if err then err.outcome = "not_sent" end
      return response, err
    end)
    local doubled = cells["integrations create reset-acted once"]
    assert.same({ "done", "2", "that is not so" }, { doubled.reported, doubled.found, doubled.why })
    local lost = cells["integrations delete reset-acted always"]
    assert.same({ "not done", "gone", "that is not so" }, { lost.reported, lost.found, lost.why })
    for name in pairs(why) do assert.truthy(name:find("reset%-acted"), name) end
  end)

  it("one that calls everything unknown finds that more could be known", function()
    local why = run({ "400", "429" }, function(request)
      local response, err = http.exchange(request)
      if response and response.status >= 400 then
        return nil, require("luaprov.errors").new { kind = "network", outcome = "unknown", message = "x" }
      end
      return response, err
    end)
    assert.equal("should be reported as not done", why["integrations create 400 once"])
    assert.equal("should be reported as done", why["integrations create 429 once"])
    assert.equal("should be reported as not done", why["integrations update 400 always"])
  end)

  it("one whose errors are of another kind finds that", function()
    local why = run({ "closed", "silent" }, function(request)
      local response, err, part = http.exchange(request)
      if err and err.kind == "network" then err.kind = "unavailable" end
      return response, err, part
    end)
    assert.equal("the kind should be network", why["integrations create closed once"])
    assert.equal("the kind should be network", why["integrations get closed always"])
    for name in pairs(why) do assert.truthy(name:find("closed"), name) end
  end)

  it("one that makes its answers up finds a fault that never struck", function()
    local why = run({ "400" }, function(request, what)
      if what ~= "get" then return http.exchange(request) end
      return { status = 200, headers = {}, body = '{"id":"1001","name":"x"}', seconds = 0, http = 11 }
    end)
    assert.equal("the fault did not strike", why["integrations get 400 once"])
    assert.equal("the fault did not strike", why["integrations get 400 always"])
  end)

  it("one that returns another record, or the one before, finds that", function()
    local why = run({ "slow" }, function(request, what)
      local response, err, part = http.exchange(request)
      if response and what == "get" then
        response.body = response.body:gsub('"name":"[^"]*"', '"name":"check-name-1"')
      elseif response and what == "create" then
        response.body = response.body:gsub('"id":"[^"]*"', '"id":"7"')
      elseif response and what == "list" then
        response.body = response.body:gsub('"id":"1001"', '"id":"7"')
      end
      return response, err, part
    end)
    assert.equal("another record was returned", why["integrations create slow once"])
    assert.equal("the list lacks the record", why["integrations list slow once"])
    assert.equal("the record before the change was returned", why["integrations update slow once"])
    assert.is_nil(why["integrations get slow once"])
    assert.is_nil(why["integrations delete slow once"])
  end)

  describe("a provider file", function()
    teardown(support.clean)

    local SAID = { "408-said", "408-said-acted", "500-said", "500-said-acted", "500-said-otherwise",
                   "500-said-otherwise-acted" }

    local function check_errors(errors, names)
      local text = support.provider('key = { "name" }, settles_in = 1, text "name" { required = true },'
        .. support.operations, 'auth = bearer "token", errors = ' .. errors)
      return run(names or SAID, nil, support.file("acme.lua", text))
    end

    -- Beside each other: what they do is mostly to wait.
    local function check_all(list)
      local results, failed = luaprov.map(list, function(errors)
        local why, cells = check_errors(errors)
        return { why = why, cells = cells }
      end)
      assert.is_nil((next(failed)))
      return results
    end

    local LIES = [[{ read = function(answer)
      if answer.status >= 500 or answer.status == 408 then
        return { kind = "invalid", outcome = "refused", message = "x" }
      end
    end }]]

    it("that says refused of what may have been done finds that it was", function()
      local all = { LIES, "{ " .. LIES .. ', { message = "error" } }',
                    "{ message = 'error', code = 'code', outcomes = { ['500'] = 'refused', "
                    .. "['408'] = 'refused' }, body = { error = '{message}', code = '{status}' } }" }
      for i, checked in ipairs(check_all(all)) do
        local why, cells = checked.why, checked.cells
        for _, row in ipairs { "408-said-acted", "500-said-acted" } do
          assert.equal("that is not so", why["things create " .. row .. " once"])
          assert.equal("that is not so", why["things delete " .. row .. " always"])
        end
        assert.is_not_nil(why["things create 500-said once"])
        local cell = cells["things create 500-said-acted once"]
        -- One that is refused until later, as 500 without a kind is, was even sent again.
        local again = all[i]:find("outcomes", 1, true) ~= nil
        assert.same(again and { "done", "2" } or { "not done", "one" }, { cell.reported, cell.found })
      end
    end)

    it("that does so in its second form only finds that, too", function()
      local why = check_errors('{ { message = "error" }, ' .. LIES .. " }")
      assert.equal("that is not so", why["things create 500-said-otherwise-acted once"])
      assert.is_nil(why["things create 500-said-acted once"])
    end)

    it("whose function fails finds that", function()
      -- Not with 408: what seems to be late is tried again, slowly.
      local why = check_errors("function(answer) return answer.status >= 400 and answer.body.no.such or nil end",
        { "500-said", "500-said-acted" })
      for _, name in ipairs { "create", "get", "delete", "list" } do
        assert.equal("the errors function failed", why["things " .. name .. " 500-said-acted always"])
      end
    end)

    it("that is right finds nothing", function()
      local all = { '{ message = "error" }', '{ { message = "error" }, { message = "message" } }',
                    [[function(answer)
                        if answer.status >= 400 then return { message = answer:text "message" } end
                      end]] }
      for _, checked in ipairs(check_all(all)) do assert.same({}, checked.why) end
    end)
  end)
end)
