"""Pictures of an API of the OpenAI form: the client's own body out, the API's own answer back, byte for byte."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import from_json

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Verbatim
from providers.contract.operation import Decoder
from providers.contract.pictures import Form, ImageRequest
from providers.contract.steps import Moment
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import BODY_VALUES, dumps, mapping
from providers.formats.sse import SseLimit, SseReader
from providers.official.codes import Codes
from providers.official.errors import classify, error_event
from providers.openai.request import WireRequest
from providers.openai.turns import OpenAITurn
from providers.openai.usage import counts_tokens, usage_of

ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Of a whole answer: ten large pictures in base64."""
EVENT_BYTES: Final = 16 * 1024 * 1024
"""Of one event of a stream, which has one picture at most."""


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
        body = form_with_model(request.form, self._api.model(request.model).site_id)
        return self._api.post(self._path(), self._session, body, accept=accept, content_type=request.form.content_type)

    def _wire(self) -> WireRequest:
        request = self._request
        fields = {"model": self._api.model(request.model).site_id, **request.extra}
        return WireRequest(dumps(fields), request.stream)

    def decoder(self) -> Decoder:
        codes, told = self._api.form.error_codes, self._api.advised
        return StreamedPictures(codes, told) if self._request.stream else WholePictures(codes, told)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Nothing was put into the request that a refusal could be of; and not every API has pictures."""
        error = classify(status, headers, body, self._api.form.error_codes)
        if error.kind is ErrorKind.MISCONFIGURED and status in (404, 405):
            message = f"The API has no pictures at {self._path()} (status {status}), or does not know the model."
            return ProviderError(ErrorKind.MODEL_UNAVAILABLE, message, status=status, credential="key")
        return self._api.advised(error)

    @property
    def buffers(self) -> bool:
        """A picture takes its time, a part of one too."""
        return True


def form_with_model(form: Form, model: str) -> bytes:
    """The form's bytes; only where the API calls the model by another name is it written anew."""
    if all(part.data == model.encode() for part in form.parts if part.name == "model"):
        return form.body
    out: list[bytes] = []
    for part in form.parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in part.headers).encode()
        data = model.encode() if part.name == "model" else part.data
        out += (b"--", form.boundary, b"\r\n", head, b"\r\n", data, b"\r\n")
    return b"".join((*out, b"--", form.boundary, b"--\r\n"))


class WholePictures(Decoder):
    """The Decoder of a whole answer: the document as it came, once it is known to be one and no error."""

    ended = False

    def __init__(self, codes: Codes, told: Callable[[ProviderError], ProviderError]) -> None:
        self._codes, self._told = codes, told
        self._pieces: list[bytes] = []
        self._size = 0
        self._tally = JsonTally()
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        self._pieces.append(data)
        self._size += len(data)
        self._tally.feed(data)
        if self._size > ANSWER_BYTES or self._tally.values > BODY_VALUES:
            self._over = True
            return [Failure(_down("The API's answer is larger than any answer with pictures."))]
        return []

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        body, self._pieces = b"".join(self._pieces), []
        value = _object_in(body)
        if value is None:
            message = (
                "The API's answer is no whole JSON object: it was cut off, or is none of an API of the OpenAI form."
            )
            return [Failure(ProviderError(ErrorKind.INCOMPLETE, message))]
        if (error := error_event(value, self._codes)) is not None and not value.get("data"):
            return [Failure(self._told(error))]
        return [Verbatim(body), *_usage_in(value), Finish("stop")]


class StreamedPictures(Decoder):
    """The Decoder of a stream: its events as they came. An API that does not stream answers with one document, which
    becomes one event."""

    ended = False

    def __init__(self, codes: Codes, told: Callable[[ProviderError], ProviderError]) -> None:
        self.unknown: Counter[str] = Counter()
        self._codes, self._told = codes, told
        self._whole: WholePictures | None = None
        self._reader = SseReader(limit_bytes=EVENT_BYTES)
        self._buffer = bytearray()
        self._looked = 0
        self._done = self._over = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over or not data:
            return []
        if self._whole is None and not self._buffer and not self._done and data.lstrip()[:1] == b"{":
            self._whole = WholePictures(self._codes, self._told)
        if self._whole is not None:
            return self._whole.feed(data)
        self._buffer += data
        end = self._end_of_events()
        if end < 0:
            return self._failed(_down("An event of the API's stream is too large.")) if self._too_large() else []
        events = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._looked = 0
        return self._read(events)

    def close(self) -> list[Event]:
        if self._over:
            return []
        if self._whole is not None:
            self._over = True
            return [_as_event(event) for event in self._whole.close()]
        out = self._read(bytes(self._buffer) + b"\n\n")
        if any(isinstance(event, Failure) for event in out):
            return out
        self._over = True
        if self._done:
            return [*out, Finish("stop")]
        return [*out, Failure(ProviderError(ErrorKind.INCOMPLETE, "The API's stream ended without its picture."))]

    def _end_of_events(self) -> int:
        """Behind the last blank line; -1 where there is none in what has come since."""
        begin, self._looked = max(0, self._looked - 3), len(self._buffer)
        ends = ((self._buffer.rfind(blank, begin), len(blank)) for blank in (b"\n\n", b"\r\n\r\n", b"\r\r"))
        return max((at + length for at, length in ends if at >= 0), default=-1)

    def _too_large(self) -> bool:
        return len(self._buffer) > EVENT_BYTES

    def _read(self, events: bytes) -> list[Event]:
        """Whole events, as they came; what they say of counts, the end and errors is noted."""
        try:
            payloads = self._reader.feed(events)
        except SseLimit as limit:
            return self._failed(_down(f"The API's stream cannot be read: {limit}."))
        out: list[Event] = []
        for payload in payloads:
            value = _object_in(payload)
            if value is None:
                continue
            kind = str(value.get("type", ""))
            if (value.get("error") or kind == "error") and (error := error_event(value, self._codes)) is not None:
                return self._failed(self._told(error))
            self._done = self._done or kind.endswith(".completed")
            out += _usage_in(value)
        return [Verbatim(events), *out] if payloads else []  # a comment alone is no beginning of an answer

    def _failed(self, error: ProviderError) -> list[Event]:
        self._over = True
        return [Failure(error)]


def _as_event(event: Event) -> Event:
    """A document as an event of a stream."""
    if not isinstance(event, Verbatim):
        return event
    return Verbatim(b"".join(b"data: " + line + b"\n" for line in event.data.splitlines()) + b"\n")


def _object_in(body: bytes) -> dict[str, Any] | None:
    try:
        value = from_json(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _usage_in(value: Mapping[str, Any]) -> list[Event]:
    usage = mapping(value.get("usage"))
    return [usage_of(usage)] if counts_tokens(usage) else []


def _down(message: str) -> ProviderError:
    return ProviderError(ErrorKind.PROVIDER_DOWN, message)
