-- Secrets that JSON and the shell would read as more than text: the printed commands are run against the sandbox, and
-- the record is what the client itself makes.
local luaprov = require "luaprov"
local process = require "tests.sandbox.process"
local run = require "tests.cli.support"
local support = require "tests.support"

local KEYS = [[
return provider {
  base_url = "https://api.odd.invalid/v1", errors = { message = "message" },
  auth = token_request { url = "{base_url}/login", encoding = "json", token = "token",
                         secret "password" { required = true, example = 'pass "0000"\\\n end' } },
  resource "keys" {
    path = "/keys", text "name" {}, secret "key" { required = true },
    create = post { expect = 201 }, get = get {}, list = get {},
  },
}
]]

local PASSWORD = 'pass "0000"\\\n end'

local HARD = {
  ["quotes"] = [[it's "quoted" \ and \n $HOME `two` $(three) %s]], ["no line end"] = "a\nb",
  ["a line end"] = "-----BEGIN KEY-----\nAAA+/=\n-----END KEY-----\n", ["several line ends"] = "\n\na\n\n\n",
  ["the line ends of others"] = "a\r\nb\r\n", ["only line ends"] = "\n\n", ["a tab and a control"] = "a\tb\1c\127",
  ["what is not ASCII"] = "ü€😀/x", ["JSON"] = '{"a":"b\\u0000"}\n', ["a dash"] = "-n", ["a dot"] = "a.\n.",
}

describe("luaprov call --curl", function()
  local box, client, file, password, environment
  setup(function()
    file = support.file("odd.lua", KEYS)
    box = process.start(file)
    password = support.file("password", PASSWORD .. "\n")
    environment = { LUAPROV_ODD_BASE_URL = box.exports.LUAPROV_ODD_BASE_URL,
                    LUAPROV_ODD_TOKEN_URL = box.exports.LUAPROV_ODD_TOKEN_URL }
    client = assert(luaprov.client(file, { password = PASSWORD, base_url = environment.LUAPROV_ODD_BASE_URL,
                                           token_url = environment.LUAPROV_ODD_TOKEN_URL }))
  end)
  teardown(function()
    box:stop()
    support.clean()
  end)

  for name, content in pairs(HARD) do
    it("sends what the client sends, with a secret of " .. name, function()
      local words = { "call", file, "keys", "create", "name=" .. name, "key=@" .. support.file("key", content),
                      "--set", "password=@" .. password }
      local _, err, code = run.run(words, environment)
      assert.equal(0, code, err)
      words[#words + 1] = "--curl"
      local out
      out, err, code = run.run(words, environment)
      assert.equal(0, code, err)
      assert.is_nil(out:find("0000", 1, true))
      for _, shell in ipairs { "sh", "bash" } do
        local answer, why, status = run.sh("unset LD_PRELOAD; " .. shell .. " -e " .. support.file("script", out))
        assert.equal(0, status, out .. why)
        assert.truthy(answer:find('"id"', 1, true), answer .. why .. out)
      end
      local keys = {}
      for _, record in ipairs(assert(client.keys:list())) do
        if record.name == name then keys[#keys + 1] = record.key:reveal() end
      end
      local whole = content:gsub("\r?\n$", "")
      assert.same({ whole, whole, whole }, keys, out)
    end)
  end
end)
