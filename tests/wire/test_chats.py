"""Chats through a real mitmdump to the sandbox sites, with the real OpenAI SDK in its strict mode."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.script import greeting
from tests.support.processes import KEY, Gateway, SandboxThread

OFFICIAL, ZAI = "sandbox-large", "GLM-4.6"


def say(client: openai.OpenAI, model: str, prompt: str, **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}], **more)


def gathered(stream: Iterator[Any]) -> tuple[str, str, str | None]:
    """Text, reasoning and finish reason of a stream."""
    text = reasoning = ""
    reason = None
    for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            reason = choice.finish_reason or reason
    return text, reasoning, reason


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


@pytest.mark.anyio
async def test_the_async_client_streams(gateway: Gateway) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, _strict_response_validation=True
    ) as client:

        async def one(model: str) -> str:
            text = ""
            message: Any = {"role": "user", "content": "Hi"}
            async for chunk in await client.chat.completions.create(model=model, messages=[message], stream=True):
                text += "".join(choice.delta.content or "" for choice in chunk.choices)
            return text

        found = await asyncio.gather(*(one(model) for model in [OFFICIAL, ZAI] * 5))
    assert set(found) == {greeting("Hi")}


def test_usage_chunk_comes_only_when_asked_for(client: openai.OpenAI) -> None:
    plain = list(say(client, ZAI, "Hi", stream=True))
    assert all(chunk.usage is None for chunk in plain)
    asked = list(say(client, ZAI, "Hi", stream=True, stream_options={"include_usage": True}))
    assert asked[-1].choices == []
    assert asked[-1].usage.total_tokens == 46


def test_legacy_completions(client: openai.OpenAI, gateway: Gateway) -> None:
    assert client.completions.create(model=ZAI, prompt="Hi").choices[0].text == greeting("Hi")
    # OpenAI's own legacy stream has finish_reason null in its pieces, which the SDK's strict mode does not allow.
    lenient = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0)
    pieces = lenient.completions.create(model=OFFICIAL, prompt="Hi", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == greeting("Hi")


# -- Z.AI -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("variant", ["", "details", "done_word", "done_data", "heartbeat", "glm_block", "content"])
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_zai_variants_give_one_text(client: openai.OpenAI, variant: str, cut: int) -> None:
    words = "One two three four. 你好 🌏 “quoted” text and 🌍 more of it."
    directive = f"!sandbox variant={variant} pace_ms=0 cut={cut} text='{words}'"
    text, _, reason = gathered(say(client, ZAI, f"Hi\n{directive}", stream=True))
    assert text.strip() == words
    assert reason == "stop"


@pytest.mark.parametrize("variant", ["", "details"])
def test_zai_thinking_is_reasoning(client: openai.OpenAI, variant: str) -> None:
    prompt = f"Hi\n!sandbox variant={variant} pace_ms=0 reasoning='I think 🌏 so.' text='The answer is four words.'"
    text, reasoning, _ = gathered(say(client, "GLM-4.6-Thinking", prompt, stream=True))
    assert reasoning.strip() == "I think 🌏 so."
    assert text.strip() == "The answer is four words."


def test_zai_search_gives_annotations_and_no_marks(client: openai.OpenAI) -> None:
    answer = say(client, "GLM-4.6-Search", "News?")
    message = answer.choices[0].message
    urls = [note.url_citation.url for note in message.annotations]
    assert urls == ["https://example.com/times", "https://example.com/daily?a=1&b=2"]
    assert "【" not in message.content
    assert not message.tool_calls


def test_zai_history_and_system_prompt_arrive_in_one_user_message(client: openai.OpenAI, sites: SandboxThread) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Speak like a pirate."},
        {"role": "user", "content": "First question"},
        {"role": "assistant", "content": "First answer"},
        {"role": "user", "content": "Second question"},
    ]
    client.chat.completions.create(model=ZAI, messages=messages)
    sent = sites.site("zai").requests[-1].json()["messages"]
    assert [message["role"] for message in sent] == ["user"]
    folded = sent[0]["content"]
    places = [folded.index(m["content"]) for m in messages]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("captcha", 502, "provider_challenge"),
        ("concurrency", 429, "rate_limit_exceeded"),
        ("capacity", 429, "rate_limit_exceeded"),
        ("session", 502, "provider_auth"),
        ("401", 502, "provider_auth"),
        ("429", 429, "rate_limit_exceeded"),
        ("internal", 502, "upstream_error"),
        ("html", 502, None),
        ("reset_first", 502, "upstream_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_zai_refusals_are_true_errors_before_any_byte(
    http: httpx.Client, fault: str, status: int, code: str | None, stream: bool
) -> None:
    answer = http.post(
        "/v1/chat/completions",
        json={
            "model": ZAI,
            "stream": stream,
            "messages": [{"role": "user", "content": f"Hi\n!sandbox fault={fault}"}],
        },
    )
    assert answer.status_code == status
    error = answer.json()["error"]
    if code is not None:
        assert error["code"] == code
    assert "zai/demo" in error["message"]


@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up", "error_after_text"])
def test_zai_streams_that_break_off_end_in_an_error(client: openai.OpenAI, fault: str) -> None:
    text: list[str] = []

    def read() -> None:
        for chunk in say(client, ZAI, f"Hi\n!sandbox fault={fault}", stream=True):
            text.append(chunk.choices[0].delta.content or "")

    with pytest.raises(openai.APIError) as caught:
        read()
    assert "".join(text)
    assert not isinstance(caught.value, openai.APIConnectionError)


@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up", "error_after_text"])
def test_no_half_answer_looks_whole(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(openai.InternalServerError):
        say(client, ZAI, f"Hi\n!sandbox fault={fault} pace_ms=0")


def test_an_outdated_client_version_is_found_out_and_mended(client: openai.OpenAI, sites: SandboxThread) -> None:
    site = sites.site("zai")
    before = site.client_version
    site.client_version = "prod-fe-1.2.3"
    try:
        assert say(client, ZAI, "Hi").choices[0].message.content == greeting("Hi")
        assert say(client, ZAI, "Hi").choices[0].message.content == greeting("Hi")
    finally:
        site.client_version = before


# -- the official form ------------------------------------------------------------------------------------------------
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def test_native_tools_stream_and_whole(client: openai.OpenAI) -> None:
    answer = say(client, OFFICIAL, "Weather?", tools=[TOOL])
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Paris"})
    assert answer.choices[0].finish_reason == "tool_calls"
    with client.chat.completions.stream(
        model=OFFICIAL, messages=[{"role": "user", "content": "Weather?"}], tools=[TOOL]
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == '{"city":"Paris"}'  # type: ignore[index]


def test_fields_pass_untouched_to_an_official_api(client: openai.OpenAI, sites: SandboxThread) -> None:
    say(
        client,
        OFFICIAL,
        "Hi",
        n=2,
        logprobs=True,
        seed=7,
        max_completion_tokens=99,
        stop=["x"],
        extra_body={"thinking": {"type": "enabled"}, "deep": {"er": [1, {"x": None}]}},
    )
    sent = sites.site("openai").requests[-1].json()
    assert sent["n"] == 2
    assert (sent["logprobs"], sent["seed"], sent["max_completion_tokens"]) == (True, 7, 99)
    assert "max_tokens" not in sent
    assert sent["stop"] in (["x"], "x")
    assert sent["thinking"] == {"type": "enabled"}
    assert sent["deep"] == {"er": [1, {"x": None}]}


def test_several_candidates_logprobs_and_usage_come_back(client: openai.OpenAI) -> None:
    answer = say(client, OFFICIAL, "Hi", n=2, logprobs=True)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[1].logprobs.content[0].logprob == -0.1
    assert answer.usage.completion_tokens_details.reasoning_tokens == 2
    assert answer.system_fingerprint == "fp_sandbox"


@pytest.mark.parametrize("fault", ["glued", "crlf", "unknown_event", "after_done", "stay_open", "no_done"])
def test_odd_official_streams_are_read_rightly(client: openai.OpenAI, fault: str) -> None:
    text, _, reason = gathered(say(client, OFFICIAL, f"Hi\n!sandbox fault={fault} pace_ms=0", stream=True))
    assert (text, reason) == (greeting("Hi"), "stop")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("model", [OFFICIAL, ZAI])
def test_compressed_streams_are_read(client: openai.OpenAI, model: str, encoding: str) -> None:
    text, _, _ = gathered(say(client, model, f"Hi\n!sandbox encoding={encoding} pace_ms=0", stream=True))
    assert text == greeting("Hi")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("401", 502, "provider_auth"),
        ("429", 429, "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota"),
        ("context", 400, "context_length_exceeded"),
        ("500", 502, "upstream_error"),
        ("html", 502, None),
        ("json_error", 502, None),
        ("empty", 502, None),
        ("error_first", 502, None),
        ("redirect", 502, None),
        ("bad_encoding", 502, None),
    ],
)
def test_official_refusals_keep_their_meaning(http: httpx.Client, fault: str, status: int, code: str | None) -> None:
    messages = [{"role": "user", "content": f"Hi\n!sandbox fault={fault} retry_after=2"}]
    answer = http.post("/v1/chat/completions", json={"model": OFFICIAL, "stream": True, "messages": messages})
    assert answer.status_code == status
    assert code is None or answer.json()["error"]["code"] == code
    if fault == "429":
        assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("fault", ["error_mid", "broken_json", "truncated", "reset"])
def test_official_streams_that_break_end_in_an_error(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(openai.APIError):
        gathered(say(client, OFFICIAL, f"Hi\n!sandbox fault={fault}", stream=True))


# -- limits kept here -------------------------------------------------------------------------------------------------
def test_stop_is_kept_and_the_site_is_left(client: openai.OpenAI, sites: SandboxThread) -> None:
    site = sites.site("zai")
    say(client, ZAI, "Hi")  # the connections that stay are there from now on
    before = site.connections
    prompt = "Hi\n!sandbox count=2000 pace_ms=5"
    text, _, reason = gathered(say(client, ZAI, prompt, stream=True, stop=["word word"]))
    assert (text, reason) == ("", "stop")
    sites.wait_for("zai", lambda: site.connections < before)


def test_max_tokens_is_kept(client: openai.OpenAI) -> None:
    answer = say(client, ZAI, "Hi\n!sandbox count=200 pace_ms=0", max_tokens=10)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "word " * 10


# -- clients that leave -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("model", "site_name"), [(OFFICIAL, "openai"), (ZAI, "zai")])
def test_a_client_that_leaves_ends_the_providers_work(
    http: httpx.Client, sites: SandboxThread, model: str, site_name: str
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
    got = threading.Event()
    with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        for chunk in answer.iter_raw():
            if b"Hello" in chunk:
                got.set()
                break
    assert got.is_set()
