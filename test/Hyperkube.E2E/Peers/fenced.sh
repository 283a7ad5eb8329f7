#!/bin/bash
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# fenced.sh CONFIG PORT PROGRAM ARGUMENTS...
#
# Runs a program where the network holds nothing but a registry on loopback: a network
# namespace of its own without any other interface or route. CONFIG is docker-registry's
# and says PORT. Needs root.
set -eu
# shellcheck disable=SC2016 # expanded inside
exec unshare --net bash -euc '
    config=$1 port=$2
    shift 2
    ip link set lo up
    [[ -z $(ip route) ]]
    docker-registry serve "$config" >/dev/null 2>&1 &
    registry=$!
    trap "kill $registry; wait $registry || :" EXIT
    for ((i = 0; i < 200; i++)); do
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        sleep 0.05
    done
    "$@"' bash "$@"
