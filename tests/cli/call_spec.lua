local control = require "tests.contract.control"
local json = require "luaprov.json"
local run = require "tests.cli.support"
local support = require "tests.support"

local ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token",
  errors = { message = "message", code = "code", trace_id = "trace" },
  text "place" {}, boolean "loud" {},
  resource "things" {
    path = "/sites/{site}/things", key = { "name" },
    text    "site"  { required = true, fixed = true, path = true },
    text    "name"  { required = true },
    choice  "kind"  { required = true, fixed = true, values = { "zinc", "tin" } },
    integer "count" {}, boolean "soft" {}, integer "port" { sent_as = "string" },
    list "tags" { of = text {} }, list "keys" { of = secret {} },
    group "inside" {
      text "note" {}, secret "pass" {}, text "a.b" {},
      group "deep" { integer "level" {} },
      by "kind" {
        zinc = { integer "size" {}, secret "same" {} }, tin = { text "size" {}, text "same" {} },
      },
    },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items", query = { "name" }, pages = numbered { query = "page={page}", size = 2 } },
  },
  resource "plain" { path = "/plain", text "name" {}, get = get {}, list = get { items = "items" } },
}
]]

describe("luaprov call", function()
  local listener, file, environment
  setup(function()
    listener = control.start()
    file = support.file("acme.lua", ACME)
    environment = { LUAPROV_ACME_TOKEN = "tok-acme-0000", LUAPROV_ACME_BASE_URL = listener.url, NOTE = "from NOTE",
                    SECRET = "shh-0000", LUAPROV_EMPTY = "" }
  end)
  teardown(function()
    listener:stop()
    support.clean()
  end)
  before_each(function() listener:reset() end)

  local function call(words, ...)
    local list = { "call", file, "things" }
    for _, word in ipairs(type(words) == "table" and words or run.words(words)) do list[#list + 1] = word end
    for _, word in ipairs { ... } do list[#list + 1] = word end
    return run.run(list, environment)
  end

  local function created(...)
    listener:script { status = 201, json = { id = "7" } }
    local out, err, code = call({ "create", "site=s", "name=n" }, ...)
    assert.equal(0, code, err)
    local request = listener:requests(1)[1]
    listener:reset()
    return json.decode(request.body), err, out, request
  end

  it("says which variables have the credentials that are refused", function()
    for _, words in ipairs { { "create", "site=s", "name=n", "kind=zinc" }, { "list", "site=s" } } do
      listener:script { status = 401, json = {} }
      local _, err, code = call(words)
      assert.equal(1, code)
      assert.truthy(err:find("luaprov: the credentials are those of LUAPROV_ACME_TOKEN\n", 1, true), err)
      listener:reset()
      listener:script { status = 401, json = {} }
      _, err = call(words, "--set", "token=FAKE-mine")
      assert.is_nil(err:find("LUAPROV_ACME_TOKEN", 1, true))
      listener:reset()
    end
  end)

  describe("takes", function()
    it("each field's text as its type", function()
      local body, err, out, request = created("kind=zinc", "count=587", "soft=true", "port=0587", "inside.note=a=b",
        "inside.size=-4", "inside.deep.level=2", "inside.a.b=dotted")
      assert.same({ name = "n", kind = "zinc", count = 587, soft = true, port = "0587",
                    inside = { note = "a=b", size = -4, deep = { level = 2 }, ["a.b"] = "dotted" } }, body)
      assert.equal("POST /sites/s/things", request.method .. " " .. request.path)
      assert.equal("Bearer tok-acme-0000", request.headers.authorization)
      assert.equal('{"id":"7","site":"s"}\n', out)
      assert.equal("", err)
      -- What a field is may depend on the variant.
      assert.same({ size = "-4" }, created("kind=tin", "inside.size=-4").inside)
      assert.same({ size = "-4" }, created("inside.size=-4", 'kind:="tin"').inside)
    end)

    it("exact JSON", function()
      local body = created("kind=zinc", "count:=9007199254740991", 'tags:=["a", "b"]', 'inside:={"note":"x"}')
      assert.same({ name = "n", kind = "zinc", count = 9007199254740991, tags = { "a", "b" },
                    inside = { note = "x" } }, body)
      assert.same({ name = "n", kind = "tin", inside = { note = "@x" } }, created("kind=tin", 'inside.note:="@x"'))
      local path = support.file("keys", '["shh-0000"]\n')
      local err
      body, err = created("kind=tin", "keys:=@" .. path)
      assert.same({ "shh-0000" }, body.keys)
      assert.equal("", err)
    end)

    it("the content of files and variables of the environment", function()
      local path = support.file("note", "line one\nline two\n")
      assert.same({ note = "line one\nline two" }, created("kind=tin", "inside.note=@" .. path).inside)
      assert.same({ note = "from NOTE" }, created("kind=tin", "inside.note=env:NOTE").inside)
      local body, err = created("kind=tin", "inside.pass=env:SECRET")
      assert.same({ pass = "shh-0000" }, body.inside)
      assert.equal("", err)
      local secret = support.file("secret", "shh-1111\n")
      body, err = created("kind=tin", "inside.pass=@" .. secret)
      assert.same({ pass = "shh-1111" }, body.inside)
      assert.equal("", err)
      -- As the shell gives them: it can be read once only.
      listener:script { status = 201, json = { id = "7" } }
      local command = run.command({ "call", file, "things", "create", "site=s", "name=n", "kind=tin",
                                    "inside.pass=@/dev/stdin" }, environment)
      local _, why, code = run.sh("echo shh-2222 | " .. command)
      assert.equal(0, code, why)
      assert.equal("shh-2222", json.decode(listener:requests(1)[1].body).inside.pass)
    end)

    it("secrets as they are, with a warning that does not show them", function()
      for _, form in ipairs { "inside.pass=shh-0000", 'inside.pass:="shh-0000"', 'inside:={"pass":"shh-0000"}',
                              "inside.same=shh-0000", 'keys:=["shh-0000"]' } do
        local body, err, out = created("kind=zinc", form)
        assert.truthy(json.encode(body):find("shh-0000", 1, true))
        assert.truthy(err:find("^luaprov: warning: [%w.]+ has a secret, and others on this machine"), form .. err)
        assert.is_nil((err .. out):find("shh-0000", 1, true))
      end
    end)

    it("options of the client", function()
      listener:script { status = 200, json = { id = "7" } }
      local out, err, code = run.run({ "call", file, "plain", "get", "7", "--set", "base_url=" .. listener.url,
        "--set=token=tok-plain-0000", "--set", "timeout=9", "--set", "loud=true" })
      assert.equal(0, code, err)
      assert.equal('{"id":"7"}\n', out)
      assert.equal("Bearer tok-plain-0000", listener:requests(1)[1].headers.authorization)
      assert.truthy(err:find("give it as --set token=env:VAR or --set token=@FILE", 1, true), err)
      assert.is_nil(err:find("tok-plain", 1, true))
    end)

    it("an id that looks like an argument", function()
      listener:script { status = 200, json = { id = "a=b" } }
      local _, err, code = run.run({ "call", file, "plain", "get", "--id", "a=b" }, environment)
      assert.equal(0, code, err)
      assert.equal("/plain/a%3Db", listener:requests(1)[1].path)
    end)
  end)

  describe("refuses with 64, before anything is sent,", function()
    for name, case in pairs {
      ["an unknown resource"] = { { "call", "?", "thinks", "list" },
                                  "has no resource 'thinks' (did you mean 'things'?)" },
      ["an unknown operation"] = { { "call", "?", "things", "make" }, "must be one of 'create', 'get'" },
      ["an operation that is not there"] = { { "call", "?", "plain", "create" },
                                             "acme plain has no create (there is get, list)" },
      ["an unknown provider"] = { { "call", "hubser", "hubs", "list" }, "(did you mean 'hubster'?)" },
      ["too few words"] = { { "call", "hubster" }, "missing argument 'resource'" },
      ["a missing id"] = { { "call", "?", "plain", "get" }, "get needs the id of a record" },
      ["an argument for an id"] = { { "call", "?", "things", "get", "site=s" },
        "get needs the id of a record before site=… (an id that has a = in it is given with --id)" },
      ["an id for create"] = { { "call", "?", "things", "create", "7", "site=s" }, "create takes no id" },
      ["an id for list"] = { { "call", "?", "plain", "list", "--id", "7" }, "list takes no id" },
      ["a second id"] = { { "call", "?", "plain", "get", "7", "8" }, "argument 2 after get is not name=value" },
      ["bad JSON"] = { { "call", "?", "things", "create", "tags:={bad json" },
                       "tags is no JSON: expected a key in quotes at byte 1" },
      ["a name without a name"] = { { "call", "?", "things", "create", "=x" }, "is not name=value" },
      ["a name that ends in a dot"] = { { "call", "?", "things", "create", "inside.=x" },
                                        "argument 1 after create has a name with nothing before or after a dot" },
      ["a field twice"] = { { "call", "?", "things", "create", "name=a", "name:=1" }, "name is given twice" },
      ["a group whole and in parts"] = { { "call", "?", "things", "create", "inside.note=1", "inside:={}" },
                                         "inside is given whole and in parts" },
      ["a group in parts and whole"] = { { "call", "?", "things", "create", "inside:={}", "inside.note=1" },
                                         "inside.note contradicts inside, which is given whole" },
      ["parts of what has none"] = { { "call", "?", "things", "create", "name.x=1" },
                                     "name.x is text and has no parts" },
      ["parts of a list"] = { { "call", "?", "things", "create", "tags.1=a" }, "tags.1 is a list: give it whole" },
      ["text for a list"] = { { "call", "?", "things", "create", "tags=a" }, "tags is a list: give it whole, as JSON" },
      ["text for a group"] = { { "call", "?", "things", "create", "inside=a" }, "inside is a group: give its fields" },
      ["text whose type it cannot know"] = { { "call", "?", "things", "update", "7", "site=s", "inside.size=4" },
                                             "in one variant and" },
      ["a file that is not there"] = { { "call", "?", "things", "create", "name=@/nowhere" },
                                       "name: cannot read the file: /nowhere: No such file" },
      ["a folder for a file"] = { { "call", "?", "things", "create", "name=@/tmp" }, "name: cannot read the file" },
      ["a variable that is empty"] = { { "call", "?", "things", "create", "inside.pass=env:LUAPROV_EMPTY" },
                                       "inside.pass: the environment variable LUAPROV_EMPTY is empty" },
      ["options that cannot be"] = { { "call", "?", "plain", "get", "7", "--set=timeout=abc", "--set=base_url=x" },
        "fragment); timeout must be a number of seconds above zero\n" },
      ["an option that cannot be, for --curl"] = { { "call", "?", "plain", "get", "7", "--curl", "--set=timeout=-1" },
        "--set: timeout must be a number of seconds above zero" },
      ["a variable that is not set"] = { { "call", "?", "things", "create", "inside.pass=env:NOT_SET_AT_ALL" },
                                         "inside.pass: the environment variable NOT_SET_AT_ALL is not set" },
      ["an unknown option of the client"] = { { "call", "?", "plain", "list", "--set", "tokn=shh-0000" },
                                              "there is no option 'tokn' (did you mean 'token'?)" },
      ["no option of the client"] = { { "call", "?", "plain", "list", "--set", "token" }, "--set takes option=value" },
      ["JSON and a table"] = { { "call", "?", "plain", "list", "--json", "--table" }, "can not be used together" },
    } do
      it(name, function()
        local words = {}
        for i, word in ipairs(case[1]) do words[i] = word == "?" and file or word end
        local out, err, code = run.run(words, environment)
        assert.equal(64, code, err)
        assert.equal("", out)
        assert.truthy(err:find("luaprov: call: ", 1, true), err)
        assert.truthy(err:find(case[2], 1, true), err)
        assert.is_nil(err:find("traceback", 1, true))
        assert.is_nil(err:find("shh-0000", 1, true))
        assert.equal(0, #listener:requests())
      end)
    end
  end)

  describe("ends with 1", function()
    it("when a check says no, with everything that is wrong", function()
      local out, err, code = call("create nam=n kind=zin count=many soft=maybe inside.size=x")
      assert.equal(1, code)
      assert.equal("", out)
      for _, words in ipairs { "site is required", "nam is unknown (did you mean 'name'?)",
                               "kind must be one of zinc, tin (did you mean 'zinc'?)", "count must be a whole number",
                               "soft must be true or false" } do
        assert.truthy(err:find(words, 1, true), err)
      end
      assert.truthy(err:find("luaprov: outcome not_sent: nothing can have happened", 1, true), err)
      for _, case in ipairs { { "get 7 sit=s", "sit is unknown (did you mean 'site'?)" },
                              { "list site=s nam=x", "nam is unknown" },
                              { "delete 7", "site is required: a part of the path" },
                              { "update 7 site=s", "there is nothing to change" } } do
        _, err, code = call(case[1])
        assert.equal(1, code)
        assert.truthy(err:find(case[2], 1, true), err)
      end
      assert.equal(0, #listener:requests())
    end)

    it("when credentials are missing", function()
      local _, err, code = run.run({ "call", file, "plain", "list" })
      assert.equal(1, code)
      assert.truthy(err:find("missing credentials: ", 1, true), err)
      assert.truthy(err:find("LUAPROV_ACME_TOKEN", 1, true), err)
    end)

    it("when a provider file breaks at load, with all its messages", function()
      local broken = support.file("broken.lua", "return provider {\n  titel = 1,\n}\n")
      local _, err, code = run.run { "call", broken, "things", "list" }
      assert.equal(1, code)
      assert.truthy(err:find(broken .. ":2: provider: unknown option 'titel'", 1, true), err)
      assert.truthy(err:find(broken .. ":1: provider: needs a base_url", 1, true), err)
    end)

    it("when the vendor says no, as text and as JSON", function()
      for _ = 1, 2 do
        listener:script { status = 409, json = { message = "there\27[2J already", code = 17, trace = "t-1" } }
      end
      local out, err, code = call("delete 7 site=s")
      assert.equal(1, code)
      assert.equal("", out)
      assert.equal("luaprov: acme things delete: conflict: there [2J already (409, 17)\n"
        .. "luaprov: outcome refused: the vendor answered that it did not act; trace id t-1\n", err)
      out, err, code = call("delete 7 site=s --json")
      assert.equal(1, code)
      assert.equal("", out)
      local problem = assert(json.decode((err:gsub("\n$", ""))))
      assert.equal("conflict refused 409 17 t-1 delete", table.concat({ problem.kind, problem.outcome, problem.status,
        problem.codes[1], problem.trace_id, problem.operation }, " "))
    end)

    it("when nobody answers", function()
      local _, err, code = run.run({ "call", file, "plain", "list" },
        { LUAPROV_ACME_TOKEN = "t", LUAPROV_ACME_BASE_URL = "http://127.0.0.1:1" })
      assert.equal(1, code)
      assert.truthy(err:find("luaprov: acme plain list: network: ", 1, true), err)
    end)

    it("when a record could not be read back, and shows what is known", function()
      listener:script { { status = 201, json = control.array {} }, { status = 201, text = "" } }
      local out, err, code = call("create site=s name=n kind=tin")
      assert.equal(1, code, out .. err)
      local hubster = { "call", "myreports", "pbxs", "update", "7", "tenantId=t", "name=n", "--set", "region=eu" }
      listener:reset()
      listener:script { { status = 200, text = "" }, { status = 503, text = "" } }
      out, err, code = run.run(hubster, { LUAPROV_MYREPORTS_TOKEN = "t", LUAPROV_MYREPORTS_BASE_URL = listener.url })
      assert.equal(1, code, err)
      assert.equal('{"id":"7","name":"n","tenantId":"t"}\n', out)
      assert.truthy(err:find("myreports pbxs get: unavailable: ", 1, true), err)
    end)

    it("when a list breaks in the middle, after the records that came", function()
      for _, form in ipairs { "--json", "--table" } do
        listener:script { { status = 200, json = { items = { { id = "1", name = "one" }, { id = "2" } } } },
                          { status = 500, text = "no" } }
        local out, err, code = call("list site=s", form)
        assert.equal(1, code)
        assert.truthy(err:find("unavailable", 1, true), err)
        assert.equal(form == "--json" and '{"id":"1","name":"one","site":"s"}\n{"id":"2","site":"s"}\n'
          or "id  name  site  kind\n1   one   s\n2         s\n", out)
      end
    end)
  end)

  describe("prints", function()
    local RECORD = { id = "7", name = "n\27]0;x\7", kind = "tin", zebra = "last", port = json.null, soft = false,
                     count = json.decode "9007199254740993", tags = { "a" },
                     inside = { note = "\194\155x", pass = "shh-0000", deep = { level = 2 } } }

    it("a record as lines of name and value on a terminal, in the order of the provider file", function()
      listener:script { status = 200, json = RECORD }
      local shown, code = run.on_terminal({ "call", file, "things", "get", "7", "site=s" }, environment)
      assert.equal(0, code, shown)
      assert.equal([[
id                 7
site               s
name               n\x1b]0;x\x07
kind               tin
count              9007199254740993
soft               false
port               null
tags               ["a"]
inside.note        \u009bx
inside.pass        <secret>
inside.deep.level  2
zebra              last
]], shown)
    end)

    it("a record as a line of JSON on a pipe", function()
      listener:script { status = 200, json = RECORD }
      local out = call("get 7 site=s")
      local record = assert(json.decode((out:gsub("\n$", ""))))
      assert.equal(1, select(2, out:gsub("\n", "")))
      assert.equal("<secret>", record.inside.pass)
      assert.equal(RECORD.count, record.count)
      assert.equal(RECORD.name, record.name)
      assert.equal("\194\155x", record.inside.note)
      assert.is_nil(out:find("[%z\1-\9\11-\31\194]"), out)
    end)

    it("a list while its pages come", function()
      local items = { { id = "1", name = "one" }, { id = "2", name = ("x"):rep(99) } }
      listener:script { { status = 200, json = { items = items } },
                        { status = 200, json = { items = control.array {} } } }
      local shown, code = run.on_terminal({ "call", file, "things", "list", "site=s", "name=o o" }, environment)
      assert.equal(0, code, shown)
      assert.truthy(shown:find("^id  name +site  kind\n1   one +s\n2   " .. ("x"):rep(59) .. "…  s\n$"), shown)
      assert.equal("/sites/s/things?name=o%20o&page=0", listener:requests(1)[1].path)
    end)

    it("each record of a list before the next page is asked for", function()
      listener:script { { status = 200, json = { items = { { id = "1" } } } },
                        { status = 200, hold = true, json = { items = control.array {} } } }
      local pipe = io.popen(run.command({ "call", file, "things", "list", "site=s" }, environment), "r")
      assert.equal('{"id":"1","site":"s"}', pipe:read("*l"))
      listener:requests(2)
      listener:release()
      assert.is_nil(pipe:read("*l"))
      pipe:close()
    end)

    it("nothing after a delete, but on a terminal what is gone", function()
      listener:script { { status = 204 }, { status = 204 } }
      assert.equal("", (call("delete 7 site=s")))
      assert.equal("deleted 7\n", (run.on_terminal({ "call", file, "things", "delete", "7", "site=s" }, environment)))
    end)

    it("a line about each call with --verbose, and with LUAPROV_LOG=debug", function()
      for _, way in ipairs { { "--verbose" }, { nil, "debug" }, { "--verbose", "DEBUG" } } do
        listener:reset()
        listener:script {
          { status = 503 }, { status = 200, json = { id = "7", kind = "zinc", trace = "t-1" } },
          { status = 200, json = { id = "7" }, headers = { ["X-Request-Id"] = "shh tok-acme-0000\27[2J" } },
        }
        local words = { "call", file, "things", "update", "7", "site=s", "inside.size:=4", way[1] }
        local out, err, code = run.run(words, { LUAPROV_ACME_TOKEN = "tok-acme-0000", LUAPROV_LOG = way[2],
                                                LUAPROV_ACME_ATTEMPTS = "2", LUAPROV_ACME_BASE_URL = listener.url })
        assert.equal(0, code, err)
        assert.equal('{"id":"7","site":"s"}\n', out)
        assert.truthy(err:find("^luaprov: acme things get 200 done, 2 attempts, %d%.%d%d%d s, trace id t%-1\n"
          .. "luaprov: acme things update 200 done, 1 attempt, 0%.%d%d%d s, trace id shh <secret> %[2J\n$"), err)
      end
    end)

    it("that line of a call that failed, too, before its error", function()
      listener:script { status = 404, json = { message = "gone", trace = "t-2" } }
      local _, err, code = call("get 7 site=s --verbose")
      assert.equal(1, code)
      assert.truthy(err:find("^luaprov: acme things get 404 not_found/refused, 1 attempt, 0%.%d%d%d s, trace id t%-2\n"
        .. "luaprov: acme things get: not_found: gone %(404%)\n"), err)
    end)

    it("no secret that travels in a URL", function()
      listener:script { { status = 200, json = { token = "tok-0000" } },
                        { status = 200, json = { data = control.array {} } } }
      local _, err, code = run.run({ "call", "onebox", "connections", "list", "--verbose" }, {
        LUAPROV_ONEBOX_EMAIL = "me", LUAPROV_ONEBOX_PASSWORD = "shh-0000", LUAPROV_ONEBOX_SITE_ID = "3",
        LUAPROV_ONEBOX_LOGIN_ENCODING = "query", LUAPROV_ONEBOX_BASE_URL = listener.url })
      assert.equal(0, code, err)
      assert.truthy(listener:requests(1)[1].path:find("shh-0000", 1, true))
      assert.truthy(err:find("^luaprov: onebox connections list 200 done, 1 attempt, 0%.%d%d%d s\n$"), err)
      assert.is_nil(err:find("shh-0000", 1, true))
    end)
  end)

  it("makes no other call for a reader who has gone", function()
    listener:script { { status = 200, json = { items = { { id = "1" } } } },
                      { status = 200, hold = true, json = { items = { { id = "2" } } } },
                      { status = 200, json = { items = { { id = "3" } } } } }
    local folder = support.folder()
    local command = run.command({ "call", file, "things", "list", "site=s" }, environment)
    -- Not a pipeline: the shell itself may have one end of it open a little longer.
    local pipe = io.popen(("cd %s; mkfifo done lines; trap '' PIPE; { %s >lines 2>err; echo $? >code; } & "
      .. "{ head -n 1 >out; exec <&-; echo; cat done; } <lines; wait"):format(folder, command), "r")
    pipe:read("*l") -- the reader has what it wanted, and is gone
    listener:requests(2)
    listener:release()
    local done = assert(io.open(folder .. "/done", "w"))
    done:close()
    pipe:close()
    local _, _, code = run.sh("grep -qx 141 " .. folder .. "/code && ! test -s " .. folder .. "/err")
    assert.equal(0, code)
    assert.equal(2, #listener:requests())
  end)
end)
