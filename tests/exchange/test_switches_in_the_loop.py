"""Thinking and search by the fields of other APIs, the whole way to the site's own switches."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import zai
from tests.support.virtual_time import in_virtual_time


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        ("GLM-4.6", {}, (False, False)),
        ("GLM-4.6", {"enable_thinking": True}, (True, False)),
        ("GLM-4.6", {"chat_template_kwargs": {"enable_thinking": True}, "enable_search": True}, (True, True)),
        ("GLM-4.6", {"thinking": {"type": "disabled"}, "web_search_options": {}}, (False, True)),
        ("GLM-4.6-Thinking", {"thinking": {"type": "enabled"}, "seed": 7}, (True, False)),
    ],
)
@in_virtual_time
async def test_what_the_site_is_told(
    tmp_path: Path, model: str, fields: dict[str, Any], expected: tuple[bool, bool]
) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats(model, **fields)
        features = json.loads(visit.asked().content)["features"]
        assert (features["enable_thinking"], features["auto_web_search"]) == expected


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        ("GLM-4.6-Thinking", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("GLM-4.6-Search", {"enable_search": False}, "enable_search"),
        ("GLM-4.6", {"reasoning_effort": "high", "thinking": {"type": "disabled"}}, "thinking"),
        ("GLM-4.6", {"logprobs": True}, "logprobs"),
    ],
)
@in_virtual_time
async def test_what_is_refused_before_anybody_is_asked(
    tmp_path: Path, model: str, fields: dict[str, Any], param: str
) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats(model, stream=False, **fields)
        assert (visit.got.status, visit.got.error["param"]) == (400, param)
        assert not visit.requests
