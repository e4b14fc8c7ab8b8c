#!/bin/sh
# test-core.sh [asan | tsan | arm64]
#
# Builds the C++ core and its tests without Node, and runs them; its last line is the count.
# asan (default)  with AddressSanitizer and UndefinedBehaviorSanitizer
# tsan            with ThreadSanitizer
# arm64           for arm64, run by qemu-aarch64-static; needs g++-aarch64-linux-gnu and qemu-user-static
# Another compiler: CXX=clang++ scripts/test-core.sh
set -eu
cd "$(dirname "$0")/.."

kind=${1:-asan}
run=
case $kind in
  asan | tsan) options=-DKHOFORGE_SANITIZE=$kind ;;
  arm64)
    CXX=aarch64-linux-gnu-g++
    export CXX
    run=qemu-aarch64-static
    options='-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_EXE_LINKER_FLAGS=-static'
    for tool in "$CXX" "$run"; do
      command -v "$tool" >/dev/null || {
        echo "test-core: $tool is missing: apt-get install g++-aarch64-linux-gnu qemu-user-static" >&2
        exit 3
      }
    done
    ;;
  *)
    echo "test-core: no such kind: $kind" >&2
    exit 2
    ;;
esac
dir=build/core-$kind-$(basename "${CXX:-default}")
log=$dir/build.log
mkdir -p "$dir"
# shellcheck disable=SC2086 # several options
if ! { cmake -S . -B "$dir" -DKHOFORGE_CORE_ONLY=ON $options &&
  cmake --build "$dir" --parallel "$(nproc)" --target khoforge_core_tests; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "test-core: the build failed, its log is above" >&2
  exit 1
fi
$run "$dir/khoforge_core_tests"
