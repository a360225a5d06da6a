"""Calls in the native form of Qwen's models, in deltas of the answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from providers.contract.events import Event, Text, ToolCallDelta
from providers.qwen.decoder import DecoderOptions, QwenDecoder
from tests.providers.qwen.test_interception import BASH, event, qwen
from tests.support.answers import STREAM
from tests.support.http1 import END, chunk
from tests.support.virtual_time import in_virtual_time


def delta(**fields: Any) -> bytes:
    return event({"choices": [{"delta": {"role": "assistant", "phase": "answer", "status": "typing", **fields}}]})


def call(arguments: object, index: int | None = 0, name: str = "shell_run") -> bytes:
    entry: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return delta(tool_calls=[entry if index is None else {"index": index, **entry}])


FINISHED = delta(content="", status="finished")


def read(*pieces: bytes, tools: bool = True) -> list[Event]:
    decoder = QwenDecoder(DecoderOptions(tools=tools))
    return [found for piece in pieces for found in decoder.feed(piece)] + decoder.close()


def calls(events: list[Event]) -> dict[int, tuple[str, str]]:
    found: dict[int, tuple[str, str]] = {}
    for one in events:
        if isinstance(one, ToolCallDelta):
            name, arguments = found.get(one.index, ("", ""))
            found[one.index] = (name + (one.name or ""), arguments + one.arguments)
    return found


@pytest.mark.parametrize(
    "pieces",
    [
        [call('{"command":"ls"}')],
        [call({"command": "ls"}, None)],
        [call('{"comm'), delta(tool_calls=[{"index": 0, "function": {"arguments": 'and":"ls"}'}}])],
        [call('{"comm'), call('{"command":'), call('{"command":"ls"}')],
        [delta(function_call={"name": "shell_run", "arguments": '{"command":"ls"}'})],
    ],
    ids=["whole", "an object", "pieces", "as far as it has grown", "the older form"],
)
def test_it_is_read_however_it_comes(pieces: list[bytes]) -> None:
    assert calls(read(*pieces, FINISHED)) == {0: ("shell_run", '{"command":"ls"}')}


def test_several_calls_keep_apart() -> None:
    assert calls(read(call("{}"), call('{"a":1}', 1, "u_f"), FINISHED)) == {
        0: ("shell_run", "{}"),
        1: ("u_f", '{"a":1}'),
    }


@pytest.mark.parametrize("odd", [[], [None], [{}], [{"function": {"arguments": "{}"}}], "x", {"a": 1}])
def test_what_is_no_call_is_none(odd: object) -> None:
    assert calls(read(delta(tool_calls=odd, content="Hi"), FINISHED)) == {}


def test_the_sites_own_calls_and_answers_without_tools_have_none() -> None:
    own = delta(role="function", phase="web_search", function_call={"name": "web_search", "arguments": "{}"})
    assert calls(read(own, delta(content="Hi"), FINISHED)) == {}
    found = read(call("{}"), delta(content="Hi"), FINISHED, tools=False)
    assert [type(one) for one in found if isinstance(one, Text | ToolCallDelta)] == [Text]


@pytest.mark.parametrize(("name", "reason"), [("shell_run", "tool_calls"), ("code_interpreter", "stop")])
@in_virtual_time
async def test_it_is_the_clients_only_where_the_client_gave_that_tool(tmp_path: Path, name: str, reason: str) -> None:
    async with qwen(tmp_path) as house:
        visit = await house.visit().chats("qwen-max", stream=False, tools=[BASH])
        said = [delta(content="Let me see."), call({"command": "ls"}, name=name), FINISHED]
        await visit.says(STREAM, *map(chunk, said), END)
        (choice,) = visit.got.value["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("Let me see.", reason)
        made = choice["message"].get("tool_calls") or []
        assert [one["function"]["name"] for one in made] == (["Bash"] if reason == "tool_calls" else [])
        assert all(json.loads(one["function"]["arguments"]) == {"command": "ls"} for one in made)
