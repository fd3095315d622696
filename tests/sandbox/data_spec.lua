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
  local given = box:options "ocamba"
  given.attempts = 1
  return box, assert(luaprov.client("ocamba", given))
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

  it("has a line written by one call, however long: between two a kill would cut it off", function()
    local own, calls = assert(journal.open(path, function() end)), {}
    local file = own.file
    own.file = { flush = function() return true end, write = function(_, ...)
      calls[#calls + 1] = select("#", ...) .. " " .. (...):sub(-2)
      return true
    end }
    assert(own:write { text = ("x"):rep(300000) })
    own.file = file
    own:close()
    assert.same({ "1 }\n" }, calls)
  end)

  it("may be cut off between any two of its pages, and is read up to the last event that is whole", function()
    local sizes, ends = { 10, 3900, 5000, 4000, 4060, 12000, 20, 4070, 100, 3000, 8190, 8200, 16000 }, { 0 }
    local own = assert(journal.open(path, function() end))
    for i, size in ipairs(sizes) do
      assert(own:write { i = i, text = ("+=- \n\"é"):rep(size / 10) .. ("x"):rep(i) })
      ends[#ends + 1] = own.size
    end
    own:close()
    local whole = read(path)
    assert.equal(ends[#ends], #whole)
    for first, last in whole:gmatch(" *()[^\n]*()\n") do
      assert.equal(math.floor((first - 1) / 4096), math.floor((last - 1) / 4096))
    end
    local cuts = 0
    for cut = 4096, #whole, 4096 do
      cuts = cuts + 1
      local file = support.file("records", whole:sub(1, cut))
      local wanted = 0
      for i = 1, #sizes do
        if ends[i + 1] <= cut then wanted = i end
      end
      -- It goes on where it was, twice: the second time nothing is left over.
      for round = 1, 2 do
        local seen = {}
        own = assert(journal.open(file, function(event) seen[#seen + 1] = event.i end))
        assert.equal(wanted + round - 1, #seen, cut)
        assert(own:write { i = 99, text = ("y"):rep(round * 4000) })
        own:close()
      end
      local last
      assert(journal.open(file, function(event) last = event end)):close()
      assert.same({ 99, 8000 }, { last.i, #last.text })
    end
    assert.is_true(cuts > 15)
    -- Anywhere else it was no kill: told, and left as it is. Between two lines it cannot be told.
    for cut = #HEAD + 1, #whole - 1, 97 do
      if cut % 4096 ~= 0 and whole:sub(cut, cut) ~= "\n" and not whole:sub(1, cut):find("\n +$") then
        local file = support.file("records", whole:sub(1, cut))
        local none, why = journal.open(file, function() end)
        assert.is_nil(none)
        assert.truthy(why:find("the last line is cut off", 1, true), why)
        assert.equal(cut, #read(file))
      end
    end
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

  -- A file of one record that is alive, of several that are not, and of more lines than it needs.
  local function mostly_dead()
    local lines = { HEAD }
    local function add(event)
      event.provider, event.resource = "ocamba", event.resource or "integrations"
      lines[#lines + 1] = json.encode(event) .. "\n"
    end
    for i = 1001, 1003 do add { id = tostring(i), parents = {}, put = { id = tostring(i), name = "n" .. i } } end
    for i = 1, 1500 do
      add { id = "1002", parents = {}, put = { id = "1002", name = "é" .. i, list = json.array {} } }
    end
    for _, id in ipairs { "1001", "1003" } do add { id = id, remove = true } end
    return table.concat(lines)
  end

  it("that is mostly of the past is written anew, and says the same", function()
    local file = support.file("records", mostly_dead())
    local box = ocamba(file)
    local records = json.encode(box:records("ocamba", "integrations"))
    assert.truthy(records:find('"name":"é1500"', 1, true))
    -- Nobody else can have it, then as before.
    support.is_error({ has = "another sandbox uses it" }, select(2, boxes.start { "ocamba", data = file }))
    local said = support.child([[
      local box, err = require "luaprov".sandbox.start { "ocamba", data = os.getenv "RECORDS" }
      print(box or err.message) ]], { RECORDS = file })
    assert.truthy(said:find("another sandbox uses it", 1, true), said)
    box:stop()
    assert.equal(4, select(2, read(file):gsub("\n", "")))
    assert.equal(HEAD, read(file):sub(1, #HEAD))
    assert.equal("600 1", output("stat -c '%a %h' " .. file) )
    assert.equal("records", output("ls -A $(dirname " .. file .. ")"))
    local client
    box, client = ocamba(file)
    assert.equal(records, json.encode(box:records("ocamba", "integrations")))
    -- Ids stay used up, what was there from the start stays gone, and what comes is kept.
    assert.equal(0, #box:records("ocamba", "providers"))
    assert.equal("1004", assert(client.integrations:create(boxes.mitto "new")).id)
    box:stop()
    assert.same({ "1002 é1500", "1004 new" }, names((ocamba(file))))
  end)

  it("stays as it is where it cannot be written anew", function()
    local text = mostly_dead()
    local file, folder = support.file("records", text)
    assert(os.execute("ln " .. file .. " " .. folder .. "/hard"))
    assert(os.execute("ln -s " .. file .. " " .. folder .. "/soft"))
    for _, name in ipairs { "hard", "soft" } do
      local box = ocamba(folder .. "/" .. name)
      assert.equal(1, #names(box))
      box:stop()
      assert.equal(text, read(file))
    end
    os.remove(folder .. "/hard")
    os.remove(folder .. "/soft")
    local rename = os.rename
    os.rename = function() return nil, "no" end -- luacheck: ignore 122
    local box, client = ocamba(file)
    os.rename = rename -- luacheck: ignore 122
    assert(client.integrations:create(boxes.mitto "new"))
    box:stop()
    assert.equal(text, read(file):sub(1, #text))
    assert.equal("records", output("ls -A " .. folder))
    -- A disk that is full: the lines that are needed are more than fit.
    local limited = support.file("records", text .. text:sub(#HEAD + 1))
    local said = output(("trap '' XFSZ; ulimit -f 0; RECORDS='%s' LUA_PATH='%s' LUA_CPATH='%s' %s -e %s 2>&1"):format(
      limited, package.path, package.cpath, support.interpreter, [["
        local box, err = require 'luaprov'.sandbox.start { 'ocamba', data = os.getenv 'RECORDS' }
        print(box and #box:records('ocamba', 'integrations') or err.message)"]]))
    assert.equal("1", said)
    assert.equal(text .. text:sub(#HEAD + 1), read(limited))
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
    [HEAD .. good .. good:gsub("ocamba", "hubster")] = ":3: cannot be read: it has records of 'hubster'",
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
