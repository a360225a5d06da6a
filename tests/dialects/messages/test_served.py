"""Anthropic's real SDK, strict, before a gateway with all sites: words, thinking, tools, pictures, errors."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.support.messages import messages_sdk, names, put_together
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY

SITES = {
    "zai": "GLM-4.6",
    "qwen": "qwen-max",
    "k2think": "MBZUAI-IFM/K2-Think-v2",
    "longcat": "LongCat-Flash",
    "official": "sandbox-large",
}
SEEING = {"zai": "GLM-4.5V", "qwen": "qwen3.7-plus", "official": "sandbox-large"}
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
GIF = "R0lGODlhAgADAAAAADs="
CLAUDE_CODE = {"user-agent": "claude-cli/2.1.332 (external, sdk-cli)"}


@pytest.fixture
def sdk(gateway: Served) -> Iterator[anthropic.Anthropic]:
    with messages_sdk(gateway) as client:
        yield client


def answered(sdk: anthropic.Anthropic, how: str, model: str, words: Any, **more: Any) -> anthropic.types.Message:
    """The message, checked for its form by the SDK, whole or out of a stream."""
    messages = words if isinstance(words, list) else [{"role": "user", "content": words}]
    asked: Any = {"model": model, "max_tokens": 1000, "messages": messages, **more}
    if how == "whole":
        found: Any = sdk.messages.create(**asked)
        assert found._request_id is not None
        assert found._request_id.startswith("req_")
    else:
        with sdk.messages.stream(**asked) as stream:
            found = stream.get_final_message()
    assert found.id.startswith("msg_")
    assert found.usage.input_tokens > 0
    assert found.usage.output_tokens > 0
    assert isinstance(found, anthropic.types.Message)
    return found


def words_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


WAYS = pytest.mark.parametrize("how", ["whole", "stream"])


@WAYS
@pytest.mark.parametrize("site", SITES)
def test_words_are_the_first_block_where_thinking_was_not_asked_for(
    sdk: anthropic.Anthropic, site: str, how: str
) -> None:
    found = answered(sdk, how, SITES[site], "Reply with exactly: Good day")
    assert [block.type for block in found.content] == ["text"]
    assert words_of(found) == "Good day"
    assert (found.stop_reason, found.stop_sequence) == ("end_turn", None)


@WAYS
@pytest.mark.parametrize("site", ["zai", "qwen", "k2think", "official"])
def test_thinking_is_a_signed_block_of_its_own(sdk: anthropic.Anthropic, site: str, how: str) -> None:
    words = "Hello\n!sandbox pace_ms=0 reasoning='Let me see.' text='Good day'"
    found = answered(sdk, how, SITES[site], words, thinking={"type": "enabled", "budget_tokens": 1024})
    thought, said = found.content
    assert thought.type == "thinking"
    assert "Let me see." in thought.thinking
    assert thought.signature
    assert said.type == "text"
    assert said.text == "Good day"


@WAYS
@pytest.mark.parametrize("site", SITES)
def test_two_tools_are_called_at_once_and_their_results_answered(sdk: anthropic.Anthropic, site: str, how: str) -> None:
    question: Any = {"role": "user", "content": "What is the weather in Paris and in Rome?"}
    found = answered(sdk, how, SITES[site], [question], tools=[WEATHER])
    calls = [block for block in found.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    assert len({call.id for call in calls}) == 2
    assert found.stop_reason == "tool_use"
    results: Any = [
        {"type": "tool_result", "tool_use_id": call.id, "content": f"{weather} degrees", "is_error": False}
        for call, weather in zip(calls, ("17", "29"), strict=True)
    ]
    turns = [question, {"role": "assistant", "content": [block.to_dict() for block in found.content]}]
    after = answered(sdk, how, SITES[site], [*turns, {"role": "user", "content": results}], tools=[WEATHER])
    assert after.stop_reason == "end_turn"
    assert all(degrees in words_of(after) for degrees in ("17", "29"))


@pytest.mark.parametrize("site", SEEING)
def test_a_picture_is_seen(sdk: anthropic.Anthropic, site: str) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": GIF}}
    found = answered(
        sdk, "whole", SEEING[site], [{"role": "user", "content": [picture, {"type": "text", "text": "What?"}]}]
    )
    assert "2x3" in words_of(found) or "GIF" in words_of(found) or "picture" in words_of(found)


def test_sources_of_a_search_stand_behind_the_words(sdk: anthropic.Anthropic) -> None:
    search: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    found = answered(sdk, "stream", "LongCat-Flash", "Perform a web search for the query: cats", tools=[search])
    assert "\n\nSources:\n- [" in words_of(found)


def test_a_search_of_a_model_that_has_none_is_answered_in_words(gateway: Served, sdk: anthropic.Anthropic) -> None:
    search: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    found = answered(sdk, "stream", SITES["k2think"], "Perform a web search for the query: cats", tools=[search])
    assert words_of(found)


def test_more_stop_sequences_than_openai_takes_are_kept_here(sdk: anthropic.Anthropic, sites: Sites) -> None:
    stops = ["a-", "b-", "c-", "d-", "e-", "two"]
    for how in ("whole", "stream"):
        found = answered(sdk, how, "sandbox-large", "Reply with exactly: one two three", stop_sequences=stops)
        assert (words_of(found).strip(), found.stop_reason, found.stop_sequence) == ("one", "stop_sequence", "two")
        assert sites.site("openai").requests[-1].json()["stop"] == stops[:4]


def test_a_stop_sequence_is_named_and_a_limit_kept(sdk: anthropic.Anthropic) -> None:
    for how in ("whole", "stream"):
        said = "Reply with exactly: one two three"
        found = answered(sdk, how, "GLM-4.6", said, stop_sequences=["two"])
        assert (words_of(found).strip(), found.stop_reason, found.stop_sequence) == ("one", "stop_sequence", "two")
    found = answered(sdk, "whole", "GLM-4.6", said, max_tokens=1)
    assert found.stop_reason == "max_tokens"


def test_a_schema_is_kept(sdk: anthropic.Anthropic) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    found = answered(sdk, "whole", "qwen-max", "My name is Ann. Who am I?", output_config=wanted)
    assert "name" in json.loads(words_of(found))


def test_a_request_as_claude_code_makes_it_is_answered(gateway: Served) -> None:
    body = {
        "model": "GLM-4.6",
        "max_tokens": 32000,
        "stream": True,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332.e64; cc_entrypoint=sdk-cli;"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Reply with exactly: Good day"}]},
            {"role": "system", "content": "# Environment"},
        ],
        "tools": [{**WEATHER, "defer_loading": True}, {"name": "DeferredToolPlaceholder", "input_schema": {}}],
        "thinking": {"type": "adaptive", "display": "omitted"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "metadata": {"user_id": '{"device_id":"d","session_id":"s"}'},
    }
    headers = {**gateway.headers, **CLAUDE_CODE, "anthropic-beta": "new-2030-01-01", "x-claude-code-session-id": "s"}
    for path in ("/v1/messages?beta=true", "/anthropic/v1/messages"):
        answer = gateway.request("POST", path, json=body, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["request-id"] == answer.headers["x-request-id"]
        assert put_together(answer.content)[-1] == {"type": "text", "text": "Good day"}
        assert names(answer.content)[0] == "message_start"
    whole = gateway.request("POST", "/v1/messages", json={**body, "stream": False}, headers=headers)
    assert whole.json()["content"][-1]["text"] == "Good day"


# -- errors -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["truncated", "error_mid"])
def test_a_stream_that_breaks_off_ends_with_an_error_and_its_repetition_is_whole(
    sdk: anthropic.Anthropic, fault: str
) -> None:
    """The SDK takes a stream that just ends for a whole one; Claude Code asks for a whole message then."""
    words = f"Tell me a story\n!sandbox pace_ms=0 text='one two three four five six' fault={fault}_once"
    with pytest.raises(anthropic.APIStatusError) as caught:
        answered(sdk, "stream", "sandbox-large", words)
    assert caught.value.status_code == 200
    assert "official" in str(caught.value)
    assert words_of(answered(sdk, "whole", "sandbox-large", words)).startswith("one two")


def test_a_model_that_nobody_serves_is_not_found(gateway: Served) -> None:
    with messages_sdk(gateway, max_retries=2) as sdk, pytest.raises(anthropic.NotFoundError, match="Near names"):
        answered(sdk, "whole", "GLM-4.66", "Hi")


@pytest.mark.parametrize(
    ("key", "model", "words", "status"),
    [
        ("wrong", "GLM-4.6", "Hi", 403),
        (KEY, "GLM-4.66", "Hi", 502),
        (KEY, "GLM-4.6", "Hi\n!sandbox fault=captcha", 502),
        (KEY, "GLM-4.6", [{"type": "image", "source": {"type": "file", "file_id": "f"}}], 502),
    ],
)
def test_claude_code_is_told_what_no_repetition_heals_in_the_form_that_it_stops_at(
    gateway: Served, key: str, model: str, words: Any, status: int
) -> None:
    body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": words}]}
    headers = {"authorization": f"Bearer {key}", **CLAUDE_CODE}
    answer = gateway.request("POST", "/v1/messages", json=body, headers=headers)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (status, "false")
    assert answer.json()["type"] == "error"
    assert answer.json()["request_id"] == answer.headers["request-id"]


def test_a_text_that_is_begun_is_refused_by_name(sdk: anthropic.Anthropic) -> None:
    turns: Any = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "I am"}]
    for model in ("GLM-4.6", "sandbox-large"):
        with pytest.raises(anthropic.BadRequestError, match="prefill"):
            answered(sdk, "whole", model, turns)


# -- beside -----------------------------------------------------------------------------------------------------------
def test_both_kinds_of_keys_are_taken_also_beside_one_of_another_service(gateway: Served) -> None:
    body = {"model": "GLM-4.6", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    other = "sk-ant-0123456789abcdef"
    for headers in (
        {"x-api-key": KEY},
        {"authorization": f"Bearer {KEY}", "x-api-key": other},
        {"authorization": f"Bearer {other}", "x-api-key": KEY},
    ):
        assert gateway.request("POST", "/v1/messages", json=body, headers=headers).status_code == 200
    refused = gateway.request("POST", "/v1/messages", json=body, headers={"x-api-key": other})
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")


def test_tokens_are_counted(sdk: anthropic.Anthropic) -> None:
    few = sdk.messages.count_tokens(model="GLM-4.6", messages=[{"role": "user", "content": "Hi"}])
    many = sdk.messages.count_tokens(
        model="GLM-4.6", messages=[{"role": "user", "content": "Hi"}], tools=[WEATHER], system="Be brief."
    )
    assert 0 < few.input_tokens < many.input_tokens


def test_models_are_listed_in_both_forms(sdk: anthropic.Anthropic, gateway: Served) -> None:
    page = sdk.models.list(limit=1000)
    assert "GLM-4.6" in [model.id for model in page]
    assert page.has_more is False
    assert sdk.models.retrieve("glm-4.6").id == "GLM-4.6"
    with pytest.raises(anthropic.NotFoundError):
        sdk.models.retrieve("GLM-4.66")
    below = gateway.get("/anthropic/v1/models").json()
    assert (below["object"], below["data"][0]["object"], below["data"][0]["type"]) == ("list", "model", "model")
    assert "type" not in gateway.get("/v1/models").json()["data"][0]


def test_the_list_of_models_has_pages(sdk: anthropic.Anthropic) -> None:
    every = [model.id for model in sdk.models.list()]
    assert len(every) > 5
    assert [model.id for model in sdk.models.list(limit=2)] == every  # the SDK asks for one page after the other
    first = sdk.models.list(limit=2)
    assert ([model.id for model in first.data], first.has_more) == (every[:2], True)
    before = sdk.models.list(limit=2, before_id=every[4])
    assert ([model.id for model in before.data], before.has_more) == (every[2:4], True)
    assert sdk.models.list(after_id="gone-model").data == []


def test_what_is_not_served_of_the_api_is_not_found_and_a_probe_does_no_harm(gateway: Served) -> None:
    for method, path in (("POST", "/v1/messages/batches"), ("POST", "/v1/complete"), ("GET", "/anthropic/v1/files")):
        answer = gateway.request(method, path, headers=gateway.headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
    for path in ("/api/hello", "/"):
        probe = gateway.request("HEAD", path, headers={"user-agent": "Bun/1.3"})
        assert (probe.status_code < 500, probe.content) == (True, b"")
