"""The pool of connections to providers, shared by all clients. Without I/O: it is given a Connect and a clock.

A connection serves one request at a time and is idle between two, for a while. It is shared by requests to the same
Target alone: same address, same TLS, same proxy, and of web sites the same account.

A connection that has been idle may have died meanwhile, without that having been seen. Where it ends after a request
was sent and before one byte of an answer came, the request goes out once more, on a new connection: as browsers do it,
of POST too, since providers close idle connections at any time and then have not read what came too late.
"""

import logging
from collections.abc import Callable
from typing import Final

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.utils import human

from addons.upstream.http1 import Http1Connection, Told, UpstreamCall
from addons.upstream.port import Connect, Target
from addons.upstream.upload import Upload

log = logging.getLogger("glassgate")

IDLE_S: Final = 30.0
"""How long a connection may be idle, where the provider does not say less (Keep-Alive: timeout=…)."""
MARGIN_S: Final = 1.0
"""So much before the provider's own time limit a connection is closed."""
AGE_S: Final = 600.0
"""No request begins on an older connection: addresses and certificates change."""
DRAIN_S: Final = 1.0
"""How long an answered request's body may take to end, so that its connection can serve again."""
MOST_IDLE: Final = 512
"""Connections that may be idle, where the process may have many more open files."""
IDLE_PER_TARGET: Final = 64


class UpstreamPool:
    """Carries requests to providers. `sweep` is called a few times a second; `clock` is monotonic, in seconds."""

    def __init__(self, connect: Connect, clock: Callable[[], float]) -> None:
        self.most_idle = MOST_IDLE
        self._connect = connect
        self._clock = clock
        self._idle: dict[Target, list[Http1Connection]] = {}
        """The one that has been idle longest first."""
        self._idle_count = 0
        self._until: dict[Http1Connection, float] = {}
        """Of those that are idle or drain, when they are closed."""
        self._begun: dict[Http1Connection, float] = {}
        """All that are open or being made, and since when."""

    def __len__(self) -> int:
        """Connections that are open or being made."""
        return len(self._begun)

    def call(
        self, target: Target, request: http.Request, client: Client, told: Told, upload: Upload | None = None
    ) -> UpstreamCall:
        """Sends the request, whose body goes on where there is an `upload`.

        `told` is first called after this has returned; `is_connected` says whether the request is on its way already,
        over a connection that had been idle (then no Connected is told). With an upload it never is: should such a
        connection be dead, what went out on it could not be sent again.
        """
        call = UpstreamCall(target, request, client, told, upload)
        connection = self._take(target) if upload is None else None
        if connection is None:
            self._open(call)
        else:
            connection.send(call)
        return call

    def sweep(self) -> None:
        """Closes what has been idle or drained for too long."""
        now = self._clock()
        for connection in [one for one, until in self._until.items() if now >= until]:
            connection.close()

    def close_idle(self) -> None:
        """Closes what is idle: settings of connections have changed, or the gateway ends."""
        for connection in [one for found in self._idle.values() for one in found]:
            connection.close()
        self._begun = dict.fromkeys(self._begun, float("-inf"))  # those at work do not serve another request

    def close(self) -> None:
        """Closes everything."""
        for connection in list(self._begun):
            connection.close()

    # -- what connections tell --------------------------------------------------------------------------------------
    def idle(self, connection: Http1Connection) -> None:
        self._until.pop(connection, None)
        now = self._clock()
        if now - self._begun[connection] >= AGE_S:
            connection.close()
            return
        found = self._idle.setdefault(connection.target, [])
        found.append(connection)
        self._idle_count += 1
        self._until[connection] = now + connection.idle_s(IDLE_S, MARGIN_S)
        if len(found) > IDLE_PER_TARGET:
            found[0].close()
        elif self._idle_count > self.most_idle:
            min(self._until, key=self._until.__getitem__).close()

    def drains(self, connection: Http1Connection) -> None:
        self._until[connection] = self._clock() + DRAIN_S

    def gone(self, connection: Http1Connection) -> None:
        self._begun.pop(connection, None)
        self._until.pop(connection, None)
        found = self._idle.get(connection.target, ())
        if connection in found:
            self._forget(connection)

    def again(self, call: UpstreamCall) -> None:
        log.info(
            "%s closed an idle connection before it took the request, which goes out once more on a new one",
            human.format_address((call.target.host, call.target.port)),
        )
        call.repeated = True
        self._open(call)

    # -- inside -----------------------------------------------------------------------------------------------------
    def _take(self, target: Target) -> Http1Connection | None:
        """An idle connection: the one used last, which is the least likely to be dead."""
        now = self._clock()
        while found := self._idle.get(target):
            connection = found[-1]
            if now < self._until[connection] and now - self._begun[connection] < AGE_S and connection.is_fresh():
                self._until.pop(connection)
                self._forget(connection)
                return connection
            connection.close()
        return None

    def _forget(self, connection: Http1Connection) -> None:
        found = self._idle[connection.target]
        found.remove(connection)
        self._idle_count -= 1
        if not found:
            del self._idle[connection.target]

    def _open(self, call: UpstreamCall) -> None:
        connection = Http1Connection(call.target, self)
        self._begun[connection] = self._clock()
        connection.opens_for(call, self._connect(call.target, call.client, connection))
