#!/bin/bash
# demo.sh - Sluis in five minutes: two apps, two partners, three people, and an auditor
#
# Builds, starts everything on this machine's loopback address, plays one flow of each kind, and
# shows what came out. Everything it makes lies in one folder; every process it starts, it ends.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tools/dev/demo.sh [--once] [--no-deps] [--port PORT] [DIR]
       tools/dev/demo.sh [--no-deps] --exchange NAME|list [DIR]

  --once       play it through and end; without it, the gateway stays up for you to try things
  --no-deps    do not look for missing Debian packages
  --port PORT  where partners call (default: 8460, with --once a free one)
  --exchange   play this one of policies/exchanges instead, and end; docs/exchanges.md has them
  DIR          keep the node here (must not exist); default: a temporary folder, removed at the end
END
}
once=false with_deps=true port='' dir='' exchange=''
while [ $# -gt 0 ]; do
  case $1 in
    --once) once=true ;;
    --no-deps) with_deps=false ;;
    --port) port=${2:?--port needs a number}; shift ;;
    --exchange) exchange=${2:?--exchange needs a name}; shift ;;
    -h|--help) usage; exit 0 ;;
    -*) echo "demo.sh: unknown option \"$1\"" >&2; usage >&2; exit 2 ;;
    *) dir=$1 ;;
  esac
  shift
done
if [ -z "$port" ]; then
  if $once; then port=0; else port=8460; fi
fi
[ -z "$dir" ] || dir=$(realpath -m "$dir")

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" # so that messages name files the short way
demo=$root/tools/demo
build=$root/build/release
export LC_ALL=C.UTF-8

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' green='' red='' plain=''
fi
chapter() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s\n' "$*"; }
command_line() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; }
fail() { printf '%sdemo.sh: %s%s\n' "$red" "$*" "$plain" >&2; exit 1; }

# --- build ---------------------------------------------------------------------------------

if $with_deps; then "$root/tools/dev/deps.sh" demo; fi
[ -f "$build/build.ninja" ] || meson setup --buildtype=release "$build" "$root" >/dev/null
say "Building (the first time takes a minute) ..."
built=$(ninja -C "$build" gateway/daemon/sluisd tools/sluis/sluis tools/sluis-audit/sluis-audit 2>&1) ||
  { printf '%s\n' "$built" | tail -n 40 >&2; fail "the build failed"; }
PATH=$build/gateway/daemon:$build/tools/sluis:$build/tools/sluis-audit:$PATH
export PATH
if [ "$exchange" = list ]; then exec "$demo/exchange.py"; fi
if [ -n "$exchange" ]; then exec "$demo/exchange.py" "$exchange" ${dir:+--folder "$dir"}; fi

# --- a place for it, and a way out ----------------------------------------------------------

scratch=$(mktemp -d "${TMPDIR:-/tmp}/sluis-demo-XXXXXX")
pids=()
# shellcheck disable=SC2317 # called by the trap
cleanup() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
node=${dir:-$scratch/node}

# Waits for "ready: ..." in file $1, written by process $2; prints what follows it.
wait_ready() {
  local i found
  for ((i = 0; i < 600; i++)); do
    found=$(sed -n 's/.*ready: //p' "$1" | head -n 1)
    if [ -n "$found" ]; then printf '%s\n' "$found"; return 0; fi
    kill -0 "$2" 2>/dev/null || break
    sleep 0.05
  done
  cat "$1" >&2
  fail "it did not start"
}
start_app() {
  "$demo/$1" --port 0 >"$scratch/$1.out" 2>&1 &
  pids+=($!)
  app_url=$(wait_ready "$scratch/$1.out" $!)
}

# --- start ---------------------------------------------------------------------------------

chapter "1. Two apps hold data about people"
start_app app_positions.py
positions_url=$app_url
start_app app_listening.py
listening_url=$app_url
say "Waze    at $positions_url   where people are, as GeoJSON"
say "Spotify at $listening_url   what they listen to, as Spotify's Web API says it"

chapter "2. A gateway stands between them and whoever wants the data"
command_line "sluis init $node"
sluis init "$node" --origin demo.sluis.example/amsterdam >/dev/null
config=$node/sluis.yaml
new_token() { sluis -c "$config" partner token --json; }
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
made=$(new_token)
spotify_token=$(field token <<<"$made") spotify_hash=$(field hash <<<"$made")
made=$(new_token)
recommender_token=$(field token <<<"$made") recommender_hash=$(field hash <<<"$made")
sed -e "s|@LISTEN@|127.0.0.1:$port|" -e "s|@POSITIONS_PORT@|${positions_url##*:}|" \
  -e "s|@LISTENING_PORT@|${listening_url##*:}|" -e "s|@SPOTIFY_HASH@|$spotify_hash|" \
  -e "s|@RECOMMENDER_HASH@|$recommender_hash|" "$demo/sluis.yaml.in" >"$config"
command_line "sluisd -c $config"
sluisd -c "$config" 2>"$scratch/sluisd.log" &
gateway=$!
pids+=("$gateway")
ready=$(wait_ready "$scratch/sluisd.log" "$gateway")
gateway_url=http://$(grep -oE '127\.0\.0\.1:[0-9]+' <<<"$ready" | head -n 1)
say "ready: $ready"

chapter "3. Three people say what may be done with theirs"
for person in lotte daan mila; do
  command_line "sluis policy put tools/demo/policies/$person.yaml"
  sed -n 's/^# /  /p' "$demo/policies/$person.yaml"
  sluis -c "$config" policy put "tools/demo/policies/$person.yaml" >/dev/null
done

# --- play ----------------------------------------------------------------------------------

# ask PERSON PARTNER ROUTE: sets status, receipt, and leaves raw.json and answer.json in scratch.
ask() {
  local person=$1 partner=$2 route=$3 token raw_url path pseudonym purpose=()
  pseudonym=$(sluis -c "$config" subject pseudonym --partner "$partner" "$person")
  if [ "$partner" = spotify ]; then token=$spotify_token; else token=$recommender_token; fi
  # A partner whose contract holds several purposes has to name one.
  [ "$partner" = spotify ] || purpose=(-H "Sluis-Purpose: recommendation")
  case $route in
    position)
      path=/v1/drivers/$pseudonym/position
      raw_url=$positions_url/v1/drivers/$person/position ;;
    listening)
      path=/v1/listeners/$pseudonym/recently-played?limit=5
      raw_url=$listening_url/v1/users/$person/player/recently-played?limit=5 ;;
  esac
  curl -sS -o "$scratch/raw.json" "$raw_url"
  command_line "curl -H 'Authorization: Bearer sluis_...' $gateway_url${path/$pseudonym/${pseudonym:0:8}...}"
  curl -sS -D "$scratch/head" -o "$scratch/answer.json" -H "Authorization: Bearer $token" \
    "${purpose[@]}" "$gateway_url$path"
  status=$(sed -n '1s/^HTTP\/1\.1 \([0-9]*\).*/\1/p' "$scratch/head")
  receipt=$(tr -d '\r' <"$scratch/head" | sed -n 's/^[Ss]luis-[Rr]eceipt: //p')
  last_pseudonym=$pseudonym
}
expect_released() {
  [ "$status" = 200 ] || { cat "$scratch/answer.json" >&2; fail "expected a release, got $status"; }
  "$demo/compare.py" "$scratch/raw.json" "$scratch/answer.json" --raw-title "$1" \
    --released-title "$2"
  say "${green}released${plain}, receipt $receipt"
}
expect_refused() {
  local found
  [ "$status" = 403 ] || { cat "$scratch/answer.json" >&2; fail "expected a refusal, got $status"; }
  found=$(field reason <"$scratch/answer.json")
  [ "$found" = "$1" ] || fail "expected to be refused as $1, not as $found"
  /usr/bin/python3 -m json.tool --indent 2 "$scratch/answer.json" | sed 's/^/  /'
  say "${red}refused${plain} ($found), receipt $receipt"
}

chapter "4. Released: Spotify asks where Daan is, and Daan lets it know all he can"
ask daan spotify position
expect_released "Waze knows of Daan" "Spotify gets"

chapter "5. Reduced: Spotify asks where Lotte is, and gets the neighbourhood, not the street"
ask lotte spotify position
expect_released "Waze knows of Lotte" "Spotify gets"

chapter "6. Reduced: the concert guide asks what Lotte listens to, and gets artists, not songs"
ask lotte recommender listening
expect_released "Spotify knows of Lotte" "the concert guide gets"

chapter "7. Refused: Spotify asks where Mila is, and Mila refuses that, whatever else she says"
ask mila spotify position
expect_refused refused

chapter "8. Withdrawn: Lotte changes her mind"
command_line "sluis policy withdraw lotte drive-playlists"
sluis -c "$config" policy withdraw lotte drive-playlists | sed 's/^/  /'
ask lotte spotify position
expect_refused no_consent

chapter "9. Each of these left a receipt; nobody is named in it"
key=(--key "$node/state/keys/ledger.vkey")
command_line "sluis-audit list $node/state/ledger --key $node/state/keys/ledger.vkey"
sluis-audit list "$node/state/ledger" "${key[@]}"
say
command_line "sluis-audit show 4 $node/state/ledger --key ..."
sluis-audit show 4 "$node/state/ledger" "${key[@]}"

chapter "10. An auditor checks the ledger, with nothing but the public key"
command_line "sluis-audit verify $node/state/ledger --key ..."
sluis-audit verify "$node/state/ledger" "${key[@]}"

say
say "Now somebody changes one byte in a copy of it, to make a refusal look like something else:"
cp -r "$node/state/ledger" "$scratch/copy"
/usr/bin/python3 "$demo/tamper.py" "$scratch/copy"
command_line "sluis-audit verify $scratch/copy --key ..."
if sluis-audit verify "$scratch/copy" "${key[@]}" 2>&1; then
  fail "the auditor did not see the change"
fi
say "${green}caught${plain}"

if $once; then
  chapter "That was it. To try things yourself: tools/dev/demo.sh"
  exit 0
fi

# --- stay ----------------------------------------------------------------------------------

ask daan spotify position >/dev/null
expect_released "" "" >/dev/null
cat <<END

${bold}The gateway is up. Try, in another terminal:${plain}

  PATH=$build/tools/sluis:$build/tools/sluis-audit:\$PATH
  cd $node

  # ask as Spotify does
  curl -i -H 'Authorization: Bearer $spotify_token' \\
    $gateway_url/v1/drivers/$last_pseudonym/position

  # what would Spotify get, and why?
  sluis policy explain daan --partner spotify --route position

  # change a policy, put it in force, and ask again
  sluis policy get daan > daan.yaml; \$EDITOR daan.yaml; sluis policy put daan.yaml

  # the ledger
  sluis-audit list state/ledger
  sluis-audit verify state/ledger --key state/keys/ledger.vkey

Ctrl-C ends it${dir:+; $node stays}.
END
wait "$gateway" || fail "the gateway ended: $(tail -n 3 "$scratch/sluisd.log")"
