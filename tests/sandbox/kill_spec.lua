-- Killing a sandbox in the middle of its work loses nothing that it answered.
local boxes = require "tests.sandbox.boxes"
local luaprov = require "luaprov"
local support = require "tests.support"

-- It ends by itself, too, should nobody be left to end it.
local CHILD = [[
local sandbox = require "luaprov.sandbox"
local box = assert(sandbox.start { "ocamba", data = os.getenv "RECORDS", limits = false })
local stat = assert(io.open "/proc/self/stat")
print(stat:read("*l"):match "^%d+")
print(box.base_url.ocamba)
io.stdout:flush()
local last = os.time() + 60
sandbox.serve(function() return os.time() > last end)
]]

describe("A sandbox that is killed", function()
  local script, records, child, pid

  before_each(function()
    local folder
    script, folder = support.file("child.lua", CHILD)
    records = folder .. "/records"
  end)

  local function kill()
    if pid then os.execute("kill -9 " .. pid .. " 2>/dev/null") end
    if child then child:close() end
    child, pid = nil, nil
  end

  after_each(function()
    kill()
    boxes.stop()
  end)

  local function start()
    child = assert(io.popen(("RECORDS='%s' LUA_PATH='%s' LUA_CPATH='%s' exec %s %s"):format(records, package.path,
      package.cpath, support.interpreter, script), "r"))
    pid = child:read("*l")
    assert(pid and pid:find("^%d+$"), tostring(pid))
    return assert(luaprov.client("ocamba", { base_url = child:read("*l"), token = "sandbox-token", attempts = 1,
      limits = false }))
  end

  it("has every record that it answered for, none that it answered was removed, and no id twice", function()
    local there, gone, used, asked = {}, {}, {}, 0
    for round = 1, 4 do
      local client, answered = start(), 0
      local list = {}
      for i = 1, 400 do list[i] = i end
      luaprov.map(list, function(i)
        if not pid then return end
        asked = asked + 1
        -- Longer than what a file's buffer usually is.
        local fields = boxes.mitto(("%d %d"):format(round, i))
        fields.settings.sender_name = ("x"):rep(i % 3 * 5000)
        local record = client.integrations:create(fields)
        if not record then return end
        assert.is_nil(used[record.id])
        used[record.id], there[record.id] = true, record.name
        if i % 4 == 0 then
          local done, err = client.integrations:delete(record.id)
          -- Without an answer it may be there or not.
          there[record.id] = nil
          if done then gone[record.id] = true else assert.not_equal("refused", err.outcome) end
        end
        answered = answered + 1
        if answered == 100 + 20 * round and pid then
          os.execute("kill -9 " .. pid)
          pid = nil
        end
      end, { concurrency = 24 })
      assert.is_nil(pid)
      kill()
      local box = assert(boxes.start { "ocamba", data = records })
      local kept = {}
      for _, record in ipairs(box:records("ocamba", "integrations")) do
        kept[record.id] = record.name
        used[record.id] = true
        assert.is_nil(gone[record.id])
      end
      for id, name in pairs(there) do assert.equal(name, kept[id]) end
      box:stop()
    end
    assert.is_true(asked > 400)
  end)
end)
