-- An authority and certificates for servers and clients, made by openssl in a temporary folder.
local support = require "tests.support"

local M = {}

local CONFIG = [[
[ca]
default_ca = here
[here]
dir = %s
new_certs_dir = $dir
database = $dir/index
serial = $dir/serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = nobody
[nobody]
]]

local DAY = 24 * 60 * 60

local function utc(seconds) return os.date("!%Y%m%d%H%M%SZ", os.time() + seconds) end

--- @return table files path of each: ca, stranger_ca, and for good, expired, wrong, client, other, stranger NAME and
---   NAME_key; client_whole: certificate and key in one; client_locked: its key with password "open sesame";
---   empty, garbage
function M.make()
  local folder = support.folder()
  local files, lines = { folder = folder }, { "set -e", "cd " .. folder }
  local function run(...) lines[#lines + 1] = string.format(...) end
  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(text)
    file:close()
  end
  write("config", CONFIG:format(folder))
  write("index", "")
  write("serial", "1000\n")
  write("empty.pem", "")
  write("garbage.pem", "-----BEGIN CERTIFICATE-----\nthis is none\n-----END CERTIFICATE-----\n")
  local function authority(name)
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=%s' -keyout %s.key "
      .. "-out %s.pem 2>log", name, name, name)
    files[name] = folder .. "/" .. name .. ".pem"
  end
  local function certificate(name, issuer, alternative, from, to)
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config config -subj '/CN=%s' -keyout %s.key "
      .. "-out %s.request %s 2>log", name, name, name, alternative and "-addext subjectAltName=" .. alternative or "")
    run("openssl ca -batch -notext -config config -cert %s.pem -keyfile %s.key -startdate %s -enddate %s "
      .. "-in %s.request -out %s.pem >log 2>&1 || { cat log; exit 1; }", issuer, issuer, utc(from), utc(to), name, name)
    files[name], files[name .. "_key"] = folder .. "/" .. name .. ".pem", folder .. "/" .. name .. ".key"
  end
  authority "ca"
  authority "stranger_ca"
  local here = "DNS:localhost,IP:127.0.0.1,IP:::1"
  certificate("good", "ca", here, -DAY, DAY)
  certificate("expired", "ca", here, -2 * DAY, -DAY)
  certificate("wrong", "ca", "DNS:elsewhere.invalid", -DAY, DAY)
  certificate("client", "ca", nil, -DAY, DAY)
  certificate("other", "ca", nil, -DAY, DAY)
  certificate("stranger", "stranger_ca", nil, -DAY, DAY)
  run("cat client.pem client.key > client_whole.pem")
  run("openssl pkey -in client.key -aes256 -passout 'pass:open sesame' -out client_locked.key")
  local script = folder .. "/make.sh"
  write("make.sh", table.concat(lines, "\n") .. "\n")
  local pipe = io.popen("env -u LD_PRELOAD sh " .. script .. " 2>&1; echo $?", "r")
  local output = pipe:read("*a")
  pipe:close()
  assert(output:match("(%d+)%s*$") == "0", "openssl: " .. output)
  files.client_whole, files.client_locked = folder .. "/client_whole.pem", folder .. "/client_locked.key"
  files.empty, files.garbage = folder .. "/empty.pem", folder .. "/garbage.pem"
  return files
end

return M
