import json
from typing import Any

import pytest

from addons.features.tools.forms.argument_stream import ArgumentStream

SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "n": {"type": "integer"},
        "list": {"type": "array", "items": {"type": "integer"}},
        "any": {},
    },
}


def read(text: str, step: int) -> tuple[str, int]:
    """The arguments, and how much of the text is theirs."""
    stream, at = ArgumentStream(SCHEMA), 0
    while at < len(text) and not stream.over:
        end = min(len(text), at + step)
        stopped = stream.feed(text, at, end)
        at = stopped if stream.over else end
    stream.finish()
    return "".join(stream.out), at


@pytest.mark.parametrize(
    ("text", "arguments", "rest"),
    [
        pytest.param('"path":"a","n":3}}', {"path": "a", "n": 3}, 1, id="as it should be"),
        pytest.param("}", {}, 0, id="none"),
        pytest.param(' "n" : "3" , "list": ["1", 2] } ,', {"n": 3, "list": [1, 2]}, 2, id="types"),
        pytest.param('"path": "a\n\t\\" \\d \\u00e9", "n": 1}', {"path": 'a\n\t" \\d é', "n": 1}, 0, id="strings"),
        pytest.param('"path": "say "hi" now"}}', {"path": 'say "hi" now'}, 1, id="quotes"),
        pytest.param('"any": "3", "n": True}', {"any": "3", "n": True}, 0, id="Python's words"),
        pytest.param("'path': 'b', n: 2}}", {"path": "b", "n": 2}, 1, id="the rest is repaired"),
        pytest.param('"n": 1, path: "b"}}', {"n": 1, "path": "b"}, 1, id="from there on"),
        pytest.param('"path": "a", }}', {"path": "a"}, 1, id="a comma too many"),
        pytest.param('"list": [1, 2', {"list": [1, 2]}, 0, id="no end"),
    ],
)
def test_arguments_are_one_object_however_they_are_cut(text: str, arguments: Any, rest: int) -> None:
    found = {read(text, step) for step in range(1, len(text) + 1)}
    assert [(json.loads(told), len(text) - at) for told, at in found] == [(arguments, rest)]
