#!/bin/sh
# Builds the C++ core and its tests with AddressSanitizer and UndefinedBehaviorSanitizer, without Node, and runs them.
# Another compiler: CXX=clang++ scripts/test-core.sh. Its last line is the count.
set -eu
cd "$(dirname "$0")/.."

dir=build/core-$(basename "${CXX:-default}")
log=$dir/build.log
mkdir -p "$dir"
if ! { cmake -S . -B "$dir" -DKHOFORGE_CORE_ONLY=ON -DKHOFORGE_SANITIZE=ON &&
  cmake --build "$dir" --parallel "$(nproc)"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "test-core: the build failed, its log is above" >&2
  exit 1
fi
"$dir/khoforge_core_tests"
