#!/usr/bin/env bash
# Where the CPU of a request goes: samples ways of the comparison under load, writes flame graphs and a table of rooms.
# Options are those of `python -m benchmarks.profiling` (--help; docs/performance.md). On Linux, as whom py-spy may look.
#
#   benchmarks/profile.sh NAME [--project FOLDER] [--ways WAY …] [--seconds 15]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONDONTWRITEBYTECODE # or each start compiles the whole project again
spy=benchmarks/.peers/py-spy version=0.4.3

./run_proxy.sh test --version >/dev/null # the project's own environment, with the packages of the tests

if [ "$(cat "$spy/.ready" 2>/dev/null || true)" != "$version" ]; then
  echo 'Installing py-spy …' >&2
  rm -rf "$spy"
  mkdir -p benchmarks/.peers
  .venv/bin/python -m venv "$spy"
  "$spy/bin/pip" install --quiet --disable-pip-version-check "py-spy==$version"
  echo "$version" >"$spy/.ready"
fi
exec .venv/bin/python -m benchmarks.profiling "$@"
