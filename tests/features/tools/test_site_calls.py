"""Calls that a site gives as calls."""

from addons.features.tools.reader import ToolReader
from addons.features.tools.site_calls import UNKNOWN_CALL, SiteCalls
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Text, ToolCallDelta
from tests.features.tools.toolboxes import toolbox

MARK = "k3w9x1ab"


def read(*events: Event) -> tuple[list[Event], SiteCalls]:
    """What the client gets, the reader behind included."""
    calls, reader = SiteCalls(toolbox(), MARK), ToolReader(toolbox(), MARK, lambda text: False, lambda: "c")
    return [out for event in events for out in reader.filter(calls.filter([event]))], calls


def test_a_call_of_a_given_tool_is_the_clients() -> None:
    out, _ = read(
        Text("Well."),
        ToolCallDelta(0, None, "shell_run", '{"comm'),
        ToolCallDelta(0, None, None, 'and": "ls"}'),
        ToolCallDelta(1, None, "get_weather", '{"city": "Rome"}'),
        Finish("stop"),
    )
    calls = [event for event in out if isinstance(event, ToolCallDelta)]
    assert [(call.index, call.name) for call in calls if call.name] == [(0, "Bash"), (1, "get_weather")]
    assert "".join(call.arguments for call in calls) == '{"command":"ls"}{"city":"Rome"}'
    assert out[-1] == Finish("tool_calls")


def test_a_call_of_the_sites_own_is_left_out_and_counted() -> None:
    out, calls = read(ToolCallDelta(0, "x", "web_search", "{}"), Text("Found."), Finish("stop"))
    assert out == [Text("Found."), Finish("stop")]
    assert calls.unknown == {UNKNOWN_CALL: 1}


def test_a_call_that_broke_off_is_none() -> None:
    failed = Failure(ProviderError(ErrorKind.INCOMPLETE, "broke off"))
    out, _ = read(ToolCallDelta(0, None, "get_weather", '{"ci'), failed)
    assert not [event for event in out if isinstance(event, ToolCallDelta)]
    assert out[-1] == failed
