"""Z.AI through a gateway and its stand-in, with the real OpenAI SDK in its strict mode."""

from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.script import greeting
from providers.zai.chat import ZaiTurn
from tests.support.sdk import gathered, say
from tests.support.served import Served
from tests.support.sites import Sites

ZAI = "GLM-4.6"


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


def test_zai_history_and_system_prompt_arrive_in_one_user_message(client: openai.OpenAI, sites: Sites) -> None:
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


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are not read back."""
    monkeypatch.setattr(ZaiTurn, "reads_back", False)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up"])
def test_an_answer_whose_stream_breaks_is_read_back(client: openai.OpenAI, fault: str, stream: bool) -> None:
    said = say(client, ZAI, f"Hi\n!sandbox fault={fault}", stream=stream)
    text = gathered(said)[0] if stream else said.choices[0].message.content
    assert text == greeting("Hi")


@pytest.mark.usefixtures("forgetful")
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


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up", "error_after_text"])
def test_no_half_answer_looks_whole(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(openai.InternalServerError):
        say(client, ZAI, f"Hi\n!sandbox fault={fault} pace_ms=0")


def test_an_outdated_client_version_is_found_out_and_mended(client: openai.OpenAI, sites: Sites) -> None:
    site = sites.site("zai")
    before = site.client_version
    site.client_version = "prod-fe-1.2.3"
    try:
        assert say(client, ZAI, "Hi").choices[0].message.content == greeting("Hi")
        assert say(client, ZAI, "Hi").choices[0].message.content == greeting("Hi")
    finally:
        site.client_version = before


def test_stop_is_kept_and_the_site_is_left(client: openai.OpenAI, gateway: Served, sites: Sites) -> None:
    prompt = "Hi\n!sandbox count=2000 pace_ms=5"
    text, _, reason = gathered(say(client, ZAI, prompt, stream=True, stop=["word word"]))
    assert (text, reason) == ("", "stop")
    asked = {"model": ZAI, "messages": [{"role": "user", "content": prompt}], "stop": ["word word"]}
    staying, site = gateway.house.visit(), sites.site("zai")
    before = len(site.requests)
    gateway.run(staying.asks(asked))
    sites.wait_for("zai", lambda: any(one.path.endswith("/completions") for one in site.requests[before:]))
    sites.wait_for("zai", lambda: site.connections == 0)
    assert staying.client.connected


def test_max_tokens_is_kept(client: openai.OpenAI) -> None:
    answer = say(client, ZAI, "Hi\n!sandbox count=200 pace_ms=0", max_tokens=10)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "word " * 10
