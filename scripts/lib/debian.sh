# shellcheck shell=bash
# Packages of newer Debian suites, fetched through an apt of our own: its state,
# sources and cache are in our cache folder, and the machine's stay as they are.

readonly DEBIAN_SUITES=(sid trixie-backports)

# use_private_apt DIR: from here on, apt-get and apt-cache work in DIR.
use_private_apt() {
  apt_dir=$1
  mkdir -p "$apt_dir"/{lists,archives}/partial
  chmod 700 "$apt_dir"
  : >"$apt_dir/status"
  private_apt_conf >"$apt_dir/apt.conf"
  export APT_CONFIG=$apt_dir/apt.conf
}

# Of the machine's configuration only how to reach a mirror is kept (proxies and
# the like): its hooks would tidy the machine's own apt. The sandbox user could
# not enter a cache folder below /root.
private_apt_conf() {
  apt-config dump --no-empty | grep '^Acquire::' | grep -v '^Acquire::\(IndexTargets\|Languages\)'
  cat <<EOF
Acquire::Languages "none";
APT::Sandbox::User "root";
Dir::State "$apt_dir";
Dir::State::lists "$apt_dir/lists";
Dir::State::status "$apt_dir/status";
Dir::Cache "$apt_dir";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "$apt_dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
EOF
}

# Where this machine gets Debian from, best guess first, one base URI a line. To
# be called before use_private_apt. Asked without release files, so that it
# answers before any `apt-get update`, and so in words of the sources alone:
# another vendor's repository for Debian can look the same. The keyring decides.
machine_mirrors() {
  local suites='stable|oldstable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke'
  local found
  # shellcheck disable=SC2016 # the $(...) are apt's
  found=$(apt-get indextargets --no-release-info --format '$(COMPONENT)|$(RELEASE)|$(REPO_URI)' \
    'Created-By: Packages' | grep -E "^main\|($suites)(-updates|-backports)?\|" |
    cut -d '|' -f 3 | grep -Ev '^cdrom:|-security/?$' | awk '!seen[$0]++') || return 0
  grep -E '/debian(\.list)?/$' <<<"$found" || true
  grep -Ev '/debian(\.list)?/$' <<<"$found" || true
}

# write_sources MIRROR [TYPE...]: TYPE is deb, which is the default, or deb-src.
write_sources() {
  local mirror=$1 type suite
  shift
  for type in "${@:-deb}"; do
    for suite in "${DEBIAN_SUITES[@]}"; do
      echo "$type [signed-by=$(debian_keyring) arch=$(dpkg --print-architecture)] $mirror $suite main"
    done
  done >"$apt_dir/sources.list"
}

# offered PREFIX: the names of the packages that begin so, in version order.
offered() { apt-cache pkgnames "$1" | sort -V; }

# newest_version PACKAGE: over all suites, whatever apt would prefer;
# apt-cache lists versions newest first.
newest_version() { apt-cache madison "$1" | awk 'NR == 1 { print $3 }'; }

# source_versions PACKAGE RELEASE: the versions of a source package that belong to
# RELEASE, all when it is empty; newest first.
source_versions() {
  apt-cache madison "$1" | awk -v release="$2" '
    $NF == "Sources" && (release == "" || index($3, release ".") == 1) { print $3 }' | sort -Vru
}
