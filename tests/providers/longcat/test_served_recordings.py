"""LongCat streams from files through the whole gateway: the client gets what they hold, at every cut and packing.

The fixtures' contents stand in tests/fixtures/longcat/expected.json; the recording is read here by a reader of its own.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from providers.sandbox.longcat.site import LongCatSite
from providers.sandbox.server import Request, Wire
from tests.providers import synthetic_fixtures as synthetic
from tests.support.decoding import RECORDINGS
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

PACKINGS = [(0, ""), (1, ""), (7, ""), (100, "gzip"), (13, "br"), (1000, "zstd"), (3, "deflate")]
REFUSALS = {
    "rate_limited": (429, "rate_limit_exceeded"),
    "provider_down": (502, "upstream_error"),
    "session_expired": (502, "provider_auth"),
    "conversation_gone": (502, "conversation_gone"),
    "incomplete": (502, "upstream_eof"),
}
"""`failure` of expected.json → status before any byte, and code."""


@dataclass
class ReplaySite(LongCatSite):
    """Answers every chat with the same bytes, in packets of `cut` bytes."""

    stream: bytes = b""
    cut: int = 0
    encoding: str = ""
    kind: str = "text/event-stream"

    async def _complete(self, request: Request, user: str, wire: Wire) -> None:
        await wire.begin(self.kind, encoding=self.encoding)
        step = self.cut or len(self.stream)
        for at in range(0, len(self.stream), step):
            await wire.send(self.stream[at : at + step])
        await wire.end()


@dataclass
class Told:
    """What a client read."""

    status: int
    text: str = ""
    reasoning: str = ""
    finish: str | None = None
    usage: list[int] | None = None
    urls: tuple[str, ...] = ()
    error: str | None = None


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReplaySite, Served]]:
    folder = tmp_path_factory.mktemp("longcat-replay")
    site = ReplaySite()
    with (
        Sites((), own={"longcat": site}) as sandbox,
        Served(folder, sandbox, **NO_REST) as gateway,
    ):
        yield site, gateway


def asked(gateway: Served, *, stream: bool) -> httpx.Response:
    fields: dict[str, Any] = {"model": "LongCat-Thinking-Search", "messages": [{"role": "user", "content": "hi"}]}
    if stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return gateway.post(fields)


def counts(usage: dict[str, Any]) -> list[int]:
    return [usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]]


def streamed(gateway: Served) -> Told:
    answer = asked(gateway, stream=True)
    told = Told(answer.status_code)
    if answer.status_code != 200:
        told.error = answer.json()["error"]["code"]
        return told
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    for chunk in [json.loads(line) for line in lines if line != "[DONE]"]:
        if "error" in chunk:
            assert told.finish is told.error is None
            told.error = chunk["error"]["code"]
            continue
        told.usage = counts(chunk["usage"]) if chunk["usage"] else told.usage
        for choice in chunk["choices"]:
            delta = choice["delta"]
            told.text += delta.get("content") or ""
            told.reasoning += delta.get("reasoning_content") or ""
            told.urls += tuple(note["url_citation"]["url"] for note in delta.get("annotations") or ())
            told.finish = choice["finish_reason"] or told.finish
    assert (lines[-1] == "[DONE]") == (told.error is None)
    return told


def whole(gateway: Served) -> Told:
    answer = asked(gateway, stream=False)
    if answer.status_code != 200:
        return Told(answer.status_code, error=answer.json()["error"]["code"])
    (choice,) = answer.json()["choices"]
    message = choice["message"]
    notes = message.get("annotations") or ()
    return Told(
        200,
        message["content"] or "",
        message.get("reasoning_content") or "",
        choice["finish_reason"],
        counts(answer.json()["usage"]),
        tuple(note["url_citation"]["url"] for note in notes),
    )


def put(site: ReplaySite, stream: bytes, cut: int, encoding: str) -> None:
    site.stream, site.cut, site.encoding = stream, cut, encoding
    site.kind = "application/json" if stream.startswith(b"{") else "text/event-stream"


def due(name: str) -> Told:
    """What a client is to read of a fixture; usage None where the site counts nothing and the gateway estimates."""
    held = synthetic.expected("longcat", name)
    begun = bool(held["text"] or held["reasoning"])
    status, error = REFUSALS[held["failure"]] if held["failure"] else (200, None)
    told = Told(200 if begun else status, held["text"], held["reasoning"], held["finish"], error=error)
    if error is None:
        told.usage, told.urls = held["usage"], tuple(held["citations"])
    return told


def refused(name: str) -> Told:
    """The fault of a fixture as a refusal before any byte."""
    status, error = REFUSALS[synthetic.expected("longcat", name)["failure"]]
    return Told(status, error=error)


def compared(told: Told, expected: Told) -> None:
    """Asserts that both are the same. Where the site counted nothing there is an estimate."""
    if expected.usage is None and expected.error is None:
        assert told.usage
        expected.usage = told.usage
    assert told == expected


@pytest.mark.parametrize("name", synthetic.names("longcat"))
@pytest.mark.parametrize(("cut", "encoding"), PACKINGS)
def test_fixtures_arrive_as_they_are(replay: tuple[ReplaySite, Served], name: str, cut: int, encoding: str) -> None:
    site, gateway = replay
    put(site, synthetic.body("longcat", name), cut, encoding)
    told, expected = streamed(gateway), due(name)
    if told.status != 200 and expected.text:
        # Words and the fault behind them were read at once: the client gets a true refusal, and no half answer.
        expected = refused(name)
    compared(told, expected)


@pytest.mark.parametrize("name", synthetic.names("longcat"))
def test_whole_answers_hold_the_same_or_are_errors(replay: tuple[ReplaySite, Served], name: str) -> None:
    site, gateway = replay
    put(site, synthetic.body("longcat", name), 50, "")
    compared(whole(gateway), refused(name) if synthetic.expected("longcat", name)["failure"] else due(name))


def test_a_bare_refusal_called_a_stream_is_one_all_the_same(replay: tuple[ReplaySite, Served]) -> None:
    site, gateway = replay
    put(site, synthetic.body("longcat", "synthetic-rate-limit-body.sse"), 1, "")
    site.kind = "text/event-stream"
    assert streamed(gateway) == Told(429, error="rate_limit_exceeded")


# -- the recording ----------------------------------------------------------------------------------------------------
def recordings() -> list[str]:
    return sorted(file.name for file in (RECORDINGS / "longcat").glob("*.sse"))


def read_apart(stream: bytes) -> Told:
    """What a V2 recording with incremental pieces holds, read in the plainest way there is."""
    events = [json.loads(line[5:])["event"] for line in stream.decode().splitlines() if line.startswith("data:")]
    pieces = {kind: [e["content"] for e in events if e["type"] == kind] for kind in ("content", "think", "reason")}
    (finish,) = [event for event in events if event["type"] == "finish"]
    text = "".join(pieces["content"])
    assert text == finish["finalContentX"]  # else it is not incremental, and this reader is not for it
    usage = [finish["usage"][name] for name in ("inputTokens", "outputTokens", "totalTokens")]
    return Told(200, text, "".join(pieces["think"] + pieces["reason"]), "stop", usage)


@pytest.mark.skipif(not recordings(), reason="the recordings are not at hand")
@pytest.mark.parametrize("name", recordings())
@pytest.mark.parametrize(("cut", "encoding"), PACKINGS)
def test_the_recordings_arrive_as_recorded(
    replay: tuple[ReplaySite, Served], name: str, cut: int, encoding: str
) -> None:
    site, gateway = replay
    put(site, (RECORDINGS / "longcat" / name).read_bytes(), cut, encoding)
    expected = read_apart(site.stream)
    assert streamed(gateway) == expected
    assert whole(gateway) == expected
