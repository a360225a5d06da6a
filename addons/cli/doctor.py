"""`glassgate doctor`: what is right and what is wrong, in plain words."""

import asyncio
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from addons.app.configured_vault import lacks_sessions, no_vault, vault_path
from addons.app.rules import accounts_of
from addons.cli import checks
from addons.cli.accounts import account_lines, vault_if_any
from addons.cli.base import CliContext, Problem, out, out_json
from addons.cli.checks import Finding
from addons.cli.kept_check import check_kept
from addons.cli.keys_check import check_managed_keys
from addons.config.configuration import Config
from addons.config.providers import make_providers
from addons.kept.files import FOLDER_NAME, KeptFolder
from addons.words.commands import command

_PROJECT: Final = Path(__file__).resolve().parents[2]
_MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


@click.command()
@click.option("--online", is_flag=True, help="Ask the sites about every session too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(cli: CliContext, online: bool, as_json: bool) -> None:
    """Check Python, mitmproxy, configuration, vault, accounts, port, keys and file modes.

    Exit status 0 when a request can succeed, else 1.
    """
    cli = cli.needing(without=())
    without: list[str] = []
    findings = [
        *checks.check_python(sys.version_info[:3]),
        *checks.check_proxy(),
        *checks.check_packages(checks.LOCK, checks.installed_version),
        *_of_config(cli, online, without),
    ]
    well = not any(finding.status == "error" and not finding.partly for finding in findings)
    if as_json:
        out_json({"ok": well, "without": without, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            out(*_render(finding))
        out(_conclusion(well, without))
    raise SystemExit(0 if well else 1)


def _conclusion(well: bool, without: list[str]) -> str:
    """The truth in one sentence. `without` are the accounts that are out."""
    if not well:
        return "No request can succeed until the errors above are mended."
    return f"A request can succeed, but not with {', '.join(without)}." if without else "A request can succeed."


def _of_config(cli: CliContext, online: bool, without: list[str]) -> Iterable[Finding]:
    try:
        config = cli.config()
    except Problem as e:
        for line in e.message.splitlines():
            yield Finding("config", "error", line, _page("docs/configuration.md"))
        return
    yield Finding("config", "ok", f"{config.file} is right")
    yield from checks.check_names(config)
    yield from checks.check_files(config)
    yield from checks.check_keys(config, time.time())
    yield from checks.check_port(config, checks.status_of)
    yield from checks.check_tls(config, time.time())
    yield from checks.check_inspector(checks.mitmproxy_folder())
    yield from _of_vault(cli, config, online, without)


def _page(name: str) -> str:
    """Where every key is listed: the page, where it lies beside the program, or else the schema."""
    return f"{name} lists every key" if (_PROJECT / name).exists() else f"{command('config', 'schema')} lists every key"


def _of_vault(cli: CliContext, config: Config, online: bool, without: list[str]) -> Iterable[Finding]:
    try:
        vault = vault_if_any(cli)
    except Problem as e:
        yield Finding("vault", "error", e.message, f"{command('vault', 'check')} says more")
        return
    if vault is not None:
        yield Finding("vault", "ok", "the vault opens and every record in it is whole")
    elif lacks_sessions(config):
        yield Finding("vault", "warning", no_vault(config))
    else:
        yield Finding("vault", "ok", "there is no vault, and no account needs one")
    yield from check_managed_keys(config, vault)
    folder = KeptFolder(vault_path(config).with_name(FOLDER_NAME))
    yield from check_kept(config, folder, sealed=vault is not None)
    providers, refused = make_providers(config), set[str]()
    yield from checks.check_addresses(providers)
    doubtful = {name for name, provider in providers.items() if provider.doubts()}
    refused |= {f"{a.provider}/{a.name}" for a in accounts_of(config) if a.provider in doubtful}
    if online:
        yield from asyncio.run(checks.ask_all_sites(config, vault, refused))
    if config.providers:
        lines = account_lines(config, vault)
        keyless = {f"{a.provider}/{a.name}" for a in accounts_of(config) if not a.needs_session}
        yield from checks.check_accounts(lines, providers, refused, keyless)
        without += checks.out_of_service(lines, refused)


def _render(finding: Finding) -> list[str]:
    words = f"{_MARKS[finding.status]}  {finding.check}: {finding.message}"
    return [words, *([f"         → {finding.fix}"] if finding.fix else [])]
