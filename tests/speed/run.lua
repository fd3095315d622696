-- Counts the instructions of a call and compares them with what is written down in counts.json, as TAP: a part of
-- `make test`. `lua5.4 tests/speed/run.lua write`, which is `make bench-counts`, writes down what it counts.
local compare = require "tests.speed.compare"
local count = require "tests.speed.count"
local json = require "luaprov.json"

local FILE = "tests/speed/counts.json"
local RENEW = "if that is meant, `make bench-counts` writes it down"
local LOOKS = 3

local function first_line(command)
  local pipe = io.popen(command .. " 2>/dev/null", "r")
  local line = pipe:read "*l"
  pipe:close()
  return line
end

-- What the counts depend on beside the code.
local function versions()
  return {
    libcurl = first_line "pkg-config --modversion libcurl", libc = first_line "getconf GNU_LIBC_VERSION",
    gcc = first_line "gcc -dumpversion", lua = first_line "pkg-config --modversion lua5.4",
    valgrind = first_line "valgrind --version", machine = first_line "uname -m",
  }
end

local function read()
  local file = assert(io.open(FILE, "rb"))
  local text = file:read "*a"
  file:close()
  return assert(json.decode(text))
end

local function shown(name, one)
  return ("%s: %.2f (%.0f and %.0f instructions)"):format(name, one.ratio, one.count, one.beside)
end

local function write()
  local looks, ratios = {}, {}
  for i = 1, LOOKS do looks[i] = count.all() end
  local found = compare.median(looks)
  for _, one in ipairs(count.list) do
    ratios[one.name] = math.floor(found[one.name].ratio * 1000 + 0.5) / 1000
    print(shown(one.name, found[one.name]))
  end
  local text = assert(json.encode { ratios = ratios, versions = versions() })
  local file = assert(io.open(FILE, "wb"))
  -- A line for each, so that a change of one is a change of one line.
  file:write((text:gsub('([{,])"', '%1\n"'):gsub("}", "\n}")), "\n")
  file:close()
  print(FILE .. " has it now")
end

-- Counted again where it is not as written, for a rare seed is no slow change.
local function judged(written)
  local looks = { count.all() }
  local found = looks[1]
  for _, one in ipairs(count.list) do
    if compare.judge(found[one.name].ratio, written[one.name]) ~= "ok" then
      for i = 2, LOOKS do looks[i] = count.all() end
      return compare.median(looks)
    end
  end
  return found
end

local function check()
  local written = read()
  local why = not first_line "valgrind --version" and "valgrind is not installed"
    or compare.difference(versions(), written.versions)
  if why then
    print("1..1\nok 1 - # SKIP instructions are not compared: " .. why)
    return 0
  end
  local found, failed = judged(written.ratios), 0
  print("1.." .. #count.list)
  for i, one in ipairs(count.list) do
    local verdict = compare.judge(found[one.name].ratio, written.ratios[one.name])
    local ok = verdict == "ok"
    print(("%s %d - %s"):format(ok and "ok" or "not ok", i, shown(one.name, found[one.name])))
    print("# figures: " .. shown(one.name, found[one.name]))
    if not ok then
      failed = failed + 1
      print(("# %s than the %s that %s has; %s"):format(verdict, tostring(written.ratios[one.name]), FILE, RENEW))
    end
  end
  return failed == 0 and 0 or 1
end

if arg[1] == "write" then write() else os.exit(check()) end
