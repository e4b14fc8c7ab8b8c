#!/usr/bin/env bash
# fetch-source.sh [--release 7.3]
#
# Gets a kernel's source from Debian (sid or trixie-backports, on any Debian) into
# the cache and prints the folder that holds it: linux/ is the tree (1.8 GB on
# disk), version the package's version. It comes from the package
# linux-source-RELEASE, or, of a release that has none, from the pristine tarball
# of the source package linux. It is fetched once; remove the folder to get a
# newer package.
#
# KHOFORGE_CACHE           where to keep it; ~/.cache/khoforge
# KHOFORGE_DEBIAN_MIRROR   base URI of a Debian mirror; else as this machine's apt
#
# Exit codes: 0 done, 2 bad usage or no such release, 3 could not run.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=../../scripts/lib/common.sh
source "$here/../../scripts/lib/common.sh"
# shellcheck source=../../scripts/lib/prerequisites.sh
source "$here/../../scripts/lib/prerequisites.sh"
# shellcheck source=../../scripts/lib/debian.sh
source "$here/../../scripts/lib/debian.sh"

main() {
  parse_arguments "$@"
  local cache target
  cache=$(cache_dir)
  target=$cache/source/$release
  if [[ ! -e $target ]]; then
    require apt-get dpkg-deb tar xz flock debian-archive-keyring
    mkdir -p "$cache"/{source,log}
    lock "$cache/source/.lock"
    [[ -e $target ]] || fetch
  fi
  result "$target"
}

parse_arguments() {
  release=7.3
  while (($# > 0)); do
    case $1 in
      --release) release=${2:-} && shift ;;
      --release=*) release=${1#*=} ;;
      -h | --help) print_help ;;
      *) usage_error "no such argument: $1" ;;
    esac
    shift || usage_error '--release needs a value, such as 7.3'
  done
  check_release "$release"
}

fetch() {
  local log=$cache/log/source-$release.log package=linux-source-$release version mirrors mirror
  : >"$log"
  check_space
  mirrors=${KHOFORGE_DEBIAN_MIRROR:-$(machine_mirrors)}
  use_private_apt "$cache/apt"
  find_offers "$mirrors" "$log"
  version=$(newest_version "$package")
  make_workdir "$cache/source" "$release"
  if [[ -n $version ]]; then
    phase "downloading $package $version (160 MB)" "$log" download "$package=$version"
    phase "unpacking it (1.8 GB)" "$log" unpack
    echo "$version" >"$workdir/version"
  else
    fetch_pristine
  fi
  rm "$workdir"/*.{deb,xz} 2>/dev/null || true
  keep_as "$target"
}

# The index lists more versions than the pool still holds: newest first, the first
# that can be had is taken.
fetch_pristine() {
  local versions
  write_sources "$mirror" deb deb-src
  phase "asking $mirror for source packages" "$log" update_lists
  complaints "$log"
  versions=$(source_versions linux "$release")
  [[ -n $versions ]] ||
    fail "$EXIT_USAGE" "Linux $release is not offered by ${DEBIAN_SUITES[*]}" \
      "offered: $(offered linux-source- | paste -sd ' '), and the source package linux of:" \
      "$(source_versions linux '' | paste -sd ' ')"
  # shellcheck disable=SC2086 # one argument per version
  phase "downloading the tarball of linux $release (160 MB)" "$log" download_pristine $versions
  phase "unpacking it (1.8 GB)" "$log" unpack_pristine
}

check_space() {
  local free_mb
  free_mb=$(df --output=avail -BM "$cache" | tail -n 1 | tr -cd '0-9')
  ((free_mb >= 2600)) ||
    fail "$EXIT_COULD_NOT_RUN" "$cache has $free_mb MB free; the source and a build take 2600 MB" \
      'make room, or set KHOFORGE_CACHE to a folder with more'
}

# Takes the first mirror whose suites can be read and trusted. apt's own exit
# code is no measure: one suite may be missing on a mirror and the other do.
# Sets `mirror`.
find_offers() {
  local log=$2
  [[ -n $1 ]] ||
    fail "$EXIT_COULD_NOT_RUN" "this machine's apt has no Debian mirror" \
      'set KHOFORGE_DEBIAN_MIRROR to the base URI of one'
  while read -r mirror; do
    write_sources "$mirror"
    phase "asking $mirror what it offers" "$log" update_lists
    complaints "$log"
    [[ -z $(offered linux-source-) ]] || return 0
  done <<<"$1"
  no_offers "$1" "$log"
}

update_lists() { apt-get update || echo "apt-get update: exit $?"; }

# apt's warnings and errors in the log's last phase.
complaints() {
  awk '/^== / { said = "" } /^[EW]:/ { said = said $0 "\n" } END { printf "%s", said }' "$1" >&2
}

no_offers() {
  ! grep -q NO_PUBKEY "$2" ||
    fail "$EXIT_COULD_NOT_RUN" "$(debian_keyring) lacks the keys that sign ${DEBIAN_SUITES[*]}" \
      'as root: apt-get update && apt-get install -y debian-archive-keyring' "the whole log: $2"
  fail "$EXIT_COULD_NOT_RUN" "no linux-source package from: $(paste -sd ' ' <<<"$1")" \
    'set KHOFORGE_DEBIAN_MIRROR to the base URI of a full Debian mirror' "the whole log: $2"
}

download() { cd "$workdir" && apt-get download "$1"; }

# Straight from the package into the tree, with no 160 MB stop in between.
unpack() {
  mkdir "$workdir/linux"
  dpkg-deb --fsys-tarfile "$workdir"/*.deb |
    tar -xO "./usr/src/linux-source-$release.tar.xz" |
    tar -xJ -C "$workdir/linux" --strip-components=1 --no-same-owner
}

download_pristine() {
  local version
  cd "$workdir"
  for version in "$@"; do
    apt-get source --download-only --tar-only "linux=$version" || continue
    echo "$version" >version
    return
  done
  echo "none of these is in the pool any more: $*"
  return 1
}

unpack_pristine() {
  mkdir "$workdir/linux"
  tar -xJf "$workdir"/linux_*.orig.tar.xz -C "$workdir/linux" --strip-components=1 --no-same-owner
}

main "$@"
