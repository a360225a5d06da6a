"""The stand-in of the Messages API: its door, its faults, its prompt cache, signatures that are checked."""

import json
from typing import Any

import pytest

from providers.sandbox.anthropic.models import MODELS
from providers.sandbox.anthropic.refusals import REFUSALS
from providers.sandbox.anthropic.site import AnthropicSite
from tests.providers.sandbox.anthropic.asking import BASE, USER, WEATHER, deltas, events, messages, post
from tests.support.asked import ask

THINKING = {"type": "enabled", "budget_tokens": 1024}
DOOR: list[Any] = [
    ({"x_api_key": ""}, 401, "x-api-key header is required"),
    ({"x_api_key": "no"}, 401, "invalid x-api-key"),
    ({"x_api_key": "", "authorization": "Bearer no"}, 401, "Invalid bearer token"),
    ({"anthropic_version": ""}, 400, "anthropic-version: header is required"),
    ({"anthropic_version": "2020-01-01"}, 400, 'anthropic-version: "2020-01-01" is not a valid version'),
    ({"anthropic_beta": "a-2026-01-01, what?"}, 400, "Unexpected value(s) `what?`"),
    ({"content_type": "text/plain"}, 400, "Content-Type"),
]


@pytest.mark.parametrize(("headers", "status", "words"), DOOR, ids=lambda value: str(value)[:40])
def test_its_door(headers: dict[str, str], status: int, words: str) -> None:
    answer = post(AnthropicSite(), BASE, **headers)
    assert answer.status == status
    assert answer.json["error"]["message"].startswith(words)
    assert answer.headers["request-id"] == answer.json["request_id"]


def test_a_bearer_opens_too_and_models_must_be_known() -> None:
    site = AnthropicSite()
    assert post(site, BASE, x_api_key="", authorization=f"Bearer {site.key}").status == 200
    unknown = post(site, {**BASE, "model": "gpt"})
    assert (unknown.status, unknown.json["error"]) == (404, {"type": "not_found_error", "message": "model: gpt"})
    assert post(site, {**BASE, "model": 3}).json["error"]["message"] == "model: Field required"
    assert post(site, b"[]").status == post(site, BASE, path="/v1/complete").status - 4 == 400


def test_the_list_of_models_has_pages() -> None:
    site = AnthropicSite()
    head = {"x_api_key": site.key, "anthropic_version": "2023-06-01"}
    first = ask(site, "GET", "/v1/models?limit=2", **head).json
    assert [one["id"] for one in first["data"]] == list(MODELS)[:2]
    assert first["has_more"]
    rest = ask(site, "GET", f"/v1/models?after_id={first['last_id']}", **head).json
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (list(MODELS)[2:], False)
    assert ask(site, "GET", "/v1/models?limit=0", **head).status == 400
    assert ask(site, "GET", "/v1/models?limit=x", **head).status == 400
    assert ask(site, "GET", "/v1/models/claude-sandbox", **head).json["type"] == "model"


def test_tokens_are_counted() -> None:
    site = AnthropicSite()
    body = {"model": "claude-sandbox", "messages": [USER]}
    assert post(site, body, "/v1/messages/count_tokens").json == {"input_tokens": 4}
    assert post(site, body).json["error"]["message"] == "max_tokens: Field required"


def test_an_answer_is_the_same_whole_and_streamed() -> None:
    whole = messages("text='one two three four five'").json
    streamed = messages("text='one two three four five'", stream=True)
    assert whole["content"] == [{"type": "text", "text": "one two three four five"}]
    assert deltas(streamed, "text_delta", "text") == "one two three four five"
    kinds = [one["type"] for one in events(streamed)]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert events(streamed)[-2]["usage"] == whole["usage"]


@pytest.mark.parametrize("fault", sorted(REFUSALS))
def test_refusals_have_their_status_and_words(fault: str) -> None:
    answer = messages(f"fault={fault}")
    status, kind, words = REFUSALS[fault]
    assert (answer.status, answer.json["error"]) == (status, {"type": kind, "message": words})


def test_a_limit_says_how_long() -> None:
    assert messages("fault=429 retry_after=9").headers["retry-after"] == "9"


STREAM_FAULTS: dict[str, Any] = {
    "error_first": (["error"], "api_error"),
    "overloaded_first": (["error"], "overloaded_error"),
    "error_started": (["message_start", "ping", "error"], "api_error"),
}


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_an_error_before_the_first_word(fault: str) -> None:
    found = events(messages(f"fault={fault}", stream=True))
    kinds, kind = STREAM_FAULTS[fault]
    assert [one["type"] for one in found] == kinds
    assert found[-1]["error"]["type"] == kind


def test_faults_in_the_middle_of_a_stream() -> None:
    def tail(fault: str) -> list[str]:
        return [one["type"] for one in events(messages(f"fault={fault}", stream=True))][-2:]

    assert tail("error_mid") == tail("overloaded_mid") == ["content_block_delta", "error"]
    assert tail("truncated") == ["content_block_delta", "content_block_delta"]
    assert tail("no_stop") == ["content_block_stop", "message_delta"]
    assert tail("no_delta") == ["content_block_stop", "message_stop"]
    assert tail("after_stop") == ["message_stop", "content_block_delta"]
    assert messages("fault=reset", stream=True).end == "reset"
    assert "message_note" in messages("fault=unknown_event", stream=True).text
    assert "event:" not in messages("fault=unnamed", stream=True).text
    assert '"ind\n' in messages("fault=broken_json", stream=True).text
    assert "\r\n\r\n" in messages("fault=crlf", stream=True).text


def test_faults_instead_of_a_stream() -> None:
    assert (messages("fault=json_error").status, messages("fault=json_error").json["type"]) == (200, "error")
    assert messages("fault=html").headers["content-type"] == "text/html"
    assert messages("fault=redirect").status == 302
    assert messages("fault=empty").body == b""
    assert messages("fault=reset_first").end == "reset"
    assert messages("fault=bad_encoding").headers["content-encoding"] == "gzip"


def test_a_fault_can_be_of_one_model_and_of_one_time() -> None:
    site = AnthropicSite()
    assert messages("fault=500 only_model=claude-sandbox-small").status == 200
    assert [messages("fault=500_once", site).status for _ in range(2)] == [500, 200]


ENDS = {
    "refusal": "refusal",
    "pause": "pause_turn",
    "window": "model_context_window_exceeded",
    "cut_call": "max_tokens",
}


@pytest.mark.parametrize("fault", ENDS)
def test_ends_of_other_kinds(fault: str) -> None:
    assert messages(f"fault={fault}").json["stop_reason"] == ENDS[fault]
    assert events(messages(f"fault={fault}", stream=True))[-2]["delta"]["stop_reason"] == ENDS[fault]


def test_thinking_is_signed_and_the_signature_is_checked_when_it_comes_back() -> None:
    site = AnthropicSite()
    given = post(site, {**BASE, "max_tokens": 2000, "thinking": THINKING}).json["content"]
    assert [block["type"] for block in given] == ["thinking", "text"]

    def again(thinking: Any = THINKING, **changed: Any) -> Any:
        said = [{**given[0], **changed}, given[1]]
        turns = [USER, {"role": "assistant", "content": said}, USER]
        body = {**BASE, "max_tokens": 2000, "messages": turns, **({"thinking": thinking} if thinking else {})}
        return post(site, body).json

    wrong = "messages.1.content.0: Invalid `signature` in `thinking` block"
    assert again()["type"] == "message"
    assert again(signature="")["error"]["message"] == wrong
    assert (
        again(thinking={"type": "adaptive"}, signature=given[0]["signature"][:-8] + "AAAAAAA=")["error"]["message"]
        == wrong
    )
    assert again(None, signature="x")["type"] == "message"  # nobody looks where nothing is thought
    said = [{"type": "thinking", "thinking": "other words", "signature": given[0]["signature"]}, given[1]]
    turns = [USER, {"role": "assistant", "content": said}, USER]
    altered = post(site, {**BASE, "max_tokens": 2000, "messages": turns, "thinking": THINKING})
    assert altered.json["error"]["message"] == wrong
    del said[0]["signature"]
    unsigned = post(site, {**BASE, "messages": turns})
    assert unsigned.json["error"]["message"] == "messages.1.content.0.thinking.signature: Field required"


def test_thinking_may_be_left_out_or_hidden_and_comes_back_all_the_same() -> None:
    site = AnthropicSite()
    for directive, thinking in [
        ("", {"type": "adaptive", "display": "omitted"}),
        ("variant=redacted", {"type": "adaptive"}),
    ]:
        first = messages(directive, site, thinking=thinking).json["content"]
        assert not first[0].get("thinking")
        turns = [USER, {"role": "assistant", "content": first}, USER]
        assert post(site, {**BASE, "messages": turns, "thinking": thinking}).status == 200
    turns[1] = {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}, first[1]]}
    assert "Invalid `data`" in post(site, {**BASE, "messages": turns, "thinking": thinking}).json["error"]["message"]


def test_a_marked_prefix_is_written_to_the_cache_and_then_read() -> None:
    site = AnthropicSite()
    system = [{"type": "text", "text": "x" * 4000, "cache_control": {"type": "ephemeral"}}]
    usages = [post(site, {**BASE, "system": system}).json["usage"] for _ in range(2)]
    told = [(one["input_tokens"], one["cache_creation_input_tokens"], one["cache_read_input_tokens"]) for one in usages]
    assert told == [(4, 1003, 0), (4, 0, 1003)]


def test_a_prompt_can_be_too_long() -> None:
    answer = post(AnthropicSite(window=100), {**BASE, "messages": [{"role": "user", "content": "x" * 1000}]})
    assert answer.json["error"]["message"].startswith("prompt is too long: 25")
    assert answer.json["error"]["message"].endswith(" > 100 maximum")


def test_counted_pieces_are_made_once() -> None:
    answer = messages("count=50", stream=True)
    assert deltas(answer, "text_delta", "text") == "word " * 50
    assert events(answer)[-1] == {"type": "message_stop"}


def test_tools_are_called_in_parallel_and_their_results_read() -> None:
    site = AnthropicSite()
    asked = {"role": "user", "content": "What is the weather in Paris and in London?"}
    answer = post(site, {**BASE, "messages": [asked], "tools": [WEATHER]}).json
    assert answer["stop_reason"] == "tool_use"
    assert [block["input"] for block in answer["content"]] == [{"city": "Paris"}, {"city": "London"}]
    streamed = post(site, {**BASE, "messages": [asked], "tools": [WEATHER], "stream": True})
    assert json.loads(deltas(streamed, "input_json_delta", "partial_json").replace("}{", "},{").join("[]"))[1] == {
        "city": "London"
    }
    results = [{"type": "tool_result", "tool_use_id": b["id"], "content": f"rain {b['id']}"} for b in answer["content"]]
    turns = [asked, {"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results}]
    final = post(site, {**BASE, "messages": turns, "tools": [WEATHER]}).json
    assert "rain toolu_sandbox_1\nrain toolu_sandbox_2" in final["content"][0]["text"]
