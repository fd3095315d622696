-- How a vendor of one's own says no, in every form that a provider file can give.
local boxes = require "tests.sandbox.boxes"
local json = require "luaprov.json"
local support = require "tests.support"

local THINGS = [[
    path = "/things", key = { "name" }, unique = true, ids = "uuid",
    text "name" { required = true, max = 3 }, integer "size" {},
    create = post {}, get = get {}, update = patch {}, delete = delete {}, list = get {},
]]

local function provider(errors, more)
  return support.provider(THINGS .. (more or ""), 'auth = bearer "token", errors = ' .. errors)
end

local function refused(text, request)
  local box, acme = boxes.of(text)
  request = request or { body = { size = "x" } }
  local answer = boxes.send(box, request.method or "POST", request.path or "/acme/things", request)
  return answer, acme, box
end

describe("An error of the sandbox", function()
  after_each(boxes.stop)

  it("is a message where the file reads one", function()
    local answer = refused(provider '{ message = "fault.text" }')
    assert.equal(400, answer.status)
    assert.same({ fault = { text = "name is required; size must be a whole number, not a string" } }, answer.json)
  end)

  it("is a list where the file reads one, an item for everything that is wrong, with its code", function()
    local answer, acme = refused(provider [[{ items = "all.errors", message = "why", code = "no", codes = "E%03d",
      when = { required = { code = 7 }, type = { code = 8, message = "'{path}' is odd" }, exists = { code = 9 },
               not_found = { status = 410 } } }]])
    assert.same({ { why = "name is required", no = 7 }, { why = "'size' is odd", no = 8 } },
      { answer.json.all.errors[1], answer.json.all.errors[2] })
    assert(acme.things:create { name = "a" })
    support.is_error({ kind = "conflict", outcome = "refused", status = 409, has = "E009" },
      select(2, acme.things:create { name = "a" }))
    support.is_error({ outcome = "refused", status = 410, has = "Not found" }, select(2, acme.things:get("x")))
  end)

  it("has what else the file writes around it", function()
    local answer = refused(provider [[{ message = "m", code = "c", trace_id = "t", codes = "E%03d",
      when = { required = { code = 7 } }, body = { c = "{code}",
        m = "{reason} ({status}, {spelled}): {message}", t = "{trace_id}", at = "{now}",
        sent = "{request}", path = "{path}", list = { "{status}" } } }]])
    local body = answer.json
    assert.same({ 7, "name", "x", 400 }, { body.c, body.path, body.sent.size, body.list[1] })
    assert.truthy(body.m:find("^Bad request %(400, E007%): name is required; size"))
    assert.truthy(body.t:find("^%x+%-%x+%-4%x+%-8%x+%-%x+$"))
    assert.truthy(body.at:find("^%d%d%d%d"))
    assert.not_equal(body.t, refused(provider '{ message = "m", trace_id = "t" }').json.t)
  end)

  it("is of the first form, or of the one whose `when` names the problem, or as the resource has it", function()
    local forms = provider([[{ { message = "one" }, { message = "two", when = { not_found = { message = "2" } } },
      { message = "three", when = {
        exists = { status = 422, body = { three = "taken", code = "{code}" }, code = 3 } } } }]],
      ' when = { type = { status = 418, code = 5, message = "own" } },')
    local answer, acme, box = refused(forms, { body = {} })
    assert.same({ 400, { one = "name is required" } }, { answer.status, answer.json })
    assert.same({ two = "2" }, boxes.send(box, "GET", "/acme/things/5").json)
    local own = boxes.send(box, "POST", "/acme/things", { body = { name = "a", size = "x" } })
    assert.same({ 418, { one = "own" } }, { own.status, own.json })
    assert(acme.things:create { name = "a" })
    local twice = boxes.send(box, "POST", "/acme/things", { body = { name = "a" } })
    assert.same({ 422, { three = "taken", code = 3 } }, { twice.status, twice.json })
  end)

  it("is made at any index, which counts from 1", function()
    local answer = refused(provider '{ message = "errors.1.text" }')
    assert.same({ errors = { { text = answer.json.errors[1].text } } }, answer.json)
    local second, acme = refused(provider '{ message = "errors.2.text" }')
    assert.equal(json.null, second.json.errors[1])
    support.is_error({ kind = "not_found", message = "Not found" }, select(2, acme.things:get("x")))
  end)

  it("is a text, or nothing, where the file says so", function()
    local text = refused(provider '{ message = "m", body = "no: {message}" }', { body = {} })
    assert.same({ 400, "no: name is required", "text/plain" }, { text.status, text.body, text.headers["content-type"] })
    local nothing = refused(provider '{ message = "m", when = { required = { body = "" } } }', { body = {} })
    assert.same({ 400, "" }, { nothing.status, nothing.body })
  end)

  it("is plain where the file says nothing of errors, or reads them with a function", function()
    for _, errors in ipairs { "nil", "function(answer) return { message = answer:text('deep.why') } end",
                              "{ read = function() end }", "{ { kind = 'rejected' } }" } do
      local answer, acme = refused(provider(errors))
      assert.same({ message = "name is required; size must be a whole number, not a string" }, answer.json)
      support.is_error({ kind = "not_found", outcome = "refused", status = 404 }, select(2, acme.things:get("x")))
    end
  end)

  it("is what the file writes beside a function that reads", function()
    local _, acme = refused(provider [[{
      read = function(answer) return { message = answer:text("deep.why"), codes = { answer:text("deep.no") } } end,
      body = { deep = { why = "{message}", no = "{code}" } },
      when = { not_found = { code = "N1", message = "gone" } } }]])
    support.is_error({ kind = "not_found", message = "gone", has = "N1" }, select(2, acme.things:get("x")))
  end)

  it("comes for everything that a vendor may find wrong", function()
    local problems = require "luaprov.provider.problems"
    local box, acme = boxes.of(provider '{ message = "m" }')
    for _, problem in ipairs(problems.names()) do
      box:fault { fault = "problem", problem = problem, times = 1 }
      local _, err = acme.things:list()
      assert.equal(problems.status[problem], err.status, problem)
      assert.equal("refused", err.outcome, problem)
    end
    assert(acme.things:list())
  end)
end)
