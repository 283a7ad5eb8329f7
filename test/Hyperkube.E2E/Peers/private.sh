#!/bin/sh
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# private.sh DIR PROGRAM ARGUMENTS...
#
# Runs a container tool with all its state below DIR: a clean environment, and a mount
# namespace of its own in which DIR/run is /run and DIR/containers is /var/lib/containers.
# crun refuses the hybrid cgroup hierarchy, so the second one is out of sight. It execs all
# the way: the process that was started becomes the program. Needs root.
set -eu
state=$(cd "$1" && pwd)
shift
mkdir -p "$state/home" "$state/tmp" "$state/xdg" "$state/run" "$state/containers" /var/lib/containers
cat >"$state/containers.conf" <<END
[containers]
log_driver = "k8s-file"
[engine]
lock_type = "file"
events_logger = "file"
cgroup_manager = "cgroupfs"
runtime = "crun"
tmp_dir = "$state/libpod"
END
cat >"$state/storage.conf" <<END
[storage]
driver = "vfs"
graphroot = "$state/graph"
runroot = "$state/graph-run"
END
export state
# shellcheck disable=SC2016 # expanded inside
exec unshare --mount sh -c '
    mount --bind "$state/run" /run
    mount --bind "$state/containers" /var/lib/containers
    if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME="$state/home" TMPDIR="$state/tmp" \
        XDG_RUNTIME_DIR="$state/xdg" CONTAINERS_CONF="$state/containers.conf" \
        CONTAINERS_STORAGE_CONF="$state/storage.conf" "$@"' sh "$@"
