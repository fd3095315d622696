-- What README.md shows is Lua, its provider file loads, and the commands it names exist.
local load_provider = require("luaprov.provider.load").compile

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

describe("README.md", function()
  local text = read "README.md"

  it("shows Lua that can be run", function()
    local blocks = 0
    for block in text:gmatch("\n```lua\n(.-)\n```") do
      blocks = blocks + 1
      local chunk, why = load(block, "@README.md")
      assert.is_function(chunk, why)
    end
    assert.is_true(blocks >= 4)
  end)

  it("shows a provider file that loads, with what the text says of it", function()
    local source = assert(text:match("\n```lua\n(%-%- acme%.lua\n.-)\n```"))
    local provider, err = load_provider(source, "acme.lua", "acme")
    assert.is_table(provider, tostring(err))
    assert.equal("phones", provider.resources[1].name)
    for _, operation in ipairs { "create", "get", "update", "delete", "list" } do
      assert.is_table(provider.resource.phones.operations[operation])
    end
    assert.is_truthy(require("luaprov.provider.template").names(
      provider.resource.phones.operations.get.path).id)
  end)

  it("names commands and files that exist", function()
    local makefile = read "Makefile"
    for target in text:gmatch("\nmake (%a+)") do
      assert.is_truthy(makefile:find("\n" .. target .. ":"), "make " .. target)
    end
    for name in text:gmatch("[%a_]+/[%w_/]+%.lua") do
      if not name:find("NAME", 1, true) then assert.is_string(read(name)) end
    end
  end)

  it("lists every provider with its resources, operations and credentials", function()
    local loader = require "luaprov.provider.load"
    for _, name in ipairs { "onebox", "ocamba", "hubster", "myreports" } do
      local provider = assert(loader.load(name))
      local row = assert(text:match("\n| `" .. name .. "` | `token`[^\n]*"), name)
      for _, resource in ipairs(provider.resources) do
        assert.is_truthy(row:find("`" .. resource.name .. "`", 1, true), resource.name)
        for operation in pairs(resource.operations) do
          assert.is_truthy(row:find(operation, 1, true), name .. " " .. operation)
        end
      end
      for _, method in ipairs(provider.auth) do
        for _, field in ipairs(method.fields) do
          assert.is_truthy(row:find("`" .. field.name .. "`", 1, true), field.name)
        end
      end
    end
  end)
end)
