"""What decoders of event streams of JSON frames share: end marks, one terminal event, bounds, what is counted."""

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish, FinishReason, Text
from providers.formats.jsontext import EVENT_VALUES
from providers.formats.sse import EVENT_LIMIT_BYTES
from providers.shared.frames import FrameDecoder, refusal_in


class Words(FrameDecoder):
    """A site whose frames hold a word, or its end or fault."""

    site = "Acme"

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        if frame.get("stop"):
            self._finish(out)
        elif frame.get("odd"):
            self._count_unknown(str(frame["odd"]))
        else:
            out.append(Text(str(frame.get("w", "?"))))

    def _end(self, out: list[Event]) -> FinishReason:
        out.append(Text("(end)"))
        return "stop"


class Bare(Words):
    bare_json = True
    end_marks: ClassVar[frozenset[bytes]] = frozenset({b"[DONE]", b"finish"})

    def _cut_off(self, out: list[Event]) -> None:
        out.append(Text("(held)"))


def told(*pieces: bytes, decoder: FrameDecoder | None = None) -> list[Event]:
    it = decoder or Words()
    return [*(event for piece in pieces for event in it.feed(piece)), *it.close()]


def word(w: str) -> bytes:
    return f'data: {{"w": "{w}"}}\n\n'.encode()


WHOLE = [Text("a"), Text("b"), Text("(end)"), Finish("stop")]


@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b'data: {"stop": 1}\n\n', b"data:  [DONE] \n\n", b"data: [DONE]"])
def test_an_answer_ends_at_its_mark_and_once(end: bytes) -> None:
    stream = word("a") + word("b") + end
    for at in range(len(stream) + 1):
        assert told(stream[:at], stream[at:]) == WHOLE
    if end.endswith(b"\n"):
        assert told(stream, word("late"), b"data: {\n\n", end) == WHOLE


def test_several_marks_where_a_site_has_them() -> None:
    assert told(word("a"), b"data: finish\n\n", decoder=Bare())[-1] == Finish("stop")
    assert isinstance(told(word("a"), b"data: finish\n\n")[-1], Failure)


def failure(events: list[Event]) -> tuple[ErrorKind, str]:
    last = events[-1]
    assert isinstance(last, Failure)
    assert sum(isinstance(event, Failure | Finish) for event in events) == 1
    return last.error.kind, last.error.message


def test_a_stream_without_its_mark_is_not_complete() -> None:
    events = told(word("a"))
    assert events[0] == Text("a")
    assert failure(events) == (
        ErrorKind.INCOMPLETE,
        "Acme's stream ended without its end mark, so the answer is not complete.",
    )
    assert told(decoder=Bare())[0] == Text("(held)")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"{", "Acme sent a frame that is no JSON."),
        (b"[" + b"1," * EVENT_VALUES + b"1]", f"Acme sent a frame that holds more than {EVENT_VALUES} values."),
    ],
)
def test_a_frame_that_cannot_be_read_ends_the_answer(payload: bytes, words: str) -> None:
    events = told(word("a"), b"data: " + payload + b"\n\n", word("lost"))
    assert failure(events) == (ErrorKind.PROVIDER_DOWN, words)
    assert events[:-1] == [Text("a")]


def test_an_event_beyond_all_bounds_ends_it_and_what_came_before_is_said() -> None:
    events = told(word("a") + b"data: " + b"x" * (EVENT_LIMIT_BYTES + 10))
    assert events[0] == Text("a")
    kind, words = failure(events)
    assert (kind, words.startswith("Acme's answer cannot be read on: ")) == (ErrorKind.PROVIDER_DOWN, True)


@pytest.mark.parametrize("payload", [b"5", b"[]", b'"x"', b"null"])
def test_what_is_no_object_is_an_empty_frame(payload: bytes) -> None:
    assert told(b"data: " + payload + b"\n\n")[0] == Text("?")


def test_bare_lines_count_where_a_site_drops_them() -> None:
    assert told(b'{"w": "bare"}\n\n', decoder=Bare())[0] == Text("bare")
    assert told(b'{"w": "bare"}\n\n')[0] != Text("bare")


def test_what_has_no_meaning_is_counted_under_few_short_names() -> None:
    decoder = Words()
    for number in range(100):
        decoder.feed(f'data: {{"odd": "{number:03}{"x" * 200}"}}\n\n'.encode())
        decoder.feed(b'data: {"odd": "000' + b"x" * 200 + b'"}\n\n')
    assert len(decoder.unknown) == 65
    assert max(map(len, decoder.unknown)) == 60
    assert decoder.unknown["others"] == 36
    assert decoder.unknown["000" + "x" * 57] == 101


@given(
    st.lists(
        st.sampled_from([word("a"), b"data: [DONE]\n\n", b"data: {", b"\n\n", b": c\n", b"data: 5\n\n"]), max_size=8
    )
)
def test_whatever_comes_there_is_one_end(pieces: list[bytes]) -> None:
    events = told(*pieces)
    assert [isinstance(event, Failure | Finish) for event in events].count(True) == 1
    assert isinstance(events[-1], Failure | Finish)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b'"gone"', "gone"), (b"no JSON at all", "no JSON at all"), (b'{"w": "odd"}', "odd"), (b"", "error")],
    ids=["text", "words", "frame", "nothing"],
)
def test_what_the_site_calls_an_error_ends_the_answer(data: bytes, words: str) -> None:
    decoder = Words()
    events = decoder.feed(b'data: {"w": "so"}\n\nevent: error\ndata: ' + data + b'\n\ndata: {"stop": true}\n\n')
    assert events[0] == Text("so")
    assert isinstance(events[-1], Failure)
    assert words in events[-1].error.message
    assert decoder.close() == []


REFUSALS: dict[str, dict[str, Any]] = {
    "object": {"error": {"message": "gone"}},
    "text": {"error": "gone"},
    "success": {"success": False, "message": "gone"},
    "detail": {"detail": "gone"},
    "code": {"code": 502, "msg": "gone", "data": None},
}


@pytest.mark.parametrize("frame", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_failure_of_a_server_in_front_of_the_site_ends_the_answer(frame: dict[str, Any]) -> None:
    decoder = Words()
    body = b'data: {"w": "so"}\n\ndata: ' + json.dumps(frame).encode() + b"\n\ndata: [DONE]\n\n"
    events = decoder.feed(body)
    assert isinstance(events[-1], Failure)
    assert "gone" in events[-1].error.message


@pytest.mark.parametrize(
    "frame",
    [
        {"error": None},
        {"error": {}},
        {"success": True},
        {"code": 0, "msg": "ok"},
        {"code": 500, "w": "a"},
        {"code": "500"},
    ],
    ids=str,
)
def test_other_frames_are_the_sites_own(frame: dict[str, Any]) -> None:
    assert refusal_in(frame) is None
