"""Requests that an API of the OpenAI form is asked as they came: the client's body out, the API's answer back."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event
from providers.contract.operation import Decoder
from providers.contract.passed_on import PassedRequest
from providers.contract.steps import Moment
from providers.formats.jsontext import dumps
from providers.formats.pages import is_mitigated
from providers.official.errors import classify
from providers.openai.api import OpenAIApi
from providers.openai.passed_answers import OCTETS, EventStream, PlainBytes, Reading, WholeDocument, media_type
from providers.openai.request import WireRequest
from providers.openai.turns import OpenAITurn
from providers.openai.whole_lists import flaw_of, is_document

_PAGES: Final = ("text/html", "application/xhtml")


class PassedTurn[R: PassedRequest](OpenAITurn[R]):
    """The Turn of a request that is passed on."""

    _content_type = ""
    """Of the answer."""

    def _path(self) -> str:
        endpoint = self._request.endpoint
        return self._api.form.paths.get(endpoint, endpoint)

    def call(self, now: Moment) -> Call:
        wire, request = self._wire(), self._request
        kind = request.form.content_type if request.form is not None else "application/json"
        return self._api.post(self._path(), self._session, wire.body, accept="*/*", content_type=kind)

    def _wire(self) -> WireRequest:
        request = self._request
        model = self._api.model(request.model).site_id if request.model else None
        if request.form is not None:
            return WireRequest(request.form.with_fields(self._form_fields(model)), request.stream)
        if model is None or request.fields.get("model") == model:
            return WireRequest(request.body, request.stream)
        return WireRequest(dumps({**request.fields, "model": model}), request.stream)

    def _form_fields(self, model: str | None) -> Mapping[str, bytes | None]:
        return {"provider": None} if model is None else {"provider": None, "model": model.encode()}

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        self._content_type = headers.get("content-type", "").strip()
        is_page = self._content_type.lower().startswith(_PAGES) and not self._is_a_file()
        return 200 <= status < 300 and status not in (204, 205) and not is_page and not is_mitigated(headers)

    def _is_a_file(self) -> bool:
        """The answer is a file of the client's own: whatever it is, it is no word of the API's."""
        return False

    def decoder(self) -> Decoder:
        kind = self._content_type.partition(";")[0].strip().lower()
        told = media_type(self._content_type) if self._content_type else OCTETS
        flaw = partial(flaw_of, self._request)
        reading = Reading(self._api.form.error_codes, self._api.advised, self._found, told, flaw)
        if self._is_a_file():
            return PlainBytes(reading)
        if kind == "text/event-stream":
            return EventStream(reading)
        if kind.endswith("json") or is_document(self._request):
            return EventStream(reading) if self._request.stream else WholeDocument(reading)
        return PlainBytes(reading)

    def _found(self, document: Mapping[str, Any], body: bytes) -> Iterable[Event]:
        """What the gateway takes note of in a document."""
        return ()

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return no_such_endpoint(self._api, status, headers, body, self._request.kind, self._path())

    @property
    def buffers(self) -> bool:
        return not self._request.stream


def no_such_endpoint(
    api: OpenAIApi, status: int, headers: Mapping[str, str], body: bytes, kind: str, path: str
) -> ProviderError:
    """The meaning of a refusal, into whose request nothing was put; not every API has every endpoint."""
    error = classify(status, headers, body, api.form.error_codes)
    if error.kind is ErrorKind.MISCONFIGURED and status in (404, 405):
        message = f"The API has no {kind} at {path} (status {status}), or does not know the model."
        return ProviderError(ErrorKind.MODEL_UNAVAILABLE, message, status=status, credential="key")
    return api.advised(error)
