# shellcheck shell=bash
# What has to be installed, as Debian packages.

# require NEED...: ends the script when a NEED's tool is missing, naming all that
# are and the one command that installs them.
require() {
  local need missing=() packages=()
  for need in "$@"; do
    if ! has "$need"; then
      missing+=("$need")
      packages+=("$(package_of "$need")")
    fi
  done
  ((${#missing[@]} == 0)) && return
  fail "$EXIT_COULD_NOT_RUN" "missing: $(one_line "${missing[@]}")" \
    "as root: apt-get update && apt-get install -y $(one_line "${packages[@]}")"
}

one_line() { printf '%s\n' "$@" | sort -u | paste -sd ' '; }

# A NEED is a command's name, or a file that a compiler has to find.
has() {
  case $1 in
    *.h) echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1 ;;
    *.a) [[ $(gcc -print-file-name="$1" 2>/dev/null) == /* ]] ;;
    debian-archive-keyring) [[ -n $(debian_keyring) ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

package_of() {
  case $1 in
    ld | objcopy) echo binutils ;;
    libelf.h) echo libelf-dev ;;
    stdlib.h | libc.a) echo libc6-dev ;;
    xz) echo xz-utils ;;
    dpkg-deb) echo dpkg ;;
    apt-get) echo apt ;;
    x86_64-linux-gnu-*) echo gcc-x86-64-linux-gnu ;;
    aarch64-linux-gnu-*) echo gcc-aarch64-linux-gnu ;;
    *) echo "$1" ;;
  esac
}

debian_keyring() {
  local file
  for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    [[ ! -r $file ]] || { echo "$file" && return; }
  done
}

# cross_prefix ARCH: of the compiler's name, empty where ARCH is this machine's.
cross_prefix() {
  local machine=${1/arm64/aarch64}
  [[ $(uname -m) == "$machine" ]] || echo "$machine-linux-gnu-"
}
