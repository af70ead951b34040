#!/bin/sh
# boot.sh INSTALL BINARY CONFIGURATION CGROUP: starts systemd as the first process of name spaces of its own, over a copy of this machine's files that
# is gone afterwards, with nothing but the journal and Hearth as INSTALL installs it. Needs root. Nothing of this machine is changed:
# its units, mounts and kernel settings are out of reach.
set -eu
install=$1 binary=$2 configuration=$3 cgroup=$4

mkdir "$cgroup"
echo $$ >"$cgroup/cgroup.procs"
exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup sh -euc '
    install=$1 binary=$2 configuration=$3
    mount --make-rprivate /
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
    DESTDIR=/mnt/root sh "$install" "$binary"
    cp "$configuration" /mnt/root/etc/hearth/hearth.toml
    cd /mnt/root

    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    for folder in run tmp dev var/log; do mount -t tmpfs tmpfs "$folder"; done
    mkdir dev/pts dev/shm var/log/journal
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    for node in null zero full random urandom tty; do
        touch "dev/$node"
        mount --bind "/dev/$node" "dev/$node"
    done

    # What this machine would start is not wanted here.
    : >etc/fstab
    for folder in etc/systemd/system/*.wants lib/systemd/system/*.wants lib/systemd/system-generators; do
        mount -t tmpfs tmpfs "$folder"
    done
    printf "[Unit]\nWants=systemd-journald.service hearth.service\n" >etc/systemd/system/test.target
    ln -sf test.target etc/systemd/system/default.target

    mkdir old
    pivot_root . old
    umount -l old
    mount --make-rshared /
    exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal --show-status=no
' boot "$install" "$binary" "$configuration"
