#!/usr/bin/env bash
# Provides what the other scripts need, says what it does, and does nothing that is done already.
#
#   scripts/needs.sh build          npm packages, and bin/runts newer than its sources
#   scripts/needs.sh hello          a static busybox for a container's root file system
#   scripts/needs.sh tests          what the tests call
#   scripts/needs.sh bench          hyperfine, time, and the runtimes to compare with
#   scripts/needs.sh conformance    Go, and the runtimes to compare with
#
# Several at once: scripts/needs.sh build tests. Debian packages are installed only by root and only when missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "needs: $*" >&2; }

# debian WHY COMMAND=PACKAGE... installs the packages of the commands that are missing.
debian() {
  local why=$1 pair missing=()
  shift
  for pair in "$@"; do
    PATH=$PATH:/usr/sbin:/sbin:/usr/local/go/bin command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "missing, $why: ${missing[*]} (install as root: apt-get install ${missing[*]})"
    return 1
  fi
  say "installing Debian packages, $why: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 </dev/null
}

npm_packages() {
  if [ -x node_modules/.bin/bun ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then return 0; fi
  say "installing the npm packages of package-lock.json (npm ci)"
  npm ci --no-fund --no-audit >&2 </dev/null
}

build() {
  npm_packages
  local newer
  if [ -x bin/runts ]; then
    newer=$(find src native-bindings scripts/build.mjs package-lock.json -type f ! -name '*.test.ts' -newer bin/runts -print -quit)
    [ -n "$newer" ] || return 0
    say "building bin/runts: $newer is newer"
  fi
  node scripts/build.mjs >&2
}

for need in "$@"; do
  case $need in
    build) build ;;
    hello) debian "for a container's root file system" busybox=busybox-static ;;
    tests)
      debian "for the tests" busybox=busybox-static strace=strace setpriv=util-linux newuidmap=uidmap
      # For a second opinion; runc brings the library libseccomp, with which filters are compared.
      debian "to compare with" runc=runc
      ;;
    bench) debian "for the benchmark" hyperfine=hyperfine time=time busybox=busybox-static runc=runc crun=crun ;;
    conformance) debian "for the conformance suites" go=golang-go busybox=busybox-static runc=runc crun=crun ;;
    *)
      say "no such need: $need"
      exit 2
      ;;
  esac
done
