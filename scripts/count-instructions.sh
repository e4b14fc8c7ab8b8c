#!/bin/sh
# Counts the instructions per folio of the engine's operations with callgrind, and fails when one is above its limit
# in bench/instructions.txt: a guard that does not depend on how busy or how fast the machine is.
# Valgrind has no AVX-512: what is counted is the variant for x86-64-v3, or the portable one elsewhere.
# Needs valgrind: apt-get install valgrind
set -eu
cd "$(dirname "$0")/.."

if ! command -v valgrind >/dev/null; then
  echo "count-instructions: valgrind is not installed: apt-get install valgrind" >&2
  exit 3
fi
dir=build/instructions
log=$dir/build.log
mkdir -p "$dir"
if ! { cmake -S . -B "$dir" -DKHOFORGE_CORE_ONLY=ON && cmake --build "$dir" --parallel "$(nproc)"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "count-instructions: the build failed, its log is above" >&2
  exit 1
fi

# What callgrind collects inside the function that does the operation.
measured() {
  case $1 in
    build-*) echo '*measured_build*' ;;
    walk-ranges) echo '*measured_ranges*' ;;
    walk-pages) echo '*measured_blocks*' ;;
    walk-all) echo '*measured_walk*' ;;
  esac
}

failed=0
while read -r operation workload limit; do
  case $operation in '' | '#'*) continue ;; esac
  folios=$(valgrind --tool=callgrind --callgrind-out-file="$dir/callgrind.out" --log-file="$dir/valgrind.log" \
    --toggle-collect="$(measured "$operation")" "$dir/khoforge_instructions" "$operation" "$workload") || {
    cat "$dir/valgrind.log" >&2
    exit 1
  }
  total=$(sed -n 's/^summary: //p' "$dir/callgrind.out")
  awk -v operation="$operation" -v workload="$workload" -v total="$total" -v folios="$folios" -v limit="$limit" '
    BEGIN {
      each = total / folios
      printf "%-4s %-14s %-12s %8.3f instructions per folio, limit %s\n", \
        each <= limit ? "ok" : "FAIL", operation, workload, each, limit
      exit each <= limit ? 0 : 1
    }' || failed=$((failed + 1))
done <bench/instructions.txt
[ "$failed" = 0 ]
