#!/bin/sh
# install.sh [BINARY]: Hearth as a service of this machine. BINARY is what `cargo xtask dist` has built, unless it is named.
# Run as root. A configuration that is there stays. With DESTDIR=FOLDER everything goes under that folder instead.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=${1:-$here/../../target/release/hearth}
root=${DESTDIR:-}

if [ ! -x "$binary" ]; then
    echo "install.sh: there is no $binary; build it with \`cargo xtask dist\`, or name another" >&2
    exit 1
fi
install -D -m 755 "$binary" "$root/usr/local/bin/hearth"
install -D -m 644 "$here/hearth.service" "$root/etc/systemd/system/hearth.service"
install -D -m 644 "$here/../README.md" "$root/usr/local/share/doc/hearth/README.md"
[ -e "$root/etc/hearth/hearth.toml" ] || install -D -m 644 "$here/hearth.toml" "$root/etc/hearth/hearth.toml"
# The unit passes them to the service. They stay empty while the broker has the accounts and asks Hearth for no password.
for secret in broker-password accounts.toml; do
    [ -e "$root/etc/hearth/$secret" ] || install -m 600 /dev/null "$root/etc/hearth/$secret"
done

if [ -z "$root" ]; then
    systemctl daemon-reload
fi
echo "Installed. Look at /etc/hearth/hearth.toml, then: systemctl enable --now hearth"
