#!/bin/sh
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# without-openssl.sh EMPTY-FILE PROGRAM ARGUMENTS...
#
# Runs a program on a machine that seems to have no OpenSSL: in a mount namespace of its own
# every libssl and libcrypto is an empty file. Needs root.
set -eu
empty=$1
shift
export empty
# shellcheck disable=SC2016 # expanded inside
exec unshare --mount sh -c '
    for library in $(find /usr/lib/ /usr/local/lib/ -name "libssl.so*" -o -name "libcrypto.so*" |
        xargs -r readlink -f | sort -u); do
        mount --bind "$empty" "$library"
    done
    exec "$@"' sh "$@"
