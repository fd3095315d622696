-- luaprov types: what it writes is right as annotations, says what the vendors' documentation says, and harms no file.
local annotations = require "tests.cli.annotations"
local support = require "tests.support"
local types = require "luaprov.cli.types"

local MARK = "-- Written by `luaprov types`"

-- What cli gives a command, in short.
local function run(args)
  local out = { lines = {}, notes = {} }
  function out:line(text) self.lines[#self.lines + 1] = text end
  function out:note(text) self.notes[#self.notes + 1] = text end
  function out:wrong(text) self:note(text) return 64 end
  function out:error(err) self:note(tostring(err)) return 1 end
  local code = types.run({ names = args, output = args.output }, out)
  return code, table.concat(out.lines, "\n") .. "\n", table.concat(out.notes, "\n")
end

local function page_of(...)
  local code, text, notes = run { ... }
  assert.same({ 0, "" }, { code, notes })
  return annotations.read { text }, text
end

local read = support.read

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

describe("luaprov types", function()
  local page, whole
  setup(function() page, whole = page_of("onebox", "ocamba", "hubster", "myreports") end)
  after_each(support.clean)

  local function class(name) return page.classes["luaprov." .. name] or error("no class " .. name, 2) end
  local function short(name) return annotations.short(class(name)) end
  local function type_of(name, field) return (class(name)[field] or error("no field " .. field, 2)).type end

  it("is one module on standard output", function()
    assert.equal(1, (whole:find(MARK, 1, true)))
    assert.same({ "luaprov" }, page.metas)
    assert.is_truthy(whole:find("\nreturn luaprov\n$"))
  end)

  it("has all of the public face, and nothing else", function()
    local luaprov = require "luaprov"
    local known = annotations.read { whole }.classes.luaprov
    for name in pairs(luaprov) do assert.is_truthy(known[name] or name == "client", name .. " is not annotated") end
    for _, name in ipairs(known) do assert.is_not_nil(luaprov[name], name .. " is not there") end
    for _, name in ipairs(page.classes["luaprov.JSON"]) do assert.is_not_nil(luaprov.json[name], name) end
    for _, name in ipairs(page.classes["luaprov.Secrets"]) do assert.is_not_nil(luaprov.secret[name], name) end
    for _, name in ipairs(page.classes["luaprov.Secret"]) do assert.is_function(luaprov.secret("x")[name], name) end
  end)

  it("has an error's fields, kinds and outcomes, as the README lists them", function()
    assert.equal("kind! message! outcome! codes! provider resource operation status trace_id retry_after attempts "
      .. "candidates details",
      short "Error")
    assert.equal('"not_sent"|"refused"|"unknown"', page.aliases["luaprov.Outcome"])
    local kinds = read("README.md"):match("| `kind` | `([^`]+)`")
    assert.equal('"' .. kinds:gsub(" ", '"|"') .. '"', page.aliases["luaprov.ErrorKind"])
  end)

  it("has what is told of a call", function()
    assert.equal('fun(event: "call"|"attempt", fn: fun(event: luaprov.CallEvent)): fun()',
      page.classes.luaprov.on.type)
    assert.equal("provider! resource! operation! method! outcome! attempts! seconds! waited! kind status trace_id",
      short "CallEvent")
  end)

  it("gives every provider's client and options by its name", function()
    for i, name in ipairs { "onebox", "ocamba", "hubster", "myreports" } do
      assert.equal(('fun(name: "%s", options?: luaprov.%s.Options): luaprov.%s.Client|nil, luaprov.Error|nil'):format(
        name, name, name), page.overloads[i + 1])
    end
    assert.equal("connections!", short "onebox.Client")
    assert.equal("integrations! providers!", short "ocamba.Client")
    assert.equal("hubs! integrations!", short "hubster.Client")
    assert.equal("pbxs!", short "myreports.Client")
    local common = " base_url token_url timeout attempts patience limits settle connect_timeout response_limit ca_file "
      .. "client_certificate client_key client_key_password insecure proxy connections"
    assert.equal("token email password site_id login_encoding" .. common, short "onebox.Options")
    assert.equal("token" .. common, short "ocamba.Options")
    assert.equal("token client_id client_secret identity_url integration_update" .. common, short "hubster.Options")
    assert.equal("token refresh_token client_id client_secret region identity_url accept_charges account" .. common,
      short "myreports.Options")
    assert.equal("string|luaprov.Secret", type_of("ocamba.Options", "token"))
    assert.equal('"na"|"eu"|"uk"|"au"', type_of("myreports.Options", "region"))
    assert.equal("boolean", type_of("myreports.Options", "accept_charges"))
    assert.equal("number", type_of("onebox.Options", "timeout"))
    assert.equal("integer", type_of("onebox.Options", "attempts"))
    assert.equal("number", type_of("onebox.Options", "patience"))
    assert.equal("boolean", type_of("onebox.Options", "settle"))
    assert.is_truthy(class("onebox.Options").settle.comment:find("LUAPROV_ONEBOX_SETTLE", 1, true))
    assert.equal("string", type_of("onebox.Options", "ca_file"))
    assert.equal("boolean", type_of("onebox.Options", "insecure"))
    assert.equal("integer", type_of("onebox.Options", "connections"))
    assert.equal("string|luaprov.Secret", type_of("onebox.Options", "client_key_password"))
    assert.equal("string|luaprov.Secret|false", type_of("onebox.Options", "proxy"))
    assert.is_truthy(class("ocamba.Options").token.comment:find("LUAPROV_OCAMBA_TOKEN", 1, true))
  end)

  it("has the operations that there are", function()
    local all = "create! get! update! delete! list! each!"
    assert.equal(all, short "hubster.hubs")
    assert.equal(all, short "hubster.integrations")
    assert.equal(all, short "ocamba.integrations")
    assert.equal(all, short "myreports.pbxs")
    assert.equal("create! get! update! list! each!", short "onebox.connections")
    assert.equal("list! each!", short "ocamba.providers")
  end)

  it("has what the operations take and return", function()
    local hubs = "fun(self: luaprov.hubster.hubs"
    local options = ", options?: luaprov.CallOptions"
    local returns = options .. "): luaprov.hubster.hubs.Record|nil, luaprov.Error|nil"
    assert.equal(hubs .. ", fields: luaprov.hubster.hubs.Create" .. returns, type_of("hubster.hubs", "create"))
    assert.equal(hubs .. ", id: luaprov.Id, parents?: table" .. returns, type_of("hubster.hubs", "get"))
    assert.equal(hubs .. ", id: luaprov.Id, fields: luaprov.hubster.hubs.Update, parents?: table" .. returns,
      type_of("hubster.hubs", "update"))
    assert.equal(hubs .. ", id: luaprov.Id, parents?: table" .. options .. "): boolean|nil, luaprov.Error|nil",
      type_of("hubster.hubs", "delete"))
    hubs = hubs .. ", query?: table" .. options
    assert.equal(hubs .. "): luaprov.hubster.hubs.Record[]|nil, luaprov.Error|nil", type_of("hubster.hubs", "list"))
    assert.equal(hubs .. "): fun(): luaprov.hubster.hubs.Record|false|nil, luaprov.Error|nil",
      type_of("hubster.hubs", "each"))
    assert.equal("attempts timeout patience", short "CallOptions")
    local pbxs, parents = "fun(self: luaprov.myreports.pbxs, ", "parents: luaprov.myreports.pbxs.Parents"
    returns = options .. "): luaprov.myreports.pbxs.Record|nil, luaprov.Error|nil"
    assert.equal(pbxs .. "id: luaprov.Id, " .. parents .. returns, type_of("myreports.pbxs", "get"))
    assert.equal(pbxs .. "id: luaprov.Id, fields: luaprov.myreports.pbxs.Update, "
      .. parents:gsub(":", "?:", 1) .. returns, type_of("myreports.pbxs", "update"))
    assert.equal(pbxs .. "query: luaprov.myreports.pbxs.Query" .. options
      .. "): luaprov.myreports.pbxs.Record[]|nil, luaprov.Error|nil", type_of("myreports.pbxs", "list"))
    assert.equal("tenantId!", short "myreports.pbxs.Parents")
    assert.equal("tenantId!", short "myreports.pbxs.Query")
    -- A record will do as its own parents.
    assert.equal("luaprov.myreports.pbxs.Parents", class("myreports.pbxs.Record")[":parent"])
    assert.equal("hubId", short "hubster.integrations.Query")
    assert.equal("name provider_id q sort status type", short "ocamba.integrations.Query")
  end)

  it("has what Hubster's create needs", function()
    assert.equal("name! description! closeDormantConversation statusId", short "hubster.hubs.Create")
    assert.equal("2000|2001|2002", type_of("hubster.hubs.Create", "statusId"))
    assert.equal("2000: Active, 2001: Canceled, 2002: Paused", class("hubster.hubs.Create").statusId.comment)
    local needs = {
      TwilioSMS = "authToken! accountSid! numberSid!", Messenger = "pageAccessToken!", Slack = "code! nonce!",
      WebChat = "allowedOrigins! start", Direct = "integrationType! echo webhookUrl start regenerateKeys",
      System = "webhookUrl! events! regenerateKeys",
    }
    local union = {}
    for channel, fields in pairs(needs) do
      local name = "hubster.integrations.Create." .. channel
      union[#union + 1] = "luaprov." .. name
      assert.equal("hubId! channelId! name! statusId configuration!", short(name))
      assert.equal('"' .. channel .. '"', type_of(name, "channelId"))
      assert.equal("luaprov." .. name .. ".configuration", type_of(name, "configuration"))
      assert.equal(fields, short(name .. ".configuration"))
    end
    table.sort(union)
    assert.equal(table.concat(union, "|"), page.aliases["luaprov.hubster.integrations.Create"])
    assert.equal("string|luaprov.Secret", type_of("hubster.integrations.Create.TwilioSMS.configuration", "authToken"))
    assert.equal("string[]", type_of("hubster.integrations.Create.WebChat.configuration", "allowedOrigins"))
    assert.equal('("message"|"message:customer"|"message:agent"|"message:bot")[]',
      type_of("hubster.integrations.Create.System.configuration", "events"))
  end)

  it("has what Ocamba's create needs", function()
    local sender = "api_key! default_sender_name! default_sender_email! default_reply_to_email!"
    local needs = {
      ["1000"] = "account_sid! auth_token! default_phone_number!",
      ["1001"] = "default_sender_email! default_sender_name! sending_domain! port! username! password!",
      ["1002"] = sender, ["1003"] = sender, ["1004"] = "api_key! sender_name!",
      ["1005"] = "api_key! domain! sender_email! sender_name!",
    }
    for id, fields in pairs(needs) do
      local name = "ocamba.integrations.Create." .. id
      assert.equal("name! provider_id! settings! status", short(name))
      assert.equal('"' .. id .. '"', type_of(name, "provider_id"))
      assert.equal(fields, short(name .. ".settings"))
      assert.is_truthy(page.aliases["luaprov.ocamba.integrations.Create"]:find(name, 1, true))
    end
    assert.equal("integer|string", type_of("ocamba.integrations.Create.1001.settings", "port"))
    assert.is_truthy(whole:find("\n--- twilio\n---@class luaprov.ocamba.integrations.Create.1000\n", 1, true))
  end)

  it("has what OneBox's create needs", function()
    local head, account = "SiteId MediaId! ProviderId! Enabled ", "Name! UserId! Password! "
    local needs = {
      EMAIL_PVD9 = account .. "Host! Port! From!", EMAIL_PVD7 = account .. "Host! Port! From! ParentId",
      FCBK_PVD12 = account .. "From Token!", INST_PVD28 = account .. "From! Token! TargetId!",
      TWTR_PVD10 = account .. "From! Token! TargetId!", WHATP_PVD30 = "Password Token [string]!",
    }
    for variant, fields in pairs(needs) do
      assert.equal(head .. fields, short("onebox.connections.Create." .. variant))
    end
    assert.equal('"INST"', type_of("onebox.connections.Create.INST_PVD28", "MediaId"))
    assert.equal('"PVD28"', type_of("onebox.connections.Create.INST_PVD28", "ProviderId"))
  end)

  it("has what MyReports' create needs", function()
    assert.equal("tenantId! _type! name! enabled hostRest! hostWebsocket! accountId! apiKey! monitorSubAccounts",
      short "myreports.pbxs.Create.KazooPbxConnectionProfile")
    assert.equal("tenantId! _type! name! enabled licenseKey! username! password! enableRecordingArchive "
      .. "recordingArchiveFrequency", short "myreports.pbxs.Create.ThreeCxConnectionProfile")
  end)

  it("has in an update what can change, and nothing that must", function()
    assert.equal("name description closeDormantConversation statusId", short "hubster.hubs.Update")
    assert.equal("integer|luaprov.Null", type_of("hubster.hubs.Update", "closeDormantConversation"))
    assert.equal("string", type_of("hubster.hubs.Update", "name"))
    assert.equal("name settings status", short "ocamba.integrations.Update")
    assert.is_nil(short("ocamba.integrations.Update.settings"):find("!", 1, true))
    -- Hubster replaces it whole, and some variants have parts that cannot change.
    local prefix = "luaprov.hubster.integrations.Update.configuration."
    assert.equal(prefix .. "Direct|" .. prefix .. "System|" .. prefix .. "WebChat",
      type_of("hubster.integrations.Update", "configuration"))
    assert.equal("allowedOrigins! start", short "hubster.integrations.Update.configuration.WebChat")
    -- Password and Token mean different things in different variants.
    assert.is_nil(class("onebox.connections.Update").Token.comment)
  end)

  it("has in a record all that the vendor sends, secrets closed", function()
    assert.equal("id! name! description! closeDormantConversation statusId hubId tenantId created modified",
      short "hubster.hubs.Record")
    assert.equal("luaprov.Secret", type_of("hubster.integrations.Record.configuration", "privateSigningKey"))
    assert.equal("mms sms voice", short "hubster.integrations.Record.configuration.capabilities")
    assert.equal("luaprov.Secret", type_of("onebox.connections.Record", "Password"))
    assert.equal("luaprov.Id", type_of("ocamba.integrations.Record", "id"))
  end)

  describe("of a user's provider file", function()
    local function file(name, parts) return (support.file(name, support.provider(parts))) end

    it("goes by the path that was given, and by its name", function()
      local path = file("acme.lua", support.operations .. 'text "name" { required = true },')
      local own = page_of(path)
      for i, name in ipairs { path, "acme" } do
        assert.equal('fun(name: "' .. name .. '", options?: luaprov.acme.Options): luaprov.acme.Client|nil, '
          .. "luaprov.Error|nil", own.overloads[i + 1])
      end
      assert.is_nil(own.overloads[4])
      assert.equal("name!", annotations.short(own.classes["luaprov.acme.things.Create"]))
    end)

    it("keeps apart those whose names are alike, and names that luaprov has itself", function()
      local parts = support.operations .. 'text "name" {},'
      local paths = { file("my-acme.lua", parts), file("my_acme.lua", parts), file("my_acme.lua", parts),
                      file("Error.lua", parts), file("a b\"c.lua", parts), file("luaprov.lua", parts) }
      local _, text = run(paths)
      local own = annotations.read { text }
      for _, name in ipairs { "my_acme", "my_acme_2", "my_acme_3", "Error_2", "a_b_c", "luaprov" } do
        assert.is_table(own.classes["luaprov." .. name .. ".Client"], name)
      end
      assert.is_truthy(table.concat(own.overloads):find('a b\\"c.lua"', 1, true))
      local called = {}
      for _, overload in ipairs(own.overloads) do
        local name, kind = overload:match('^fun%(name: "([^/]*)", .*luaprov%.([%w_]+)%.Client')
        if name then called[#called + 1] = name .. " " .. kind end
      end
      assert.same({ "my-acme my_acme", "my_acme my_acme_2", "Error Error_2", 'a b\\"c a_b_c', "luaprov luaprov" },
        called)
      paths.output = support.folder()
      _, text = run(paths)
      local texts = {}
      for path in text:gmatch("[^\n]+") do texts[#texts + 1] = read(path) end
      assert.equal(7, #texts)
      annotations.read(texts)
    end)

    it("goes not by a name that means another", function()
      local path = file("ocamba.lua", support.operations .. 'text "name" {},')
      assert.equal(2, #page_of(path).overloads)
      local own = page_of(path, "ocamba")
      assert.is_truthy(own.overloads[2]:find(path .. '", options?: luaprov.ocamba.Options', 1, true))
      assert.is_truthy(own.overloads[3]:find('"ocamba", options?: luaprov.ocamba_2.Options', 1, true))
    end)

    it("may have strange fields, and resources named as our own classes are", function()
      local path = support.file("acme.lua", [[return provider { base_url = "https://api.acme.invalid",
        title = "Two\nlines",
        resource "Client" { path = "/c", create = post {}, get = get {}, list = get {},
          text "a-b" { required = true, about = "one\nline\27[1m" }, text "end" {}, text "private" {}, text "é" {},
          text "Create" {}, group "Record" { text "id" {} }, text "id" { computed = true },
          choice "c" { values = { 'quo"te', "back\\slash", "new\nline" } },
          choice "n" { required = true, default = 2, values = { 1, 2 } },
          boolean "yes" { sent_as = "string" },
          list "l" { of = group { text "x" { required = true }, list "deep" { of = integer {} } } } },
        resource "Options" { path = "/o", get = get {} },
      }]])
      local own = page_of(path)
      local create = own.classes["luaprov.acme.Client_2.Create"]
      assert.equal('a-b! end ["private"] ["é"] Create Record c n yes l', annotations.short(create))
      assert.equal([["quo\"te"|"back\\slash"|"new\010line"]], create.c.type)
      assert.equal("1|2", create.n.type)
      assert.equal("boolean|string", create.yes.type)
      assert.equal("luaprov.acme.Client_2.Create.l[]", create.l.type)
      assert.equal("x! deep", annotations.short(own.classes["luaprov.acme.Client_2.Create.l"]))
      assert.equal("integer[]", own.classes["luaprov.acme.Client_2.Create.l"].deep.type)
      assert.equal("id! " .. 'a-b! end ["private"] ["é"] Create Record c n! yes l',
        annotations.short(own.classes["luaprov.acme.Client_2.Record"]))
      assert.equal("get!", annotations.short(own.classes["luaprov.acme.Options_2"]))
    end)

    it("has variants that any kind of field chooses, here and within a group", function()
      local own = page_of(file("acme.lua", support.operations .. [[
        boolean "secure" { required = true }, integer "level" { default = 1 }, text "kind" {},
        by "secure" { ["true"] = { secret "key" { required = true } }, ["false"] = {} },
        by "level" { ["1"] = {}, ["2"] = { text "two" { required = true } } },
        group "inner" { choice "how" { required = true, values = { "a b", "a_b" } },
          by "how" { ["a b"] = { text "first" { required = true } }, ["a_b"] = { unknown = "pass" } } },
      ]]))
      local things = "luaprov.acme.things.Create."
      local yes = own.classes[things .. "true"]
      assert.equal("secure! level kind inner key! two", annotations.short(yes))
      assert.equal("true", yes.secure.type)
      assert.equal("secure! level kind inner two", annotations.short(own.classes[things .. "false"]))
      assert.equal(things .. "true.inner.a_b|" .. things .. "true.inner.a_b_2", yes.inner.type)
      assert.equal("how! first!", annotations.short(own.classes[things .. "true.inner.a_b"]))
      assert.equal("how! [string]!", annotations.short(own.classes[things .. "true.inner.a_b_2"]))
      assert.equal("secure level kind inner key two", annotations.short(own.classes["luaprov.acme.things.Update"]))
    end)

    it("is found in a folder of LUAPROV_PATH", function()
      local _, folder = support.file("acme.lua", support.provider(support.operations .. 'text "name" {},'))
      local output = support.child([[
        local out = { line = function(_, text) print(text) end }
        os.exit(require("luaprov.cli.types").run({ names = {} }, out))]], { LUAPROV_PATH = folder })
      local own = annotations.read { output .. "\n" }
      for i, name in ipairs { "acme", "hubster", "myreports", "ocamba", "onebox" } do
        assert.is_truthy(own.overloads[i + 1]:find('name: "' .. name .. '"', 1, true))
      end
    end)
  end)

  describe("--output", function()
    it("makes the folder, writes a file a provider and the module, and names them", function()
      local folder = support.folder() .. "/a b/types"
      local code, text, notes = run { "ocamba", "hubster", "ocamba", output = folder .. "/" }
      assert.same({ 0, "" }, { code, notes })
      assert.equal(("%s/luaprov.lua\n%s/ocamba.lua\n%s/hubster.lua\n"):format(folder, folder, folder), text)
      local texts = {}
      for i, name in ipairs { "luaprov", "ocamba", "hubster" } do
        texts[i] = read(folder .. "/" .. name .. ".lua")
        assert.equal(1, (texts[i]:find(MARK, 1, true)))
      end
      local own = annotations.read(texts)
      assert.same({ "luaprov", "_", "_" }, own.metas)
      assert.equal(3, #own.overloads) -- luaprov.secret has one
    end)

    -- The names that luaprov.client completes, as the folder says.
    local function completed(folder)
      local texts = {}
      for path in io.popen("ls " .. folder .. "/*.lua", "r"):lines() do texts[#texts + 1] = read(path) end
      local found = {}
      for _, overload in ipairs(annotations.read(texts).overloads) do
        local name, kind = overload:match('^fun%(name: "(.-)", options%?: luaprov%.([%w_]+)%.Options')
        if name then found[#found + 1] = name:match("[^/]+$") .. " " .. kind end
      end
      return found
    end

    it("keeps the providers of earlier runs, as long as their files are there", function()
      local folder = support.folder()
      local path = support.file("acme.lua", support.provider(support.operations .. 'text "name" {},'))
      assert.equal(0, (run { path, output = folder }))
      assert.same({ "acme.lua acme", "acme acme" }, completed(folder))
      assert.equal(0, (run { "hubster", "ocamba", output = folder }))
      assert.same({ "hubster hubster", "ocamba ocamba", "acme.lua acme", "acme acme" }, completed(folder))
      os.remove(folder .. "/ocamba.lua")
      assert.equal(0, (run { "onebox", output = folder }))
      assert.same({ "onebox onebox", "acme.lua acme", "acme acme", "hubster hubster" }, completed(folder))
      -- Another's file in the folder says nothing of ours.
      write(folder .. "/mine.lua", '\n-- luaprov.client: fun(name: "x", options?: y.Options): y.Client|nil\n')
      assert.equal(0, (run { "hubster", output = folder }))
      assert.is_nil(read(folder .. "/luaprov.lua"):find('"x"', 1, true))
    end)

    it("keeps both names of a provider file that is given by its path first, and then by its name", function()
      local folder = support.folder()
      local path, place = support.file("acme.lua", support.provider(support.operations .. 'text "name" {},'))
      assert.equal(0, (run { path, output = folder }))
      support.child(('local out = { line = print } os.exit(require("luaprov.cli.types").run({ names = { "acme" }, '
        .. 'output = %q }, out))'):format(folder), { LUAPROV_PATH = place })
      assert.same({ "acme acme", "acme.lua acme" }, completed(folder))
      -- But not those of another whose file has the same name.
      assert.equal(0, (run { (support.file("a-b.lua", read(path))), output = folder }))
      assert.equal(0, (run { (support.file("a_b.lua", read(path))), output = folder }))
      assert.same({ "a_b.lua a_b", "a_b a_b", "acme acme", "acme.lua acme" }, completed(folder))
    end)

    it("writes over what it wrote itself, and leaves nothing else there", function()
      local folder = support.folder()
      assert.equal(0, (run { "ocamba", output = folder }))
      write(folder .. "/ocamba.lua", MARK .. " long ago\n")
      assert.equal(0, (run { "ocamba", output = folder }))
      assert.is_truthy(read(folder .. "/ocamba.lua"):find("@class luaprov.ocamba.Client", 1, true))
      local names = io.popen("ls -A " .. folder, "r"):read("*a")
      assert.equal("luaprov.lua\nocamba.lua\n", names)
    end)

    it("writes over no other file, and then writes nothing", function()
      for _, text in ipairs { "return provider {}\n", "", "\n" .. MARK } do
        local folder = support.folder()
        write(folder .. "/ocamba.lua", text)
        local code, printed, notes = run { "hubster", "ocamba", output = folder }
        assert.same({ 1, "\n" }, { code, printed })
        assert.equal(folder .. "/ocamba.lua was not written by luaprov types: remove it, or give another folder; "
          .. "nothing is changed", notes)
        assert.equal(text, read(folder .. "/ocamba.lua"))
        assert.equal("ocamba.lua\n", io.popen("ls -A " .. folder, "r"):read("*a"))
      end
    end)

    it("says so where there can be no folder", function()
      local path = support.file("file", "")
      local code, _, notes = run { "ocamba", output = path .. "/types" }
      assert.equal(1, code)
      assert.is_truthy(notes:find(path, 1, true), notes)
    end)

    it("says so where a file cannot be written", function()
      local folder = support.folder()
      os.execute("mkdir " .. folder .. "/luaprov.lua.new")
      local code, _, notes = run { "ocamba", output = folder }
      assert.equal(1, code)
      assert.is_truthy(notes:find(folder .. "/luaprov.lua", 1, true), notes)
    end)
  end)

  it("writes nothing when a provider file is wrong", function()
    local path = support.file("broken.lua", "return provider {}")
    local folder = support.folder() .. "/types"
    local code, printed, notes = run { "ocamba", path, output = folder }
    assert.same({ 1, "\n" }, { code, printed })
    assert.is_truthy(notes:find(path .. ":1: ", 1, true), notes)
    assert.is_nil(io.open(folder))
  end)

  it("refuses a folder without a name", function()
    assert.same({ 64, "\n", "--output must be the name of a folder" }, { run { "ocamba", output = "" } })
  end)

  it("knows its options", function()
    local parser = require "argparse"("luaprov")
    types.configure(parser)
    assert.same({ names = { "a", "./b.lua" }, output = "folder" },
      parser:parse { "a", "--output", "folder", "./b.lua" })
    assert.same({ names = {} }, parser:parse {})
    assert.is_truthy(parser:get_help():find("luaprov types --output ", 1, true))
  end)
end)
