"""Observers: told of each request that begins, each attempt that ends and each request that ends."""

import logging
from collections.abc import Sequence
from typing import Final

from addons.exchange.outcome import AttemptRecord, ExchangeInfo, Outcome

log = logging.getLogger("glassgate")


class Observer:
    """Base class of observers; its methods do nothing. All are called on the event loop.

    Of one request `begun` comes first and `ended` last. The request waits for the end of each call, so what takes long
    is done in the background. A request that no provider was to be asked for has an `ended` alone.
    """

    async def begun(self, info: ExchangeInfo) -> None:
        """A request for a provider has come whole."""

    async def attempted(self, record: AttemptRecord) -> None:
        """An attempt is over, whatever follows."""

    async def ended(self, outcome: Outcome) -> None:
        """A request is over."""


class Observers:
    """Calls all observers in order; the fault of one is logged, and hurts neither the others nor the request."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        """Only who does something at an event is called at it."""
        self._begun: Final = [one for one in observers if type(one).begun is not Observer.begun]
        self._attempted: Final = [one for one in observers if type(one).attempted is not Observer.attempted]
        self._ended: Final = [one for one in observers if type(one).ended is not Observer.ended]

    async def begun(self, info: ExchangeInfo) -> None:
        for observer in self._begun:
            try:
                await observer.begun(info)
            except Exception:
                log.exception("%s failed over the beginning of request %s", type(observer).__name__, info.id)

    async def attempted(self, record: AttemptRecord) -> None:
        for observer in self._attempted:
            try:
                await observer.attempted(record)
            except Exception:
                log.exception("%s failed over an attempt of request %s", type(observer).__name__, record.request_id)

    async def ended(self, outcome: Outcome) -> None:
        for observer in self._ended:
            try:
                await observer.ended(outcome)
            except Exception:
                log.exception("%s failed over the end of request %s", type(observer).__name__, outcome.id)
