"""The recording of one provider exchange, as a small readable file: the request as built, the answer's bytes with their
times, and what was delivered. It holds no secret, and stand-ins for personal ids."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from mitmproxy import http
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError

from addons.cleaning.redaction import redacted_header
from addons.inspect.annotation import Annotation
from addons.inspect.pseudonyms import Pseudonyms
from addons.words.plain_words import requirement

FORMAT: Final = "glassgate-recording"
VERSION: Final = 4
"""Since 2 a recording names its dialect, since 3 its request, since 4 its session; older ones are read as well."""
_READ: Final = (1, 2, 3, VERSION)
TEXT_CHARS: Final = 4 * 1024 * 1024
"""Of each text but the answer's, which is as long as `inspect.body_kb` lets it be; what is beyond is left out."""


class RecordingProblem(Exception):
    """The recording cannot be read or used. The text is one clear line."""


def _read_piece(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and isinstance(value.get("base64"), str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except binascii.Error:
            pass
    raise ValueError("must be text, or an object with base64")


def _write_piece(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


type TextOrBase64 = Annotated[bytes, PlainValidator(_read_piece), PlainSerializer(_write_piece)]
"""Bytes as text where they are UTF-8, else as base64."""


class _FileModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimedPiece(_FileModel):
    """A piece of the answer and when it came, in milliseconds."""

    ms: int = Field(ge=0)
    data: TextOrBase64


class RecordedRequest(_FileModel):
    """The request to the provider, as built."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


class RecordedAnswer(_FileModel):
    """The provider's answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    pieces: tuple[TimedPiece, ...] = ()
    cut: bool = False
    """Only the beginning was kept."""

    @property
    def body(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)


class Recording(_FileModel):
    """One exchange. `provider` is the adapter's type."""

    format: Literal["glassgate-recording"] = FORMAT
    version: Literal[1, 2, 3, 4] = VERSION
    part: Literal["attempt", "step"] = "attempt"
    """`step`: a preparing call (a chat made, a session renewed); nothing of it was delivered."""
    request_id: str = ""
    """The client request's: features made their marks of it. Empty in older files."""
    session: str = ""
    """The stand-in of the client's session, where it had one."""
    provider: str
    model: str
    outcome: str
    error: str = ""
    dialect: str = ""
    """The format of the client's request and of what was delivered; empty where nobody noted it."""
    client_request: str
    request: RecordedRequest
    answer: RecordedAnswer | None = None
    delivered: str = ""

    def dump(self) -> str:
        """The file's text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def load(cls, text: str | bytes, name: str = "the file") -> "Recording":
        """The recording in a file's text. Raises RecordingProblem."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise RecordingProblem(f"{name} is no whole JSON file: it was cut off or edited") from None
        return cls.of(value, name)

    @classmethod
    def of(cls, value: Any, name: str = "the file") -> "Recording":
        """The recording that a JSON value is. Raises RecordingProblem."""
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise RecordingProblem(f"{name} is no recording of Glassgate")
        if value.get("version") not in _READ:
            known = " and ".join(map(str, _READ))
            raise RecordingProblem(f"{name} is of version {value.get('version')!r}; this Glassgate reads {known}")
        try:
            return cls.model_validate(value)
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RecordingProblem(f"{name}: {where}: {requirement(first, 'an object')}") from None


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """The source of a recording, besides the flow itself."""

    annotation: Annotation
    provider_type: str
    secrets: Sequence[str] = ()
    """What the exchange itself shows to be secret."""
    clean: Callable[[str], str] = str
    """Takes the secrets in force out of a text."""


def recording_of(flow: http.HTTPFlow, source: RecordingSource, pseudonyms: Pseudonyms | None = None) -> Recording:
    """The recording of a gateway flow. Raises RecordingProblem while that is under way."""
    if source.annotation.running:
        raise RecordingProblem("this exchange still runs: keep it when it is over")
    annotation, own = source.annotation, pseudonyms or Pseudonyms(source.secrets, source.clean)
    request = flow.request
    answer = None
    if flow.response is not None:
        answer = RecordedAnswer(
            status=flow.response.status_code,
            headers=_headers(flow.response.headers.items(multi=True), own),
            pieces=_pieces(flow.response, annotation, own),
            cut=annotation.cut,
        )
    return Recording(
        part="step" if annotation.part == "step" else "attempt",
        request_id=annotation.request_id,
        session=annotation.session,
        provider=source.provider_type,
        model=annotation.model,
        outcome=annotation.outcome,
        error=own.text(annotation.error),
        dialect=annotation.dialect,
        client_request=own.text(annotation.client_request[:TEXT_CHARS]),
        request=RecordedRequest(
            method=request.method,
            url=own.text(request.url),
            headers=_headers(request.headers.items(multi=True), own),
            body=own.text((request.content or b"")[:TEXT_CHARS].decode("utf-8", "replace")),
        ),
        answer=answer,
        delivered=own.text(annotation.delivered[:TEXT_CHARS]),
    )


def _headers(found: Any, own: Pseudonyms) -> tuple[tuple[str, str], ...]:
    skipped = ("content-length", "transfer-encoding", "content-encoding", "date", "host")
    return tuple((name, own.text(redacted_header(name, value))) for name, value in found if name.lower() not in skipped)


def _pieces(response: http.Response, annotation: Annotation, own: Pseudonyms) -> tuple[TimedPiece, ...]:
    """The pieces of the answer as they came. A packed one is kept unpacked, as one piece: its times belong to other
    bytes."""
    packed = response.headers.get("content-encoding", "identity") not in ("identity", "")
    body = (response.get_content(strict=False) if packed else response.raw_content) or b""
    arrivals = [(0.0, len(body))] if packed or not annotation.arrivals else list(annotation.arrivals)
    clean = _replaced(body, own)
    if clean != body:
        return cut_again(clean, arrivals, len(body))
    return tuple(_cut(body, arrivals))


def _cut(body: bytes, arrivals: Sequence[tuple[float, int]]) -> list[TimedPiece]:
    found, at = [], 0
    for offset_s, length in arrivals:
        if at >= len(body):
            break
        found.append(TimedPiece(ms=round(offset_s * 1000), data=body[at : at + length]))
        at += length
    if at < len(body):
        last = found[-1].ms if found else 0
        found.append(TimedPiece(ms=last, data=body[at:]))
    return found


def cut_again(clean: bytes, arrivals: Sequence[tuple[float, int]], before: int) -> tuple[TimedPiece, ...]:
    """A cleaned body, cut into pieces as it came. `before`: its length before it was cleaned.

    Stand-ins may have changed lengths: the pieces are cut in proportion, so that nothing is lost or doubled."""
    if len(clean) == before:
        return tuple(_cut(clean, arrivals))
    scaled = [(offset, max(1, round(length * len(clean) / max(before, 1)))) for offset, length in arrivals]
    return tuple(_cut(clean, scaled))


def _replaced(body: bytes, own: Pseudonyms) -> bytes:
    return own.text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def summary(counts: Mapping[str, int]) -> str:
    """One line about what was replaced."""
    return ", ".join(f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in counts.items()) or "nothing"
