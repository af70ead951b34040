#!/bin/sh
# rootfs.sh BINARY FOLDER: makes FOLDER the root of a container for BINARY, with nothing in it that it does not need: the shared
# libraries that it names, the certificates of the public authorities, a user, and /data. No shell, no package manager.
set -eu
binary=$1
root=$2

mkdir -p "$root/etc/ssl/certs" "$root/usr/bin" "$root/data"
install -m 755 "$binary" "$root/usr/bin/hearth"
strip --strip-debug "$root/usr/bin/hearth"

# The linker names the libraries and itself by absolute paths; the directories are those where it will look again.
ldd "$binary" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ "^/") print $i }' | while read -r library; do
    cp --dereference --parents "$library" "$root"
done
# glibc resolves names by itself, from these two sources.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'hearth:x:65532:65532:Hearth:/data:/sbin/nologin' >"$root/etc/passwd"
echo 'hearth:x:65532:' >"$root/etc/group"
chmod 700 "$root/data"
