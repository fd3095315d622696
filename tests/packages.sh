#!/bin/sh
# Installs the Debian packages that are named and missing: `a,b` means that either will do, `--only-tell` installs none.
# Says what it installs. Where it may not install, it prints the one line to run and exits with 1.
set -u
only_tell=
if [ "${1-}" = --only-tell ]; then only_tell=1; shift; fi

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

missing=
for package in "$@"; do
  found=
  for name in $(echo "$package" | tr ',' ' '); do
    if installed "$name"; then found=1; fi
  done
  [ -n "$found" ] || missing="$missing ${package%%,*}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "missing, by their Debian names:$missing" >&2
  exit 1
fi
# --no-remove: a package that would push another out is the user's decision.
line="apt-get install -y --no-install-recommends --no-remove$missing"
as_root=
if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
may_install=1
if [ -n "$only_tell" ]; then may_install=; fi
if [ -n "$as_root" ] && ! sudo -n true 2>/dev/null && ! { [ -t 0 ] && command -v sudo >/dev/null 2>&1; }; then
  may_install=
fi
if [ -z "$may_install" ]; then
  echo "missing Debian packages; install them with:" >&2
  echo "  ${as_root:+$as_root }$line" >&2
  exit 1
fi

echo "installing Debian packages:$missing"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
$as_root apt-get update -q >/dev/null || echo "apt-get update failed; trying with the lists that are there" >&2
if ! $as_root env DEBIAN_FRONTEND=noninteractive $line >/dev/null; then
  echo "that did not work; the line was:" >&2
  echo "  ${as_root:+$as_root }$line" >&2
  exit 1
fi
