#!/bin/bash
# pull.sh - requests per second of the pull flow, against nginx as a plain proxy, in one run
#
# Same machine, same minute, same load: 64 keep-alive connections from wrk on core 1, where the app
# (nginx, answering 360 bytes of JSON) runs too; the proxy, be it sluisd with all its threads or one
# nginx worker, has core 0 to itself. nginx only hands bytes on; sluisd authenticates, decides,
# reduces, signs and waits for the disk. Runs alternate, so that a noisy machine hits both; medians
# are printed. Trust the ratio and the CPU per request; absolute numbers are this machine's.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tests/bench/pull.sh [-c CONNECTIONS] [-r ROUNDS] [-s SECONDS] [-t THREADS]

  -c  keep-alive connections (64)     -s  seconds of each run (4)
  -r  rounds (5)                      -t  sluisd's data threads (1), all on core 0

SLUIS_BUILD names the build folder (build/release); SLUIS_BENCH_DIR a folder for the ledger, on the
disk to be measured (build/bench).
END
}
connections=64 rounds=5 seconds=4 threads=1
while getopts c:r:s:t:h option; do
  case $option in
    c) connections=$OPTARG ;;
    r) rounds=$OPTARG ;;
    s) seconds=$OPTARG ;;
    t) threads=$OPTARG ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(realpath -m "${SLUIS_BUILD:-$root/build/release}")
"$root/tools/dev/deps.sh" bench >/dev/null
if [ -z "${SLUIS_BUILD:-}" ]; then
  [ -f "$build/build.ninja" ] || meson setup --buildtype=release "$build" "$root" >/dev/null
  ninja -C "$build" gateway/daemon/sluisd tools/sluis/sluis tools/sluis-audit/sluis-audit >/dev/null
fi
[ "$(nproc)" -ge 2 ] || { echo "pull.sh: needs two cores" >&2; exit 1; }
ulimit -n 8192

mkdir -p "${SLUIS_BENCH_DIR:-$root/build/bench}"
dir=$(mktemp -d "$(realpath "${SLUIS_BENCH_DIR:-$root/build/bench}")/pull-XXXXXX")
pids=()
# shellcheck disable=SC2317 # called by the trap
cleanup() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
chmod 755 "$dir"

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
wait_for_port() {
  local i
  for ((i = 0; i < 200; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.05
  done
  echo "pull.sh: nothing listens on port $1" >&2
  exit 1
}

app_port=$(free_port)
proxy_port=$(free_port)
body='{"type":"Feature","id":"lotte-499","geometry":{"type":"Point","coordinates":[4.901282,52.378796]},"properties":{"user":"lotte","recorded_at":"2026-11-02T07:16:40Z","speed_kmh":25.6,"heading":280,"accuracy_m":4.0,"street":"Piet Heinkade","device":{"model":"Fairphone 5","battery_percent":65,"wifi_ssid":"Bakkerij-Gasten"},"nearby_contacts":[{"name":"Saskia"}]}}'
fill() {
  sed -e "s|@DIR@|$dir|g" -e "s|@ROLE@|${2:-}|g" -e "s|@CORE_MASK@|${3:-}|g" -e "s|@USER@|$(id -un)|g" \
    -e "s|@APP_PORT@|$app_port|g" -e "s|@PROXY_PORT@|$proxy_port|g" -e "s|@BODY@|$body|g" "$here/$1"
}
start_nginx() {
  local role=$1 mask=$2
  fill "$role-server.conf.in" >"$dir/$role-server.conf"
  fill nginx.conf.in "$role" "$mask" >"$dir/$role.conf"
  nginx -p "$dir" -c "$dir/$role.conf" -e stderr 2>>"$dir/nginx.log" &
  pids+=($!)
}
PATH=$PATH:/usr/sbin
start_nginx app 10
start_nginx proxy 01
wait_for_port "$app_port"
wait_for_port "$proxy_port"
worker_of() { pgrep -P "$(cat "$dir/$1.pid")" | head -n 1; }
nginx_worker=$(worker_of proxy)

# The gateway: one partner, one person, precision and time coarsened, three fields kept.
sluis=$build/tools/sluis/sluis
"$sluis" init "$dir/node" --origin bench.example/gateway >/dev/null
config=$dir/node/sluis.yaml
made=$("$sluis" -c "$config" partner token --json)
token=$(jq -r .token <<<"$made")
sed -e "s|@HASH@|$(jq -r .hash <<<"$made")|" -e "s|@APP_PORT@|$app_port|" -e "s|@THREADS@|$threads|" \
  "$here/sluis.yaml.in" >"$config"
"$sluis" -c "$config" policy put "$here/policy.yaml" >/dev/null
pseudonym=$("$sluis" -c "$config" subject pseudonym --partner spotify lotte)
taskset -c 0 "$build/gateway/daemon/sluisd" -c "$config" 2>"$dir/sluisd.log" &
gateway=$!
pids+=("$gateway")
for ((i = 0; i < 400; i++)); do
  gateway_port=$(sed -n 's/.*ready: partners on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/sluisd.log")
  [ -z "$gateway_port" ] || break
  kill -0 "$gateway" 2>/dev/null || { cat "$dir/sluisd.log" >&2; exit 1; }
  sleep 0.05
done
path=/v1/drivers/$pseudonym/position
gateway_url=http://127.0.0.1:$gateway_port$path
nginx_url=http://127.0.0.1:$proxy_port/v1/drivers/lotte/position
answer=$(curl -s -D - -H "Authorization: Bearer $token" "$gateway_url")
grep -q '^HTTP/1.1 200' <<<"$answer" || { echo "pull.sh: no release: $answer" >&2; exit 1; }

# user and system time of a process, all threads, in clock ticks
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
hertz=$(getconf CLK_TCK)

# Sets requests_per_s, cpu_us and latency of one run.
measure() {
  local url=$1 pid=$2 before after n said
  before=$(ticks "$pid")
  said=$(taskset -c 1 wrk -t 1 -c "$connections" -d "${3:-$seconds}s" --latency \
    -H "Authorization: Bearer $token" "$url")
  after=$(ticks "$pid")
  if grep -qE 'Non-2xx|Socket errors' <<<"$said"; then
    printf 'pull.sh: not every request was answered:\n%s\n' "$said" >&2
    exit 1
  fi
  requests_per_s=$(awk '/^Requests\/sec:/ { print int($2) }' <<<"$said")
  n=$(awk '/ requests in / { print $1 }' <<<"$said")
  cpu_us=$(awk -v d=$((after - before)) -v hz="$hertz" -v n="$n" 'BEGIN { printf "%.1f", d * 1e6 / hz / n }')
  latency=$(awk '/^ *(50|99)%/ { printf "%s ", $2 }' <<<"$said")
}
median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

measure "$nginx_url" "$nginx_worker" 1
measure "$gateway_url" "$gateway" 1
nginx_rates=() nginx_cpus=() sluis_rates=() sluis_cpus=()
for ((round = 1; round <= rounds; round++)); do
  measure "$nginx_url" "$nginx_worker"
  nginx_rates+=("$requests_per_s") nginx_cpus+=("$cpu_us") nginx_latency=$latency
  measure "$gateway_url" "$gateway"
  sluis_rates+=("$requests_per_s") sluis_cpus+=("$cpu_us") sluis_latency=$latency
  echo "round $round: nginx ${nginx_rates[-1]}/s, sluisd ${sluis_rates[-1]}/s"
done

kill "$gateway" && wait "$gateway"
verified=$("$build/tools/sluis-audit/sluis-audit" verify "$dir/node/state/ledger" \
  --key "$dir/node/state/keys/ledger.vkey")

nginx_rate=$(median "${nginx_rates[@]}") sluis_rate=$(median "${sluis_rates[@]}")
echo
echo "$connections connections, ${#body}-byte body, ledger on $(df --output=fstype "$dir" | tail -n 1), medians of $rounds runs of ${seconds} s"
printf '%-8s %10s %16s   %s\n' "" "requests/s" "CPU us/request" "p50 p99 (last run)"
printf '%-8s %10d %16s   %s\n' nginx "$nginx_rate" "$(median "${nginx_cpus[@]}")" "$nginx_latency"
printf '%-8s %10d %16s   %s\n' sluisd "$sluis_rate" "$(median "${sluis_cpus[@]}")" "$sluis_latency"
echo "every answer of sluisd has its receipt: $(head -n 1 <<<"$verified")"
awk -v s="$sluis_rate" -v n="$nginx_rate" 'BEGIN { printf "ratio=%.2f\n", s / n }'
