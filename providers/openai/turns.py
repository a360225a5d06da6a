"""The operations of an API of the OpenAI form: chats, and raw prompts to go on with."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.operation import Decoder, Turn
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Steps
from providers.formats.pages import is_mitigated
from providers.openai.api import OpenAIApi
from providers.openai.choice import ReadingOptions
from providers.openai.decoder import OpenAIDecoder
from providers.openai.learnt import refused_fields
from providers.openai.request import WireRequest, completion_request, tool_names, wire_request

_NO_ANSWERS: Final = ("image/", "audio/", "video/", "font/", "multipart/", "application/pdf", "application/zip",
                      "application/grpc", "application/x-protobuf", "application/wasm")  # fmt: skip
"""Content types that are surely no answer in words. Of all others the body's first characters tell: servers name their
streams text/html, application/octet-stream or nothing at all."""

_OF_THE_REQUEST: Final = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.MODEL_UNAVAILABLE, ErrorKind.PROVIDER_DOWN})
"""What a refusal of a field may be taken for."""


class OpenAITurn[R: ModelRequest](Turn):
    """The base of all turns of the official form."""

    def __init__(self, api: OpenAIApi, request: R, session: Session) -> None:
        self._api, self._request, self._session = api, request, session

    @abstractmethod
    def _wire(self) -> WireRequest:
        """The body to send. Raises ProviderError(BAD_REQUEST)."""

    @abstractmethod
    def _path(self) -> str:
        """Where it is asked for, taken from base_url."""

    def call(self, now: Moment) -> Call:
        wire = self._wire()
        accept = "text/event-stream" if wire.stream else "application/json"
        return self._api.post(self._path(), self._session, wire.body, accept=accept)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        form = headers.get("content-type", "").partition(";")[0].strip().lower()
        return (
            200 <= status < 300
            and status not in (204, 205)
            and not form.startswith(_NO_ANSWERS)
            and not is_mitigated(headers)
        )

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = self._api.advised(self._api.classified(Answer(status, headers, body)))
        if error.kind in _OF_THE_REQUEST and status in (400, 422):
            error.refused = refused_fields(body)
        return error

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        """Steps that drop from the request what the gateway put into it and the API does not take."""
        return self._without(error.model, error.refused) if error.refused else None

    def _without(self, model: str, fields: frozenset[str]) -> Steps[None]:
        self._api.learnt.learn_refused(model, fields)
        yield from ()

    @property
    def buffers(self) -> bool:
        """True for a whole answer, and where text is held back until it is clear whether it is reasoning."""
        return not self._request.stream or self._api.form.think_tags == "implicit"


class ChatTurn(OpenAITurn[ChatRequest]):
    """The Turn of a chat."""

    def _path(self) -> str:
        return self._api.form.chat_path

    def _wire(self) -> WireRequest:
        api, chat = self._api, self._request
        return wire_request(chat, api.model(chat.model), api.form, api.learnt)

    def decoder(self) -> Decoder:
        api, chat = self._api, self._request
        reading = ReadingOptions(
            legacy=bool(chat.extra.get("functions")) and not chat.tools,
            tools=tool_names(chat),
            learn_reasoning_name=lambda name: api.learnt.learn_reasoning_name(chat.model, name),
        )
        return OpenAIDecoder(api.form, stream=chat.stream, candidates=chat.n, reading=reading, told=api.advised)


class CompletionTurn(OpenAITurn[CompletionRequest]):
    """The Turn of a raw prompt."""

    def _path(self) -> str:
        return self._api.form.completions_path

    def _wire(self) -> WireRequest:
        api, request = self._api, self._request
        return completion_request(request, api.model(request.model), api.form, api.learnt)

    def decoder(self) -> Decoder:
        api, request = self._api, self._request
        form = replace(api.form, think_tags="none")  # what goes on from a prompt is text, whatever it looks like
        reading = ReadingOptions(learn_reasoning_name=lambda name: api.learnt.learn_reasoning_name(request.model, name))
        return OpenAIDecoder(form, stream=request.stream, candidates=request.chat.n, reading=reading, told=api.advised)
