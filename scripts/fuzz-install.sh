#!/bin/sh
# Installs schemathesis, which `npm run fuzz` sends its requests with, into a venv of its own. Idempotent.
set -u

version=4.32.5
venv="${XDG_CACHE_HOME:-$HOME/.cache}/selfheal/venv-schemathesis-$version"
if [ ! -x "$venv/bin/schemathesis" ]; then
  if ! command -v python3 >/dev/null 2>&1; then
    echo "fuzz: cannot install schemathesis: it needs python3 (3.10 or later)" >&2
    exit 3
  fi
  mkdir -p "$(dirname "$venv")"
  if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check "schemathesis==$version"; } \
    >"$venv.log" 2>&1; then
    echo "fuzz: cannot install schemathesis $version from PyPI, see $venv.log" >&2
    rm -rf "$venv"
    exit 3
  fi
fi
echo "$venv/bin/schemathesis"
