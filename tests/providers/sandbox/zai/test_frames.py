"""The frames of the Z.AI stand-in: each form of an answer the site has used."""

import json
from typing import Any

import pytest

from providers.sandbox.script import Script
from providers.sandbox.zai.frames import SOURCES, count_frame, done_frame, error_frame, frames_of

TEXT, THOUGHT = "one two three four five six seven eight nine", "first second third fourth fifth"


def made(variant: str = "plain", *, thinking: bool = False, search: bool = False, text: str = TEXT) -> list[Any]:
    """The frames' objects; the variant `plain` is none of the site's, and so the usual form without a heartbeat."""
    found = frames_of(Script(variant=variant, text=text, reasoning=THOUGHT), thinking=thinking, search=search)
    return [read(one) for one in found]


def read(frame: bytes) -> Any:
    assert frame.startswith(b"data: ")
    assert frame.endswith(b"\n\n")
    return json.loads(frame[6:])


def words(found: list[Any], phase: str = "answer") -> str:
    return "".join(one["data"].get("delta_content", "") for one in found if one.get("data", {}).get("phase") == phase)


def edited(found: list[Any]) -> str:
    """The buffer as the page builds it: pieces behind it, edits from an index in UTF-16 units on."""
    buffer = ""
    for one in found:
        data = one.get("data", {})
        if "edit_index" in data:
            kept = buffer.encode("utf-16-le")[: 2 * data["edit_index"]].decode("utf-16-le")
            buffer = kept + data["edit_content"]
        elif data.get("phase") in ("thinking", "answer"):
            buffer += data.get("delta_content", "")
    return buffer


@pytest.mark.parametrize("variant", ["", "heartbeat"])
def test_a_sign_of_life_comes_first(variant: str) -> None:
    assert made(variant)[0]["type"] == "heartbeat"
    assert made("plain")[0]["type"] == "chat:completion"


@pytest.mark.parametrize("thinking", [False, True])
def test_the_usual_answer_is_thoughts_words_usage_and_the_last_words(thinking: bool) -> None:
    found = made(thinking=thinking)
    assert words(found) == TEXT
    assert words(found, "thinking") == (THOUGHT if thinking else "")
    assert found[-2]["data"]["usage"]["total_tokens"] == 46
    assert TEXT.endswith(found[-1]["data"]["delta_content"])


def test_an_answer_may_come_in_one_piece() -> None:
    (content, usage) = made("content")
    assert content["data"] == {"content": TEXT, "phase": "answer"}
    assert "usage" in usage["data"]


def test_a_search_names_its_sources_and_the_words_point_to_them() -> None:
    found = made(search=True)
    call = "".join(one["data"].get("delta_arguments", "") for one in found)
    assert json.loads(call) == {"queries": ["sandbox"]}
    (response,) = [one["data"] for one in found if one["data"].get("phase") == "tool_response"]
    assert all(f"[ref_id={ref}†{title}†{url}]" in response["delta_content"] for ref, title, url in SOURCES)
    assert all(f"【{ref}】" in words(found) for ref, _, _ in SOURCES)


@pytest.mark.parametrize("text", [TEXT, "one", "🌏 你好 and four more 🌏 words"])
def test_the_rewritten_form_ends_in_thoughts_and_words(text: str) -> None:
    found = made("details", thinking=True, text=text)
    quoted = f'<details type="reasoning" done="true" duration="2">\n> {THOUGHT}\n</details>\n'
    assert edited(found) == quoted + text
    assert edited(found[:2]).startswith('<details type="reasoning" done="false">')


def test_the_rewritten_form_without_thoughts_is_words() -> None:
    assert words(made("details")) == TEXT


def test_a_tool_in_the_older_form_is_rewritten_when_it_is_done() -> None:
    first, second, *rest = made("glm_block")
    assert (first["data"]["edit_index"], second["data"]["edit_index"]) == (0, 0)
    assert '"status": "running"' in first["data"]["edit_content"]
    assert '"status": "completed"' in second["data"]["edit_content"]
    assert words(rest) == TEXT


def test_what_nobody_knows_stands_before_the_words() -> None:
    found = frames_of(Script(fault="unknown_event", variant="plain", text=TEXT), thinking=False, search=False)
    assert read(found[0])["type"] == "chat:mood"
    assert read(found[1])["data"]["phase"] == "dreaming"
    assert words([read(one) for one in found]) == TEXT


def test_an_error_is_said_once_or_twice_with_or_without_an_end() -> None:
    assert read(error_frame(7, "words")) == {
        "type": "chat:completion",
        "data": {"error": {"code": 7, "detail": "words"}},
    }
    found = read(error_frame("C", "words", doubled=True, done=True, captcha="missing"))["data"]
    assert found["done"] is True
    assert found["data"] == {"error": found["error"], "done": True}
    assert found["error"] == {"code": "C", "detail": "words", "captcha_error_type": "missing", "error_code": "C"}


@pytest.mark.parametrize(
    ("variant", "frame"),
    [("done_word", b"data: [DONE]\n\n"), ("done_data", b'data: {"data":"[DONE]"}\n\n')],
)
def test_an_end_has_three_forms(variant: str, frame: bytes) -> None:
    assert done_frame(Script(variant=variant)) == frame
    assert read(done_frame(Script()))["data"] == {"phase": "done", "done": True}


def test_counted_words_are_answers() -> None:
    assert words([read(count_frame())]) == "word "
