local command = require "luaprov.command"
local core = require "luaprov.core"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local secret = require "luaprov.secret"
local support = require "tests.support"

local COMMAND = 'secret.command takes a list of words, as in { "pass", "show", "acme" }'

describe("a secret", function()
  teardown(support.clean)

  it("shows itself nowhere but in reveal", function()
    local s = luaprov.secret "hunter2-0000"
    assert.equal("hunter2-0000", s:reveal())
    assert.equal("<secret>", tostring(s))
    assert.equal("a <secret> b", "a " .. s .. " b")
    assert.equal("<secret><secret>", s .. s)
    assert.equal("1<secret>", 1 .. s)
    assert.equal('{"a":"<secret>"}', json.encode { a = s })
    assert.is_nil(support.shown { s }:find("hunter2", 1, true))
    assert.is_nil(next(s))
    local _, trace = xpcall(function() error("with " .. s) end, debug.traceback)
    assert.is_nil(trace:find("hunter2", 1, true))
  end)

  it("is a secret and nothing else is", function()
    assert.is_true(secret.is(luaprov.secret "x"))
    for _, other in ipairs { "x", 5, {}, true } do assert.is_false(secret.is(other)) end
    assert.is_false(secret.is(nil))
    assert.is_false(secret.is(setmetatable({}, getmetatable(luaprov.secret "x"))))
  end)

  it("made of a secret is that secret", function()
    local s = luaprov.secret "x"
    assert.is_true(rawequal(s, luaprov.secret(s)))
  end)

  it("equals another with the same value", function()
    assert.is_true(luaprov.secret "x" == luaprov.secret "x")
    assert.is_false(luaprov.secret "x" == luaprov.secret "y")
    assert.is_false(secret.env "LUAPROV_SURELY_NOT_SET" == secret.env "LUAPROV_SURELY_NOT_SET")
  end)

  it("comes from the environment when it is needed", function()
    local s = secret.env "PATH"
    assert.equal(os.getenv "PATH", s:reveal())
    assert.equal("<secret>", tostring(s))
    local value, why = secret.env("LUAPROV_SURELY_NOT_SET"):reveal()
    assert.is_nil(value)
    assert.equal("environment variable LUAPROV_SURELY_NOT_SET is not set", why)
    assert.equal("nil environment variable EMPTY is not set",
      support.child('print(require("luaprov").secret.env("EMPTY"):reveal())', { EMPTY = "" }):gsub("\t", " "), nil)
  end)

  it("comes from a file without its last line end", function()
    for text, value in pairs {
      ["abc"] = "abc", ["abc\n"] = "abc", ["abc\r\n"] = "abc", ["abc\n\n"] = "abc\n", ["a\nb\n"] = "a\nb",
      [" abc \n"] = " abc ",
    } do
      local path = support.file("key", text)
      assert.equal(value, secret.file(path):reveal())
      assert.equal("<secret>", tostring(secret.file(path)))
    end
  end)

  it("tells why its file does not do", function()
    local path, folder = support.file("key", "\n")
    local value, why = secret.file(path):reveal()
    assert.is_nil(value)
    assert.equal("the secret's file " .. path .. " is empty", why)
    value, why = secret.file(folder .. "/none"):reveal()
    assert.is_nil(value)
    assert.matches("cannot read the secret's file: .*/none: No such file", why)
    value, why = secret.file(folder):reveal()
    assert.is_nil(value)
    assert.matches("cannot read", why)
  end)

  it("comes from what a command prints, without its last line end", function()
    for text, value in pairs {
      ["abc"] = "abc", ["abc\n"] = "abc", ["abc\r\n"] = "abc", ["abc\n\n"] = "abc\n", ["a=1\nb=0\n"] = "a=1\nb=0",
      [" a'b\"c$HOME`id`\\*;é\255 "] = " a'b\"c$HOME`id`\\*;é\255 ",
    } do
      local s = luaprov.secret.command { "printf", "%s", text }
      assert.equal(value, s:reveal())
      assert.equal("<secret>", tostring(s))
    end
  end)

  it("runs its command when it is needed, and once", function()
    local count = support.folder() .. "/count"
    local s = secret.command { "sh", "-c", "echo x >>'" .. count .. "'; echo key-0000" }
    assert.is_nil(io.open(count))
    for _ = 1, 3 do assert.equal("key-0000", s:reveal()) end
    assert.is_true(s == luaprov.secret "key-0000")
    assert.equal("x\n", support.read(count))
  end)

  it("runs its command again after it has failed", function()
    local file = support.folder() .. "/vault"
    local s = secret.command { "sh", "-c", "cat '" .. file .. "' 2>/dev/null" }
    assert.is_nil((s:reveal()))
    local vault = assert(io.open(file, "w"))
    vault:write "key-0000\n"
    vault:close()
    assert.equal("key-0000", s:reveal())
  end)

  it("hands its command the environment, and nothing of the script on standard input", function()
    assert.equal("key-0000 <secret> end", support.child([[
      local secret = require "luaprov.secret"
      local a = secret.command { "sh", "-c", "cat; printf %s \"$VAULT\"" }
      io.write(a:reveal(), " ", tostring(a))
      print " end"]], { VAULT = "key-0000" }))
  end)

  it("tells why its command does not do, and nothing of what that printed", function()
    local function sh(text) return { "sh", "-c", "exec 2>/dev/null; " .. text } end
    for why, words in pairs {
      ["sh failed (status 3)"] = sh "echo key-0000; exit 3", ["true printed nothing"] = { "true" },
      ["echo printed nothing"] = { "echo" }, ["sh printed a NUL byte"] = sh "printf 'key-0000\\0x'",
      ["sh printed more than 65536 bytes"] = sh "while :; do echo key-0000key-0000key-0000; done",
      ["sh is not found"] = sh "/nowhere/pass", ["sh cannot be run"] = sh "exec /dev/null",
    } do
      local value, said = secret.command(words):reveal()
      assert.is_nil(value)
      assert.equal("the secret's command " .. why, said)
    end
    assert.equal(65536, #secret.command({ "sh", "-c", "printf %065536d 0" }):reveal())
  end)

  it("waits for no command that prints for ever, in a host that ignores SIGPIPE", function()
    require "socket" -- ignores it, as nginx does
    local began = core.now()
    local value, why = command({ "sh", "-c", "exec 2>/dev/null; while :; do echo key-0000; done" }, 100)
    assert.is_nil(value)
    assert.equal("printed more than 65536 bytes", why)
    assert.is_true(core.now() - began < 90)
  end)

  it("waits for a command no longer than it may take", function()
    for _, text in ipairs { "echo key-0000; sleep 5", "trap '' TERM; echo key-0000; while :; do sleep 0.05; done" } do
      local value, why = command({ "sh", "-c", "exec 2>/dev/null; " .. text }, 0.2)
      assert.is_nil(value)
      assert.equal("did not end within 0.2 seconds", why)
    end
    -- Its child goes on, and holds what it writes to; whether there is more to come, nobody knows.
    local began = core.now()
    local value, why = command({ "sh", "-c", "sleep 20 & echo key-0000" }, 0.2)
    assert.is_nil(value)
    assert.equal("has left a process behind that holds its output, and did not end within 0.2 seconds", why)
    assert.is_true(core.now() - began < 15)
    assert.equal("failed (status 3)", select(2, command({ "sh", "-c", "sleep 5 & echo key-0000; exit 3" }, 0.2)))
    assert.equal("key-0000\n", command({ "sh", "-c", "sleep 5 >/dev/null & echo key-0000" }, 2))
  end)

  it("keeps its own copy of a command's words", function()
    local words = { "echo", "key-0000" }
    local s = secret.command(words)
    words[2] = "other"
    assert.equal("key-0000", s:reveal())
  end)

  it("refuses what is no text, at the caller's line", function()
    local before = "^tests/secret_spec%.lua:%d+: "
    for _, case in ipairs {
      { "a secret is made from a string, not from number", function() luaprov.secret(5) end },
      { "a secret is made from a string, not from nil", function() luaprov.secret() end },
      { "a secret is made from a string, not from table", function() secret.new {} end },
      { "secret.env takes the name of an environment variable", function() secret.env(nil) end },
      { "secret.env takes the name of an environment variable", function() secret.env "" end },
      { "secret.file takes a path", function() secret.file(5) end },
      { COMMAND, function() secret.command "pass show hubster" end },
      { COMMAND, function() secret.command {} end },
      { COMMAND, function() secret.command { "" } end },
      { COMMAND, function() secret.command { "pass", 5 } end },
      { COMMAND, function() secret.command { "pass", name = "hubster" } end },
      { COMMAND, function() secret.command { "pass", "a\0b" } end },
    } do
      local ok, err = pcall(case[2])
      assert.is_false(ok)
      assert.equal(case[1], (err:gsub("^.-:%d+: ", "")))
      assert.matches(before, (err:gsub("^%./", "")))
    end
  end)
end)

describe("scrubbing", function()
  it("takes a value out in every spelling", function()
    local value = 'a"b/c d+é\n<&>%1'
    for name, echoed in pairs {
      raw = value, json = 'a\\"b/c d+é\\n<&>%1', ["json, slashes escaped"] = 'a\\"b\\/c d+é\\n<&>%1',
      url = "a%22b%2Fc%20d%2B%C3%A9%0A%3C%26%3E%251", ["url, lower case"] = "a%22b%2fc%20d%2b%c3%a9%0a%3c%26%3e%251",
      form = "a%22b%2Fc+d%2B%C3%A9%0A%3C%26%3E%251", html = "a&quot;b/c d+é\n&lt;&amp;&gt;%1",
      base64 = "YSJiL2MgZCvDqQo8Jj4lMQ", ["base64 in a URL"] = "YSJiL2MgZCvDqQo8Jj4lMQ",
    } do
      local text = secret.scrub("before " .. echoed .. " after " .. echoed, { value })
      assert.equal("before <secret> after <secret>", text, name)
    end
  end)

  it("knows base64 with and without padding, and that of URLs", function()
    assert.equal("<secret>==", secret.scrub("YQ==", { "a" }))
    assert.equal("<secret>", secret.scrub("YWJj", { "abc" }))
    assert.equal("x <secret> y", secret.scrub("x --__ y", { "\251\239\255" }))
    assert.equal("x <secret> y", secret.scrub("x ++// y", { "\251\239\255" }))
  end)

  it("knows what base64 makes of a value within another text", function()
    local value = "key-0000?>~key"
    local function coded(text)
      local pipe = io.popen("printf %s '" .. text .. "' | base64 -w0")
      local line = pipe:read("*a")
      pipe:close()
      return line
    end
    for _, before in ipairs { "", "u:", "user:", "Bearer " } do
      for _, after in ipairs { "", "a", "ab" } do
        for _, text in ipairs { coded(before .. value .. after),
                                (coded(before .. value .. after):gsub("[+/]", { ["+"] = "-", ["/"] = "_" })),
                                (coded(before .. value .. after):gsub("[+/]", { ["+"] = "%2B", ["/"] = "%2F" })) } do
          local scrubbed = secret.scrub(text, { value })
          assert.truthy(scrubbed:find("<secret>", 1, true), text)
          -- What is left is of the letters before and after, and the bits that they share with the value's.
          local left = #before == 0 and 0 or math.ceil(#before * 4 / 3)
          assert.truthy(#scrubbed - #"<secret>" <= left + 6, scrubbed)
        end
      end
    end
    -- A few letters may be anything.
    assert.equal("eA xYQ", secret.scrub("eA xYQ", { "xa" }))
  end)

  it("knows JSON within JSON within JSON, and a form within a URL", function()
    local value, text = 'a"b\\c', 'a"b\\c'
    for _ = 1, 4 do
      text = text:gsub('[\\"]', "\\%0")
      assert.equal("x <secret> y", secret.scrub("x " .. text .. " y", { value }))
    end
    assert.equal("<secret>", secret.scrub("a%2522b%255Cc", { value }))
  end)

  it("takes the beginning of a value out where a text is cut off", function()
    local scrub = secret.scrubber { "key-0000-0000", 'tok"0000' }
    for text, scrubbed in pairs {
      ["no key-0000"] = "no ", ["no key-0000-000"] = "no ", ["no key-0000-0000"] = "no <secret>", ["no key-"] = "no ",
      ["no key"] = "no key", ["key-0000-0000 key-00"] = "<secret> ", ['no tok\\"00'] = "no ", ["no tok%220"] = "no ",
      ["no key-0000 more"] = "no key-0000 more", ["key-key-key-0"] = "key-key-", ["no a2V5LTAwMD"] = "no ", [""] = "",
    } do
      assert.equal(scrubbed, scrub(text, true), text)
    end
    assert.equal("no key-0000", scrub("no key-0000"))
  end)

  it("takes values literally", function()
    assert.equal("axb <secret>", secret.scrub("axb a.b", { "a.b" }))
    assert.equal("<secret> 100", secret.scrub("%d+ 100", { "%d+" }))
    assert.equal("[<secret>]", secret.scrub("[x\0y]", { "x\0y" }))
  end)

  it("leaves no end of a longer value behind a shorter one", function()
    assert.equal("<secret>", secret.scrub("key-0000-more", { "key-0000", "key-0000-more" }))
  end)

  it("leaves a text without the value as it is", function()
    assert.equal("nothing here", secret.scrub("nothing here", { "key-0000", "" }))
    assert.equal("", secret.scrub("", { "x" }))
  end)
end)

describe("closing like", function()
  it("makes secrets of what was a secret in the other table, at every depth", function()
    local value = { a = "key-0000", b = { "x", "key-0000" }, c = "key-0000", d = 7 }
    secret.close_like(value,
      { a = secret "other", b = { "x", secret "y" }, c = "plain", d = secret "7", e = secret "z" })
    assert.equal("key-0000", value.a:reveal())
    assert.equal("x", value.b[1])
    assert.equal("key-0000", value.b[2]:reveal())
    assert.equal("key-0000", value.c)
    assert.equal("7", value.d:reveal())
    assert.is_nil(value.e)
  end)

  it("leaves what is of another shape", function()
    assert.equal("x", secret.close_like("x", { a = secret "y" }))
    assert.is_nil(secret.close_like(nil, { a = secret "y" }))
  end)
end)
