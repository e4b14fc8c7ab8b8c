#!/bin/sh
# Fuzzes the C++ core with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer: fuzz-core.sh [SECONDS], 60.
# Needs clang and its runtime: apt-get install clang libclang-rt-14-dev (or that of the clang there is).
# What it learned is kept in build/fuzz/corpus; an input that fails is written to build/fuzz/crash-…
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
dir=build/fuzz
log=$dir/build.log
mkdir -p "$dir/corpus"
if ! { CXX=${CXX:-clang++} cmake -S . -B "$dir" -DKHOFORGE_CORE_ONLY=ON -DKHOFORGE_FUZZ=ON &&
  cmake --build "$dir" --parallel "$(nproc)"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "fuzz-core: the build failed, its log is above; it needs: apt-get install clang libclang-rt-14-dev" >&2
  exit 3
fi
"$dir/khoforge_map_fuzz" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
  -artifact_prefix="$dir/" "$dir/corpus" 2>"$dir/run.log" || {
  tail -n 60 "$dir/run.log" >&2
  exit 1
}
grep -E '^stat::|DONE' "$dir/run.log"
