"""Z.AI's decoder on the rarer frames of its protocol. All streams here are synthetic."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Citation, Event, Failure, Finish, Image
from providers.zai.decoder import ZaiDecoder
from tests.providers.zai.test_decoder import DONE, HEARTBEAT, SEARCH, data, delta, edit, error, frame
from tests.support.decoding import reasoning_of, run, same_at_every_cut, text_of


def response(content: str, **more: Any) -> bytes:
    return data(phase="tool_response", tool_name="s", status="completed", delta_content=content, **more)


def block(value: Any) -> str:
    return f'<glm_block view="" tool_call_name="s">{json.dumps(value)}</glm_block>'


def sources_of(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.url, event.title) for event in events if isinstance(event, Citation)]


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
ITEM = {"title": "T", "url": "https://t.example/", "index": 4, "ref_id": "turn0search3"}
REF = "[ref_id=turn0search3†T†https://t.example/]"


@pytest.mark.parametrize("mark", ["【turn0search3】", "【turn0search3†L1-L9】"])
@pytest.mark.parametrize(
    "named",
    [
        pytest.param(response(REF), id="text of a tool"),
        pytest.param(response(REF[:20]) + response(REF[20:]), id="text split over frames"),
        pytest.param(response("", metadata={"browser": {"search_result": [ITEM]}}), id="metadata of a frame"),
        pytest.param(edit(0, block({"data": {"search_result": [ITEM]}}), "tool_call"), id="block"),
        pytest.param(
            edit(0, block({"data": {"metadata": {"result": json.dumps({"search_result": [ITEM]})}}})), id="JSON in JSON"
        ),
        pytest.param(edit(0, block({"data": {"metadata": {"result": f"Found: {REF}"}}})), id="reference in a block"),
    ],
)
def test_sources_are_found_wherever_the_site_puts_them(named: bytes, mark: str) -> None:
    events = same_at_every_cut(ZaiDecoder, named + delta(f"So{mark}.") + DONE)
    assert text_of(events) == "So."
    assert sources_of(events) == [("https://t.example/", "T")]
    assert next(e.start for e in events if isinstance(e, Citation)) == 2


def test_a_title_may_hold_brackets() -> None:
    stream = (
        response("[ref_id=turn0search0†[PDF] A [new] paper†https://a.example/p]") + delta("So【turn0search0】.") + DONE
    )
    assert sources_of(same_at_every_cut(ZaiDecoder, stream)) == [("https://a.example/p", "[PDF] A [new] paper")]


def test_a_mark_with_a_label_of_any_words_may_be_split() -> None:
    named = edit(0, block({"data": {"search_result": [ITEM]}}))
    events = same_at_every_cut(ZaiDecoder, named + delta("a【4†the sour") + delta("ce (x)】b") + DONE)
    assert text_of(events) == "ab"
    assert sources_of(events) == [("https://t.example/", "T")]


def test_one_mark_may_name_several_sources() -> None:
    events = same_at_every_cut(ZaiDecoder, SEARCH + delta("So【turn0search0, turn0search1】.") + DONE)
    assert [url for url, _ in sources_of(events)] == ["https://a.example/x", "https://b.example/"]


def test_a_picture_is_shown_once_though_its_block_is_read_again() -> None:
    result = [{"type": "image_url", "image_url": {"url": "https://img.example/1.png"}}]
    tool = block({"data": {"metadata": {"result": json.dumps(result)}}})
    stream = (
        edit(0, tool + "Look") + delta(" here") + edit(len(tool + "Look here"), " and") + edit(len(tool), "Look here")
    )
    events = same_at_every_cut(ZaiDecoder, stream + DONE)
    assert [event for event in events if isinstance(event, Image)] == [Image("https://img.example/1.png")]


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
