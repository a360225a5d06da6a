"""Asking a site for an answer whose stream was lost: it may have gone on with it, and keeps what it has written."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from addons.exchange.context import Context
from providers.contract.errors import ProviderError
from providers.contract.events import Event
from providers.contract.operation import Turn
from providers.contract.provider import AnyProvider
from providers.contract.session import Session

log = logging.getLogger("glassgate")

PAUSES_S: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0)
"""Before each time it is asked: the site may still be writing."""


class ReadBack:
    """Asks in a task of its own. `found` holds the whole answer once it is there; `wake` is called when all is over."""

    def __init__(
        self, context: Context, provider: AnyProvider, turn: Turn, session: Session, wake: Callable[[], object]
    ) -> None:
        self.over = False
        self.found: Sequence[Event] | None = None
        self._wake = wake
        self._task = asyncio.ensure_future(self._ask(context, provider, turn, session))
        context.background.watch(self._task)

    def leave(self) -> None:
        """Nobody waits for it any more."""
        self._wake = _nobody
        self._task.cancel()

    async def _ask(self, context: Context, provider: AnyProvider, turn: Turn, session: Session) -> None:
        try:
            for pause in PAUSES_S:
                await context.sleep(pause)
                if (steps := turn.read_back(context.moment())) is None:
                    return
                try:
                    self.found = await context.steps.run(provider, steps, session)
                except ProviderError as error:
                    log.info("%s: the lost answer could not be read back: %s", provider.name, error.message)
                if self.found:
                    return
        finally:
            self.over, wake = True, self._wake
            self._wake = _nobody
            wake()


def _nobody() -> None:
    """Who is told when nobody waits."""
