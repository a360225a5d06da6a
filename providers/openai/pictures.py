"""Pictures of an API of the OpenAI form: the client's own body out, the API's own answer back, byte for byte."""

from collections.abc import Mapping
from functools import partial

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.operation import Decoder
from providers.contract.pictures import ImageRequest
from providers.contract.steps import Moment
from providers.formats.jsontext import dumps
from providers.openai.passed_answers import EventStream, Reading, WholeDocument
from providers.openai.passed_on import no_such_endpoint
from providers.openai.request import WireRequest
from providers.openai.turns import OpenAITurn
from providers.openai.whole_lists import flaw_of


class PictureTurn(OpenAITurn[ImageRequest]):
    """The Turn of a request for pictures."""

    def _path(self) -> str:
        form = self._api.form
        return form.images_edits_path if self._request.edits else form.images_generations_path

    def call(self, now: Moment) -> Call:
        request = self._request
        if not self._path():
            raise ProviderError(ErrorKind.BAD_REQUEST, "This API makes pictures, and changes none.", param="model")
        if request.form is None:
            return super().call(now)
        accept = "text/event-stream" if request.stream else "application/json"
        body = request.form.with_fields({"model": self._api.model(request.model).site_id.encode()})
        return self._api.post(self._path(), self._session, body, accept=accept, content_type=request.form.content_type)

    def _wire(self) -> WireRequest:
        request = self._request
        fields = {"model": self._api.model(request.model).site_id, **request.extra}
        return WireRequest(dumps(fields), request.stream)

    def decoder(self) -> Decoder:
        reading = Reading(self._api.form.error_codes, self._api.advised, flaw=partial(flaw_of, self._request))
        return EventStream(reading) if self._request.stream else WholeDocument(reading)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Nothing was put into the request that a refusal could be of; and not every API has pictures."""
        return no_such_endpoint(self._api, status, headers, body, "pictures", self._path())

    @property
    def buffers(self) -> bool:
        """A picture takes its time, a part of one too."""
        return True
