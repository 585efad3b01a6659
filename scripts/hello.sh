#!/usr/bin/env bash
# npm run hello: from a fresh clone to a container, as root and as an ordinary user, told step by step.
# Ends with 0 only if what was seen from inside is a container's. RUNTIME=path tries another runtime.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

step "What is needed: the npm packages, the executable, and programs for the container to run"
if [ -z "${RUNTIME:-}" ]; then bash scripts/needs.sh build; fi
bash scripts/needs.sh hello || echo "no static busybox: the container gets this machine's own programs, read-only"
runtime=$(command -v "${RUNTIME:-bin/runts}")
runtime=$(realpath "$runtime")
"$runtime" --version

place=$(mktemp -d "${TMPDIR:-/tmp}/hello.XXXXXX")
chmod 755 "$place"
name=hello-$$
as=()
# What an ordinary user starts is deleted as that user.
cleanup() {
  for state in "$place"/*/state; do
    [ -d "$state" ] || continue
    for id in $(ls "$state"); do "${as[@]}" "$runtime" --root "$state" delete --force "$id" || true; done
  done
  rm -rf "$place"
}
trap cleanup EXIT

make_rootfs() {
  local root=$1/rootfs dir
  mkdir -p "$root"/{bin,proc,sys,dev,tmp,etc}
  if busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1; then
    cp "$busybox" "$root/bin/busybox"
    for applet in sh cat hostname id ls readlink; do ln -s busybox "$root/bin/$applet"; done
    return
  fi
  rmdir "$root/bin"
  mkdir "$root/usr"
  for dir in bin lib lib64; do
    if [ -L "/$dir" ]; then cp -P "/$dir" "$root/$dir"; elif [ -d "/$dir" ]; then mkdir "$root/$dir"; fi
  done
}

# The container's program tells what it sees; the marks at the line beginnings are for the checks below.
inside='
echo "pid        $$"
echo "hostname   $(hostname)"
echo "ids        $(id -u):$(id -g)"
echo "id map    " $(cat /proc/self/uid_map)
echo "processes " $(cd /proc && ls -d [0-9]* | cat)
while read -r line; do echo "cgroup     $line"; done </proc/self/cgroup
while read -r source point type options; do echo "mount      $point ($type)"; done </proc/self/mounts
echo "namespaces" $(cd /proc/self/ns && for ns in mnt pid uts ipc user; do readlink $ns; done)
'

# bundle DIRECTORY ARGUMENT...: the runtime's own default config with the program, without a terminal
bundle() {
  local dir=$1
  shift
  mkdir -p "$dir/state"
  make_rootfs "$dir"
  "$runtime" spec --bundle "$dir" "$@"
  CONFIG=$dir/config.json ROOTFS=$dir/rootfs NAME=$name INSIDE=$inside node -e '
    const fs = require("node:fs");
    const { CONFIG, ROOTFS, NAME, INSIDE } = process.env;
    const config = JSON.parse(fs.readFileSync(CONFIG, "utf8"));
    config.process.terminal = false;
    config.process.args = ["/bin/sh", "-c", INSIDE];
    config.hostname = NAME;
    if (process.argv[1] !== "--rootless") config.linux.cgroupsPath = `/${NAME}`;
    for (const dir of ["bin", "lib", "lib64", "usr"]) {
      const own = fs.lstatSync(`${ROOTFS}/${dir}`, { throwIfNoEntry: false });
      if (!own?.isDirectory() || fs.existsSync(`${ROOTFS}/bin/busybox`)) continue;
      config.mounts.push({ destination: `/${dir}`, type: "none", source: `/${dir}`, options: ["rbind", "ro"] });
    }
    fs.writeFileSync(CONFIG, JSON.stringify(config, null, 2));
  ' -- "$@"
}

# see FILE PATTERN WORDS: what was seen from inside, or the end
see() {
  if grep -Eq "$2" "$1"; then echo "   yes: $3"; else
    echo "   NO: $3" >&2
    exit 1
  fi
}

# check FILE: the facts that make it a container, whoever started it
check() {
  echo "-- is that a container?"
  see "$1" '^pid        1$' "its program is process 1"
  see "$1" '^processes +1( [0-9]{1,3}){0,4}$' "it sees no processes but its own"
  see "$1" "^hostname   $name\$" "it has the hostname of its config"
  see "$1" '^ids        0:0$' "it is root, to itself"
  see "$1" '^mount      /proc \(proc\)$' "it has a /proc of its own"
  for ns in mnt pid uts ipc; do
    if grep -q "$(readlink "/proc/self/ns/$ns")" "$1"; then
      echo "   NO: its $ns namespace is this machine's" >&2
      exit 1
    fi
  done
  echo "   yes: its mount, pid, uts and ipc namespaces are not this machine's"
}

if [ "$(id -u)" = 0 ]; then
  step "A container, started by root: $runtime run --bundle $place/root $name"
  bundle "$place/root"
  "$runtime" --root "$place/root/state" run --bundle "$place/root" "$name" | tee "$place/root.seen"
  check "$place/root.seen"
  see "$place/root.seen" "^cgroup .*(/$name|:/)\$" "it is in the cgroup /$name"
  as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi

step "The same, started by an ordinary user, through a user namespace that maps one id"
user=$("${as[@]}" id -u) group=$("${as[@]}" id -g)
if ! "${as[@]}" test -x "$runtime"; then
  echo "user $user cannot get to $runtime: a copy beside the bundle"
  cp "$runtime" "$place/runtime"
  runtime=$place/runtime
fi
bundle "$place/user" --rootless
sed -i "s/\"hostID\": [0-9]*/\"hostID\": $user/" "$place/user/config.json"
chown -R "$user:$group" "$place/user" 2>/dev/null || true
echo "$runtime run --bundle $place/user $name, as user $user"
"${as[@]}" env -u XDG_RUNTIME_DIR "$runtime" --root "$place/user/state" run --bundle "$place/user" "$name" | tee "$place/user.seen"
check "$place/user.seen"
see "$place/user.seen" "^id map     0 $user 1\$" "its root is user $user outside, and nobody else exists"

step "What is left"
for state in "$place"/*/state; do
  if [ -n "$(ls "$state")" ]; then
    echo "   NO: $state still has a container" >&2
    exit 1
  fi
done
if find /sys/fs/cgroup -maxdepth 2 -name "$name" | grep .; then
  echo "   NO: these cgroups were left behind" >&2
  exit 1
fi
echo "   nothing: no state, no cgroup; the bundles in $place are removed now"
