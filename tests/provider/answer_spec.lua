local control = require "tests.contract.control"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("an answer", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local parts = [[ unknown = "pass", text "name" {}, secret "api_key" {},
    group "settings" { unknown = "pass", secret "authToken" {} },
    path = "/things", create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" } ]]

  local function connect(errors, given)
    local options = 'auth = bearer "token"' .. (errors and ", errors = " .. errors or "")
    return support.client(support.provider(parts, options), listener.url, given)
  end

  local function answered(answer, errors)
    listener:script(answer)
    return connect(errors).things:create { name = "n" }
  end

  it("is read whatever its fields are called", function()
    local client = support.client(support.provider([[ boolean "open" {}, group "body" { integer "known" {} },
      text "outer" {}, list "later" { of = text {} }, path = "/things", get = get {} ]], 'auth = bearer "token"'),
      listener.url)
    listener:script { { status = 200, text = '{"id":"1","open":true,"body":{"known":1},"outer":"o","later":["x"]}' } }
    local record = assert(client.things:get "1")
    assert.same({ true, 1, "o", "x" }, { record.open, record.body.known, record.outer, record.later[1] })
  end)

  describe("that shows what it must not", function()
    local function failed(text, token, status)
      listener:script { status = status or 500, text = text, headers = { ["Content-Type"] = "application/json" } }
      local client = connect(nil, { token = token })
      return select(2, client.things:create { name = "n" })
    end

    it("hides a secret that JSON spells with escapes", function()
      local token = "abc+def<x>/yz=="
      for _, spelled in ipairs { "abc\\u002Bdef\\u003Cx\\u003E/yz==",
                                 "abc\\u002bdef\\u003cx\\u003e\\/yz\\u003d\\u003D" } do
        local err = failed('{"v":"' .. spelled .. '"}', token)
        assert.truthy(err.message:find('{"v":"<secret>"}', 1, true), err.message)
      end
    end)

    it("hides quotes, backslashes and large characters that JSON spells with escapes", function()
      local client = connect()
      for value, spelled in pairs {
        ['to"k-0\\k'] = "to\\u0022k-0\\u005ck", ["tok\240\159\152\128en"] = "tok\\ud83d\\ude00en",
      } do
        listener:script { status = 500, text = "<html>" .. spelled .. "</html>" }
        local _, err = client.things:create { api_key = value }
        assert.truthy(err.message:find("<html><secret></html>", 1, true), err.message)
      end
    end)

    it("hides every item of a secret list, and JSON within a JSON string", function()
      local err = failed('{"authToken":["K1LEAK","K2LEAK"],"log":"{\\"authToken\\": \\"NESTEDLEAK\\"}"}',
        "tok-acme-1111")
      assert.is_nil(err.message:find("LEAK", 1, true), err.message)
      assert.is_nil(tostring(err.details.log):find("LEAK", 1, true), tostring(err.details.log))
      err = failed('{"authToken":["K1LEAK","K2LEAK"', "tok-acme-1111")
      assert.is_nil(err.message:find("LEAK", 1, true), err.message)
    end)

    it("finds what a body says after many blanks, and ends with a slow pattern", function()
      local err = failed(("\n"):rep(5000) .. "Database down", "tok-acme-1111")
      assert.truthy(err.message:find("Database down", 1, true), err.message)
      listener:script { status = 400, json = { message = (" "):rep(200000) .. "x" } }
      local client = connect('{ message = "message", strip = "%s*%(code%)" }')
      assert.equal("invalid", select(2, client.things:create {}).kind)
    end)

    it("hides a secret that the end of what is looked at has cut", function()
      for at = 4060, 4100 do
        local err = failed(("x"):rep(10) .. (" "):rep(at) .. "tok-acme-1111", "tok-acme-1111")
        assert.is_nil(err.message:find("tok", 1, true), err.message)
      end
    end)

    it("makes no holes in our own words, which would tell a short secret", function()
      local err = failed('{"v":"e"}', "e")
      assert.truthy(err.message:find("answered with application/json", 1, true), err.message)
      assert.is_nil(err.message:find("<s<secret>", 1, true))
    end)

    it("shows no byte that a terminal would act upon, and only UTF-8", function()
      local err = failed("a\27[31mb\194\155c\255d", "tok-acme-1111")
      assert.truthy(err.message:find("a [31mb?c?d", 1, true), err.message)
      assert(luaprov.json.encode { err.message })
    end)

    it("keeps a large one out of the details", function()
      local err = failed('{"v":"' .. ("x"):rep(70000) .. '"}', "tok-acme-1111")
      assert.is_nil(err.details)
      assert.is_table(failed('{"v":"x"}', "tok-acme-1111").details)
    end)
  end)

  it("that was cut keeps what its headers say, and shows what came", function()
    listener:script { raw = "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX-Request-Id: t-1\r\nContent-Length: 99\r\n\r\n"
      .. '{"no":' }
    -- An account of its own: the others would wait for those seconds.
    local record, err = connect(nil, { token = "tok-acme-0001" }).things:create { name = "n" }
    support.is_error({ kind = "rate_limited", outcome = "refused", status = 429, has = '{"no":' }, err, record)
    assert.equal(7, err.retry_after)
    assert.equal("t-1", err.trace_id)
  end)

  describe("whose codes say what was kept", function()
    local errors = [[{ items = "errors", code = "code", message = "text",
                       outcomes = { E1 = "refused", E2 = "refused" } }]]
    local function outcome(...)
      local items = {}
      for i, code in ipairs { ... } do items[i] = { code = code, text = "no" } end
      local _, err = answered({ status = 500, json = { errors = items } }, errors)
      return err.outcome
    end

    it("is believed when all of them say so", function()
      assert.equal("refused", outcome("E1"))
      assert.equal("refused", outcome("E1", "E2"))
    end)

    it("is not when one of them says nothing", function()
      assert.equal("unknown", outcome("E1", "E3"))
      assert.equal("unknown", outcome("E3", "E1"))
      assert.equal("unknown", outcome("E3"))
    end)
  end)

  describe("that is bad is an error of the right kind:", function()
    local html = "<html>\n\n <body>\t<h1>Oh no</h1></body></html>"
    for name, case in pairs {
      ["HTML with success"] = {
        { status = 201, text = html, headers = { ["Content-Type"] = "text/html; charset=utf-8" } },
        { kind = "protocol", outcome = "unknown", status = 201,
          has = "the answer has no record: text/html, no valid JSON: <html> <body> <h1>Oh no</h1></body></html>" } },
      ["HTML with an error"] = {
        { status = 502, text = html, headers = { ["Content-Type"] = "text/html" } },
        { kind = "unavailable", outcome = "unknown", status = 502,
          has = "answered with text/html, no valid JSON: <html>" } },
      ["half a JSON text"] = {
        { status = 201, text = '{"id":"7","name":"n', headers = { ["Content-Type"] = "application/json" } },
        { kind = "protocol", outcome = "unknown", status = 201,
          has = 'application/json, no valid JSON: {"id":"7","name":"n' } },
      ["half a body"] = {
        { raw = 'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"id":"7"' },
        { outcome = "unknown", status = 201 } },
      ["half an error's body"] = {
        { raw = 'HTTP/1.1 409 Conflict\r\nContent-Length: 100\r\n\r\n{"message":"no' },
        { kind = "conflict", outcome = "refused", status = 409 } },
      ["invalid JSON"] = {
        { status = 201, text = "{'id': 7}" }, { kind = "protocol", outcome = "unknown",
                                                has = "no valid JSON: {'id': 7}" } },
      ["more than one JSON value"] = { { status = 201, text = '{"id":"7"}{}' },
                                       { kind = "protocol", has = "no valid JSON" } },
      ["invalid UTF-8"] = { { status = 201, text = '{"id":"\255"}' }, { kind = "protocol", has = "no valid JSON" } },
      ["no body"] = { { status = 201 }, { kind = "protocol", outcome = "unknown", status = 201,
                                          has = "has no record: no body" } },
      ["a redirect"] = {
        { status = 302, headers = { Location = "https://elsewhere.invalid/login?token=tok-acme-0000" } },
        { kind = "protocol", outcome = "unknown", status = 302,
          has = "redirects to https://elsewhere.invalid/login, and redirects are not followed" } },
      ["a redirect to nowhere"] = { { status = 301 },
                                    { kind = "protocol", status = 301,
                                      has = "an unexpected status, not 201: no body" } },
      ["another success"] = {
        { status = 202, json = { id = "7" } },
        { kind = "protocol", outcome = "unknown", status = 202,
          has = 'an unexpected status, not 201: application/json: {"id":"7"}' } },
      ["a 204 where a record belongs"] = {
        { status = 204 }, { kind = "protocol", outcome = "unknown", status = 204,
                            has = "an unexpected status, not 201: no body" } },
      ["an odd status"] = { { status = 599, text = "x" }, { kind = "unavailable", outcome = "unknown", status = 599 } },
      ["an odd refusal"] = { { status = 418, json = {} }, { kind = "rejected", outcome = "refused", status = 418 } },
      ["a JSON string"] = { { status = 201, text = '"created"' },
                            { kind = "protocol", has = 'has no record: text/plain: "created"' } },
      ["a JSON number"] = { { status = 201, text = "7" }, { kind = "protocol", has = "has no record" } },
      ["null"] = { { status = 201, text = "null" }, { kind = "protocol", has = "has no record" } },
      ["false"] = { { status = 201, text = "false" }, { kind = "protocol", has = "has no record" } },
      ["a list"] = { { status = 201, json = { { id = "7" } } }, { kind = "protocol", has = "has no record" } },
      ["an empty list"] = { { status = 201, json = control.array {} }, { kind = "protocol", has = "has no record" } },
      ["no id"] = { { status = 201, json = { name = "n" } }, { kind = "protocol", outcome = "unknown",
                                                               has = "has no id" } },
      ["an empty id"] = { { status = 201, json = { id = "" } }, { kind = "protocol", has = "has no id" } },
      ["a null id"] = { { status = 201, json = { id = control.null } }, { kind = "protocol", has = "has no id" } },
      ["an id that is a table"] = { { status = 201, json = { id = { 7 } } }, { kind = "protocol", has = "has no id" } },
      ["an id that is true"] = { { status = 201, json = { id = true } }, { kind = "protocol", has = "has no id" } },
      ["nothing at all"] = { { close = true }, { outcome = "unknown" } },
      ["a reset"] = { { reset = true }, { outcome = "unknown" } },
      ["half a head"] = { { raw = "HTTP/1.1 201 Created\r\nContent-Type: app" },
                          { kind = "protocol", outcome = "unknown" } },
      ["what is no HTTP"] = { { raw = "220 smtp.invalid ESMTP\r\n" }, { outcome = "unknown" } },
    } do
      it(name, function()
        local record, err = answered(case[1])
        case[2].provider, case[2].resource, case[2].operation = "acme", "things", "create"
        support.is_error(case[2], err, record)
        assert.is_true(#tostring(err) < 400)
        assert.equal(1, #listener:requests(1))
      end)
    end
  end)

  it("of each status has its kind and outcome", function()
    for status, wanted in pairs {
      [400] = { "invalid", "refused" }, [401] = { "unauthorized", "refused" },
      [402] = { "payment_required", "refused" },
      [403] = { "forbidden", "refused" }, [404] = { "not_found", "refused" }, [408] = { "timeout", "unknown" },
      [409] = { "conflict", "refused" }, [429] = { "rate_limited", "refused" }, [500] = { "unavailable", "unknown" },
      [501] = { "unsupported", "unknown" }, [503] = { "unavailable", "unknown" },
    } do
      local record, err = answered { status = status, json = {} }
      support.is_error({ kind = wanted[1], outcome = wanted[2], status = status }, err, record)
    end
  end)

  it("that says when to come again is passed on", function()
    for given, seconds in pairs { ["5"] = 5, ["-1"] = -1, ["0"] = 0 } do
      local record, err = answered { status = 503, json = {}, headers = { ["Retry-After"] = given } }
      support.is_error({ kind = "unavailable", outcome = "refused", retry_after = seconds }, err, record)
    end
    local record, err = answered { status = 429, json = {}, headers = { ["Retry-After"] = "soon" } }
    support.is_error({ kind = "rate_limited", outcome = "refused" }, err, record)
    assert.is_nil(err.retry_after)
    -- That a 503 is a refusal is known only by a time that is named: whoever sends something else there (what stands
    -- before the vendor, perhaps) has not said that nothing was done, and a wrong "nothing was done" doubles a create.
    record, err = answered { status = 503, json = {}, headers = { ["Retry-After"] = "soon" } }
    support.is_error({ kind = "unavailable", outcome = "unknown" }, err, record)
    assert.is_nil(err.retry_after)
  end)

  it("counts by what it holds, not by its content type", function()
    local record = assert(answered { status = 201, text = '{"id":"7"}', headers = { ["Content-Type"] = "text/html" } })
    assert.equal("7", record.id)
    assert.equal("8", assert(answered { raw = 'HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n{"id":"8"}' }).id)
  end)

  it("is shown in an excerpt, one line, cut between characters", function()
    local _, err = answered { status = 500, text = "x" .. ("ä"):rep(1000) }
    assert.is_true(#tostring(err) < 300)
    assert.matches("ä…", err.message, 1, true)
    assert.is_nil(tostring(err):find("\195…", 1, true))
    _, err = answered { status = 500, text = "a\0b\r\n\27[31mc\n\n\nd" }
    assert.is_nil(tostring(err):find("%c"))
  end)

  describe("is read by the provider file's errors:", function()
    it("message, code, trace id and meaning", function()
      local record, err = answered(
        { status = 400, json = { error = { text = "Name exists (E7)" }, code = 7, trace = "abc", extra = { 1 } } },
        '{ message = { "nope", "error.text" }, code = "code", codes = "E%d", strip = "%s%(E%d%)", trace_id = "trace",'
          .. ' kinds = { E7 = "conflict" } }')
      support.is_error({ kind = "conflict", outcome = "refused", message = "Name exists", trace_id = "abc",
                         status = 400 },
        err, record)
      assert.same({ "E7" }, err.codes)
      assert.equal("acme things create: conflict: Name exists (400, E7)", tostring(err))
      assert.same({ 1 }, err.details.extra)
    end)

    it("a list of them", function()
      local record, err = answered(
        { status = 400, json = { errors = { { c = 5, m = "one" }, { c = "6", m = "two" }, { c = "x" }, "text", 5,
                                            control.null } } },
        '{ items = "errors", message = "m", code = "c", codes = "P%03d", kinds = { P006 = "conflict" } }')
      support.is_error({ kind = "conflict", message = "one; two" }, err, record)
      assert.same({ "P005", "P006", "x" }, err.codes)
    end)

    it("codes as they stand, numbers in the table of kinds too", function()
      local _, err = answered({ status = 400, json = { code = 600 } },
        '{ code = "code", kinds = { [600] = "conflict" } }')
      assert.equal("conflict", err.kind)
      assert.same({ "600" }, err.codes)
    end)

    it("without finding anything, by the status", function()
      for _, body in ipairs { {}, { errors = "text" }, { errors = { a = 1 } }, { errors = control.null },
                              control.array {},
                              "text", 5, false, { errors = { { c = { 1 }, m = { 2 } } } } } do
        local record, err = answered({ status = 400, json = body },
          '{ items = "errors", message = "m", code = "c", codes = "P%d" }')
        support.is_error({ kind = "invalid", status = 400, has = "answered with application/json: " }, err, record)
        assert.same({}, err.codes)
      end
    end)

    it("with codes of any kind", function()
      for body, code in pairs { ['{"c":1.5}'] = "1.5", ['{"c":true}'] = "true", ['{"c":"PVD-1"}'] = "PVD-1",
                                ['{"c":12}'] = "E12" } do
        local record, err = answered({ status = 400, text = body }, '{ code = "c", codes = "E%d" }')
        support.is_error({ kind = "invalid" }, err, record)
        assert.same({ code }, err.codes)
        assert.matches(code, tostring(err), 1, true)
      end
      assert.equal("invalid", select(2, answered({ status = 400, text = '{"c":1e300}' },
        '{ code = "c", codes = "E%d" }')).kind)
    end)

    it("not where the status is a success", function()
      assert.equal("7", assert(answered({ status = 201, json = { id = "7", message = "hello" } },
        '{ message = "message" }')).id)
    end)

    describe("in a success, where they may be,", function()
      local form = [[{ message = "error.text", code = "code", kinds = { [17] = "conflict" }, trace_id = "trace",
        in_success = true }]]

      it("by a message, or a code that has a kind", function()
        local _, err = answered({ status = 201, json = { id = "1", error = { text = "Sorry." } } }, form)
        support.is_error({ kind = "rejected", outcome = "unknown", has = "Sorry." }, err)
        _, err = answered({ status = 201, json = { code = 17 } }, form)
        support.is_error({ kind = "conflict" }, err)
      end)

      it("and not by the code of a success, nor by a trace id", function()
        local record = assert(answered({ status = 201, json = { id = "1", code = 0, trace = "t-1" } }, form))
        assert.equal("1", record.id)
      end)
    end)

    it("by the first of several forms that fits, which a trace id alone does not", function()
      local forms = [[{ { message = "error", trace_id = "trace" },
        { message = "problem.text", says = { limit = "rate_limited", ["monthly limit"] = "quota_exceeded" } } }]]
      local _, err = answered({ status = 400, json = { trace = "t-1", problem = { text = "Monthly limit reached" } } },
        forms)
      support.is_error({ kind = "quota_exceeded", has = "Monthly limit reached" }, err)
      _, err = answered({ status = 400, json = { trace = "t-1", error = "Wrong." } }, forms)
      support.is_error({ kind = "invalid", trace_id = "t-1", has = "Wrong." }, err)
      _, err = answered({ status = 500, json = { trace = "t-2" } }, forms)
      support.is_error({ kind = "unavailable", trace_id = "t-2" }, err)
    end)

    it("by a function, with success too", function()
      local errors = [[function(answer)
        local text = answer:text "error.text"
        if not text then return nil end
        return { kind = answer:at "kind", message = text, codes = { answer:text "code" }, outcome = answer:at "outcome",
                 trace_id = answer.headers["x-trace"] .. answer.status }
      end]]
      local record, err = answered({ status = 201, json = { error = { text = "no" }, code = 5 },
                                     headers = { ["X-Trace"] = "t" } },
        errors)
      support.is_error({ kind = "rejected", outcome = "unknown", status = 201, trace_id = "t201",
        message = "no; whether it was created is not known; look for things" }, err, record)
      assert.same({ "5" }, err.codes)
      record, err = answered({ status = 201, headers = { ["X-Trace"] = "t" },
        json = { error = { text = "no" }, kind = "conflict", outcome = "refused" } }, errors)
      support.is_error({ kind = "conflict", outcome = "refused" }, err, record)
      assert.equal("7", assert(answered({ status = 201, json = { id = "7" } }, errors)).id)
    end)

    it("by a function that hands on whatever came", function()
      local errors = [[function(answer)
        return { kind = answer:at "kind", message = answer:at "message", codes = answer:at "codes",
                 outcome = answer:at "outcome",
                 trace_id = answer:at "trace" }
      end]]
      for _, body in ipairs {
        { kind = "nonsense", message = { 1 }, codes = "x", outcome = "perhaps", trace = { 2 } },
        { kind = 5, message = true, codes = { true, { 1 }, control.null }, outcome = {}, trace = false },
      } do
        local record, err = answered({ status = 400, json = body }, errors)
        support.is_error({ kind = "invalid", outcome = "refused", status = 400 }, err, record)
        assert.is_nil(err.trace_id)
        assert.is_string(err.message)
        assert.is_string(tostring(err))
      end
    end)

    it("by a function that fails", function()
      local record, err = answered({ status = 400, json = { a = 1 } }, "function(answer) return answer.body.b.c end")
      support.is_error({ kind = "invalid", outcome = "refused", has = "the provider file's errors function failed" },
        err, record)
    end)

    it("short, and in one line", function()
      local record, err = answered({ status = 400, json = { m = ("x\n\27["):rep(100000), c = ("y"):rep(10000),
                                                            t = ("z"):rep(10000) } },
        '{ message = "m", code = "c", trace_id = "t" }')
      support.is_error({ kind = "invalid" }, err, record)
      assert.is_true(#tostring(err) < 2000)
      assert.is_true(#err.trace_id < 200)
      assert.is_nil(tostring(err):find("%c"))
    end)
  end)

  describe("that echoes the request shows no secret", function()
    local value = 'key/0000 "é+<&>\\\n!'
    local spellings = {
      raw = value, json = 'key/0000 \\"é+<&>\\\\\\n!', slashed = 'key\\/0000 \\"é+<&>\\\\\\n!',
      url = "key%2F0000%20%22%C3%A9%2B%3C%26%3E%5C%0A%21", form = "key%2F0000+%22%C3%A9%2B%3C%26%3E%5C%0A%21",
      html = "key/0000 &quot;é+&lt;&amp;&gt;\\\n!", base64 = "a2V5LzAwMDAgIsOpKzwmPlwKIQ==",
    }
    local errors = { "{ message = 'message', code = 'code', trace_id = 'trace' }",
                     "function(answer) return { message = answer:text 'message', codes = { answer:text 'code' } } end",
                     false }

    -- Any spelling, whole or cut: the beginning and the end of it do not occur elsewhere.
    local function shows(err, parts_of_it)
      local _, trace = xpcall(function() error(err) end, function(e) return debug.traceback(tostring(e)) end)
      for _, text in ipairs { support.shown(err), trace, json.encode(err.details or {}) or "" } do
        for _, part in ipairs(parts_of_it or { "key", "0000", "a2V5", "wKIQ" }) do
          if text:find(part, 1, true) then return part .. " in " .. text end
        end
      end
    end

    for place, secret in pairs {
      ["in a secret field"] = { api_key = luaprov.secret(value) }, ["in a secret field as text"] = { api_key = value },
      ["in a text field"] = { name = luaprov.secret(value) },
      ["deep in the fields"] = { settings = { authToken = value } },
      ["in an unknown field"] = { more = { { luaprov.secret(value) } } },
    } do
      for name, spelling in pairs(spellings) do
        it(place .. ", spelt as " .. name, function()
          local answers = {}
          for _, status in ipairs { 402, 500, 201 } do
            for _, answer in ipairs {
              { text = "<html>" .. spelling .. "</html>", headers = { ["Content-Type"] = "text/html" } },
              { text = '{"echo": "' .. spelling }, { text = spelling },
              { json = { echo = spelling, list = { spelling, { [spelling] = "x" } } } },
              { json = { message = "bad: " .. spelling, code = spelling, trace = spelling } },
            } do
              answer.status = status
              answers[#answers + 1] = answer
            end
          end
          for _, how in ipairs(errors) do
            local client = connect(how or nil)
            listener:script(answers)
            for _ = 1, #answers do
              local record, err = client.things:create(secret)
              assert.is_nil(record)
              assert.is_nil(shows(err))
            end
          end
        end)
      end
    end

    it("of the token", function()
      local client = connect("{ message = 'message' }", { token = "key-0000-token" })
      for _, answer in ipairs {
        { status = 401, json = { message = "bad token key-0000-token",
                                 h = { Authorization = "Bearer key-0000-token" } } },
        { status = 500, text = "Authorization: Bearer key-0000-token" },
        { status = 302, headers = { Location = "https://x.invalid/key-0000-token?t=key-0000-token" } },
        { status = 400, json = {}, headers = { ["X-Request-Id"] = "key-0000-token" } },
      } do
        listener:script(answer)
        local record, err = client.things:get "7"
        assert.is_nil(record)
        assert.is_nil(shows(err))
      end
    end)

    it("of a field that the provider file calls secret, whoever's it is and however cut", function()
      local client = connect("{ message = 'message' }")
      for _, text in ipairs {
        '{"name":"n","api_key":"key-0000', '{"API_KEY" : "key-0000","name":"n"}',
        '{"settings":{"AuthToken":"key-0000\\"key"}}',
        '{"name":"n","settings":{"authToken":"key-0000"},"api_key":40000}', '[{"api_key":["key-0000"]}]' ,
      } do
        for _, status in ipairs { 201, 500 } do
          listener:script { status = status, text = text }
          local record, err = client.things:create { name = "n" }
          assert.is_nil(record)
          assert.is_nil(shows(err, { "0000" }))
        end
      end
    end)

    it("of such a field within a JSON text, at any depth, whatever is in its value", function()
      local client = connect("{ message = 'message' }")
      local text = control.json.encode { name = "n", authToken = 'k"0000\\', api_key = '0000\\"0000"', last = "z" }
      for _ = 1, 4 do
        listener:script { status = 500, text = text }
        local _, err = client.things:create { name = "n" }
        assert.is_nil(shows(err, { "0000" }))
        assert.truthy(tostring(err):find('last', 1, true), tostring(err))
        text = control.json.encode(text)
      end
    end)

    it("when the answer ends in its midst", function()
      local client = connect("{ message = 'message' }", { token = "key-0000-token" })
      local body = '{"message":"no: key-0000-tok'
      for _, status in ipairs { 201, 400, 500 } do
        listener:script { raw = ("HTTP/1.1 %d X\r\nContent-Length: 100\r\n\r\n%s"):format(status, body) }
        local _, err = client.things:create { name = "n" }
        assert.is_nil(shows(err, { "key-" }))
        assert.truthy(tostring(err):find('no: ', 1, true), tostring(err))
      end
    end)

    it("when many fill a message that is too long", function()
      local long = ("key-0000-token"):rep(60)
      local client = connect("{ message = 'message' }", { token = long })
      for _, before in ipairs { "", "x", ("x"):rep(300) } do
        listener:script { status = 400, json = { message = before .. long:rep(10) } }
        local _, err = client.things:create { name = "n" }
        assert.is_nil(shows(err, { "key-", "0000" }))
      end
    end)

    it("whose value is the end of the excerpt", function()
      local client = connect()
      for before = 130, 170 do
        listener:script { status = 500, text = ("x"):rep(before) .. "key-0000-secret" }
        local _, err = client.things:create { api_key = "key-0000-secret" }
        assert.is_nil(shows(err))
      end
    end)
  end)
end)
