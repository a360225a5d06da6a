"""Hot reload: a changed configuration is judged as at the start, then swapped whole or not at all.

Files are read and checked in a thread, the result is put in force on the event loop. Whatever goes wrong on the way is
a problem that is told (log, /healthz, the answer to `glassgate reload`), and what was in force before stays.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.app.configured_vault import vault_path
from addons.app.listener_tls import renewed_words, with_certificate
from addons.app.reload_requests import ReloadAnswer, ReloadRequests
from addons.app.runtime import Running
from addons.config.configuration import Config
from addons.config.exposure import judge
from addons.config.loader import ConfigError, load_config
from addons.config.schema import Sections
from addons.config.session_lines import VARIABLE
from addons.vault.errors import VaultError

log = logging.getLogger("glassgate")

READ_S: Final = 20.0
"""Files that cannot be read within so long (a disk of the network that is away) are as good as none."""

UNCHANGED: Final = "nothing has changed: the configuration in force is that of the files"

type Stamp = tuple[tuple[int, int, int, int] | None, ...]


@dataclass(slots=True)
class Reload:
    """Watches the files of the configuration. `take` puts a new Running in the old one's place."""

    file: Path
    running: Callable[[], Running]
    take: Callable[[Running], None]
    hosts: Callable[[], Sequence[str]]
    """Where the gateway really listens."""
    now: Callable[[], float] = time.time
    problem: str | None = None
    """Why the files as they stand now were not taken up, if so."""
    _seen: Stamp = field(init=False)
    _first: Sections = field(init=False)
    """As they were at the start: some are in force until the end."""
    _requests: ReloadRequests = field(init=False)
    _asked: bool = False
    _reader: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "glassgate configuration"))
    """A thread of its own: should a file hang, nothing else waits."""

    def __post_init__(self) -> None:
        config = self.running().config
        self._seen, self._first = _stamp(self.file, config), config.sections
        self._requests = ReloadRequests(vault_path(config).parent, self.file)

    def ask(self) -> None:
        """The next look takes the files up whether they have changed or not."""
        self._asked = True

    async def look(self) -> None:
        """Takes a changed configuration up, and answers who asks. A bad one is said once and changes nothing."""
        question = self._requests.new()
        try:
            stamp = await self._read(lambda: _stamp(self.file, self.running().config))
        except TimeoutError:
            self._hung()
            return
        changed = stamp != self._seen
        if question is None and not self._asked and not changed:
            return
        self._seen, self._asked = stamp, False
        answer = await self._reload(changed=changed or self.problem is not None)
        if question is not None:
            await self._read(lambda: self._requests.answer(question, answer))

    async def _read[T](self, work: Callable[[], T]) -> T:
        """Raises TimeoutError and what `work` raises."""
        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._reader, work), READ_S)

    async def _reload(self, *, changed: bool) -> ReloadAnswer:
        before = self.problem
        try:
            said = await self._taken_up(changed=changed)
        except (ConfigError, VaultError) as e:
            self.problem = str(e)
        except TimeoutError:
            self._hung()
            return ReloadAnswer(False, str(self.problem))
        except Exception as e:
            self.problem = (
                f"{self.file} could not be taken up ({type(e).__name__}): a fault of the gateway, see its log"
            )
            log.exception("a fault of the gateway while it took a changed configuration up")
        else:
            return ReloadAnswer(True, said)
        if self.problem != before:  # the same answer to the same file was logged when it was looked at first
            lines = self.problem.splitlines()
            kept = "the changed configuration is not taken up; the one from before stays in force:"
            log.error(kept + "\n%s" * len(lines), *lines)  # a line for each problem
        return ReloadAnswer(False, self.problem)

    def _hung(self) -> None:
        """The files could not even be looked at: they are once more when that goes, changed or not."""
        before, self.problem = self.problem, f"{self.file} and its like could not be read within {READ_S:g} s"
        self._asked = True
        if self.problem != before:
            log.error("%s; the configuration from before stays in force", self.problem)

    async def _taken_up(self, *, changed: bool) -> str:
        """Unchanged files are judged too: the listeners may have changed.

        Raises ConfigError, VaultError, TimeoutError.
        """
        new = await self._read(lambda: with_certificate(load_config(self.file), self.now()))
        if found := judge(new, self.hosts()):
            raise ConfigError(found)
        if not changed:
            log.info("%s", UNCHANGED)
            return UNCHANGED
        old = self.running()
        fixed = _waiting(self._first, new.sections)
        self.take(Running(new, old.vault, old.carrier, before=old))
        self.problem = None
        for words in new.notes:
            log.warning("%s", words)
        said = "the changed configuration is in force"
        if renewed := renewed_words(old.config.tls, new.tls):
            log.info("%s", renewed)
        if fixed:
            self.problem = f"{' and '.join(fixed)} changed: this takes effect at the next start"
            log.warning("%s; %s", said, self.problem)
            return f"{said}; {self.problem}"
        log.info("%s", said)
        return said


def _waiting(first: Sections, new: Sections) -> list[str]:
    """The sections that changed and are in force at the next start only. Another certificate is at once, as is another
    driver; whether TLS is spoken at all is not."""
    listen = new.listen.model_copy(update={"driver": first.listen.driver})
    if first.listen.tls is not None and listen.tls is not None:
        listen = listen.model_copy(update={"tls": first.listen.tls})
    changed = {"listen": listen != first.listen, "vault": new.vault != first.vault}
    return [name for name in changed if changed[name]]


def _stamp(file: Path, config: Config) -> Stamp:
    """Tells one state of the files from another. Blocks on the disk."""
    return tuple(_of(path) for path in _files(file, config))


def _files(file: Path, config: Config) -> list[Path]:
    tokens = config.environ.get("AUTH_TOKENS_FILE") or config.sections.auth.tokens_file
    sessions = config.environ.get(VARIABLE)
    tls = config.sections.listen.tls
    named = (tokens, sessions, *((tls.cert, tls.key) if tls is not None else ()))
    return [file, file.parent / ".env", *(file.parent / path for path in named if path)]


def _of(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
