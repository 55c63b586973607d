#!/bin/bash
# Boots this machine's own systemd, as PID 1 of its own namespaces, over a copy-on-write view of this machine's root.
#   box.sh FOLDER    as root; lives until it is killed, and all of the box with it
# FOLDER/pid is systemd as seen from outside, another one after a reboot; FOLDER/cgroup is to be removed afterwards.
set -eu
stage=${2:-cgroup} self=$(readlink -f "$0") folder=$(readlink -f "$1")
root=$folder/root

case $stage in
cgroup)
    # A cgroup of its own, which the box takes for the root.
    unified=$(awk '{ for (i = 7; i <= NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' /proc/self/mountinfo)
    [ -n "$unified" ] || { echo "no cgroup2 is mounted" >&2; exit 1; }
    mkdir "$unified/hikvision-sync-box-$$"
    echo "$unified/hikvision-sync-box-$$" >"$folder/cgroup"
    echo 0 >"$unified/hikvision-sync-box-$$/cgroup.procs"
    exec unshare --mount --uts --ipc --net --cgroup --propagation private "$self" "$folder" root
    ;;
root)
    # PID 1 must be alone in the box's cgroup: systemd makes its slices there.
    cgroup=$(cat "$folder/cgroup")
    echo 0 >"${cgroup%/*}/cgroup.procs"
    mkdir -p "$root" "$folder/layer"
    mount -t tmpfs -o mode=755 box "$folder/layer"
    mkdir "$folder/layer/upper" "$folder/layer/work"
    mount -t overlay -o "lowerdir=/,upperdir=$folder/layer/upper,workdir=$folder/layer/work" box "$root"
    cd "$root"
    # None of this machine's own services, and nothing that touches its kernel or waits for hardware.
    rm -rf etc/systemd/system etc/systemd/*.conf.d
    mkdir -p etc/systemd/system etc/systemd/system-generators etc/systemd/journald.conf.d
    for generator in usr/lib/systemd/system-generators/*; do
        ln -s /dev/null "etc/systemd/system-generators/${generator##*/}"
    done
    for unit in systemd-udevd.service systemd-udev-trigger.service systemd-sysctl.service systemd-modules-load.service \
        systemd-random-seed.service systemd-remount-fs.service systemd-binfmt.service systemd-logind.service \
        systemd-timesyncd.service systemd-journal-flush.service systemd-update-utmp.service getty.target \
        sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
        dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount; do
        ln -s /dev/null "etc/systemd/system/$unit"
    done
    printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' >etc/systemd/journald.conf.d/box.conf
    # A container may forbid packages to start services, and the index of manuals costs seconds.
    rm -f usr/sbin/policy-rc.d var/lib/man-db/auto-update
    : >etc/fstab
    tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
    hostname box
    while :; do
        # A killed box.sh takes the box along.
        setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private "$self" "$folder" init || ended=$?
        # 129: PID 1 ended by SIGHUP, which is how the kernel says reboot.
        [ "${ended:-0}" = 129 ] || exit "${ended:-0}"
        find "$cgroup" -mindepth 1 -depth -type d -exec rmdir {} \; 2>/dev/null || true
    done
    ;;
init)
    # Still the outer /proc: this is how the box is entered.
    read -r pid _ </proc/self/stat
    echo 0 >"$(cat "$folder/cgroup")/cgroup.procs"
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc -o nosuid,nodev,noexec proc proc
    mount -t sysfs -o nosuid,nodev,noexec sysfs sys
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
    # Of the whole machine: only to be read.
    mount -o remount,bind,ro sys
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t tmpfs -o nosuid,mode=755 dev dev
    for device in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do mknod -m 666 dev/${device% *} c 1 ${device#* }; done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    mount -t tmpfs -o nosuid,nodev,mode=1777 shm dev/shm
    mount -t tmpfs -o nosuid,nodev,mode=755 run run
    mount -t tmpfs -o nosuid,nodev,mode=1777 tmp tmp
    mkdir run/lock run/outside
    pivot_root . run/outside
    echo "$pid" >"/run/outside$folder/pid"
    umount -l /run/outside
    # Without this a service's credentials are an empty folder, in silence.
    mount --make-rshared /
    exec env -i container=box PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --system --log-target=journal --show-status=no
    ;;
esac
