"""An official API through a gateway and its stand-in, with the real OpenAI SDK in its strict mode."""

import json
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.script import greeting
from tests.support.sdk import gathered, say
from tests.support.sites import Sites

OFFICIAL = "sandbox-large"

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


def test_fields_pass_untouched_to_an_official_api(client: openai.OpenAI, sites: Sites) -> None:
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
