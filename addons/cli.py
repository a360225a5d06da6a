"""`glassgate`: the command line for people. Every problem is one clear line on stderr; no traceback, no secret.

Exit status: 0 done, 1 refused or failed, 2 wrong usage.
"""

import asyncio
import base64
import difflib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from addons.accounts import material_of
from addons.core.config import Config, ProviderSettings
from addons.core.config_file import ConfigError, load_config
from addons.local import model_object
from addons.setup import Models, make_providers, vault_key, vault_path
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.store import Vault
from providers.errors import ProviderError


class SessionForm(BaseModel):
    """What `sessions add --from-json` takes."""

    model_config = ConfigDict(extra="forbid")

    token: StrictStr | None = None
    cookies: dict[StrictStr, StrictStr] = {}
    headers: dict[StrictStr, StrictStr] = {}
    api_key: StrictStr | None = None


class Problem(click.ClickException):
    """A refusal in one line."""

    def show(self, file: Any = None) -> None:
        click.echo(f"glassgate: {self.format_message()}", err=True)


class Lazy:
    """The configuration, read when a command first needs it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._config: Config | None = None

    def config(self, *, keys_needed: bool = False) -> Config:
        """Raises Problem. Commands on the vault do not need a client key to be configured."""
        if self._config is None:
            environ = dict(os.environ)
            if not keys_needed and not environ.get("AUTH_TOKEN"):
                environ["AUTH_TOKEN"] = "unused-by-this-command"  # noqa: S105  (satisfies the check, opens nothing)
            try:
                self._config = load_config(self.file, environ)
            except ConfigError as e:
                raise Problem(str(e)) from None
        return self._config

    def vault(self, *, create: bool = False) -> Vault:
        config = self.config()
        try:
            key = vault_key(config, prompt=_ask_passphrase if sys.stdin.isatty() else None)
            if create and not os.path.lexists(vault_path(config)):
                return Vault.create(vault_path(config), key)
            return Vault.open(vault_path(config), key)
        except VaultMissing:
            raise
        except VaultError as e:
            raise Problem(str(e)) from None


def _ask_passphrase() -> str:
    answer: str = click.prompt("Vault passphrase", hide_input=True, err=True)
    return answer


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("config.yaml"),
    envvar="GLASSGATE_CONFIG",
    show_default=True,
    help="The configuration file.",
)
@click.version_option(package_name="glassgate")
@click.pass_context
def main(context: click.Context, file: Path) -> None:
    """Glassgate: the OpenAI-compatible gateway you can see through."""
    os.umask(0o077)
    context.obj = Lazy(file)


# -- sessions ---------------------------------------------------------------------------------------------------------
@main.group()
def sessions() -> None:
    """The sessions in the vault."""


@sessions.command("add")
@click.argument("provider")
@click.argument("account")
@click.option("--from-json", "source", type=click.File("r"), help="A file with the session as JSON, or - for stdin.")
@click.option("--api-key-stdin", is_flag=True, help="Read an API key from stdin.")
@click.pass_obj
def add(lazy: Lazy, provider: str, account: str, source: Any, api_key_stdin: bool) -> None:
    """Store a session: {"token": …, "cookies": {…}, "headers": {…}, "api_key": …}. Makes the vault if needed."""
    settings = _known(lazy.config(), provider, account)
    if (source is None) == (not api_key_stdin):
        raise click.UsageError("give either --from-json FILE or --api-key-stdin")
    form = SessionForm(api_key=sys.stdin.readline().strip()) if api_key_stdin else _read_form(source.read())
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
    click.echo(f"stored {provider}/{account} (revision {record.rev})")


@sessions.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_sessions(lazy: Lazy, as_json: bool) -> None:
    """What the vault holds; never a secret."""
    try:
        records = lazy.vault().records()
    except VaultMissing:
        records = {}
    rows: list[dict[str, Any]] = [
        {
            "provider": record.provider,
            "account": record.account,
            "revision": record.rev,
            "updated": record.updated,
            "holds": sorted(material_of(record.material).values()),
        }
        for record in records.values()
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['provider']}/{row['account']}  revision {row['revision']}  holds {', '.join(row['holds'])}")
    if not rows:
        click.echo("the vault holds no session; add one: glassgate sessions add PROVIDER ACCOUNT --from-json FILE")


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
    click.echo(f"removed {provider}/{account}")


def _known(config: Config, provider: str, account: str) -> ProviderSettings:
    """The provider's settings; a Problem with near names when config.yaml does not have it."""
    names = [settings.name for settings in config.providers]
    if provider not in names:
        raise Problem(f"config.yaml has no provider {provider!r}.{_near(provider, names)}")
    settings = next(s for s in config.providers if s.name == provider)
    accounts = [a.name for a in settings.common.accounts]
    if account not in accounts:
        raise Problem(f"provider {provider!r} has no account {account!r} in config.yaml.{_near(account, accounts)}")
    return settings


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(known)}."


def _read_form(text: str) -> SessionForm:
    try:
        return SessionForm.model_validate_json(text)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(f"the session JSON is not right: {where + ': ' if where else ''}{first['msg']}") from None


# -- models, keys, sandbox --------------------------------------------------------------------------------------------
@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /v1/models gives it.")
@click.pass_obj
def models(lazy: Lazy, as_json: bool) -> None:
    """The public models of the configured providers."""
    config = lazy.config()
    index = Models(make_providers(config), config.sections.models.aliases)()
    if as_json:
        click.echo(json.dumps({"object": "list", "data": [model_object(model, 0) for model in index.models()]}))
        return
    for model in index.models():
        click.echo(f"{model.id}  ({', '.join(route.provider for route in index.find(model.id))})")
    for alias in index.aliases():
        click.echo(f"{alias}  (alias)")


@main.command()
@click.option("--client", is_flag=True, help="A key for clients (AUTH_TOKEN) instead of one for the vault.")
def keygen(client: bool) -> None:
    """Print a fresh key: for SESSION_ENCRYPTION_KEY, or with --client for AUTH_TOKEN."""
    if client:
        click.echo(f"sk-glassgate-{secrets.token_urlsafe(32)}")
    else:
        click.echo(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


@main.command()
@click.option("--site", "sites", multiple=True, help="Only this site (may be given again).")
@click.option("--port-base", type=int, default=0, help="First port; 0 takes free ones.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the sites are up.")
def sandbox(sites: tuple[str, ...], port_base: int, as_json: bool) -> None:
    """Run stand-ins of the sites on loopback, for trying out and testing, until Ctrl-C."""
    from providers.sandbox.run import SITES, run  # only this command needs the sites

    unknown = [site for site in sites if site not in SITES]
    if unknown:
        raise Problem(f"there is no sandbox site {unknown[0]!r}. Known: {', '.join(SITES)}.")

    def announce(sites_up: dict[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps(sites_up))
            sys.stdout.flush()
            return
        for name, url in sites_up["base_urls"].items():
            click.echo(f"{name}  {url}")

    asyncio.run(run(sites or tuple(SITES), port_base, announce))


@main.command(hidden=True)
@click.pass_obj
def listen(lazy: Lazy) -> None:
    """The listener of the checked configuration, for run_proxy.sh: host, port."""
    config = lazy.config(keys_needed=True)
    click.echo(f"{config.sections.listen.host} {config.sections.listen.port}")


if __name__ == "__main__":
    main()
