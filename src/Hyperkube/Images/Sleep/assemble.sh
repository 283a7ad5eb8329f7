#!/bin/sh
# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# Usage: assemble.sh DIR
#
# Assembles the four sleep-*.S beside this script into DIR/sleep-*.elf: flat files whose
# ELF headers the assembly spells out. The result must equal the committed *.elf files.
# On Debian the assemblers are in the packages binutils, binutils-aarch64-linux-gnu,
# binutils-powerpc64le-linux-gnu and binutils-s390x-linux-gnu (away from amd64 also
# binutils-x86-64-linux-gnu).
set -eu

fail() {
    echo "assemble.sh: $1" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: assemble.sh DIR"
[ -d "$1" ] || fail "no such directory: $1"

source=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=$(CDPATH='' cd -- "$1" && pwd)

# assemble PLATFORM TOOL-PREFIX ASSEMBLER-OPTIONS...
assemble() {
    platform=$1
    prefix=$2
    shift 2
    "$prefix-as" "$@" -o "$work/$platform.o" "$source/sleep-$platform.S"
    # The object must need no linking: an unresolved address would be silently wrong.
    relocations=$("$prefix-objdump" -r "$work/$platform.o" | grep '^[0-9a-f]* *R_' || true)
    [ -z "$relocations" ] || fail "sleep-$platform.S has relocations: $relocations"
    "$prefix-objcopy" -O binary -j .text "$work/$platform.o" "$work/$platform.elf"
    cp "$work/$platform.elf" "$target/sleep-$platform.elf"
}

for prefix in x86_64-linux-gnu aarch64-linux-gnu powerpc64le-linux-gnu s390x-linux-gnu; do
    for tool in as objcopy objdump; do
        command -v "$prefix-$tool" >/dev/null ||
            fail "missing $prefix-$tool (Debian package binutils-$(echo "$prefix" | tr _ -))"
    done
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

assemble amd64 x86_64-linux-gnu --64
assemble arm64 aarch64-linux-gnu -EL
assemble ppc64le powerpc64le-linux-gnu -a64 -mlittle -mpower8
assemble s390x s390x-linux-gnu -m64 -march=z900
