"""The files that a chat names by their ids."""

import json
from typing import Any

import pytest

from addons.dialects.base import Named
from addons.dialects.chat_completions.dialect import ChatCompletions


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"type": "file", "file": {"file_id": "file-1"}}, ["file-1"]),
        ({"type": "file", "file": {"file_id": "file-1", "file_data": "data:,x"}}, []),
        ({"type": "file", "file": {"file_id": 5}}, []),
        ({"type": "file", "file": "file-1"}, []),
        ({"type": "input_audio", "file": {"file_id": "file-1"}}, []),
        ({"type": "text", "text": "file-1"}, []),
    ],
)
def test_a_file_is_named_where_it_is_not_brought_along(part: Any, named: list[str]) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "user", "content": [part]}]}
    found = ChatCompletions().parse(json.dumps(body).encode()).names
    assert found == tuple(Named("file", one, "messages[1].content[0].file.file_id") for one in named)
