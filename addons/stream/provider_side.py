"""A request's way to its provider: carries out its Asks over the pool, and tells what is said; reads when it may."""

from collections.abc import Callable

from mitmproxy.connection import Client

from addons.stream.commands import Ask, Finish, Leave
from addons.stream.deps import Upstream
from addons.stream.machine_events import FromProvider
from addons.upstream.events import Connected, UpstreamEvent
from addons.upstream.http1 import UpstreamCall


class ProviderSide:
    """One request's. `tell` hands what is said to its machine, and is false when nobody takes it any more."""

    __slots__ = ("_call", "_client", "_holds", "_number", "_tell", "_upstream")

    def __init__(self, upstream: Upstream, client: Client, tell: Callable[[FromProvider], bool]) -> None:
        self._upstream = upstream
        self._client = client
        self._tell = tell
        self._call: UpstreamCall | None = None
        self._number = 0
        self._holds = 0
        """Who wants it not to be read: a hook under way, a client that has not read."""

    def carry_out(self, command: Ask | Leave | Finish) -> FromProvider | None:
        """Gives what is to be told at once."""
        if isinstance(command, Ask):
            return self._ask(command)
        call, self._call = self._call, None
        if call is not None:
            if isinstance(command, Leave):
                call.leave()
            else:
                call.finish()
        return None

    def hold(self) -> None:
        """Nothing more is read until there are as many `go_on`."""
        self._holds += 1
        if self._holds == 1 and self._call is not None:
            self._call.pause()

    def go_on(self) -> None:
        self._holds -= 1
        if self._holds == 0 and self._call is not None:
            self._call.resume()

    def let_go(self) -> None:
        """Unties it from its machine: the request is over."""
        self._call = None
        self._tell = _nobody

    def _ask(self, ask: Ask) -> FromProvider | None:
        self._number = ask.number
        call = self._call = self._upstream.call(ask.target, ask.request, self._client, self._told, ask.upload)
        if self._holds:
            call.pause()
        if call.connection is not None and call.connection.link is not None:
            return FromProvider(ask.number, (Connected(call.connection.link.server),))
        return None

    def _told(self, call: UpstreamCall, said: tuple[UpstreamEvent, ...]) -> None:
        """Called by the connection."""
        if self._holds and type(said[0]) is Connected:
            call.pause()  # it could not be before there was a connection
        if call is self._call and not self._tell(FromProvider(self._number, said)):
            call.leave()


def _nobody(event: FromProvider) -> bool:
    return False
