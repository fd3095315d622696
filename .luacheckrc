-- The code runs on Lua 5.4 and on LuaJIT: only what both have.
std = "min"
max_line_length = 120
files["tests"] = { std = "min+busted" }
files["lua/luaprov/providers"] = {
  -- The words of a provider file; lua/luaprov/provider/words.lua defines them.
  read_globals = {},
}
exclude_files = { "build" }
