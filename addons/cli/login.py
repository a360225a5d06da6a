"""The command `glassgate login`: from an account at a site to a session in the vault, proven against the site."""

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, ValidationError

from addons.accounts.report import moment_text
from addons.accounts.sessions import credentials_of, record_of
from addons.accounts.way_in import signs_in
from addons.app.configured_vault import vault_path
from addons.app.outside import moment_source
from addons.cleaning.cleaner import Cleaner
from addons.cli.base import CliContext, Problem, known_provider, note_done, out, out_json
from addons.config.configuration import ProviderSettings
from addons.config.providers import make_providers
from addons.transport.httpx_carrier import HttpxCarrier
from addons.transport.sealing import Seals
from addons.transport.step_runner import StepRunner
from addons.vault import prompt as terminal
from addons.vault.errors import VaultConflict, VaultError
from addons.vault.permissions import read_private
from addons.vault.store import Vault
from addons.words.commands import capture, command
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, Identity, Session
from providers.registry import provider_class

TRIES = 3
_LIMIT_BYTES = 64 * 1024


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    email: str
    password: str


@dataclass(slots=True)
class _SignIn:
    """A session just obtained, and whose it is as far as the site said."""

    credentials: Credentials
    session: Session
    identity: Identity | None
    doubt: str = ""
    """Why the session could not be proven, if the site could not be asked."""


@click.command()
@click.argument("provider")
@click.argument("account", required=False)
@click.option("--email", help="The account's e-mail address.")
@click.option(
    "--credentials-file", type=click.Path(path_type=Path), help="JSON, or EMAIL and PASSWORD lines; mode 0600."
)
@click.option("--remember", is_flag=True, help="Keep the password in the vault, to sign in again by itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def login(
    cli: CliContext,
    provider: str,
    account: str | None,
    email: str | None,
    credentials_file: Path | None,
    remember: bool,
    as_json: bool,
) -> None:
    """Sign in at a site and store the session.

    Where the site does not let programs in, this says so and what to do instead.
    """
    settings = known_provider(cli.config(), provider, account)
    name = account or _only_account(settings)
    instance = make_providers(cli.config())[provider]
    if not signs_in(instance, name):
        _next_way(cli, settings, instance, name, as_json)
        return
    given = _credentials(settings, name, email, credentials_file)
    try:
        sign_in = asyncio.run(_sign_in(instance, settings, name, given))
    except ProviderError as error:
        raise Problem(f"{error.message} Nothing was stored.", *_other_ways(settings, name, error)) from None
    _store(cli, settings, name, sign_in, given if remember else None, as_json)


# -- where programs are not let in ------------------------------------------------------------------------------------
def _next_way(cli: CliContext, settings: ProviderSettings, provider: AnyProvider, account: str, as_json: bool) -> None:
    why = (
        f"{settings.name} asks people for a check at its door, so a program cannot sign in there."
        if provider.web_session
        else f"{settings.name} is used with a key; there is nothing to sign in to."
    )
    if not terminal.can_ask():
        raise Problem(why, *_other_ways(settings, account, None))
    out(why, *_other_ways(settings, account, None), err=True)
    word = "API key" if not provider.web_session else "token (from the page you are signed in to)"
    try:
        pasted = terminal.ask_secret(f"Paste the {word} here, or press Enter to leave")
    except VaultError:
        raise Problem("nothing was stored") from None
    if not pasted.strip():
        raise Problem("nothing was stored")
    key = pasted.strip()
    credentials = Credentials(token=key) if provider.web_session else Credentials(api_key=key)
    try:
        session = provider.read_session(account, credentials)
        sign_in = asyncio.run(_check_session(provider, settings, _SignIn(credentials, session, None)))
    except ProviderError as error:
        raise Problem(f"{error.message} Nothing was stored.") from None
    _store(cli, settings, account, sign_in, None, as_json)


def _other_ways(settings: ProviderSettings, account: str, error: ProviderError | None) -> list[str]:
    """The ways that are left, as commands, one a line."""
    if error is not None and error.kind is not ErrorKind.CHALLENGE:
        return []
    names = (settings.name, account)
    if not provider_class(settings.common.type).web_session:
        return [f"  store a key:            {command('sessions', 'add', *names, '--api-key-stdin')}"]
    return [
        f"  from your own browser:  {capture(*names)}",
        f"  from a HAR, cURL, …:    {command('sessions', 'import', 'FILE')}",
        f"  by hand:                {command('sessions', 'add', *names, '--from-json', 'FILE')}",
        "  or use the official API with a key, where there is one",
    ]


# -- e-mail and password ----------------------------------------------------------------------------------------------
def _only_account(settings: ProviderSettings) -> str:
    names = [account.name for account in settings.common.accounts]
    if len(names) > 1:
        raise Problem(f"{settings.name} has several accounts; say which: {', '.join(names)}")
    return names[0]


def _credentials(settings: ProviderSettings, account: str, email: str | None, file: Path | None) -> Credentials:
    """From the file, else config.yaml, else the person."""
    if file is not None:
        found = _read_file(file)
        return Credentials(email=email or found.email, password=found.password)
    own = next(entry.credentials for entry in settings.accounts if entry.name == account)
    if own is not None:
        return Credentials(email=email or own.email, password=own.password.get_secret_value())
    if not terminal.can_ask():
        raise Problem("nobody can be asked here: give --credentials-file FILE, or credentials in config.yaml")
    address: str = email or click.prompt("E-mail", err=True)
    try:
        return Credentials(email=address, password=terminal.ask_secret("Password"))
    except VaultError:
        raise Problem("no password was given; nothing was stored") from None


def _read_file(file: Path) -> _File:
    """JSON, KEY=VALUE lines, or the two lines e-mail and password. Raises Problem."""
    try:
        text = read_private(file, _LIMIT_BYTES).decode()
    except VaultError as e:
        raise Problem(str(e)) from None
    except UnicodeDecodeError:
        raise Problem(f"{file} is no text file") from None
    try:
        return _File.model_validate_json(text)
    except ValidationError:
        pass
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = {key.strip().lower(): value.strip() for key, mark, value in (line.partition("=") for line in lines) if mark}
    if "email" in pairs and "password" in pairs:
        return _File(email=pairs["email"], password=pairs["password"])
    if len(lines) == 2 and "@" in lines[0]:
        return _File(email=lines[0], password=lines[1])
    raise Problem(f"{file} holds no e-mail and password (JSON, EMAIL= and PASSWORD= lines, or two lines)")


async def _sign_in(provider: AnyProvider, settings: ProviderSettings, account: str, given: Credentials) -> _SignIn:
    """Raises ProviderError."""
    session = Session(provider.name, account, tuple(given.values()))
    steps = provider.sign_in.with_password(session, moment_source()())
    assert steps is not None
    async with HttpxCarrier() as carrier:
        cleaner = Cleaner.of(given, provider.name, account)
        seals = Seals(lambda *who: given.secrets())
        runner = StepRunner(seals, carrier, cleaner, proxy_of=lambda name: settings.common.proxy)
        credentials = Credentials().updated(await runner.run(provider, steps, session))
    session = provider.read_session(account, credentials)
    return await _check_session(provider, settings, _SignIn(credentials, session, None))


async def _check_session(provider: AnyProvider, settings: ProviderSettings, sign_in: _SignIn) -> _SignIn:
    """Asks the site whose session it is. Raises ProviderError when the site does not know it."""
    steps = provider.sign_in.identify(sign_in.session, moment_source()())
    if steps is None:
        return sign_in
    async with HttpxCarrier() as carrier:
        cleaner = Cleaner.of(sign_in.credentials, provider.name, sign_in.session.account)
        seals = Seals(lambda *who: sign_in.credentials.secrets())
        runner = StepRunner(seals, carrier, cleaner, proxy_of=lambda name: settings.common.proxy)
        try:
            sign_in.identity = await runner.run(provider, steps, sign_in.session)
        except ProviderError as error:
            if error.kind is not ErrorKind.PROVIDER_DOWN:
                raise
            sign_in.doubt = error.message
    return sign_in


# -- storing ----------------------------------------------------------------------------------------------------------
def _store(
    cli: CliContext,
    settings: ProviderSettings,
    account: str,
    sign_in: _SignIn,
    remembered: Credentials | None,
    as_json: bool,
) -> None:
    try:
        vault = cli.vault(create=True)
        revision = _put(vault, settings.name, account, sign_in.credentials, remembered)
    except VaultError as e:
        raise Problem(str(e)) from None
    note_done(vault_path(cli.config()).parent, "login", session=f"{settings.name}/{account}")
    identity = sign_in.identity
    whose = (identity.email or identity.name or identity.user_id) if identity else ""
    info: dict[str, Any] = {
        "provider": settings.name,
        "account": account,
        "stored": True,
        "revision": revision,
        "holds": sorted(sign_in.credentials.values()),
        "whose": whose,
        "expires_at": sign_in.session.expires_at or None,
        "proven": identity is not None,
        "remembered": remembered is not None,
    }
    if as_json:
        out_json(info)
        return
    until = moment_text(info["expires_at"], time.time()) if info["expires_at"] else "the site ends it"
    out(f"signed in: {settings.name}/{account}{f', {whose}' if whose else ''}, until {until}")
    if sign_in.doubt:
        out(f"warning: the session could not be proven: {sign_in.doubt}", err=True)


def _put(vault: Vault, provider: str, account: str, credentials: Credentials, remembered: Credentials | None) -> int:
    """Stores over whatever is there now; a password kept before stays. Raises VaultError."""
    for _ in range(TRIES):
        before = vault.get(provider, account)
        kept = remembered or (credentials_of(before.material) if before else Credentials())
        whole = replace(credentials, email=kept.email, password=kept.password)
        try:
            return vault.put(provider, account, record_of(whole), expected_rev=before.rev if before else 0).rev
        except VaultConflict:
            continue  # another login came in between; the later one stands
    raise VaultConflict("another process keeps changing this session; try again")
