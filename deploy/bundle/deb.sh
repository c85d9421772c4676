#!/bin/bash
# Make a Debian package of an offline bundle: deb.sh BUNDLE.tar.gz FOLDER. For the Debian and machine it is made on.
# Its maintainer is whoever makes it: DEBFULLNAME and DEBEMAIL, as ever.
set -euo pipefail

archive=$(realpath "$1")
out=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

tar -xzf "$archive" -C "$place"
cd "$place"/*/
told() { sed -n "s/^$1=//p" BUNDLE; }
version=$(told version)
python=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
maintainer="${DEBFULLNAME:?your name, as the maintainer} <${DEBEMAIL:?your address, as the maintainer}>"

cp -r "$here/debian" debian
sed -i -e "s|@MAINTAINER@|$maintainer|" -e "s|@PYTHON@|$python|" -e "s|@PYTHON_AFTER@|3.$((${python#3.} + 1))|" debian/control
cat >debian/changelog <<END
command-monitor ($version) bookworm; urgency=medium

  * Version $version; see CHANGELOG.md.

 -- $maintainer  $(LC_ALL=C date --utc --date="@$(stat --format %Y BUNDLE)" --rfc-email)
END
dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >build.log 2>&1 || {
    tail -30 build.log >&2
    exit 1
}
cp ../*.deb "$out/"
ls "$out"/command-monitor_"$version"_*.deb
