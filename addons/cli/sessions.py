"""`glassgate sessions`: the sessions in the vault."""

import contextlib
import sys
import time
from typing import Any, NoReturn

import click
from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from addons.accounts.report import can_renew, moment_text
from addons.accounts.sessions import credentials_of
from addons.app.configured_vault import vault_path
from addons.app.outside import moment_source
from addons.cli.base import CliContext, Problem, known_provider, note_done, out, out_json
from addons.config.configuration import ProviderSettings
from addons.config.providers import make_providers
from addons.config.secret_looks import looks_secret
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.format import Record
from addons.words.commands import command
from addons.words.near import hint
from addons.words.plain_words import requirement
from addons.words.table import table
from providers.contract.errors import ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.steps import Moment
from providers.registry import provider_class


class SessionForm(BaseModel):
    """The JSON that `sessions add --from-json` takes."""

    model_config = ConfigDict(extra="forbid")

    token: StrictStr | None = None
    cookies: dict[StrictStr, StrictStr] = {}
    headers: dict[StrictStr, StrictStr] = {}
    api_key: StrictStr | None = None


_LOGIN = ("email", "password", "password_sha256")


@click.group()
def sessions() -> None:
    """The sessions in the vault."""


@sessions.command("add")
@click.argument("provider")
@click.argument("account")
@click.option("--from-json", "source", type=click.File("r"), help="A file with the session as JSON, or - for stdin.")
@click.option("--api-key-stdin", is_flag=True, help="Read an API key from stdin.")
@click.option("--token-stdin", is_flag=True, help="Read a token from stdin.")
@click.option("--api-key", "--api_key", "--apikey", "--key", "--token", "shown", hidden=True)
@click.argument("more", nargs=-1, metavar="")
@click.pass_obj
def add(
    cli: CliContext,
    provider: str,
    account: str,
    source: Any,
    api_key_stdin: bool,
    token_stdin: bool,
    shown: str | None,
    more: tuple[str, ...],
) -> None:
    """Store a session: {"token": …, "cookies": {…}, "headers": {…}, "api_key": …}. Makes the vault if needed."""
    settings = known_provider(cli.config(), provider, account)
    if shown is not None or more:
        _not_here(cli, settings, account)
    if [source is not None, api_key_stdin, token_stdin].count(True) != 1:
        raise click.UsageError("give one of --from-json FILE, --api-key-stdin and --token-stdin")
    if source is not None:
        form = _read_form(source.read())
    else:
        line = sys.stdin.readline().strip()
        form = SessionForm(api_key=line) if api_key_stdin else SessionForm(token=line)
    credentials = form.model_dump()
    if not any(credentials.values()):
        raise Problem("the session is empty: give a token, cookies, headers or an api_key")
    try:
        instance = make_providers(cli.config())[settings.name]
        instance.read_session(account, credentials_of(credentials))
    except ProviderError as e:
        raise Problem(f"this session cannot serve {provider}: {e.message}") from None
    try:
        record = cli.vault(create=True).put(provider, account, credentials)
    except VaultError as e:
        raise Problem(str(e)) from None
    note_done(vault_path(cli.config()).parent, "sessions add", session=f"{provider}/{account}")
    out(f"stored {provider}/{account} (revision {record.rev})")


def _not_here(cli: CliContext, settings: ProviderSettings, account: str) -> NoReturn:
    """Raises Problem: what stands on a command line is seen by other users, and stays in the shell's memory."""
    how = "--token-stdin" if provider_class(settings.common.type).web_session else "--api-key-stdin"
    line = command("sessions", "add", settings.name, account, how)
    raise Problem(
        "a key or token cannot stand on the command line: other users of the machine could see it, and the shell keeps "
        f"it. Run this, then paste it and press Enter: {line}"
    )


@sessions.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_sessions(cli: CliContext, as_json: bool) -> None:
    """What the vault holds; never a secret."""
    try:
        records = cli.vault().records()
    except VaultMissing:
        records = {}
    providers, moment = make_providers(cli.config()), moment_source()()
    rows = [_row(record, providers.get(record.provider), moment) for record in records.values()]
    if as_json:
        out_json(rows)
        return
    out(*table((), [_render_row(row) for row in rows]))
    if not rows:
        way = command("sessions", "add", "PROVIDER", "ACCOUNT", "--from-json", "FILE")
        out(f"the vault holds no session; add one: {way}")


def _row(record: Record, provider: AnyProvider | None, moment: Moment) -> dict[str, Any]:
    """A stored session in names and times; never a secret."""
    credentials = credentials_of(record.material)
    session = None
    if provider is not None:
        with contextlib.suppress(ProviderError):
            session = provider.read_session(record.account, credentials)
    return {
        "provider": record.provider,
        "account": record.account,
        "revision": record.rev,
        "updated": record.updated,
        "holds": sorted(name for name in credentials.values() if name not in _LOGIN),
        "expires_at": (session.expires_at or None) if session else None,
        "renewable": bool(session and provider and can_renew(provider, session, moment)),
        "remembered": bool(credentials.password),
    }


def _render_row(row: dict[str, Any]) -> list[str]:
    until = [f"until {moment_text(row['expires_at'], time.time())}"] if row["expires_at"] else []
    kept = (("renewed by itself", row["renewable"]), ("password kept", row["remembered"]))
    said = [*until, *(words for words, true in kept if true)]
    name, held = f"{row['provider']}/{row['account']}", f"holds {', '.join(row['holds'])}"
    return [name, f"revision {row['revision']}", held, "  ".join(said)]


@sessions.command("remove")
@click.argument("provider")
@click.argument("account")
@click.pass_obj
def remove(cli: CliContext, provider: str, account: str) -> None:
    """Remove a session from the vault."""
    try:
        removed = cli.vault().remove(provider, account)
    except VaultError as e:
        raise Problem(str(e)) from None
    if not removed:
        raise Problem(f"the vault has no session for {provider}/{account}")
    note_done(vault_path(cli.config()).parent, "sessions remove", session=f"{provider}/{account}")
    out(f"removed {provider}/{account}")


def _read_form(text: str) -> SessionForm:
    try:
        return SessionForm.model_validate_json(text)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise Problem(f"the session is no JSON; write {_FORM}") from None
        where = ".".join(_displayed_key(str(part)) for part in first["loc"])
        known = hint(str(first["loc"][-1]), SessionForm.model_fields) if first["type"] == "extra_forbidden" else ""
        said = requirement(first, "an object") + (known or f"; write {_FORM}")
        raise Problem(f"the session JSON is not right: {where + ': ' if where else ''}{said}") from None


_FORM = '{"token": "…", "cookies": {"NAME": "…"}, "headers": {"NAME": "…"}, "api_key": "…"}, what there is of it'


def _displayed_key(name: str) -> str:
    """A name of the JSON; who has turned name and value round has a secret there."""
    return "…" if looks_secret(name) else name[:100]
