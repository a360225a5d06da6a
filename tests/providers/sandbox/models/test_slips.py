"""The slippery model: every form that models were seen to fall into, the same each time."""

from typing import Any

import pytest

from providers.sandbox.models.shown import Said, Shown, ToolCall, ToolResult, Turn
from providers.sandbox.models.slips import (
    ANSWER_SLIPS,
    ANY,
    CALL_SLIPS,
    NAMES,
    TEXT_SLIPS,
    VALUE_SLIPS,
    Slipped,
    slipped,
)

SHOWN = Shown((Turn("user", "Go"), Turn("tool", results=(ToolResult("18 degrees"),))), mark="abcd1234")
CALL = ToolCall("get_weather", {"city": "Paris", "days": 2})
PARIS = '{"city": "Paris", "days": 2}'
OBJECT = f'{{"name": "get_weather", "arguments": {PARIS}}}'
PAIRS = "<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>"


def block(inside: str) -> str:
    return f"<call-abcd1234>\n{inside}\n</call-abcd1234>"


def slip(name: str, *calls: ToolCall) -> Slipped:
    found = slipped(name, Said(calls=calls or (CALL,)), SHOWN)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("glm", f"<tool_call>get_weather\n{PAIRS}\n</tool_call>"),
        ("glm_glued", f"get_weather{PAIRS.replace(chr(10), '')}</tool_call>"),
        ("glm_open", f"<tool_call>get_weather\n{PAIRS.removesuffix('</arg_value>')}"),
        ("stray_think", f"</think>\n{OBJECT}"),
        ("fence", f"```json\n{OBJECT}\n```"),
        ("written", f"get_weather({PARIS})"),
        ("chinese", f"调用函数: get_weather 参数: {PARIS}"),
        ("self_closing", '<tool_calls>\n<get_weather city="Paris" days="2"/>\n</tool_calls>'),
        ("attribute", f'<tool_call name="get_weather">\n{PARIS}\n</tool_call>'),
        ("parameter", '<tool name="get_weather">\n<parameter name="city">Paris</parameter>\n'
         '<parameter name="days">2</parameter>\n</tool>'),
        ("string_arguments", block('{"name": "get_weather", "arguments": "{\\"city\\":\\"Paris\\",\\"days\\":2}"}')),
        ("garbage", block(OBJECT + "}]</function>")),
        ("python", block("{'name': 'get_weather', 'arguments': {'city': 'Paris', 'days': 2}}")),
        ("trailing_comma", block(OBJECT[:-1] + ",}")),
        ("unquoted_keys", block('{name: "get_weather", arguments: {city: "Paris", days: 2}}')),
        ("strings", block(OBJECT.replace("2}", '"2"}'))),
        ("open", f"<call-abcd1234>\n{OBJECT}"),
        ("wrong_mark", block(OBJECT).replace("abcd1234", "00000000")),
        ("dotted", block(OBJECT.replace("get", "toolbox.get"))),
        ("near", block(OBJECT.replace("get_weather", "get_ewather"))),
        ("tool_calls", f'{{"tool_calls": [{OBJECT}]}}'),
        ("list", f"[{OBJECT}]"),
        ("announce", "I'll use get_weather to find that out."),
        ("around", f"Let me look.\n{block(OBJECT)}\nI have asked for it."),
        ("twice", f"{block(OBJECT)}\n{block(OBJECT)}"),
    ],
)  # fmt: skip
def test_calls_in_other_forms(name: str, text: str) -> None:
    assert slip(name) == Slipped(text)


def test_calls_in_the_thinking_leave_no_answer() -> None:
    assert slip("reasoning") == Slipped("", f"I should call it.\n{block(OBJECT)}")
    assert slip("reasoning_json") == Slipped("", OBJECT)


def test_several_calls_slip_one_by_one_or_glued() -> None:
    other = ToolCall("f", {})
    assert slip("json", CALL, other).text == f'{OBJECT}\n{{"name": "f", "arguments": {{}}}}'
    assert slip("glued", CALL, other).text == f'{OBJECT}{{"name": "f", "arguments": {{}}}}'


@pytest.mark.parametrize("name", [*CALL_SLIPS, *ANSWER_SLIPS])
def test_every_slip_of_calls_is_another(name: str) -> None:
    found = slip(name)
    assert (found.text, found.reasoning) != (block(OBJECT), "")
    assert found == slip(name), "the same each time"


@pytest.mark.parametrize("name", VALUE_SLIPS)
def test_every_slip_of_json_is_another(name: str) -> None:
    found = slipped(name, Said(value={"a": None}, is_value=True), SHOWN)
    assert found is not None
    assert found.text != '{"a": null}'


def test_words_that_look_like_calls() -> None:
    said = Said("It rains.")
    found = {name: slipped(name, said, SHOWN) for name in TEXT_SLIPS}
    assert found["quote"] == Slipped("You wrote:\nGo")
    assert found["quote_results"] == Slipped("18 degrees")
    assert all(one is not None for one in found.values())


@pytest.mark.parametrize(
    "said", [Said(calls=(CALL,)), Said(value=[1], is_value=True), Said("Hello")], ids=["calls", "value", "words"]
)
def test_any_is_one_of_them_by_the_words(said: Any) -> None:
    words = [Shown((Turn("user", str(n)),), mark="abcd1234") for n in range(40)]
    found = [slipped(ANY, said, shown) for shown in words]
    assert found == [slipped(ANY, said, shown) for shown in words]
    assert len(set(map(str, found))) > 3


def test_no_name_is_no_slip() -> None:
    assert slipped("", Said(calls=(CALL,)), SHOWN) is None
    assert slipped("prose", Said(calls=(CALL,)), SHOWN) is None
    assert set(NAMES) >= {"glm", "prose", "quote", "announce"}
