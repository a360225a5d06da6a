"""The vault that a configuration names: where it lies, its key, and opening it."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from addons.accounts.state_store import FILE_NAME, FileStateStore
from addons.config.configuration import Config
from addons.vault import prompt as terminal
from addons.vault.errors import VaultMissing
from addons.vault.keys import ENV_NAME, VaultKey, load_key
from addons.vault.rollback import RollbackGuard
from addons.vault.store import Vault

log = logging.getLogger("glassgate")


def vault_key(config: Config, prompt: Callable[[], str] | None = None, *, made: bool | None = None) -> VaultKey:
    """The vault's key from its configured source. `made`: whether there is a vault that only its own key opens; by
    default whether its file is there. Raises VaultError."""
    settings = config.sections.vault
    key_file = config.path(settings.key_file) if settings.key_file else None
    made = os.path.lexists(vault_path(config)) if made is None else made
    key = load_key(settings.key_source, environ=config.environ, key_file=key_file, prompt=prompt, made=made)
    os.environ.pop(ENV_NAME, None)
    return key


def vault_path(config: Config) -> Path:
    return config.path(config.sections.vault.path)


def rollback_guard(config: Config, *, accept_older: bool = False) -> RollbackGuard | None:
    """The memory of generations in the user's state folder (XDG Base Directory); None when it is switched off."""
    if not config.sections.vault.rollback_guard:
        return None
    base = os.environ.get("XDG_STATE_HOME", "")
    state = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".local" / "state"
    return RollbackGuard(state / "glassgate", accept_older=accept_older)


def state_path(config: Config) -> Path:
    """Where the states of the accounts are kept."""
    return vault_path(config).with_name(FILE_NAME)


def state_store(config: Config, now: Callable[[], float], clean: Callable[[str], str] = str) -> FileStateStore:
    """The states of the accounts; `clean` cleans what the file says that others have written."""
    return FileStateStore(state_path(config), now, clean, beside=vault_path(config))


def open_vault(config: Config) -> Vault | None:
    """The vault; None when no account needs one or it has not been made yet. Raises VaultError when it cannot open."""
    needed = any(a.session == "vault" for s in config.providers for a in s.common.accounts)
    if not needed:
        return None
    if not os.path.lexists(vault_path(config)):
        log.warning("%s", no_vault(config))
        return LateVault(config)
    return Vault.open(vault_path(config), vault_key(config, terminal.prompt()), guard=rollback_guard(config))


def no_vault(config: Config) -> str:
    """What is told where a vault should be and none is."""
    return (
        f"there is no vault at {vault_path(config)}. If there was one, put it back; "
        "the first session that is added makes a new one"
    )


class LateVault(Vault):
    """A vault that is not there yet when the gateway starts: opened as soon as its file appears."""

    def __init__(self, config: Config) -> None:
        key = vault_key(config, terminal.prompt())
        super().__init__(vault_path(config), key, os.urandom, time.time, True, rollback_guard(config))
        if lacks_sessions(config):
            self.problem = VaultMissing(no_vault(config))


def lacks_sessions(config: Config) -> bool:
    """Whether an account's session can be nowhere but in the vault."""
    wanted = [
        (s.name, account.name) for s in config.providers for account in s.common.accounts if account.session == "vault"
    ]
    return any(name not in config.env_sessions for name in wanted)
