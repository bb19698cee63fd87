#!/bin/bash
# deps.sh - installs the Debian packages that building, testing or benchmarking Sluis needs
#
# Asks dpkg first and calls apt only for what is missing, so a second run does nothing and needs
# neither the network nor root. Nothing is installed from anywhere but Debian.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tools/dev/deps.sh [build|demo|test|bench]...

  build   compiler, Meson and the libraries Sluis links
  demo    what the demo needs on top of that: Python
  test    (default) all of the above, cmocka, pytest, chromium, clang's and cppcheck's checks
  bench   nginx and wrk, to measure against; not needed for anything else

Works as root, or through sudo.
END
}

packages_build=(build-essential meson ninja-build pkg-config libcurl4-openssl-dev
  libmicrohttpd-dev libgnutls28-dev liblmdb-dev libyaml-dev libssl-dev libjansson-dev
  libcmocka-dev libqrencode-dev scdoc tzdata ca-certificates)
packages_demo=(python3 python3-yaml curl)
packages_test=(clang clang-tidy clang-format libclang-rt-dev cppcheck openssl curl jq
  python3-pytest python3-jsonschema python3-rdflib faketime chromium)
packages_bench=(nginx-light wrk curl jq procps)

wanted=()
want() {
  case $1 in
    build) wanted+=("${packages_build[@]}") ;;
    demo) want build; wanted+=("${packages_demo[@]}") ;;
    test)
      want demo
      wanted+=("${packages_test[@]}")
      # Any node will do; Debian's only where there is none.
      command -v npm >/dev/null || wanted+=(nodejs npm) ;;
    bench) want demo; wanted+=("${packages_bench[@]}") ;;
    -h|--help) usage; exit 0 ;;
    *) echo "deps.sh: unknown group \"$1\"" >&2; usage >&2; exit 2 ;;
  esac
}
[ $# -gt 0 ] || set -- test
for group in "$@"; do want "$group"; done

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

command -v dpkg-query >/dev/null ||
  { echo "deps.sh: this is for Debian (no dpkg here); install by hand: ${wanted[*]}" >&2; exit 1; }

missing=()
while read -r package; do
  is_installed "$package" || missing+=("$package")
done < <(printf '%s\n' "${wanted[@]}" | sort -u)

if [ ${#missing[@]} -eq 0 ]; then
  echo "deps.sh: everything is there already ($*)"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    { echo "deps.sh: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi

# Debian starts nginx when it is installed. The benchmark starts its own on a port of its own, so
# here the service stays off, unless somebody has nginx already.
keep_nginx_off=false
policy=/usr/sbin/policy-rc.d
remove_policy() { ! $keep_nginx_off || "${as_root[@]}" rm -f "$policy"; }
if [[ " ${missing[*]} " == *" nginx-light "* && ! -e $policy ]]; then
  keep_nginx_off=true
  trap remove_policy EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  echo "deps.sh: nginx is installed without being started now; to keep it off after a reboot:" \
    "systemctl disable nginx"
fi

echo "deps.sh: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq)
"${apt[@]}" update </dev/null
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
echo "deps.sh: done"
