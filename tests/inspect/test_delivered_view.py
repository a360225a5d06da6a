"""What the client was sent, as a table: every chunk a row in words, whatever stands in it, and never a traceback."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.delivered_view import DEPTH, ROWS, delivered_text
from addons.inspect.sse_text import blocks, data_of
from tests.inspect.test_chat_view import JSON
from tests.inspect.test_views import ours


def sse(*payloads: object) -> str:
    return "".join(f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in payloads)


def chunk(delta: object = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish}]
    return {"id": "chatcmpl-503a", "object": "chat.completion.chunk", "model": "GLM-4.6", "choices": choices, **more}


def row(payload: object) -> str:
    """What the second row says of a chunk, behind an ordinary first."""
    lines = delivered_text(sse(chunk({"role": "assistant", "content": ""}), payload)).splitlines()
    return lines[lines.index("   1          role assistant") + 1].removeprefix("   2").strip()


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}
USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "completion_tokens_details": {"reasoning_tokens": 5}}


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        pytest.param(chunk({"content": "Hel\nlo "}), r"content 'Hel\nlo '", id="content"),
        pytest.param(chunk({"content": ""}), "content ''", id="an empty piece"),
        pytest.param(chunk({"content": "a\u2028b"}), r"content 'a\u2028b'", id="a line separator ends no line"),
        pytest.param(chunk({"reasoning_content": "Hm"}), "reasoning 'Hm'", id="reasoning"),
        pytest.param(chunk({"reasoning": "Hm"}), "reasoning 'Hm'", id="reasoning by its other name"),
        pytest.param(chunk({"refusal": "No"}), "refusal 'No'", id="refusal"),
        pytest.param(chunk({"tool_calls": [CALL]}), "tool call find", id="a tool call begins"),
        pytest.param(
            chunk({"tool_calls": [{"index": 1, "function": {"arguments": '{"q":'}}]}),
            "tool call 1 '{\"q\":'",
            id="a tool call goes on",
        ),
        pytest.param(chunk({"content": "b"}, index=1), "choice 1:  content 'b'", id="a second choice"),
        pytest.param(chunk({}, "stop"), "finish stop", id="the end"),
        pytest.param(chunk({}, "stop", usage=USAGE), "finish stop  usage 12+34 (reasoning_tokens 5)", id="usage"),
        pytest.param(chunk(usage=USAGE | {"completion_tokens_details": None}), "usage 12+34", id="usage by itself"),
        pytest.param(chunk({"content": "a"}, usage=None), "content 'a'", id="no usage yet"),
        pytest.param(chunk({"content": "a"}, model="other"), "content 'a'  model other", id="another model"),
        pytest.param(chunk({"content": "a"}, system_fingerprint="fp"), "content 'a'  system_fingerprint fp", id="more"),
        pytest.param(chunk({"mood": {"x": 1}}), 'mood {"x": 1}', id="an unknown field"),
        pytest.param({"choices": [{"text": "a", "index": 0}]}, "text 'a'", id="a completion"),
        pytest.param({"error": {"code": "upstream_eof", "message": "broke off"}}, "ERROR upstream_eof: broke off"),
        pytest.param({"error": "odd"}, "ERROR odd", id="an error that is a word"),
        pytest.param("[DONE]", "[DONE]", id="done"),
        pytest.param("{oops", "no JSON: {oops", id="no JSON"),
        pytest.param("[1]", "no JSON: [1]", id="no object"),
        pytest.param({}, "nothing", id="an empty chunk"),
        pytest.param({"choices": 3}, "nothing", id="choices of another kind"),
        pytest.param({"choices": [3, {"delta": 4}]}, "choice 3  delta 4", id="a choice of another kind"),
        pytest.param(chunk({"tool_calls": [7, {"function": []}]}), "tool call 7  tool call", id="odd calls"),
        pytest.param(chunk({"content": "x" * 1000}), f"content '{'x' * 400}'… (1000 characters)", id="a long one"),
    ],
)
def test_a_chunk_is_a_row_in_words(payload: object, said: str) -> None:
    assert row(payload) == said


def test_the_head_stands_once_and_times_where_they_are_known() -> None:
    text = sse(chunk({"role": "assistant", "content": ""}), chunk({"content": "a"}), "[DONE]")
    first = len(sse(chunk({"role": "assistant", "content": ""})).encode())
    lines = delivered_text(text, [(0.0124, first), (1.5, 9)]).splitlines()
    assert lines[:3] == ["model GLM-4.6", "id chatcmpl-503a", ""]
    assert lines[3].split() == ["#", "ms", "delta,", "finish,", "usage"]
    assert [line.split()[:2] for line in lines[5:]] == [["1", "12"], ["2", "content"], ["3", "[DONE]"]]
    assert text.count("chatcmpl-503a") == 2, "said above the table, not in every row"


def test_a_keep_alive_is_counted_and_no_row() -> None:
    text = delivered_text(": keep-alive\n\n" * 3 + sse(chunk({"content": "a"})) + ": keep-alive\n\n")
    assert "(4 keep-alive comments, left out)" in text
    assert "   2" not in text


def test_a_cut_stream_says_so() -> None:
    assert "(cut here" in delivered_text(sse(chunk({"content": "a"}))[:-5])
    assert "(cut here" not in delivered_text(sse(chunk({"content": "a"})))


def test_a_whole_answer_is_indented() -> None:
    answer = {"id": "x", "choices": [{"message": {"content": "你好"}}]}
    assert delivered_text(json.dumps(answer)) == json.dumps(answer, ensure_ascii=False, indent=2) + "\n"


@pytest.mark.parametrize("text", ['{"a":', "[" * 5000, f"{'[' * (DEPTH + 1)}{']' * (DEPTH + 1)}", "[1] and more"])
def test_what_cannot_be_indented_is_shown_as_it_is(text: str) -> None:
    assert delivered_text(text) == f"{text}\n"


def test_the_rows_of_one_table_are_limited() -> None:
    text = delivered_text("data: 1\n\n" * (ROWS + 7))
    assert text.count("\n") < ROWS + 10
    assert "(and 7 more)" in text


@given(st.text(max_size=300) | st.lists(JSON | st.text(max_size=20), max_size=6).map(lambda all_: sse(*all_)))
@example("\x85data: {}\r\r\ndata: \ud800\n")
@settings(max_examples=200, deadline=None)
def test_any_text_is_readable(text: str) -> None:
    assert delivered_text(text, [(0.1, 5)]).endswith("\n")


@given(st.lists(st.text(alphabet="ab\u2028\x85", min_size=1, max_size=5), max_size=6))
def test_a_block_ends_where_its_last_byte_is(payloads: list[str]) -> None:
    text = sse(*payloads)
    found = list(blocks(text))
    assert [data_of(block) for _, block in found] == [one.strip() for one in payloads]
    ends = [len(sse(*payloads[: number + 1]).encode()) for number in range(len(payloads))]
    assert [end for end, _ in found] == ends


def test_the_note_keeps_when_pieces_went_out() -> None:
    annotation = annotation_of(ours(deliveries=((0.25, 3), (0.5, 4))))
    assert annotation
    assert annotation.deliveries == ((0.25, 3), (0.5, 4))
    assert Annotation("req_1").deliveries == ()
