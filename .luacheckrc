-- The code runs on Lua 5.4 and on LuaJIT: only what both have.
std = "min"
max_line_length = 120
exclude_files = { "build" }
-- Lua 5.4's, asked for before use.
read_globals = { math = { other_fields = true, fields = { "type", "tointeger" } } }
files["tests"] = { std = "min+busted" }
-- The words of a provider file.
files["lua/luaprov/providers"] = {
  read_globals = {
    "provider", "resource", "text", "integer", "boolean", "url", "choice", "secret", "list", "group", "by", "location", "null",
    "get", "post", "put", "patch", "delete", "bearer", "token_request", "numbered", "offsets",
  },
}
for _, file in ipairs { "acme", "counting", "single", "keyed" } do
  files["tests/nginx/" .. file .. ".lua"] = files["lua/luaprov/providers"]
end
-- The words of a manifest.
files["examples/onboarding"] = {
  read_globals = { "use", "env", "var", "json_file", "secret", "file", "command", "null" },
}
files["tests/bench/speed/vendor.lua"] = files["lua/luaprov/providers"]
