"""Anthropic's SDK through a gateway to an API of the same form: bytes, refusals, fail-over, the end."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import pytest

from providers.sandbox.anthropic.site import AnthropicSite
from providers.sandbox.script import Script, greeting
from tests.support.messages import messages_sdk, names
from tests.support.served import Served
from tests.support.sites import Sites

MODEL = "claude-sandbox"
HI: Any = [{"role": "user", "content": "Hi"}]


def fault(name: str, **more: str) -> str:
    said = " ".join(f"{key}={value}" for key, value in {"fault": name, **more}.items())
    return f"Hi\n!sandbox {said}"


@pytest.fixture
def sdk(gateway: Served) -> anthropic.Anthropic:
    return messages_sdk(gateway)


def post(gateway: Served, body: bytes, **headers: str) -> Any:
    with gateway.http() as http:
        given = {"content-type": "application/json", **{key.replace("_", "-"): value for key, value in headers.items()}}
        return http.post("/v1/messages?beta=true", content=body, headers=given)


def asked(sites: Sites) -> Any:
    return sites.site("anthropic").requests[-1]


def test_the_body_and_the_headers_of_the_form_go_on_as_they_came(gateway: Served, sites: Sites) -> None:
    body = b'{ "model": "claude-sandbox",\n "max_tokens": 64, "messages": [{"role":"user","content":"Hi"}]}'
    answer = post(gateway, body, anthropic_beta="interleaved-thinking-2025-05-14", anthropic_version="2023-06-01")
    assert answer.status_code == 200, answer.text
    assert asked(sites).body == body
    headers = asked(sites).headers
    assert (headers["anthropic-beta"], headers["anthropic-version"]) == (
        "interleaved-thinking-2025-05-14",
        "2023-06-01",
    )
    assert "x-api-key" in headers
    assert answer.json()["content"][-1]["text"] == greeting("Hi")
    assert answer.json()["id"].startswith("msg_")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_thinking_goes_back_with_the_signature_that_the_api_gave(sdk: anthropic.Anthropic, stream: bool) -> None:
    thinking: Any = {"type": "adaptive"}
    if stream:
        with sdk.messages.stream(model=MODEL, max_tokens=4096, messages=HI, thinking=thinking) as events:
            first: anthropic.types.Message = events.get_final_message()
    else:
        first = sdk.messages.create(model=MODEL, max_tokens=4096, messages=HI, thinking=thinking)
    assert [block.type for block in first.content] == ["thinking", "text"]
    assert first.stop_reason == "end_turn"
    history = [*HI, {"role": "assistant", "content": first.content}, {"role": "user", "content": "And?"}]
    again = sdk.messages.create(model=MODEL, max_tokens=4096, messages=history, thinking=thinking)
    assert again.stop_reason == "end_turn"


@pytest.mark.parametrize("agent", ["Anthropic/Python 2.14.0", "claude-cli/2.1.332 (external, sdk-cli)"])
def test_a_refusal_of_the_request_is_told_in_the_apis_own_words(gateway: Served, agent: str) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "bm8="}
    history = [*HI, {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]}, *HI]
    body = {"model": MODEL, "max_tokens": 4096, "thinking": {"type": "adaptive"}, "messages": history}
    answer = post(gateway, json.dumps(body).encode(), user_agent=agent)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "type": "invalid_request_error",
        "message": "messages.1.content.0: Invalid `signature` in `thinking` block",
    }


def test_a_conversation_that_is_too_long_is_told_in_the_words_that_programs_know(
    sdk: anthropic.Anthropic, sites: Sites
) -> None:
    sites.site("anthropic").window = 1
    try:
        with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > 1 maximum"):
            sdk.messages.create(model=MODEL, max_tokens=64, messages=HI)
    finally:
        sites.site("anthropic").window = 0


def test_an_error_in_the_middle_is_the_streams_last_event(gateway: Served) -> None:
    body = {"model": MODEL, "max_tokens": 64, "stream": True}
    asked = {**body, "messages": [{"role": "user", "content": fault("overloaded_mid")}]}
    stream = post(gateway, json.dumps(asked).encode()).content
    assert names(stream)[-1] == "error"
    assert names(stream).count("error") == 1
    cut = {**body, "messages": [{"role": "user", "content": fault("hang_up")}]}
    assert names(post(gateway, json.dumps(cut).encode()).content)[-1] == "error"


# -- two APIs ---------------------------------------------------------------------------------------------------------
class Faulty(AnthropicSite):
    """The stand-in, with one fault whatever it is asked."""

    fault = ""

    def _script(self, body: Mapping[str, Any]) -> Script:
        return replace(super()._script(body), fault=self.fault, retry_after="7" if self.fault == "overloaded" else "")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Served, Sites]]:
    """A gateway to two APIs that serve the same, of which the first is faulty."""
    with Sites((), {"anthropic": Faulty(), "other": AnthropicSite()}) as sites:
        other = {
            "type": "anthropic",
            "base_url": sites.description()["base_urls"]["other"],
            "accounts": [{"name": "demo"}],
        }
        with Served(tmp_path, sites, providers={"other": other}) as gateway:
            yield gateway, sites


@pytest.mark.parametrize(
    "fault",
    ["error_started", "overloaded_first", "overloaded", "401", "402", "429", "500", "json_error", "empty", "html"],
)
def test_what_fails_before_its_first_content_is_made_good_elsewhere(pair: tuple[Served, Sites], fault: str) -> None:
    gateway, sites = pair
    sites.site("anthropic").fault = fault
    body = {"model": MODEL, "max_tokens": 64, "stream": True, "messages": HI}
    answer = post(gateway, json.dumps(body).encode())
    assert answer.status_code == 200
    assert answer.headers["x-glassgate-account"] == "other/demo"
    assert names(answer.content).count("message_start") == 1
    assert names(answer.content)[-1] == "message_stop"
    assert len(sites.site("other").requests) >= 1


def test_a_limit_rests_the_account_and_the_next_request_goes_elsewhere_at_once(pair: tuple[Served, Sites]) -> None:
    gateway, sites = pair
    sites.site("anthropic").fault = "overloaded"
    body = json.dumps({"model": MODEL, "max_tokens": 64, "messages": HI}).encode()
    post(gateway, body)
    seen = len(sites.site("anthropic").requests)
    assert post(gateway, body).headers["x-glassgate-account"] == "other/demo"
    assert len(sites.site("anthropic").requests) == seen


def test_a_refused_request_is_asked_nowhere_else(pair: tuple[Served, Sites]) -> None:
    gateway, sites = pair
    asked = len(sites.site("other").requests)
    body = json.dumps({"model": MODEL, "max_tokens": 64, "messages": []}).encode()
    answer = post(gateway, body)
    assert answer.status_code == 400
    assert len(sites.site("other").requests) == asked
