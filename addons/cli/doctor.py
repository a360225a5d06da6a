"""`glassgate doctor`: what is right and what is wrong, in plain words."""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import asdict

import click

from addons import doctor as checks
from addons.cli.accounts import account_lines, vault_if_any
from addons.cli.base import Lazy, Problem, out, out_json
from addons.core.config import Config
from addons.doctor import Finding
from addons.setup import NO_VAULT, Running, lacks_sessions, vault_path
from addons.vault.store import Vault

_MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


@click.command()
@click.option("--online", is_flag=True, help="Ask the sites about every session too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(lazy: Lazy, online: bool, as_json: bool) -> None:
    """Check Python, mitmproxy, configuration, vault, accounts, port, keys and file modes.

    Exit status 0 when a request can succeed, else 1.
    """
    lazy = lazy.needing(without=())
    findings = [*checks.check_python(sys.version_info[:3]), *checks.check_proxy(), *_of_config(lazy, online)]
    well = not any(finding.status == "error" and not finding.partly for finding in findings)
    if as_json:
        out_json({"ok": well, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            out(*_told(finding))
        out("A request can succeed." if well else "No request can succeed until the errors above are mended.")
    raise SystemExit(0 if well else 1)


def _of_config(lazy: Lazy, online: bool) -> Iterable[Finding]:
    try:
        config = lazy.config()
    except Problem as e:
        for line in e.message.splitlines():
            yield Finding("config", "error", line, "docs/configuration.md lists every key")
        return
    yield Finding("config", "ok", f"{config.file} is right")
    yield from checks.check_names(config)
    yield from checks.check_files(config)
    yield from checks.check_keys(config)
    yield from checks.check_port(config, checks.status_of)
    yield from checks.check_inspector(checks.mitmproxy_folder())
    yield from _of_vault(lazy, config, online)


def _of_vault(lazy: Lazy, config: Config, online: bool) -> Iterable[Finding]:
    try:
        vault = vault_if_any(lazy)
    except Problem as e:
        yield Finding("vault", "error", e.message, "glassgate vault check says more")
        return
    if vault is not None:
        yield Finding("vault", "ok", "the vault opens and every record in it is whole")
    elif lacks_sessions(config):
        yield Finding("vault", "warning", f"there is no vault at {vault_path(config)}", NO_VAULT)
    else:
        yield Finding("vault", "ok", "there is no vault, and no account needs one")
    if online:
        yield from asyncio.run(_ask(config, vault))
    if config.providers:
        yield from checks.check_accounts(account_lines(config, vault))


async def _ask(config: Config, vault: Vault | None) -> list[Finding]:
    running = Running(config, vault)
    try:
        return await checks.ask_sites(running)
    finally:
        await running.close()


def _told(finding: Finding) -> list[str]:
    words = f"{_MARKS[finding.status]}  {finding.check}: {finding.message}"
    return [words, *([f"         → {finding.fix}"] if finding.fix else [])]
