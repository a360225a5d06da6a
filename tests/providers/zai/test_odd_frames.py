"""Z.AI's decoder on the rarer frames of its protocol. All streams here are synthetic."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Failure, Finish
from providers.zai.decoder import ZaiDecoder
from tests.providers.zai.test_decoder import DONE, HEARTBEAT, SEARCH, data, delta, edit, error, frame
from tests.support.decoding import reasoning_of, run, same_at_every_cut, text_of


# -- words are never lost ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("frames", "text"),
    [
        pytest.param(SEARCH + delta("【1】第一章 【12】 end"), "【1】第一章 【12】 end", id="numbers in brackets"),
        pytest.param(delta("Hello") + delta(" world", "tool_call"), "Hello world", id="words labelled tool_call"),
        pytest.param(delta("so 【turn0"), "so 【turn0", id="a mark that never closes"),
        pytest.param(delta("a <"), "a <", id="what might have become a tag"),
    ],
)
def test_words_are_kept(frames: bytes, text: str) -> None:
    assert text_of(same_at_every_cut(ZaiDecoder, frames + DONE)) == text


def test_words_held_back_are_given_out_before_a_failure() -> None:
    events = same_at_every_cut(ZaiDecoder, delta("words 【turn0") + error("INVALID_TOKEN"))
    assert text_of(events) == "words 【turn0"
    assert isinstance(events[-1], Failure)


def test_a_tool_call_of_the_site_is_no_text() -> None:
    call = data(phase="tool_call", delta_name="s", delta_content="internal", delta_arguments="{}")
    assert text_of(same_at_every_cut(ZaiDecoder, call + delta("x") + DONE)) == "x"


def test_an_edit_of_plain_thinking_stays_thinking() -> None:
    events = same_at_every_cut(ZaiDecoder, delta("I th", "thinking") + edit(4, "ink", "thinking") + delta("Hi") + DONE)
    assert (reasoning_of(events), text_of(events)) == ("I think", "Hi")


def test_an_edit_of_words_already_given_out_is_counted() -> None:
    decoder = ZaiDecoder()
    events = run(decoder, [delta("Hello") + edit(0, "Jello!") + DONE])
    assert text_of(events) == "Hello!"
    assert decoder.unknown == {"edit of text already given out": 1}


# -- sources ----------------------------------------------------------------------------------------------------------


# -- ends -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("end", [DONE, b"data: [DONE]\n\n", HEARTBEAT + DONE])
def test_an_answer_without_a_word_is_no_success(end: bytes) -> None:
    last = same_at_every_cut(ZaiDecoder, end)[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is ErrorKind.PROVIDER_DOWN


def test_thinking_alone_is_an_answer() -> None:
    assert same_at_every_cut(ZaiDecoder, delta("Hm.", "thinking") + DONE)[-1] == Finish("stop")


@pytest.mark.parametrize("detail", ["Not authenticated: invalid token", {"code": "INVALID_TOKEN"}])
def test_an_error_of_the_server_itself_inside_the_stream(detail: Any) -> None:
    last = same_at_every_cut(ZaiDecoder, frame({"detail": detail}))[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is ErrorKind.SESSION_EXPIRED


@pytest.mark.parametrize(("tokens", "reason"), [(9, "stop"), (10, "length"), (11, "length")])
def test_the_token_limit_sent_to_the_site_is_told_as_length(tokens: int, reason: str) -> None:
    usage = data(phase="other", usage={"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1})
    events = same_at_every_cut(lambda: ZaiDecoder(max_tokens=10), delta("x") + usage + DONE)
    assert events[-1] == Finish(reason)  # type: ignore[arg-type]


# -- to and fro -------------------------------------------------------------------------------------------------------
def blocks(count: int) -> bytes:
    kinds = ("text", "reasoning")
    return data(content_blocks=[{"type": kinds[number % 2], "content": "a"} for number in range(count)])


def test_a_frame_of_very_many_blocks_is_not_read_at_once() -> None:
    """Each block is little text and much work, and others wait meanwhile."""
    assert text_of(run(ZaiDecoder(), [blocks(1000) + DONE])) == "a" * 500
    last = run(ZaiDecoder(), [blocks(6000) + DONE])[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is ErrorKind.PROVIDER_DOWN
    assert "too many lines, tags and blocks" in last.error.message


def test_an_answer_that_goes_to_and_fro_without_end_takes_no_memory_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.zai.buffer.SEGMENTS_LIMIT", 50)
    last = run(ZaiDecoder(), [(delta("a", "answer") + delta("b", "thinking")) * 30 + DONE])[-1]
    assert isinstance(last, Failure)
    assert "to and fro" in last.error.message
    assert isinstance(run(ZaiDecoder(), [(delta("a", "answer") + delta("b", "thinking")) * 20 + DONE])[-1], Finish)
