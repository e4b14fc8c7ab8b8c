# shellcheck shell=bash
# How the scripts in this folder talk, fail, lock, and run what takes long.
# A script that sources this prints its result with `result`; all else, its own
# talk and its tools', goes to stderr.

readonly EXIT_USAGE=2 EXIT_COULD_NOT_RUN=3

exec 3>&1 1>&2
# A build started from npm or another make must not inherit that make's flags.
unset MAKEFLAGS MAKELEVEL ARCH CROSS_COMPILE KBUILD_OUTPUT KCONFIG_CONFIG LLVM
export LC_ALL=C

script=${0##*/}
child=''
workdir=''

say() { printf '%s\n' "$*" >&2; }
result() { printf '%s\n' "$1" >&3; }

# fail CODE LINE...: the first line says what is wrong, the others how to go on.
fail() {
  local code=$1
  shift
  say "$script: $1"
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit "$code"
}

usage_error() { fail "$EXIT_USAGE" "$1" "see $script --help"; }

# The comment at the head of the script is its help text.
print_help() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&3
  exit 0
}

cache_dir() {
  local dir=${KHOFORGE_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/khoforge}
  [[ $dir == /* && $dir != /.cache/khoforge ]] ||
    fail "$EXIT_USAGE" "no absolute path to keep kernels in: '$dir'" \
      'set KHOFORGE_CACHE to a folder with 2.5 GB to spare'
  # make(1) and the kernel's build cannot handle these in a path.
  [[ $dir != *[[:space:]:]* ]] ||
    fail "$EXIT_USAGE" "a kernel cannot be built in '$dir': the path holds a space or a colon" \
      'set KHOFORGE_CACHE to another folder'
  mkdir -p "$dir" || fail "$EXIT_COULD_NOT_RUN" "cannot make the cache folder $dir"
  printf '%s\n' "$dir"
}

# check_release RELEASE: such as 7.3, as in the package's name.
check_release() {
  [[ $1 =~ ^[0-9]+\.[0-9]+$ ]] || usage_error "--release '$1' is no release such as 7.3"
}

# lock FILE: waits until this is the only run that holds FILE, until it exits.
lock() {
  exec 9>"$1"
  flock -n 9 && return
  say "waiting for another run that holds $1"
  flock 9
}

# make_workdir PARENT NAME: sets workdir. What an earlier, killed run left under
# this name goes first; call it only with NAME's lock held.
make_workdir() {
  rm -rf "$1/.unfinished-$2".*
  workdir=$(mktemp -d "$1/.unfinished-$2.XXXXXX")
}

# keep_as TARGET: the finished workdir becomes TARGET, in one step.
keep_as() {
  chmod 755 "$workdir"
  mv -T "$workdir" "$1"
  workdir=''
}

# start COMMAND...: in the background, in a process group of its own, so that
# clean_up can end all it started. It keeps our lock: should this script be killed
# outright, the next run waits until what it left behind has ended too.
start() {
  set -m
  "$@" 3>&- </dev/null &
  child=$!
  set +m
}

clean_up() {
  if [[ -n $child ]]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  [[ -z $workdir ]] || rm -rf "$workdir"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# phase TITLE LOG COMMAND...: runs COMMAND with its output added to LOG, and
# shows that it is alive: one changing line on a terminal, else a line now and
# then. Ends the script when COMMAND fails.
phase() {
  local title=$1 log=$2 code=0
  shift 2
  printf '== %s\n' "$title" >>"$log"
  start "$@" >>"$log" 2>&1
  show_progress "$title" "$log"
  wait "$child" || code=$?
  child=''
  ((code == 0)) || phase_failed "$title" "$log" "$code"
}

show_progress() {
  local title=$1 log=$2 begin=$SECONDS next=30 seconds=0
  [[ -t 2 ]] || say "$title ..."
  while kill -0 "$child" 2>/dev/null; do
    seconds=$((SECONDS - begin))
    if [[ -t 2 ]]; then
      printf '\r[%4d s] %s  %s\033[K' "$seconds" "$title" "$(last_line "$log")"
    elif ((seconds >= next)); then
      say "[$(printf '%4d' "$seconds") s] still at it: $(last_line "$log")"
      next=$((next + 30))
    fi
    sleep 0.2
  done
  [[ ! -t 2 ]] || printf '\r\033[K'
  say "[$(printf '%4d' $((SECONDS - begin))) s] $title"
}

last_line() { tail -n 1 "$1" | tr -cd '[:print:]' | cut -c 1-50; }

phase_failed() {
  say "--- the last lines of $2"
  tail -n 30 "$2"
  fail "$EXIT_COULD_NOT_RUN" "failed ($3): $1" "the whole log: $2"
}
