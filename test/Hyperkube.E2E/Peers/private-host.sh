#!/bin/sh
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# private-host.sh DIR OPTIONS PROGRAM ARGUMENTS...
#
# Runs a program on this host, but with a mount namespace of its own in which /opt is DIR/opt, mounted with OPTIONS, and
# /var/lib is DIR/lib: what is installed goes with DIR. Needs root.
set -eu
state=$(cd "$1" && pwd)
options=$2
shift 2
mkdir -p "$state/opt" "$state/lib"
export state options
# shellcheck disable=SC2016 # expanded inside
exec unshare --mount sh -euc '
    mount --make-rprivate /
    mount --bind "$state/opt" /opt
    mount -o "remount,bind,$options" /opt
    mount --bind "$state/lib" /var/lib
    exec env -u state -u options "$@"' sh "$@"
