"""The key a program shows to the gateway: one of the configuration, else one that is lent to it for as long as it runs.

A key of the configuration is taken where it can be read here and the gateway proves to know it: AUTH_TOKEN may be
another in this terminal than where the gateway was started.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.app import control, lent_keys
from addons.app.control import Answer
from addons.cli.base import Problem
from addons.cli.gateway_http import proves_to_know
from addons.config.client_keys import ClientKey
from addons.config.configuration import Config

PATIENCE_S: Final = 10.0
_LOOK_S: Final = 0.05
NOT_WANTED: Final = "no-key-is-wanted"
"""What a program shows where the gateway wants none: they all insist on having one."""


@dataclass(frozen=True, slots=True)
class ProgramKey:
    """The key, and where it is configured, for people. `lent` is its name in the gateway's log, of one that is lent."""

    token: str = field(repr=False)
    source: str
    lent: str = ""


def configured_key(config: Config, url: str) -> ProgramKey | None:
    """The key of the configuration that the gateway at `url` proves to know; None where it can show none."""
    if config.skip_auth:
        return ProgramKey(NOT_WANTED, "")
    first: ClientKey | None = next(iter(config.keys), None)
    if first is None or not proves_to_know(url, first.token):
        return None
    return ProgramKey(first.token, first.source)


@contextmanager
def lent_key(
    folder: Path,
    file: Path,
    program: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[ProgramKey]:
    """A key of its own, which the gateway admits until the end, or until this process dies. Raises Problem."""
    token = f"sk-glassgate-run-{secrets.token_urlsafe(32)}"
    with ExitStack() as stack:
        try:
            question = stack.enter_context(control.held(folder))
            control.ask(folder, file, question, lent_keys.WHAT, key=token, name=f"run-{program}")
            answer = _answer(folder, question, clock, sleep)
        except OSError as e:
            raise Problem(f"the gateway cannot be asked for a key: {e.strerror or e}") from None
        if not answer.done:
            raise Problem(f"the gateway lends no key: {answer.said}")
        yield ProgramKey(token, "", answer.said)


def _answer(folder: Path, question: str, clock: Callable[[], float], sleep: Callable[[float], None]) -> Answer:
    deadline = clock() + PATIENCE_S
    while clock() < deadline:
        if (answer := control.answer_to(folder, question)) is not None:
            return answer
        sleep(_LOOK_S)
    raise Problem("the gateway has not answered, so the program has no key; is it of this version? Start it again")
