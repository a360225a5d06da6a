"""The feature of pictures that are asked for (/v1/images): of a web session's answer, its pictures alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from addons.features.capabilities import draws_nothing
from addons.features.feature import Applied, Served
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Image, Reasoning, Text
from providers.contract.requests import ChatRequest, ModelRequest

_WORDS_CHARS: Final = 2000


class Pictures:
    """The Feature. The request is a chat by then (ImageRequest.instead)."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        """Raises GatewayError (400) where the model makes no pictures."""
        if served.native is None or not isinstance(request, ChatRequest) or request.drawing is None:
            return None
        model, name = served.model, served.provider.name if served.provider is not None else "the provider"
        if not model.draws_as:
            raise draws_nothing(model.id, name)
        return Applied(replace(request, model=model.draws_as), filters=(PicturesOnly(name),))


class PicturesOnly:
    """The EventFilter: words are left out, and an answer of words alone is a failure, which tells them."""

    done = ended = False

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._drew = False
        self._words = ""

    def filter(self, events: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            match event:
                case Text(text):
                    self._words = (self._words + text)[:_WORDS_CHARS]
                case Reasoning():
                    pass
                case Finish() if not self._drew:
                    out.append(Failure(self._nothing()))
                case _:
                    self._drew = self._drew or isinstance(event, Image)
                    out.append(event)
        return out

    def _nothing(self) -> ProviderError:
        words = " ".join(self._words.split())[:300]
        message = f"{self._provider} has drawn nothing." + (f" It says: {words}" if words else "")
        return ProviderError(ErrorKind.CONTENT_FILTERED, message)
