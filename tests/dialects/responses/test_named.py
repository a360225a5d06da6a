"""What a request names of what lies at an official API."""

from typing import Any

import pytest

from addons.dialects.base import Named
from addons.dialects.responses.named import named_elsewhere

FILE: Any = {"type": "input_file", "file_id": "file-1"}
PICTURE: Any = {"type": "input_image", "file_id": "file-2", "detail": "auto"}
SCREEN: Any = {"type": "computer_screenshot", "file_id": "file-3"}
OWN = f"rs_{'a' * 32}00"


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"input": [{"role": "user", "content": [FILE, PICTURE]}]}, ["file-1", "file-2"]),
        ({"input": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-4"}}]}]}, ["file-4"]),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": [FILE]}]}, ["file-1"]),
        ({"input": [{"type": "computer_call_output", "call_id": "c", "output": SCREEN}]}, ["file-3"]),
        ({"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f", "g"]}}]}, ["f", "g"]),
        ({"tools": [{"type": "image_generation", "input_image_mask": {"file_id": "file-5"}}]}, ["file-5"]),
        ({"input": [{"type": "item_reference", "id": "msg_68"}, {"type": "item_reference", "id": OWN}]}, ["msg_68"]),
    ],
)
def test_each_id_that_an_api_could_look_up_is_named(raw: Any, named: list[str]) -> None:
    assert [one.id for one in named_elsewhere(raw)] == named


def test_each_is_told_by_its_field() -> None:
    told = {"input": ["x", {"role": "user", "content": ["x", FILE]}, {"type": "item_reference", "id": "msg_1"}]}
    assert named_elsewhere(told) == (
        Named("file", "file-1", "input[1].content.file_id"),
        Named("item", "msg_1", "input[2].id"),
    )


@pytest.mark.parametrize("odd", [None, 7, "x", [7, None, {"content": 7, "output": {}, "file_id": "f"}]])
def test_what_is_of_no_form_names_nothing(odd: Any) -> None:
    assert named_elsewhere({"input": odd, "tools": odd}) == ()


def test_sources_of_an_earlier_answer_are_no_names() -> None:
    said = {"type": "output_text", "text": "x", "annotations": [{"type": "file_citation", "file_id": "file-9"}]}
    assert named_elsewhere({"input": [{"role": "assistant", "content": [said]}]}) == ()
