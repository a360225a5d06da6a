"""The endings of the Qwen stand-in's answers, and each fault where it belongs in the stream."""

import json
from typing import Any

import pytest

from providers.sandbox.qwen.endings import BIG_EVENT_CHARS, lines_of
from providers.sandbox.qwen.frames import SandboxTurn
from providers.sandbox.qwen.refusals import DEMANDS, IN_STREAM
from providers.sandbox.script import Script

TURN = SandboxTurn("chat", "response")
TEXT = "one two three four five six seven eight nine"


def lines(fault: str = "", variant: str = "", text: str = TEXT, turn: SandboxTurn = TURN) -> list[bytes]:
    return lines_of(Script(text=text, fault=fault, variant=variant), turn)


def events(found: list[bytes]) -> list[Any]:
    return [json.loads(one.removeprefix(b"data: ")) for one in found if one.startswith(b"data: {")]


def inner(event: Any) -> Any:
    return event["choices"][0]["delta"]


def said(found: list[bytes]) -> str:
    return "".join(inner(one)["content"] for one in events(found) if "choices" in one)


WHOLE = lines()


def test_an_answer_is_its_words_between_head_and_end() -> None:
    found = events(WHOLE)
    assert "response.created" in found[0]
    assert said(WHOLE) == TEXT
    assert (inner(found[-1])["status"], inner(found[-1])["phase"]) == ("finished", "answer")
    assert b"[DONE]" not in b"".join(WHOLE)


@pytest.mark.parametrize(
    ("variant", "last"),
    [
        ("stopped", {"response.stopped": {"response_id": "response"}}),
        ("done_true", {"done": True}),
    ],
)
def test_older_and_newer_ends_are_known(variant: str, last: Any) -> None:
    assert events(lines(variant=variant))[-1] == last


def test_the_end_of_a_cut_answer_a_picture_and_an_answer_without_phases() -> None:
    assert events(lines(variant="length"))[-1]["choices"][0]["finish_reason"] == "length"
    assert "phase" not in inner(events(lines(variant="no_phase"))[-1])
    drawn = SandboxTurn("chat", "response", image=True)
    assert inner(events(lines(turn=drawn))[-1])["phase"] == "image_gen"
    assert lines(variant="done_word")[-1] == b"data: [DONE]\n\n"


def test_comments_and_line_ends_dress_the_same_answer() -> None:
    dressed = lines(variant="event_lines+crlf")
    assert dressed[0] == b": a comment\r\n\r\n"
    assert all(one.startswith(b"event: message\r\nid: 7\r\ndata: ") for one in dressed[1:])
    assert b"\n" not in b"".join(dressed).replace(b"\r\n", b"")
    assert len(dressed) == len(WHOLE) + 1


@pytest.mark.parametrize("fault", sorted(IN_STREAM))
def test_an_error_right_after_the_head(fault: str) -> None:
    found = events(lines(fault))
    assert len(found) == 2
    assert found[1]["error"] == IN_STREAM[fault]


@pytest.mark.parametrize("fault", sorted(DEMANDS))
def test_a_demand_is_the_first_or_the_last_thing_said(fault: str) -> None:
    assert lines(fault) == [DEMANDS[fault]]
    found = lines(f"{fault}_mid")
    assert found[-1] == DEMANDS[fault]
    assert 0 < len(said(found[:-1])) < len(TEXT)


def test_an_answer_without_words_and_one_without_anything() -> None:
    assert lines("empty") == []
    found = events(lines("wordless"))
    assert ("response.created" in found[0], inner(found[1])["status"], len(found)) == (True, "finished", 2)


@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up"])
def test_a_cut_stream_stops_among_the_words(fault: str) -> None:
    found = said(lines(fault))
    assert TEXT.startswith(found)
    assert 0 < len(found) < len(TEXT)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("error_mid", {"code": "internal_error", "details": "the engine crashed"}),
        ("message_mid", {"message": "the engine crashed"}),
        ("unauthorized_mid", {"code": "unauthorized", "message": "Token has expired"}),
    ],
)
def test_an_error_among_the_words_ends_them(fault: str, error: Any) -> None:
    found = lines(fault)
    assert events(found)[-1]["error"] == error
    assert 0 < len(said(found)) < len(TEXT)


def test_a_frame_may_call_itself_an_error() -> None:
    assert inner(events(lines("status_error"))[-1])["status"] == "error"


def test_the_words_are_whole_and_only_the_end_is_missing() -> None:
    assert said(lines("no_finish")) == TEXT
    assert [inner(one)["status"] for one in events(lines("no_finish"))[1:]].count("finished") == 0


def test_half_a_frame_is_no_json() -> None:
    last = lines("half_frame")[-1]
    with pytest.raises(json.JSONDecodeError):
        json.loads(last.removeprefix(b"data: "))


def test_what_nobody_knows_stands_among_the_words_and_leaves_them_whole() -> None:
    found = lines("unknown_event")
    assert b": a comment\n\n" in found
    assert any("response.mood" in one for one in events(found))
    assert (
        "".join(
            inner(one)["content"] for one in events(found) if "choices" in one and inner(one).get("phase") == "answer"
        )
        == TEXT
    )
    broken = lines("broken_json")
    assert b'data: {"choices\n\n' in broken
    assert len(broken) == len(WHOLE) + 1


def test_bytes_that_are_no_text_stand_behind_the_words() -> None:
    found = lines("bad_utf8")
    assert b"\xff\xfe" in found[-2]
    assert len(found) == len(WHOLE) + 1


def test_one_event_may_be_big() -> None:
    assert len(said(lines("big_event"))) == len(TEXT) + BIG_EVENT_CHARS


def test_an_end_may_come_twice_and_words_behind_it() -> None:
    assert [inner(one)["status"] for one in events(lines("two_finishes"))[-2:]] == ["finished", "finished"]
    assert inner(events(lines("after_finish"))[-1])["content"] == "words after the end"
