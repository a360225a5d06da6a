"""Calls in the forms of older clients and of custom tools."""

import pytest

from addons.features.tools.call_forms import AsCustomCalls, AsFunctionCall
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Passthrough, Text, ToolCallDelta

HEAD = ToolCallDelta(0, "c1", "f", '{"a"')
REST = ToolCallDelta(0, None, None, ": 1}")
OTHER = ToolCallDelta(1, "c2", "g", "{}")
FAILED = Failure(ProviderError(ErrorKind.INCOMPLETE, "broke off"))


def test_the_first_call_becomes_the_field_of_older_clients() -> None:
    form = AsFunctionCall()
    out = [said for event in (Text("a"), HEAD, REST, OTHER, Finish("tool_calls")) for said in form.filter([event])]
    call = Passthrough("delta", {"function_call": {"name": "f", "arguments": '{"a": 1}'}})
    assert out == [Text("a"), call, Finish("function_call")]


def test_an_end_of_another_kind_stays() -> None:
    assert AsFunctionCall().filter([Text("a"), Finish("tool_calls")])[-1] == Finish("tool_calls")
    assert AsFunctionCall().filter([HEAD, Finish("length")])[-1] == Finish("length")


@pytest.mark.parametrize("end", [Finish("tool_calls"), FAILED])
@pytest.mark.parametrize("cut", [1, 3, 100])
def test_a_custom_tools_call_gets_its_text_whole(cut: int, end: Event) -> None:
    written = '{"input": "say \\"hi\\"\\n"}'
    pieces = [written[at : at + cut] for at in range(0, len(written), cut)]
    events: list[Event] = [ToolCallDelta(0, "c", "note", pieces[0])]
    events += [ToolCallDelta(0, None, None, piece) for piece in pieces[1:]]
    form = AsCustomCalls(frozenset({"note"}))
    out = [said for event in [*events, OTHER, end] for said in form.filter([event])]
    custom = {"type": "custom", "custom": {"name": "note", "input": 'say "hi"\n'}}
    assert out == [ToolCallDelta(0, "c", "note", "", extra=custom), OTHER, end]


@pytest.mark.parametrize("written", ["{", '{"input": 5}', "x = 1"])
def test_what_is_no_text_is_given_as_it_was_written(written: str) -> None:
    form = AsCustomCalls(frozenset({"note"}))
    (call, _) = form.filter([ToolCallDelta(0, "c", "note", written), Finish("tool_calls")])
    assert isinstance(call, ToolCallDelta)
    assert call.extra is not None
    assert call.extra["custom"]["input"] == written
