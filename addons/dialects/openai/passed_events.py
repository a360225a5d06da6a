"""An API's own stream of events, given out as it comes."""

from collections.abc import Sequence

from addons.dialects.base import EVENT_STREAM, KEEPALIVE
from addons.dialects.openai.error import error_frame
from addons.errors import GatewayError
from providers.contract.events import Event, Verbatim


class PassedEvents:
    """The Encoder of a stream of events."""

    streaming = True
    content_type = EVENT_STREAM
    keepalive = KEEPALIVE

    def encode(self, events: Sequence[Event]) -> bytes:
        return b"".join(event.data for event in events if isinstance(event, Verbatim))

    def error(self, error: GatewayError) -> bytes:
        return error_frame(error)
