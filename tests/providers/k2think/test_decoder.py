"""K2Think's decoder. No recording is public: all of these are synthetic, from descriptions of the protocol."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish, FinishReason, Reasoning, Text, Usage
from providers.k2think.decoder import BODY_LIMIT_BYTES, K2ThinkDecoder
from providers.k2think.whole import PIECE_CHARS
from tests.providers import synthetic_fixtures as synthetic
from tests.support.decoding import joined, reasoning_of, run, same_at_every_cut, text_of


def frames(*values: Any) -> bytes:
    return b"".join(b"data: " + (v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n\n" for v in values)


def chunk(content: str, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": reason}]}


@pytest.mark.parametrize("name", synthetic.names("k2think"))
def test_every_fixture_says_the_same_at_every_cut(name: str) -> None:
    body = synthetic.body("k2think", name)
    same_at_every_cut(K2ThinkDecoder, body)
    decoder = K2ThinkDecoder()
    assert synthetic.told(run(decoder, [body]), decoder) == synthetic.expected("k2think", name)


@pytest.mark.parametrize("name", synthetic.names("k2think"))
def test_told_at_once_every_fixture_has_the_same_answer_and_end(name: str) -> None:
    """Reasoning that no tag opens is told while it comes, also where it turns out to have been the answer."""
    body = synthetic.body("k2think", name)
    waited, told = run(K2ThinkDecoder(), [body]), same_at_every_cut(lambda: K2ThinkDecoder(eager=True), body)
    assert text_of(told) == text_of(waited).strip()
    assert joined(told)[-1:] == joined(waited)[-1:]
    assert reasoning_of(waited) in (reasoning_of(told), "")


def test_what_no_tag_opens_is_told_at_once() -> None:
    decoder = K2ThinkDecoder(eager=True)
    assert decoder.feed(frames(chunk("so "), chunk("be"))) == [Reasoning("so"), Reasoning(" be")]
    assert decoder.feed(frames(chunk("cause</think>"), chunk("four"))) == [Reasoning("cause"), Text("four")]


@pytest.mark.parametrize(
    ("text", "answer"), [("four", "four"), ("so<answer>four</answer>", "four"), ("<think>four", "four")]
)
def test_what_no_tag_closes_was_the_answer(text: str, answer: str) -> None:
    body = frames(*(chunk(letter) for letter in text), chunk("", "stop"), b"[DONE]")
    assert text_of(run(K2ThinkDecoder(eager=True), [body])) == answer


def test_a_text_cut_off_is_never_told_twice() -> None:
    for end in (b"", frames(chunk("", "length"), b"[DONE]")):
        events = run(K2ThinkDecoder(eager=True), [frames(chunk("so I "), chunk("think")) + end])
        assert (text_of(events), reasoning_of(events)) == ("", "so I think")


@given(st.sampled_from(synthetic.names("k2think")), st.lists(st.integers(0, 2**16), max_size=8))
def test_fixtures_at_random_cuts(name: str, cuts: list[int]) -> None:
    body = synthetic.body("k2think", name)
    marks = sorted(cut % (len(body) + 1) for cut in cuts)
    pieces = [body[a:b] for a, b in zip([0, *marks], [*marks, len(body)], strict=True)]
    assert joined(run(K2ThinkDecoder(), pieces)) == joined(run(K2ThinkDecoder(), [body]))


# -- whole answers ----------------------------------------------------------------------------------------------------
def completion(content: Any, **choice: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}, **choice}]}).encode()


def test_a_whole_answer_is_given_in_pieces() -> None:
    events = run(K2ThinkDecoder(), [completion(f"{'r' * 900}</think>{'a' * 900}")])
    pieces = [event.text for event in events if isinstance(event, Text | Reasoning)]
    assert max(map(len, pieces)) == PIECE_CHARS
    assert (len(reasoning_of(events)), len(text_of(events))) == (900, 900)


@pytest.mark.parametrize(
    "lead", [pytest.param(b"\xef\xbb\xbf", id="mark"), pytest.param(b"\n \r\n" * 40, id="white-space")]
)
def test_what_stands_before_a_whole_answer_changes_nothing(lead: bytes) -> None:
    assert text_of(same_at_every_cut(K2ThinkDecoder, lead + completion("A"))) == "A"


@pytest.mark.parametrize(
    ("reason", "finish"), [(None, "stop"), ("stop", "stop"), ("tool_calls", "stop"), ("length", "length"), (5, "stop")]
)
def test_finish_reasons(reason: object, finish: FinishReason) -> None:
    assert run(K2ThinkDecoder(), [completion("R</think>A", finish_reason=reason)])[-1] == Finish(finish)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"choices":[]}', b'{"choices":[null]}', b'{"choices":{"a":1}}'])
def test_json_without_an_answer_is_a_fault_of_the_site(body: bytes) -> None:
    last = run(K2ThinkDecoder(), [body])[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is ErrorKind.PROVIDER_DOWN
    assert "form" in last.error.message


def test_a_body_without_end_is_not_kept() -> None:
    decoder = K2ThinkDecoder()
    events: list[Event] = decoder.feed(b'{"a":"')
    for _ in range(BODY_LIMIT_BYTES // 2**20 + 1):
        events += decoder.feed(b"x" * 2**20)
    assert [type(event) for event in events] == [Failure]
    assert decoder.close() == []


def test_a_stream_in_place_of_a_whole_answer_is_read() -> None:
    assert text_of(run(K2ThinkDecoder(), [b": hi\n\n" + frames(chunk("R</think>A", "stop"))])) == "A"


@pytest.mark.parametrize(
    "rest", [b"\nwords", b"\n" + completion("again"), b'{"choices":'], ids=["words", "twice", "half"]
)
def test_only_the_first_object_of_a_body_counts(rest: bytes) -> None:
    events = same_at_every_cut(K2ThinkDecoder, completion("R</think>A", finish_reason="stop") + rest)
    assert joined(events) == [Reasoning("R"), Text("A"), Finish("stop")]


@pytest.mark.parametrize("body", [b'{"choices":[{"mess', b'{"detail":"x"}{"a', b"[1] 2"])
def test_half_an_object_or_several_without_an_answer_are_none(body: bytes) -> None:
    last = same_at_every_cut(K2ThinkDecoder, body)[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is ErrorKind.INCOMPLETE


# -- streams ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("end", [b"-1", b"[DONE]", b"DONE", b"done", b'{"done":true}'])
def test_every_end_mark_ends_and_nothing_follows(end: bytes) -> None:
    events = run(K2ThinkDecoder(), [frames({"content": "x"}, end, {"content": "xy"}, end)])
    assert joined(events) == [Text("x"), Finish("stop")]


def test_pieces_behind_the_reasoning_are_given_at_once() -> None:
    decoder = K2ThinkDecoder()
    assert decoder.feed(frames(chunk("<think>R"))) == [Reasoning("R")]
    assert decoder.feed(frames(chunk("R</think>"))) == [Reasoning("R")]
    assert decoder.feed(frames(chunk("A"))) == [Text("A")]
    assert decoder.feed(frames(chunk("A"))) == [Text("A")]


def test_an_answer_behind_reasoning_in_its_own_field_is_given_at_once() -> None:
    decoder = K2ThinkDecoder()
    assert decoder.feed(frames({"choices": [{"delta": {"reasoning_content": "R"}}]})) == [Reasoning("R")]
    assert decoder.feed(frames(chunk("A"))) == [Text("A")]


def test_reasoning_in_its_own_field_is_preferred_to_the_tagged_one() -> None:
    own = {"choices": [{"delta": {"reasoning_content": "R"}}]}
    stream = frames(own, chunk("<think>oth"), chunk("er</thi"), chunk("nk>A"), chunk("", "stop"), b"[DONE]")
    assert joined(same_at_every_cut(K2ThinkDecoder, stream)) == [Reasoning("R"), Text("A"), Finish("stop")]


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_a_thinking_that_never_closes_is_the_answer_of_a_stream_that_ends_well(reason: FinishReason) -> None:
    """Passed on as reasoning while it came, for the tag said so; but it was all there was."""
    stream = frames(chunk("<think>\non"), chunk("ly "), chunk("this"), chunk("", reason), b"[DONE]")
    events = same_at_every_cut(K2ThinkDecoder, stream)
    assert reasoning_of(events) == "only this"
    assert text_of(events) == ("only this" if reason == "stop" else "")
    cut = run(K2ThinkDecoder(), [frames(chunk("<think>only"))])
    assert (reasoning_of(cut), text_of(cut), isinstance(cut[-1], Failure)) == ("only", "", True)


def test_thinking_that_closes_with_nothing_behind_it_is_no_answer() -> None:
    events = run(K2ThinkDecoder(), [frames(chunk("<think>R</th"), chunk("ink>"), chunk("", "stop"), b"[DONE]")])
    assert (reasoning_of(events), text_of(events)) == ("R", "")
    assert isinstance(events[-1], Failure)


THOUGHT: dict[str, Any] = {"choices": [{"delta": {"content": None, "reasoning_content": "R"}}]}


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(frames(THOUGHT, chunk("", "stop"), b"[DONE]"), id="own-field"),
        pytest.param(frames(THOUGHT, chunk(" \n<|im_end|>", "stop"), b"[DONE]"), id="only-a-mark"),
        pytest.param(frames(chunk("R</think><answer></answer>"), chunk("", "stop")), id="empty-answer-tags"),
        pytest.param(frames({"content": "<think>R</think>"}, {"done": True}), id="tagged"),
        pytest.param(frames(chunk("R</think>"), chunk("<|im_end|>", "stop"), b"-1"), id="closing-tag-and-mark"),
    ],
)
def test_that_nothing_was_answered_is_said_of_a_stream(stream: bytes, *, eager: bool) -> None:
    events = same_at_every_cut(lambda: K2ThinkDecoder(eager=eager), stream)
    assert (reasoning_of(events).strip(), text_of(events).strip()) == ("R", "")
    assert isinstance(events[-1], Failure)
    assert "answered nothing" in events[-1].error.message


@pytest.mark.parametrize("content", [None, "", "<|im_end|>", "<answer></answer>", []])
@pytest.mark.parametrize("thought", ["R", ""])
def test_that_nothing_was_answered_is_said_of_a_whole_answer(content: Any, thought: str) -> None:
    message = {"role": "assistant", "content": content, "reasoning_content": thought}
    events = run(K2ThinkDecoder(), [json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()])
    *thinking, failure = events
    assert isinstance(failure, Failure)
    assert (thinking, failure.thought_alone) == ([Reasoning(thought)] if thought else [], bool(thought))
    assert ("thought, then answered nothing" if thought else "nothing at all") in failure.error.message


def test_thinking_that_fills_all_the_room_is_told_as_cut_at_its_length() -> None:
    message = {"content": "", "reasoning_content": "R"}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "length"}]}).encode()
    assert run(K2ThinkDecoder(), [body]) == [Reasoning("R"), Finish("length")]
    assert run(K2ThinkDecoder(), [frames(THOUGHT, chunk("", "length"))]) == [Reasoning("R"), Finish("length")]


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        pytest.param(["R</think>The answer.<|im_end|>"], "The answer.", id="at-the-end"),
        pytest.param(["R</think>The answer.", "<|im", "_end|>"], "The answer.", id="in-pieces"),
        pytest.param(["R</think>The answer.<|im_end|>\n<|endoftext|> "], "The answer.", id="several"),
        pytest.param(["R</think><answer>The answer.<|im_end|></answer>"], "The answer.", id="inside-tags"),
        pytest.param(["R</think><answer>The answer.</answer><|im_end|>"], "The answer.", id="behind-tags"),
        pytest.param(["R</think>It is <|im_end|> that ends a turn."], "It is <|im_end|> that ends a turn.", id="word"),
        pytest.param(["R</think>`<|im_end|>`"], "`<|im_end|>`", id="quoted"),
        pytest.param(["R</think>a <|im_end"], "a <|im_end", id="beginning-of-one"),
        pytest.param(["R</think>a<|im_end|> <|im"], "a<|im_end|> <|im", id="beginning-of-another"),
        pytest.param(["R</think>a < b"], "a < b", id="less-than"),
    ],
)
def test_the_models_end_marks_are_none_of_the_answer(pieces: list[str], answer: str, *, eager: bool) -> None:
    stream = frames(*map(chunk, pieces), chunk("", "stop"), b"[DONE]")
    events = same_at_every_cut(lambda: K2ThinkDecoder(eager=eager), stream)
    assert (reasoning_of(events), text_of(events)) == ("R", answer)
    grown = ["".join(pieces[: n + 1]) for n in range(len(pieces))]
    events = run(K2ThinkDecoder(), [frames(*({"content": so_far} for so_far in grown), {"done": True})])
    assert text_of(events) == answer
    message = {"content": "".join(pieces)}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    assert text_of(run(K2ThinkDecoder(), [body])) == answer


def test_an_end_mark_left_out_is_counted() -> None:
    decoder = K2ThinkDecoder()
    run(decoder, [frames(chunk("R</think>A<|im_end|>"), chunk("", "stop"))])
    assert decoder.unknown == {"end marks of the model": 1}


def test_words_behind_the_finish_are_none_of_the_answer() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    stream = frames(chunk("R</think>A"), chunk("", "stop"), chunk(" late"), {"content": "later"}, usage, b"[DONE]")
    decoder = K2ThinkDecoder()
    events = run(decoder, [stream])
    assert joined(events) == [Reasoning("R"), Text("A"), Usage(1, 2, 3), Finish("stop")]
    assert decoder.unknown == {"after the finish": 2}


def test_snapshots_in_a_drawn_block_are_given_as_they_grow() -> None:
    decoder = K2ThinkDecoder()
    opening = '<details type="reasoning" done="false"><summary>…</summary>\n'
    assert decoder.feed(frames({"content": opening + "> one"})) == [Reasoning("one")]
    assert decoder.feed(frames({"content": opening + "> one two"})) == [Reasoning(" two")]
    done = opening.replace("false", "true") + "> one two\n</details>\n"
    assert decoder.feed(frames({"content": done + "A"})) == [Text("A")]
    assert decoder.feed(frames({"content": done + "A b"})) == [Text(" b")]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2}, Usage(1, 2, 3)),
        (
            {"prompt_tokens": 1, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1}},
            Usage(1, 2, 3, reasoning_tokens=1),
        ),
        ({"prompt_tokens": 1}, None),
        ({"prompt_tokens": -1, "completion_tokens": 2}, None),
        ({"prompt_tokens": 2**60, "completion_tokens": 2}, None),
        ([], None),
    ],
)
def test_usage_frames(usage: Any, expected: Usage | None) -> None:
    stream = frames({"content": "x"}, {"usage": usage}, b"-1")
    assert [e for e in run(K2ThinkDecoder(), [stream]) if isinstance(e, Usage)] == ([expected] if expected else [])


def test_an_event_of_5_mb_ends_the_answer_and_the_words_before_it_are_said() -> None:
    stream = frames(chunk("<think>R</think>A"), chunk("y" * 5_000_000), b"[DONE]")
    for pieces in ([stream], [stream[i : i + 65536] for i in range(0, len(stream), 65536)]):
        events = run(K2ThinkDecoder(), pieces)
        assert (reasoning_of(events), text_of(events)) == ("R", "A")
        assert isinstance(events[-1], Failure)


OPENING = '<details type="reasoning"><summary>S</summary>'
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["<think>", "</think>", "<details", OPENING, "a", "<answer>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "delta", "content", "done", "usage", "detail", "finish_reason", "message"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(st.one_of(JSON_VALUES.map(frames), st.binary(max_size=12), st.just(frames(b"-1"))), max_size=6),
    st.integers(0),
)
def test_anything_ends_once_and_the_same_at_every_cut(parts: list[bytes], cut: int) -> None:
    stream = b"".join(parts)
    cut %= len(stream) + 1
    assert joined(run(K2ThinkDecoder(), [stream[:cut], stream[cut:]])) == joined(run(K2ThinkDecoder(), [stream]))


@given(JSON_VALUES, st.integers(0))
def test_any_json_body_ends_once(value: Any, cut: int) -> None:
    body = json.dumps(value).encode()
    cut %= len(body) + 1
    assert joined(run(K2ThinkDecoder(), [body[:cut], body[cut:]])) == joined(run(K2ThinkDecoder(), [body]))
