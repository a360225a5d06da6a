"""The steps of setup, each of which says what it did: .env, config.yaml, the key, the proof, what comes next."""

import base64
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from addons.accounts.way_in import way_in
from addons.app.configured_vault import vault_path
from addons.cli.base import CliContext, Problem, out
from addons.cli.setup.config_schema import config_schema
from addons.cli.setup.files import Place, read_or_nothing, write
from addons.cli.setup.proof import proof
from addons.cli.setup.providers import Wanted
from addons.cli.setup.takeover import VAULT_KEY, Takeover
from addons.cli.setup.written import SCHEMA_FILE, config_with, new_config, provider_line
from addons.config.configuration import Config
from addons.config.loader import ConfigError, load_config
from addons.config.providers import make_providers
from addons.config.schema import VaultSettings
from addons.vault import prompt as terminal
from addons.vault.errors import VaultError
from addons.vault.store import Vault
from addons.words.commands import command, start

_KEY_CHARS: Final = 16 * 1024
_CLIENT_KEY: Final = "AUTH_TOKEN"


class Work:
    """Sets up one place."""

    def __init__(self, place: Place, *, ask: bool, key_stdin: bool, replace_key: bool, prove: bool) -> None:
        self._place = place
        self._ask = ask
        self._key_stdin = key_stdin
        self._replace_key = replace_key
        self._prove = prove

    def make_env(self, taken: Takeover) -> None:
        """Adds what .env lacks; what it has stays. Raises Problem."""
        there = self._place.variables()
        for name in taken.values:
            if there.get(name) not in (None, taken.values[name]):
                out(f"{name}: {self._place.env} has another value, which stays")
        wanted = {name: value for name, value in taken.values.items() if name not in there}
        if not {**there, **wanted}.get(_CLIENT_KEY) and not os.environ.get(_CLIENT_KEY):
            wanted[_CLIENT_KEY] = f"sk-glassgate-{secrets.token_urlsafe(32)}"
        if self._needs_vault_key({**there, **wanted}):
            wanted[VAULT_KEY] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self._place.add_variables(wanted)
        kept = [name for name in (_CLIENT_KEY, VAULT_KEY) if name not in wanted]
        if wanted:
            out(f"{self._place.env}: added {', '.join(wanted)}")
        out(*(f"{name} is set already and stays" for name in kept if there.get(name) or os.environ.get(name)))

    def _needs_vault_key(self, known: Mapping[str, str]) -> bool:
        """Raises Problem where a vault is there whose key is not known: a new one would not open it."""
        if known.get(VAULT_KEY) or os.environ.get(VAULT_KEY):
            return False
        settings, vault = VaultSettings(), self._place.config.parent / VaultSettings().path
        if self._place.config.exists():
            config = self._config(without={"auth", "providers"})
            settings, vault = config.sections.vault, vault_path(config)
        if settings.key_source != "env":
            return False
        if os.path.lexists(vault):
            raise Problem(f"there is a vault {vault}: give its key as {VAULT_KEY}, in {self._place.env}")
        return True

    def make_config(self, taken: Mapping[str, dict[str, Any]], wanted: Wanted | None, port: int | None) -> None:
        """Writes the configuration, or adds what it lacks to one that is there. Raises Problem."""
        entries = {**taken, **({wanted.name: wanted.entry} if wanted else {})}
        file = self._place.config
        if not file.exists():
            if port is None:
                port = click.prompt("Which port is it to listen on?", default=8080, type=int) if self._ask else 8080
            self._write_config(new_config(entries, port))
            out(f"{file}: made, with {', '.join(entries)}")
        else:
            self._extend(file, entries)
        write(file.with_name(SCHEMA_FILE), json.dumps(config_schema()) + "\n")

    def _extend(self, file: Path, entries: Mapping[str, dict[str, Any]]) -> None:
        config = self._config()
        there = {one.name for one in (*config.providers, *config.disabled)}
        out(*(f"{file}: has a provider {name} already, which stays" for name in entries if name in there))
        lacking = {name: entry for name, entry in entries.items() if name not in there}
        if not lacking:
            out(f"{file}: stays as it is")
            return
        lines = [provider_line(name, entry) for name, entry in lacking.items()]
        if self._ask and not click.confirm(f"Add {', '.join(lacking)} to {file}?", default=True):
            raise Problem(f"nothing was added to {file}; the lines would be, under `providers:`", *lines)
        text = config_with(read_or_nothing(file), lacking)
        if text is None:
            raise Problem(f"{file} is not written as setup could add to it; put this under `providers:`", *lines)
        self._write_config(text)
        out(f"{file}: added {', '.join(lacking)}")

    def _write_config(self, text: str) -> None:
        def check(made: Path) -> None:
            try:
                load_config(made)
            except ConfigError as e:  # it is told by the name that it was to have
                raise ConfigError([one.replace(str(made), str(self._place.config)) for one in e.problems]) from None

        try:
            write(self._place.config, text, check=check)
        except ConfigError as e:
            raise Problem(f"{self._place.config} would not be right; it stays as it is:", *e.problems) from None

    def add_key(self, wanted: Wanted) -> bool:
        """Stores the API's key and proves it. Gives whether the provider took it. Raises Problem."""
        cli = CliContext(self._place.config, without=())
        vault = None
        try:
            if wanted.wants_key:
                vault = cli.vault(create=True)
                self._store(vault, wanted.name, wanted.account)
        except VaultError as e:
            raise Problem(str(e)) from None
        if not self._prove or not (wanted.wants_key or wanted.keyless):
            return True
        well, findings = proof(cli.config(), vault, wanted.name)
        for found in findings:
            out(f"{'proved' if well else 'not proved'}: {found.message}", *([f"  → {found.fix}"] if found.fix else []))
        return well

    def _store(self, vault: Vault, provider: str, account: str) -> None:
        """Raises VaultError, Problem."""
        if vault.get(provider, account) is not None and not self._may_replace(provider, account):
            out(f"the vault has a key for {provider}/{account}, which stays (--replace-key replaces it)")
            return
        key = self._read_key(provider)
        if not key:
            raise Problem(f"{provider} wants a key: --key-stdin, or --no-key if it wants none")
        record = vault.put(provider, account, {"api_key": key})
        out(f"stored the key of {provider}/{account} in the vault (revision {record.rev})")

    def _may_replace(self, provider: str, account: str) -> bool:
        asked = f"The vault has a key for {provider}/{account}. Replace it?"
        return self._replace_key or (self._ask and click.confirm(asked))

    def _read_key(self, provider: str) -> str:
        """Never from the command line, which others can read. Raises Problem."""
        if self._key_stdin:
            line = sys.stdin.readline(_KEY_CHARS)
        elif self._ask:
            line = terminal.ask_secret(f"The key of {provider} (it is not shown)")
        else:
            return ""
        if not line.strip().isprintable():
            raise Problem("the key has characters that cannot be printed")
        return line.strip()

    def conclude(self, taken: Takeover, wanted: Wanted | None, well: bool) -> None:
        """Says what comes next."""
        config = self._config()
        providers = make_providers(config)
        sites = [name for name in (*taken.providers, *([wanted.name] if wanted else [])) if name in providers]
        for name in dict.fromkeys(sites):
            account = next(one for one in config.providers if one.name == name).common.accounts[0]
            known = (name, account.name) in config.env_sessions
            if providers[name].web_session and account.session == "vault" and not known:
                out(f"sign in to {name}: {way_in(providers[name], account.name)}")
        if well:
            out("", "Start it:", f"  {start()}", "", *_ways_to_ask(config, self._place.env))
        else:
            out(
                "",
                f"All is written, but the provider did not take it. When it is mended: {command('doctor', '--online')}",
            )

    def _config(self, without: set[str] | None = None) -> Config:
        """Raises Problem."""
        return CliContext(self._place.config, without=without or set()).config()


def _ways_to_ask(config: Config, env: Path) -> list[str]:
    key = f"AUTH_TOKEN in {env}" if config.environ.get(_CLIENT_KEY) else "one of the client keys"
    url = f"{config.sections.listen.url}/v1"
    return [
        f"base URL  {url}",
        f"key       {key}",
        "",
        "from openai import OpenAI",
        f'client = OpenAI(base_url="{url}", api_key="…")  # the key',
        "print([model.id for model in client.models.list()])",
        "",
        f"Agents: {command('run', 'claude')}   (or codex, opencode, aider, qwen …)",
    ]
