#!/usr/bin/env bash
# Makes fixtures/ anew: awkward.h as pahole encodes it, for a little-endian and a
# big-endian target, and the numbers that the targets' compilers give for it.
# The tests read fixtures/ as it is; this runs when awkward.h changes.
#
# Debian 12: apt-get install gcc libc6-dev pahole gcc-s390x-linux-gnu \
#   libc6-dev-s390x-cross qemu-user-static
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
flags=(-std=gnu11 -fms-extensions -O1)

# fixture NAME COMPILER OBJCOPY [RUNNER]
fixture() {
  local name=$1 cc=$2 objcopy=$3 runner=${4:-} work
  work=$(mktemp -d)
  "$cc" "${flags[@]}" -static awkward_numbers.c -o "$work/numbers"
  ${runner:+"$runner"} "$work/numbers" >"fixtures/$name.txt"
  "$cc" "${flags[@]}" -g -fno-eliminate-unused-debug-types -x c -c awkward.h -o "$work/awkward.o"
  pahole -J --btf_gen_floats "$work/awkward.o"
  "$objcopy" --only-section=.BTF "$work/awkward.o" "fixtures/$name.o"
  rm -r "$work"
}

mkdir -p fixtures
fixture x86_64 gcc objcopy
fixture s390x s390x-linux-gnu-gcc s390x-linux-gnu-objcopy qemu-s390x-static
