"""Recorded answers of Qwen, served again through a gateway."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.sandbox.qwen.site import QwenSite
from tests.providers.qwen.asking import posted, told
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


class ReplayQwen(QwenSite):
    """Answers every completion with the same bytes."""

    stream = b""
    kind = "text/event-stream"
    cut = 0
    encoding = ""

    async def _complete(self, request: Any, wire: Any) -> None:
        await wire.begin(self.kind, encoding=self.encoding)
        step = self.cut or max(len(self.stream), 1)
        for at in range(0, len(self.stream), step):
            await wire.send(self.stream[at : at + step])
        await wire.end()


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReplayQwen, Served]]:
    folder = tmp_path_factory.mktemp("replay-qwen")
    site = ReplayQwen()
    with (
        Sites((), own={"qwen": site}) as thread,
        Served(folder, thread, **NO_REST) as gateway,
    ):
        yield site, gateway


def recording(name: str) -> bytes:
    from tests.support.decoding import RECORDINGS

    file = RECORDINGS / "qwen" / name
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    return file.read_bytes()


def held(stream: bytes) -> tuple[str, list[str], int]:
    """Answer, thoughts and tokens of a recording, read off its frames without the adapter."""
    text, tokens = "", 0
    thoughts: list[str] = []
    for line in stream.decode().splitlines():
        if not line.startswith("data: {"):
            continue
        frame = json.loads(line[6:])
        tokens = (frame.get("usage") or {}).get("total_tokens", tokens)
        for choice in frame.get("choices", []):
            delta = choice["delta"]
            if delta["phase"] == "answer":
                text += delta["content"]
            thoughts = (delta.get("extra") or {}).get("summary_thought", {}).get("content", thoughts)
    return text, thoughts, tokens


@pytest.mark.parametrize(("cut", "encoding"), [(0, ""), (1, ""), (7, ""), (100, "gzip"), (13, "br"), (1000, "zstd")])
@pytest.mark.parametrize("stream", [True, False])
def test_the_recorded_stream_arrives_as_it_holds(
    replay: tuple[ReplayQwen, Served], cut: int, encoding: str, stream: bool
) -> None:
    site, gateway = replay
    site.kind, site.cut, site.encoding = "text/event-stream", cut, encoding
    site.stream = recording("t2t-thinking-summary-2026-03-05.sse")
    text, thoughts, tokens = held(site.stream)
    answer = posted(gateway, "Hi", stream=stream)
    found, reasoning, total = told(answer)
    assert found == text
    assert all(thought in reasoning for thought in thoughts)
    assert stream or total == tokens


@pytest.mark.parametrize(
    ("name", "status", "code", "wait"),
    [
        ("RateLimited daily", 429, "insufficient_quota", "36000"),
        ("Unauthorized (token rejected)", 502, "provider_auth", None),
        ("WAF challenge (baxia)", 502, "provider_challenge", None),
        ("request validation", 400, "invalid_request_error", None),
    ],
)
def test_the_recorded_refusals_keep_their_meaning(
    replay: tuple[ReplayQwen, Served], name: str, status: int, code: str, wait: str | None
) -> None:
    site, gateway = replay
    lines = [json.loads(line) for line in recording("error-bodies.jsonl").splitlines() if line.strip()]
    found = next(line for line in lines if line["name"] == name)
    site.stream, site.kind = json.dumps(found["body"]).encode(), found["content_type"]
    site.cut, site.encoding = 0, ""
    answer = posted(gateway, name)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("retry-after") == wait
