"""What a client sends reaches an official API as it was: the gateway judges nothing of it but what it needs itself."""

import json
from typing import Any

import pytest

from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.completions.dialect import Completions
from addons.errors import GatewayError
from providers.contract.provider import Model
from providers.contract.requests import CompletionRequest
from providers.openai.form import Form
from providers.openai.learnt import Learnt
from providers.openai.request import completion_request, wire_request
from tests.support.turns import chat_in

MODEL = Model("m", "m", tools="native")
FORM = Form(developer_role=True)

ODD = [
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "-2.5e-7",
    "2.0",
    "18446744073709551616",
    "-9223372036854775809",
    '"x"',
    '""',
    '"auto"',
    r'"\u0000\ud83d\ude00\/"',
    "{}",
    "[null]",
    "[1, 2.0, [true]]",
    '["a", {"b": []}]',
    '{"a": null}',
    '{"": {"x": ["中"]}}',
]
FIELDS = (
    "temperature top_p stop reasoning_effort web_search_options tools response_format user prompt_cache_key"
    " presence_penalty frequency_penalty logprobs top_logprobs logit_bias seed parallel_tool_calls functions"
    " function_call modalities audio prediction metadata store service_tier verbosity safety_identifier thinking"
    " enable_thinking chat_template_kwargs reasoning n max_tokens max_completion_tokens a_field_of_tomorrow"
)


def sent(raw: str, form: Form = FORM) -> Any:
    return json.loads(wire_request(chat_in(ChatCompletions().parse(raw.encode())), MODEL, form).body)


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("field", FIELDS.split())
def test_a_field_of_any_value_is_passed_on(field: str, value: str) -> None:
    told = json.loads(value)
    found = sent(f'{{"model":"m","messages":[],"{field}":{value}}}')[field]
    assert found == told
    # JSON has one kind of number, but APIs in strict languages take no 2.0 for a count.
    assert type(found) is type(told) or (field in ("n", "max_tokens", "max_completion_tokens") and told == 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [("tools", []), ("stop", []), ("tool_choice", "none"), ("tool_choice", "auto"), ("n", 1)]
    + [(field, None) for field in FIELDS.split()[:9]],
)
def test_what_changes_nothing_may_be_left_out(field: str, value: Any) -> None:
    body = json.dumps({"model": "m", "messages": [], field: value})
    assert sent(body).get(field, value) == value


CALL = '{"index":0,"function":{"arguments":"{}","name":"f","x":1},"id":"a"}'
MESSAGES = [
    '{"role":"user"}',
    '{"role":"user","content":null}',
    '{"role":"x","content":"y"}',
    '{"role":null,"content":5}',
    "{}",
    '{"name":"b","content":"x","role":"user"}',
    '{"role":"user","content":"x","name":null,"cache_control":{"type":"e"}}',
    '{"role":"user","content":[]}',
    '{"role":"user","content":["a",{"type":"text"}]}',
    '{"role":"user","content":{"a":1}}',
    '{"role":"user","content":[{"text":"a","type":"text","cache_control":{}}]}',
    '{"role":"developer","content":"x"}',
    '{"role":"user","content":[{"type":"image_url","image_url":"u"}]}',
    '{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","detail":null,"x":1}}]}',
    '{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"x","format":"wav"}}]}',
    '{"role":"assistant","content":"","tool_calls":[],"refusal":null,"annotations":[],"audio":null}',
    '{"role":"assistant","content":"x","tool_calls":null}',
    f'{{"role":"assistant","tool_calls":[{CALL}]}}',
    '{"role":"assistant","tool_calls":[{"type":"custom","id":"c","custom":{"name":"n","input":"i"}}]}',
    '{"role":"assistant","content":null,"tool_calls":[{"id":null,"function":{"name":"f","arguments":{"a":1}}}]}',
    '{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}',
    '{"role":"tool","tool_call_id":"","content":""}',
    '{"role":"function","name":"f","content":null}',
    '{"role":"assistant","content":"x","function_call":{"name":"f"}}',
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_passed_on_as_it_came(message: str) -> None:
    found = sent(f'{{"model":"m","messages":[{message}]}}')["messages"]
    assert json.dumps(found) == json.dumps([json.loads(message)]), "the order of the names too"


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        ('{"model":"m","messages":[],"x":1e400}', "x"),
        ('{"model":"m","messages":[],"x":{"a":1,"a":1}}', "x.a"),
        (r'{"model":"m","messages":[],"x":1,"\u0078":1}', "x"),
        ('{"model":"m","messages":["x"]}', "messages[0]"),
        ('{"model":"m","messages":{}}', "messages"),
        ('{"model":"m","messages":[],"stream":"yes"}', "stream"),
        ('{"model":5,"messages":[]}', "model"),
    ],
)
def test_what_the_gateway_itself_must_know_is_named(raw: str, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        ChatCompletions().parse(raw.encode())
    assert (caught.value.status, caught.value.param) == (400, param)


PROMPTS = ['"a"', '""', "[]", '["a","b"]', "[1,2,3]", "[[1,2],[3]]"]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize(
    "more",
    ['"suffix":"b"', '"echo":true,"logprobs":0', '"best_of":3,"n":2', '"stop":"x","stream":false', '"a":{"b":1}'],
)
def test_a_raw_prompt_is_passed_on_as_it_came(prompt: str, more: str) -> None:
    raw = f'{{"model":"m","prompt":{prompt},{more}}}'
    request = Completions().parse(raw.encode()).request
    assert isinstance(request, CompletionRequest)
    assert json.loads(completion_request(request, MODEL, Form(), Learnt()).body) == {"stream": False, **json.loads(raw)}
