"""Z.AI's stream decoder. Streams written here are synthetic; recorded ones are used where they are at hand."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Citation, Event, Failure, Finish, Image, Usage, Withdrawn
from providers.shared.citations import CitationStyle
from providers.zai.decoder import ZaiDecoder
from tests.support.decoding import RECORDINGS, joined, reasoning_of, run, same_at_every_cut, text_of


def frame(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def data(**fields: Any) -> bytes:
    return frame({"type": "chat:completion", "data": fields})


def delta(text: str, phase: str = "answer") -> bytes:
    return data(delta_content=text, phase=phase)


def edit(index: int, text: str, phase: str = "answer") -> bytes:
    return data(edit_index=index, edit_content=text, phase=phase)


DONE = data(phase="done", done=True)
HEARTBEAT = frame({"timestamp": 1, "type": "heartbeat"})


def failure(events: list[Event]) -> Any:
    assert isinstance(events[-1], Failure), events
    return events[-1].error


# -- the two text formats ---------------------------------------------------------------------------------------------
def test_plain_phases_with_last_words_behind_the_usage() -> None:
    usage = data(
        phase="other", usage={"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}}
    )
    stream = (
        HEARTBEAT + delta("I think", "thinking") + delta(" 🌏.", "thinking") + delta("你") + usage + delta("好") + DONE
    )
    events = same_at_every_cut(ZaiDecoder, stream)
    assert (reasoning_of(events), text_of(events)) == ("I think 🌏.", "你好")
    assert Usage(1, 2, 3, None, 3) in events
    assert events[-1] == Finish("stop")


OPENING = '<details type="reasoning" done="'


@pytest.mark.parametrize("tag", ['true">', 'true" duration="2">'])
@pytest.mark.parametrize("summary", ["", "<summary>Thought for 2 seconds</summary>\n"])
def test_details_are_reasoning_and_what_follows_is_the_answer(tag: str, summary: str) -> None:
    stream = (
        delta(f'{OPENING}false">\n> The user', "thinking")
        + delta(" asks.\n> \n> I answer.", "thinking")
        + edit(len(OPENING), f"{tag}\n{summary}> The user asks.\n> \n> I answer.\n</details>\nHello")
        + delta(" there")
        + DONE
    )
    events = same_at_every_cut(ZaiDecoder, stream)
    assert reasoning_of(events) == "The user asks.\n\nI answer."
    assert text_of(events) == "Hello there"


def test_last_words_as_an_edit_at_the_end_under_any_label() -> None:
    shown = f'{OPENING}true">\n> Hm.\n</details>\nSome words'
    for label in ("other", "tool_call", "answer"):
        stream = (
            delta(f'{OPENING}false">\n> Hm.', "thinking")
            + edit(len(OPENING), shown[len(OPENING) :])
            + edit(len(shown), " and the last.", label)
            + DONE
        )
        events = run(ZaiDecoder(), [stream])
        assert text_of(events) == "Some words and the last."


def test_edits_behind_characters_beyond_the_bmp() -> None:
    thought = "🌏🌍🌎 round"
    before = f'{OPENING}false">\n> {thought}'
    after = f'{OPENING}true">\n> {thought}\n</details>\nIt is 🌏'
    size = len(after.encode("utf-16-le")) // 2
    stream = (
        delta(before, "thinking") + edit(len(OPENING), after[len(OPENING) :]) + edit(size, " round.", "other") + DONE
    )
    events = same_at_every_cut(ZaiDecoder, stream)
    assert reasoning_of(events) == thought
    assert text_of(events) == "It is 🌏 round."


def test_old_style_whole_content() -> None:
    stream = data(content="Hel", phase="answer") + data(content="Hello", phase="answer") + DONE
    assert text_of(same_at_every_cut(ZaiDecoder, stream)) == "Hello"


@pytest.mark.parametrize("end", [DONE, b"data: [DONE]\n\n", b'data: {"data":"[DONE]"}\n\n', DONE + b"data: [DONE]\n\n"])
def test_every_end_mark_ends_the_answer(end: bytes) -> None:
    assert same_at_every_cut(ZaiDecoder, delta("x") + end)[-1] == Finish("stop")


# -- the page's own rules (its script of 2026-03) ---------------------------------------------------------------------
def whole_text(stream: bytes) -> str:
    """The answer as a client has it that waits for all of it; the same at every cut."""
    events = same_at_every_cut(lambda: ZaiDecoder(whole=True), stream)
    last = max((at + 1 for at, event in enumerate(events) if isinstance(event, Withdrawn)), default=0)
    return text_of(events[last:])


BLOCKS = [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "Hello"}]


@pytest.mark.parametrize(
    ("frames", "streamed", "whole"),
    [
        pytest.param(data(delta_content="a", content="b", edit_content="c", edit_index=0), "c", "c", id="edit first"),
        pytest.param(data(delta_content="a", content="b"), "b", "b", id="content before delta"),
        pytest.param(
            delta("Hello") + data(delta_content="IGNORED", edit_content=" you", edit_index=5),
            "Hello you",
            "Hello you",
            id="delta beside an edit",
        ),
        pytest.param(
            delta("Hello world") + edit(5, "") + delta("!!!"), "Hello world!!!", "Hello world!!!", id="empty edit"
        ),
        pytest.param(
            delta("Hello") + data(edit_content="", delta_content="!", edit_index=0),
            "Hello!",
            "Hello!",
            id="empty edit beside a delta",
        ),
        pytest.param(
            delta("Hello") + data(edit_content="Hello you"), "Hello you", "Hello you", id="edit without index"
        ),
        pytest.param(delta("Hello") + data(edit_content=" you", edit_index=None), "Hello", " you", id="index null"),
        pytest.param(delta("Hello") + edit(-2, "Hello you"), "Hello you", "Hello you", id="negative index"),
        pytest.param(delta("Hello") + edit(99, " you"), "Hello you", "Hello you", id="index beyond the end"),
        pytest.param(delta("Hello world") + edit(5, " and all."), "Hello world all.", "Hello and all.", id="rewritten"),
        pytest.param(
            delta("Hello world") + edit(5, " you") + delta(" there, friend"),
            "Hello world there, friend",
            "Hello you there, friend",
            id="shorter, then on",
        ),
        pytest.param(
            delta("你好世界") + edit(2, "朋友们，早上好"),
            "你好世界们，早上好",
            "你好朋友们，早上好",
            id="no words to part",
        ),
        pytest.param(delta("🌏🌏 aa") + edit(5, "bb cc"), "🌏🌏 aa cc", "🌏🌏 bb cc", id="UTF-16 units"),
        pytest.param(
            delta("Main ") + data(delta_content="SUB", scope="subagent", agent_id="1") + delta("answer", "answer"),
            "Main answer",
            "Main answer",
            id="a sub-agent's",
        ),
        pytest.param(data(delta_content="Main", scope="legacy"), "Main", "Main", id="scope legacy"),
        pytest.param(data(content_blocks=BLOCKS), "Hello", "Hello", id="blocks"),
        pytest.param(
            data(content_blocks=BLOCKS) + data(content_blocks=[BLOCKS[0], {"type": "text", "content": "Hello you"}]),
            "Hello you",
            "Hello you",
            id="blocks grow",
        ),
        pytest.param(
            data(content_blocks=[{"type": "tool_calls", "content": "x"}, 7, {"type": "text", "text": "a"}]),
            "a",
            "a",
            id="odd blocks",
        ),
        pytest.param(delta("</think>\n\nHello"), "Hello", "Hello", id="stray closing tag"),
        pytest.param(
            delta("hm", "thinking") + delta("</thi") + delta("nk>Hello"), "Hello", "Hello", id="stray tag in two"
        ),
        pytest.param(delta("</thi"), "</thi", "</thi", id="no tag after all"),
        pytest.param(delta("Use </think> so"), "Use </think> so", "Use </think> so", id="tag in the middle"),
    ],
)
def test_the_pages_rules_for_a_frame(frames: bytes, streamed: str, whole: str) -> None:
    assert text_of(same_at_every_cut(ZaiDecoder, frames + DONE)) == streamed
    assert whole_text(frames + DONE) == whole


def test_a_rewritten_answer_is_counted() -> None:
    decoder = ZaiDecoder()
    run(decoder, [delta("Hello world") + edit(5, " and all.") + DONE])
    assert decoder.unknown == {"edit of text already given out": 1}


MANY_TAGS = delta("<glm_block a>{}</glm_block>" * 2000) * 3
"""Three frames, none of them too much to read."""


def test_a_few_words_take_back_no_more_than_is_read_again_at_once() -> None:
    """Megabytes of tags took two seconds to read again for a frame of a hundred bytes; meanwhile all others wait."""
    events = run(ZaiDecoder(), [MANY_TAGS + edit(0, "x") + DONE])
    assert failure(events).kind is ErrorKind.PROVIDER_DOWN
    assert "not read again" in failure(events).message


def test_what_is_too_much_to_say_again_is_a_failure_and_no_half_answer() -> None:
    changed = delta("first") + edit(0, "<glm_block a>{}</glm_block>second")
    events = run(ZaiDecoder(whole=True), [changed + MANY_TAGS + DONE])
    assert "not read again" in failure(events).message
    assert not any(isinstance(event, Finish | Withdrawn) for event in events)


def test_a_rewritten_answer_keeps_thinking_pictures_and_sources() -> None:
    stream = (
        delta("I think.", "thinking")
        + SEARCH
        + delta("One is【turn0search0】 so, and")
        + edit(len("I think."), "Two are【turn0search1】.")
        + DONE
    )
    events = run(ZaiDecoder(whole=True), [stream])
    after = events[events.index(Withdrawn()) + 1 :]
    assert (reasoning_of(after), text_of(after)) == ("I think.", "Two are.")
    assert [(c.url, c.start) for c in after if isinstance(c, Citation)] == [("https://b.example/", 7)]


# -- the site's own tools and citations -------------------------------------------------------------------------------
REFS = "[ref_id=turn0search0†A title†https://a.example/x]\n[ref_id=turn0search1†B†https://b.example/]"
SEARCH = (
    data(phase="tool_call", delta_name="search", delta_arguments='{"q":', metadata={"tool_call_id": "1"})
    + data(phase="tool_call", delta_arguments='"x"}')
    + data(phase="tool_response", tool_name="search", status="completed", delta_content=REFS, metadata={})
)


@pytest.mark.parametrize(
    ("style", "text", "spans"),
    [
        ("annotations", "One is so.", [(6, 6)]),
        ("links", "One is[[1]](https://a.example/x) so.", [(6, 32)]),
        ("raw", "One is【turn0search0】 so.", [(6, 20)]),
    ],
)
def test_marks_split_over_frames_become_citations(
    style: CitationStyle, text: str, spans: list[tuple[int, int]]
) -> None:
    stream = SEARCH + delta("One is【turn0") + delta("search0】 so.") + DONE
    events = same_at_every_cut(lambda: ZaiDecoder(style), stream)
    assert text_of(events) == text
    found = [event for event in events if isinstance(event, Citation)]
    assert [(c.url, c.title, (c.start, c.end)) for c in found] == [("https://a.example/x", "A title", spans[0])]


def test_ordinary_brackets_stay() -> None:
    stream = SEARCH + delta("【注意】 read this 【turn") + delta("ing】") + DONE
    assert text_of(same_at_every_cut(ZaiDecoder, stream)) == "【注意】 read this 【turning】"


def test_blocks_of_the_older_tools_give_sources_and_pictures_and_no_text() -> None:
    result = [
        {"search_result": [{"title": "T", "url": "https://t.example/", "index": 1}]},
        {"type": "image_url", "image_url": {"url": "https://img.example/1.png"}},
    ]
    meta = {"id": "1", "name": "search", "arguments": "{}", "result": json.dumps(result)}
    tool = json.dumps({"type": "mcp", "data": {"metadata": meta}})
    block = f'<glm_block view="" tool_call_name="search">{tool}</glm_block>'
    events = same_at_every_cut(ZaiDecoder, edit(0, block, "tool_call") + delta("Found【1†source】.") + DONE)
    assert text_of(events) == "Found."
    assert Image("https://img.example/1.png") in events
    assert [event.url for event in events if isinstance(event, Citation)] == ["https://t.example/"]


# -- errors -----------------------------------------------------------------------------------------------------------
def error(code: Any, detail: str = "", **more: Any) -> bytes:
    return frame({"data": {"error": {"code": code, "detail": detail, **more}, "done": True}, "type": "chat:completion"})


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        pytest.param(error("FRONTEND_CAPTCHA_REQUIRED", "Please refresh"), ErrorKind.CHALLENGE, id="captcha"),
        pytest.param(error(401, "INVALID_TOKEN"), ErrorKind.SESSION_EXPIRED, id="session"),
        pytest.param(error("MODEL_CONCURRENCY_LIMIT"), ErrorKind.RATE_LIMITED, id="concurrency"),
        pytest.param(error("MODEL_NOT_FOUND"), ErrorKind.MODEL_UNAVAILABLE, id="model"),
        pytest.param(error("APP_VERSION_OUTDATED"), ErrorKind.OUTDATED_CLIENT, id="outdated"),
        pytest.param(error("INTERNAL_ERROR"), ErrorKind.PROVIDER_DOWN, id="internal without text"),
        pytest.param(
            frame({"error": {"code": 403, "detail": {"code": "X", "message": "user level"}}}),
            ErrorKind.MODEL_UNAVAILABLE,
            id="nested detail",
        ),
        pytest.param(
            frame({"data": {"data": {"error": {"code": "INVALID_TOKEN"}}}}), ErrorKind.SESSION_EXPIRED, id="doubled"
        ),
        pytest.param(b"", ErrorKind.INCOMPLETE, id="nothing at all"),
        pytest.param(HEARTBEAT, ErrorKind.INCOMPLETE, id="only a heartbeat"),
        pytest.param(delta("some text"), ErrorKind.INCOMPLETE, id="no end mark"),
        pytest.param(delta("x") + b"data: {broken\n\n", ErrorKind.PROVIDER_DOWN, id="broken JSON"),
        pytest.param(delta("x") + error("INVALID_TOKEN"), ErrorKind.SESSION_EXPIRED, id="error after text"),
        pytest.param(
            delta("x", "thinking") + error("INTERNAL_ERROR"), ErrorKind.PROVIDER_DOWN, id="internal after thinking"
        ),
    ],
)
def test_errors_keep_their_meaning(stream: bytes, kind: ErrorKind) -> None:
    assert failure(same_at_every_cut(ZaiDecoder, stream)).kind is kind


def test_internal_error_after_text_is_the_end_where_no_chat_was_made() -> None:
    stream = delta("All of it.") + error("INTERNAL_ERROR", "chat not found")
    events = same_at_every_cut(ZaiDecoder, stream)
    assert (text_of(events), events[-1]) == ("All of it.", Finish("stop"))
    assert failure(same_at_every_cut(lambda: ZaiDecoder(in_chat=True), stream)).kind is ErrorKind.CONVERSATION_GONE


def test_unknown_frames_are_counted_and_passed_over() -> None:
    decoder = ZaiDecoder()
    stream = (
        frame({"type": "chat:mood", "data": {}})
        + data(phase="dreaming", delta_content="zzz", mood=1)
        + delta("x")
        + DONE
    )
    assert text_of(run(decoder, [stream])) == "x"
    assert decoder.unknown == {"type chat:mood": 1, "phase dreaming": 1, "field mood": 1}


def test_invalid_utf8_and_split_characters() -> None:
    stream = b'data: {"type":"chat:completion","data":{"phase":"answer","delta_content":"a\xffb"}}\n\n' + DONE
    assert text_of(same_at_every_cut(ZaiDecoder, stream)) == "a\ufffdb"


def test_an_event_without_end_is_bounded() -> None:
    decoder = ZaiDecoder()
    events: list[Event] = decoder.feed(b'data: {"x":"')
    while not events:
        events = decoder.feed(b"x" * 1024 * 1024)
    assert failure(events).kind is ErrorKind.PROVIDER_DOWN


FRAMES = st.lists(
    st.one_of(
        st.builds(delta, st.text(max_size=8), st.sampled_from(["answer", "thinking", "tool_call", "other", "x"])),
        st.builds(edit, st.integers(-3, 60), st.text(max_size=12), st.sampled_from(["answer", "other"])),
        st.sampled_from(
            [
                HEARTBEAT,
                SEARCH,
                edit(0, '<details type="reasoning" done="true">\n> r\n</details>\na'),
                delta("<det"),
                DONE,
            ]
        ),
        st.binary(max_size=20),
    ),
    max_size=8,
)


@given(FRAMES, st.lists(st.integers(0, 600), max_size=5))
def test_any_frames_at_any_cut_end_once_and_alike(frames: list[bytes], places: list[int]) -> None:
    stream = b"".join(frames)
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert joined(run(ZaiDecoder(), pieces)) == joined(run(ZaiDecoder(), [stream]))


# -- recordings -------------------------------------------------------------------------------------------------------
def recorded(name: str) -> bytes:
    file = RECORDINGS / "zai" / name
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    return file.read_bytes()


def frames_in(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:])["data"] for line in stream.decode().splitlines() if line.startswith("data: ")]


@pytest.mark.untraced
@pytest.mark.parametrize("name", ["glm-5-chat-2026-03-17.sse", "glm-5-agent-2026-03-17.sse"])
def test_recorded_plain_streams_say_exactly_what_they_hold(name: str) -> None:
    stream = recorded(name)
    events = same_at_every_cut(ZaiDecoder, stream)
    frames = frames_in(stream)
    assert text_of(events) == "".join(f.get("delta_content", "") for f in frames if f["phase"] == "answer")
    assert reasoning_of(events) == "".join(f.get("delta_content", "") for f in frames if f["phase"] == "thinking")
    usage = next(f["usage"] for f in frames if "usage" in f)
    found = next(event for event in events if isinstance(event, Usage))
    assert (found.prompt_tokens, found.completion_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert events[-1] == Finish("stop")


def test_recorded_edit_stream_says_exactly_what_it_holds() -> None:
    stream = recorded("edit-index-2026-09-13.sse")
    buffer = ""
    for data_frame in frames_in(stream):
        if "edit_content" in data_frame:
            buffer = buffer[: data_frame["edit_index"]] + data_frame["edit_content"]
        buffer += data_frame.get("delta_content", "")
    quoted, _, answer = buffer.partition("</details>\n")
    lines = [line.removeprefix(">").removeprefix(" ") for line in quoted.split("\n")[1:]]
    events = same_at_every_cut(ZaiDecoder, stream)
    assert text_of(events) == answer
    assert reasoning_of(events) == "\n".join(lines).strip()


def test_recorded_captcha_is_a_challenge() -> None:
    assert failure(same_at_every_cut(ZaiDecoder, recorded("captcha-2026-05-12.sse"))).kind is ErrorKind.CHALLENGE
