"""An API that has Responses alone, through a gateway and its stand-in, for other clients with their real SDKs."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.support.messages import messages_sdk
from tests.support.processes import NO_REST
from tests.support.sdk import gathered, say
from tests.support.served import Served
from tests.support.sites import Sites

OFFICIAL = "sandbox-large"
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
CLAUDES: Any = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites(("openai",)) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    providers = {"official": {"operations": ["responses"]}}
    with Served(tmp_path_factory.mktemp("responses"), sites, providers=providers, **NO_REST) as running:
        yield running


@pytest.fixture
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with gateway.sdk() as client:
        yield client


def test_a_chat_is_answered_whole_and_in_a_stream(client: openai.OpenAI, sites: Sites) -> None:
    whole = say(client, OFFICIAL, '!sandbox text="Hello there"', reasoning_effort="high")
    assert whole.choices[0].message.content == "Hello there"
    assert whole.usage.total_tokens > 0
    sent = sites.site("openai").requests[-1]
    assert sent.path == "/v1/responses"
    assert (sent.json()["store"], sent.json()["reasoning"]) == (False, {"effort": "high", "summary": "auto"})
    stream = say(client, OFFICIAL, '!sandbox text="Hello there" reasoning="Hm."', reasoning_effort="high", stream=True)
    assert gathered(stream) == ("Hello there", "Hm.", "stop")


def test_a_tool_is_called_and_its_result_goes_back(client: openai.OpenAI, sites: Sites) -> None:
    asked: list[Any] = [{"role": "user", "content": "Weather?"}]
    first = client.chat.completions.create(model=OFFICIAL, messages=asked, tools=[TOOL])
    call = first.choices[0].message.tool_calls[0]  # type: ignore[index]
    assert first.choices[0].finish_reason == "tool_calls"
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    results: list[Any] = [
        first.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": [{"type": "text", "text": "Sunny"}, picture]},
    ]
    client.chat.completions.create(model=OFFICIAL, messages=[*asked, *results], tools=[TOOL])
    items = sites.site("openai").requests[-1].json()["input"]
    assert [item.get("type", item.get("role")) for item in items] == ["user", "function_call", "function_call_output"]
    assert [part["type"] for part in items[-1]["output"]] == ["input_text", "input_image"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("failed_first", "upstream_error"),
        ("rate_limit_first", "rate_limit_exceeded"),
        ("quota_failed_first", "insufficient_quota"),
        ("context_failed_first", "context_length_exceeded"),
    ],
)
def test_an_error_in_a_200_before_a_word_is_a_refusal(
    client: openai.OpenAI, fault: str, code: str, stream: bool
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        say(client, OFFICIAL, f"!sandbox fault={fault}", stream=stream)
    assert refused.value.code == code


def test_an_error_event_before_a_word_is_a_refusal(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        say(client, OFFICIAL, "!sandbox fault=error_first", stream=True)
    assert refused.value.code == "upstream_error"


@pytest.mark.parametrize("fault", ["no_terminal", "hang_up", "failed", "error_mid"])
def test_what_breaks_off_ends_with_an_error(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(openai.APIError):
        gathered(say(client, OFFICIAL, f'!sandbox text="Hello there, how are you" fault={fault}', stream=True))


@pytest.mark.parametrize("fault", ["crlf", "done_word", "unknown_event"])
def test_odd_streams_are_read(client: openai.OpenAI, fault: str) -> None:
    stream = say(client, OFFICIAL, f'!sandbox text="Hello there, you" fault={fault}', stream=True)
    assert gathered(stream)[::2] == ("Hello there, you", "stop")


def test_limits_filters_and_refusals_say_what_they_are(client: openai.OpenAI) -> None:
    assert gathered(say(client, OFFICIAL, '!sandbox text="Hello" fault=incomplete', stream=True))[2] == "length"
    assert gathered(say(client, OFFICIAL, '!sandbox text="Hello" fault=content_filter', stream=True))[2] == (
        "content_filter"
    )
    refused = say(client, OFFICIAL, '!sandbox text="I will not" variant=refusal')
    assert refused.choices[0].message.refusal == "I will not"


def test_stop_strings_and_several_answers_are_the_gateways(client: openai.OpenAI) -> None:
    cut = say(client, OFFICIAL, '!sandbox text="one two STOP three"', stop=["STOP"])
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("one two ", "stop")
    several = say(client, OFFICIAL, '!sandbox text="Hi"', n=2)
    assert [choice.message.content for choice in several.choices] == ["Hi", "Hi"]


def test_what_no_response_can_be_asked_is_refused_by_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        say(client, OFFICIAL, "Hi", logit_bias={"1": 5})
    assert refused.value.param == "logit_bias"


def test_a_client_of_the_messages_form_is_answered_too(gateway: Served) -> None:
    with messages_sdk(gateway) as client:
        asked: Any = {"model": OFFICIAL, "max_tokens": 100, "tools": [CLAUDES]}
        answer = client.messages.create(messages=[{"role": "user", "content": "Weather?"}], **asked)
        (call,) = (block for block in answer.content if block.type == "tool_use")
        assert (call.name, answer.stop_reason) == ("weather", "tool_use")
        said: Any = [{"role": "user", "content": '!sandbox text="Hello there" variant=no_tool'}]
        with client.messages.stream(messages=said, **asked) as stream:
            assert "".join(stream.text_stream) == "Hello there"


def test_raw_prompts_become_responses_too(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=OFFICIAL, prompt='!sandbox text="Hello there"')
    assert answer.choices[0].text == "Hello there"
    assert json.loads(answer.model_dump_json())["object"] == "text_completion"
