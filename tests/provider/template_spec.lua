local template = require "luaprov.provider.template"
local uri = require "luaprov.uri"

local function expand(text, values)
  return template.expand(assert(template.parse(text)), function(name) return values[name] end)
end

describe("a template", function()
  it("puts values in their places", function()
    assert.equal("/a/1/b/2/1", expand("/a/{x}/b/{y}/{x}", { x = "1", y = "2" }))
    assert.equal("", expand("", {}))
    assert.equal("/plain", expand("/plain", {}))
    assert.equal("12", expand("{x}{y_2}", { x = "1", y_2 = "2" }))
  end)

  it("takes values literally", function()
    assert.equal("%1 {y}", expand("{x}", { x = "%1 {y}" }))
  end)

  it("names the value that is missing", function()
    local text, missing = expand("/a/{x}/{y}", { x = "1" })
    assert.is_nil(text)
    assert.equal("y", missing)
  end)

  it("leaves out what is optional and has no value", function()
    assert.equal("/b", expand("[/a/{x}]/b", {}))
    assert.equal("/a/1/b", expand("[/a/{x}]/b", { x = "1" }))
    assert.equal("", expand("[{x}{y}]", { x = "1" }))
    assert.equal("/b", expand("[/a/{x}][/c]/b", {}):gsub("/c", ""), nil)
  end)

  it("knows its names, those of optional parts too", function()
    assert.same({ "a", "b", "c" }, template.parse("{a}[/{b}]/{c}").names)
  end)

  it("must be whole", function()
    for _, text in ipairs { "{", "}", "/{x", "/x}", "{a b}", "{1}", "{}", "[", "]", "[{x}", "{x}]", "[a[b]]",
                            "{x-y}" } do
      local parts, fault = template.parse(text)
      assert.is_nil(parts, text)
      assert.equal("a brace or bracket without its other half", fault)
    end
  end)
end)

describe("escaping", function()
  it("leaves the unreserved characters of RFC 3986 alone and no other", function()
    local plain = "ABCXYZabcxyz0189-._~"
    assert.equal(plain, uri.escape(plain))
    assert.equal("%20%25%2F%3F%23%26%3D%2B%3A%40%5B%5D%22%27", uri.escape([[ %/?#&=+:@[]"']]))
    assert.equal("%C3%A4%E2%82%AC%F0%9F%98%80", uri.escape("ä€😀"))
    assert.equal("%00%0A%7F%FF", uri.escape("\0\n\127\255"))
  end)

  it("can be undone", function()
    for _, text in ipairs { "a b/c%2F", "ä€😀", "\0\255", "%zz", "100%" } do
      assert.equal(text, uri.unescape(uri.escape(text)))
    end
    assert.equal("/a%zz%4", uri.unescape("%2fa%zz%4"))
  end)
end)

describe("a part of a path", function()
  it("is text or a whole number", function()
    for text, value in pairs { x = "x", ["a/b c"] = "a/b c", ["5"] = 5, ["-1"] = -1, ["..."] = "...", [" "] = " " } do
      assert.equal(text, template.path_part(value))
    end
    assert.equal("9007199254740991", template.path_part(9007199254740991))
  end)

  if math.type then
    it("keeps every digit of an integer", function()
      assert.equal("123456789012345678", template.path_part(123456789012345678))
      assert.equal("-9223372036854775808", template.path_part(math.mininteger))
    end)
  end

  it("is nothing else", function()
    for fault, values in pairs {
      ["is empty"] = { "" }, ["must not be '.'"] = { "." }, ["must not be '..'"] = { ".." },
      ["has a control character"] = { "a\nb", "\0", "\127", "a\r" }, ["must be text, not table"] = { {} },
      ["must be text, not boolean"] = { true, false }, ["must be text, not function"] = { print },
      ["must be text, not number"] = { 1.5, 0 / 0, math.huge },
    } do
      for _, value in ipairs(values) do
        local text, why = template.path_part(value)
        assert.is_nil(text)
        assert.equal(fault, why)
      end
    end
    local text, why = template.path_part(nil)
    assert.is_nil(text)
    assert.equal("is required", why)
  end)
end)
