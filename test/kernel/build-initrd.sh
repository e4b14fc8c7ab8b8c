#!/usr/bin/env bash
# build-initrd.sh [--arch x86_64]
#
# Builds an initrd whose init prints what a kernel shows of a handover and powers
# the machine off (see init.c), and prints its path. The same init.c and compiler
# give the same bytes.
#
# KHOFORGE_CACHE           where to keep it; ~/.cache/khoforge
#
# Exit codes: 0 done, 2 bad usage, 3 could not run.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=../../scripts/lib/common.sh
source "$here/../../scripts/lib/common.sh"
# shellcheck source=../../scripts/lib/prerequisites.sh
source "$here/../../scripts/lib/prerequisites.sh"

main() {
  parse_arguments "$@"
  require "${cross}gcc" stdlib.h libc.a cpio gzip flock
  local cache key target
  cache=$(cache_dir)
  key=$arch-$(fingerprint)
  target=$cache/initrd/$key
  if [[ ! -e $target ]]; then
    mkdir -p "$cache"/{initrd,log}
    lock "$cache/initrd/.lock-$key"
    [[ -e $target ]] || build
  fi
  result "$target/initrd.cpio.gz"
}

parse_arguments() {
  arch=x86_64
  while (($# > 0)); do
    case $1 in
      --arch) arch=${2:-} && shift ;;
      --arch=*) arch=${1#*=} ;;
      -h | --help) print_help ;;
      *) usage_error "no such argument: $1" ;;
    esac
    shift || usage_error '--arch needs a value'
  done
  [[ $arch == x86_64 ]] || usage_error "--arch '$arch': only x86_64 has been tried"
  cross=$(cross_prefix "$arch")
}

fingerprint() {
  { "${cross}gcc" --version && cat "$here/init.c" "$here/build-initrd.sh"; } | sha256sum | cut -c 1-12
}

build() {
  local log=$cache/log/initrd-$key.log
  : >"$log"
  make_workdir "$cache/initrd" "$key"
  phase "building the initrd for $arch" "$log" make_initrd
  keep_as "$target"
}

# /dev, for init to mount devtmpfs on; its own /dev/console a kernel brings along.
make_initrd() {
  local root=$workdir/root
  mkdir -p "$root/dev"
  (cd "$here" && "${cross}gcc" -std=gnu11 -Os -Wall -Wextra -static -s -Wl,--build-id=none -o "$root/init" init.c)
  chmod 755 "$root" "$root/dev" "$root/init"
  find "$root" -exec touch -h -d @0 {} +
  (cd "$root" && printf '%s\n' dev init | cpio --quiet -o -H newc --reproducible -R 0:0) |
    gzip -9n >"$workdir/initrd.cpio.gz"
  rm -r "$root"
}

main "$@"
