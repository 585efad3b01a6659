#!/usr/bin/env bash
# Installs what npm run build makes, for engines to call, or takes it away again. Says every file.
#
#   npm run install:system -- [--prefix DIR] [--as-runc]     builds first; DIR is /usr/local
#   npm run uninstall:system -- [--prefix DIR]
#
# --as-runc also makes PREFIX/sbin/runc a link to it, for callers that look for runc on PATH. DESTDIR goes before every path, for
# packagers. RUNTIME=path installs another build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

action=$1 prefix=/usr/local as_runc=
shift
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=${2:?--prefix wants a directory} && shift 2 ;;
    --prefix=*) prefix=${1#*=} && shift ;;
    --as-runc) as_runc=1 && shift ;;
    *)
      echo "no such option: $1 (there are --prefix DIR and --as-runc)" >&2
      exit 2
      ;;
  esac
done
case $prefix in /*) ;; *) echo "--prefix $prefix: not an absolute path" >&2 && exit 2 ;; esac

root=${DESTDIR:-}$prefix
binary=$root/sbin/runts
link=$root/sbin/runc
manual=$root/share/man/man8
completions=("bash:$root/share/bash-completion/completions/runts" "zsh:$root/share/zsh/site-functions/_runts"
  "fish:$root/share/fish/vendor_completions.d/runts.fish")

say() { printf '%-9s %s\n' "$@"; }

# place MODE TARGET: from stdin, by renaming, because the old one may be running. Written in one go, as scripts/build.mjs does it: it starts
# faster then, and takes less memory (docs/measurements.md).
place() {
  mkdir -p "$(dirname "$2")"
  dd bs=128M iflag=fullblock of="$2.new" status=none
  chmod "$1" "$2.new"
  mv -f "$2.new" "$2"
  say installed "$2"
}

install_all() {
  if [ -z "${RUNTIME:-}" ]; then bash scripts/needs.sh build; fi
  local runtime=${RUNTIME:-bin/runts} page each
  place 755 "$binary" <"$runtime"
  for page in man/*.8; do [ ! -e "$page" ] || place 644 "$manual/${page##*/}" <"$page"; done
  for each in "${completions[@]}"; do "$runtime" completion "${each%%:*}" | place 644 "${each#*:}"; done
  if [ -n "$as_runc" ]; then
    if [ -e "$link" ] && [ ! -L "$link" ]; then
      echo "$link is there and is no link: left alone" >&2
      exit 1
    fi
    ln -sfn runts "$link"
    say linked "$link -> runts"
  fi
  [ -n "${DESTDIR:-}" ] || "$binary" --version
}

uninstall_all() {
  local file each gone=
  if [ -L "$link" ] && [ "$(readlink "$link")" = runts ]; then set -- "$link"; else set --; fi
  for each in "${completions[@]}"; do set -- "$@" "${each#*:}"; done
  for file in "$@" "$manual"/runts.8 "$manual"/runts-*.8 "$binary"; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    rm -f "$file"
    say removed "$file"
    gone=1
  done
  [ -n "$gone" ] || echo "nothing of runts is below $root"
}

case $action in
  install) install_all ;;
  uninstall) uninstall_all ;;
  *) echo "install or uninstall, not $action" >&2 && exit 2 ;;
esac
