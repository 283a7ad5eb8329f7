#!/bin/sh
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# start-dockerd.sh DIR CGROUP [--net]
#
# Runs dockerd in the foreground: state in DIR, socket DIR/d.sock, containers' cgroups below
# /CGROUP. It has its own mount and pid namespaces, with --net that of the network too: /run, mounts, shims and
# containers vanish with it, however it ends. Needs root.
set -eu
state=$(cd "$1" && pwd)
cgroup=$2
net=$3
mkdir -p "$state/home" "$state/config"
echo '{}' >"$state/daemon.json"
export state cgroup HOME="$state/home" DOCKER_CONFIG="$state/config" TMPDIR="$state"
# shellcheck disable=SC2016 # expanded inside
exec unshare --mount --pid $net --fork --kill-child --mount-proc sh -c '
    mount -t tmpfs -o mode=755 tmpfs /run
    exec dockerd --config-file="$state/daemon.json" --data-root="$state/data" --exec-root="$state/exec" \
        --pidfile="$state/pid" -H "unix://$state/d.sock" --group=root --cgroup-parent="/$cgroup" \
        --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none \
        --userland-proxy=false --storage-driver=vfs --shutdown-timeout=3 --log-level=warn'
