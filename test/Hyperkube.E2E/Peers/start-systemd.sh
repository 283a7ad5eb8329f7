#!/bin/bash
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# start-systemd.sh DIR UNITS
#
# Starts this machine's own systemd as PID 1 of a machine that is made of namespaces: its files are this machine's below
# an overlay that goes with it, its units are those in the directory UNITS and no others, and it has no network. What is
# there once for all namespaces (/proc/sys, /sys) is read-only, so that nothing that it does reaches this machine.
# DIR/pid then holds its process id, for nsenter. Ends, and takes everything along, at SIGTERM. Needs root.
set -euo pipefail
state=$(cd "$1" && pwd)
units=$(cd "$2" && pwd)
export state units

# A control group of its own, below whose top it cannot see.
groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [[ -z $groups ]]; then
    echo "start-systemd.sh: no cgroup2 is mounted" >&2
    exit 1
fi
group=$(mktemp -d "$groups/hyperkube-test-XXXXXX")

# A control group is gone a moment after its last process.
leave() {
    kill -s KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    for _ in {1..100}; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        if [[ ! -d $group ]]; then break; fi
        sleep 0.05
    done
}

# Expanded inside.
# shellcheck disable=SC2016
inside='
    echo $BASHPID >"$group/cgroup.procs"
    exec unshare --cgroup --mount --pid --fork --kill-child=KILL --uts --ipc --net bash -euc "$boot"'
# shellcheck disable=SC2016
export boot='
    mount --make-rprivate /
    mkdir -p "$state/machine"
    cd "$state/machine"
    mount -t tmpfs tmpfs .
    cd "$state/machine"
    mkdir upper work top
    mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" top
    cd top
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs tmpfs run
    mount -t tmpfs tmpfs tmp
    mount --bind /dev dev
    mkdir run/no-generators
    cp -r "$units" run/units
    exec env -i container=hyperkube PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        SYSTEMD_UNIT_PATH=/run/units SYSTEMD_GENERATOR_PATH=/run/no-generators \
        chroot . /usr/lib/systemd/systemd --system --unit=ready.target --log-target=null --show-status=0'
export group
bash -euc "$inside" &
child=$!
trap leave EXIT
trap 'exit 0' TERM INT
until system=$(cat "/proc/$child/task/$child/children" 2>/dev/null) && [[ -n ${system// } ]]; do
    kill -s 0 "$child"
    sleep 0.02
done
echo "${system// }" >"$state/pid"
wait "$child"
