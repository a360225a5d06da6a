"""LongCat's decoder. No stream of the real site is public: all of these are synthetic."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Citation, Event, Failure, Finish, Reasoning, Text, Usage
from providers.longcat import final
from providers.longcat.decoder import CHECK_LIMIT_CHARS, LongCatDecoder
from tests.providers import synthetic_fixtures as synthetic
from tests.support.decoding import RECORDINGS, joined, run, same_at_every_cut, text_of


def frame(value: Any) -> bytes:
    return b"data:" + json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n\n"


def event(kind: str, content: Any = None, **more: Any) -> bytes:
    return frame({"event": {"type": kind, "content": content, **more}, "lastOne": False})


FINISH = event("finish", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3})


@pytest.mark.parametrize("name", synthetic.names("longcat"))
def test_every_fixture_says_the_same_at_every_cut(name: str) -> None:
    body = synthetic.body("longcat", name)
    assert joined(same_at_every_cut(LongCatDecoder, body)) == joined(run(LongCatDecoder(), [body]))
    decoder = LongCatDecoder()
    assert synthetic.told(run(decoder, [body]), decoder) == synthetic.expected("longcat", name)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_other_line_ends_change_nothing(line_end: bytes) -> None:
    body = synthetic.body("longcat", "synthetic-thinking-search.sse")
    expected = joined(run(LongCatDecoder(), [body]))
    assert joined(run(LongCatDecoder(), [body.replace(b"\n", line_end)])) == expected


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        pytest.param(["你", "好"], "你好", id="pieces"),
        pytest.param(["ha", "ha", "!"], "haha!", id="equal-pieces"),
        pytest.param(["ha", "ha", "haha"], "hahahaha", id="decided-once"),
        pytest.param(["Hel", "Hello", "Hello there"], "Hello there", id="snapshots"),
        pytest.param(["", "Hel", "", "Hello"], "Hello", id="empty-frames-decide-nothing"),
    ],
)
def test_pieces_and_snapshots_are_told_apart_by_the_first_two_frames(pieces: list[str], text: str) -> None:
    stream = b"".join(event("content", piece) for piece in pieces) + FINISH
    assert text_of(run(LongCatDecoder(), [stream])) == text


def test_answer_and_thinking_are_decided_apart() -> None:
    stream = b"".join(
        [event("think", "a"), event("content", "x"), event("think", "ab"), event("content", "x"), event("think", "abc")]
    )
    decoder = LongCatDecoder()
    told = synthetic.told(run(decoder, [stream + FINISH]), decoder)
    assert (told["reasoning"], told["text"]) == ("abc", "xx")


@pytest.mark.parametrize(
    ("frames", "usage"),
    [
        pytest.param(event("finish", usage={"inputTokens": 1, "outputTokens": 2}), Usage(1, 2, 3), id="no-total"),
        pytest.param(event("finish", usage={"inputTokens": -1, "outputTokens": 2}), None, id="negative"),
        pytest.param(event("finish", usage={"inputTokens": True, "outputTokens": 2}), None, id="no-number"),
        pytest.param(event("finish", usage={"inputTokens": 10**400, "outputTokens": 2}), None, id="giant"),
        pytest.param(event("finish", usage=[1]), None, id="no-object"),
        pytest.param(
            frame({"tokenInfo": {"promptTokens": 7, "completionTokens": 8}, "event": {"type": "create"}}) + FINISH,
            Usage(1, 2, 3),
            id="event-before-frame",
        ),
        pytest.param(
            frame({"tokenInfo": {"promptTokens": 0, "completionTokens": 0}, "event": {"type": "finish"}}),
            None,
            id="nothing-counted",
        ),
        pytest.param(
            frame({"tokenInfo": {"promptTokens": 9, "completionTokens": 9, "hasTokens": False}, "lastOne": True}),
            None,
            id="said-to-be-none",
        ),
        pytest.param(
            frame({"tokenInfo": {"promptTokens": 7, "completionTokens": 8}, "event": {"type": "finish"}}),
            Usage(7, 8, 15),
            id="frame-alone",
        ),
    ],
)
def test_usage(frames: bytes, usage: Usage | None) -> None:
    events = run(LongCatDecoder(), [event("content", "x") + frames])
    assert [e for e in events if isinstance(e, Usage)] == ([usage] if usage else [])


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//x.example", "", 5, None])
def test_what_is_no_web_address_is_no_citation(url: object) -> None:
    found = event("search", {"resultList": [{"title": "T", "url": url}]})
    events = run(LongCatDecoder(), [found + event("content", "x") + FINISH])
    assert events[-1] == Finish("stop")
    assert not [e for e in events if isinstance(e, Citation)]


def test_an_event_of_5_mb_ends_the_answer_and_the_words_before_it_are_said() -> None:
    stream = event("content", "x") + event("content", "y" * 5_000_000) + FINISH
    for pieces in ([stream], [stream[i : i + 65536] for i in range(0, len(stream), 65536)]):
        events = run(LongCatDecoder(), pieces)
        assert text_of(events) == "x"
        assert isinstance(events[-1], Failure)


def test_an_answer_too_long_to_check_is_delivered_unchecked() -> None:
    piece = event("content", "ab" * 500_000)
    decoder = LongCatDecoder()
    events = run(decoder, [piece] * 5 + [event("finish", finalContentX="other")])
    assert len(text_of(events)) == 5_000_000 > CHECK_LIMIT_CHARS
    assert (events[-1], decoder.unknown) == (Finish("stop"), {})


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(FINISH, id="finish"),
        pytest.param(frame({"event": {"type": "content", "content": ""}, "lastOne": True}), id="last-one"),
        pytest.param(frame({"lastOne": True}), id="last-one-alone"),
        pytest.param(frame({"choices": [{"delta": {"content": ""}}], "content": "", "lastOne": True}), id="old"),
        pytest.param(b"data: [DONE]\n\n", id="done-mark"),
        pytest.param(event("search", {"resultList": [{"url": "https://a.example/"}]}) + FINISH, id="only-sources"),
        pytest.param(event("image", {"taskResult": []}) + FINISH, id="only-a-picture"),
    ],
)
def test_an_answer_without_a_word_is_a_fault_of_the_site(frames: bytes) -> None:
    events = run(LongCatDecoder(), [event("create") + frames])
    assert [type(e) for e in events] == [Failure]
    assert isinstance(events[0], Failure)
    assert events[0].error.kind is ErrorKind.PROVIDER_DOWN
    assert "without a word" in events[0].error.message


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(event("finish", finishType="sensitive"), id="finish-type"),
        pytest.param(frame({"event": {"type": "content", "content": ""}, "sensitive": True, "lastOne": True}), id="v2"),
        pytest.param(frame({"choices": [], "content": "", "sensitive": True, "lastOne": True}), id="old"),
    ],
)
def test_a_filtered_answer_without_a_word_is_filtered(frames: bytes) -> None:
    assert run(LongCatDecoder(), [event("create") + frames]) == [Finish("content_filter")]


@pytest.mark.parametrize("end", [FINISH, frame({"lastOne": True}), b"data: [DONE]\n\n"], ids=["finish", "last", "done"])
def test_thinking_alone_is_no_answer(end: bytes) -> None:
    thought, failure = run(LongCatDecoder(), [event("think", "hm") + end])
    assert thought == Reasoning("hm")
    assert isinstance(failure, Failure)
    assert "without a word of an answer" in failure.error.message


@pytest.mark.parametrize("data", [b"data:%s\n\n", b"%s", b"%s\n"], ids=["frame", "body", "line"])
@pytest.mark.parametrize("custom", [{"riskLevel": "199"}, {"requestCode": "x"}], ids=["risk", "request"])
def test_a_security_check_inside_a_stream_is_a_challenge(data: bytes, custom: dict[str, str]) -> None:
    events = run(LongCatDecoder(), [data % json.dumps({"customData": custom}).encode()])
    assert isinstance(events[-1], Failure)
    assert events[-1].error.kind is ErrorKind.CHALLENGE


@pytest.mark.parametrize("custom", [None, {}])
def test_an_empty_custom_field_is_no_refusal(custom: Any) -> None:
    old = frame({"choices": [], "content": "x", "customData": custom, "lastOne": True})
    assert run(LongCatDecoder(), [old]) == [Text("x"), Finish("stop")]


def test_a_flood_of_unknown_kinds_is_counted_in_bounded_memory() -> None:
    decoder = LongCatDecoder()
    run(decoder, [b"".join(event(f"kind{i}") for i in range(500)) + FINISH])
    assert len(decoder.unknown) <= 65
    assert sum(decoder.unknown.values()) == 500


def test_surrogate_halves_in_results_do_no_harm() -> None:
    odd = '{"choices":[],"content":"x","searchResults":"[{\\"url\\":\\"https://a.example/\\ud83d\\"}]","lastOne":true}'
    assert run(LongCatDecoder(), [b"data: " + odd.encode() + b"\n\n"])[-1] == Finish("stop")


def test_the_hot_path_gives_each_piece_at_once() -> None:
    decoder = LongCatDecoder()
    assert decoder.feed(event("content", "a")) == [Text("a")]
    assert decoder.feed(event("content", "b")) == [Text("b")]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["event", "type", "content", "code", "message", "lastOne", "choices", "delta", "usage", "url"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.one_of(JSON_VALUES.map(frame), st.binary(max_size=12), st.just(FINISH)), max_size=6), st.integers(0))
def test_anything_ends_once_and_the_same_at_every_cut(frames: list[bytes], cut: int) -> None:
    stream = b"".join(frames)
    cut %= len(stream) + 1
    assert joined(run(LongCatDecoder(), [stream[:cut], stream[cut:]])) == joined(run(LongCatDecoder(), [stream]))


@given(
    st.sampled_from(synthetic.names("longcat")),
    st.lists(st.integers(0, 2**16), max_size=8),
)
def test_fixtures_at_random_cuts(name: str, cuts: list[int]) -> None:
    body = synthetic.body("longcat", name)
    marks = sorted(cut % (len(body) + 1) for cut in cuts)
    pieces = [body[a:b] for a, b in zip([0, *marks], [*marks, len(body)], strict=True)]
    assert joined(run(LongCatDecoder(), pieces)) == joined(run(LongCatDecoder(), [body]))


def test_the_recording_says_what_it_holds_at_every_cut() -> None:
    file = RECORDINGS / "longcat" / "synthetic-chat-v2.sse"
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    events: list[Event] = same_at_every_cut(LongCatDecoder, file.read_bytes())
    assert joined(events) == [Text("你好"), Usage(12, 2, 14), Finish("stop")]


def read(frames: bytes, *, remarks: bool) -> tuple[str, str, list[str]]:
    """Thinking, answer and notes; the same at every cut."""
    same_at_every_cut(lambda: LongCatDecoder(remarks=remarks), frames)
    decoder = LongCatDecoder(remarks=remarks)
    told = synthetic.told(run(decoder, [frames]), decoder)
    return told["reasoning"], told["text"], list(told["unknown"])


STEPS = event("content", "step one") + event("content", "step two")


@pytest.mark.parametrize(
    ("frames", "thinking", "answer"),
    [
        pytest.param(STEPS + event("finish", finalContentX="answer"), "step onestep two", "answer", id="final-x"),
        pytest.param(STEPS + event("finish", finalContent="answer"), "step onestep two", "answer", id="final"),
        pytest.param(
            STEPS + event("finish", finalContentX="", finalContent="answer"), "step onestep two", "answer", id="empty-x"
        ),
        pytest.param(STEPS + FINISH, "step onestep two", "step onestep two", id="nothing-is-final"),
        pytest.param(
            STEPS + frame({"event": {"type": "content", "content": "!"}, "lastOne": True}),
            "step onestep two!",
            "step onestep two!",
            id="last-one",
        ),
        pytest.param(event("think", "hm") + STEPS + FINISH, "hm", "step onestep two", id="thinking-of-its-own"),
        pytest.param(
            event("content", "First. ") + event("reason", "hm") + event("content", "answer") + FINISH,
            "First. hm",
            "answer",
            id="remark-then-thinking",
        ),
        pytest.param(
            event("content", "First. ") + event("summary", "2 s") + event("content", "answer") + FINISH,
            "First. ",
            "answer",
            id="end-of-thinking",
        ),
        pytest.param(event("search", {"query": "q"}) + STEPS + FINISH, "", "step onestep two", id="search-after-all"),
        pytest.param(event("finish", finalContentX="answer"), "", "answer", id="final-alone"),
    ],
)
def test_opening_remarks_are_thinking(frames: bytes, thinking: str, answer: str) -> None:
    assert read(frames, remarks=True)[:2] == (thinking, answer)


@pytest.mark.parametrize("remarks", [False, True])
@pytest.mark.parametrize(
    ("said", "final", "answer", "noted"),
    [
        pytest.param("Hello wor", "Hello world", "Hello world", False, id="goes-on"),
        pytest.param("Hello world", "Hello  world\n", "Hello world", False, id="white-space"),
        pytest.param("Let me see. Hello", "Hello", "Let me see. Hello", True, id="part-of-it"),
        pytest.param("Let me see.", "Hello", "Let me see.\n\nHello", True, id="another"),
    ],
)
def test_what_is_called_final_reaches_the_client(
    said: str, final: str, answer: str, noted: bool, *, remarks: bool
) -> None:
    frames = event("think", "hm") + event("content", said) + event("finish", finalContentX=final)
    thinking, told, drift = read(frames, remarks=remarks)
    assert (thinking, told) == ("hm", answer)
    assert bool(drift) is noted


@pytest.mark.parametrize("remarks", [False, True])
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(event("finish", finalContentX={"content": "answer"}), id="object"),
        pytest.param(event("finish", finalContentX=[{"type": "text", "text": "ans"}, "wer"]), id="list"),
        pytest.param(event("finish", finalContentX=" \n", finalContent="answer"), id="blank-x"),
        pytest.param(event("finish", finalContentX=7, finalContent="answer"), id="number-for-x"),
        pytest.param(event("finish", finalContentX="answer", finalContent="answer"), id="both"),
        pytest.param(event("finish", "answer"), id="content-of-the-end"),
        pytest.param(event("content", "", finalContent="answer") + FINISH, id="before-the-end"),
        pytest.param(event("summary", "2 s", finalContentX="answer") + b"data: [DONE]\n\n", id="of-another-event"),
        pytest.param(frame({"event": {"type": "finish"}, "finalContent": "answer", "lastOne": True}), id="around"),
        pytest.param(frame({"finalContent": "answer", "lastOne": True}), id="around-nothing"),
        pytest.param(
            frame({"event": {"type": "content", "content": "", "finalContent": "answer"}, "lastOne": True}),
            id="last-content",
        ),
    ],
)
def test_a_final_text_reaches_the_client_wherever_it_stands(end: bytes, *, remarks: bool) -> None:
    _, told, drift = read(STEPS + end, remarks=remarks)
    assert told == ("answer" if remarks else "step onestep two\n\nanswer")
    assert drift == ([] if remarks else ["finalContentX differs"])


def test_two_final_texts_are_both_said_where_neither_holds_the_other() -> None:
    end = event("finish", finalContentX="answer", finalContent="another one")
    assert read(STEPS + end, remarks=True)[1] == "answer\n\nanother one"
    end = event("finish", finalContentX="The answer", finalContent="answer")
    assert read(STEPS + end, remarks=True)[1] == "The answer"


def test_a_final_text_that_goes_on_after_other_white_space_is_gone_on_with() -> None:
    end = event("finish", finalContent="\nHello  wide  world, and more.")
    assert read(event("think", "hm") + event("content", "Hello wide world") + end, remarks=True)[1:] == (
        "Hello wide world, and more.",
        [],
    )


def test_a_stream_cut_off_behind_its_final_text_gives_it_and_fails() -> None:
    events = run(LongCatDecoder(remarks=True), [STEPS + event("content", "", finalContent="answer")])
    assert text_of(events) == "answer"
    assert isinstance(events[-1], Failure)
    assert events[-1].error.kind is ErrorKind.INCOMPLETE


@pytest.mark.parametrize("content", [{"text": "Hello"}, ["Hel", {"content": "lo"}], {"content": {"text": "Hello"}}])
@pytest.mark.parametrize("kind", ["content", "think"])
def test_words_in_an_object_or_a_list_are_words(kind: str, content: Any) -> None:
    events = run(LongCatDecoder(), [event(kind, content) + event("content", "!") + FINISH])
    assert text_of(events) == ("Hello!" if kind == "content" else "!")
    assert Text("Hello") in events or Reasoning("Hello") in events


def test_remarks_too_long_to_keep_are_no_half_answer() -> None:
    """Thinking beyond the limit that no final follows is a failure; with one, that is the answer."""
    pieces = [event("content", "ab" * 500_000)] * 5
    told = run(LongCatDecoder(remarks=True), [*pieces, FINISH])
    assert isinstance(told[-1], Failure)
    assert text_of(told) == ""
    told = run(LongCatDecoder(remarks=True), [*pieces, event("finish", finalContent="answer")])
    assert (text_of(told), told[-1]) == ("answer", Finish("stop"))


def test_where_the_final_text_goes_on_is_found_by_reading_it_a_few_times_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []

    def squeezed(text: str) -> str:
        read.append(len(text))
        return "".join(text.split())

    monkeypatch.setattr(final, "_squeezed", squeezed)
    said = "some words " * 10_000
    assert final.missing(f" {said}and more", said) == " and more"
    assert sum(read) < 4 * len(said)


@pytest.mark.parametrize(
    ("whole", "said", "rest"),
    [("a  b c", "a b", " c"), (" ab", "a", "b"), ("ab", "a b", ""), ("\n a", "", "\n a"), (" \na b", "a", " b")],
)
def test_white_space_does_not_count_where_a_final_text_goes_on(whole: str, said: str, rest: str) -> None:
    assert final.missing(whole, said) == rest
