"""A changed configuration is taken up while the gateway runs: checked whole, then swapped whole, or not at all."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from addons.core.config import Config
from addons.core.config_file import ConfigError, load_config
from addons.setup import Running
from addons.vault.errors import VaultError

log = logging.getLogger("glassgate")

type Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(slots=True)
class Reload:
    """Watches the files of the configuration. `take` puts a new Running in the old one's place."""

    file: Path
    running: Callable[[], Running]
    take: Callable[[Running], None]
    problem: str | None = None
    """Why the files as they stand now were not taken up, if so."""
    _seen: Stamp = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self._stamp()

    def look(self) -> None:
        """Takes a changed configuration up. A bad one is said once and changes nothing."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._reload()
        except (ConfigError, VaultError) as e:
            self.problem = str(e)
            log.error("the changed configuration is not taken up; the one from before stays in force:\n%s", e)

    def _reload(self) -> None:
        old = self.running()
        new = load_config(self.file)
        before = old.config.sections
        fixed = [name for name in ("listen", "vault") if getattr(new.sections, name) != getattr(before, name)]
        self.take(Running(new, old.vault, before=old))
        self.problem = None
        if fixed:
            self.problem = f"{' and '.join(fixed)} changed: this takes effect at the next start"
            log.warning("the changed configuration is in force; %s", self.problem)
        else:
            log.info("the changed configuration is in force")

    def _stamp(self) -> Stamp:
        """Tells one state of the files from another."""
        return tuple(_of(path) for path in _files(self.file, self.running().config))


def _files(file: Path, config: Config) -> list[Path]:
    tokens = config.environ.get("AUTH_TOKENS_FILE") or config.sections.auth.tokens_file
    found = [file, file.parent / ".env"]
    return [*found, file.parent / Path(tokens)] if tokens else found


def _of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)
