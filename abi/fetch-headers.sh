#!/usr/bin/env bash
# fetch-headers.sh --release 7.3 [--source]
#
# Gets what a kernel release's headers say from Debian (sid or trixie-backports, on
# any Debian) into the cache and prints the folder that holds it: tree/ has the
# headers, build/ (where there is one) a flavour's generated ones, package tells
# where it is from. It is fetched once; remove the folder to get a newer one.
#
# Taken are the newest linux-headers-RELEASE*-common and a flavour of this machine's
# architecture. Where there are none, or with --source, it is the pristine tarball of
# the newest `linux` source package of the release that is still there, or else
# linux-source-RELEASE: larger (150 MB), and with the .c files that define some of
# the ABI.
#
# KHOFORGE_CACHE           where to keep it; ~/.cache/khoforge
# KHOFORGE_DEBIAN_MIRROR   base URI of a Debian mirror; else as this machine's apt
#
# Exit codes: 0 done, 2 bad usage or no such release, 3 could not run.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
lib=$here/../scripts/lib
# shellcheck source-path=SCRIPTDIR source=../scripts/lib/common.sh
source "$lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=../scripts/lib/prerequisites.sh
source "$lib/prerequisites.sh"
# shellcheck source-path=SCRIPTDIR source=../scripts/lib/debian.sh
source "$lib/debian.sh"

# What a profile reads: src/profile/units.ts and the headers that these include.
readonly PATHS=(Makefile include arch/x86/include arch/arm64/include kernel/kexec_handover.c
  kernel/liveupdate mm/memblock.c lib/test_kho.c drivers/of/kexec.c Documentation/core-api/kho)

main() {
  parse_arguments "$@"
  local cache target
  cache=$(cache_dir)
  target=$cache/headers/$release-$wanted
  if [[ ! -e $target ]]; then
    require apt-get dpkg-deb tar xz flock debian-archive-keyring
    mkdir -p "$cache"/{headers,log}
    lock "$cache/headers/.lock"
    [[ -e $target ]] || fetch
  fi
  result "$target"
}

parse_arguments() {
  release='' wanted=headers
  while (($# > 0)); do
    case $1 in
      --release) release=${2:-} && shift ;;
      --release=*) release=${1#*=} ;;
      --source) wanted=source ;;
      -h | --help) print_help ;;
      *) usage_error "no such argument: $1" ;;
    esac
    shift || usage_error '--release needs a value, such as 7.3'
  done
  check_release "$release"
}

fetch() {
  local log=$cache/log/headers-$release.log mirrors
  : >"$log"
  mirrors=${KHOFORGE_DEBIAN_MIRROR:-$(machine_mirrors)}
  use_private_apt "$cache/apt-headers"
  find_linux "$mirrors"
  make_workdir "$cache/headers" "$release-$wanted"
  if [[ $wanted == source ]] || ! fetch_packages; then fetch_tarball; fi
  keep_as "$target"
}

# Takes the first mirror whose suites can be read and trusted.
find_linux() {
  local mirror
  [[ -n $1 ]] ||
    fail "$EXIT_COULD_NOT_RUN" "this machine's apt has no Debian mirror" \
      'set KHOFORGE_DEBIAN_MIRROR to the base URI of one'
  while read -r mirror; do
    write_sources "$mirror" deb deb-src
    phase 'asking a Debian mirror what it offers' "$log" update_lists
    [[ -z $(source_versions linux '') ]] || return 0
  done <<<"$1"
  fail "$EXIT_COULD_NOT_RUN" "no source package 'linux' from any of this machine's mirrors" \
    'set KHOFORGE_DEBIAN_MIRROR to the base URI of a full Debian mirror' "the whole log: $log"
}

# apt's own exit code is no measure: one suite may be missing on a mirror and the other do.
update_lists() { apt-get update || echo "apt-get update: exit $?"; }

# The common headers, and a flavour's where the machine's architecture has one. Fails
# when there are none of the release.
fetch_packages() {
  local common flavour version
  while read -r version common; do
    phase "downloading $common $version" "$log" try_download "$common=$version"
    [[ -n $(find "$workdir" -maxdepth 1 -name '*-common_*.deb') ]] || continue
    flavour=${common%-common}-$(dpkg --print-architecture)
    phase "downloading $flavour" "$log" try_download "$flavour=$version"
    phase 'unpacking them' "$log" unpack_packages
    echo "$common $version" >"$workdir/package"
    return 0
  done < <(common_packages)
  return 1
}

# `VERSION PACKAGE` lines, newest first.
common_packages() {
  local package
  for package in $(offered "linux-headers-$release" | grep -E "^linux-headers-${release/./\\.}[.+].*-common$"); do
    apt-cache madison "$package" | awk -v package="$package" '{ print $3, package }'
  done | grep -v '~rc' | sort -rV
}

try_download() { cd "$workdir" && apt-get download "$1" || echo "not there: $1"; }

unpack_packages() {
  local deb
  for deb in "$workdir"/*.deb; do
    dpkg-deb -x "$deb" "$workdir/unpacked"
    rm "$deb"
  done
  mv "$workdir"/unpacked/usr/src/*-common "$workdir/tree"
  ! mv "$workdir"/unpacked/usr/src/linux-headers-* "$workdir/build" 2>/dev/null || true
  rm -r "$workdir/unpacked"
}

# The index names versions that the pool no longer holds: the newest one that is there counts.
fetch_tarball() {
  local version
  while read -r version; do
    phase "downloading the source of linux $version (150 MB)" "$log" try_source "$version"
    [[ -n $(find "$workdir" -name '*.orig.tar.xz') ]] || continue
    phase 'unpacking what defines the ABI' "$log" unpack_tarball
    echo "linux $version (orig)" >"$workdir/package"
    return 0
  done < <(source_versions linux "$release")
  ! fetch_source_package || return 0
  fail "$EXIT_USAGE" "Debian has neither headers nor source of Linux $release any more" \
    'give a kernel tree with --tree' "the whole log: $log"
}

try_source() {
  cd "$workdir" && apt-get source --download-only --tar-only "linux=$1" || echo "not there: $1"
}

unpack_tarball() { unpack_paths <"$(echo "$workdir"/*.orig.tar.xz)" && rm "$workdir"/*.orig.tar.xz; }

# A path that a release lacks is no error; a tree without a Makefile is.
unpack_paths() {
  mkdir "$workdir/tree"
  tar -xJ -C "$workdir/tree" --strip-components=1 --no-same-owner \
    --wildcards --no-wildcards-match-slash "${PATHS[@]/#/*/}" || echo "tar: exit $?"
  [[ -e $workdir/tree/Makefile ]]
}

# Debian's own kernel source, with its patches.
fetch_source_package() {
  local package=linux-source-$release version
  version=$(newest_version "$package")
  [[ -n $version ]] || return 1
  phase "downloading $package $version (160 MB)" "$log" try_download "$package=$version"
  [[ -n $(find "$workdir" -maxdepth 1 -name '*.deb') ]] || return 1
  phase 'unpacking what defines the ABI' "$log" unpack_source_package
  echo "$package $version" >"$workdir/package"
}

unpack_source_package() {
  dpkg-deb --fsys-tarfile "$workdir"/*.deb |
    tar -xO "./usr/src/linux-source-$release.tar.xz" | unpack_paths
  rm "$workdir"/*.deb
}

main "$@"
