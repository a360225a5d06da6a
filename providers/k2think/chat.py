"""A chat with K2Think. Just what live tests proved in 2026: no chat is created first, the page's other fields are left
out."""

from collections.abc import Mapping
from typing import Any, Final

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.operation import Turn
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Moment, Steps
from providers.formats.jsontext import dumps
from providers.k2think import data
from providers.k2think.api import K2ThinkApi
from providers.k2think.decoder import K2ThinkDecoder
from providers.k2think.errors import refusal

NATIVE: Final = frozenset({"temperature", "max_tokens"})
_ANSWERS: Final = ("application/json", "text/event-stream")


class K2ThinkTurn(Turn):
    """The Turn of a chat."""

    def __init__(self, api: K2ThinkApi, chat: ChatRequest, session: Session) -> None:
        self._api, self._chat, self._session = api, chat, session

    def call(self, now: Moment) -> Call:
        chat, stream = self._chat, self._api.options.stream
        model = self._api.model(chat.model)
        messages = [
            {"role": "system" if message.role == "developer" else message.role, "content": message.text()}
            for message in chat.messages
        ]
        body: dict[str, Any] = {"stream": stream, "model": model.site_id, "messages": messages}
        if chat.temperature is not None:
            body["temperature"] = chat.temperature
        if chat.max_tokens is not None:
            body["max_tokens"] = chat.max_tokens
        return self._api.call("POST", data.CHAT_PATH, self._session, dumps(body), stream=stream)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """JSON or a stream, whichever was asked for: the decoder tells them apart."""
        return status == 200 and headers.get("content-type", "").strip().lower().startswith(_ANSWERS)

    def decoder(self) -> K2ThinkDecoder:
        # A limit of tokens is kept by counting what is told, so with one nothing may be told twice.
        return K2ThinkDecoder(eager=self._chat.stream and self._chat.max_tokens is None)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, headers, body)

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        """A model that is not there: the site's list may know its new name."""
        return self._api.learn_names(error, self._session) if error.kind is ErrorKind.MODEL_UNAVAILABLE else None

    @property
    def buffers(self) -> bool:
        return not self._api.options.stream
