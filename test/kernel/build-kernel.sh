#!/usr/bin/env bash
# build-kernel.sh [--release 7.3] [--source DIR] [--arch x86_64 | arm64] [--page-size 4K]
#   [--without-kho | --host] [--edits mended] [--config CONFIG_KERNEL_XZ=y]...
#
# Builds a small kernel that can receive a handover, from Debian's kernel source,
# and prints the path of its image. The first run fetches the source (160 MB, see
# fetch-source.sh) and compiles for a minute or two; the next ones find the kernel
# in the cache, until the source package, config/ or the compiler changes. With
# ccache (Debian's package) a variant of 7.3 compiles only what differs.
# Beside the image: config, System.map, vmlinux; with --host `source`, and what unpacks the kernel.
#
# --source DIR             a source like that of fetch-source.sh: linux/, version
# --page-size 16K          of arm64: 4K, 16K or 64K
# --without-kho            the same kernel with CONFIG_KEXEC_HANDOVER off
# --edits mended           the kernel that it is with edits of ours: a folder of edits/, or of another folder
#                          with a slash in its path. A file there is a sed(1) script whose first line names
#                          the file of the kernel that it edits; the source stays as it is, and what became
#                          of it is in `edits.diff` beside the image
# --host                   a kernel that runs Node, with BTF and DWARF in its vmlinux; needs pahole
# --config CONFIG_NAME=y   a line of configuration more, before that of config/ with the
#                          same name; =n for off
# KHOFORGE_CACHE           where to keep it all; ~/.cache/khoforge
# KHOFORGE_DEBIAN_MIRROR   base URI of a Debian mirror; else as this machine's apt
#
# Exit codes: 0 done, 2 bad usage or no such release, 3 could not run.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=../../scripts/lib/common.sh
source "$here/../../scripts/lib/common.sh"
# shellcheck source=../../scripts/lib/prerequisites.sh
source "$here/../../scripts/lib/prerequisites.sh"

main() {
  parse_arguments "$@"
  local cache key target
  require gcc "${cross}gcc" "${cross}ld" make flex bison bc libelf.h stdlib.h flock \
    apt-get dpkg-deb xz debian-archive-keyring ${pahole/#false/}
  cache=$(cache_dir)
  fetch_source
  key=$release-$arch-$page_size-$variant${edits:+-${edits##*/}}-$(fingerprint)
  target=$cache/kernel/$key
  if [[ ! -e $target ]]; then
    mkdir -p "$cache"/{kernel,log}
    lock "$cache/kernel/.lock-$key"
    [[ -e $target ]] || build
  fi
  result "$target/${image##*/}"
}

parse_arguments() {
  release=7.3 arch=x86_64 variant=kho source_dir='' page_size=4K edits='' more=()
  while (($# > 0)); do
    case $1 in
      --release) release=${2:-} && shift ;;
      --release=*) release=${1#*=} ;;
      --source) source_dir=${2:-} && shift ;;
      --source=*) source_dir=${1#*=} ;;
      --arch) arch=${2:-} && shift ;;
      --arch=*) arch=${1#*=} ;;
      --page-size) page_size=${2:-} && shift ;;
      --page-size=*) page_size=${1#*=} ;;
      --config) more+=("${2:-}") && shift ;;
      --config=*) more+=("${1#*=}") ;;
      --edits) edits=${2:-} && shift ;;
      --edits=*) edits=${1#*=} ;;
      --without-kho) variant=without-kho ;;
      --host) variant=host ;;
      -h | --help) print_help ;;
      *) usage_error "no such argument: $1" ;;
    esac
    shift || usage_error 'an argument lacks its value'
  done
  check_release "$release"
  case $arch in
    x86_64) image=arch/x86/boot/bzImage page_sizes=4K ;;
    arm64) image=arch/arm64/boot/Image page_sizes='4K 16K 64K' ;;
    *) usage_error "--arch '$arch': there are configs for x86_64 and arm64" ;;
  esac
  [[ " $page_sizes " == *" $page_size "* ]] ||
    usage_error "--page-size '$page_size': $arch has $page_sizes"
  local line
  for line in "${more[@]}"; do
    [[ $line =~ ^CONFIG_[A-Z0-9_]+=[a-z0-9]+$ ]] ||
      usage_error "--config '$line' is no line such as CONFIG_KERNEL_XZ=y"
  done
  scripts=()
  if [[ -n $edits ]]; then
    [[ $edits == */* ]] || edits=$here/edits/$edits
    shopt -s nullglob
    scripts=("$edits"/*.sed)
    shopt -u nullglob
    ((${#scripts[@]} > 0)) || usage_error "--edits '$edits' has no file *.sed"
  fi
  pahole=false
  [[ $variant != host ]] || pahole=pahole
  cross=$(cross_prefix "$arch")
}

# In the background, so that a signal that ends this script ends it as well.
fetch_source() {
  [[ -z $source_dir ]] || return 0
  source_dir=$cache/source/$release
  [[ ! -e $source_dir ]] || return 0
  start "$here/fetch-source.sh" --release "$release" >/dev/null
  wait "$child" || exit $?
  child=''
}

# What a built kernel depends on.
fingerprint() {
  {
    cat "$source_dir/version"
    "${cross}gcc" --version
    "${cross}ld" --version
    fragment
    ((${#scripts[@]} == 0)) || cat "${scripts[@]}"
  } | sha256sum | cut -c 1-12
}

# The lines of config/ that this release has, and those of --config. Of two lines for one name the last holds.
fragment() {
  lines | tac | awk -F= '!/^CONFIG_/ || !seen[$1]++' | tac
}

lines() {
  local absent
  absent=$(absent_lines)
  local fragments=(common "$arch" "$variant")
  [[ $variant != host ]] || fragments+=(kho)
  (cd "$here/config" && cat "${fragments[@]/%/.config}") | grep -vxF "${absent:-no such line}"
  [[ $arch != arm64 ]] || echo "CONFIG_ARM64_${page_size}_PAGES=y"
  ((${#more[@]} == 0)) || printf '%s\n' "${more[@]}"
}

# Lines of config/ that came with a later release, by config/since.
absent_lines() {
  local line since
  while read -r line since; do
    ! older_than "$since" || echo "$line"
  done < <(grep '^CONFIG_' "$here/config/since")
}

# older_than RELEASE: whether the kernel to build is.
older_than() { [[ $release != "$1" && $(printf '%s\n' "$release" "$1" | sort -V | head -n 1) == "$release" ]]; }

build() {
  local log=$cache/log/kernel-$key.log
  : >"$log"
  make_workdir "$cache/kernel" "$key"
  link_source
  edit_source
  compilers=() debug=()
  # Of what unpacks a kernel kbuild makes no DWARF (7.3, arch/x86/boot/compressed/Makefile).
  [[ $variant != host ]] || debug=('CFLAGS_kaslr.o=-gdwarf-5')
  ! shares_text || ! command -v ccache >/dev/null || use_ccache
  local absent
  absent=$(absent_lines | paste -sd ' ')
  [[ -z $absent ]] || say "Linux $release is older than $absent: built without"
  phase "configuring Linux $release for $arch with pages of $page_size, $variant" "$log" configure
  check_config "$tree/build/.config"
  phase "compiling it on $(nproc) CPUs" "$log" kernel_make -j"$(nproc)" "${image##*/}"
  # Debuggers take the DWARF of --host; of the others nobody asks for it, and it is five times the rest.
  [[ $variant == host ]] || "${cross}objcopy" --strip-debug "$tree/build/vmlinux"
  [[ $variant != host ]] || keep_for_coverage
  mv "$tree/build"/{"$image",System.map,vmlinux} "$workdir"
  mv "$tree/build/.config" "$workdir/config"
  ((${#scripts[@]} == 0)) || mv "$tree/edits.diff" "$workdir"
  rm -rf "$tree"
  keep_as "$target"
}

# The source by its usual name, and what unpacks the kernel where kbuild has it: `suite --coverage`.
keep_for_coverage() {
  ln -s "$(realpath "$source_dir/linux")" "$workdir/source"
  [[ $arch == x86_64 ]] || return 0
  mkdir -p "$workdir/arch/x86/boot/compressed"
  mv "$tree/build/arch/x86/boot/compressed/vmlinux" "$workdir/arch/x86/boot/compressed"
}

# The source by links, with the folder to build in right in it: so all sources are
# `../…` to make, whatever their tree and its folder are named, as they are in what
# ccache keeps (Makefile: srcroot).
link_source() {
  tree=$workdir/linux
  mkdir -p "$tree/build"
  find "$(realpath "$source_dir/linux")" -mindepth 1 -maxdepth 1 -exec ln -s -t "$tree" {} +
}

# Applies --edits. A file that is edited becomes a copy, and each folder above it a folder of links.
edit_source() {
  local edit file
  for edit in "${scripts[@]}"; do
    file=$(sed -n '1s/^# //p' "$edit")
    [[ -f $tree/$file ]] ||
      fail "$EXIT_USAGE" "$edit: Linux $release has no file '$file'" "its first line is '# ' and the name of one"
    unlink_path "$file"
    sed -f "$edit" "$tree/$file" >"$tree/edited"
    ! cmp -s "$tree/edited" "$tree/$file" || fail "$EXIT_USAGE" "$edit changes nothing in $file of Linux $release"
    diff -U0 --label "a/$file" --label "b/$file" "$tree/$file" "$tree/edited" >>"$tree/edits.diff" || true
    mv "$tree/edited" "$tree/$file"
  done
}

# unlink_path FILE: nothing above FILE in the tree is a link any more.
unlink_path() {
  local folder='' rest=$1 target
  while [[ $rest == */* ]]; do
    folder+=${folder:+/}${rest%%/*}
    rest=${rest#*/}
    [[ -L $tree/$folder ]] || continue
    target=$(realpath "$tree/$folder")
    rm "$tree/$folder"
    mkdir "$tree/$folder"
    find "$target" -mindepth 1 -maxdepth 1 -exec ln -s -t "$tree/$folder" {} +
  done
}

# Whether kernels of `kernels` are compiled from the same text for the most part, and which: of others ccache finds
# nothing, and reads all of it twice.
shares_text() { [[ $release == 7.3 && $page_size == 4K ]]; }

# Its own settings, not the user's. Only DWARF holds the folder of the build. What is
# not there yet is compiled from the preprocessed text, not preprocessed once more; not so
# the kernel's own tools, which take warnings for errors: gcc warns of more where it sees
# no macros (7.3, tools/lib/bpf/libbpf.c: hashmap__find() and -Waddress).
use_ccache() {
  compilers=(CC="ccache ${cross}gcc" HOSTCC='env -u CCACHE_NOCPP2 ccache gcc')
  export CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=2G CCACHE_NOHASHDIR=1 CCACHE_NOCPP2=1
}

# Nothing of who builds, where and when, nor of tools that it has no use for, gets
# into the image: it holds its config.
kernel_make() {
  make --no-print-directory -C "$tree" O="$tree/build" ARCH="$arch" CROSS_COMPILE="$cross" "${compilers[@]}" \
    "${debug[@]}" \
    KBUILD_BUILD_USER=khoforge KBUILD_BUILD_HOST=khoforge KBUILD_BUILD_VERSION=1 \
    RUSTC=false PAHOLE="$pahole" KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' "$@"
}

configure() {
  kernel_make tinyconfig
  fragment >>"$tree/build/.config"
  kernel_make olddefconfig
}

# Kconfig drops what depends on something absent, and does so in silence.
check_config() {
  local line refused=()
  while read -r line; do
    holds "$line" "$1" || refused+=("$line")
  done < <(fragment | grep '^CONFIG_')
  ((${#refused[@]} == 0)) && return
  fail "$EXIT_COULD_NOT_RUN" "Linux $release does not take this of config/:" "${refused[@]}" \
    "the whole log: $cache/log/kernel-$key.log"
}

holds() {
  case $1 in
    *=n) ! grep -q "^${1%n}" "$2" ;;
    *) grep -qxF "$1" "$2" ;;
  esac
}

main "$@"
