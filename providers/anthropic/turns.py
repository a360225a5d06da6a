"""The operations of an API of the Messages form: requests of the same form, and chats that are written in it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Final

from providers.anthropic.api import AnthropicApi
from providers.anthropic.decoder import MessagesDecoder
from providers.anthropic.errors import classify
from providers.anthropic.learnt import refused_fields
from providers.anthropic.names import NAME_CHARS, PlainNames
from providers.anthropic.passing import PassedOn, WholePassedOn
from providers.anthropic.request import chat_body
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.native import MessagesRequest
from providers.contract.operation import Decoder, Turn
from providers.contract.requests import ChatRequest, ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Moment, Steps
from providers.formats.jsontext import mapping, text
from providers.formats.pages import is_mitigated
from providers.shared.model_field import with_model

_NO_ANSWERS: Final = ("image/", "audio/", "video/", "font/", "multipart/", "application/pdf", "application/zip")
"""Content types that are surely no answer in words. Of all others the body's first characters tell."""


class AnthropicTurn[R: ModelRequest](Turn):
    """The base of all turns of the form."""

    def __init__(self, api: AnthropicApi, request: R, session: Session) -> None:
        self._api, self._request, self._session = api, request, session

    @abstractmethod
    def decoder(self) -> Decoder: ...

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        form = headers.get("content-type", "").partition(";")[0].strip().lower()
        fits = 200 <= status < 300 and status not in (204, 205)
        return fits and not form.startswith(_NO_ANSWERS) and not is_mitigated(headers)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return self._api.advised(classify(status, headers, body))

    @property
    def buffers(self) -> bool:
        """True for a whole answer."""
        return not self._request.stream


class PassedTurn(AnthropicTurn[MessagesRequest]):
    """The Turn of a request of the same form: its own body, and the API's own answer."""

    def call(self, now: Moment) -> Call:
        request = self._request
        body = with_model(request.body, request.fields, self._api.model(request.model).site_id)
        return self._api.messages_call(self._session, body, stream=request.stream, of_client=request.headers)

    def decoder(self) -> Decoder:
        told = self._api.advised
        return PassedOn(told) if self._request.stream else WholePassedOn(told)


class ChatTurn(AnthropicTurn[ChatRequest]):
    """The Turn of a chat, written in the form."""

    def __init__(self, api: AnthropicApi, request: ChatRequest, session: Session) -> None:
        super().__init__(api, request, session)
        self._names: PlainNames | None = None
        """Of the tools, once the body is written."""

    def call(self, now: Moment) -> Call:
        api, chat = self._api, self._request
        model = api.model(chat.model)
        refused = api.learnt.refused_by(model.site_id)
        written = chat_body(chat, model, api.options.takes(model.site_id), api.preset, refused)
        self._names = written.names
        return api.messages_call(self._session, written.body, stream=chat.stream)

    def decoder(self) -> Decoder:
        names = self._names or _names_of(self._request)
        return MessagesDecoder(names.theirs, self._told)

    def _told(self, error: ProviderError) -> ProviderError:
        """The error for a client of another form, which does not know its own request in the API's words."""
        error.words = ""
        return self._api.advised(error)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = super().classify(status, headers, body)
        if error.kind is ErrorKind.BAD_REQUEST:
            error.refused = refused_fields(error.words)
        error.words = ""
        return error

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        """Steps that leave out of the request what the gateway wrote into it and the model does not take."""
        return self._without(error.refused) if error.refused else None

    def _without(self, fields: frozenset[str]) -> Steps[None]:
        self._api.learnt.learn(self._api.model(self._request.model).site_id, fields)
        yield from ()


def _names_of(chat: ChatRequest) -> PlainNames:
    """The names of a request's tools, of which no body was written."""
    names = PlainNames(NAME_CHARS)
    for tool in chat.tools:
        if name := text(mapping(mapping(tool).get("function")).get("name")):
            names.plain(name)
    return names
