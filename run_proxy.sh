#!/usr/bin/env bash
# Starts Glassgate. Makes its own environment (.venv, from the hash-pinned lock file) at the first start.
set -euo pipefail
own_umask="$(umask)" own_folder="$PWD"
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'TEXT'
Usage: ./run_proxy.sh [options] [-- options of mitmproxy]
       ./run_proxy.sh capture PROVIDER [ACCOUNT] [options]
       ./run_proxy.sh run [--model M] [--print] PROGRAM [-- arguments of the program]
       ./run_proxy.sh test [options of pytest]

  (no option)      serve config.yaml
  --demo           serve the sandbox sites: no account needed, nothing is kept
  --config FILE    another configuration file
  --host H         listen here instead of listen.host
  --port N         listen here instead of listen.port
  --web            with mitmweb, the inspector in the browser, instead of mitmdump
  --web-port N     mitmweb's own port (8081)
  --console        with mitmproxy's console, the inspector in this terminal
  --version        which Glassgate this is
  --help           this text

  capture          sign in with your own browser; the session goes into the vault (capture --help)
    --config FILE    another configuration file
    --port N         the proxy's port (a free one)
    --no-browser     start no browser; says how to set up one by hand
    --headless       a browser without a window
    --timeout-s N    how long to wait for the sign-in (600)

  run              start a coding agent (claude, codex, opencode, aider, qwen …) in your folder that asks the gateway
                   running with config.yaml, or GLASSGATE_CONFIG (.venv/bin/glassgate run --help)

  test             run all tests, in two processes; sets up what they need
    -n 0             in one process
TEXT
}

die() { printf 'run_proxy.sh: %s\n' "$*" >&2; exit 1; }

# -- Python -----------------------------------------------------------------------------------------------------------
fits() { "$@" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

find_python() {
  local name found version
  # A pyenv shim of a version that is not chosen exists but fails, so every candidate is tried out.
  for name in python3 python3.13 python3.14 python3.12 python; do
    if command -v "$name" >/dev/null && fits "$name"; then printf '%s\n' "$name"; return; fi
  done
  if command -v pyenv >/dev/null; then
    for version in $(pyenv versions --bare 2>/dev/null | grep -E '^3\.(1[2-9]|[2-9][0-9])(\.[0-9]+)?$' | sort -rV); do
      found="$(pyenv prefix "$version" 2>/dev/null)/bin/python3" || continue
      if fits "$found"; then printf '%s\n' "$found"; return; fi
    done
  fi
  if command -v uv >/dev/null && found="$(uv python find '>=3.12' 2>/dev/null)" && fits "$found"; then
    printf '%s\n' "$found"; return
  fi
  die 'Glassgate needs Python 3.12 or newer with venv; none was found. Install one (for example python3.13, or: pyenv install 3.13, or: uv python install 3.13) and start again.'
}

# -- the environment --------------------------------------------------------------------------------------------------
stamp_of() { cat "$1" pyproject.toml run_proxy.sh | cksum | tr -d ' '; }

set_up() { # LOCK STAMP_NAME
  local lock="$1" stamp=".venv/$2" wanted python
  wanted="$(stamp_of "$lock") $PWD"
  if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    return
  fi
  if ! { [ -x .venv/bin/python ] && fits .venv/bin/python; }; then
    python="$(find_python)"
    rm -rf .venv
    echo "Making .venv with $("$python" --version) …" >&2
    "$python" -m venv .venv
  fi
  echo "Installing the locked packages …" >&2
  # --no-deps: the lock is complete, and some of it is newer than mitmproxy's own bounds (pyproject.toml, tool.uv).
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock" >&2 ||
    die "the packages of $lock could not be installed (see above); check the network and start again"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . >&2 ||
    die 'the project could not be installed into .venv (see above)'
  printf '%s\n' "$wanted" >"$stamp" # last: an interrupted set-up is made again
}

# -- tests ------------------------------------------------------------------------------------------------------------
if [ "${1:-}" = test ]; then
  shift
  unset PYTHONDONTWRITEBYTECODE # or each of hundreds of processes compiles the whole project again
  set_up requirements.lock glassgate # for the tests that start this script: two at once must not set it up
  set_up requirements-dev.lock glassgate-dev
  if command -v npm >/dev/null && command -v node >/dev/null && [ ! -e tests/node/node_modules/.ready ]; then
    echo 'Installing the OpenAI SDK for Node.js …' >&2
    (cd tests/node && npm ci --silent --no-audit --no-fund && touch node_modules/.ready) >&2 ||
      echo 'It could not be installed; its tests are skipped.' >&2
  fi
  exec .venv/bin/python -m pytest "$@"
fi

# -- capture ----------------------------------------------------------------------------------------------------------
if [ "${1:-}" = capture ]; then
  shift
  set_up requirements.lock glassgate
  exec .venv/bin/python -m addons.capturing "$@"
fi

# -- programs of others -----------------------------------------------------------------------------------------------
if [ "${1:-}" = run ]; then
  set_up requirements.lock glassgate
  project="$PWD"
  case "${GLASSGATE_CONFIG:-config.yaml}" in
    /*) config="${GLASSGATE_CONFIG}" ;;
    *) config="$project/${GLASSGATE_CONFIG:-config.yaml}" ;;
  esac
  umask "$own_umask"
  cd "$own_folder"
  exec "$project/.venv/bin/glassgate" --config "$config" "$@"
fi

# -- options ----------------------------------------------------------------------------------------------------------
config="${GLASSGATE_CONFIG:-config.yaml}" host='' port='' web='' web_port=8081 console='' demo=''
need() { [ $# -ge 2 ] || die "$1 needs a value"; }
need_port() {
  need "$@"
  case "$2" in
    '' | *[!0-9]* | ??????*) ;;
    *) [ "$2" -ge 1 ] && [ "$2" -le 65535 ] && return ;;
  esac
  die "$1: a port is a number from 1 to 65535, such as 8080 (found '$2')"
}
while [ $# -gt 0 ]; do
  case "$1" in
    --config) need "$@"; config="$2"; shift 2 ;;
    --host) need "$@"; host="$2"; shift 2 ;;
    --port) need_port "$@"; port="$2"; shift 2 ;;
    --web) web=yes; shift ;;
    --web-port) need_port "$@"; web_port="$2"; shift 2 ;;
    --console) console=yes; shift ;;
    --demo) demo=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    --version) sed -n 's/^version = "\(.*\)"$/Glassgate \1/p' pyproject.toml; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; die "unknown option: $1" ;;
  esac
done

[ -z "$web" ] || [ -z "$console" ] || die '--web and --console are two inspectors: choose one'
[ -z "$console" ] || { [ -t 0 ] && [ -t 1 ]; } || die '--console needs a terminal'

set_up requirements.lock glassgate

if [ -z "$demo" ]; then
  listener="$(.venv/bin/glassgate --config "$config" listen \
    ${host:+--host "$host"} ${port:+--port "$port"} ${web:+--web-port "$web_port"})" || exit 1
  host="${host:-${listener% *}}" port="${port:-${listener##* }}"
else
  host="${host:-127.0.0.1}" port="${port:-8080}"
fi

case "$host" in
  127.0.0.1 | localhost | ::1) ;;
  *) [ -n "$demo" ] && die '--demo listens on loopback only' ;;
esac

tool=(.venv/bin/mitmdump --quiet)
[ -z "$console" ] || tool=(.venv/bin/mitmproxy)
if [ -n "$web" ]; then
  # mitmweb gets the hash: its command line can be read by other users of the machine, the password cannot.
  read -r password hash < <(.venv/bin/python -c 'import secrets, argon2
word = secrets.token_urlsafe(12)
print(word, argon2.PasswordHasher().hash(word))')
  # Opens without typing; mitmweb makes a cookie of it. The gateway (or the demo) tells it with its first lines.
  export GLASSGATE_WEB_URL="http://127.0.0.1:$web_port/?token=$password"
  tool=(.venv/bin/mitmweb --quiet --no-web-open-browser --web-host 127.0.0.1 --web-port "$web_port" --set "web_password=$hash")
else
  unset GLASSGATE_WEB_URL
fi
# The reverse target is dead on purpose: only a planned request is ever sent anywhere, and to its provider alone.
run=("${tool[@]}" -s addons/gateway.py --mode reverse:http://127.0.0.1:1 --listen-host "$host" --listen-port "$port")

if [ -n "$demo" ]; then
  exec .venv/bin/python -m addons.cli.demo "$host" "$port" -- "${run[@]}" --set 'gateway_config={config}' "$@"
fi
exec "${run[@]}" --set "gateway_config=$config" "$@"
