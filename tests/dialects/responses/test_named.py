"""What a request names of what lies at an official API."""

from typing import Any

import pytest

from addons.dialects.base import Named
from addons.dialects.responses.named import makes_things, named_elsewhere

FILE: Any = {"type": "input_file", "file_id": "file-1"}
PICTURE: Any = {"type": "input_image", "file_id": "file-2", "detail": "auto"}
SCREEN: Any = {"type": "computer_screenshot", "file_id": "file-3"}
OWN = f"rs_{'a' * 32}00"
STORED = f"rs_{'b' * 48}"
SUMMARY: Any = {"type": "summary_text", "text": "x"}


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
        ({"input": [{"id": "msg_69"}, {"id": "msg_70", "type": None}]}, ["msg_69", "msg_70"]),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}, ["rs_1"]),
        ({"input": [{"type": "reasoning", "id": STORED, "summary": [SUMMARY]}], "store": False}, [STORED]),
        ({"input": [{"type": "image_generation_call", "id": "ig_1", "status": "completed"}]}, ["ig_1"]),
        ({"input": [{"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}]}, ["mcpr_1"]),
        ({"input": [{"type": "compaction", "id": "cmp_1", "encrypted_content": None}]}, ["cmp_1"]),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1", 7, "vs_2"]}]}, ["vs_1", "vs_2"]),
        ({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, ["cntr_1"]),
        ({"tools": [{"type": "shell", "environment": {"type": "container_reference", "container_id": "c2"}}]}, ["c2"]),
        (
            {
                "tools": [
                    {"type": "shell", "environment": {"skills": [{"skill_id": "skill_1"}, {"skill_id": "openai-x"}]}}
                ]
            },
            ["skill_1"],
        ),
        ({"input": [{"type": "additional_tools", "tools": [{"type": "code_interpreter", "container": "c"}]}]}, ["c"]),
        ({"prompt_cache_options": {"comparison_response_id": "resp_1"}}, ["resp_1"]),
    ],
)
def test_each_id_that_an_api_could_look_up_is_named(raw: Any, named: list[str]) -> None:
    assert [one.id for one in named_elsewhere(raw)] == named


@pytest.mark.parametrize(
    "item",
    [
        {"type": "reasoning", "id": OWN, "summary": []},
        {"type": "reasoning", "id": STORED, "summary": [], "encrypted_content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": [SUMMARY], "encrypted_content": None},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "x"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": ""},
        {"type": "message", "id": "msg_1", "role": "user", "content": "x"},
        {"id": "msg_1", "role": "user", "content": ""},
        {"type": "image_generation_call", "id": "ig_1", "result": "iVBO"},
    ],
)
def test_an_item_that_says_what_it_is_names_nothing(item: Any) -> None:
    assert named_elsewhere({"input": [item]}) == ()


def test_an_approval_of_what_stands_beside_it_and_reasoning_of_who_stores_nothing_name_nothing() -> None:
    asked = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "f", "arguments": "{}", "server_label": "s"}
    approval = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    assert named_elsewhere({"input": [asked, approval]}) == ()
    assert named_elsewhere({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}], "store": False}) == ()


@pytest.mark.parametrize(("kind", "makes"), [("code_interpreter", True), ("shell", True), ("function", False)])
def test_what_runs_code_makes_things(kind: str, makes: bool) -> None:
    assert makes_things({"tools": [{"type": kind}]}) is makes


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
