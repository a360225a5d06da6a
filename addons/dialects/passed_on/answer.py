"""An API's own answers to requests that are passed on: as they came, whole or while they come."""

from collections.abc import Sequence
from typing import Final

from addons.dialects.base import JSON, WholeEncoder
from addons.errors import GatewayError
from providers.contract.events import Event, Verbatim

OCTETS: Final = "application/octet-stream"


class PassedWhole(WholeEncoder):
    """The Encoder of an answer that is given out when it is whole."""

    def __init__(self) -> None:
        self.content_type = JSON
        self._pieces: list[bytes] = []

    def _add(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Verbatim):
                self.content_type = event.content_type or self.content_type
                self._pieces.append(event.data)

    def _result(self) -> bytes:
        return b"".join(self._pieces)


class PassedBytes:
    """The Encoder of what is no text: nothing of ours may stand in it, so that its breaking off alone tells of an
    error."""

    streaming = True
    keepalive = b""

    def __init__(self) -> None:
        self.content_type = OCTETS

    def encode(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if isinstance(event, Verbatim):
                self.content_type = event.content_type or self.content_type
                out.append(event.data)
        return b"".join(out)

    def error(self, error: GatewayError) -> bytes:
        return b""
