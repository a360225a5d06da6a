"""The exchanges under way, and how they are ended before their time."""

import logging
from collections.abc import Iterator

from mitmproxy import http

from addons.errors import GatewayError, shutting_down
from addons.exchange.exchange import Exchange
from addons.ingress.gate import GateRules, still_admitted
from addons.ingress.policies import key_removed
from addons.stream.sweeper import Sweeper
from addons.tasks import Background

log = logging.getLogger("glassgate")


class Exchanges:
    """The exchanges under way, by their flows. A stream with an attempt ends when `sweeper` ticks it."""

    def __init__(self, sweeper: Sweeper) -> None:
        self._sweeper = sweeper
        self._background = Background()
        self._of_flow: dict[str, Exchange] = {}

    def __len__(self) -> int:
        return len(self._of_flow)

    def __contains__(self, exchange: object) -> bool:
        return exchange in self._of_flow.values()

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._of_flow.values())

    def find(self, flow: http.HTTPFlow) -> Exchange | None:
        return self._of_flow.get(flow.id)

    def add(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        self._of_flow[flow.id] = exchange

    def take(self, flow: http.HTTPFlow) -> Exchange | None:
        """The flow's exchange, which is under way no more."""
        return self._of_flow.pop(flow.id, None)

    async def end_all(self) -> None:
        """Ends every one: with a last word where an answer was begun, else with a refusal."""
        self._stop(list(self), shutting_down())
        await self._sweeper.end()

    def end_of_removed_keys(self, rules: GateRules) -> None:
        """Ends those of client keys that are not in force any more."""
        removed = [exchange for exchange in self if not still_admitted(exchange.identity, rules)]
        if not removed:
            return
        log.warning("%d requests of client keys that were removed are ended", len(removed))
        self.end(removed, key_removed())

    def end(self, exchanges: list[Exchange], error: GatewayError) -> None:
        """Ends these, each with `error` or as its last word."""
        self._stop(exchanges, error)
        ports = set(map(id, exchanges))
        work = self._sweeper.end(lambda one: id(getattr(one, "port", None)) in ports)
        self._background.spawn(work, "ending requests")

    @staticmethod
    def _stop(exchanges: list[Exchange], error: GatewayError) -> None:
        for exchange in exchanges:
            exchange.stop(error)
