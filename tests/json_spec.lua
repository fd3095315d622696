-- luaprov.json on Lua 5.4 and on LuaJIT: what is accepted, what is refused and where, and that nothing is lost.
-- luacheck: std max+busted

local json = require "luaprov.json"
local cjson = require "cjson"

local integers = math.type ~= nil -- Lua 5.4: integers of 64 bits beside the floats
local null = json.null

-- The texts of JSONTestSuite's kinds, in short; all of them are in tests/engine/test_json.c.
local function same(text)
  local value, err = json.decode(text)
  assert.is_nil(err)
  assert.are.equal(text, json.encode(value))
end

local function refused(text, offset)
  local value, err, at = json.decode(text)
  assert.is_nil(value, text)
  assert.are.equal("string", type(err))
  assert.are.equal(offset, at, text .. ": " .. err)
  assert.is_truthy(err:find("at byte " .. offset, 1, true), err)
  if integers then assert.are.equal("integer", math.type(at)) end
end

local function not_encoded(value, message)
  local text, err = json.encode(value)
  assert.is_nil(text)
  assert.are.equal(message, err)
end

describe("json.decode", function()
  it("reads every kind of value", function()
    local v = assert(json.decode '{"a":[1,2.5,"x",true,false,null,{}],"b":{"c":"d"}}')
    assert.are.equal(1, v.a[1])
    assert.are.equal(2.5, v.a[2])
    assert.are.equal("x", v.a[3])
    assert.is_true(v.a[4])
    assert.is_false(v.a[5])
    assert.are.equal(null, v.a[6])
    assert.are.equal(cjson.null, v.a[6])
    assert.is_nil(next(v.a[7]))
    assert.are.equal("d", v.b.c)
  end)

  it("reads a value that stands alone", function()
    assert.are.equal(null, json.decode "null")
    assert.is_true(json.decode " true ")
    local value, err = json.decode "false"
    assert.is_false(value)
    assert.is_nil(err)
    assert.are.equal(7, json.decode "7")
    assert.are.equal("", json.decode '""')
  end)

  it("marks arrays at every depth, objects never", function()
    local v = json.decode '[[],[[]],{"a":[],"b":{}}]'
    for _, list in ipairs { v, v[1], v[2], v[2][1], v[3].a } do
      assert.is_true(json.is_array(list))
      assert.are.equal("luaprov.array", getmetatable(list).__name)
    end
    assert.is_nil(getmetatable(v[3]))
    assert.is_nil(getmetatable(v[3].b))
  end)

  it("refuses what is not JSON and says where", function()
    for text, offset in pairs {
      [""] = 0, [" "] = 1, ["[1,]"] = 3, ['{"a":1,}'] = 7, ["[1 2]"] = 3, ["01"] = 1, ["+1"] = 0, [".5"] = 0,
      ["1."] = 2, ["NaN"] = 0, ["-Infinity"] = 1, ["0x10"] = 1, ["[1]//x"] = 3, ["nul"] = 3, ["{a:1}"] = 1,
      ["'a'"] = 0, ["[]]"] = 2, ["\239\187\191{}"] = 0, ['"\n"'] = 1, ['"\0"'] = 1, ['"a\9"'] = 2,
      ['"\\x41"'] = 1, ['"\\u12"'] = 1, ['"\\ud800"'] = 1, ['"\\udc00\\ud800"'] = 1, ['"\233"'] = 1,
      ['"\192\175"'] = 1, ['"\237\160\128"'] = 1, ['"\244\144\128\128"'] = 1, ["1\0"] = 1, ["[1"] = 2,
      ['{"a"'] = 4, ['"abc'] = 4, ["<html>"] = 0, ["{}x"] = 2,
    } do refused(text, offset) end
  end)

  it("limits the depth to 512", function()
    assert.is_table(json.decode(("["):rep(512) .. ("]"):rep(512)))
    refused(("["):rep(513) .. ("]"):rep(513), 512)
    refused(("["):rep(100000), 512)
    local text = ('{"a":'):rep(512) .. "1" .. ("}"):rep(512)
    same(text)
    refused(('{"a":'):rep(513) .. "1" .. ("}"):rep(513), 512 * 5)
  end)

  it("keeps the last of a key that comes twice", function()
    assert.are.same({ a = 3, b = 2 }, json.decode '{"a":1,"b":2,"a":3}')
    assert.are.same({ a = null }, json.decode '{"a":1,"a":null}')
    assert.are.same({ ab = 2 }, json.decode '{"ab":1,"\\u0061b":2}')
  end)

  it("undoes escapes", function()
    assert.are.equal('"\\/\b\f\n\r\t', json.decode [["\"\\\/\b\f\n\r\t"]])
    assert.are.equal("\0a\0", json.decode [["\u0000a\u0000"]])
    assert.are.equal("\195\169\226\130\172\240\159\152\128", json.decode [["\u00e9\u20AC\uD83D\ude00"]])
    assert.are.same({ ["a\n"] = { "\\u0041" } }, json.decode [[{"a\n":["\\u0041"]}]])
    assert.are.equal(("x"):rep(100000) .. "\n", json.decode('"' .. ("x"):rep(100000) .. '\\n"'))
  end)

  it("does not use the host program's lua-cjson settings", function()
    cjson.decode_max_depth(1)
    cjson.encode_max_depth(1)
    cjson.encode_number_precision(3)
    local v = json.decode '{"a":[["\\n"]]}'
    local text = json.encode { { { 1.23456789 } }, "\n" }
    cjson.decode_max_depth(1000)
    cjson.encode_max_depth(1000)
    cjson.encode_number_precision(14)
    assert.are.equal("\n", v.a[1][1])
    assert.are.equal([=[[[[1.23456789]],"\n"]]=], text)
  end)

  it("raises for what is not a string, at the caller's line", function()
    for _, value in ipairs { 5, true, {}, print } do
      local ok, err = pcall(function() local _ = json.decode(value) end)
      assert.is_false(ok)
      assert.is_truthy(err:find("json_spec.lua:%d+:.*string expected"), err)
    end
    assert.has_error(function() json.decode() end)
  end)
end)

describe("numbers", function()
  it("are exact, and their digits where Lua cannot hold them", function()
    for _, text in ipairs {
      "0", "1", "-1", "123456789012345", "9007199254740992", "-9007199254740992", "1.5", "0.1", "-0.0", "1e+300",
      "4.94065645841247e-324", "1.7976931348623157e+308", "2.2250738585072014e-308", "0.30000000000000004",
      "123456.789", "-1.5e-07", "3.141592653589793",
    } do same(text) end
    for _, digits in ipairs {
      "9223372036854775808", "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890",
      "10000000000000000000", "99999999999999999999",
    } do assert.are.equal(digits, json.decode(digits)) end
    for _, digits in ipairs {
      "9007199254740993", "12345678901234567", "-12345678901234567", "9223372036854775807", "-9223372036854775808",
      "17841400000000001", "102030405060708091",
    } do
      local value = json.decode(digits)
      if integers then
        assert.are.equal("integer", math.type(value))
        assert.are.equal(digits, ("%d"):format(value))
        same(digits)
      else
        assert.are.equal(digits, value)
        assert.are.equal('"' .. digits .. '"', json.encode(value))
      end
    end
  end)

  it("stay integers or floats", function()
    if not integers then
      assert.are.equal("1", json.encode(1.0))
      assert.are.equal("9007199254740992", json.encode(2 ^ 53))
      assert.are.equal("-9007199254740992", json.encode(-2 ^ 53))
      assert.are.equal(2 ^ 60, json.decode(json.encode(2 ^ 60)))
      assert.are.equal(2 ^ 53 + 2, json.decode(json.encode(2 ^ 53 + 2)))
      return
    end
    assert.are.equal("float", math.type(json.decode "1.0"))
    assert.are.equal("float", math.type(json.decode "1e3"))
    assert.are.equal("integer", math.type(json.decode "1"))
    for text, value in pairs {
      ["1.0"] = 1.0, ["-1.0"] = -1.0, ["1"] = math.tointeger(1), ["1e+15"] = 1e15, ["9007199254740992.0"] = 2.0 ^ 53,
      ["123456789012345.0"] = 123456789012345.0, ["1e+300"] = 1e300, ["-9223372036854775808"] = math.mininteger,
      ["9223372036854775807"] = math.maxinteger, ["0.0"] = 0.0,
    } do
      assert.are.equal(text, json.encode(value))
      assert.are.equal(math.type(value), math.type(json.decode(text)))
    end
  end)

  it("keep the sign of zero", function()
    assert.are.equal(-math.huge, 1 / json.decode "-0")
    assert.are.equal(-math.huge, 1 / json.decode "-0.0")
    assert.are.equal(math.huge, 1 / json.decode "0")
    assert.are.equal("-0.0", json.encode(-0.0))
    assert.are.equal("-0.0", json.encode(json.decode "-0"))
    assert.are.equal("0", json.encode(0))
  end)

  it("are refused when too large, and become zero when too small", function()
    refused("1e400", 0)
    refused("[1, -1e400]", 4)
    refused('{"a":[1.0,1' .. ("0"):rep(400) .. ".0]}", 10)
    assert.are.equal(0, json.decode "1e-400")
    assert.are.equal(("9"):rep(400), json.decode(("9"):rep(400)))
    assert.are.equal(0, json.decode "0e999999999999")
  end)

  it("are never NaN or infinite", function()
    not_encoded(0 / 0, "NaN has no JSON form")
    not_encoded({ a = { 1, 1 / 0 } }, "a[2]: infinity has no JSON form")
    not_encoded({ -1 / 0 }, "[1]: infinity has no JSON form")
  end)

  it("do not depend on the locale", function()
    -- A locale of our own with a decimal comma; only a new process looks for it there.
    local dir = os.tmpname()
    os.remove(dir)
    local function run(command)
      local pipe = io.popen(command:gsub("DIR", dir) .. " 2>&1")
      local output = pipe:read "*a"
      pipe:close()
      return output
    end
    run "mkdir DIR"
    local source = assert(io.open(dir .. "/source", "w"))
    source:write 'LC_NUMERIC\ndecimal_point ","\nthousands_sep ""\ngrouping -1\nEND LC_NUMERIC\n'
    source:close()
    run "localedef -c --no-archive -i DIR/source -f ANSI_X3.4-1968 DIR/comma"
    local script = assert(io.open(dir .. "/script.lua", "w"))
    script:write [[
      local json = require "luaprov.json"
      print(os.setlocale("comma", "numeric"), json.encode { 1234.5, 1e300, 0.1 }, json.decode "[1234.5]"[1] * 2 == 2469)
    ]]
    script:close()
    local output = run("LOCPATH=DIR " .. (integers and "lua5.4" or "luajit") .. " DIR/script.lua")
    run "rm -r DIR"
    if output:find "^nil" then return pending "no localedef to make a locale with a decimal comma" end
    assert.are.equal("comma\t[1234.5,1e+300,0.1]\ttrue\n", output)
  end)
end)

describe("json.encode", function()
  it("sorts keys by their bytes", function()
    local many = {}
    for i = 1, 300 do many[("k%03d"):format(i)] = i end
    local parts = {}
    for i = 1, 300 do parts[i] = ('"k%03d":%d'):format(i, i) end
    assert.are.equal("{" .. table.concat(parts, ",") .. "}", json.encode(many))
    assert.are.equal('{"":1,"A":2,"Z":3,"a":4,"aa":5,"ab":6,"b":7,"\195\169":8}',
      json.encode { ["\195\169"] = 8, b = 7, ab = 6, aa = 5, a = 4, Z = 3, A = 2, [""] = 1 })
    assert.are.equal('{"\\u0000":1,"a":2,"a\\u0000":3,"a\\u0000b":4}',
      json.encode { ["a\0b"] = 4, ["a\0"] = 3, a = 2, ["\0"] = 1 })
  end)

  it("gives equal bytes for equal tables, however they were filled", function()
    for size = 0, 150, 3 do
      local up, down = {}, {}
      for i = 1, size do up["key" .. i] = { i } end
      for i = size, 1, -1 do down["key" .. i] = { i } end
      down.gone = 1
      down.gone = nil
      assert.are.equal(json.encode(up), json.encode(down))
    end
  end)

  it("tells lists from objects", function()
    assert.are.equal("{}", json.encode {})
    assert.are.equal("[]", json.encode(json.array {}))
    assert.are.equal("[]", json.encode(json.array()))
    assert.are.equal("[1,2,3]", json.encode { 1, 2, 3 })
    assert.are.equal("[[],{},[{}]]", json.encode { json.array {}, {}, { {} } })
    assert.are.equal('{"1":1}', json.encode { ["1"] = 1 })
    same '{"a":[],"b":{},"c":[[]]}'
  end)

  it("escapes what has to be escaped and nothing else", function()
    local all = {}
    for c = 0, 127 do all[#all + 1] = string.char(c) end
    local text = json.encode(table.concat(all))
    assert.are.equal(table.concat(all), json.decode(text))
    assert.are.equal(table.concat(all), cjson.decode(text))
    assert.are.equal([["a/b\\/\\\\/\"/\n\r\t\b\f\u0000\u001f"]], json.encode 'a/b\\/\\\\/"/\n\r\t\b\f\0\31')
    assert.are.equal([[{"a/\n":"/"}]], json.encode { ["a/\n"] = "/" })
    assert.are.equal('"caf\195\169\\n\226\130\172\127"', json.encode "caf\195\169\n\226\130\172\127")
  end)

  it("carries long strings", function()
    local plain = ("0123456789abcdef"):rep(65536)
    assert.are.equal('"' .. plain .. '"', json.encode(plain))
    assert.are.equal(plain, json.decode(json.encode { plain })[1])
    local odd = ('\0"\195\169/\\'):rep(200000)
    assert.are.equal(odd, json.decode(json.encode { odd, odd })[2])
  end)

  it("refuses what has no JSON form and names its path", function()
    not_encoded(print, "a function has no JSON form")
    not_encoded(nil, "a nil has no JSON form")
    not_encoded({ settings = { tags = { "a", print } } }, "settings.tags[2]: a function has no JSON form")
    not_encoded({ a = { ["b c"] = { coroutine.create(print) } } }, 'a["b c"][1]: a thread has no JSON form')
    not_encoded({ f = io.stdout }, "f: a userdata has no JSON form")
    not_encoded({ a = { 1, x = 2 } }, "a: mixed table: both strings and indexes")
    not_encoded({ a = { 1, nil, 3 } }, "a: sparse array: 2 values, highest index 3")
    not_encoded({ [2] = 1 }, "sparse array: 1 values, highest index 2")
    not_encoded({ a = { [0] = 1 } }, "a: the key 0 is neither a string nor an index")
    not_encoded({ [1.5] = 1 }, "the key 1.5 is neither a string nor an index")
    not_encoded({ [-1] = 1 }, "the key -1 is neither a string nor an index")
    not_encoded({ a = { [true] = 1 } }, "a: a key is a boolean, not a string")
    not_encoded({ json.array { 1, x = 2 } }, "[1]: an array has keys that are strings")
    not_encoded({ json.array { nil, 2 } }, "[1]: sparse array: 1 values, highest index 2")
    assert.has_error(function() json.encode() end)
  end)

  it("refuses what is not UTF-8", function()
    not_encoded("ab\233", "string is not UTF-8 at byte 2")
    not_encoded({ a = { "\237\160\128" } }, "a[1]: string is not UTF-8 at byte 0")
    not_encoded({ x = { ["a\255"] = 1 } }, 'x["a?"]: key is not UTF-8 at byte 1')
    not_encoded("\"\n\192\175", "string is not UTF-8 at byte 2")
  end)

  it("refuses cycles, not shared tables", function()
    local loop = { a = { b = {} } }
    loop.a.b.c = loop
    not_encoded(loop, "a.b.c: cycle: the table holds itself")
    local list = {}
    list[1] = list
    not_encoded(list, "[1]: cycle: the table holds itself")
    local shared = { 1 }
    assert.are.equal('{"a":[1],"b":[[1],[1]]}', json.encode { a = shared, b = { shared, shared } })
  end)

  it("limits the depth to 512", function()
    local function nest(depth, wrap)
      local v = 1
      for _ = 1, depth do v = wrap(v) end
      return v
    end
    for _, wrap in ipairs {
      function(v) return { v } end,
      function(v) return { a = v } end,
      function(v)
        local wide = { a = v }
        for i = 1, 30 do wide["k" .. i] = i end
        return wide
      end,
      function(v)
        local wide = { a = v }
        for i = 1, 90 do wide["k" .. i] = i end
        return wide
      end,
    } do
      local deep = nest(512, wrap)
      assert.are.equal(json.encode(deep), json.encode(json.decode(json.encode(deep))))
      local text, err = json.encode(nest(513, wrap))
      assert.is_nil(text)
      assert.is_truthy(err:find("…: tables nested deeper than 512", 1, true), err)
    end
  end)

  it("never shows a secret", function()
    local secret = setmetatable({ value = "s3cret" }, { __name = "luaprov.secret" })
    assert.are.equal('"<secret>"', json.encode(secret))
    assert.are.equal('{"a":["<secret>"],"b":"<secret>"}', json.encode { a = { secret }, b = secret })
  end)

  it("runs no metamethod", function()
    local function never() error "called" end
    local mt = {
      __index = never, __newindex = never, __len = never, __pairs = never, __ipairs = never, __eq = never,
      __tostring = never, __call = never, __concat = never, __lt = never, __le = never,
    }
    setmetatable(mt, { __index = never })
    assert.are.equal('{"a":1,"b":[1,2]}', json.encode(setmetatable({ a = 1, b = setmetatable({ 1, 2 }, mt) }, mt)))
  end)

  it("leaves the table as it was", function()
    local t = { a = { 1, 2 }, b = "x" }
    json.encode(t)
    assert.are.same({ a = { 1, 2 }, b = "x" }, t)
    assert.is_nil(getmetatable(t.a))
  end)

  it("survives finalizers that change the table meanwhile", function()
    local victim, stop = {}, false
    local function arm()
      local function finalize()
        if stop then return end
        for k in pairs(victim) do victim[k] = nil end
        json.encode { 'nested "call"', { a = 1 } }
        arm()
      end
      if newproxy then
        getmetatable(newproxy(true)).__gc = finalize
      else
        setmetatable({}, { __gc = finalize })
      end
    end
    arm()
    for round = 1, 300 do
      for i = 1, round do victim[("key %d of %d "):format(i, round):rep(4)] = { ("v"):rep(50) .. round .. i } end
      pcall(json.encode, victim)
    end
    stop = true
    collectgarbage()
  end)
end)

describe("json.array", function()
  it("marks a table and returns it", function()
    local t = { 1 }
    assert.are.equal(t, json.array(t))
    assert.are.equal(t, json.array(t))
    assert.is_true(json.is_array(t))
    assert.is_false(json.is_array {})
    assert.is_false(json.is_array "x")
  end)

  it("raises for what it cannot mark", function()
    assert.has_error(function() json.array "x" end, "json.array: expected a table, got string")
    assert.has_error(function() json.array(setmetatable({}, {})) end, "json.array: the table already has a metatable")
  end)
end)

describe("a round trip", function()
  -- Park and Miller's generator: exact in integers and in doubles alike, so that every Lua makes the same values.
  local state
  local function random(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end

  local pieces = {
    "a", "Z", " ", "0", '"', "\\", "/", "\n", "\0", "\31", "\127", "\195\169", "\226\130\172", "\240\159\152\128",
    "</", "\\u0041", "12345678", "abcdefghijklmnop", "\239\191\191", "\r\t\b\f",
  }
  local function random_string()
    local parts = {}
    for i = 1, random(9) - 1 do parts[i] = pieces[random(#pieces)] end
    return table.concat(parts)
  end

  local function random_number()
    local kind = random(6)
    local sign = random(2) == 1 and 1 or -1
    if kind == 1 then return sign * random(100) end
    if kind == 2 then return sign * (random(2147483646) * 2097152 + random(2097152)) end -- up to 2^52
    if kind == 3 then return sign * random(2147483646) / random(2147483646) end
    if kind == 4 then return sign * random(2147483646) * 10.0 ^ (random(600) - 310) end
    if kind == 5 then return sign * random(1000) / 100 end
    if not integers then return sign * 2.0 ^ (random(2000) - 1000) end
    return sign * random(2147483646) * 4294967296 + random(2147483646)
  end

  local function random_value(depth)
    local kind = random(depth > 4 and 5 or 9)
    if kind == 1 then return null end
    if kind == 2 then return random(2) == 1 end
    if kind == 3 or kind == 4 then return random_number() end
    if kind == 5 then return random_string() end
    local t = {}
    if kind <= 7 then
      for i = 1, random(6) - 1 do t[i] = random_value(depth + 1) end
      return json.array(t)
    end
    for _ = 1, random(6) - 1 do t[random_string()] = random_value(depth + 1) end
    return t
  end

  local function equal(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
      return a == b and type(a) == type(b) and (not integers or math.type(a) == math.type(b))
    end
    if getmetatable(a) ~= getmetatable(b) then return false end
    for k, v in pairs(a) do
      if not equal(v, b[k]) then return false end
    end
    for k in pairs(b) do
      if a[k] == nil then return false end
    end
    return true
  end

  it("loses nothing: 10,000 random values", function()
    for seed = 1, 10000 do
      state = seed
      for _ = 1, 3 do random(2) end
      local value = random_value(0)
      local text, err = json.encode(value)
      assert(text, err)
      local back, why = json.decode(text)
      assert(back ~= nil, why)
      if not equal(value, back) or json.encode(back) ~= text then
        error(("seed %d: %s"):format(seed, text))
      end
    end
  end)

  it("agrees with lua-cjson where lua-cjson is exact", function()
    local function cleaned(v) -- lua-cjson has no array mark and no integers
      if type(v) == "number" then return v + 0.0 end
      if type(v) ~= "table" then return v end
      local t = {}
      for k, x in pairs(v) do t[k] = cleaned(x) end
      return t
    end
    for seed = 1, 1000 do
      state = seed
      local text = json.encode { v = random_value(0) }
      assert.are.same(cleaned(cjson.decode(text)), cleaned(json.decode(text)))
    end
  end)

  it("never raises: texts with a byte changed", function()
    for seed = 1, 5000 do
      state = seed
      local text = json.encode { random_value(0), random_string() }
      local at = random(#text)
      local broken = text:sub(1, at - 1) .. string.char(random(256) - 1) .. text:sub(at + 1)
      local value, err, offset = json.decode(broken)
      if value == nil then
        assert(type(err) == "string" and offset >= 0 and offset <= #broken)
      else
        assert(json.encode(value))
      end
    end
  end)
end)
