"""A client connection that none of mitmproxy's handlers has, in mitmproxy's list of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from mitmproxy.connection import Client
from mitmproxy.proxy import events

from addons.layers.events import Tick
from addons.stream.deps import Timed


class OwnClient(ABC):
    """A client connection of the own driver, in the place of mitmproxy's handler in its list of connections."""

    transports: Final[Mapping[object, Any]] = {}
    """None of mitmproxy's."""
    client: Client

    async def server_event(self, event: events.Event) -> None:
        """Of all events, which are for mitmproxy's layers, only ticks mean something here."""
        if isinstance(event, Tick):
            self.tick(event.watched)

    @abstractmethod
    def tick(self, watched: Timed) -> None:
        """A deadline of the connection has been reached."""

    @abstractmethod
    def abort(self) -> None:
        """Ends the connection at once; what waits to be sent is lost."""
