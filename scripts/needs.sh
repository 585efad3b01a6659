#!/usr/bin/env bash
# Provides what the other scripts need, says what it does, and does nothing that is done already.
#
#   scripts/needs.sh build          npm packages, and bin/runts newer than its sources
#   scripts/needs.sh hello          a static busybox for a container's root file system
#   scripts/needs.sh tests          what the tests call
#   scripts/needs.sh bench          hyperfine, time, and the runtimes to compare with
#   scripts/needs.sh conformance    Go, and the runtimes to compare with
#   scripts/needs.sh vm             an emulator, and what makes a system for it
#   scripts/needs.sh bats           what runc's own integration tests call
#   scripts/needs.sh callers-ctr    containerd; also callers-docker, -podman, -cri, -cri-o: engines, without starting their services
#
# Several at once: scripts/needs.sh build tests. Debian packages are installed only by root and only when missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "needs: $*" >&2; }

# No "grep -q" here: it ends early, and with pipefail the broken pipe of the other side would count.
has() {
  case $1 in
    *.so.*) PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep "$1 " >/dev/null ;;
    objdump:*) command -v objdump >/dev/null && objdump -i | grep "^ *${1#*:}$" >/dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin:/usr/local/go/bin command -v "$1" >/dev/null ;;
  esac
}

# debian WHY THING=PACKAGE... installs the packages of what is missing: commands, libraries, architectures of objdump.
debian() {
  local why=$1 pair missing=()
  shift
  for pair in "$@"; do has "${pair%%=*}" || missing+=("${pair#*=}"); done
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

# engines WHY THING=PACKAGE... is debian for packages with services, which are not started: policy-rc.d says no meanwhile.
engines() {
  local policy=/usr/sbin/policy-rc.d mine=
  if [ "$(id -u)" = 0 ] && [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    mine=1
  fi
  debian "$@" && set -- 0 || set -- 1
  [ -z "$mine" ] || rm -f $policy
  return "$1"
}

npm_packages() {
  if [ -x node_modules/.bin/bun ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then return 0; fi
  # Not npm ci: it refuses a lock that does not list every platform's optional packages, which some mirrors leave out.
  say "installing the npm packages of package-lock.json (npm install)"
  npm install --no-save --no-fund --no-audit >&2 </dev/null
}

build() {
  npm_packages
  local newer
  if [ -x bin/runts ]; then
    newer=$(find src native-bindings scripts/build.mjs scripts/manual package-lock.json -type f ! -name '*.test.ts' -newer bin/runts -print -quit)
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
      debian "for containers in tests" busybox=busybox-static setpriv=util-linux newuidmap=uidmap libseccomp.so.2=libseccomp2 ip=iproute2
      debian "to test terminals, completions and manual pages" tmux=tmux zsh=zsh fish=fish groff=groff-base man=man-db
      if grep -qs Y /sys/module/apparmor/parameters/enabled; then debian "to load AppArmor profiles" apparmor_parser=apparmor; fi
      # Not every release has it, nor does it fit every kernel: tests that want it are skipped then.
      has criu || debian "to checkpoint and restore in tests" criu=criu || say "no criu: tests of checkpoint and restore are skipped"
      # The programs for the other architecture are read back and run, too.
      debian "to test programs for arm64" objdump:aarch64=binutils-multiarch qemu-aarch64=qemu-user
      ;;
    bench) debian "for the benchmark" hyperfine=hyperfine time=time busybox=busybox-static runc=runc crun=crun ;;
    conformance) debian "for the conformance suites" go=golang-go busybox=busybox-static runc=runc crun=crun ;;
    vm)
      debian "for the virtual machine" qemu-system-x86_64=qemu-system-x86 debootstrap=debootstrap mkfs.ext4=e2fsprogs \
        depmod=kmod busybox=busybox-static setpriv=util-linux
      ;;
    # What runc's own tests call; with criu they also checkpoint. The checkout of runc wants Go and libseccomp to be built.
    bats)
      debian "for runc's own tests" bats=bats busybox=busybox-static debootstrap=debootstrap gawk=gawk jq=jq sudo=sudo script=bsdutils \
        bc=bc ip=iproute2 iptables=iptables gcc=gcc git=git newuidmap=uidmap ps=procps criu=criu
      ;;
    callers-ctr) engines "to call the runtime" containerd=containerd ip=iproute2 tini=tini busybox=busybox-static runc=runc ;;
    callers-cri)
      engines "to call the runtime" containerd=containerd ip=iproute2 tini=tini busybox=busybox-static runc=runc \
        go=golang-go /usr/lib/cni/bridge=containernetworking-plugins iptables=iptables
      ;;
    callers-cri-o) engines "to call the runtime" conmon=conmon ip=iproute2 tini=tini busybox=busybox-static runc=runc ;;
    callers-docker)
      engines "to call the runtime" dockerd=docker.io containerd=containerd ip=iproute2 tini=tini busybox=busybox-static \
        runc=runc iptables=iptables
      ;;
    callers-podman)
      engines "to call the runtime" podman=podman conmon=conmon ip=iproute2 tini=tini busybox=busybox-static runc=runc \
        /usr/bin/tini-static=tini newuidmap=uidmap catatonit=catatonit /usr/lib/cni/bridge=containernetworking-plugins iptables=iptables
      ;;
    *)
      say "no such need: $need"
      exit 2
      ;;
  esac
done
