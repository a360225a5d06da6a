"""The dependencies of the layers: those of every stream, and the way to a client's connection below HTTP."""

from dataclasses import dataclass, field
from typing import Protocol

from addons.layers.events import ToStream
from addons.stream.deps import StreamDeps


class ClientTransport(Protocol):
    """The client's connection below HTTP, by mitmproxy's id of the client."""

    def unsent(self, client_id: str) -> int:
        """Bytes that wait until the client reads."""
        ...

    def abort(self, client_id: str) -> None:
        """Ends the connection at once; what waits is lost."""
        ...

    def hold(self, client_id: str) -> None:
        """Reads nothing more of the client's connection until `go_on`. For HTTP/1: in HTTP/2 others share it."""
        ...

    def go_on(self, client_id: str) -> None: ...

    def end_if_left(self, client_id: str) -> None:
        """Ends the connection where it is held and its client has left, of which nobody hears then."""
        ...

    def hand(self, client_id: str, event: ToStream) -> bool:
        """Hands the event to the connection's layers; False when the connection is gone.

        Where more waits for the client than is good, the provider is not read until the client has read it.
        """
        ...


class NoClientTransport:
    """The ClientTransport of a client that reads everything at once, and whose events nobody takes."""

    def unsent(self, client_id: str) -> int:
        return 0

    def abort(self, client_id: str) -> None:
        pass

    def hold(self, client_id: str) -> None:
        pass

    def go_on(self, client_id: str) -> None:
        pass

    def end_if_left(self, client_id: str) -> None:
        pass

    def hand(self, client_id: str, event: ToStream) -> bool:
        return False


@dataclass(frozen=True)
class LayerDeps(StreamDeps):
    """The dependencies of the layers of one client connection."""

    transport: ClientTransport = field(default_factory=NoClientTransport)
