-- The file that keeps a sandbox's records: what was answered is in it, whatever becomes of the sandbox, and a file that
-- is not one of these stays as it is.
local boxes = require "tests.sandbox.boxes"
local journal = require "luaprov.sandbox.journal"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local support = require "tests.support"

local HEAD = '{"format":"luaprov sandbox records"}\n'

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function output(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function ocamba(path, more)
  local options = { "ocamba", data = path, limits = false }
  for name, value in pairs(more or {}) do options[name] = value end
  local box = assert(boxes.start(options))
  return box, assert(luaprov.client("ocamba", box:options "ocamba"))
end

local function names(box)
  local list = {}
  for i, record in ipairs(box:records("ocamba", "integrations")) do list[i] = record.id .. " " .. record.name end
  return list
end

describe("A file of the sandbox's records", function()
  local path
  before_each(function() path = support.folder() .. "/a file's records" end)
  after_each(boxes.stop)

  it("has what was created, changed and removed, exactly, for the next sandbox", function()
    local box, client = ocamba(path)
    local first = assert(client.integrations:create(boxes.mitto "a\"\\\n漢"))
    local second = assert(client.integrations:create(boxes.mitto "b"))
    assert(client.integrations:update(first.id, { name = "c" }))
    assert(client.integrations:delete(second.id))
    local before = box:records("ocamba", "integrations")
    box:stop()
    box, client = ocamba(path)
    assert.same(before, box:records("ocamba", "integrations"))
    assert.equal(6, #assert(client.providers:list()))
    -- An id is never used again, a removed record's neither.
    assert.equal("1003", assert(client.integrations:create(boxes.mitto "d")).id)
    box:stop()
    assert.same({ "1001 c", "1003 d" }, names((ocamba(path))))
  end)

  it("is read by its owner only", function()
    ocamba(path)
    assert.equal("600", output("stat -c %a '" .. path:gsub("'", "'\\''") .. "'"))
  end)

  it("keeps what is no text: numbers, switches, nulls, empty lists and tables, great numbers", function()
    local text = support.provider('    path = "/things", unknown = "pass", ids = "number", list "l" {}, group "g" {},\n'
      .. "    create = post {}, get = get {}, list = get {},\n")
    local box = boxes.of(text, { data = path })
    local file = box.known.acme.file
    local sent = '{"l":[],"g":{},"n":null,"i":9007199254740991,"f":0.1,"b":false,"big":12345678901234567890,"z":[null]}'
    boxes.send(box, "POST", "/acme/things", { body = sent })
    local before = json.encode(box:records("acme", "things"))
    box:stop()
    box = assert(boxes.start { file, data = path })
    assert.equal(before, json.encode(box:records("acme", "things")))
    local acme = assert(luaprov.client(file, box:options "acme"))
    assert.equal(1002, assert(acme.things:create { x = 1 }).id)
  end)

  it("has a record and what belonged to it, or neither", function()
    local box = assert(boxes.start { "hubster", data = path })
    local hubster = assert(luaprov.client("hubster", box:options "hubster"))
    local hub = assert(hubster.hubs:create { name = "h", description = "d" })
    for i = 1, 3 do
      assert(hubster.integrations:create { hubId = hub.id, channelId = "Messenger", name = "m" .. i,
                                           configuration = { pageAccessToken = "FAKE" } })
    end
    local lines = select(2, read(path):gsub("\n", ""))
    assert(hubster.hubs:delete(hub.id))
    -- One line: there is no time between the two at which the sandbox could be killed.
    assert.equal(lines + 1, (select(2, read(path):gsub("\n", ""))))
    box:stop()
    box = assert(boxes.start { "hubster", data = path })
    assert.same({ 0, 0 }, { #box:records("hubster", "hubs"), #box:records("hubster", "integrations") })
  end)

  it("gains what is there from the start once, and of each provider", function()
    local others = { { fault = "others", on = "ocamba integrations", records = { { name = "o" } } } }
    assert(boxes.start { "hubster", data = path }):stop()
    local box, client = ocamba(path, { [2] = "hubster", faults = others })
    assert.same({ 6, 1 }, { #box:records("ocamba", "providers"), #names(box) })
    assert(client.integrations:delete "1001")
    box:stop()
    box = ocamba(path, { [2] = "hubster", faults = others })
    assert.same({ 6, 0 }, { #box:records("ocamba", "providers"), #names(box) })
  end)

  it("that is empty is as good as none", function()
    local empty = support.file("empty", "")
    local box = ocamba(empty)
    assert.equal(0, #names(box))
    assert.equal(HEAD, read(empty):sub(1, #HEAD))
  end)

  local good = '{"id":"1001","parents":{},"provider":"ocamba",'
    .. '"put":{"id":"1001","name":"a"},"resource":"integrations"}\n'
  for text, words in pairs {
    ["hello"] = "no file of a sandbox's records", ["hello\n"] = "no file of a sandbox's records",
    ["{}\n"] = "no file of a sandbox's records", ["\n"] = "no file of a sandbox's records",
    [good] = "no file of a sandbox's records", [HEAD:sub(1, -2)] = "no file of a sandbox's records",
    [("\0"):rep(100000)] = "no file of a sandbox's records", ["[]\n" .. HEAD] = "no file of a sandbox's records",
    [HEAD .. good .. good:sub(1, 30)] = ":3: the last line is cut off, so it is not whole; `head -n 2`",
    [HEAD .. good:sub(1, -2)] = ":2: the last line is cut off",
    [HEAD .. good:sub(1, 30) .. "\n" .. good] = ":2: cannot be read",
    [HEAD .. "\n" .. good] = ":2: cannot be read", [HEAD .. "7\n"] = ":2: cannot be read: no object",
    [HEAD .. good .. good:gsub("ocamba", "hubster")] = ":3: cannot be read: has records of 'hubster', which is not",
    [HEAD .. good:gsub("integrations", "integration")] = ":2: cannot be read: names no resource of ocamba",
    [HEAD .. good:gsub('"id":"1001","parents"', '"parents"')] = ":2: cannot be read: has no id",
    [HEAD .. good:gsub('"put":{"id":"1001","name":"a"},', "")] = ":2: cannot be read: says neither",
    [HEAD .. '{"id":"9","provider":"ocamba","remove":true,"resource":"integrations"}\n'] = ":2: cannot be read: remo",
  } do
    it("is refused, and left as it is: " .. text:sub(-60):gsub("%c", " ") .. " " .. words, function()
      local file = support.file("records", text)
      local box, err = boxes.start { "ocamba", data = file }
      support.is_error({ kind = "invalid", outcome = "not_sent", has = { file, words } }, err, box)
      assert.equal(text, read(file))
    end)
  end

  it("is refused where it cannot be: a folder, a device, a folder that is not there", function()
    for _, other in ipairs { support.folder(), "/dev/full", "/dev/zero", "/nonexistent/records", "/proc/self/mem/x" } do
      local box, err = boxes.start { "ocamba", data = other }
      support.is_error({ kind = "invalid", has = other }, err, box)
    end
  end)

  it("is refused while another sandbox has it, in this process or in another", function()
    local box = ocamba(path)
    local linked = path .. " linked"
    assert(os.execute("ln -s '" .. path:gsub("'", "'\\''") .. "' '" .. linked:gsub("'", "'\\''") .. "'"))
    for _, name in ipairs { path, linked } do
      local other, err = boxes.start { "ocamba", data = name }
      support.is_error({ has = "another sandbox uses it" }, err, other)
    end
    local said = support.child([[
      local box, err = require "luaprov".sandbox.start { "ocamba", data = os.getenv "RECORDS" }
      print(box or err.message) ]], { RECORDS = path })
    assert.truthy(said:find("another sandbox uses it", 1, true), said)
    box:stop()
    assert(ocamba(path))
  end)

  it("that is full gives an honest 500, and nothing is half done", function()
    local box, client = ocamba(path)
    local made = assert(client.integrations:create(boxes.mitto "a"))
    local whole = read(path)
    local file = box.journal.file
    box.journal.file = assert(io.open("/dev/full", "ab"))
    local full = { kind = "unavailable", outcome = "unknown", status = 500, has = "No space left" }
    for _ = 1, 2 do
      support.is_error(full, select(2, client.integrations:create(boxes.mitto "b")))
      support.is_error(full, select(2, client.integrations:update(made.id, { name = "c" })))
      support.is_error(full, select(2, client.integrations:delete(made.id)))
    end
    assert.same({ "1001 a" }, names(box))
    assert.equal("a", assert(client.integrations:get(made.id)).name)
    box.journal.file:close()
    box.journal.file = file
    box:stop()
    assert.equal(whole, read(path))
    assert.same({ "1001 a" }, names((ocamba(path))))
  end)

  it("that is full keeps a sandbox with records of its own from starting", function()
    local limited = support.folder() .. "/records"
    local command = ("trap '' XFSZ; ulimit -f 8; RECORDS='%s' LUA_PATH='%s' LUA_CPATH='%s' %s -e %s 2>&1"):format(
      limited, package.path, package.cpath, support.interpreter, [["
        local box, err = require 'luaprov'.sandbox.start { 'ocamba', data = os.getenv 'RECORDS', faults = {
          { fault = 'others', on = 'ocamba integrations', count = 10000, records = { { name = 'o' } } } } }
        print(box or err.message)"]])
    assert.truthy(output(command):find("File too large", 1, true))
  end)

  it("knows a line by its number, however many there are", function()
    local lines = { HEAD }
    for _ = 1, 5000 do lines[#lines + 1] = good end
    local count = 0
    local own = assert(journal.open(support.file("many", table.concat(lines)), function() count = count + 1 end))
    assert.equal(5000, count)
    own:close()
    lines[4000] = "{\n"
    local _, why = journal.open(support.file("many", table.concat(lines)), function() end)
    assert.truthy(why:find(":4000: cannot be read", 1, true), why)
  end)
end)
