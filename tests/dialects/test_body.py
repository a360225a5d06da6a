import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.base import Dialect
from addons.dialects.body import all_at_once, read_object
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.completions.dialect import Completions
from addons.errors import GatewayError
from tests.support.turns import chat_in

HI = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": HI, **fields}).encode()


def refusal(raw: bytes) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        ChatCompletions().parse(raw)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"model":"m","messages":[{"role":"user","content":"\\ud83d"}]}', id="half a surrogate pair"),
        pytest.param(b'{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":NaN}', id="NaN"),
        pytest.param(b"[" * 1000 + b"]" * 1000, id="1000 deep"),
        pytest.param(b'{"a":' * 100_000, id="100000 deep and cut off"),
        pytest.param(body(x=json.loads("[" * 130 + "]" * 130)), id="130 deep"),
    ],
)
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    assert refusal(raw).code == "invalid_json"


def raw_body(fields: str) -> bytes:
    return f'{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{fields}}}'.encode()


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        pytest.param(raw_body('"temperature":1e999'), "temperature", id="beyond a float"),
        pytest.param(raw_body('"thinking":{"budget":[1,-1e999]}'), "thinking.budget[1]", id="beyond a float, deep"),
        pytest.param(raw_body('"model":"n"'), "model", id="model twice"),
        pytest.param(
            b'{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"user","role":"system","content":"x"}]}',
            "messages[1].role",
            id="role twice",
        ),
        pytest.param(raw_body('"a":{"b":1,"c":1,"\\u0062":2}'), "a.b", id="a name twice, once escaped"),
    ],
)
def test_what_parsers_read_differently_is_refused_by_name(raw: bytes, param: str) -> None:
    error = refusal(raw)
    assert (error.param, error.code) == (param, "invalid_json")


@pytest.mark.parametrize("name", ["Model", "MODEL", "mod\\u0045l"])
def test_another_spelling_of_the_model_is_refused_since_some_servers_take_it_for_the_model(name: str) -> None:
    error = refusal(raw_body(f'"{name}":"n"'))
    assert (error.status, error.param) == (400, "model")
    assert "spelling" in error.message
    assert all_at_once(read_object(raw_body('"a":{"Model":"n"},"models":[]')))["model"] == "m"


def test_a_string_that_never_ends_is_passed_once_however_many_quotes_are_in_it() -> None:
    # With a pass for each quote this would take hours; pytest's own time limit is the judge.
    assert refusal(b"[" + b"[]" * 64 + b'"' + b'\\"' * 2_000_000).code == "invalid_json"


def test_brackets_in_text_are_not_depth() -> None:
    parsed = ChatCompletions().parse(body(messages=[{"role": "user", "content": "[" * 500 + '"\\{'}]))
    assert chat_in(parsed).messages[0].text().startswith("[[[")


def outcome(dialect: Dialect, raw: bytes) -> int:
    """200 for a request, else the status of the refusal."""
    try:
        dialect.parse(raw)
    except GatewayError as error:
        return error.status
    return 200


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_lead_to_anything_but_a_400(raw: bytes) -> None:
    assert outcome(ChatCompletions(), raw) == 400
    assert outcome(Completions(), raw) == 400


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["messages", "stop", "tools", "n", "max_tokens", "stream_options", "functions", "logit_bias"])


@given(st.dictionaries(NAMES, VALUES, max_size=4), VALUES)
def test_no_json_leads_to_anything_but_a_request_or_a_400(fields: dict[str, Any], value: Any) -> None:
    messages = [*HI, value, {"role": "user", "content": value}]
    assert outcome(ChatCompletions(), body(**fields)) in (200, 400)
    assert outcome(ChatCompletions(), body(**{**fields, "messages": messages})) in (200, 400)
