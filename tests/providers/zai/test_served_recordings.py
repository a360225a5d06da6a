"""Recorded Z.AI streams through the whole gateway: what the client gets is exactly what the recording holds."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.contract.events import Reasoning, Text, Usage
from providers.sandbox.server import Request, Wire
from providers.sandbox.zai.site import ZaiSite
from providers.zai.decoder import ZaiDecoder
from tests.support.decoding import RECORDINGS, run
from tests.support.served import Served
from tests.support.sites import Sites

NAMES = ["glm-5-chat-2026-03-17.sse", "glm-5-agent-2026-03-17.sse", "edit-index-2026-09-13.sse"]


@dataclass
class ReplaySite(ZaiSite):
    """Answers every completion with the same bytes, in packets of `cut` bytes."""

    stream: bytes = b""
    cut: int = 0
    encoding: str = ""

    async def _complete(self, request: Request, wire: Wire) -> None:
        await wire.begin(encoding=self.encoding)
        step = self.cut or len(self.stream)
        for at in range(0, len(self.stream), step):
            await wire.send(self.stream[at : at + step])
        await wire.end()


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReplaySite, Served]]:
    folder = tmp_path_factory.mktemp("replay")
    site = ReplaySite()
    with (
        Sites((), own={"zai": site}) as sandbox,
        Served(folder, sandbox) as gateway,
    ):
        yield site, gateway


def recorded(name: str) -> bytes:
    file = RECORDINGS / "zai" / name
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    return file.read_bytes()


def held(stream: bytes) -> tuple[str, str, int]:
    """Text, reasoning and tokens of a stream, by a decoder proven against recordings (tests/providers/zai)."""
    events = run(ZaiDecoder(), [stream])
    usage = next(event for event in events if isinstance(event, Usage))
    text = "".join(event.text for event in events if isinstance(event, Text))
    return text, "".join(event.text for event in events if isinstance(event, Reasoning)), usage.total_tokens


def asked(gateway: Served, *, stream: bool) -> httpx.Response:
    fields: dict[str, Any] = {"model": "GLM-5-Thinking", "messages": [{"role": "user", "content": "hi"}]}
    if stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return gateway.post(fields)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("cut", "encoding"), [(0, ""), (1, ""), (7, ""), (100, "gzip"), (13, "br"), (1000, "zstd")])
def test_streams_arrive_as_recorded(replay: tuple[ReplaySite, Served], name: str, cut: int, encoding: str) -> None:
    site, gateway = replay
    site.stream, site.cut, site.encoding = recorded(name), cut, encoding
    text = reasoning = ""
    tokens = None
    for line in asked(gateway, stream=True).text.splitlines():
        if line.startswith("data: {"):
            chunk = json.loads(line[6:])
            tokens = chunk["usage"]["total_tokens"] if chunk["usage"] else tokens
            for choice in chunk["choices"]:
                text += choice["delta"].get("content") or ""
                reasoning += choice["delta"].get("reasoning_content") or ""
    assert (text, reasoning, tokens) == held(site.stream)


@pytest.mark.parametrize("name", NAMES)
def test_whole_answers_hold_the_same(replay: tuple[ReplaySite, Served], name: str) -> None:
    site, gateway = replay
    site.stream, site.cut, site.encoding = recorded(name), 50, ""
    answer = asked(gateway, stream=False).json()
    message = answer["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"], answer["usage"]["total_tokens"]) == held(site.stream)


def test_the_recorded_captcha_demand_is_a_challenge(replay: tuple[ReplaySite, Served]) -> None:
    site, gateway = replay
    site.stream, site.cut, site.encoding = recorded("captcha-2026-05-12.sse"), 0, ""
    answer = asked(gateway, stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_challenge")
    assert "browser" in answer.json()["error"]["message"]


def test_the_recording_folder_is_not_part_of_the_project() -> None:
    assert Path(__file__).parents[3].resolve() not in RECORDINGS.resolve().parents
