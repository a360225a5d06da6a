"""The command `glassgate accounts`: every configured account and its state."""

import time
from collections.abc import Mapping
from dataclasses import asdict

import click

from addons.accounts.account import Account, Surroundings
from addons.accounts.account_record import AccountId
from addons.accounts.pool import accounts_from
from addons.accounts.report import AccountLine, report, report_lines
from addons.accounts.sessions import SessionVault
from addons.app.configured_vault import state_path, state_store
from addons.app.outside import moment_source
from addons.app.rules import accounts_of
from addons.cli.base import CliContext, Problem, known_provider, note_done, out, out_json
from addons.config.configuration import Config
from addons.config.providers import make_providers
from addons.vault.errors import VaultMissing
from addons.vault.store import Vault
from providers.contract.session import Credentials


def account_lines(config: Config, vault: Vault | None) -> list[AccountLine]:
    """The accounts as vault and state store have them now."""
    return report(stored_accounts(config, vault, config.env_sessions), moment_source()())


def stored_accounts(
    config: Config, vault: Vault | None, from_env: Mapping[AccountId, Credentials] | None = None
) -> list[Account]:
    """The configured accounts, to be looked at."""
    around = Surroundings(SessionVault(vault), state_store(config, time.time), time.monotonic, time.time)
    return accounts_from(accounts_of(config), make_providers(config), around, from_env or {})


def vault_if_any(cli: CliContext) -> Vault | None:
    """The vault; None when no account needs one or there is none yet. Raises Problem when it cannot be opened."""
    if not any(account.needs_session for account in accounts_of(cli.config())):
        return None
    try:
        return cli.vault()
    except VaultMissing:
        return None


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def accounts(context: click.Context, as_json: bool) -> None:
    """How every account is: ok, expired, challenged, limited until …, blocked, missing."""
    if context.invoked_subcommand is not None:
        return
    cli: CliContext = context.obj
    lines = account_lines(cli.config(), vault_if_any(cli))
    if as_json:
        out_json([asdict(line) for line in lines])
        return
    out(*report_lines(lines, time.time()))


@accounts.command()
@click.argument("provider", required=False)
@click.argument("account", required=False)
@click.pass_obj
def reset(cli: CliContext, provider: str | None, account: str | None) -> None:
    """Forget what stands against accounts: limits, cool-downs, breakers, refusals. A running gateway takes it up."""
    config = cli.config()
    if provider is not None:
        known_provider(config, provider, account)
    chosen = [
        found.key
        for found in accounts_of(config)
        if provider in (None, found.provider) and account in (None, found.name)
    ]
    if not state_store(config, time.time).reset(chosen):
        raise Problem(f"{state_path(config)} cannot be written; nothing was reset")
    note_done(state_path(config).parent, "accounts reset", accounts=", ".join("/".join(name) for name in chosen))
    for name in chosen:
        out(f"reset {'/'.join(name)}")
