# Makes a Debian package of what `make install DESTDIR=ROOT PREFIX=/usr` left: sh deb.sh ROOT FOLDER
#
# The modules go where Debian's Lua and LuaJIT look, below the machine's own library folder; a link stands where the
# interpreter looks beside itself. Equal trees give equal bytes: times are SOURCE_DATE_EPOCH's, or the last commit's.
set -eu
umask 022

root=$1
folder=$2
version=$(sed -n 's/^return "\(.*\)"$/\1/p' lua/luaprov/version.lua)-1
architecture=$(dpkg --print-architecture)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
# Who made the last commit, where there is one.
maintainer=$(git log -1 --format='%an <%ae>' 2>/dev/null || echo 'luaprov maintainers <maintainers@localhost>')
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}
export SOURCE_DATE_EPOCH

mkdir -p "$root/usr/lib/$multiarch"
mv "$root/usr/lib/lua" "$root/usr/lib/$multiarch/lua"
mkdir -p "$root/usr/lib/lua/5.4"
ln -s "../../$multiarch/lua/5.4/luaprov" "$root/usr/lib/lua/5.4/luaprov"
find "$root/usr/bin" "$root/usr/lib" -type f -exec strip --strip-unneeded --remove-section=.comment {} +
gzip -9n "$root/usr/share/man/man1/luaprov.1"

doc=$root/usr/share/doc/luaprov
mkdir -p "$doc"
cat > "$doc/changelog.Debian" <<END
luaprov ($version) unstable; urgency=medium

  * Version ${version%-*}.

 -- $maintainer  $(LC_ALL=C TZ=UTC date -R -d "@$SOURCE_DATE_EPOCH")
END
gzip -9n "$doc/changelog.Debian"
{
  cat <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: luaprov
Comment: /usr/bin/luaprov holds copies of Lua and of lua-cjson.

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
License: Expat

Files: usr/bin/luaprov
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
 1994-2022 Lua.org, PUC-Rio
 2010-2012 Mark Pulford <mark@kyne.com.au>
License: Expat

License: Expat
END
  sed -n '/^Permission/,$p' LICENSE | sed 's/^$/./; s/^/ /'
} > "$doc/copyright"

# Which packages the libraries come from: dpkg-shlibdeps wants to stand in a source package.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debian"
printf 'Source: luaprov\n\nPackage: luaprov\nArchitecture: any\nDescription: x\n' > "$work/debian/control"
cp -r "$root/usr" "$work/usr"
if ! libraries=$(cd "$work" && find usr -type f \( -path usr/bin/luaprov -o -name '*.so' \) -exec dpkg-shlibdeps -O {} + 2>log)
then
  cat "$work/log" >&2
  exit 1
fi
libraries=$(echo "$libraries" | sed -n 's/^shlibs:Depends=//p')

mkdir "$root/DEBIAN"
cat > "$root/DEBIAN/control" <<END
Package: luaprov
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(find "$root/usr" -type f -printf '%s\n' | awk '{ k += int(($1 + 1023) / 1024) } END { print k }')
Depends: $libraries, lua-argparse, lua-cjson, lua-filesystem
Recommends: libreadline8
Suggests: libnginx-mod-http-lua, lua5.4 | luajit | luajit2
Section: interpreters
Priority: optional
Description: create and look after connections on vendors' platforms, from Lua
 luaprov creates, reads, changes and removes connections (messaging channels,
 mail accounts, telephone exchanges) on vendors' platforms. Each vendor is
 described in one short Lua file, and every call ends in one of three known
 ways: it was done, it was not done, or luaprov cannot know and says so.
 .
 This package has the module for Lua 5.4 and for LuaJIT, and the interpreter
 luaprov with its commands.
END
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f ! -path "$root/usr/bin/*" -exec chmod 644 {} +
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

package=$folder/luaprov_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
echo "$package"
