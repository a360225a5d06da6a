"""The content views: the chat as people read it, the provider's events as a table, what the client was sent as another.

They show what the gateway noted on a flow. On any other flow they decline, and whatever is odd becomes a readable line:
a view must never end in a traceback.
"""

from collections.abc import Callable
from typing import Final

from mitmproxy import http
from mitmproxy.contentviews import Contentview, Metadata
from mitmproxy.contentviews import registry as of_mitmproxy
from mitmproxy.contentviews._registry import ContentviewRegistry

from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.chat_view import chat_text
from addons.inspect.delivered_view import delivered_text
from addons.inspect.events_view import rows, table
from providers.contract.operation import Decoder

type DecoderFor = Callable[[Annotation], Decoder | None]
"""A fresh decoder of the adapter as it is today, for the answer an annotation tells of; None when there is none."""
type Clean = Callable[[str], str]
"""Takes secrets out of a text: where words come in pieces, a secret is whole only when they are put together."""

FIRST: Final = 5.0
"""Above mitmproxy's own views, which give 1 to their own content types."""
AUTO: Final = "auto"
"""What mitmproxy calls no choice, first in its lists."""
NOT_OURS: Final = "This flow is not one of the gateway's: there is nothing to show here.\n"


def _request_side(metadata: Metadata) -> bool:
    return isinstance(metadata.http_message, http.Request)


class ChatView(Contentview):
    """The view on the request: the conversation as the client sent it, and the answer as the client got it."""

    name = "Chat"

    def __init__(self, clean: Clean = str) -> None:
        self._clean = clean

    def prettify(self, data: bytes, metadata: Metadata) -> str:
        annotation = annotation_of(metadata.flow)
        return NOT_OURS if annotation is None else self._clean(chat_text(annotation))

    def render_priority(self, data: bytes, metadata: Metadata) -> float:
        annotation = annotation_of(metadata.flow)
        return FIRST if annotation is not None and annotation.client_request and _request_side(metadata) else -1


class EventsView(Contentview):
    """The view on the response: the provider's raw stream, event by event."""

    name = "Provider events"

    def __init__(self, decoder_for: DecoderFor, clean: Clean = str) -> None:
        """`clean`: a decoder holds pieces back until it can tell what they are."""
        self._decoder_for = decoder_for
        self._clean = clean

    def prettify(self, data: bytes, metadata: Metadata) -> str:
        annotation = annotation_of(metadata.flow)
        if annotation is None:
            return NOT_OURS
        found = rows(data, annotation.arrivals, self._decoder_for(annotation), ended=not annotation.running)
        return self._clean(table(found, cut=annotation.cut)) if found else "The provider sent no body.\n"

    def render_priority(self, data: bytes, metadata: Metadata) -> float:
        annotation = annotation_of(metadata.flow)
        fits = annotation is not None and annotation.part == "attempt" and not _request_side(metadata)
        return FIRST if fits and metadata.content_type == "text/event-stream" else -1


class DeliveredView(Contentview):
    """The view on the response: what the client was sent, chunk by chunk, without keep-alive comments."""

    name = "OpenAI stream"

    def __init__(self, clean: Clean = str) -> None:
        self._clean = clean

    def prettify(self, data: bytes, metadata: Metadata) -> str:
        annotation = annotation_of(metadata.flow)
        if annotation is None:
            return NOT_OURS
        if not annotation.delivered:
            return "The client was sent nothing of this attempt.\n"
        return self._clean(delivered_text(annotation.delivered, annotation.deliveries, annotation.dialect))

    def render_priority(self, data: bytes, metadata: Metadata) -> float:
        return 0 if annotation_of(metadata.flow) is not None and not _request_side(metadata) else -1


def register_views(decoder_for: DecoderFor, clean: Clean, registry: ContentviewRegistry = of_mitmproxy) -> None:
    """Makes the views known to mitmproxy, ahead of its own in every list that a person chooses from."""
    ours = (ChatView(clean), EventsView(decoder_for, clean), DeliveredView(clean))
    for view in ours:
        registry.register(view)
    first = [AUTO, *(view.name.lower() for view in ours)]
    # The class's own method, not the instance's: this may be the second time, after a reload of the script.
    listed = type(registry).available_views

    def available_views() -> list[str]:
        return [*first, *(name for name in listed(registry) if name not in first)]

    registry.available_views = available_views  # type: ignore[method-assign]  # mitmweb and the console ask it
