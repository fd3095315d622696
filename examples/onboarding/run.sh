#!/bin/sh
# The whole life of a stack, against a sandbox: examples/onboarding/run.sh [STATE]
# STATE: a path or a URL of PostgreSQL (which may also stand in LUAPROV_STATE); a new file by default.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
if [ ! -x "$build/bin/luaprov" ]; then echo "luaprov is not built: run make first" >&2; exit 1; fi
build=$(cd "$build" && pwd)
PATH=$build/bin:$PATH
folder=$(mktemp -d)
sandbox=
clean() {
  if [ -n "$sandbox" ]; then
    kill "$sandbox" 2>/dev/null || true
    wait "$sandbox" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap clean EXIT
trap 'exit 130' INT TERM

: >"$folder/sandbox" # it is looked into before the sandbox has begun
luaprov sandbox >"$folder/sandbox" &
sandbox=$!
until grep -q '^# luaprov sandbox at' "$folder/sandbox"; do
  kill -0 "$sandbox" || exit 1
done
. "$folder/sandbox"

# What the customers have told us; in earnest it would come from a vault.
for slug in ACME GLOBEX INITECH; do
  export "TWILIO_$slug=FAKE-twilio-$slug" "MAIL_$slug=FAKE-mail-$slug" "LICENSE_$slug=FAKE-license-$slug" \
    "PBX_$slug=FAKE-pbx-$slug"
done
export LUAPROV_STATE="${1:-${LUAPROV_STATE:-$folder/state.db}}"
cd "$here"

say() { printf '\n-- %s\n' "$*"; }
run() { say "luaprov $*"; luaprov "$@"; }

run plan
run apply --yes
run plan --detailed-exitcode

say "somebody changes a hub in the vendor's portal"
hub=$(luaprov state show hubster.hubs.acme --json | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
luaprov call hubster hubs update "$hub" description="Changed by hand"
say "luaprov plan shows it (exit code 2: there are changes)"
luaprov plan --detailed-exitcode && exit 1 || [ $? = 2 ]
run apply --yes
run plan --detailed-exitcode

say "OneBox deletes nothing: the state forgets its connections, and they stay"
for slug in acme globex initech; do luaprov state rm "onebox.connections.$slug-mail"; done
run destroy --yes
say "what the state has now: $(luaprov state list | wc -l) records"
