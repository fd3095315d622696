local load = require "luaprov.provider.load"
local luaprov = require "luaprov"
local support = require "tests.support"

local function has(words, text)
  assert(text:find(words, 1, true), ("no '%s' in:\n%s"):format(words, text))
end

-- The parts of a resource that is right but for `parts`, which begins on line 2.
local function in_resource(parts, options)
  return support.provider(parts .. "\n" .. support.operations, options)
end

local function thing_of_all()
  return [[
    return provider {
      base_url = "https://acme.invalid", text "zone" { example = "{as it is}" }, auth = token_request {
        url = "{base_url}/t", token = "t", envelope = { kind = "Bearer" }, integer "site" { example = 7 } },
      limits = { { 1, per = 1 }, headers = { ["X-All"] = "{limit} {remaining};w={reset}" } },
      errors = { { message = "m", items = "all", body = { all = { { m = "{message} ({spelled})", c = "{code}" } },
          s = "{status}", r = "{reason}", p = "{path}", t = "{trace_id}", n = "{now}", q = "{request}", z = null } },
        { message = "n", body = "no: {message}", when = { exists = { message = "'{path}' is {", body = "" } } } },
      resource "things" {
        path = "/things", id = "key", ids = "number",
        example = { other = null, list = {}, deep = { at = "{changed_date}" }, n = 5 },
        records = { { key = 1, name = "a {now}", other = 2, only_a = "x" }, {} },
        when = { exists = { status = 422, message = "{path}" } },
        text "name" { example = "{id} {uuid} {now} {changed} {date} {changed_date} {} { x }" },
        text "up" { parent = "things" }, integer "n" { example = "{id}" }, boolean "b" { example = false },
        choice "kind" { values = { "a", "b" }, codes = { a = 1, b = 2 }, example = 2 }, text "none" { example = null },
        list "l" { example = { "{uuid}" } }, group "g" { example = { x = true }, text "x" { example = "y" } },
        by "kind" { a = { text "only_a" { example = "z" } }, b = {} },
        list = get { envelope = { a = "{now} {page} {size} {offset} {count} {total}" },
                     shows = { "key", "only_a", "n" } },
        get = get { envelope = { at = "{now}" } },
      },
      resource "loose" { path = "/loose", unknown = "pass", records = { { any = "x" } },
                         list = get { shows = { "any" } } },
    }
  ]]
end

describe("a provider file", function()
  teardown(support.clean)

  it("ends a provider file that does not end", function()
    assert.truthy(support.mistakes("while true do end"):find("acme.lua:1: the file does not end", 1, true))
    assert.is_nil((debug.gethook()))
  end)

  it("refuses a setting or credential whose name every client has", function()
    for _, options in ipairs { 'url "token_url" {}', 'integer "timeout" {}', 'auth = bearer "base_url"' } do
      local text = support.provider(support.operations, options)
      assert.truthy(support.mistakes(text):find("every client has an option of this name", 1, true))
    end
  end)

  it("is described in the order in which it is written", function()
    local provider = support.description [[
      return provider {
        title = "Acme", base_url = "https://{region}.acme.invalid/v1",
        choice "region" { values = { "eu", "us" }, default = "eu" },
        text "zone" {},
        auth = { bearer "token", token_request { url = "{base_url}/token", token = "t",
                                                 secret "key" { required = true } } },
        limits = { { 10, per = 1 } },
        resource "zebras" { path = "/z", text "b" {}, text "a" {}, get = get {} },
        resource "apes" { path = "/a", list = get {} },
      }
    ]]
    assert.equal("acme", provider.name)
    assert.equal("Acme", provider.title)
    assert.equal("acme.lua", provider.file)
    assert.equal("zebras", provider.resources[1].name)
    assert.equal("apes", provider.resources[2].name)
    assert.equal("region", provider.settings[1].name)
    assert.equal("zone", provider.settings[2].name)
    assert.equal("b", provider.resources[1].shape.fields[1].name)
    assert.equal("a", provider.resources[1].shape.fields[2].name)
    assert.equal("bearer", provider.auth[1].kind)
    assert.equal("token_request", provider.auth[2].kind)
    assert.same({ { 10, per = 1 } }, provider.limits)
  end)

  it("may name lists of fields and use them again", function()
    local provider = support.description([[
      local both = { text "one" {}, text "two" {} }
    ]] .. in_resource 'both, text "three" {}, group "inner" { both },')
    local shape = provider.resource.things.shape
    assert.equal("two", shape.fields[2].name)
    assert.equal("three", shape.fields[3].name)
    assert.equal("two", shape.by_name.inner.shape.fields[2].name)
  end)

  it("takes every option of every word", function()
    support.description([[
      return provider {
        title = "Acme", base_url = "https://acme.invalid", headers = { ["X-Zone"] = "{zone}" },
        text "zone" { about = "where", default = "a" }, url "login" { default = "https://login.invalid" },
        integer "size" { default = 5 }, boolean "loud" { default = false },
        choice "how" { default = "one", values = { one = "the first", two = "the second" } },
        auth = token_request {
          url = "{login}/token", encoding = "json", constant = { grant = "x" }, token = "a.b", expires_in = "c",
          lifetime = 60, rotates = "key", secret "key" { required = true, as = "theKey" },
        },
        limits = { { 10, per = 1 }, { 150, per = 60 } },
        errors = {
          items = "errors", message = { "message", "title" }, code = "code", codes = "E%03d", strip = "%s+%(.*%)$",
          trace_id = "trace", kinds = { E001 = "conflict" },
        },
        resource "things" {
          about = "what it keeps", path = "/{where}/things", id = "thingId", key = { "name" }, unique = true,
          unknown = "pass",
          text    "where"  { path = true, required = true, fixed = true },
          text    "name"   { required = true, min = 1, max = 9, pattern = "^%a+$", default = "x" },
          secret  "key"    { min = 1, max = 9, pattern = "." },
          url     "hook"   {},
          integer "count"  { min = -1, max = 1.5, sent_as = "string" },
          boolean "on"     { sent_as = "string" },
          choice  "kind"   { values = { "a", "b" }, codes = { a = 1, b = 2 } },
          list    "tags"   { of = text { max = 3 }, min = 1, max = 2 },
          group   "inner"  { any_case = true, whole = true, unknown = "refuse", text "x" {} },
          by "kind" { a = { text "only_a" {} }, b = { unknown = "pass" } },
          create = post "/{where}/make" { expect = { 200, 201 }, record = { "data", "." },
                                          id = { "data.key", location },
                                          headers = { ["X-Loud"] = "{loud}" }, returns = "nothing" },
          get    = get    { record = "data" },
          update = by "how" { one = put { sends = "whole" }, two = patch { sends = "merge_patch" } },
          delete = delete { path = "/gone/{id}", expect = 204 },
          list   = get    { items = { "items", "." }, query = { "q" },
                            pages = numbered { query = "p={page}&s={size}", first = 1, size = 5, total = "total" } },
        },
        resource "others" { path = "/others",
                            list = get { pages = offsets { query = "o={offset}", size = 5, total = "n" } } },
      }
    ]])
  end)

  it("is refused where it would lose or spoil what is sent", function()
    local cases = {
      ['text "team" { path = true }, path = "/x", get = get {}'] =
        "things.team: is a part of the path, and no operation's path has {team}",
      ['group "g" { text "a" { path = true } }, path = "/x", get = get {}'] =
        "things.g: a part of the path (a) stands in the resource itself",
      ['text "a" { min = 5, max = 2 }, path = "/x", get = get {}'] = "things.a: min is more than max",
      ['text "a" { default = 5 }, path = "/x", get = get {}'] = "things.a: the default must be text, not a number",
      ['path = "/x", list = get { pages = numbered { query = "a=1" } }'] = "things.list: its query has no {page}",
      ['path = "/x", list = get { pages = offsets { query = "o={offset}", size = 0 } }'] = "things.list: its size is 0",
      ['path = "/x", get = get { expect = 99 }'] = "'expect' must be an HTTP status",
      ['path = "/x?y=1", list = get {}'] = "things.list: '/x?y=1' has more than a path",
      ['path = "/x", create = get {}'] = "things.create: create cannot be get",
      ['path = "/x", get = get { headers = { ["a b"] = "c" } }'] = "'a b' is no header's name",
      ['path = "/x", get = get { headers = { a = "b\\nc" } }'] = "the header a has a control character",
      ['text "a" { pattern = "a%f" }, path = "/x", get = get {}'] = "malformed",
      ['text "a" { pattern = "(a)%1" }, path = "/x", get = get {}'] = "malformed",
    }
    for parts, message in pairs(cases) do has(message, support.mistakes(support.provider(parts))) end
    for errors, message in pairs {
      ['{ kinds = { A = "conflict" } }'] = "errors: has codes, kinds or outcomes, and no code",
      ['{ code = "c", codes = "%q" }'] = "option 'codes' must be a format",
    } do
      has(message, support.mistakes(support.provider(support.operations, 'auth = bearer "token", errors = ' .. errors)))
    end
  end)

  it("tells the line of the option that is wrong, not only that of its word", function()
    local message = support.mistakes('return provider {\n  base_url = "https://x.invalid",\n  titel = "x",\n'
      .. '  auth = "token",\n  limits = { 10 },\n  resource "things" { path = "/x",\n    get = get {} },\n}')
    has("acme.lua:3: provider: unknown option 'titel'", message)
    has("acme.lua:4: auth.1", message)
    has("acme.lua:5: limits.1", message)
  end)

  it("that is empty is refused, and not passed over", function()
    local path = support.file("empty.lua", "")
    local provider, err = load.load(path)
    support.clean()
    assert.is_nil(provider)
    has(path .. ":1: the file must return provider", err.message)
  end)

  it("takes an option only where it does something", function()
    local cases = {
      ['get = get { items = "x" }'] = "things.get: unknown option 'items'",
      ['delete = delete { record = "x" }'] = "things.delete: unknown option 'record'",
      ['create = post { pages = offsets { query = "o={offset}" } }'] = "things.create: unknown option 'pages'",
      ['list = get { sends = "whole" }'] = "things.list: unknown option 'sends'",
    }
    for operation, message in pairs(cases) do
      has("acme.lua:3: " .. message, support.mistakes(support.provider('path = "/x", ' .. operation)))
    end
  end)

  it("has a way for every value of the setting that chooses between operations", function()
    has("acme.lua:3: things.get: by has nothing for 'two'", support.mistakes(support.provider(
      'path = "/x", get = by "how" { one = get {} }',
      'auth = bearer "token", choice "how" { default = "one", values = { "one", "two" } }')))
  end)

  describe("with a mistake is refused with file, line and path:", function()
    for name, case in pairs {
      ["a misspelt word"] = { in_resource 'txet "name" {},', "acme.lua:3: unknown word 'txet' (did you mean 'text'?)" },
      ["a misspelt word with a path"] = { in_resource 'resuorce "x" {},', "(did you mean 'resource'?)" },
      ["a misspelt option"] = {
        in_resource '\ntext "name" { requierd = true },',
        "acme.lua:4: things.name: unknown option 'requierd' (did you mean 'required'?)" },
      ["a misspelt option of a provider"] = {
        support.provider(support.operations, 'auth = bearer "token", titel = "x"'),
        "acme.lua:1: provider: unknown option 'titel' (did you mean 'title'?)" },
      ["a misspelt operation"] = {
        in_resource 'craete = post {},', "things: unknown option 'craete' (did you mean 'create'?)" },
      ["a misspelt option of an operation"] = {
        support.provider '\npath = "/x",\nget = get { exepct = 200 },',
        "acme.lua:5: things.get: unknown option 'exepct' (did you mean 'expect'?)" },
      ["a misspelt option of pages"] = {
        support.provider 'path = "/x", list = get { pages = numbered { query = "p={page}", frist = 1 } }',
        "acme.lua:3: things.list: unknown option 'frist' (did you mean 'first'?)" },
      ["a misspelt option of errors"] = {
        support.provider(support.operations, 'auth = bearer "token",\nerrors = { mesage = "m" }'),
        "errors: unknown option 'mesage' (did you mean 'message'?)" },
      ["a misspelt option of token_request"] = {
        support.provider(support.operations,
          'auth = token_request { url = "https://x.invalid", token = "t", expires = "e" }'),
        "auth.token_request: unknown option 'expires' (did you mean 'expires_in'?)" },
      ["no token in a token_request"] = {
        support.provider(support.operations,
          'title = "x",\nauth = token_request {\nurl = "https://x.invalid", secret "password" {} }'),
        "acme.lua:2: auth.token_request: needs token, where the answer has it" },
      ["an option of another word"] = {
        in_resource 'text "name" { values = { "a" } },', "acme.lua:3: things.name: unknown option 'values'" },
      ["an option within a variant"] = {
        in_resource 'choice "kind" { values = { "a" } },\nby "kind" { a = {\ntext "x" { maxx = 1 } } },',
        "acme.lua:5: things<a>.x: unknown option 'maxx' (did you mean 'max'?)" },
      ["an option within a group"] = {
        in_resource 'group "settings" {\nsecret "auth_token" { requird = true } },',
        "acme.lua:4: things.settings.auth_token: unknown option 'requird'" },
      ["an option within a list"] = {
        in_resource 'list "tags" { of = text { size = 1 } },', "acme.lua:3: things.tags[]: unknown option 'size'" },
      ["a missing path"] = { support.provider "get = get {},", "acme.lua:3: things.get: needs a path" },
      ["a path without a slash"] = {
        support.provider 'path = "things", get = get {}', "things.get: 'things/{id}' must begin with a slash" },
      ["a path without the id"] = {
        support.provider 'path = "/things", delete = delete "/things" {}', "things.delete: its path needs {id}" },
      ["a path with an id that is not there yet"] = {
        support.provider 'create = post "/things/{id}" {}', "things.create: its path cannot have {id}" },
      ["a template with an unknown name"] = {
        support.provider 'text "customer" { path = true }, get = get "/{custmer}/things/{id}" {},',
        "{custmer} is no field or setting (did you mean 'customer'?)" },
      ["a template with a field that is no part of the path"] = {
        support.provider 'text "customer" {},\nget = get "/{customer}/things/{id}" {},',
        "acme.lua:4: things.get: {customer} is a field that has no path = true" },
      ["a template that is not whole"] = {
        support.provider 'path = "/things/{id", get = get {}', "has a brace or bracket without its other half" },
      ["a header with an unknown name"] = {
        support.provider 'path = "/x", get = get { headers = { ["X-A"] = "{zone}" } }',
        "{zone} is no field or setting" },
      ["pages with an unknown name"] = {
        support.provider 'path = "/x", list = get { pages = offsets { query = "p={page}" } }',
        "things.list: {page} is no field or setting (there is offset, size)" },
      ["pages without a query"] = {
        support.provider 'path = "/x", list = get { pages = numbered {} }', "things.list: needs a query" },
      ["pages that are none"] = {
        support.provider 'path = "/x", list = get { pages = { size = 5 } }',
        "pages must be numbered {…} or offsets {…}" },
      ["an unknown type"] = { in_resource 'number "count" {},', "acme.lua:3: unknown word 'number'" },
      ["a global"] = { "x = 1\n" .. in_resource "", "acme.lua:1: 'x': a provider file sets no globals" },
      ["no such function"] = { "\nlocal x = os.time()", "acme.lua:2: unknown word 'os'" },
      ["require"] = { 'require "lfs"', "acme.lua:1: unknown word 'require'" },
      ["an error when it runs"] = { "\n\nlocal x = nil + 1", "acme.lua:3: attempt to perform arithmetic" },
      ["a syntax error"] = { "return provider {\n  title = \n}", "acme.lua:3: " },
      ["a binary chunk"] = { string.dump(function() return 1 end), "acme.lua:1: is a binary chunk" },
      ["nothing in it"] = { "", "acme.lua:1: the file must return provider {…}" },
      ["nothing returned"] = { "local x = provider { }", "the file must return provider {…}" },
      ["something else returned"] = { "return { title = 'x' }", "the file must return provider {…}" },
      ["a word other than provider returned"] = { 'return resource "x" {}', "the file must return provider {…}" },
      ["no resource"] = { 'return provider { base_url = "https://x.invalid" }',
                          "acme.lua:1: provider: has no resource" },
      ["no base_url"] = {
        'return provider {\n resource "things" { path = "/x", get = get {} } }', "provider: needs a base_url" },
      ["a base_url of another scheme"] = {
        'return provider { base_url = "ftp://x.invalid", resource "x" { path = "/x", get = get {} } }',
        "base_url: must begin with https:// or http://" },
      ["a base_url with an unknown name"] = {
        'return provider { base_url = "https://{region}.invalid", resource "x" { path = "/x", get = get {} } }',
        "base_url: {region} is no field or setting" },
      ["no operation"] = { support.provider 'path = "/x",', "acme.lua:2: things: has no operation" },
      ["an operation that is none"] = { support.provider 'path = "/x", get = "GET",', "things.get: must be get, post" },
      ["an operation without braces"] = { support.provider 'get = get "/x",', "things.get: its path needs {id}" },
      ["a resource without a name"] = {
        'return provider { base_url = "https://x.invalid", resource { path = "/x", get = get {} } }',
        "resource: needs a name" },
      ["a field without a name"] = { in_resource "text {},", "acme.lua:3: things: text needs a name" },
      ["a field twice"] = { in_resource 'text "a" {},\ninteger "a" {},', "acme.lua:4: things.a: is there twice" },
      ["a field twice, once in a variant"] = {
        in_resource 'choice "k" { values = { "a" } }, text "x" {}, by "k" { a = { text "x" {} } },',
        "things.x: is there twice" },
      ["a resource twice"] = {
        'return provider { base_url = "https://x.invalid",\nresource "x" { path = "/x", get = get {} },\n'
          .. 'resource "x" { path = "/x", get = get {} } }', "acme.lua:3: x: is there twice" },
      ["options twice"] = { in_resource 'text "a" {} {},', "things.a: has its options twice" },
      ["text where options belong"] = {
        in_resource 'text "a" "b",', "things.a: has 'b' where options in braces belong" },
      ["a number where a name belongs"] = { in_resource 'text "a" { [5] = true },',
                                            "things.a: has '[5]' where options" },
      ["something after a hole"] = { in_resource 'group "g" { nil, text "a" {} },',
                                     "things.g: has '[2]' where options" },
      ["an option in a list of fields"] = {
        in_resource '{ text "a" {}, required = true },', "things: has 'required' where options in braces belong" },
      ["something that is no field"] = { in_resource '"name",', "things: holds something that is no field" },
      ["something in the provider"] = {
        'return provider { base_url = "https://x.invalid", "x", resource "x" { path = "/x", get = get {} } }',
        "provider: holds something that is no resource and no setting" },
      ["a choice without values"] = { in_resource 'choice "a" {},', "things.a: a choice needs values" },
      ["a default that is no value"] = {
        in_resource 'choice "a" { values = { "x" }, default = "y" },', "things.a: the default must be one of x" },
      ["a code of no value"] = {
        in_resource 'choice "a" { values = { "x" }, codes = { y = 1 } },',
        "things.a: codes names 'y', which is no value" },
      ["a variant of no value"] = {
        in_resource 'choice "k" { values = { "a" } },\nby "k" { a = {}, b = {} },',
        "acme.lua:4: things: 'b' is no value of k" },
      ["a variant of no value, before its choice"] = {
        in_resource 'by "k" { a = {}, b = {} }, choice "k" { values = { "a" } },', "things: 'b' is no value of k" },
      ["a variant of no value, in a group"] = {
        in_resource 'choice "k" { values = { "a" } }, group "g" { by "k" { b = {} } },',
        "things.g: 'b' is no value of k" },
      ["a variant of no value, by two"] = {
        in_resource [[ choice "k" { values = { "a" } }, choice "l" { values = { "b" } },
                       by { "k", "l" } { ["a c"] = {} }, ]],
        "things: 'c' is no value of l" },
      ["a variant of too few values"] = {
        in_resource 'choice "k" { values = { "a" } }, choice "l" { values = { "b" } }, by { "k", "l" } { a = {} },',
        "things: 'a' must be 2 values with spaces between" },
      ["a variant by a field that is none"] = {
        in_resource 'choice "kind" { values = { "a" } }, by "knid" { a = {} },',
        "things: by: 'knid' is no field (did you mean 'kind'?)" },
      ["a variant by nothing"] = { in_resource 'by {} { a = {} },', "by needs the names of one or several fields" },
      ["a variant that is no table"] = {
        in_resource 'choice "k" { values = { "a" } }, by "k" { a = text "x" {} },',
        "things<a>: must be a table of fields" },
      ["variants without values"] = {
        in_resource 'choice "k" { values = { "a" } }, by "k" {},', "things: by needs a table of values" },
      ["an option in a variant"] = {
        in_resource 'choice "k" { values = { "a" } }, by "k" { a = { unknwon = "pass" } },',
        "things<a>: unknown option 'unknwon' (did you mean 'unknown'?)" },
      ["fields in a text"] = { in_resource 'text "a" { text "b" {} },', "things.a: only a group has fields" },
      ["a list of no field"] = { in_resource 'list "a" { of = "text" },', "things.a: of must be a field word" },
      ["an unknown kind of error"] = {
        support.provider(support.operations, 'errors = { code = "c", kinds = { E1 = "conflcit" } }'),
        "errors.kinds.E1: unknown kind 'conflcit' (did you mean 'conflict'?)" },
      ["a key of no field"] = {
        in_resource 'text "name" {}, key = { "nmae" },',
        "things.key: {nmae} is no field or setting (did you mean 'name'?)" },
      ["auth of no word"] = { support.provider(support.operations, 'auth = "token"'), "auth.1: must be bearer" },
      ["bearer of no name"] = { support.provider(support.operations, "auth = bearer {}"),
                                "auth.bearer: needs the name" },
      ["a token_request without url and token"] = {
        support.provider(support.operations, "auth = token_request {}"), "auth.token_request: needs a url" },
      ["a token_request with an unknown encoding"] = {
        support.provider(support.operations,
          'auth = token_request { url = "https://x.invalid", token = "t", encoding = "xml" }'),
        "auth.token_request: encoding must be form, json, query" },
      ["a token_request with an unknown name"] = {
        support.provider(support.operations, 'auth = token_request { url = "{login}/t", token = "t" }'),
        "{login} is no field or setting (there is base_url)" },
      ["rotates of no credential"] = {
        support.provider(support.operations,
          'auth = token_request { url = "https://x.invalid", token = "t", rotates = "kye",'
          .. ' secret "key" {} }'), "auth.token_request.rotates: {kye} is no field or setting (did you mean 'key'?)" },
      ["a limit that is none"] = {
        support.provider(support.operations, "limits = { { 10 } }"), "limits.1: must be { calls, per = seconds }" },
      ["an operation by no choice"] = {
        support.provider('path = "/x", update = by "how" { a = put {} },'),
        "is no choice among the provider's settings" },
      ["an operation by a value that is none"] = {
        support.provider('path = "/x", update = by "how" { b = put {} },', 'choice "how" { values = { "a" } }'),
        "things.update: 'b' is no value of how" },
    } do
      it(name, function() has(case[2], support.mistakes(case[1])) end)
    end

    for option, field in pairs {
      ["'about' must be a string"] = 'text "a" { about = 5 }',
      ["'required' must be a boolean"] = 'text "a" { required = 1 }',
      ["'fixed' must be a boolean"] = 'text "a" { fixed = "yes" }',
      ["'min' must be a whole number"] = 'text "a" { min = "1" }',
      ["'max' must be a whole number"] = 'text "a" { max = 1.5 }',
      ["'pattern' must be a Lua pattern"] = 'text "a" { pattern = 5 }',
      ["'pattern' must be a Lua pattern (this one is malformed)"] = 'text "a" { pattern = "^a(b" }',
      ["'sent_as' must be 'string'"] = 'integer "a" { sent_as = "text" }',
      ["'values' must be a table"] = 'choice "a" { values = "b" }',
      ["'unknown' must be 'refuse' or 'pass'"] = 'group "a" { unknown = "allow" }',
      ["'computed' must be a boolean"] = 'text "a" { computed = "x" }',
      ["'path' must be a boolean"] = 'text "a" { path = "x" }',
      ["'any_case' must be a boolean"] = 'group "a" { any_case = 1 }',
      ["'whole' must be a boolean"] = 'group "a" { whole = 1 }',
      ["'key' must be a list of names"] = "key = { 5 }", ["'unique' must be a boolean"] = "unique = 1",
      ["'id' must be a string"] = "id = 5",
    } do
      it("option " .. option, function() has("option " .. option, support.mistakes(in_resource(field .. ","))) end)
    end

    for option, operation in pairs {
      ["'expect' must be an HTTP status or a list of them"] = 'get = get { expect = "200" }',
      ["'expect' must be an HTTP status or a list"] = 'get = get { expect = { "200" } }',
      ["'record' must be a string or a list of names"] = "get = get { record = 5 }",
      ["'items' must be a body path whose indexes count from 1 ('data.0.list' has 0)"] =
        'list = get { items = "data.0.list" }',
      ["'id' must be a body path whose indexes count from 1"] = 'create = post { id = { location, "ids.0" } }',
      ["'total' must be a body path whose indexes count from 1"] =
        'list = get { pages = numbered { query = "p={page}", total = "0" } }',
      ["'headers' must be a table"] = 'get = get { headers = "X-A: b" }',
      ["'query' must be a list of names"] = 'list = get { query = "q" }',
      ["'returns' must be 'nothing'"] = 'create = post { returns = "something" }',
      ["'sends' must be 'changes' or 'whole' or 'merge_patch' or 'json_patch'"] = 'update = put { sends = "all" }',
      ["'id' must be a body path, location, or a list of them"] = "create = post { id = 5 }",
      ["'first' must be a whole number"] = 'list = get { pages = numbered { query = "p={page}", first = "1" } }',
      ["'size' must be a whole number"] = 'list = get { pages = offsets { query = "p={offset}", size = -1 } }',
    } do
      it("option " .. option, function()
        has("option " .. option, support.mistakes(support.provider('path = "/x", ' .. operation)))
      end)
    end

    for option, provider in pairs {
      ["'message' must be a body path whose indexes count from 1 ('errors.0.text' has 0)"] =
        'errors = { message = "errors.0.text" }',
      ["'trace_id' must be a body path whose indexes count from 1 ('a.-1' has -1)"] =
        'errors = { message = "m", trace_id = { "t", "a.-1" } }',
      ["'code' must be a body path whose indexes count from 1"] = 'errors = { code = "errors.00.code" }',
      ["'token' must be a body path whose indexes count from 1"] =
        'auth = token_request { url = "https://x.invalid", token = "0.t" }',
      ["'title' must be a string"] = "title = 5", ["'limits' must be a table"] = "limits = 5",
      ["'errors' must be a table or a function"] = 'errors = "message"',
      ["'lifetime' must be a number"] =
        'auth = token_request { url = "https://x.invalid", token = "t", lifetime = "9" }',
      ["'codes' must be a format of string.format for one whole number"] = 'errors = { code = "c", codes = "%d %d" }',
      ["'strip' must be a Lua pattern (this one is malformed)"] = 'errors = { message = "m", strip = "[a" }',
      ["'headers' must be a table"] = 'headers = "X"',
    } do
      it("option " .. option, function()
        has("option " .. option, support.mistakes(support.provider(support.operations, provider)))
      end)
    end
  end)

  describe("with a mistake in what is for the sandbox is refused with file, line and path:", function()
    local function thing(parts) return support.provider("\n" .. parts .. "\n" .. support.operations) end
    local function with_errors(text)
      return support.provider(support.operations, "title = 'x',\nerrors = {\n" .. text .. "}")
    end
    for message, text in pairs {
      ["acme.lua:3: errors: option 'message' must be a body path whose indexes count from 1"] =
        with_errors "message = 'errors.0.text',",
      ["acme.lua:5: things.list: option 'items' must be a body path whose indexes count from 1"] =
        support.provider '\npath = "/x",\nlist = get { items = "data.0.list" }',
      ["acme.lua:5: things.a: option 'example': {nwo} stands for nothing there (did you mean 'now'?)"] =
        thing 'text "a" { about = "now",\n example = "x {nwo}" },',
      ["acme.lua:4: things.g.a: option 'example': {total} stands for nothing there"] =
        thing 'group "g" { text "a" { example = "{total}" } },',
      ["acme.lua:4: things<x>.a: option 'example': {uui} stands for nothing there (did you mean 'uuid'?)"] =
        thing 'choice "k" { values = { "x" } }, by "k" { x = { text "a" { example = "{uui}" } } },',
      ["acme.lua:5: things: option 'example': {dat} stands for nothing there (did you mean 'date'?)"] =
        thing 'example = { a = 1,\n b = { "{now}", "{dat}" } },',
      ["acme.lua:4: things.a: option 'example': must be text, not a number"] = thing 'text "a" { example = 5 },',
      ["acme.lua:4: things.a: option 'example': must be a whole number"] = thing 'integer "a" { example = "x" },',
      ["acme.lua:4: things.a: option 'example': must be true or false"] = thing 'boolean "a" { example = "{" },',
      ["acme.lua:4: things.a: option 'example': must be one of x"] =
        thing 'choice "a" { values = { "x" }, example = "y" },',
      ["acme.lua:4: things.a: option 'example': must be a list"] = thing 'list "a" { example = "x" },',
      ["acme.lua:4: things.a: option 'example': must be a table of fields"] = thing 'group "a" { example = { 1 } },',
      ["acme.lua:4: things.a: option 'example': holds what no answer can have"] =
        thing 'list "a" { example = { text "b" {} } },',
      ["acme.lua:2: auth.token_request.a: option 'example': must be a whole number"] = support.provider(
        support.operations, 'auth = token_request { url = "https://x.invalid", token = "t",\n'
        .. 'integer "a" { example = "x" } }'),
      ["acme.lua:1: settings.a: option 'example': is longer than 2 characters"] = support.provider(
        support.operations, 'text "a" { max = 2, example = "abc" }'),
      ["acme.lua:5: things.list: option 'envelope': {ofset} stands for nothing there (did you mean 'offset'?)"] =
        support.provider '\npath = "/x", list = get { envelope = {\na = "{now} {page} {size} {total} {ofset}" } }',
      ["acme.lua:3: things.get: option 'envelope': {total} stands for nothing there (there is now)"] =
        support.provider 'path = "/x", get = get { envelope = { a = "{now}", b = { "{total}" } } }',
      ["acme.lua:3: things.get: option 'envelope': {id} stands for nothing"] = support.provider(
        'path = "/x", get = by "how" { a = get { envelope = { a = "{id}" } } }', 'choice "how" { values = { "a" } }'),
      ["acme.lua:1: auth.token_request: option 'envelope': {now} stands for nothing there"] = support.provider(
        support.operations,
        'auth = token_request { url = "https://x.invalid", token = "t", envelope = { at = "{now}" } }'),
      ["acme.lua:3: errors: option 'body': {mesage} stands for nothing there (did you mean 'message'?)"] =
        with_errors 'message = "m", body = { m = "{mesage}" }',
      ["acme.lua:4: errors.when.exists: option 'message': {status} stands for nothing there (there is path)"] =
        with_errors 'message = "m", when = {\nexists = { message = "{status} {path}" } }',
      ["acme.lua:3: errors.when.exists: option 'body': {id} stands for nothing there"] =
        with_errors 'message = "m", when = { exists = { body = "{id}" } }',
      ["acme.lua:4: things.when.exists: option 'message': {nam} stands for nothing there"] =
        thing 'when = { exists = { message = "{nam}" } },',
      ["acme.lua:3: limits.headers.X-Left: option 'headers': {remainin} stands for nothing there (did you mean 'rem"] =
        support.provider(support.operations,
          'headers = { A = "b" },\nlimits = { { 1, per = 1 },\nheaders = { ["X-Left"] = "{remainin}" } }'),
      ["acme.lua:6: things.list: option 'shows': 'nam' is no field (did you mean 'name'?)"] = support.provider(
        '\ntext "name" {}, path = "/x",\nlist = get {\nshows = { "id", "name", "nam" } }'),
      ["acme.lua:4: things.records: option 'records' must be a list of tables"] = thing 'records = { name = "x" },',
      ["acme.lua:4: things.records: option 'records' must be a list of tables "] = thing 'records = { {}, "x" },',
      ["acme.lua:4: things.records: option 'records' must be a list of tables, "] = thing 'records = { text "b" {} },',
      ["acme.lua:5: things.records.2.nmae: is no field (did you mean 'name'?)"] =
        thing 'text "name" {}, records = { { id = "1", name = "a" },\n{ nmae = "b" } },',
      ["acme.lua:4: things.records: option 'records': record 1 has '1' where the name of a field"] =
        thing 'records = { { "a" } },',
      ["acme.lua:5: things.g.up: option 'parent': what names a parent stands in the resource itself"] =
        thing 'group "g" {\ntext "up" { parent = "things" } },',
      ["acme.lua:4: things<x>.up: option 'parent': what names a parent stands in the resource itself"] =
        thing 'choice "k" { values = { "x" } }, by "k" { x = { text "up" { parent = "things" } } },',
      ["errors.kinds.BT-4012: is there twice, and says two things"] = with_errors
        'code = "c", codes = "BT-%04d", kinds = { [4012] = "conflict", ["BT-4012"] = "forbidden" }',
    } do
      it(message, function() has(message:gsub(" $", ""), support.mistakes(text)) end)
    end
  end)

  it("takes whatever a word for the sandbox may have", function()
    support.description(thing_of_all())
  end)

  it("spells codes that are numbers, and words of messages, as answers are compared", function()
    local form = support.description(support.provider(support.operations, [[errors = { code = "c", message = "m",
      codes = "BT-%04d", kinds = { [12] = "conflict", ["0013"] = "forbidden", ["BT-0014"] = "not_found",
      X = "rejected" },
      outcomes = { ["12"] = "refused" }, says = { ["Limit Reached"] = "quota_exceeded" } }]])).errors[1]
    assert.same({ ["BT-0012"] = "conflict", ["BT-0013"] = "forbidden", ["BT-0014"] = "not_found", X = "rejected" },
      form.kinds)
    assert.same({ ["BT-0012"] = "refused" }, form.outcomes)
    assert.same({ ["limit reached"] = "quota_exceeded" }, form.says)
    local plain = support.description(support.provider(support.operations,
      'errors = { code = "c", kinds = { [4012] = "conflict" } }')).errors[1]
    assert.same({ ["4012"] = "conflict" }, plain.kinds)
  end)

  it("accepts every well-formed pattern", function()
    for _, pattern in ipairs { "^%a+$", "%(x%)", "[%w%-._~]+", "(a)([%]()])", "[]()]", "[^]()]", "%b()", "%f[%w]x",
                               "%%" } do
      support.description(in_resource(('text "a" { pattern = %q },'):format(pattern)))
    end
    for _, pattern in ipairs { "%", "a%", "(", ")", "a(b", "[a", "[]", "x[^]", "((a)" } do
      has("malformed", support.mistakes(in_resource(('text "a" { pattern = %q },'):format(pattern))))
    end
  end)

  describe("refuses a base_url that no call would take:", function()
    local function of(url, settings)
      return ("return provider {\n title = 'x',\n base_url = %q,\n%s resource 'x' { path = '/x', get = get {} } }")
        :format(url, settings or "")
    end
    for url, why in pairs {
      ["https://x y"] = "must be a URL", ["https://x.invalid/?a=b"] = "without user name, query and fragment",
      ["https://x.invalid/#a"] = "must be a URL", ["https://me@x.invalid"] = "must be a URL",
      ["https://"] = "must be a URL", ["https:///v1"] = "must be a URL", ["https://x.invalid/a\tb"] = "must be a URL",
      ["https://x.invalid/api/ü"] = "not ASCII", ["https://ü.invalid"] = "not ASCII",
      ["https://x.invalid:99999"] = "a port that is none", ["https://x.invalid:"] = "a port that is none",
      ["https://:80"] = "has no host", ["https://x.invalid/{zone}?a"] = "must be a URL",
      ["{zone}/a b"] = "must be a URL", ["ftp://x.invalid"] = "must begin with https:// or http://",
    } do
      it(url, function()
        has("acme.lua:3: base_url: ", support.mistakes(of(url, "text 'zone' {},")))
        has(why, support.mistakes(of(url, "text 'zone' {},")))
        if not url:find "zone" then
          local text = support.description(of "https://x.invalid")
          local _, err = require("luaprov.provider.client").new(text, { base_url = url })
          support.is_error({ kind = "invalid", outcome = "not_sent", has = "base_url" }, err)
        end
      end)
    end

    it("but no other", function()
      for _, url in ipairs { "https://x.invalid", "http://127.0.0.1:8080/v1/", "https://x.invalid:443/a%20b/~",
                             "{zone}/v1", "{zone}://x.invalid", "https://{zone}:{zone}/v1[/{zone}]",
                             "https://api.{zone}" } do
        support.description(of(url, "text 'zone' {},"))
      end
    end)
  end)

  it("tells all its mistakes at once, in the order of their lines", function()
    local message = support.mistakes(support.provider [[
      text "a" { requierd = true },
      choice "b" {},
      path = "/x", get = get { exepct = 1 },
    ]])
    local lines = {}
    for line in message:gmatch("[^\n]+") do lines[#lines + 1] = line:match("^acme%.lua:(%d+): things%.") end
    assert.same({ "3", "4", "5" }, lines)
  end)

  it("tells them, and nothing of what they break in luaprov itself", function()
    local message = support.mistakes(support.provider(support.operations, 'auth = token_request {}'))
    assert.equal("acme.lua:1: auth.token_request: needs a url\n"
      .. "acme.lua:1: auth.token_request: needs token, where the answer has it", message)
  end)

  it("is named whole, however long its path", function()
    local long = "/tmp/" .. ("a-long-folder/"):rep(8) .. "acme.lua"
    for text, line in pairs { ["\nx y"] = 2, ["\n\nlocal x = nil + 1"] = 3, ["\ntxet 'a'"] = 2, ["return 5"] = 1 } do
      has(("%s:%d: "):format(long, line), support.mistakes(text, long))
    end
  end)

  it("finds nothing outside its words, nor in what strings can do", function()
    for _, name in ipairs { "_G", "io", "os", "load", "loadfile", "dofile", "pcall", "string", "setmetatable",
                            "print" } do
      has("unknown word '" .. name .. "'", support.mistakes("local x = " .. name))
    end
  end)
end)

describe("finding a provider file", function()
  local text = support.provider('text "name" {},' .. support.operations, 'title = "Mine", auth = bearer "token"')

  teardown(support.clean)

  it("takes the built-in ones by name", function()
    local names = table.concat(load.names(), " ")
    for _, name in ipairs(load.names()) do
      local provider = assert(load.load(name))
      assert.equal(name, provider.name)
      assert.equal(provider, load.load(name))
    end
    assert.is_true(#names > 0)
  end)

  it("takes one by its absolute path", function()
    local path = support.file("my-own.lua", text)
    local provider = assert(load.load(path))
    assert.equal("my-own", provider.name)
    assert.equal("Mine", provider.title)
    assert.equal(path, provider.file)
    assert.equal("function", type(assert(luaprov.client(path, { token = "t" })).things.create))
  end)

  it("takes no other Lua file for a provider file", function()
    local folder = support.folder()
    local function put(name, content)
      local file = assert(io.open(folder .. "/" .. name, "wb"))
      file:write(content)
      file:close()
    end
    for name, content in pairs {
      is_braces = "-- what Acme has\nlocal common = {}\nreturn provider{ base_url = 7 }",
      is_broken = "return provider {", is_parts = "return\tprovider\n({})",
      is_comment = "--[==[ a\n]] ]==] return --[[x]] provider -- y\n {}",
      no_script = "local provider = require 'x'\nreturn provider.new {}", no_name = "return providers {}",
      no_comment = "-- return provider {\n--[[\nreturn provider {\n]]\nprint 'x'", no_text = "", no_other = "return {}",
      no_word = "myreturn provider {}", no_bytes = "\27Lua",
    } do put(name .. ".lua", content) end
    put("is_other.txt", "return provider {}")
    assert(os.execute("mkdir " .. folder .. "/folder.lua"))
    local found = support.child([[
      for _, name in ipairs(require("luaprov.provider.load").names()) do
        if name:find "^is_" or name:find "^no_" or name:find "^folder" then print(name) end
      end]], { LUAPROV_PATH = folder })
    assert.equal("is_braces\nis_broken\nis_comment\nis_parts", found)
  end)

  it("looks through the folders of LUAPROV_PATH, before its own", function()
    local _, first = support.file("mine.lua", text)
    local _, second = support.file("mine.lua", (text:gsub("Mine", "Second")))
    local built_in = load.names()[1]
    local _, third = support.file(built_in .. ".lua", (text:gsub("Mine", "Third")))
    local output = support.child(([[
      local load = require "luaprov.provider.load"
      print(load.load("mine").title, load.load(%q).title, #load.folders())
      local client = assert(require("luaprov").client("mine", { token = "t" }))
      print(client)
      print(table.concat(load.names(), " "):find("mine", 1, true) ~= nil)
    ]]):format(built_in), { LUAPROV_PATH = first .. ":" .. second .. "::" .. third })
    assert.equal("Mine\tThird\t4\nluaprov client of mine at https://api.acme.invalid\ntrue", output)
  end)

  it("names the nearest of those that there are", function()
    local name = load.names()[1]
    local client, err = luaprov.client(name .. "x", {})
    support.is_error({ kind = "invalid", outcome = "not_sent",
                       has = ("there is no provider '%sx' (did you mean '%s'?)"):format(name, name) }, err, client)
  end)

  it("finds nothing by odd names", function()
    for _, name in ipairs { "../x", "a.b", "a b", "/nowhere/at/all.lua", "/tmp", "x\0y" } do
      local client, err = luaprov.client(name, {})
      support.is_error({ kind = "invalid", outcome = "not_sent", has = "there is no provider" }, err, client)
    end
  end)

  it("tells what is wrong with a file", function()
    local path = support.file("broken.lua", "return provider {\n}}")
    local client, err = luaprov.client(path, {})
    support.is_error({ kind = "invalid", has = path .. ":2: " }, err, client)
  end)

  it("refuses what is no name at the caller's line", function()
    for words, call in pairs {
      ["client takes a provider's name first"] = function() luaprov.client(nil) end,
      ["client takes a provider's name first "] = function() luaprov.client("") end,
      ["client takes a table of options second"] = function() luaprov.client("x", "token") end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.matches("load_spec.lua:%d+: " .. words:gsub(" $", ""), err)
    end
  end)
end)
