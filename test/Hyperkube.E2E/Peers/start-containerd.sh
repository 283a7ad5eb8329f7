#!/bin/sh
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# start-containerd.sh DIR [PROGRAM]
#
# Runs containerd, or the PROGRAM, in the foreground: state in DIR, socket DIR/c.sock. Needs root.
set -eu
state=$(cd "$1" && pwd)
cat >"$state/config.toml" <<END
version = 2
root = "$state/root"
state = "$state/state"
disabled_plugins = [
    "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri",
    "io.containerd.podsandbox.controller.v1.podsandbox", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart",
    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "$state/c.sock"
[ttrpc]
address = "$state/c.sock.ttrpc"
[debug]
level = "warn"
END
exec "${2:-containerd}" --config "$state/config.toml"
