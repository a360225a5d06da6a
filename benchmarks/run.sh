#!/usr/bin/env bash
# Compares the gateway with mitmproxy itself, with nginx and with its peers: sets up what that needs, prints the tables and
# writes the figures as JSON. Options are those of `python -m benchmarks.compare` (--help; docs/performance.md).
#
#   benchmarks/run.sh [--json FILE] [--rounds 7] [--only WAY …] …
#   benchmarks/run.sh --set-up      nothing but the setting up
#
# What is not to be had on this machine is said, and left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONDONTWRITEBYTECODE # or each start compiles the whole project again
peers=benchmarks/.peers
mkdir -p "$peers"

missing() { echo "left out: $*" >&2; }

# stamp FILE…: what an installation was made from.
stamp() { cat "$@" | cksum; }

# fits FOLDER FILE…: whether the installation in the folder is of these files.
fits() { [ "$(cat "$1/.ready" 2>/dev/null || true)" = "$(stamp "${@:2}")" ]; }

./run_proxy.sh test --version >/dev/null # the project's own environment, with the packages of the tests

if ! command -v nginx >/dev/null && [ ! -x /usr/sbin/nginx ]; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nginx; } \
      >"$peers/apt.log" 2>&1 || missing "nginx could not be installed ($peers/apt.log)"
  else
    missing 'nginx is not installed, and only root can'
  fi
fi

wanted=benchmarks/peers/requirements.in
if ! fits "$peers/litellm" "$wanted"; then
  echo 'Installing LiteLLM …' >&2
  rm -rf "$peers/litellm"
  if .venv/bin/python -m venv "$peers/litellm" &&
    "$peers/litellm/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >"$peers/litellm.log" 2>&1; then
    stamp "$wanted" >"$peers/litellm/.ready"
  else
    rm -rf "$peers/litellm"
    missing "LiteLLM could not be installed ($peers/litellm.log)"
  fi
fi

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  missing "Portkey's gateway and claude-code-router need Node.js 20 and npm"
elif ! fits "$peers/node" benchmarks/peers/package.json benchmarks/peers/package-lock.json; then
  echo "Installing Portkey's gateway and claude-code-router …" >&2
  rm -rf "$peers/node"
  mkdir "$peers/node"
  cp benchmarks/peers/package.json benchmarks/peers/package-lock.json "$peers/node/"
  if (cd "$peers/node" && npm ci --silent --no-audit --no-fund --ignore-scripts) >"$peers/npm.log" 2>&1; then
    stamp benchmarks/peers/package.json benchmarks/peers/package-lock.json >"$peers/node/.ready"
  else
    rm -rf "$peers/node"
    missing "Portkey's gateway and claude-code-router could not be installed ($peers/npm.log)"
  fi
fi

[ "${1:-}" != --set-up ] || exit 0
json=() # unless another is named, beside the earlier ones
case " $* " in
  *' --json '* | *' --json='*) ;;
  *) json=(--json "benchmarks/results/$(date +%Y-%m-%d).json") ;;
esac
exec .venv/bin/python -m benchmarks.compare "${json[@]}" "$@"
