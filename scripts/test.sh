#!/usr/bin/env bash
# npm test: installs what is missing, builds, lints, runs all tests. The last line is "N passed, N failed, N skipped".
# A lint that fails, and a test file that cannot be loaded, count as failures.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/needs.sh tests </dev/null || echo "not everything is there: tests that need it are skipped, or fail"
bash scripts/needs.sh build </dev/null || {
  echo "bin/runts cannot be built"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}
PATH=$PWD/node_modules/.bin:$PATH

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

lint() {
  echo "== $*"
  "$@" </dev/null || failed=$((failed + 1))
}

# count WORD: the number in the runner's summary (" 12 pass"), or, when it was stopped before that, of its lines ("(pass) ...").
count() {
  awk -v word="$1" '
    index($0, "(" word ") ") == 1 { lines++ }
    NF == 2 && $2 == word && $1 ~ /^[0-9]+$/ { summary = $1; found = 1 }
    END { print (found ? summary : lines) + 0 }' "$log"
}

# tests LIMIT ARGUMENT... runs the runner, for LIMIT at most.
tests() {
  counted "$1" bun test "${@:2}"
}

# counted LIMIT COMMAND... runs what ends with the runner's summary.
counted() {
  local limit=$1 status before=$failed
  shift
  echo "== $*"
  timeout --kill-after=10 "$limit" "$@" </dev/null 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  passed=$((passed + $(count pass)))
  skipped=$((skipped + $(count skip) + $(count todo)))
  failed=$((failed + $(count fail)))
  [ "$status" = 0 ] || [ "$failed" -gt "$before" ] || {
    echo "the test runner ended with $status"
    failed=$((failed + 1))
  }
}

lint biome check .
lint tsc --noEmit
tests 300 ./src ./native-bindings ./scripts ./conformance/machine ./conformance/runtime-tools ./conformance/bats ./conformance/callers ./conformance/bench
tests 780 --timeout 60000 ./conformance/integration ./conformance/soak

# The same and more on cgroup v2, with systemd and AppArmor, in what is left of twenty minutes.
if [ "$(id -u)" = 0 ] && [ "$(uname -m)" = x86_64 ] && bash scripts/needs.sh vm </dev/null; then
  counted $((SECONDS < 900 ? 1170 - SECONDS : 270)) bun conformance/vm/main.ts
else
  echo "no virtual machine can be made here: its tests are skipped"
  skipped=$((skipped + 1))
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
