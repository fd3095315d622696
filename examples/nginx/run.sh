#!/bin/sh
# Starts a sandbox and the gateway in front of it, until Ctrl-C: examples/nginx/run.sh [PORT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
if [ ! -x "$build/bin/luaprov" ]; then echo "luaprov is not built: run make first" >&2; exit 1; fi
build=$(cd "$build" && pwd)
PATH=$PATH:/usr/sbin
if ! command -v nginx >/dev/null; then
  echo "nginx is missing: apt install nginx libnginx-mod-http-lua lua-resty-core" >&2
  exit 1
fi
port=${1:-8080}
folder=$(mktemp -d)
sandbox= nginx=
clean() {
  for pid in $nginx $sandbox; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap clean EXIT
trap 'exit 0' INT TERM

: >"$folder/sandbox" # it is looked into before the sandbox has begun
"$build/bin/luaprov" sandbox >"$folder/sandbox" &
sandbox=$!
until grep -q '^# luaprov sandbox at' "$folder/sandbox"; do
  kill -0 "$sandbox" || exit 1
done

# The tenants and their credentials at the vendors, for nobody else to read.
(umask 077; {
  echo 'return { ["key-of-tenant-one"] = {'
  for provider in onebox ocamba hubster myreports; do
    NAME=$(echo "$provider" | tr a-z A-Z)
    echo "  $provider = {"
    sed -n "s/^export LUAPROV_${NAME}_\(BASE_URL\|TOKEN\)=\(.*\)\$/\1 \2/p" "$folder/sandbox" |
      while read -r option value; do echo "    $(echo "$option" | tr A-Z a-z) = \"$value\","; done
    echo "  },"
  done
  echo '} }'
} >"$folder/tenants.lua")

user=
if [ "$(id -u)" = 0 ]; then user='user root;'; fi
sed "s|@BUILD@|$build|g; s|@HERE@|$here|g; s|@PORT@|$port|g; s|@USER@|$user|g" "$here/nginx.conf" >"$folder/nginx.conf"
cat <<END
The gateway is at http://127.0.0.1:$port. Try:
  curl -s -H 'Authorization: Bearer key-of-tenant-one' http://127.0.0.1:$port/v1/hubster/hubs
  curl -s -H 'Authorization: Bearer key-of-tenant-one' http://127.0.0.1:$port/v1/hubster/hubs \\
    -d '{"name":"Sales","description":"Second floor"}'
Ctrl-C ends it.
END
GATEWAY_TENANTS="$folder/tenants.lua" nginx -e stderr -p "$folder" -c "$folder/nginx.conf" &
nginx=$!
wait "$nginx"
