#!/usr/bin/env bash
# The door to `glassgate` in a checkout: makes the environment (.venv, from the hash-pinned lock file) at the first start.
set -euo pipefail
script="${BASH_SOURCE[0]}"
while [ -L "$script" ]; do # a link to it, in ~/bin for one
  link="$(readlink "$script")"
  case "$link" in /*) script="$link" ;; *) script="$(dirname -- "$script")/$link" ;; esac
done
here="$(CDPATH= cd -- "$(dirname -- "$script")" && pwd -P)" # the folder itself: a link to it may go, what is made stays

usage() {
  cat <<'TEXT'
Usage: ./run_proxy.sh [options] [-- options of mitmproxy]
       ./run_proxy.sh capture PROVIDER [ACCOUNT] [options]
       ./run_proxy.sh run [--model M] [--print] PROGRAM [-- arguments of the program]
       ./run_proxy.sh test [options of pytest]
       ./run_proxy.sh setup|doctor|keys|backup|… any other command of glassgate (./run_proxy.sh help lists them)

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

  setup            asks a few questions, then makes keys and a configuration that git does not track (setup --help)

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
stamp_of() { (cd "$here" && cat "$1" pyproject.toml run_proxy.sh | cksum | tr -d ' '); }

find_venv() { # sets venv: .venv beside this script, or elsewhere where nothing can be written there
  local cache="${XDG_CACHE_HOME:-}"
  venv="$here/.venv"
  case "${GLASSGATE_VENV:-}" in
    '') ;;
    /*) venv="$GLASSGATE_VENV"; return ;;
    *) venv="$PWD/$GLASSGATE_VENV"; return ;;
  esac
  if [ -e "$venv" ] && { [ -w "$venv" ] || is_made requirements.lock glassgate; }; then return; fi
  if [ ! -e "$venv" ] && [ -w "$here" ]; then return; fi
  case "$cache" in /*) ;; *) cache=~/.cache ;; esac
  venv="$cache/glassgate/venv-$(printf %s "$here" | cksum | tr ' ' -)"
}

is_made() { # LOCK STAMP_NAME: whether the environment has these packages, wherever it stood when it was made
  local sum rest
  [ -x "$venv/bin/python" ] && read -r sum rest 2>/dev/null <"$venv/$2" && [ "$sum" = "$(stamp_of "$1")" ] &&
    "$venv/bin/python" -c '' 2>/dev/null
}

pip() { "$venv/bin/python" -m pip "$1" --quiet --disable-pip-version-check --no-deps "${@:2}" >&2; }

put_command() { # puts bin/glassgate into the environment
  if [ "$venv" = "$here/.venv" ]; then
    (cd "$here" && pip install --no-build-isolation --no-index -e .)
  else # nothing may be writable here
    printf '#!/bin/sh\nexec "%s" -P "%s" "$@"\n' "$venv/bin/python" "$here/addons/cli/__main__.py" >"$venv/bin/glassgate" &&
      chmod 755 "$venv/bin/glassgate"
  fi
}

set_up() { # LOCK STAMP_NAME
  local lock="$1" stamp="$venv/$2" wanted python own_umask
  wanted="$(stamp_of "$lock") $here"
  own_umask="$(umask)"
  umask 077
  if is_made "$lock" "$2"; then
    # Moved or mounted elsewhere: the packages are found all the same, the command has to be told. No network is needed.
    if [ "$(cat "$stamp")" != "$wanted" ] && [ -w "$stamp" ] && put_command 2>/dev/null; then
      printf '%s\n' "$wanted" >"$stamp"
    fi
    umask "$own_umask"
    return
  fi
  if ! { [ -x "$venv/bin/python" ] && fits "$venv/bin/python"; }; then
    python="$(find_python)"
    [ "$venv" = "$here/.venv" ] || [ -n "${GLASSGATE_VENV:-}" ] ||
      echo "$here cannot be written, so the environment is made elsewhere; GLASSGATE_VENV names another place." >&2
    rm -rf "$venv"
    echo "Making ${venv#"$here/"} with $("$python" --version) …" >&2
    "$python" -m venv "$venv" || die "$venv could not be made (see above); GLASSGATE_VENV=FOLDER names another place for it"
  fi
  echo "Installing the locked packages …" >&2
  # --no-deps: the lock is complete, and some of it is newer than mitmproxy's own bounds (pyproject.toml, tool.uv).
  pip install --require-hashes -r "$here/$lock" ||
    die "the packages of $lock could not be installed (see above); check the network and start again"
  put_command || die "the project could not be installed into $venv (see above)"
  printf '%s\n' "$wanted" >"$stamp" # last: an interrupted set-up is made again
  umask "$own_umask"
}

python_runs() { exec "$venv/bin/python" -P "$here/addons/$1/__main__.py" "${@:2}"; } # -P: no folder of ours on its path

find_venv

# -- tests ------------------------------------------------------------------------------------------------------------
if [ "${1:-}" = test ]; then
  shift
  umask 077
  cd "$here"
  unset PYTHONDONTWRITEBYTECODE # or each of hundreds of processes compiles the whole project again
  set_up requirements.lock glassgate # for the tests that start this script: two at once must not set it up
  set_up requirements-dev.lock glassgate-dev
  if command -v npm >/dev/null && command -v node >/dev/null && [ ! -e tests/node/node_modules/.ready ]; then
    echo 'Installing the OpenAI SDK for Node.js …' >&2
    (cd tests/node && npm ci --silent --no-audit --no-fund && touch node_modules/.ready) >&2 ||
      echo 'It could not be installed; its tests are skipped.' >&2
  fi
  exec "$venv/bin/python" -m pytest "$@"
fi

# -- the configuration ------------------------------------------------------------------------------------------------
located() { # FILE: in the person's folder, or else beside this script
  case "$1" in
    /*) printf '%s\n' "$1" ;;
    *) if [ -e "$1" ] || [ ! -e "$here/$1" ]; then printf '%s\n' "$1"; else printf '%s\n' "$here/$1"; fi ;;
  esac
}

chosen=() # --config FILE; nothing where glassgate finds the same by itself
if [ -n "${GLASSGATE_CONFIG:-}" ]; then
  chosen=(--config "$(located "$GLASSGATE_CONFIG")")
elif [ "$(pwd -P)" != "$here" ]; then
  chosen=(--config "$here/config.local.yaml")
  [ -e "$here/config.local.yaml" ] || chosen=(--config "$here/config.yaml")
fi

if [ "${1:-}" = --config ] && [ $# -ge 3 ] && [ "${3#-}" = "$3" ]; then # before a command, as `glassgate` takes it
  chosen=(--config "$(located "$2")")
  shift 2
fi

# -- commands of glassgate --------------------------------------------------------------------------------------------
case "${1:-}" in
  '' | -*) ;;
  capture)
    shift
    set_up requirements.lock glassgate
    python_runs capturing ${chosen[@]+"${chosen[@]}"} "$@" ;;
  help)
    set_up requirements.lock glassgate
    python_runs cli --help ;;
  *)
    set_up requirements.lock glassgate
    python_runs cli ${chosen[@]+"${chosen[@]}"} "$@" ;;
esac

# -- options ----------------------------------------------------------------------------------------------------------
command=serve demo='' options=()
need() { [ $# -ge 2 ] || die "$1 needs a value"; }
while [ $# -gt 0 ]; do
  case "$1" in
    --config) need "$@"; chosen=(--config "$(located "$2")"); shift 2 ;;
    --host | --port | --web-port) need "$@"; options+=("$1" "$2"); shift 2 ;;
    --web | --console)
      [ "$command" = serve ] || [ "$command" = "${1#--}" ] || die '--web and --console are two inspectors: choose one'
      command="${1#--}"; shift ;;
    --demo) demo=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    --version) sed -n 's/^version = "\(.*\)"$/Glassgate \1/p' "$here/pyproject.toml"; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; die "unknown option: $1" ;;
  esac
done

[ "$command" != console ] || { [ -t 0 ] && [ -t 1 ]; } || die '--console needs a terminal'
set_up requirements.lock glassgate
if [ -n "$demo" ]; then
  [ "$command" = serve ] || options+=("--$command")
  command=demo
fi
python_runs cli ${chosen[@]+"${chosen[@]}"} "$command" ${options[@]+"${options[@]}"} -- "$@"
