local control = require "tests.contract.control"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("a client", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function connect(parts, options, given)
    return support.client(support.provider(parts, options), listener.url, given)
  end

  local plain = [[ text "name" { required = true }, text "note" {}, integer "count" {}, secret "key" {},
    path = "/things", create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" } ]]

  local function nothing_was_sent() assert.equal(0, #listener:requests()) end

  describe("creates", function()
    it("and returns the record with the vendor's names and id", function()
      listener:script { status = 201, json = { id = "7", name = "n", extra = { 1, 2 }, none = control.null } }
      local client = connect(plain)
      local record = assert(client.things:create { name = "n", count = 5, key = luaprov.secret "key-0000" })
      assert.equal("7", record.id)
      assert.equal("n", record.name)
      assert.same({ 1, 2 }, record.extra)
      assert.equal(luaprov.null, record.none)
      local request = listener:requests(1)[1]
      assert.equal("POST", request.method)
      assert.equal("/things", request.path)
      assert.equal('{"count":5,"key":"key-0000","name":"n"}', request.body)
      assert.equal("application/json", request.headers["content-type"])
      assert.equal("application/json", request.headers.accept)
      assert.equal("Bearer tok-acme-0000", request.headers.authorization)
      assert.equal("luaprov/" .. luaprov.version, request.headers["user-agent"])
    end)

    it("finds the record, and the id, where the provider file says", function()
      listener:script {
        { status = 200, json = { data = { thingId = 12, name = "n" } } },
        { status = 200, json = { name = "n" },
          headers = { Location = "https://api.acme.invalid/v1/things/a%2Fb?x=1" } },
        { status = 200, json = { name = "n", meta = { key = "k" } } },
      }
      local client = connect [[ unknown = "pass", path = "/things", id = "thingId",
        create = post { record = { "data", "." }, id = { location, "meta.key" } } ]]
      for _, id in ipairs { 12, "a/b", "k" } do
        local record = assert(client.things:create { name = "n" })
        assert.equal(id, record.id)
        assert.equal("n", record.name)
      end
    end)

    it("does not take just any Location for the id", function()
      local client = connect [[ unknown = "pass", path = "/things", create = post { id = location } ]]
      for _, location in ipairs { "/others/7", "https://elsewhere.invalid/", "7", "", "/things/" } do
        listener:script { status = 200, json = { name = "n" }, headers = { Location = location } }
        local record, err = client.things:create { name = "n" }
        support.is_error({ kind = "protocol", outcome = "unknown", has = "the answer has no id" }, err, record)
      end
    end)

    it("keeps ids whole that no float could hold", function()
      local created = '{"id":123456789012345678,"name":"n"}'
      listener:script { { raw = "HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n" .. created },
                        { raw = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" .. created } }
      local client = connect [[ text "name" {}, path = "/things", create = post { expect = 201 }, get = get {} ]]
      local record = assert(client.things:create { name = "n" })
      assert(client.things:get(record.id))
      assert.equal("/things/123456789012345678", listener:requests(2)[2].path)
    end)

    it("reads back what it created where the answer has but a Location", function()
      local client = connect [[ text "name" {}, path = "/things", get = get {},
        create = post { expect = 201, record = "data", id = location } ]]
      for _, answer in ipairs { { json = { status = "success" } }, { text = "" }, { json = control.null } } do
        listener:reset()
        answer.status, answer.headers = 201, { Location = "/things/7" }
        listener:script { answer, { status = 200, json = { id = "7", name = "as kept" } } }
        local record, err = client.things:create { name = "n" }
        assert.is_nil(err)
        assert.same({ id = "7", name = "as kept" }, record)
      end
    end)

    it("keeps closed what was given as a secret, wherever it comes back", function()
      listener:script { status = 201, json = { id = "7", name = "name-0000", more = { key = "more-0000" } } }
      local client = connect 'unknown = "pass", text "name" {}, path = "/things", create = post { expect = 201 }'
      local record = assert(client.things:create {
        name = luaprov.secret "name-0000", more = { key = luaprov.secret "more-0000" } })
      assert.equal("name-0000", record.name:reveal())
      assert.equal("more-0000", record.more.key:reveal())
    end)

    it("sends a header once, whatever its case", function()
      listener:script { status = 201, json = { id = "7" } }
      local client = connect([[ text "name" {}, path = "/things",
        create = post { expect = 201, headers = { ["content-TYPE"] = "application/vnd.acme+json" } } ]])
      assert(client.things:create {})
      assert.equal("application/json", listener:requests(1)[1].headers["content-type"])
    end)

    it("sends a secret setting in a header, and shows it nowhere", function()
      listener:script { { status = 201, json = { id = "7" } }, { status = 500, text = "echo key-0000" } }
      local options = 'secret "api_key" { required = true }, headers = { ["X-Api-Key"] = "{api_key}" }'
      local parts = 'text "name" {}, path = "/things", create = post { expect = 201 }'
      local client = connect(parts, options, { api_key = luaprov.secret "key-0000" })
      assert(client.things:create {})
      assert.equal("key-0000", listener:requests(1)[1].headers["x-api-key"])
      local _, err = client.things:create {}
      assert.is_nil(tostring(err):find("key-0000", 1, true))
      local none, missing = require("luaprov.provider.client").new(
        support.description(support.provider(parts, options)), { base_url = listener.url })
      support.is_error({ kind = "invalid", has = "api_key is required (or LUAPROV_ACME_API_KEY)" }, missing, none)
    end)

    it("sends an empty table as an object", function()
      listener:script { status = 201, json = { id = "7" } }
      local client = connect 'text "name" {}, path = "/things", create = post { expect = 201 }'
      assert(client.things:create {})
      assert.equal("{}", listener:requests(1)[1].body)
    end)

    it("tells all faults at once before anything is sent", function()
      local client = connect([[ text "team" { required = true, path = true }, text "name" { required = true },
        integer "count" {}, group "settings" { secret "authToken" { required = true } },
        create = post "/teams/{team}/things" {} ]])
      local record, err = client.things:create { count = "x", settings = { authTokn = 1 } }
      support.is_error({ kind = "invalid", outcome = "not_sent", provider = "acme", resource = "things",
        operation = "create", has = { "count must be a whole number", "name is required",
                                      "settings.authToken is required",
          "settings.authTokn is unknown (did you mean 'authToken'?)", "team is required" } }, err, record)
      assert.equal(5, #err.details)
      record, err = client.things:create { team = "..", name = "x", nmae = "y" }
      support.is_error({ kind = "invalid", has = { "nmae is unknown (did you mean 'name'?)",
                                                   "team must not be '..'" } },
        err, record)
      assert.equal(2, #err.details)
      nothing_was_sent()
    end)

    it("refuses what has no JSON form, before anything is sent", function()
      local client = connect('unknown = "pass", ' .. support.operations)
      for path, fields in pairs {
        ["a"] = { a = print }, ["b.c"] = { b = { c = 0 / 0 } }, ["d"] = { d = "\255" }, ["e"] = { e = { 1, x = 2 } },
      } do
        local record, err = client.things:create(fields)
        support.is_error({ kind = "invalid", outcome = "not_sent", operation = "create", has = path }, err, record)
      end
      nothing_was_sent()
    end)

    it("reads back after an empty answer", function()
      listener:script { { status = 201, headers = { Location = "/things/7" } },
                        { status = 200, json = { id = "7", name = "as kept" } } }
      local client = connect [[ text "name" {}, path = "/things", get = get {},
        create = post { expect = 201, id = location, returns = "nothing" } ]]
      local record, err = client.things:create { name = "n" }
      assert.is_nil(err)
      assert.equal("as kept", record.name)
      local requests = listener:requests(2)
      assert.equal("GET /things/7", requests[2].method .. " " .. requests[2].path)
    end)

    it("has created, even if that cannot be read back", function()
      local path = support.file("key", "key-file-0000\n")
      listener:script { { status = 201, headers = { Location = "/things/7" } }, { status = 500, json = {} } }
      local client = connect [[ unknown = "pass", text "name" {}, secret "key" {}, path = "/things", get = get {},
        create = post { expect = 201, id = location, returns = "nothing" } ]]
      local record, err = client.things:create {
        name = luaprov.secret "name-0000", key = luaprov.secret.file(path), more = { luaprov.secret "more-0000" },
      }
      support.clean()
      assert.equal("7", record.id)
      support.is_error({ kind = "unavailable", operation = "get", status = 500 }, err)
      for value, secret in pairs { ["name-0000"] = record.name, ["key-file-0000"] = record.key,
                                   ["more-0000"] = record.more[1] } do
        assert.is_true(luaprov.secret.is(secret))
        assert.equal(value, secret:reveal())
      end
    end)
  end)

  describe("reads", function()
    it("a record by its id, escaped into the path", function()
      local client = connect(plain)
      for id, path in pairs {
        ["7"] = "/things/7", ["a/b"] = "/things/a%2Fb", ["a b"] = "/things/a%20b", ["100%"] = "/things/100%25",
        ["?x=1#y"] = "/things/%3Fx%3D1%23y", ["ä€"] = "/things/%C3%A4%E2%82%AC", ["..."] = "/things/...",
        ["%2e%2e"] = "/things/%252e%252e", [";a&b"] = "/things/%3Ba%26b", [12] = "/things/12",
      } do
        listener:reset()
        listener:script { status = 200, json = { id = id } }
        assert.equal(id, assert(client.things:get(id)).id)
        assert.equal(path, listener:requests(1)[1].path)
      end
    end)

    it("nothing by an id that is none", function()
      local client = connect(plain)
      for _, case in ipairs {
        { "", "id is empty" }, { ".", "id must not be '.'" }, { "..", "id must not be '..'" },
        { "a\nb", "id has a control character" }, { "a\0", "id has a control character" },
        { {}, "id must be text, not table" }, { true, "id must be text, not boolean" },
        { luaprov.null, "id must be text, not " }, { 1.5, "id must be text, not number" },
        { luaprov.secret "x", "id must be text, not table" }, { nil, "id is required" },
      } do
        for _, operation in ipairs { "get", "delete" } do
          local record, err = client.things[operation](client.things, case[1])
          support.is_error({ kind = "invalid", outcome = "not_sent", resource = "things", operation = operation,
                             has = case[2] }, err, record)
        end
        local record, err = client.things:update(case[1], { name = "x" })
        support.is_error({ kind = "invalid", outcome = "not_sent", operation = "update", has = case[2] }, err, record)
      end
      nothing_was_sent()
    end)

    it("below parents, by the record's own names for them", function()
      local client = connect [[ text "team" { required = true, path = true }, text "name" {},
        create = post "/teams/{team}/things" {}, get = get "/teams/{team}/things/{id}" {},
        update = put "/teams/{team}/things/{id}" {}, delete = delete "/teams/{team}/things/{id}" {} ]]
      for _ = 1, 5 do listener:script { status = 200, json = { id = "7", name = "n" } } end
      local record = assert(client.things:create { team = "a b", name = "n" })
      assert.equal("a b", record.team)
      assert.equal("a b", assert(client.things:get("7", { team = "a b" })).team)
      assert(client.things:get("7", record))
      assert.equal("a b", assert(client.things:update("7", { team = "a b", name = "m" })).team)
      assert(client.things:delete("7", { team = "a b" }))
      local paths = {}
      for i, request in ipairs(listener:requests(5)) do paths[i] = request.method .. " " .. request.path end
      assert.same({ "POST /teams/a%20b/things", "GET /teams/a%20b/things/7", "GET /teams/a%20b/things/7",
        "PUT /teams/a%20b/things/7", "DELETE /teams/a%20b/things/7" }, paths)
      assert.equal('{"name":"n"}', listener:requests()[1].body)
      assert.equal('{"name":"m"}', listener:requests()[4].body)
      for _, parent in ipairs { "", "..", "a\nb", 1.5, {} } do
        support.is_error({ kind = "invalid", outcome = "not_sent", has = "team " },
          select(2, client.things:get("7", { team = parent })))
        support.is_error({ kind = "invalid", outcome = "not_sent", has = "team " },
          select(2, client.things:update("7", { team = parent, name = "m" })))
      end
      support.is_error({ kind = "invalid", has = "team is required" }, select(2, client.things:delete "7"))
      assert.equal(5, #listener:requests())
    end)
  end)

  describe("changes", function()
    it("by sending the changes", function()
      listener:script { status = 200, json = { id = "7", name = "m" } }
      local record = assert(connect(plain).things:update("7", { name = "m", note = luaprov.null }))
      assert.equal("m", record.name)
      local request = listener:requests(1)[1]
      assert.equal("PATCH /things/7", request.method .. " " .. request.path)
      assert.equal('{"name":"m","note":null}', request.body)
    end)

    it("and believes no answer that is not the record", function()
      for _, body in ipairs { { name = "m" }, {}, { error = true }, { id = "8", name = "m" } } do
        listener:script { status = 200, json = body }
        local record, err = connect(plain).things:update("7", { name = "m" })
        support.is_error({ kind = "protocol", outcome = "unknown", status = 200 }, err, record)
      end
      listener:script { status = 200, json = { id = 7, name = "m" } }
      assert.equal(7, assert(connect(plain).things:update("7", { name = "m" })).id)
    end)

    it("nothing where there is nothing to change", function()
      local record, err = connect(plain).things:update("7", {})
      support.is_error({ kind = "invalid", outcome = "not_sent", has = "there is nothing to change" }, err, record)
      nothing_was_sent()
    end)

    it("and takes a GUID in another case for the same, and no other id", function()
      local guid = "d4315495-bfd8-4000-8000-00000000000a"
      listener:script { status = 200, json = { id = guid, name = "m" } }
      assert.equal(guid, assert(connect(plain).things:update(guid:upper(), { name = "m" })).id)
      listener:script { status = 200, json = { id = "abc-def", name = "m" } }
      local record, err = connect(plain).things:update("ABC-DEF", { name = "m" })
      support.is_error({ kind = "protocol", outcome = "unknown", has = "another record" }, err, record)
    end)

    it("or removes nothing that an answer of HTML could have meant", function()
      local client = connect [[ text "name" {}, path = "/things", delete = delete {},
        update = patch { returns = "nothing" } ]]
      for _, call in ipairs {
        function() return client.things:delete "7" end, function() return client.things:update("7", { name = "n" }) end,
      } do
        listener:script { status = 200, text = "<html>please log in</html>",
                          headers = { ["Content-Type"] = "text/html" } }
        local done, err = call()
        support.is_error({ kind = "protocol", outcome = "unknown", status = 200, has = "please log in" }, err, done)
      end
    end)

    it("nothing that is fixed: unsupported, unless more is wrong", function()
      local client = connect('text "kind" { fixed = true }, text "team" { path = true },'
        .. 'create = post "/teams/{team}/things" {},' .. plain:gsub("create = post [^,]*,", ""))
      for _, case in ipairs {
        { "unsupported", { kind = "x" } }, { "unsupported", { kind = "x", team = "y", name = "z" } },
        { "invalid", { kind = "x", nope = 1 } }, { "invalid", { kind = "x", above = 1 } },
      } do
        local record, err = client.things:update("7", case[2])
        support.is_error({ kind = case[1], outcome = "not_sent", has = "kind is fixed: it cannot change after create" },
          err, record)
      end
      nothing_was_sent()
    end)

    it("by merge patch and JSON Patch", function()
      for sends, wanted in pairs {
        merge_patch = { "application/merge-patch+json", '{"name":"m","note":null}' },
        json_patch = { "application/json",
          '[{"op":"replace","path":"/name","value":"m"},{"op":"remove","path":"/note"}]' },
      } do
        listener:reset()
        listener:script { status = 200, json = { id = "7" } }
        local client = connect(plain:gsub("patch {}", ('patch { sends = "%s" }'):format(sends)), nil)
        assert(client.things:update("7", { name = "m", note = luaprov.null }))
        local request = listener:requests(1)[1]
        assert.equal(wanted[1], request.headers["content-type"])
        assert.equal(wanted[2], request.body)
      end
    end)

    it("by sending the whole, with what the vendor has", function()
      listener:script { { status = 200, json = { id = "7", name = "n", note = "kept", key = "key-0000", team = "t",
                                                 made = "today", tags = control.array {}, settings = { a = "1",
                                                   b = "2" } } },
                        { status = 200, json = { id = "7", name = "m" } } }
      local client = connect [[ text "team" { path = true }, text "name" { required = true }, text "note" {},
        secret "key" {}, create = post "/teams/{team}/things" {},
        text "made" { computed = true }, list "tags" {}, group "settings" { text "a" {}, text "b" {} },
        path = "/things", get = get {}, update = put { sends = "whole" } ]]
      assert(client.things:update("7", { name = "m", settings = { b = "3" } }))
      local requests = listener:requests(2)
      assert.equal("GET /things/7", requests[1].method .. " " .. requests[1].path)
      assert.equal("PUT /things/7", requests[2].method .. " " .. requests[2].path)
      assert.equal('{"key":"key-0000","name":"m","note":"kept","settings":{"a":"1","b":"3"},"tags":[]}',
        requests[2].body)
    end)

    it("fields of a variant by what the vendor has", function()
      local client = connect([[ choice "kind" { values = { "a", "b" }, fixed = true },
        by "kind" { a = { text "x" {} }, b = { text "y" {} } }, text "name" {}, ]] .. support.operations)
      listener:script { { status = 200, json = { id = "7", kind = "a" } },
                        { status = 200, json = { id = "7", kind = "a" } } }
      assert(client.things:update("7", { x = "1" }))
      assert.equal('{"x":"1"}', listener:requests(2)[2].body)
      listener:reset()
      listener:script { status = 200, json = { id = "7", kind = "b" } }
      local record, err = client.things:update("7", { x = "1" })
      support.is_error({ kind = "invalid", outcome = "not_sent", has = "x is no field of this variant" }, err, record)
      assert.equal(1, #listener:requests())
      listener:reset()
      listener:script { status = 200, json = { id = "7" } }
      assert(client.things:update("7", { name = "n" }))
      assert.equal("PATCH", listener:requests(1)[1].method)
    end)

    it("nothing, and asks nothing, when it is wrong in every variant", function()
      local client = connect([[ choice "kind" { values = { "a", "b" }, fixed = true }, text "name" { max = 3 },
        by "kind" { a = { text "x" {} }, b = { text "y" {} } }, ]] .. support.operations)
      local record, err = client.things:update("7", { x = "1", name = "long", nope = true, kind = "a" })
      support.is_error({ kind = "invalid", outcome = "not_sent", has = { "name is longer", "nope is unknown",
        "kind is fixed" } }, err, record)
      nothing_was_sent()
    end)

    it("the items of a list whole, because they are replaced", function()
      local client = connect(
        'list "parts" { of = group { text "kind" {}, text "size" { required = true } } },' .. plain)
      local record, err = client.things:update("7", { parts = { { kind = "a" } } })
      support.is_error({ kind = "invalid", has = "parts[1].size is required" }, err, record)
      nothing_was_sent()
    end)

    it("by the whole, what the provider file does not name too", function()
      listener:script { { status = 200, json = { id = "7", name = "n", extra = "kept" } },
                        { status = 200, json = { id = "7", name = "m" } } }
      local client = connect [[ unknown = "pass", text "name" {}, path = "/things", get = get {},
        update = put { sends = "whole" } ]]
      assert(client.things:update("7", { name = "m" }))
      assert.equal('{"extra":"kept","name":"m"}', listener:requests(2)[2].body)
    end)

    it("nothing when what the vendor has cannot be read", function()
      local client = connect [[ text "name" {}, path = "/things", get = get {}, update = put { sends = "whole" } ]]
      for status, kind in pairs { [404] = "not_found", [500] = "unavailable" } do
        listener:script { status = status, json = {} }
        local record, err = client.things:update("7", { name = "m" })
        support.is_error({ kind = kind, outcome = "not_sent", operation = "update", status = status,
                           has = "the record cannot be read first" }, err, record)
      end
      for _, request in ipairs(listener:requests(2)) do assert.equal("GET", request.method) end
    end)

    it("and reads back after an empty answer", function()
      local client = connect [[ text "name" {}, path = "/things", get = get {},
        update = patch { expect = 204, returns = "nothing" } ]]
      listener:script { { status = 204 }, { status = 200, json = { id = "7", name = "m" } } }
      local record, err = client.things:update("7", { name = "m" })
      assert.is_nil(err)
      assert.same({ id = "7", name = "m" }, record)
      listener:script { { status = 204 }, { status = 404, json = {} } }
      record, err = client.things:update("7", { name = "m" })
      assert.same({ id = "7", name = "m" }, record)
      support.is_error({ kind = "not_found", operation = "get", status = 404 }, err)
      listener:script { { status = 500, json = {} } }
      record, err = client.things:update("7", { name = "m" })
      support.is_error({ kind = "unavailable", operation = "update", outcome = "unknown" }, err, record)
    end)

    it("and has its time for each of the reading before, the change, and the reading back", function()
      local http = require "luaprov.http"
      local exchange, left = http.exchange, {}
      finally(function() http.exchange = exchange end)
      http.exchange = function(request)
        left[#left + 1] = request.deadline - http.now()
        return exchange(request)
      end
      local client = connect [[ choice "kind" { fixed = true, values = { "a", "b" } },
        by "kind" { a = { text "one" {} }, b = { text "two" {} } }, path = "/things", get = get {},
        update = patch { expect = 204, returns = "nothing" } ]]
      listener:script { { status = 200, json = { id = "7", kind = "a" } }, { status = 204 },
                        { status = 200, json = { id = "7", kind = "a", one = "m" } } }
      assert(client.things:update("7", { one = "m" }))
      assert.equal(3, #left)
      for _, seconds in ipairs(left) do assert.is_true(seconds > 25 and seconds <= 30, seconds) end
    end)

    it("and returns what was sent where nothing can be read", function()
      listener:script { status = 204 }
      local client = connect [[ text "name" {}, path = "/things",
        update = patch { expect = 204, returns = "nothing" } ]]
      local record, err = client.things:update("7", { name = "m" })
      assert.is_nil(err)
      assert.same({ id = "7", name = "m" }, record)
    end)
  end)

  describe("removes", function()
    it("a record, whatever the JSON", function()
      local client = connect(plain)
      listener:script { status = 204 }
      assert.is_true(client.things:delete "7")
      local request = listener:requests(1)[1]
      assert.equal("DELETE /things/7", request.method .. " " .. request.path)
      assert.equal("", request.body)
      client = connect 'path = "/things", delete = delete {}'
      for _, answer in ipairs { { status = 200 }, { status = 200, json = control.null },
                                { status = 200, json = {} } } do
        listener:script(answer)
        assert.is_true(client.things:delete "7")
      end
    end)

    it("nothing where the vendor says no", function()
      listener:script { status = 404, json = {} }
      local done, err = connect(plain).things:delete "7"
      support.is_error({ kind = "not_found", outcome = "refused", status = 404, operation = "delete" }, err, done)
    end)
  end)

  it("sends constant headers and those of settings, and leaves out what has no value", function()
    local options = [[ auth = bearer "token", headers = { ["X-All"] = "all", ["X-Zone"] = "{zone}" },
      text "zone" {}, boolean "loud" { default = true } ]]
    local parts = [[ path = "/things", get = get { headers = { ["X-Loud"] = "{loud}", ["X-All"] = "mine" } } ]]
    local wanted = { { nil, "true" }, { "eu", nil } }
    for i, given in ipairs { {}, { zone = "eu", loud = false } } do
      given.token = "t"
      listener:script { status = 200, json = { id = "7" } }
      assert(connect(parts, options, given).things:get "7")
      local headers = listener:requests(i)[i].headers
      assert.equal("mine", headers["x-all"])
      assert.equal(wanted[i][1], headers["x-zone"])
      assert.equal(wanted[i][2], headers["x-loud"])
    end
  end)

  it("puts settings into paths, and leaves out optional parts", function()
    local options = 'auth = bearer "token", text "account" {}, text "zone" {}'
    local parts = 'path = "[/accounts/{account}]/zones/{zone}/things", get = get {}'
    for path, given in pairs {
      ["/zones/a%2Fb/things/7"] = { zone = "a/b" }, ["/accounts/x/zones/y/things/7"] = { zone = "y", account = "x" },
    } do
      listener:reset()
      given.token = "t"
      listener:script { status = 200, json = { id = "7" } }
      assert(connect(parts, options, given).things:get "7")
      assert.equal(path, listener:requests(1)[1].path)
    end
    listener:reset()
    for has, given in pairs { ["zone is required"] = {}, ["account must not be '..'"] = { zone = "z", account = ".." },
                              ["account is empty"] = { zone = "z", account = "" } } do
      given.token = "t"
      local record, err = connect(parts, options, given).things:get "7"
      support.is_error({ kind = "invalid", outcome = "not_sent", has = has }, err, record)
    end
    nothing_was_sent()
  end)

  it("lets a setting choose between two ways of an operation", function()
    local options = 'auth = bearer "token", choice "how" { values = { "one", "two" }, default = "one" }'
    local parts = 'unknown = "pass", path = "/things", update = by "how" { one = post "/make/{id}" {}, two = put {} }'
    for how, wanted in pairs { one = "POST /make/7", two = "PUT /things/7" } do
      listener:reset()
      listener:script { status = 200, json = { id = "7" } }
      assert(connect(parts, options, { token = "t", how = how }).things:update("7", { x = 1 }))
      local request = listener:requests(1)[1]
      assert.equal(wanted, request.method .. " " .. request.path)
    end
  end)

  it("closes the secrets of an answer", function()
    listener:script { status = 200, json = { id = "7", key = "key-0000", name = "n" } }
    local record = assert(connect(plain).things:get "7")
    assert.equal("key-0000", record.key:reveal())
    assert.is_nil(support.shown(record):find("key-0000", 1, true))
    assert.is_nil(json.encode(record):find("key-0000", 1, true))
  end)

  it("shows no secret of its own", function()
    local client = connect(plain, nil, { token = "tok-hidden-0000" })
    assert.is_nil(support.shown(client):find("tok-hidden", 1, true))
    assert.equal("luaprov client of acme at " .. listener.url, tostring(client))
    client = connect(plain,
      'auth = token_request { url = "{base_url}/t", token = "t", text "user" {}, secret "pass" {} }',
      { pass = luaprov.secret "pass-0000", user = luaprov.secret "user-0000" })
    assert.is_nil(support.shown(client):find("%l+%-0000"))
  end)

  it("says so where the provider has no such operation", function()
    local client = connect 'path = "/things", get = get {}'
    for operation, call in pairs {
      create = function() return client.things:create {} end, update = function() return client.things:update("7",
        {}) end,
      delete = function() return client.things:delete "7" end, list = function() return client.things:list() end,
    } do
      local value, err = call()
      support.is_error({ kind = "unsupported", outcome = "not_sent", provider = "acme", resource = "things",
                         operation = operation, has = "the provider has no such operation" }, err, value)
    end
    local value, err = client.things:each()()
    assert.is_false(value)
    support.is_error({ kind = "unsupported", operation = "list" }, err)
  end)

  it("used wrongly is an error at the caller's line, naming the nearest", function()
    local client = connect(plain)
    for words, call in pairs {
      ["acme has no resource 'thing' (did you mean 'things'?)"] = function() return client.thing end,
      ["acme has no resource '5' (there is things)"] = function() return client[5] end,
      ["things has no operation 'craete' (did you mean 'create'?)"] = function() client.things:craete {} end,
      ["call it with a colon: client.RESOURCE:create(…)"] = function() client.things.create { name = "x" } end,
      ["call it with a colon: client.RESOURCE:get(…)"] = function() client.things.get "7" end,
      ["call it with a colon: client.RESOURCE:delete(…)"] = function() client.things.delete(7) end,
      ["call it with a colon: client.RESOURCE:list(…)"] = function() client.things.list() end,
      ["create's fields must be a table, not nil"] = function() client.things:create() end,
      ["update's fields must be a table, not string"] = function() client.things:update("7", "x") end,
      ["get's parents must be a table, not string"] = function() client.things:get("7", "x") end,
      ["delete's parents must be a table, not boolean"] = function() client.things:delete("7", true) end,
      ["list's query must be a table, not string"] = function() client.things:list "x" end,
      ["each's query must be a table, not number"] = function() client.things:each(5) end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.equal(words, (err:gsub("^.-:%d+: ", "")))
      assert.matches("client_spec.lua:%d+: ", err)
    end
    nothing_was_sent()
  end)

  it("works in many tasks at once", function()
    local client, answers, ids = connect(plain), {}, {}
    for i = 1, 40 do
      ids[i] = "id-" .. i
      answers[i] = { match = { path = "/things/id-" .. i }, status = 200, json = { id = "id-" .. i } }
    end
    listener:script(answers)
    local records, errors = luaprov.map(ids, function(id) return client.things:get(id) end, { concurrency = 20 })
    assert.is_nil(next(errors))
    for i, id in ipairs(ids) do assert.equal(id, records[i].id) end
  end)
end)
