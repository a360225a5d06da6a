"""What ways are asked: requests that the gateway's own dialect reads, as big as they say; and what processes take."""

import json
import os
from typing import Any

import pytest

from addons.dialects.chat_completions.dialect import ChatCompletions
from benchmarks.compare import requests
from benchmarks.compare.measures import PROMPTS_KB
from benchmarks.compare.processes import cpu_s, family, memory_mb
from benchmarks.compare.way import Provider, Way
from tests.support.turns import chat_in

WAY = Way(8080, Provider(1, 1), headers={"authorization": "Bearer key"})


def parts(request: bytes) -> tuple[list[str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


@pytest.mark.parametrize("kb", PROMPTS_KB.values(), ids=PROMPTS_KB)
def test_a_prompt_is_as_long_as_it_says(kb: int) -> None:
    head, body = parts(requests.chat(WAY, "!b1", stream=False, kb=kb))
    assert f"content-length: {len(body)}" in head
    assert abs(len(body) - kb * 1024) < 200
    (message,) = chat_in(ChatCompletions().parse(body)).messages
    assert "!b1 " in repr(message)[:200]


def test_history_and_tools_are_read_by_the_gateway() -> None:
    head, body = parts(requests.chat(WAY, "!b1", stream=True, turns=10, tools=60))
    assert head[0] == "POST /v1/chat/completions HTTP/1.1"
    assert "authorization: Bearer key" in head
    chat = chat_in(ChatCompletions().parse(body))
    assert (chat.stream, len(chat.messages)) == (True, 21)
    assert len(json.loads(body)["tools"]) == 60


def test_the_form_of_anthropic() -> None:
    way = Way(1, WAY.provider, path="/v1/messages", form="anthropic")
    _, body = parts(requests.chat(way, "!b1", stream=True, tools=1))
    value: Any = json.loads(body)
    assert value["max_tokens"]
    assert set(value["tools"][0]) == {"name", "description", "input_schema"}


def test_the_list_of_models_has_no_body() -> None:
    head, body = parts(requests.models(WAY))
    assert (head[0], body) == ("GET /v1/models HTTP/1.1", b"")


def test_a_process_and_its_children_are_counted() -> None:
    me, parent = os.getpid(), os.getppid()
    assert family([me])[0] == me
    assert me in family([parent])
    assert cpu_s([me]) > 0
    assert memory_mb([me]) > 10
    assert (cpu_s([]), memory_mb([])) == (0, 0)
