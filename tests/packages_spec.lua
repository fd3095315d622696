-- tests/packages.sh with pretended dpkg-query, apt-get, sudo and id: what is installed, what is said, and when.
local function write(name, text)
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
  os.execute("chmod +x " .. name)
end

describe("packages.sh", function()
  local folder
  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    write(folder .. "/dpkg-query", '#!/bin/sh\nfor last; do :; done\ncase $last in gcc|luajit) echo installed;; esac\n')
    write(folder .. "/apt-get", '#!/bin/sh\necho "apt-get $*" >> ' .. folder .. '/log\n[ ! -e ' .. folder
      .. '/broken ] || [ "$1" = update ]\n')
    write(folder .. "/id", "#!/bin/sh\necho ${PRETENDED_UID:-0}\n")
    write(folder .. "/sudo", '#!/bin/sh\n[ -e ' .. folder .. '/may ] || exit 1\n[ "$1" = -n ] && shift\nexec "$@"\n')
  end)
  after_each(function() os.execute("rm -rf " .. folder) end)

  local function run(arguments, environment)
    local pipe = io.popen(("PATH=%s:$PATH %s sh tests/packages.sh %s 2>&1 </dev/null; echo status $?"):format(
      folder, environment or "", arguments), "r")
    local output = pipe:read("*a")
    pipe:close()
    local log = io.open(folder .. "/log")
    local said = log and log:read("*a") or ""
    if log then log:close() end
    return output:match("^(.*)status %d+\n$"), tonumber(output:match("status (%d+)\n$")), said
  end

  it("does and says nothing when all are there", function()
    local output, status, log = run("gcc luajit2,luajit")
    assert.same({ "", 0, "" }, { output, status, log })
  end)

  it("installs what is missing, says which, and removes nothing", function()
    local output, status, log = run("gcc curl-dev,other-dev valgrind")
    assert.equal(0, status)
    assert.equal("installing Debian packages: curl-dev valgrind\n", output)
    assert.truthy(log:find("apt%-get update"))
    assert.truthy(log:find("%-%-no%-remove curl%-dev valgrind\n"), log)
  end)

  it("goes through sudo where it may", function()
    write(folder .. "/may", "")
    local _, status, log = run("valgrind", "PRETENDED_UID=1000")
    assert.equal(0, status)
    assert.truthy(log:find("install .*valgrind"), log)
  end)

  local told = "missing Debian packages; install them with this line"
  local line = "apt-get install -y --no-install-recommends --no-remove valgrind\n"

  it("prints the one line to run where it may not, and exits with 1", function()
    local output, status, log = run("gcc valgrind", "PRETENDED_UID=1000")
    assert.equal(1, status)
    assert.equal("", log)
    assert.equal(told .. ":\n  sudo apt-get update && sudo " .. line, output)
  end)

  it("prints a line for root where there is no sudo", function()
    -- Nothing of the machine's own: it may have a sudo.
    for _, name in ipairs { "sh", "grep", "tr" } do
      os.execute(("ln -s $(command -v %s) %s/%s"):format(name, folder, name))
    end
    os.remove(folder .. "/sudo")
    local output, status, log = run("gcc valgrind", "PRETENDED_UID=1000 PATH=" .. folder)
    assert.equal(1, status)
    assert.equal("", log)
    assert.equal(told .. ", as root:\n  apt-get update && " .. line, output)
  end)

  it("only tells when it shall only tell", function()
    for uid, wanted in pairs { [0] = "apt-get update && ", [1000] = "sudo apt-get update && sudo " } do
      local output, status, log = run("--only-tell valgrind", "PRETENDED_UID=" .. uid)
      assert.equal(1, status)
      assert.equal("", log)
      assert.equal(told .. ":\n  " .. wanted .. line, output)
    end
  end)

  it("shows the line when apt-get fails", function()
    write(folder .. "/broken", "")
    local output, status = run("valgrind")
    assert.equal(1, status)
    assert.truthy(output:find("the line was:\n  apt-get update && " .. line, 1, true), output)
  end)
end)
