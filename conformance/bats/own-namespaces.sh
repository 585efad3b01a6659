#!/bin/sh
# own-namespaces.sh SCRATCH COMMAND... runs a command where it can do no harm to the machine, as the first process of new mount and
# pid namespaces: whatever it leaves mounted or running goes with it. /run, /etc, /usr/bin and the directory that cgroups are mounted
# in are its own to change.
set -eu
scratch=$1
shift

mount -t tmpfs -o mode=755 tmpfs /run

# rootless.sh makes users' ids and takes newuidmap away.
for directory in /etc /usr/bin; do
  layer=$scratch/layers$directory
  mkdir -p "$layer/upper" "$layer/work"
  mount -t overlay -o "lowerdir=$directory,upperdir=$layer/upper,workdir=$layer/work" overlay $directory
done
# The name that rootless.sh and its cgroups want; its home is in the scratch directory.
id rootless >/dev/null 2>&1 || useradd --home-dir "$scratch/home" --shell /bin/bash rootless
# rootless.sh stops where nobody else has subordinate ids.
for ids in /etc/subuid /etc/subgid; do echo nobody:524288:65536 >>$ids; done
mkdir -p "$scratch/home"
chown rootless: "$scratch/home"

# On version 1 the tests make directories for every hierarchy, also for those that aren't mounted; and rootless.sh wants those
# mounted that its own /proc/self/cgroup has.
if [ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ]; then
  mkdir /run/cgroup
  mount -t tmpfs -o mode=755 cgroup /run/cgroup
  for directory in /sys/fs/cgroup/*; do
    name=${directory##*/}
    if [ -L "$directory" ]; then
      cp -P "$directory" "/run/cgroup/$name"
    elif mountpoint -q "$directory"; then
      mkdir "/run/cgroup/$name"
      mount --move "$directory" "/run/cgroup/$name"
    fi
  done
  umount -l /sys/fs/cgroup
  mount --move /run/cgroup /sys/fs/cgroup
  rmdir /run/cgroup
  cut -d: -f2 /proc/self/cgroup | while read -r controllers; do
    name=${controllers#name=}
    [ -n "$name" ] && [ ! -e "/sys/fs/cgroup/$name" ] || continue
    mkdir "/sys/fs/cgroup/$name"
    mount -t cgroup -o "$controllers" cgroup "/sys/fs/cgroup/$name"
  done
fi

if [ -n "${OWN_NETWORK:-}" ]; then ip link set lo up; fi
# An input that never ends: script(1) would type the end into the terminal, and containers would see it.
mkfifo "$scratch/tmp/input"
# Not exec: this shell stays, to reap what the containers leave to it.
"$@" 0<>"$scratch/tmp/input"
