"""/v1/responses the whole way: the real SDK in its strict mode, the gateway, the sites, an API of the chat form."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import openai
import pytest
from openai.types.responses import Response

from providers.sandbox.script import greeting
from tests.support.served import Served
from tests.support.sites import Sites

SITES: Final = ("GLM-4.6", "qwen-max", "LongCat", "MBZUAI-IFM/K2-Think")
OFFICIAL: Final = "sandbox-large"
ALL: Final = (*SITES, OFFICIAL)
CITY: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER: Final[Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": CITY,
    "strict": False,
}
PATCH: Final[Any] = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Applies a patch.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
AGENTS: Final[Any] = {"type": "namespace", "name": "agents", "description": "Others.", "tools": [WEATHER]}
QUESTION: Final = "Use get_weather for Paris."


def whole(client: openai.OpenAI, model: str, asked: Any, **more: Any) -> Response:
    found: Response = client.responses.create(model=model, input=asked, **more)
    return found


def streamed(client: openai.OpenAI, model: str, asked: Any, **more: Any) -> Response:
    """The same of a stream: the SDK's helper, which refuses events out of order and ids that change."""
    with client.responses.stream(model=model, input=asked, **more) as stream:
        numbers = [event.sequence_number for event in stream if hasattr(event, "sequence_number")]
        assert numbers == list(range(len(numbers)))
        return stream.get_final_response()


WAYS: Final[Sequence[Callable[..., Response]]] = (whole, streamed)


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", ALL)
def test_words_with_usage_and_the_requests_own_values(client: openai.OpenAI, model: str, asked: Any) -> None:
    answer = asked(client, model, "Say exactly: hello there", instructions="Be brief.", max_output_tokens=500)
    assert "hello there" in answer.output_text if model in SITES else answer.output_text
    assert answer.id.startswith("resp_")
    assert (answer.status, answer.instructions, answer.max_output_tokens) == ("completed", "Be brief.", 500)
    assert answer.usage is not None
    assert answer.usage.output_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.usage.output_tokens_details.reasoning_tokens >= 0
    assert answer.output[-1].type == "message"


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", SITES)
def test_a_tool_is_called_and_its_result_answered_from(client: openai.OpenAI, model: str, asked: Any) -> None:
    items: list[Any] = [{"role": "user", "content": QUESTION}]
    answer = asked(client, model, items, tools=[WEATHER], store=False)
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)["city"], call.status) == ("get_weather", "Paris", "completed")
    items += [item.model_dump(exclude_none=True) for item in answer.output]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees and sunny"})
    answer = asked(client, model, items, tools=[WEATHER], store=False)
    assert "21 degrees and sunny" in answer.output_text


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", SITES)
def test_several_calls_at_once(client: openai.OpenAI, model: str, asked: Any) -> None:
    answer = asked(client, model, "Use get_weather for Paris and for Rome.", tools=[WEATHER])
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Paris", "Rome"]
    assert len({call.call_id for call in calls}) == len({call.id for call in calls}) == 2


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", SITES)
def test_a_custom_tool_comes_back_as_one_with_its_input(client: openai.OpenAI, model: str, asked: Any) -> None:
    answer = asked(client, model, 'Call apply_patch with the input `*** a "b"`.', tools=[WEATHER, PATCH])
    (call,) = [item for item in answer.output if item.type == "custom_tool_call"]
    assert (call.name, call.input) == ("apply_patch", '*** a "b"')
    items: list[Any] = [{"role": "user", "content": "Patch."}, call.model_dump(exclude_none=True)]
    items.append({"type": "custom_tool_call_output", "call_id": call.call_id, "output": "patched it well"})
    assert "patched it well" in asked(client, model, items, tools=[PATCH]).output_text


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", SITES)
def test_a_tool_of_a_namespace_comes_back_with_it(client: openai.OpenAI, model: str, asked: Any) -> None:
    answer = asked(client, model, "Use agents__get_weather for Paris.", tools=[AGENTS])
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert (call.namespace, call.name) == ("agents", "get_weather")
    items: list[Any] = [{"role": "user", "content": "Weather?"}, call.model_dump(exclude_none=True)]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "rain all day"})
    assert "rain all day" in asked(client, model, items, tools=[AGENTS]).output_text


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", ["GLM-4.6-Thinking", "MBZUAI-IFM/K2-Think"])
def test_thinking_is_a_summary(client: openai.OpenAI, model: str, asked: Any) -> None:
    answer = asked(client, model, "Hi\n!sandbox pace_ms=0 reasoning='I think so.' text='Yes it is.'")
    thinking, said = answer.output
    assert thinking.type == "reasoning"
    assert thinking.summary[0].text.strip() == "I think so."
    assert (said.type, answer.output_text.strip()) == ("message", "Yes it is.")


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", SITES)
def test_an_answer_that_fits_a_schema(client: openai.OpenAI, model: str, asked: Any) -> None:
    form: Any = {"format": {"type": "json_schema", "name": "place", "schema": CITY, "strict": True}}
    answer = asked(client, model, "The city is 'Paris'. As JSON.", text=form)
    assert json.loads(answer.output_text).keys() == {"city"}
    assert answer.text.format.type == "json_schema"


@pytest.mark.parametrize("model", ["GLM-4.6", "qwen-max"])
def test_tools_of_the_server_are_no_reason_to_refuse(client: openai.OpenAI, model: str) -> None:
    """command-code#885, codex#26234: one tool that is no function made endpoints unusable."""
    tools: Any = [
        WEATHER,
        {"type": "image_generation"},
        {"type": "tool_search"},
        {"type": "web_search", "external_web_access": False},
        {"type": "local_shell"},
    ]
    answer = whole(client, model, QUESTION, tools=tools)
    assert [item.type for item in answer.output if item.type != "reasoning"] == ["function_call"]


def test_a_picture_of_a_tool_reaches_the_api(client: openai.OpenAI, sites: Sites, tmp_path: Path) -> None:
    picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
    items: Any = [
        {"role": "user", "content": "Look."},
        {"type": "function_call", "call_id": "c1", "name": "view_image", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [{"type": "input_image", "image_url": picture}, {"type": "input_text", "text": "a picture"}],
        },
    ]
    assert whole(client, OFFICIAL, items).output_text
    assert sites.site("openai").requests[-1].json()["input"] == items, "the API has this form itself"
    with Served(tmp_path, sites, providers={"official": {"operations": ["chat"]}}) as other, other.sdk() as client:
        assert whole(client, OFFICIAL, items).output_text
    sent = sites.site("openai").requests[-1].json()["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "user"]
    assert [part["type"] for part in sent[-1]["content"]].count("image_url") == 1


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


CODEX: Final = {"originator": "codex_exec", "user-agent": "codex_exec/0.169.0", "accept": "text/event-stream"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("401", "invalid_prompt"),
        ("quota", "invalid_prompt"),
        ("429", "rate_limit_exceeded"),
        ("context", "context_length_exceeded"),
        ("500", "server_error"),
    ],
)
def test_codex_is_told_in_a_stream_what_it_stops_at(gateway: Served, fault: str, code: str) -> None:
    body = {"model": OFFICIAL, "input": f"Hi\n!sandbox fault={fault}", "stream": True}
    with gateway.http(headers={**gateway.headers, **CODEX}) as http:
        answer = http.post("/v1/responses", json=body)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    *_, first, failed = events_of(answer)
    assert first["type"] == "response.in_progress"
    assert (failed["type"], failed["response"]["error"]["code"]) == ("response.failed", code)
    assert failed["response"]["error"]["message"].startswith("[official/demo]")
    assert "x-should-retry" not in answer.headers


@pytest.mark.parametrize(
    ("fault", "status", "retry"), [("401", 502, "false"), ("500", 502, None), ("context", 400, "false")]
)
def test_others_are_told_by_a_status(gateway: Served, fault: str, status: int, retry: str | None) -> None:
    body = {"model": OFFICIAL, "input": f"Hi\n!sandbox fault={fault}", "stream": True}
    answer = gateway.post(body, "/v1/responses")
    assert (answer.status_code, answer.headers.get("x-should-retry")) == (status, retry)
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("operations", [["chat"], ["responses"]], ids=lambda names: names[0])
def test_a_stream_that_breaks_off_ends_with_response_failed(
    sites: Sites, operations: list[str], tmp_path: Path
) -> None:
    body = {"model": OFFICIAL, "input": "Hi\n!sandbox fault=reset", "stream": True}
    with Served(tmp_path, sites, providers={"official": {"operations": operations}}) as gateway:
        answer = gateway.post(body, "/v1/responses")
    *_, last = found = events_of(answer)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert (last["type"], last["response"]["error"]["code"]) == ("response.failed", "server_error")
    assert last["response"]["id"] == found[0]["response"]["id"]


def test_a_limit_makes_an_answer_incomplete(gateway: Served) -> None:
    body = {"model": "GLM-4.6", "input": "Say exactly: " + "word " * 40, "max_output_tokens": 16}
    found = gateway.post(body, "/v1/responses").json()
    assert (found["status"], found["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    last = events_of(gateway.post({**body, "stream": True}, "/v1/responses"))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["output"][-1]["status"] == "incomplete"


def test_no_web_socket(gateway: Served) -> None:
    upgrade = {**gateway.headers, "connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    with gateway.http(headers=upgrade) as http:
        answer = http.get("/v1/responses")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


def test_greeting_is_streamed_word_by_word(gateway: Served) -> None:
    body = {"model": OFFICIAL, "input": "Hi\n!sandbox pace_ms=0", "stream": True}
    found = events_of(gateway.post(body, "/v1/responses"))
    kinds = [event["type"] for event in found]
    said = "".join(event["delta"] for event in found if event["type"] == "response.output_text.delta")
    assert said == greeting("Hi")
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_text.delta") > 2
