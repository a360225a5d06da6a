"""LongCat's refusals, broken streams and lost conversations through a gateway: one honest outcome each."""

from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.script import greeting
from tests.providers.longcat.asking import (
    BOTH,
    CHAT,
    THOUGHT,
    TOLD,
    URLS,
    WORDS,
    posted,
    streamed,
    streamed_text,
    whole,
)
from tests.support.sites import Sites

# -- refusals ---------------------------------------------------------------------------------------------------------
REFUSALS = [
    ("401", 502, "provider_auth"),
    ("login", 502, "provider_auth"),
    ("login_message", 502, "provider_auth"),
    ("login_line_first", 502, "provider_auth"),
    ("login_event", 502, "provider_auth"),
    ("403", 502, "provider_challenge"),
    ("403_check", 502, "provider_challenge"),
    ("418", 502, "provider_challenge"),
    ("418_bare", 502, "provider_challenge"),
    ("check_200", 502, "provider_challenge"),
    ("check_line_first", 502, "provider_challenge"),
    ("wrong_type", 502, "provider_challenge"),
    ("429", 429, "rate_limit_exceeded"),
    ("429_body", 429, "rate_limit_exceeded"),
    ("429_message", 429, "rate_limit_exceeded"),
    ("429_line_first", 429, "rate_limit_exceeded"),
    ("429_data", 429, "rate_limit_exceeded"),
    ("gone", 502, "conversation_gone"),
    ("gone_404", 502, "conversation_gone"),
    ("gone_line_first", 502, "conversation_gone"),
    ("gone_event", 502, "conversation_gone"),
    ("event_error", 502, "upstream_error"),
    ("eventError", 502, "upstream_error"),
    ("error_line_first", 502, "upstream_error"),
    ("json_error", 502, "upstream_error"),
    ("plain", 502, "upstream_error"),
    ("500", 502, "upstream_error"),
    ("502", 502, "upstream_error"),
    ("wordless", 502, "upstream_error"),
    ("empty", 502, "upstream_eof"),
    ("reset_first", 502, "upstream_error"),
]


@pytest.mark.parametrize(("fault", "status", "code"), REFUSALS)
@pytest.mark.parametrize("stream", [False, True])
def test_refusals_are_true_errors_before_any_byte(
    http: httpx.Client, fault: str, status: int, code: str, stream: bool
) -> None:
    answer = posted(http, f"Hi\n!sandbox pace_ms=0 fault={fault} retry_after=77", stream=stream)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["type"] == ("rate_limit_error" if status == 429 else "server_error")
    assert "[longcat/demo]" in error["message"]
    assert answer.headers.get("retry-after") == ("77" if fault == "429" else None)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("401", "provider_auth"),
        ("login_message", "provider_auth"),
        ("418", "provider_challenge"),
        ("wrong_type", "provider_challenge"),
        ("429", "rate_limit_exceeded"),
        ("429_body", "rate_limit_exceeded"),
        ("500", "upstream_error"),
        ("wordless", "upstream_error"),
    ],
)
def test_refusals_of_a_new_conversation_are_the_chats(http: httpx.Client, sites: Sites, fault: str, code: str) -> None:
    site = sites.site("longcat")
    site.create_fault, site.create_retry_after = fault, "78"
    try:
        answer = posted(http, "Hi")
    finally:
        site.create_fault = site.create_retry_after = ""
    assert (answer.status_code, answer.json()["error"]["code"]) == (429 if "429" in fault else 502, code)
    assert answer.headers.get("retry-after") == ("78" if fault == "429" else None)


def test_what_to_do_is_said(http: httpx.Client) -> None:
    check = posted(http, "Hi\n!sandbox fault=418").json()["error"]["message"]
    assert "browser" in check
    assert "official key (preset: longcat)" in check
    assert "sign in" in posted(http, "Hi\n!sandbox fault=login").json()["error"]["message"].lower()
    assert "riskLevel" not in check


def test_a_session_the_site_no_longer_knows(http: httpx.Client, sites: Sites) -> None:
    site = sites.site("longcat")
    before = dict(site.tokens)
    for token in before:
        site.revoke(token)
    try:
        answer = posted(http, "Hi")
    finally:
        site.tokens.update(before)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
    assert all(token not in answer.text for token in before)
    assert posted(http, "Hi\n!sandbox pace_ms=0").status_code == 200


# -- bad input --------------------------------------------------------------------------------------------------------
BREAKS = [
    ("truncated", "upstream_eof"),
    ("reset", None),
    ("hang_up", None),
    ("error_mid", "upstream_error"),
    ("error_line", "upstream_error"),
    ("429_line", "rate_limit_exceeded"),
    ("login_line", "provider_auth"),
    ("check_line", "provider_challenge"),
    ("gone_line", "conversation_gone"),
    ("broken_json", "upstream_error"),
]


@pytest.mark.parametrize(("fault", "code"), BREAKS)
def test_streams_that_break_end_in_an_error_after_their_words(
    client: openai.OpenAI, fault: str, code: str | None
) -> None:
    text: list[str] = []
    messages: Any = [{"role": "user", "content": f"Hi\n!sandbox fault={fault}"}]

    def read() -> None:
        for chunk in client.chat.completions.create(model="LongCat", messages=messages, stream=True):
            text.extend(choice.delta.content or "" for choice in chunk.choices)

    with pytest.raises(openai.APIError) as caught:
        read()
    assert greeting("Hi").startswith("".join(text))
    assert "".join(text)
    assert not isinstance(caught.value, openai.APIConnectionError)
    assert code is None or caught.value.code == code


@pytest.mark.parametrize(("fault", "code"), BREAKS)
def test_no_half_answer_looks_whole(http: httpx.Client, fault: str, code: str | None) -> None:
    answer = posted(http, f"Hi\n!sandbox fault={fault} pace_ms=0", stream=False)
    assert answer.status_code == (429 if "429" in fault else 502)
    assert code is None or answer.json()["error"]["code"] == code


@pytest.mark.parametrize("fault", ["unknown_event", "two_finishes", "after_finish", "stay_open"])
@pytest.mark.parametrize("variant", ["", "cumulative", "old"])
def test_odd_streams_are_read_rightly(client: openai.OpenAI, fault: str, variant: str) -> None:
    prompt = f"Hi\n{TOLD} fault={fault} variant={variant}"
    assert streamed(client, prompt, BOTH) == (WORDS, THOUGHT, "stop", 46, URLS)
    assert whole(client, prompt, BOTH) == (WORDS, THOUGHT, "stop", 46, URLS)


def test_invalid_utf8_becomes_replacement_characters(client: openai.OpenAI) -> None:
    for variant in ("", "no_final"):
        text, _, reason, _, _ = streamed(client, f"Hi\n{TOLD} fault=bad_utf8 variant={variant} cut=3")
        assert (text, reason) == (f"\ufffd\ufffd{WORDS}", "stop")


@pytest.mark.untraced
def test_an_event_of_5_mb_is_a_fault_of_the_site(http: httpx.Client) -> None:
    for stream in (True, False):
        answer = posted(http, "Hi\n!sandbox size=5000000 pace_ms=0", stream=stream)
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_error")


def test_an_event_of_500_kb_is_read(client: openai.OpenAI) -> None:
    assert streamed(client, "Hi\n!sandbox size=500000 pace_ms=0")[0] == "x" * 500_000


# -- clients that leave, conversations that go ------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["count=10000 pace_ms=5", "stall_after=3 pace_ms=0"])
def test_a_client_that_leaves_ends_the_sites_work(http: httpx.Client, sites: Sites, words: str) -> None:
    site = sites.site("longcat")
    messages = [{"role": "user", "content": f"Hi\n!sandbox {words}"}]
    body = {"model": "LongCat", "stream": True, "messages": messages}
    with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        pieces = answer.iter_raw()  # held on to: an iterator thrown away closes the connection at once
        next(pieces)
        asked, open_before = len(site.requests), site.connections
        assert open_before
    sites.wait_for("longcat", lambda: site.connections < open_before)
    assert len(site.requests) == asked


@pytest.mark.parametrize("fault", ["gone", "gone_404", "gone_event", "gone_line_first"])
def test_a_conversation_that_is_gone_is_begun_anew_once(http: httpx.Client, sites: Sites, fault: str) -> None:
    site = sites.site("longcat")
    before = len(site.requests)
    answer = posted(http, f"Hi\n!sandbox fault={fault}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "conversation_gone")
    chats = [request.json()["conversationId"] for request in site.requests[before:] if request.path == CHAT]
    assert len(set(chats)) == len(chats) == 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_new_conversation_in_place_of_one_that_is_gone(http: httpx.Client, sites: Sites, stream: bool) -> None:
    sites.site("longcat").forgets = 1
    answer = posted(http, f"Hi\n{TOLD}", stream=stream)
    assert (answer.status_code, sites.site("longcat").forgets) == (200, 0)
    assert (streamed_text(answer) if stream else answer.json()["choices"][0]["message"]["content"]) == WORDS
