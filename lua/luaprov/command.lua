--- Runs a program for what it prints. Only sh, cat, env and timeout (Debian's coreutils) stand between, so it works
--- wherever io.popen does.
local quote = require "luaprov.quote"
local texts = require "luaprov.text"

local SECONDS = 30 -- somebody may have to type a password
local GRACE = 2    -- seconds that it has to end when it is told to, at most as many as it had before
local SIZE = 65536 -- bytes

-- The program writes to cat, and cat to us: a child that it leaves behind holds cat's end, and cat has its own time.
-- The statuses come last, behind the output: p, the program's, and c, cat's. --foreground: it may ask at the terminal.
-- A host that ignores SIGPIPE, as nginx does, hands that on: what prints for ever would not end with its reader.
local SCRIPT = "status=$({ { env --default-signal=PIPE timeout --foreground -k %g %g %s 3>&- 4>&-; "
  .. "echo p$? >&3; } </dev/null | timeout %g cat 2>/dev/null >&4 3>&-; echo c$? >&3; } 3>&1) 4>&1; echo \"=\"$status"

-- What timeout says, and sh.
local MEANS = { ["126"] = "cannot be run", ["127"] = "is not found" }

--- @param words string[] the program and its arguments, none with a NUL
--- @param seconds number|nil how long it may take: 30
--- @return string|nil output
--- @return string|nil why what became of it, as words behind its name; they hold nothing of the output
return function(words, seconds)
  seconds = seconds or SECONDS
  local grace, quoted = math.min(GRACE, seconds), {}
  for i, word in ipairs(words) do quoted[i] = quote(word) end
  local began = os.time()
  local ok, pipe = pcall(io.popen, SCRIPT:format(grace, seconds, table.concat(quoted, " "), seconds), "r")
  if not ok or not pipe then return nil, "cannot be run: " .. texts.one_line(tostring(pipe), 200) end
  local printed = pipe:read(SIZE + #"=p255 c255\n" + 1) or ""
  pipe:close()
  local output, statuses = printed:match("^(.*)=([pc%d ]*)\n$")
  if #printed > SIZE and #(output or printed) > SIZE then return nil, ("printed more than %d bytes"):format(SIZE) end
  if not output then return nil, "cannot be run" end
  local status, held = statuses:match("p(%d+)") or "", statuses:find("c124", 1, true)
  -- 137: it had to be killed, if there was time for that.
  local late = status == "124" or status == "137" and os.time() - began >= math.floor(seconds)
  if late then return nil, ("did not end within %g seconds"):format(seconds) end
  if status ~= "0" then return nil, MEANS[status] or "failed (status " .. status .. ")" end
  if held then
    return nil, ("has left a process behind that holds its output, and did not end within %g seconds"):format(seconds)
  end
  if output:find("\0", 1, true) then return nil, "printed a NUL byte" end
  return output
end
