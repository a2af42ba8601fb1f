#!/bin/sh
# Installs the real servers that test/peers runs against. Idempotent. What cannot be installed is said in one line and
# its tests are skipped: this script never fails because of a missing peer.
# System packages come from Debian (needs root and apt); Python peers go into one venv a peer under the cache folder.
set -u

cache="${XDG_CACHE_HOME:-$HOME/.cache}/selfheal"
mkdir -p "$cache"

have() { command -v "$1" >/dev/null 2>&1; }
installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

updated=no
debian() {
  peer=$1
  shift
  missing=""
  for package in "$@"; do installed "$package" || missing="$missing $package"; done
  if [ -z "$missing" ]; then
    echo "peers: $peer: there"
    return
  fi
  if ! have apt-get || [ "$(id -u)" -ne 0 ]; then
    echo "peers: $peer: SKIPPED (needs Debian's$missing; run as root, or install them yourself)"
    return
  fi
  [ "$updated" = yes ] || apt-get update -qq >"$cache/apt-update.log" 2>&1
  updated=yes
  # RUNLEVEL=1 keeps the packages from starting services: the tests start their own on loopback.
  # shellcheck disable=SC2086
  if RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
    >"$cache/apt-$peer.log" 2>&1; then
    echo "peers: $peer: installed"
  else
    echo "peers: $peer: SKIPPED (apt-get failed, see $cache/apt-$peer.log)"
  fi
}

# venv <peer> <command it must bring> <pip requirement>
venv() {
  dir="$cache/venv-$1"
  if [ -x "$dir/bin/$2" ]; then
    echo "peers: $1: there"
    return
  fi
  if ! have python3; then
    echo "peers: $1: SKIPPED (needs python3)"
    return
  fi
  if python3 -m venv "$dir" >"$cache/venv-$1.log" 2>&1 &&
    "$dir/bin/pip" install -q --disable-pip-version-check "$3" >>"$cache/venv-$1.log" 2>&1; then
    echo "peers: $1: installed"
  else
    echo "peers: $1: SKIPPED (see $cache/venv-$1.log)"
  fi
}

debian prometheus prometheus
debian alertmanager prometheus-alertmanager
debian haproxy haproxy
debian exim exim4-daemon-light openssl
debian request-tracker request-tracker5 rt5-db-sqlite rt5-standalone
venv sushy-tools sushy-emulator 'sushy-tools>=2.2,<3'
venv ironic ironic 'ironic>=39,<40'
exit 0
