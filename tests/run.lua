-- Runs every suite and counts: lua5.4 tests/run.lua [WORD]. With a word only the suites whose name has it run.
--
-- Each suite prints TAP. Shown are what failed, what was skipped and why, and a line a suite; the last line is the
-- count. Some suites run beside each other, for they wait more than they compute; they are shown in their order.
local build = os.getenv("BUILD") or "build"
local only = arg[1]

local AT_ONCE = 3
local SECONDS = 3600 -- a suite that takes longer hangs

local passed, failed, skipped = 0, 0, 0
local what_failed = {}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- In a process group of its own, which ends with a Ctrl-C: busted takes that for a failure of one spec, and goes on.
local SUITE = [[
output=$(mktemp) || exit
trap 'rm -f "$output"' EXIT
trap 'exec 2>/dev/null; kill $!; wait $!; exit 130' INT TERM HUP
timeout -k 5 %d sh -c %s >"$output" 2>&1 &
wait $!
status=$?
cat "$output"
echo "exit status $status"]]

-- Of a suite that was started, all lines, and its exit status.
local function finish(pipe)
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  local status = tonumber((table.remove(lines) or ""):match("^exit status (%d+)$"))
  return lines, status
end

local function find(command)
  local found = {}
  for line in io.popen(command, "r"):lines() do found[#found + 1] = line end
  return found
end

-- Of a suite that failed what is not ok, with what is said of it; and its end, which may tell of a crash.
local function show(lines)
  local shown = false
  for i, line in ipairs(lines) do
    if line:find("^%s*not ok ") then shown = true
    elseif line:find("^%s*ok ") then shown = false end
    if shown or i > #lines - 20 then print("  | " .. line) end
  end
end

local function report(name, lines, status)
  local ok, not_ok, skips = 0, 0, {}
  for _, line in ipairs(lines) do
    if line:find("^%s*ok .*#%s*[Ss][Kk][Ii][Pp]") then skips[#skips + 1] = line
    elseif line:find("^%s*ok ") then ok = ok + 1
    elseif line:find("^%s*not ok ") then
      not_ok = not_ok + 1
      what_failed[#what_failed + 1] = name .. ": " .. line:match("not ok .*")
    end
  end
  -- A crash, a leak or a sanitizer's finding may come without a test that says so; so may a suite that ran nothing.
  local silent = (status ~= 0 and not_ok == 0) or (ok + not_ok + #skips == 0)
  if silent then
    not_ok = not_ok + 1
    what_failed[#what_failed + 1] = name .. ": ended with exit status " .. tostring(status)
  end
  passed, failed, skipped = passed + ok, failed + not_ok, skipped + #skips
  local note = silent and " (exit status " .. tostring(status) .. ")" or ""
  print(("%-44s %5d passed, %d failed%s"):format(name, ok, not_ok, note))
  for _, line in ipairs(skips) do print("  " .. line) end
  for _, line in ipairs(lines) do
    local figure = line:match("^# figures: (.*)")
    if figure then print("  " .. figure) end
  end
  if not_ok > 0 then show(lines) end
  io.stdout:flush()
end

local suites = {}

local function add(name, command)
  if only and not name:find(only, 1, true) then return end
  suites[#suites + 1] = { name = name, command = SUITE:format(SECONDS, quote(command)) }
end

local function c_suites()
  local tests = find("ls " .. build .. "/tests/*/test_* 2>/dev/null | grep -v '\\.[a-z]*$' | sort")
  local tap = "CMOCKA_MESSAGE_OUTPUT=TAP "
  for _, test in ipairs(tests) do
    local name = test:match("[^/]+$")
    add("C " .. name, tap .. test)
    add("C " .. name .. " (ASan, UBSan)", tap .. test:gsub("^" .. build, build .. "/asan"))
    local thread_test = test:gsub("^" .. build, build .. "/tsan")
    if io.open(thread_test) then add("C " .. name .. " (TSan)", tap .. thread_test) end
    add("C " .. name .. " (valgrind)", tap .. "valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect "
      .. "--errors-for-leak-kinds=definite,indirect --error-exitcode=99 " .. test)
  end
end

local function busted(lua, version, modules, before, what)
  local here = io.popen("pwd", "r"):read("*l")
  local root = here .. "/" .. modules
  return ("LUAPROV_BUILD='%s' LUA_PATH='%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua;%s/?.lua;;' "
    .. "LUA_CPATH='%s/lib/lua/%s/?.so;;' %s busted --lua=%s -o TAP --shuffle-files %s"):format(
      root, root, version, root, version, here, root, version, before or "", lua,
      what or "--exclude-tags=slow,nginx tests")
end

c_suites()
-- The order in which three at once take the least time.
-- apply once: it waits most of the time, for leases that end and for vendors that are late.
add("apply, killed", ("LUAPROV_BUILD='%s' %s/bin/luaprov tests/faults/kill/run.lua"):format(build, build))
-- nginx once: whichever Lua the tests run on, nginx's is LuaJIT.
add("nginx", busted("lua5.4", "5.4", build, nil, "--exclude-tags=slow tests/nginx"))
-- Once: it counts what the interpreter does, and no other Lua.
add("instructions of a call", ("BUILD='%s' LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua;./?.lua;;' "
  .. "LUA_CPATH='%s/lib/lua/5.4/?.so;;' lua5.4 tests/speed/run.lua"):format(build, build, build, build))
-- busted closes its state at the end, so whatever the binding still holds then is a leak.
add("Lua 5.4 (ASan, UBSan, leaks)", busted("lua5.4", "5.4", build .. "/asan",
  "LD_PRELOAD=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so) ASAN_OPTIONS=detect_leaks=1 "
  .. "LSAN_OPTIONS=\"suppressions='$PWD/tests/lsan.supp':print_suppressions=0\""))
add("Lua 5.4", busted("lua5.4", "5.4", build))
add("LuaJIT", busted("luajit", "5.1", build))

local started = 0
for i, suite in ipairs(suites) do
  while started < math.min(i + AT_ONCE - 1, #suites) do
    started = started + 1
    suites[started].pipe = assert(io.popen(suites[started].command, "r"))
  end
  report(suite.name, finish(suite.pipe))
end

if skipped > 0 then print(skipped .. " skipped, for the reasons above") end
-- Once more at the end, which is all that some logs keep.
for _, line in ipairs(what_failed) do print(line) end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1)
