#!/bin/sh
# A curl for each call, as a shell script has it. `times` says what the children took.
set -eu
url=$1 calls=$2
body='{"name":"Support line 1","description":"The front desk of a customer in the north, open from eight to six on every working day","channel":"sms","callback_url":"https://hooks.customer.example/luaprov/inbound/messages","language":"en","priority":5,"enabled":true,"external_id":"customer-000042/line-0007"}'
began=$(date +%s.%N)
i=0
while [ "$i" -lt "$calls" ]; do
  answer=$(curl -sS --fail -H 'Content-Type: application/json' -H 'Accept: application/json' \
    -H 'Authorization: Bearer bench-token-0123456789abcdef0123456789abcdef' -d "$body" "$url/things")
  case $answer in *'"id":"7f3c1a90"'*) ;; *) echo "not what was wanted: $answer" >&2; exit 1;; esac
  i=$((i + 1))
done
ended=$(date +%s.%N)
# In a pipe it would be another shell's, which has no children.
said=$(mktemp)
times > "$said"
awk -v calls="$calls" -v began="$began" -v ended="$ended" '
  function seconds(text) { split(text, part, "m"); return part[1] * 60 + part[2] }
  { cpu += seconds($1) + seconds($2) }
  END { printf "%d %.6f %.6f\n", calls, cpu, ended - began }' "$said"
rm -f "$said"
