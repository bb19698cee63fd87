#!/bin/bash
# test.sh - everything that has to hold before a change goes in
#
# The last line says it alone: "N passed, N failed". The exit code is 0 only when nothing failed.
# Build folders are kept in build/ at the project's root, so that a second run is quick.
set -uo pipefail

usage() {
  cat <<'END'
Usage: tools/dev/test.sh [--quick] [--no-deps]

  1. gcc with ASan and UBSan: unit tests, replayed fuzz corpus, flow, crash and
     browser tests
  2. gcc with TSan: what runs in threads, and withdrawals under load
  3. clang, warnings as errors
  4. clang-tidy and cppcheck
  5. release build, and the demo from end to end

  --quick     only the first
  --no-deps   do not look for missing Debian packages
END
}

quick=false
with_deps=true
for argument in "$@"; do
  case $argument in
    --quick) quick=true ;;
    --no-deps) with_deps=false ;;
    -h|--help) usage; exit 0 ;;
    *) echo "test.sh: unknown option \"$argument\"" >&2; usage >&2; exit 2 ;;
  esac
done

exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
root=$PWD
logs=$root/build/logs
mkdir -p "$logs"
# Short, because a node's control socket lies below it and has at most 107 bytes.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sluis-XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
python=/usr/bin/python3
export LC_ALL=C.UTF-8
# Sanitizers end a program at the first finding, so that no test passes in spite of one.
export ASAN_OPTIONS=detect_leaks=1:exitcode=99
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:exitcode=99
export TSAN_OPTIONS=halt_on_error=1:exitcode=99:second_deadlock_stack=1
unset CFLAGS LDFLAGS CC

n_passed=0
n_failed=0

title() { printf '\n== %s (at %dm%02ds)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

finish() {
  title "done"
  printf '%d passed, %d failed\n' "$n_passed" "$n_failed"
  [ "$n_failed" -eq 0 ]
  exit $?
}

# A step that is one check: its output is kept, and shown only when it fails.
check() {
  local name=$1
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    n_passed=$((n_passed + 1))
    echo "ok: $name"
    return 0
  fi
  n_failed=$((n_failed + 1))
  echo "FAILED: $name; the end of $logs/$name.log:"
  tail -n 60 "$logs/$name.log"
  return 1
}

# A step that others rest on; it counts only when it fails.
need() {
  local name=$1
  shift
  "$@" >"$logs/$name.log" 2>&1 && return 0
  n_failed=$((n_failed + 1))
  echo "FAILED: $name; the end of $logs/$name.log:"
  tail -n 60 "$logs/$name.log"
  return 1
}

add_counts() {
  local passed failed skipped
  read -r passed failed skipped < <("$python" tools/dev/count_tests.py "$1" "$2")
  n_passed=$((n_passed + ${passed:-0}))
  n_failed=$((n_failed + ${failed:-1}))
  echo "$3: ${passed:-0} passed, ${failed:-1} failed, ${skipped:-0} skipped"
}

build() {
  local name=$1
  shift
  need "build-$name" build_quietly "$name" "$@"
}
build_quietly() {
  local name=$1
  shift
  [ -f "build/$name/build.ninja" ] || meson setup "build/$name" "$@" || return 1
  ninja -C "build/$name"
}

unit_tests() {
  local name=$1
  shift
  rm -f "build/$name/meson-logs/testlog.json"
  CMOCKA_MESSAGE_OUTPUT=TAP "${without_aslr[@]}" \
    meson test -C "build/$name" --no-rebuild --print-errorlogs --timeout-multiplier 5 "$@" \
    >"$logs/unit-$name.log" 2>&1 || tail -n 80 "$logs/unit-$name.log"
  add_counts meson "build/$name/meson-logs/testlog.json" "unit tests, $name"
}

flow_tests() {
  local name=$1
  shift
  rm -f "$logs/flow-$name.xml"
  SLUIS_BUILD=$root/build/$name "${without_aslr[@]}" "$python" -B -m pytest -q \
    --junitxml="$logs/flow-$name.xml" -c tests/pytest.ini --rootdir tests \
    --basetemp "$scratch/$name" "$@" \
    >"$logs/flow-$name.log" 2>&1 || tail -n 120 "$logs/flow-$name.log"
  add_counts pytest "$logs/flow-$name.xml" "flow and crash tests, $name"
}

browser_tests() {
  local name=$1
  rm -f "$logs/browser-$name.xml"
  SLUIS_BUILD=$root/build/$name SLUIS_BROWSER=$root/build/browser "$python" -B -m pytest -q \
    --junitxml="$logs/browser-$name.xml" -c tests/pytest.ini --rootdir tests \
    --basetemp "$scratch/browser" tests/browser \
    >"$logs/browser-$name.log" 2>&1 || tail -n 120 "$logs/browser-$name.log"
  add_counts pytest "$logs/browser-$name.xml" "browser tests, $name"
}

tidy() {
  find gateway tools include -name '*.c' -print0 |
    xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build/clang --quiet --warnings-as-errors='*'
}

without_aslr=()

if $with_deps; then
  title "Debian packages"
  need deps tools/dev/deps.sh test || finish
fi

title "1. ASan and UBSan"
build asan -Db_sanitize=address,undefined -Db_lundef=false || finish
unit_tests asan
flow_tests asan tests/flow tests/crash tests/cli
if need browser-packages tools/dev/browser.sh; then browser_tests asan; fi
! $quick || finish

title "2. TSan"
if build tsan -Db_sanitize=thread -Db_lundef=false; then
  # gcc 12's TSan can't place its memory when the kernel randomises addresses as widely as new ones
  # do; without randomisation it can.
  setarch -R true 2>/dev/null && without_aslr=(setarch -R)
  threaded=$(meson test -C build/tsan --no-rebuild --list 2>/dev/null |
    grep -oE '[a-z_]+/(recorder|ledger_reader|mailbox|loop|server|edge|thread|node|consent|situations|walk_ahead)[a-z_]*' | sort -u)
  # shellcheck disable=SC2086 # one argument each
  unit_tests tsan $threaded
  flow_tests tsan tests/flow/test_release.py tests/crash/test_withdrawal.py \
    tests/flow/test_witnesses.py::test_two_of_three_real_witnesses_are_a_quorum
  without_aslr=()
fi

title "3. clang"
CC=clang build clang && { n_passed=$((n_passed + 1)); echo "ok: clang has no warning"; }

title "4. Static checks"
check clang-tidy tidy
# cppcheck does not know cleanup by attribute (memleak, autoVariables), nor parameters that only go
# out (ctuuninitvar), nor that a digit's weight reaches 1 when nothing is left, or that a mean is of
# somebody (zerodivcond).
check cppcheck cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr \
  --suppress=missingIncludeSystem --suppress=memleak --suppress=autoVariables \
  --suppress=ctuuninitvar --suppress=zerodivcond:gateway/base/coarseness.c \
  --suppress=zerodivcond:gateway/transform/mean.c --std=c11 \
  -j "$(nproc)" -I gateway -I include -D_GNU_SOURCE gateway include tools/common tools/sluis tools/sluis-audit

title "5. Release build and demo"
build release --buildtype=release && check demo env NO_COLOR=1 tools/dev/demo.sh --once --no-deps

finish
