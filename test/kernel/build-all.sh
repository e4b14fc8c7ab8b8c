#!/usr/bin/env bash
# build-all.sh
#
# Builds every kernel that the tests boot (see `kernels` beside this file), those of
# KHOFORGE_RELEASES='6.17 6.18' where that is set. What is in the cache already costs
# nothing. Sources are fetched while kernels are compiled. A kernel that cannot be
# built does not keep the others from being built.
#
# Exit codes: 0 all are built, 3 one of them is not.
set -uo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

releases=$(grep -oP '^--release \K.*' "$here/kernels")
[[ -z ${KHOFORGE_RELEASES:-} ]] || releases="7.3 $KHOFORGE_RELEASES"

# One download at a time; build-kernel.sh waits for the one it needs.
for release in $releases; do
  "$here/fetch-source.sh" --release "$release" >/dev/null
done &
fetching=$!
trap 'kill "$fetching" 2>/dev/null' EXIT

failed=()
build() {
  "$here/build-kernel.sh" "$@" || failed+=("$*")
}

for release in $releases; do
  build --release "$release"
done
while read -r -a arguments; do
  build "${arguments[@]}" </dev/null
done < <(grep '^--' "$here/kernels" | grep -v '^--release')

wait "$fetching"
((${#failed[@]} == 0)) && exit
printf 'build-all.sh: not built: %s\n' "${failed[@]}" >&2
exit 3
