from typing import Any

import pytest

from addons.features.tools.forms.json_calls import calls_in
from addons.features.tools.judge import Said

PATH = {"path": "a"}
CALL = {"name": "read", "arguments": PATH}
READ = Said("read", PATH)


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        pytest.param(CALL, [READ], id="a call"),
        pytest.param({"tool": "read", "input": PATH}, [READ], id="other names"),
        pytest.param({"id": "1", "type": "function", "function": CALL}, [READ], id="as APIs have it"),
        pytest.param([CALL, CALL], [READ, READ], id="a list"),
        pytest.param({"tool_calls": [CALL, {"function": CALL}]}, [READ, READ], id="tool_calls"),
        pytest.param({"name": "read", "arguments": '{"path": "a"}'}, [Said("read", '{"path": "a"}')], id="JSON text"),
        pytest.param({"name": "read", "arguments": '{"a": 1}{"a": 2}'}, [Said("read", {"a": n}) for n in (1, 2)],
                     id="glued arguments"),
    ],
)  # fmt: skip
def test_calls_in_a_value(value: Any, calls: list[Said]) -> None:
    assert calls_in(value) == calls


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "read",
        {"name": "read"},
        {"arguments": PATH},
        {"name": 1, "arguments": PATH},
        [CALL, {"a": 1}],
        {**CALL, "a": 1},
        {"tool_calls": []},
        [CALL] * 129,
        [[[[[[CALL]]]]]],
    ],
)
def test_what_is_no_call_in_any_part_holds_none(value: Any) -> None:
    assert calls_in(value) == []


def test_where_nothing_but_a_call_can_be_arguments_may_stand_beside_the_name() -> None:
    assert calls_in({"name": "read", "id": "1", **PATH}, loose=True) == [READ]
    assert calls_in({**CALL, "thought": "x"}, loose=True) == [READ]
    assert calls_in({"a": 1}, loose=True) == []
