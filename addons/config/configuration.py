"""The configuration as a whole: file, environment and what both name, checked and immutable."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from addons.config.client_keys import ClientKey
from addons.config.key_files import KeyFile
from addons.config.provider_keys import AccountSettings, ProviderCommon
from addons.config.schema import Sections
from addons.config.told_keys import placed
from addons.config.yaml_reading import KeyPath
from providers.contract.provider import ProviderOptions
from providers.contract.session import Credentials

if TYPE_CHECKING:  # commands need no certificates
    from addons.config.tls_files import TlsPair


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider of config.yaml: the gateway's keys, and its own as its Options."""

    name: str
    common: ProviderCommon
    options: ProviderOptions
    from_file: tuple[AccountSettings, ...] = ()
    """Accounts that stand in a file of sessions, not in config.yaml."""

    @property
    def accounts(self) -> tuple[AccountSettings, ...]:
        """The accounts, those of config.yaml first."""
        return (*self.common.accounts, *self.from_file)


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration, environment included. Relative paths are resolved against the file's folder.

    What a command asked to be left out stands at its default: no client keys, no providers.
    """

    file: Path
    sections: Sections
    providers: tuple[ProviderSettings, ...]
    keys: tuple[ClientKey, ...] = ()
    skip_auth: bool = False
    env_sessions: Mapping[tuple[str, str], Credentials] = field(default_factory=dict, repr=False)
    environ: MutableMapping[str, str] = field(default_factory=dict, repr=False)
    files: tuple[KeyFile, ...] = ()
    """The files all this was read from."""
    disabled: tuple[ProviderSettings, ...] = ()
    """Providers with `enabled: false`: they serve nothing, and whoever asks for them is told so."""
    lines: Mapping[KeyPath, int] = field(default_factory=dict, repr=False)
    """The line of each key of the file."""
    notes: tuple[str, ...] = ()
    """What was passed over on the way, in words without secrets."""
    managed_keys: bool = False
    """Whether commands have made client keys (addons/keys/)."""
    tls: "TlsPair | None" = field(default=None, repr=False)
    """What `listen.tls` names, once it was read: who serves needs it, most commands do not."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """The client keys themselves: secrets."""
        return tuple(key.token for key in self.keys)

    def path(self, value: Path) -> Path:
        """A path of the configuration, absolute."""
        return value if value.is_absolute() else (self.file.parent / value)

    def message_at(self, path: KeyPath, words: str) -> str:
        """A sentence about what stands at `path` of the file."""
        return placed(self.file, self.lines, path, words)
