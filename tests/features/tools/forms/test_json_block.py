from typing import Any

import pytest

from providers.contract.events import Finish, Text, ToolCallDelta
from tests.features.tools.reading import CLOSE, OPEN, read_anyhow, reader

READ = ("read", {"path": "a"})
CALL = '{"name": "read", "arguments": {"path": "a"}}'


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        pytest.param(CALL, [READ], id="bare"),
        pytest.param(f"```json\n{CALL}\n```", [READ], id="a fence"),
        pytest.param(f"</think>{CALL}", [READ], id="a stray tag"),
        pytest.param(CALL * 2, [READ, READ], id="glued"),
        pytest.param(f"[{CALL}, {CALL}]", [READ, READ], id="a list"),
        pytest.param(f'{{"tool_calls": [{CALL}]}}', [READ], id="tool_calls"),
        pytest.param(f'{{"function_call": {CALL}}}', [READ], id="function_call"),
        pytest.param(f'{{"id": "1", "type": "function", "function": {CALL}}}', [READ], id="as APIs have it"),
        pytest.param(CALL + "}]", [READ], id="brackets too many"),
        pytest.param(CALL[:-1], [READ], id="a bracket too few"),
        pytest.param("{'name': 'read', 'arguments': {'path': 'a'}}", [READ], id="Python"),
        pytest.param('{"tool": "read", "parameters": {"path": "a"}}', [READ], id="other names"),
    ],
)
def test_calls_in_json(text: str, calls: list[Any]) -> None:
    found = read_anyhow(f"Hi.\n{text}\n")
    assert (found.text, found.calls, found.reason) == ("Hi.", calls, "tool_calls")


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        f'{{"example": {CALL}}}',
        '{"name": "John", "arguments": {"path": "a"}}',
        '{"name": "read", "arguments": {"file": "a"}}',
        '{"name": "read", "description": "Reads.", "parameters": {"path": "a"}}',
        '{"name": "read"}',
        '{"name": "read", "arguments": {"path": "a',
        f"```python\nx = {CALL}\n```",
        f"Write `{CALL}` then.",
        "if (x) { return [1] }",
        "[1] [ [{ {}",
    ],
)
def test_json_that_is_no_call_stays_text(text: str) -> None:
    found = read_anyhow(text)
    assert (found.text, found.calls) == (text, [])


def test_json_that_is_no_call_flows_from_its_first_property_on() -> None:
    reading = reader()
    reading.filter([Text("Hi")])
    assert reading.filter([Text(' {"na')]) == []
    assert reading.filter([Text('me": "John"')]) == [Text(' {"name": "John"')]
    assert reading.filter([Text(', "a": [')]) == [Text(', "a": [')]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(f'{{"content": "I look.", "tool_calls": [{CALL}]}}', "Hi.\nI look.", id="before the calls"),
        pytest.param(f'{{"tool_calls": [{CALL}], "content": "I look."}}', "Hi.\nI look.", id="behind them"),
        pytest.param(f'{{"role": "assistant", "content": null, "tool_calls": [{CALL}]}}', "Hi.", id="null"),
        pytest.param(f'{{"content": " ", "tool_calls": [{CALL}]}}', "Hi.", id="blank"),
        pytest.param(f'```json\n{{"content": "I look.", "tool_calls": [{CALL}]}}\n```', "Hi.\nI look.", id="a fence"),
        pytest.param(f'<tool_call>{{"content": "I look.", "tool_calls": [{CALL}]}}</tool_call>', "Hi.\nI look.",
                     id="tags"),
        pytest.param(f'{OPEN}{{"content": "I look.", "tool_calls": [{CALL}]}}{CLOSE}', "Hi.\nI look.",
                     id="our own form"),
        pytest.param(f'{{"content": "I look.", {CALL[1:]}', "Hi.\nI look.", id="beside the name"),
    ],
)  # fmt: skip
def test_words_beside_calls_are_text_before_them(text: str, said: str) -> None:
    found = read_anyhow(f"Hi.\n{text}\n")
    assert (found.text, found.calls, found.reason) == (said, [READ], "tool_calls")
    told = reader().filter([Text(text), Finish("stop")])
    assert [type(event) for event in told][-2:] == [ToolCallDelta, Finish]


def test_words_beside_calls_that_do_not_count_stay_in_their_json() -> None:
    text = '{"content": "I look.", "tool_calls": [{"name": "read", "arguments": {"file": "a"}}]}'
    assert read_anyhow(text).text == text
