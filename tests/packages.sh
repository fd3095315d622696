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
install="apt-get install -y --no-install-recommends --no-remove$missing"
has_sudo=
if command -v sudo >/dev/null 2>&1; then has_sudo=1; fi
is_root=
if [ "$(id -u)" = 0 ]; then is_root=1; fi

# show WHAT: the one line to run, with what to say before it.
show() {
  if [ -n "$is_root" ]; then printf '%s:\n  apt-get update && %s\n' "$1" "$install"
  elif [ -n "$has_sudo" ]; then printf '%s:\n  sudo apt-get update && sudo %s\n' "$1" "$install"
  else printf '%s, as root:\n  apt-get update && %s\n' "$1" "$install"
  fi >&2
}

# sudo may ask for a password only where somebody can type it.
may_install=$is_root
if [ -n "$has_sudo" ] && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then may_install=1; fi
if [ -n "$only_tell" ] || [ -z "$may_install" ]; then
  show "missing Debian packages; install them with this line"
  exit 1
fi

echo "installing Debian packages:$missing"
as_root=
if [ -z "$is_root" ]; then as_root=sudo; fi
$as_root apt-get update -q >/dev/null || echo "apt-get update failed; trying with the lists that are there" >&2
if ! $as_root env DEBIAN_FRONTEND=noninteractive $install >/dev/null; then
  show "that did not work; the line was"
  exit 1
fi
