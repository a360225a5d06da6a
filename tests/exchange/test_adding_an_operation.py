"""Another kind of request, made here alone: its request, event, operation and dialect are served as a chat is, whole or
streamed, and nothing between the dialect and the provider knows of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from mitmproxy import http

from addons.dialects import registry
from addons.dialects.base import EVENT_STREAM, JSON, KEEPALIVE, AnswerMeta, ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once, read_object
from addons.dialects.description import Description
from addons.dialects.openai.error import error_response
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import POST, Route
from addons.dialects.text import json_bytes
from addons.dialects.transcript import RawTranscript
from addons.errors import GatewayError
from addons.recordings.reading import decoder_for
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Finish, FinishReason, Usage
from providers.contract.operation import Operation, Turn
from providers.contract.requests import ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.formats.jsontext import dumps
from providers.shared.frames import FrameDecoder
from tests.support.answers import STREAM, frame, whole
from tests.support.harness import House, api, is_quiet, zai
from tests.support.http1 import END
from tests.support.virtual_time import in_virtual_time

PATH = "/v1/vectors"
ASK = {"model": "m", "texts": ["one", "two"]}


# -- what is added ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class VectorRequest(ModelRequest):
    kind: ClassVar[str] = "vector"
    texts: tuple[str, ...]

    def words(self) -> Iterable[str]:
        return self.texts


@dataclass(frozen=True, slots=True)
class Vector(Event):
    numbers: tuple[float, ...]


class VectorDecoder(FrameDecoder):
    site = "Vectors"

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        if "numbers" in frame:
            out.append(Vector(tuple(frame["numbers"])))
        else:
            out.append(Usage(frame["tokens"], 0, frame["tokens"]))

    def _end(self, out: list[Event]) -> FinishReason:
        return "stop"


class VectorTurn(Turn):
    def __init__(self, request: VectorRequest, session: Session) -> None:
        self.request, self.session = request, session

    def call(self, now: Moment) -> Call:
        headers = (("authorization", "Bearer " + self.session.seal("api_key")),)
        body = dumps({"model": self.request.model, "texts": list(self.request.texts)})
        return Call("POST", "http://127.0.0.1:1002/v1/vectors", headers, body)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        return status == 200

    def decoder(self) -> VectorDecoder:
        return VectorDecoder()

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return ProviderError(ErrorKind.PROVIDER_DOWN, f"no vectors ({status}).", status=status)


class VectorEncoder:
    """An Encoder of both forms: a frame for each vector, or one document."""

    def __init__(self, *, streaming: bool) -> None:
        self.streaming = streaming
        self.content_type, self.keepalive = (EVENT_STREAM, KEEPALIVE) if streaming else (JSON, b"")
        self._vectors: list[Sequence[float]] = []
        self._tokens = 0

    def encode(self, events: Sequence[Event]) -> bytes:
        out = b""
        for event in events:
            match event:
                case Vector(numbers) if self.streaming:
                    out += frame_of({"vector": numbers})
                case Vector(numbers):
                    self._vectors.append(numbers)
                case Usage(prompt_tokens=tokens):
                    self._tokens = tokens
                case Finish():
                    told = {"tokens": self._tokens}
                    out += frame_of(told) if self.streaming else json_bytes({"vectors": self._vectors, **told})
        return out

    def error(self, error: GatewayError) -> bytes:
        return frame_of({"error": {"code": error.code}}) if self.streaming else b""


def frame_of(value: object) -> bytes:
    return b"data: " + json_bytes(value) + b"\n\n"


class Vectors:
    """A Dialect."""

    name = "vectors"
    routes = (Route(POST, PATH, "vectors"),)
    transcript = RawTranscript()

    def answer_id(self, request_id: str) -> str:
        return request_id

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        raw = yield from read_object(body, most_values)
        return ParsedRequest(VectorRequest(raw["model"], tuple(raw["texts"]), stream=raw.get("stream") is True))

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return all_at_once(self.read(body, VALUES_LIMIT, head))

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> VectorEncoder:
        return VectorEncoder(streaming=parsed.request.stream)

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return error_response(error)

    def description(self) -> Description:
        return Description({}, {}, "")


@pytest.fixture(autouse=True)
def dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, Vectors()))


def with_vectors(house: House) -> House:
    """The house's API has the operation, which no feature and no form of chats has a part in."""
    provider: Any = house.parts.providers["api"]
    provider.operations = {**provider.operations, VectorRequest: Operation(None, VectorTurn)}
    return house


def vectors(*more: object) -> bytes:
    return frame({"numbers": [1, 2]}) + frame({"numbers": [3, 4]}) + b"".join(map(frame, more)) + frame(b"[DONE]") + END


# -- how it is served -------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_whole_answer(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await with_vectors(house).visit().asks(ASK, PATH)
        assert (visit.asked().url.path, json.loads(visit.asked().content)) == (PATH, ASK)
        assert visit.asked().headers["authorization"] == "Bearer key-of-a-0123456789abcdef"
        await visit.says(STREAM, vectors({"tokens": 7}))
        assert (visit.got.status, visit.got.value) == (200, {"vectors": [[1, 2], [3, 4]], "tokens": 7})
        assert visit.got.headers["x-glassgate-account"] == "api/a"
        assert (house.line.path, house.line.outcome, house.line.prompt_tokens) == (PATH, "ok", 7)
        assert is_quiet(house)


@in_virtual_time
async def test_a_stream(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await with_vectors(house).visit().asks(ASK | {"stream": True}, PATH)
        await visit.says(STREAM, frame({"numbers": [1, 2]}))
        assert visit.got.frames == [{"vector": [1, 2]}], "a vector commits the answer, as a word does"
        await visit.says(frame({"numbers": [3, 4]}), frame(b"[DONE]"), END)
        assert visit.got.frames[1:] == [{"vector": [3, 4]}, {"tokens": 2}], "estimated where the API gives no count"
        assert (visit.got.complete, house.line.outcome) == (True, "ok")
        assert is_quiet(house)


@in_virtual_time
async def test_another_account_is_asked_after_a_failure_and_a_stream_that_breaks_off_says_so(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await with_vectors(house).visit().asks(ASK | {"stream": True}, PATH)
        await visit.says(whole(500, {}))
        assert visit.asked().headers["authorization"] == "Bearer key-of-b-0123456789abcdef"
        await visit.says(STREAM, frame({"numbers": [1, 2]}))
        await visit.breaks()
        assert [list(said) for said in visit.got.frames] == [["vector"], ["error"]]
        assert (house.line.account, house.line.attempts, house.line.outcome) == ("b", 2, "broken_off")


@in_virtual_time
async def test_who_has_no_such_operation_refuses_it_by_name(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().asks(ASK | {"model": "GLM-4.6"}, PATH)
        assert (visit.got.status, visit.got.error["param"]) == (400, "model")
        assert visit.got.error["message"].startswith("provider 'zai' serves no vector.")
        assert not house.site.chats


@in_virtual_time
async def test_it_belongs_to_no_conversation_and_its_answer_is_read_again_by_its_own_decoder(tmp_path: Path) -> None:
    async with api(tmp_path, "routing: {strategy: round_robin}\n") as house:
        for key in "ab":  # no account is its home
            visit = await with_vectors(house).visit().asks(ASK, PATH)
            assert visit.asked().headers["authorization"].startswith(f"Bearer key-of-{key}")
            await visit.says(STREAM, vectors())
        assert isinstance(decoder_for(visit.note, house.parts.providers), VectorDecoder)
