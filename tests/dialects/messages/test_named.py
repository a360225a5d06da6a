"""What a request of the Messages form names of what lies at an API."""

from typing import Any

import pytest

from addons.dialects.base import Named
from addons.dialects.messages.named import makes_things, named_in

FILE: Any = {"type": "file", "file_id": "file_1"}
PICTURE: Any = {"type": "image", "source": FILE}


def turn(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


@pytest.mark.parametrize(
    ("block", "where"),
    [
        (PICTURE, ".source.file_id"),
        ({"type": "document", "source": FILE}, ".source.file_id"),
        ({"type": "container_upload", "file_id": "file_1"}, ".file_id"),
        ({"type": "tool_result", "tool_use_id": "t", "content": [PICTURE]}, ".content[0].source.file_id"),
        ({"type": "document", "source": {"type": "content", "content": [PICTURE]}},
         ".source.content[0].source.file_id"),
        ({"type": "tool_result", "content": [{"type": "document", "source": {"content": [PICTURE]}}]},
         ".content[0].source.content[0].source.file_id"),
    ],
)  # fmt: skip
def test_a_file_is_told_by_its_field(block: Any, where: str) -> None:
    found = named_in(turn({"type": "text", "text": "Look"}, block))
    assert found == (Named("file", "file_1", f"messages[0].content[1]{where}"),)


@pytest.mark.parametrize(
    ("container", "named"),
    [
        ("container_1", [("container", "container_1")]),
        ({"id": "container_1"}, [("container", "container_1")]),
        ({"skills": [{"type": "custom", "skill_id": "skill_1"}, {"type": "anthropic", "skill_id": "pptx"}]},
         [("skill", "skill_1")]),
        ({"id": None, "skills": [7, {}]}, []),
        (7, []),
        (None, []),
    ],
)  # fmt: skip
def test_a_container_and_the_accounts_own_skills_are_told(container: Any, named: list[Any]) -> None:
    assert [(one.kind, one.id) for one in named_in({"container": container})] == named


@pytest.mark.parametrize("odd", [None, 7, "x", [7, None], [{"content": "x"}, {"content": [7, {"source": 7}]}]])
def test_what_is_of_no_form_names_nothing(odd: Any) -> None:
    assert named_in({"messages": odd}) == ()


def test_files_that_a_models_own_code_made_are_no_names_in_what_was_said() -> None:
    said = {"type": "code_execution_tool_result", "content": {"content": [{"file_id": "file_9"}]}}
    assert named_in({"messages": [{"role": "assistant", "content": [said]}]}) == ()


@pytest.mark.parametrize(
    ("raw", "makes"),
    [
        ({"tools": [{"type": "code_execution_20260120"}]}, True),
        ({"container": "container_1"}, True),
        ({"tools": [{"name": "f", "input_schema": {}}]}, False),
    ],
)
def test_what_runs_code_makes_things(raw: Any, makes: bool) -> None:
    assert makes_things(raw) is makes
