"""`glassgate sessions`: the sessions in the vault."""

import contextlib
import sys
import time
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from addons.account_report import can_renew, moment_text
from addons.accounts import material_of
from addons.cli.base import Lazy, Problem, known_provider, out, out_json
from addons.context import AnyProvider
from addons.core.commands import command
from addons.setup import make_providers, moment_source
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.format import Record
from providers.contract import Moment
from providers.errors import ProviderError


class SessionForm(BaseModel):
    """What `sessions add --from-json` takes."""

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
@click.pass_obj
def add(lazy: Lazy, provider: str, account: str, source: Any, api_key_stdin: bool, token_stdin: bool) -> None:
    """Store a session: {"token": …, "cookies": {…}, "headers": {…}, "api_key": …}. Makes the vault if needed."""
    settings = known_provider(lazy.config(), provider, account)
    if [source is not None, api_key_stdin, token_stdin].count(True) != 1:
        raise click.UsageError("give one of --from-json FILE, --api-key-stdin and --token-stdin")
    if source is not None:
        form = _read_form(source.read())
    else:
        line = sys.stdin.readline().strip()
        form = SessionForm(api_key=line) if api_key_stdin else SessionForm(token=line)
    material = form.model_dump()
    if not any(material.values()):
        raise Problem("the session is empty: give a token, cookies, headers or an api_key")
    try:
        instance = make_providers(lazy.config())[settings.name]
        instance.read_session(account, material_of(material))
    except ProviderError as e:
        raise Problem(f"this session cannot serve {provider}: {e.message}") from None
    try:
        record = lazy.vault(create=True).put(provider, account, material)
    except VaultError as e:
        raise Problem(str(e)) from None
    out(f"stored {provider}/{account} (revision {record.rev})")


@sessions.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_sessions(lazy: Lazy, as_json: bool) -> None:
    """What the vault holds; never a secret."""
    try:
        records = lazy.vault().records()
    except VaultMissing:
        records = {}
    providers, moment = make_providers(lazy.config()), moment_source()()
    rows = [_row(record, providers.get(record.provider), moment) for record in records.values()]
    if as_json:
        out_json(rows)
        return
    for row in rows:
        out("  ".join(_told(row)))
    if not rows:
        way = command("sessions", "add", "PROVIDER", "ACCOUNT", "--from-json", "FILE")
        out(f"the vault holds no session; add one: {way}")


def _row(record: Record, provider: AnyProvider | None, moment: Moment) -> dict[str, Any]:
    """A stored session in names and times; never a secret."""
    material = material_of(record.material)
    session = None
    if provider is not None:
        with contextlib.suppress(ProviderError):
            session = provider.read_session(record.account, material)
    return {
        "provider": record.provider,
        "account": record.account,
        "revision": record.rev,
        "updated": record.updated,
        "holds": sorted(name for name in material.values() if name not in _LOGIN),
        "expires_at": (session.expires_at or None) if session else None,
        "renewable": bool(session and provider and can_renew(provider, session, moment)),
        "remembered": bool(material.password),
    }


def _told(row: dict[str, Any]) -> list[str]:
    words = [f"{row['provider']}/{row['account']}", f"revision {row['revision']}", f"holds {', '.join(row['holds'])}"]
    if row["expires_at"]:
        words.append(f"until {moment_text(row['expires_at'], time.time())}")
    words += [
        said for said, true in (("renewed by itself", row["renewable"]), ("password kept", row["remembered"])) if true
    ]
    return words


@sessions.command("remove")
@click.argument("provider")
@click.argument("account")
@click.pass_obj
def remove(lazy: Lazy, provider: str, account: str) -> None:
    """Remove a session from the vault."""
    try:
        removed = lazy.vault().remove(provider, account)
    except VaultError as e:
        raise Problem(str(e)) from None
    if not removed:
        raise Problem(f"the vault has no session for {provider}/{account}")
    out(f"removed {provider}/{account}")


def _read_form(text: str) -> SessionForm:
    try:
        return SessionForm.model_validate_json(text)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(f"the session JSON is not right: {where + ': ' if where else ''}{first['msg']}") from None
