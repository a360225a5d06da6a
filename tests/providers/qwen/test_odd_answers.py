"""Qwen where a stream was due: challenges in it, answers in one piece, candidates that say nothing, drawings."""

import json
from typing import Any

import pytest

from providers.contract.events import Failure
from providers.qwen.decoder import DecoderOptions, QwenDecoder
from providers.qwen.errors import refusal
from tests.providers.qwen.reading import Read, answer, frames, read
from tests.support.decoding import same_at_every_cut

LINK = "https://chat.qwen.ai/api/_____tmd_____/punish?x5secdata=SECRET"
DEMAND = {"ret": ["FAIL_SYS_USER_VALIDATE", "RGV587_ERROR::SM::busy"], "data": {"url": LINK}}
PAGE = f'<!doctype html>\n<html>\n\n<script>var aliyun_waf_aa = "SECRET";\ndata: 1\n</script><a href="{LINK}">x</a>'


def sse(*values: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)


def lines(text: str) -> bytes:
    """A text as the data of one event."""
    return b"".join(b"data: " + line.encode() + b"\n" for line in text.split("\n") if line) + b"\n"


def whole_read(stream: bytes) -> Read:
    """What a stream says, the same at every cut."""
    same_at_every_cut(QwenDecoder, stream)
    return read([stream])


# -- challenges -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("before", [b"", *frames(answer("Some words")), b": hi\n\n"], ids=["first", "later", "c"])
@pytest.mark.parametrize(
    "demand",
    [
        pytest.param(sse(DEMAND), id="an event"),
        pytest.param(json.dumps(DEMAND).encode(), id="bare"),
        pytest.param(json.dumps(DEMAND, indent=2).encode(), id="bare, many lines"),
        pytest.param(lines(json.dumps(DEMAND, indent=2)), id="an event of many lines"),
        pytest.param(sse({"ret": "RGV587_ERROR::SM", "data": {"url": LINK}}), id="ret as text"),
        pytest.param(sse({"ret": [], "url": LINK}), id="only the link"),
        pytest.param(sse({"rgv587_flag": "sm", "url": LINK}), id="a flag"),
        pytest.param(sse({"error": DEMAND}), id="in an error"),
        pytest.param(sse({"success": False, "data": DEMAND}), id="in a refusal"),
        pytest.param(sse({"success": False, "data": {"code": "new", "details": PAGE}}), id="as details"),
        pytest.param(sse({"success": False, "data": {"code": "FAIL_SYS_USER_VALIDATE"}}), id="as a code"),
        pytest.param(lines(PAGE), id="a page as an event"),
        pytest.param(PAGE.encode(), id="a page"),
        pytest.param(f"  {PAGE}".encode(), id="a page behind blanks"),
        pytest.param(b"data: FAIL_SYS_USER_VALIDATE see " + LINK.encode() + b"\n\n", id="words"),
        pytest.param(b"event: message\nid: 1\n" + PAGE.encode(), id="a page behind other fields"),
    ],
)
def test_a_challenge_inside_the_stream_is_named(demand: bytes, before: bytes) -> None:
    events = same_at_every_cut(QwenDecoder, before + demand)
    assert isinstance(events[-1], Failure)
    assert events[-1].error.kind == "challenge"
    assert "SECRET" not in repr(events[-1])
    assert "://" not in events[-1].error.message
    assert read([before + demand]).text == ("Some words" if b"Some" in before else "")


@pytest.mark.parametrize("form", [DEMAND, {"error": DEMAND}, {"success": False, "data": DEMAND}], ids=str)
def test_the_same_outside_of_a_stream(form: Any) -> None:
    error = refusal(200, {"content-type": "application/json"}, json.dumps(form, indent=1).encode())
    assert error.kind == "challenge"
    assert "SECRET" not in repr(error)


def test_a_stream_that_is_cut_in_its_first_frame_is_no_challenge() -> None:
    for piece in (b'data: {"response.created":', b'{"choices":[{"message":{"content":"Hel'):
        assert read([piece]).end == "incomplete None"


# -- answers in one piece ---------------------------------------------------------------------------------------------
MESSAGE = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
USED = {"input_tokens": 3, "output_tokens": 4}


@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "many lines"])
@pytest.mark.parametrize("lead", ["", " \n  ", "\n\n", "\ufeff"], ids=repr)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"choices": [{"message": MESSAGE}], "usage": USED}, "Yes.|Hm.|stop|7", id="choices"),
        pytest.param({"success": True, "data": {"choices": [{"message": MESSAGE}]}}, "Yes.|Hm.|stop|", id="under data"),
        pytest.param({"success": True, "data": {"message": MESSAGE, "usage": USED}}, "Yes.|Hm.|stop|7", id="message"),
        pytest.param({"data": {"messages": [{"role": "user", "content": "no"}, MESSAGE]}}, "Yes.|Hm.|stop|", id="list"),
        pytest.param({"data": {"content": "Yes."}, "usage": USED}, "Yes.||stop|7", id="content"),
        pytest.param({"data": {"content": [{"type": "text", "text": "Y"}, "es."]}}, "Yes.||stop|", id="parts"),
        pytest.param({"choices": [{"message": MESSAGE, "finish_reason": "length"}]}, "Yes.|Hm.|length|", id="length"),
        pytest.param(
            {"data": {"choices": [{"message": MESSAGE, "finish_reason": "length"}]}}, "Yes.|Hm.|length|", id="cut off"
        ),
        pytest.param(
            {"data": {"content": "Yes.", "finish_reason": "content_filter"}}, "Yes.||content_filter|", id="filtered"
        ),
        pytest.param({"choices": [{"message": {"content": ""}}]}, "||challenge None|", id="no words"),
        pytest.param({"success": True, "data": {"content": ""}}, "||challenge None|", id="no content"),
        pytest.param({"success": True}, "||provider_down None|", id="nothing known"),
        pytest.param({"success": False, "data": {"code": "RateLimited", "num": 2}}, "||quota RateLimited|", id="quota"),
        pytest.param({"data": {"code": "Unauthorized"}}, "||session_expired Unauthorized|", id="no word of success"),
        pytest.param({"code": "Not_Found", "message": "x"}, "||conversation_gone Not_Found|", id="a code alone"),
        pytest.param({"success": False, "code": "Unauthorized"}, "||session_expired Unauthorized|", id="session"),
        pytest.param({"success": False, "data": {"code": "Bad_Request"}}, "||outdated_client Bad_Request|", id="vague"),
        pytest.param(
            {"success": False, "data": {"code": "bad_request", "details": "参数错误"}},
            "||outdated_client bad_request|",
            id="vague words",
        ),
        pytest.param(
            {"success": False, "error": {"code": "Bad_Request", "details": "Model x is not exist"}},
            "||model_unavailable Bad_Request|",
            id="plain words",
        ),
    ],
)
def test_json_where_a_stream_was_due(body: Any, lead: str, indent: int | None, expected: str) -> None:
    found = whole_read(lead.encode() + json.dumps(body, indent=indent).encode())
    tokens = found.usage.total_tokens if found.usage else ""
    assert f"{found.text}|{found.reasoning}|{found.end}|{tokens}" == expected


# -- candidates -------------------------------------------------------------------------------------------------------
def created(response_id: str) -> dict[str, Any]:
    return {"response.created": {"response_id": response_id}}


def of(response_id: str, content: str = "", status: str = "typing", phase: str = "answer") -> dict[str, Any]:
    delta = {"phase": phase, "content": content, "status": status, "role": "assistant"}
    return {"choices": [{"delta": delta}], "response_id": response_id}


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param([of("b", status="finished")], id="finished"),
        pytest.param([{"response.stopped": {"response_id": "b"}}], id="stopped"),
        pytest.param([of("b", "Hm.", phase="think"), of("b", status="finished")], id="after thinking"),
        pytest.param([of("b", status="finished"), of("b", "late")], id="finished, then late words"),
    ],
)
def test_a_candidate_that_ends_without_a_word_leaves_it_to_the_other(silent: list[dict[str, Any]]) -> None:
    found = whole_read(sse(created("b"), created("a"), *silent, of("a", "yes"), of("a", status="finished")))
    assert (found.text, found.end) == ("yes", "stop")


def test_the_last_candidate_that_ends_without_a_word_is_the_end() -> None:
    ends = [of("b", status="finished"), of("a", status="finished")]
    assert whole_read(sse(created("b"), created("a"), *ends)).end == "challenge None"
    assert whole_read(sse(created("a"), of("a", status="finished"))).end == "challenge None"


# -- drawings and thinking --------------------------------------------------------------------------------------------
def drawing(phase: str, url: str = "", status: str = "typing") -> dict[str, Any]:
    return {"phase": phase, "content": url, "status": status}


ONE, TWO = "https://cdn.example/1.png", "https://cdn.example/2.png"


@pytest.mark.parametrize("phase", ["image_gen", "image_edit", "image"])
def test_words_and_pictures_behind_a_finished_drawing_are_kept(phase: str) -> None:
    deltas = [drawing(phase, ONE, "finished"), drawing(phase, TWO), drawing(phase, "", "finished")]
    expected = Read("Here.", images=[ONE, TWO], end="stop")
    assert whole_read(b"".join(frames(*deltas, answer("Here."), answer("", "finished")))) == expected
    assert whole_read(b"".join(frames(answer("Here."), *deltas, answer("", "finished")))) == expected


def test_a_chat_that_was_made_to_draw_ends_with_its_drawing() -> None:
    decoder = QwenDecoder(DecoderOptions(draws=True))
    stream = b"".join(frames(drawing("image_gen", ONE, "finished"), drawing("image_gen", TWO)))
    assert [getattr(event, "url", "") for event in decoder.feed(stream)] == [ONE, TWO]
    [end] = decoder.feed(b"".join(frames(drawing("image_gen", "", "finished"))))
    assert getattr(end, "reason", "") == "stop"


@pytest.mark.parametrize(
    "extra",
    [
        {"summary_thought": {"content": ["I think."]}},
        {"summary_content": {"content": ["I think."]}, "summary_thought": {"content": []}},
        {"summary_content": {"content": "I think."}},
        {"summary_content": ["I think."]},
        {"summary_content": "I think."},
    ],
    ids=str,
)
def test_a_summary_in_every_form(extra: dict[str, Any]) -> None:
    thinking = {"phase": "thinking_summary", "extra": extra}
    assert whole_read(b"".join(frames(thinking, answer("ok", "finished")))) == Read("ok", "I think.", end="stop")
