"""The operation of Responses, and the one of chats at an API that has Responses alone."""

from collections.abc import Mapping

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.native import ResponsesRequest
from providers.contract.operation import Decoder
from providers.contract.requests import ChatRequest
from providers.contract.steps import Moment
from providers.openai.request import WireRequest
from providers.openai.responses.decoder import ResponseDecoder
from providers.openai.responses.passed import PassedResponse
from providers.openai.responses.request import chat_request, passed_request, refused_of_ours
from providers.openai.turns import OpenAITurn


class PassedResponseTurn(OpenAITurn[ResponsesRequest]):
    """The Turn of a response whose client speaks the same form."""

    def _path(self) -> str:
        return self._api.form.responses_path

    def _wire(self) -> WireRequest:
        return passed_request(self._request, self._api.model(self._request.model))

    def call(self, now: Moment) -> Call:
        wire = self._wire()
        accept = "text/event-stream" if wire.stream else "application/json"
        return self._api.post(self._path(), self._session, wire.body, accept=accept, more=self._request.headers)

    def decoder(self) -> Decoder:
        return PassedResponse(self._api.form.error_codes, self._api.advised, stream=self._request.stream)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = super().classify(status, headers, body)
        error.refused = frozenset()  # nothing was put into the request
        return of_the_path(error, self._path())

    @property
    def buffers(self) -> bool:
        return not self._request.stream


class ChatByResponseTurn(OpenAITurn[ChatRequest]):
    """The Turn of a chat that is asked for as a response."""

    def _path(self) -> str:
        return self._api.form.responses_path

    def _wire(self) -> WireRequest:
        api, chat = self._api, self._request
        return chat_request(chat, api.model(chat.model), api.form, api.learnt)

    def decoder(self) -> Decoder:
        return ResponseDecoder(self._api.form.error_codes, self._api.advised)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = super().classify(status, headers, body)
        error.refused = refused_of_ours(body) if error.kind is ErrorKind.BAD_REQUEST else frozenset()
        return of_the_path(error, self._path())


def of_the_path(error: ProviderError, path: str) -> ProviderError:
    """The error, which says where nothing was found: the address of all may be right, and have no Responses."""
    if error.kind is ErrorKind.MISCONFIGURED and error.status in (404, 405):
        message = f"The API has no Responses at {path} (status {error.status}), or does not know the model."
        return ProviderError(ErrorKind.MODEL_UNAVAILABLE, message, status=error.status, credential="key")
    return error
