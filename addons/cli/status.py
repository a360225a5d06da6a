"""`glassgate status`: how a running gateway is, asked of itself."""

import os
import time
from pathlib import Path
from typing import Any

import click
import httpx
import yaml

from addons.account_report import AccountLine, told
from addons.cli.base import Lazy, Problem, out, out_json
from addons.core.account_state import Health
from addons.core.config import Listen

PATIENCE_S = 5.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as /healthz gives it.")
@click.option("--url", help="Where the gateway is; config.yaml's listener when not given.")
@click.pass_obj
def status(lazy: Lazy, as_json: bool, url: str | None) -> None:
    """How the running gateway is: its state, problems with configuration and vault, its accounts.

    Exit status 0 when it is well, 1 when it is degraded, draining or not there.
    """
    found = _ask(lazy, url)
    if as_json:
        out_json(found)
    else:
        out(f"the gateway is {found['status']}")
        for problem in str(found.get("problem", "")).splitlines():
            out(f"  {problem}")
        for account in found.get("accounts", []):
            out(told(AccountLine(**{**account, "state": Health(account["state"])}), time.time()))
    raise SystemExit(0 if found["status"] == "ok" else 1)


def _ask(lazy: Lazy, url: str | None) -> dict[str, Any]:
    address, key = _where(lazy)
    base = url.rstrip("/") if url else address
    try:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = httpx.get(f"{base}/healthz", headers=headers, timeout=PATIENCE_S, trust_env=False)
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise Problem(f"no gateway answers at {base}; start it: ./run_proxy.sh, or say where it is: --url") from None
    if not isinstance(found, dict) or "status" not in found:
        raise Problem(f"what answers at {base} is no Glassgate")
    return found


def _where(lazy: Lazy) -> tuple[str, str | None]:
    """The gateway's address and a key of it. A file that is broken just now must not keep anybody from asking."""
    try:
        config = lazy.needing(without=()).config()
    except Problem:
        return _where_by_hand(lazy.file)
    listen = config.sections.listen
    return _address(listen.host, listen.port), config.tokens[0] if config.tokens else None


def _where_by_hand(file: Path) -> tuple[str, str | None]:
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        raw = None
    listen = raw.get("listen") if isinstance(raw, dict) else None
    listen = listen if isinstance(listen, dict) else {}
    usual = Listen()
    return _address(str(listen.get("host", usual.host)), listen.get("port", usual.port)), os.environ.get("AUTH_TOKEN")


def _address(host: str, port: object) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
