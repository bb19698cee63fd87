#!/bin/bash
# ledger.sh - what a ledger of ten million receipts costs: to check, to prove from, to index, to keep
#
# The ledgers are made here by the recorder that gateways use, on a real disk: one as under full load
# (batches of hundreds), one as on a busy gateway (batches of some thirty), one with a receipt for
# each batch. Each is read from the disk once, then from the page cache. One core means one core:
# everything but --jobs runs pinned to core 0. sha256sum over the same files, on the same core in the
# same minute, is the peer: trust the ratio to it more than the seconds, which are this machine's.
set -euo pipefail

usage() {
  cat <<'END_OF_USAGE'
Usage: tests/bench/ledger.sh [-n RECEIPTS] [-r ROUNDS] [-k FOLDER]

  -n  receipts of the large ledger (10000000); the busy one has a tenth
  -r  rounds, of which the quickest counts (3): what else runs here only ever takes time
  -k  keep the ledgers in FOLDER, and use those that are there

SLUIS_BUILD names the build folder (build/release); SLUIS_BENCH_DIR a folder for the ledgers, on the
disk to be measured (build/bench). Ten million receipts take 5 GB.
END_OF_USAGE
}
receipts=10000000 rounds=3 keep=
while getopts n:r:k:h option; do
  case $option in
    n) receipts=$OPTARG ;;
    r) rounds=$OPTARG ;;
    k) keep=$OPTARG ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
[[ $receipts =~ ^[1-9][0-9]*$ && $rounds =~ ^[1-9][0-9]*$ && $receipts -ge 1000 ]] ||
  { echo "ledger.sh: wants at least 1000 receipts and 1 round" >&2; usage >&2; exit 2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(realpath -m "${SLUIS_BUILD:-$root/build/release}")
if [ -z "${SLUIS_BUILD:-}" ]; then
  "$root/tools/dev/deps.sh" build demo >/dev/null
  [ -f "$build/build.ninja" ] || meson setup --buildtype=release "$build" "$root" >/dev/null
fi
ninja -C "$build" tools/sluis-audit/sluis-audit tests/bench/bench_ledger_make \
  tests/bench/bench_ledger_prove tests/bench/bench_ledger_index >/dev/null
audit=$build/tools/sluis-audit/sluis-audit
bench=$build/tests/bench

if [ -n "$keep" ]; then
  mkdir -p "$keep"
  dir=$(realpath "$keep")
else
  mkdir -p "${SLUIS_BENCH_DIR:-$root/build/bench}"
  dir=$(mktemp -d "$(realpath "${SLUIS_BENCH_DIR:-$root/build/bench}")/ledger-XXXXXX")
  trap 'rm -rf "$dir"' EXIT
  trap 'exit 130' INT TERM
fi

# Runs a command; prints its seconds, its largest resident set in MiB, and its CPU seconds.
timed() {
  /usr/bin/python3 - "$@" <<'END_OF_PYTHON'
import os, subprocess, sys, time
begin = time.monotonic()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
status, usage = os.wait4(child.pid, 0)[1:]
print("%.3f %.1f %.3f" % (time.monotonic() - begin, usage.ru_maxrss / 1024,
                          usage.ru_utime + usage.ru_stime))
sys.exit(os.waitstatus_to_exitcode(status))
END_OF_PYTHON
}
least() { printf '%s\n' "$@" | sort -n | head -n 1; }
calculate() { awk "BEGIN { printf \"$1\", $2 }"; }
field() { sed -n "s/.*\\b$1=\\([0-9.]*\\).*/\\1/p"; }

make_ledger() { # name, receipts, in flight
  [ -d "$dir/$1/ledger" ] || "$bench/bench_ledger_make" "$dir/$1" "$2" "$3" >"$dir/$1.made" ||
    { rm -rf "${dir:?}/$1"; exit 1; }
  echo "$1: $(cat "$dir/$1.made")"
}
verify() { # name, options
  local name=$1
  shift
  timed "${pinned[@]}" "$audit" verify "$dir/$name/ledger" --key "$dir/$name/ledger.vkey" "$@"
}
# Bytes of the segments without the zeros that wait for receipts at the end, and of the index.
used_bytes() {
  /usr/bin/python3 - "$dir/$1" <<'END_OF_PYTHON'
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
segments = sorted((folder / "ledger").glob("*.seg"))
used = sum(segment.stat().st_size for segment in segments[:-1])
used += len(segments[-1].read_bytes().rstrip(b"\0"))
print(used, sum(file.stat().st_blocks * 512 for file in (folder / "index").iterdir()))
END_OF_PYTHON
}
disk_ratio() { # name
  local segments index
  read -r segments index < <(used_bytes "$1")
  calculate %.2f "($segments + $index) / $(field leaf_bytes <"$dir/$1.made")"
}

pinned=(taskset -c 0)
busy=$((receipts / 10))
make_ledger load "$receipts" 4096
make_ledger busy "$busy" 32
make_ledger single 5000 1

read -r cold_s _ _ < <(verify load)
hash_times=() load_times=() load_rss=() load_cpus=() jobs_times=() busy_times=() busy_jobs_times=()
for ((round = 1; round <= rounds; round++)); do
  read -r s _ < <(timed taskset -c 0 sha256sum "$dir"/load/ledger/*.seg); hash_times+=("$s")
  read -r s rss cpu < <(verify load); load_times+=("$s") load_rss+=("$rss") load_cpus+=("$cpu")
  read -r s _ < <(verify busy); busy_times+=("$s")
  pinned=()
  read -r s _ < <(verify load --jobs 2); jobs_times+=("$s")
  read -r s _ < <(verify busy --jobs 2); busy_jobs_times+=("$s")
  pinned=(taskset -c 0)
  echo "round $round: verify ${load_times[-1]} s (${load_cpus[-1]} s of CPU), with --jobs 2 ${jobs_times[-1]} s, sha256sum ${hash_times[-1]} s"
done

prove_means=() prove_worsts=() index_times=()
for ((round = 1; round <= rounds; round++)); do
  said=$(taskset -c 0 "$bench/bench_ledger_prove" "$dir/load" 20000)
  prove_means+=("$(field prove_ms <<<"$said")") prove_worsts+=("$(field prove_max_ms <<<"$said")")
  index_times+=("$(taskset -c 0 "$bench/bench_ledger_index" "$dir/load" 0 | field index_s)")
done
index_jobs_s=$("$bench/bench_ledger_index" "$dir/load" 1 | field index_s)

per_10m() { calculate %.2f "$1 * 10000000 / $2"; }
batch_of() { # name: receipts a batch
  "$audit" verify "$dir/$1/ledger" --key "$dir/$1/ledger.vkey" --json |
    /usr/bin/python3 -c 'import json, sys; r = json.load(sys.stdin); print("%.0f" % (r["receipts"] / r["batches"]))'
}
load_s=$(least "${load_times[@]}") hash_s=$(least "${hash_times[@]}")
index_s=$(least "${index_times[@]}")
echo
echo "$receipts receipts of $(calculate %.0f "$(field leaf_bytes <"$dir/load.made") / $receipts") bytes, on $(df --output=fstype "$dir" | tail -n 1), $(nproc) cores; the quickest of $rounds rounds, scaled to ten million"
row() { printf '%-44s %8s   %s\n' "$@"; }
row "verify, one core" "$(per_10m "$load_s" "$receipts") s" "$(per_10m "$(least "${load_cpus[@]}")" "$receipts") s of CPU; batches of $(batch_of load); $(calculate %.2f "$load_s / $hash_s") of sha256sum's $(per_10m "$hash_s" "$receipts") s over the same files"
row "  first time, from the disk" "$(per_10m "$cold_s" "$receipts") s"
row "  --jobs 2" "$(per_10m "$(least "${jobs_times[@]}")" "$receipts") s"
row "verify, one core, a busy gateway's batches" "$(per_10m "$(least "${busy_times[@]}")" "$busy") s" "batches of $(batch_of busy): nearly all of it is signatures"
row "  --jobs 2" "$(per_10m "$(least "${busy_jobs_times[@]}")" "$busy") s"
row "prove one receipt, mean" "$(least "${prove_means[@]}") ms" "worst of 20000: $(least "${prove_worsts[@]}") ms"
row "index anew, one core" "$(per_10m "$index_s" "$receipts") s" "$(calculate %.0f "$receipts / $index_s") receipts/s; with one more thread $(per_10m "$index_jobs_s" "$receipts") s"
row "disk for each byte of receipts" "$(disk_ratio load)" "one receipt a batch: $(disk_ratio single); a busy gateway: $(disk_ratio busy)"
echo
echo "verify_s_10m=$(per_10m "$load_s" "$receipts") verify_rss_mb=$(least "${load_rss[@]}") prove_ms=$(least "${prove_means[@]}") index_s=$(per_10m "$index_s" "$receipts") disk_ratio=$(disk_ratio load)"
