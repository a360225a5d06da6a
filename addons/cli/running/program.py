"""What a program is told of the gateway, and in which form: environment, temporary files, arguments. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_NO_PROXY: Final = ("NO_PROXY", "no_proxy")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
OWN_SECRETS: Final = ("SESSION_ENCRYPTION_KEY", "GLASSGATE_WEB_URL")
"""The gateway's own, which no program is given."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The gateway as a program is to see it."""

    url: str
    """Without a slash at its end, and without /v1."""
    key: str = field(repr=False)
    model: str
    context: int | None = None
    """Tokens that fit into the model, where that is known."""
    folder: Path = Path()
    """Where the program's temporary files will lie."""

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"

    @property
    def output(self) -> int:
        """Tokens of an answer that are planned for, where a program wants to be told."""
        return min(32_000, (self.context or 128_000) // 4)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a program is started with. `arguments` come before those of the person; no secret is among them."""

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Path below the setting's folder → text."""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A program of others. One that has no `command` of its own is named by the person, behind `--`."""

    name: str
    title: str
    prepare: Callable[[Setting], Prepared]
    command: str = ""
    install: str = ""
    """The command that installs it."""
    removed: tuple[str, ...] = ()
    """Variables that would lead it past the gateway."""
    prefers: tuple[str, ...] = ()
    """How names of models begin that it knows; they are taken first where nobody chooses."""
    page: str = ""
    """Its page in docs/clients."""


def environment(before: Mapping[str, str], program: Program, prepared: Prepared, url: str) -> dict[str, str]:
    """The environment a program is started with: the person's, without what leads past the gateway."""
    kept = {name: value for name, value in before.items() if name not in (*program.removed, *OWN_SECRETS)}
    found = kept | dict(prepared.environ)
    if any(name.lower() in PROXIES for name in found):
        found |= {name: _with_loopback(found.get(name, ""), url) for name in _NO_PROXY}
    return found


def _with_loopback(value: str, url: str) -> str:
    """The names no proxy is asked for, the gateway's among them."""
    known = [name for name in map(str.strip, value.split(",")) if name]
    host = url.partition("://")[2].rpartition(":")[0].strip("[]")
    return ",".join(dict.fromkeys([*known, *_LOOPBACK, host]))
