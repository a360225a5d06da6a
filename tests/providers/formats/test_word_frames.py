"""Frames that are as the one before but for their words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.formats.word_frames import WordFrames


def frame(words: str, *, ascii_only: bool = False, **more: object) -> bytes:
    value = {"id": "x", **more, "choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}]}
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def learnt(first: bytes, words: str, name: str = "content") -> WordFrames:
    frames = WordFrames()
    frames.learn(first, name, words)
    return frames


WORDS = [
    "",
    "b",
    " b ",
    "Grüße 🌍",
    "content",
    "{}[],:",
    "a" * 100_000,
    "/",
    "\x7f",
    'say "b"',
    "\\",
    "a\nb\t",
    '"',
    '\\"',
]


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("words", WORDS)
def test_the_words_of_a_frame_like_the_one_before(words: str, ascii_only: bool) -> None:
    assert learnt(frame("a"), "a").words(frame(words, ascii_only=ascii_only)) == words
    told = learnt(frame(words, ascii_only=ascii_only), words).words(frame("b"))
    assert told == ("b" if words != "content" else None)  # that name stands twice there


@pytest.mark.parametrize("name", ["content", "reasoning_content"])
def test_the_name_of_the_member_is_known(name: str) -> None:
    raw = b'{"delta": {"%b" : "a"}}' % name.encode()
    frames = learnt(raw, "a", name)
    assert (frames.name, frames.words(raw.replace(b'"a"', b'"b"'))) == (name, "b")


@pytest.mark.parametrize(
    "other",
    [
        frame("b", id="y"),
        frame("b", more=1),
        frame("b").replace(b"null", b'"stop"'),
        frame("b") + b" ",
        b" " + frame("b"),
        frame("b")[:-1],
        frame("b").replace(b'"b"', b'"b", "content": "c"'),
        frame("b").replace(b'"b"', b'["b"]'),
        frame("b").replace(b'"b"', b"null"),
        frame("b").replace(b'"b"', b'"\xff"'),
        frame("b").replace(b'"b"', b'"\xed\xa0\x80"'),
        frame("b").replace(b'"b"', b'"\x01"'),
        frame("").replace(b'""', b'"'),
        frame("b").replace(b'"b"', b'"\\"'),
        frame("b").replace(b'"b"', b'"\\x"'),
        frame("b").replace(b'"b"', b'"\\ud83d"'),
        frame("b").replace(b'"b"', b'"\\u12"'),
        frame("b").replace(b'"b"', b'"\\\n"'),
        b"",
        b"[DONE]",
    ],
)
def test_any_other_frame_has_to_be_read(other: bytes) -> None:
    assert learnt(frame("a"), "a").words(other) is None


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (frame("a").replace(b'"a"', b'"a", "content": "a"'), "a"),  # which of them counts?
        (frame("a", content="a"), "a"),
        (frame("a", note='"content": "a"'), "a"),
        (frame("a").replace(b'"a"', b'"a", "\\u0063ontent": "b"'), "b"),
        (frame("a").replace(b'"a"', b'"\\ud83d"'), "\ud83d"),
        (frame("a").replace(b'"a"', b'"a'), "a"),
        (frame("a"), "b"),
        (frame("a").replace(b'"content"', b'"text"'), "a"),
        (b'{"content": ["a"], "x": "a"}', "a"),
        (b'{"content": "b", "x": "a"}', "a"),
        (b"", ""),
    ],
)
def test_a_frame_whose_words_cannot_be_placed_is_not_learnt(first: bytes, words: str) -> None:
    frames = learnt(first, words)
    assert frames.words(first) is None
    assert frames.words(first.replace(words.encode("utf-8", "surrogatepass"), b"c")) is None


def test_what_was_learnt_is_forgotten() -> None:
    frames = learnt(frame("a"), "a")
    frames.forget()
    assert frames.words(frame("a")) is None
    frames.learn(frame("a"), "content", "a")
    frames.learn(frame("a"), "content", "b")
    assert frames.words(frame("a")) is None


def test_a_stream_without_such_frames_is_left_alone() -> None:
    frames, seen = WordFrames(), 0
    while frames.learns and seen < 1000:
        frames.learn(frame("a", number=seen), "content", "a")
        assert frames.words(frame("b", number=seen + 1)) is None
        seen += 1
    assert seen < 100


def test_one_that_comes_again_is_reason_to_go_on() -> None:
    frames = WordFrames()
    for number in range(1000):
        frames.learn(frame("a", number=number), "content", "a")
        assert frames.words(frame("b", number=number)) == "b"
    assert frames.learns


@given(st.text(max_size=20), st.text(max_size=20), st.binary(max_size=8), st.integers(0, 200), st.booleans())
def test_they_are_the_words_that_a_parser_gives(
    first: str, second: str, noise: bytes, at: int, ascii_only: bool
) -> None:
    """Or none: whatever stands somewhere in the second frame."""
    frames = learnt(frame(first, ascii_only=ascii_only), first)
    raw = frame(second, ascii_only=ascii_only)
    raw = raw[:at] + noise + raw[at + len(noise) :]
    found = frames.words(raw)
    if found is None:
        return
    known = json.loads(frame(first))
    known["choices"][0]["delta"]["content"] = found
    assert json.loads(raw) == known
