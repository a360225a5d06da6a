"""Chats through a gateway to the sandbox's sites, of whichever form, with the real OpenAI SDK in its strict mode."""

import asyncio
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.script import greeting
from tests.support.sdk import gathered, say
from tests.support.served import Served
from tests.support.sites import Sites

OFFICIAL, ZAI = "sandbox-large", "GLM-4.6"


@pytest.mark.parametrize("model", [OFFICIAL, ZAI])
def test_streamed_and_whole_answers_say_the_same(client: openai.OpenAI, model: str) -> None:
    text, _, reason = gathered(say(client, model, "Good morning", stream=True))
    assert text == greeting("Good morning")
    assert reason == "stop"
    answer = say(client, model, "Good morning")
    assert answer.choices[0].message.content == text
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_the_stream_helper_and_its_final_completion(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=ZAI, messages=[{"role": "user", "content": "Hi"}]) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content == greeting("Hi")


def test_the_async_client_streams(gateway: Served) -> None:
    async def one(client: openai.AsyncOpenAI, model: str) -> str:
        text = ""
        message: Any = {"role": "user", "content": "Hi"}
        async for chunk in await client.chat.completions.create(model=model, messages=[message], stream=True):
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
        return text

    async def all_of_them() -> list[str]:
        async with gateway.async_sdk() as client:
            return await asyncio.gather(*(one(client, model) for model in [OFFICIAL, ZAI] * 5))

    assert set(gateway.run(all_of_them())) == {greeting("Hi")}


def test_usage_chunk_comes_only_when_asked_for(client: openai.OpenAI) -> None:
    plain = list(say(client, ZAI, "Hi", stream=True))
    assert all(chunk.usage is None for chunk in plain)
    asked = list(say(client, ZAI, "Hi", stream=True, stream_options={"include_usage": True}))
    assert asked[-1].choices == []
    assert asked[-1].usage.total_tokens == 46


def test_legacy_completions(client: openai.OpenAI, gateway: Served) -> None:
    assert client.completions.create(model=ZAI, prompt="Hi").choices[0].text == greeting("Hi")
    # OpenAI's own legacy stream has finish_reason null in its pieces, which the SDK's strict mode does not allow.
    lenient = gateway.sdk(strict=False)
    pieces = lenient.completions.create(model=OFFICIAL, prompt="Hi", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == greeting("Hi")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("model", [OFFICIAL, ZAI])
def test_compressed_streams_are_read(client: openai.OpenAI, model: str, encoding: str) -> None:
    text, _, _ = gathered(say(client, model, f"Hi\n!sandbox encoding={encoding} pace_ms=0", stream=True))
    assert text == greeting("Hi")


# -- clients that leave -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("model", "site_name"), [(OFFICIAL, "openai"), (ZAI, "zai")])
def test_a_client_that_leaves_ends_the_providers_work(
    http: httpx.Client, sites: Sites, model: str, site_name: str
) -> None:
    site = sites.site(site_name)
    messages = [{"role": "user", "content": "Hi\n!sandbox count=100000 pace_ms=5"}]
    before = site.connections
    with http.stream("POST", "/v1/chat/completions", json={"model": model, "stream": True, "messages": messages}) as r:
        next(r.iter_raw())
        assert site.connections >= 1
    sites.wait_for(site_name, lambda: site.connections <= before)


def test_words_arrive_while_the_answer_is_made(http: httpx.Client) -> None:
    messages = [{"role": "user", "content": "Hi\n!sandbox stall_after=3"}]
    body = {"model": OFFICIAL, "stream": True, "messages": messages}
    with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert any(b"Hello" in piece for piece in answer.iter_raw())
