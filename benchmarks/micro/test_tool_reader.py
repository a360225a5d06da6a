"""The reader of tool calls: 1,000 words of an answer as a stream brings them, and a call among them: events/s."""

import json
from collections.abc import Sequence

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from addons.features.tools.reader import ToolReader
from addons.features.tools.toolbox import Tool, Toolbox
from providers.contract.events import Event, Finish, Reasoning, Text

MARK = "k3j9x2ab"
CALL = {"name": "write_file", "arguments": {"path": "a.md", "content": "word " * 1000}}
TOOLS = [
    Tool(f"{name}_{number}", None, "", {"type": "object", "properties": {"path": {"type": "string"}}})
    for number in range(10)
    for name in ("read", "list", "search", "open")
] + [Tool("write_file", None, "", {"type": "object", "properties": {"content": {"type": "string"}}})]
ANSWERS: dict[str, Sequence[Event]] = {
    "words": [Text(" word")] * 1000,
    "words, blanks behind": [Text("word ")] * 1000,
    "thinking": [Reasoning(" word")] * 1000,
    "lines of code": [Text("\n" if at % 8 == 0 else " {x[0]}" if at % 3 == 0 else " word") for at in range(1000)],
    "a call": [
        Text(piece)
        for text in [f"<call-{MARK}>{json.dumps(CALL)}</call-{MARK}>"]
        for piece in (text[at : at + 5] for at in range(0, len(text), 5))
    ],
}


@pytest.mark.parametrize("answer", [*ANSWERS, "words, no reader"])
def test_reader_of_tool_calls(benchmark: BenchmarkFixture, answer: str) -> None:
    events = [[event] for event in ANSWERS.get(answer, ANSWERS["words"])]

    def read() -> None:
        reader = ToolReader(Toolbox(TOOLS), MARK, lambda text: False, lambda: "call_1")
        take = list if answer == "words, no reader" else reader.filter
        for one in events:
            take(one)
        reader.filter([Finish("stop")])

    benchmark(read)
    if benchmark.stats is not None:
        benchmark.extra_info |= {"events/s": round(len(events) / benchmark.stats.stats.median)}
