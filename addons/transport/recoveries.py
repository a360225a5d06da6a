"""Recoveries, one of a provider at a time: requests refused together are mended by what the first of them learnt."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from addons.transport.step_runner import StepRunner
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.operation import Turn
from providers.contract.provider import AnyProvider
from providers.contract.session import Session
from providers.contract.steps import Moment


@dataclass(slots=True)
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed_at: float = -math.inf
    """When the site could not even be asked."""


@dataclass(slots=True)
class Recoveries:
    """The recoveries of all providers. `clock` is monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    _lines: dict[tuple[str, ErrorKind], _Line] = field(default_factory=dict)

    async def apply(
        self,
        runner: StepRunner,
        provider: AnyProvider,
        turn: Turn,
        session: Session,
        error: ProviderError,
        asked: Moment,
    ) -> None:
        """Mends what was wrong with a turn's call, made at `asked`. Raises ProviderError where it stays wrong.

        Whoever waited for another's turn is not made to wait for a site that did not answer that one.
        """
        line = self._lines.setdefault((provider.name, error.kind), _Line())
        began = self.clock()
        async with line.lock:
            if line.failed_at > began:
                raise error
            steps = turn.recover(error, asked)
            if steps is None:  # another has mended it meanwhile
                return
            try:
                await runner.run(provider, steps, session)
            except ProviderError as found:
                if found.kind is ErrorKind.PROVIDER_DOWN:
                    line.failed_at = self.clock()
                raise
