"""The frames of the K2Think stand-in: each form of the content, each end of the stream, each fault in its place."""

import json
from typing import Any

import pytest

from providers.sandbox.k2think.frames import (
    USAGE,
    Content,
    body,
    content_of,
    counted,
    head,
    opening,
    stream,
    tail,
    whole,
    words_of,
)
from providers.sandbox.script import Script

TEXT, THOUGHT = "one two three four five six seven", "first second third fourth fifth"


def script(variant: str = "", fault: str = "", **fields: Any) -> Script:
    return Script(variant=variant, fault=fault, text=TEXT, reasoning=THOUGHT, **fields)


def frames(found: list[bytes]) -> list[Any]:
    return [json.loads(one.removeprefix(b"data: ")) for one in found if one.startswith(b"data: {")]


def texts(found: list[bytes]) -> list[str]:
    """The content of each frame, bare or in a chunk."""
    named = [
        frame["content"] if "content" in frame else choice["delta"].get("content", "")
        for frame in frames(found)
        for choice in (frame.get("choices") or [{"delta": {}}])
    ]
    return [text for text in named if text]


@pytest.mark.parametrize(
    ("variant", "text", "finish"),
    [
        ("", f"{THOUGHT}</think>{TEXT}", "stop"),
        ("think", f"<think>{THOUGHT}</think>{TEXT}", "stop"),
        ("answer", f"<think>{THOUGHT}</think><answer>{TEXT}</answer>", "stop"),
        ("plain", TEXT, "stop"),
        ("open", f"<think>\n{TEXT}", "stop"),
        ("duration", f'<think duration="12">\n{THOUGHT}\n</think>\n\n{TEXT}', "stop"),
        ("length", THOUGHT, "length"),
        ("length+think", f"<think>{THOUGHT}", "length"),
        ("cut_answer", f"{THOUGHT}</think>{TEXT}", "length"),
        ("own", TEXT, "stop"),
        ("own+think", f"<think>other words</think>{TEXT}", "stop"),
        ("own+closing", f"other words</think>{TEXT}", "stop"),
        (
            "details",
            f'<details type="reasoning" done="true" duration="2"><summary>Thought for 2 seconds</summary>{THOUGHT}'
            f"</details>{TEXT}",
            "stop",
        ),
    ],
)
def test_a_variant_is_the_form_of_the_content(variant: str, text: str, finish: str) -> None:
    found = content_of(script(variant))
    assert (found.text, found.finish) == (text, finish)
    assert (found.own is not None) == ("own" in words_of(script(variant)))


def test_quoted_reasoning_is_escaped_line_by_line() -> None:
    found = content_of(Script(variant="quoted", text="x", reasoning="a <b>\nc"))
    assert "\n> a &lt;b&gt;\n> c\n</details>x" in found.text


@pytest.mark.parametrize("variant", ["", "think", "answer", "details", "quoted", "own", "plain", "duration"])
def test_a_stream_in_pieces_is_the_whole_answer(variant: str) -> None:
    one = script(variant)
    assert "".join(texts(stream(one))) == content_of(one).text
    assert json.loads(whole(one))["choices"][0]["message"]["content"] == content_of(one).text


@pytest.mark.parametrize("way", ["snapshots", "chunks"])
@pytest.mark.parametrize("variant", ["", "answer", "details", "quoted", "details+unclosed"])
def test_a_stream_of_snapshots_ends_in_the_whole_answer(way: str, variant: str) -> None:
    one = script(f"{variant}+{way}")
    found = texts(stream(one))
    assert found[-1] == content_of(one).text
    assert len(found) > 2
    if not variant or variant == "answer":
        assert all(found[-1].startswith(text) for text in found)
    if "unclosed" in variant:
        assert not found[0].endswith("</details>")
    elif variant in ("details", "quoted"):
        assert found[0].endswith("</details>")
        assert "Thinking…" in found[0]


def test_reasoning_of_its_own_stands_before_the_words() -> None:
    one = script("own")
    deltas = [frame["choices"][0]["delta"] for frame in frames(head(one, content_of(one)))]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta["reasoning_content"] for delta in deltas[1:]) == THOUGHT
    assert json.loads(whole(one))["choices"][0]["message"]["reasoning_content"] == THOUGHT
    assert head(script("snapshots"), content_of(script())) == []


@pytest.mark.parametrize(
    ("variant", "mark"),
    [
        ("", b"data: [DONE]\n\n"),
        ("done_word", b"data: [DONE]\n\n"),
        ("done_upper", b"data: DONE\n\n"),
        ("done_lower", b"data: done\n\n"),
        ("minus_one", b"data: -1\n\n"),
        ("done_flag", b'data: {"done":true}\n\n'),
        ("no_mark", b""),
        ("snapshots", b'data: {"done":true}\n\ndata: -1\n\n'),
        ("snapshots+minus_one", b"data: -1\n\n"),
    ],
)
def test_a_stream_ends_with_finish_usage_and_its_mark(variant: str, mark: bytes) -> None:
    found = tail(script(variant), Content("", [], finish="length"))
    kept = 1 if "snapshots" in variant else 2
    assert b"".join(found[kept:]) == mark
    assert frames(found[:kept])[-1]["usage"] == USAGE
    if kept == 2:
        assert frames(found)[0]["choices"][0]["finish_reason"] == "length"


def test_counted_answers_begin_as_others_do() -> None:
    one = script("think")
    assert "".join(texts(opening(one))) == content_of(one).before
    assert texts([counted()]) == ["word "]
    assert "".join(texts(body(one, content_of(one)))) == content_of(one).text


@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up"])
def test_a_cut_answer_is_its_beginning(fault: str) -> None:
    full = content_of(script()).text
    found = "".join(texts(stream(script(fault=fault))))
    assert full.startswith(found)
    assert 0 < len(found) < len(full)
    cut = whole(script(fault=fault))
    assert TEXT.encode() in cut
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut)


def test_faults_of_a_whole_answer() -> None:
    first, _, second = whole(script(fault="two_finishes")).partition(b"\n")
    assert json.loads(first) == json.loads(second)
    assert whole(script(fault="after_finish")).endswith(b"\nwords after the end")
    assert b"The engine crashed" in whole(script(fault="error_mid"))
    assert b"\xff\xfeone" in whole(script(fault="bad_utf8"))
    assert json.loads(whole(script(fault="empty")))["choices"][0]["message"]["content"] == ""
    odd = json.loads(whole(script(fault="unknown_event")))
    assert odd["mood"] == "sunny"
    assert odd["choices"][0]["message"]["content"] == content_of(script()).text


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        ("error_mid", {"error": {"message": "The engine crashed"}}),
        ("detail_mid", {"detail": "The engine crashed"}),
        ("message_mid", {"message": "The engine crashed"}),
    ],
)
def test_an_error_among_the_words_ends_them(fault: str, last: Any) -> None:
    found = stream(script(fault=fault))
    assert frames(found)[-1] == last
    assert texts(found)


@pytest.mark.parametrize(
    ("fault", "only"),
    [
        ("error_first", {"error": {"message": "The engine crashed"}}),
        ("session_first", {"detail": "Not authenticated"}),
    ],
)
def test_an_error_may_be_all_there_is(fault: str, only: Any) -> None:
    assert frames(stream(script(fault=fault))) == [only]


def test_a_detail_may_come_without_a_frame() -> None:
    assert stream(script(fault="bare_detail")) == [b'{"detail":"Model not found"}\n']


@pytest.mark.parametrize("fault", ["unknown_event", "broken_json", "two_finishes"])
def test_oddities_leave_the_words_whole(fault: str) -> None:
    good = [one for one in stream(script(fault=fault)) if one != b'data: {"content\n\n']
    assert "".join(texts(good)) == content_of(script()).text
    assert len(stream(script(fault=fault))) > len(stream(script()))


def test_bytes_that_are_no_text_half_a_frame_and_words_behind_the_end() -> None:
    assert sum(b"\xff\xfe" in one for one in stream(script(fault="bad_utf8"))) == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream(script(fault="half_frame"))[-1].removeprefix(b"data: "))
    assert texts(stream(script(fault="after_finish")))[-2:] == ["words after the end"] * 2
    assert texts(stream(script("snapshots", fault="after_finish")))[-1] == "words after the end"
    assert texts(stream(script(fault="empty"))) == []


def test_one_event_may_be_big() -> None:
    assert max(map(len, stream(script(fault="big_event")))) > 5_000_000
    assert max(map(len, stream(script(fault="big_event", size=10)))) < 1000
