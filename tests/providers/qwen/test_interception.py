"""What Qwen's site says in the place of an answer whose call it took for one of its own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish, Text
from providers.qwen.decoder import DecoderOptions, QwenDecoder
from providers.qwen.interception import InterceptedCalls
from tests.support.answers import frame

SENTENCE = "Tool Bash does not exists."
NEAR = st.sampled_from(
    ["Tool ", "Tool", "T", "To", "Bash", " does not exists", ".", " ", "x", "Tool Tool ", "\n", "does "]
)


def given_out(*pieces: str) -> tuple[str, bool]:
    """What goes on of an answer, and whether the sentence was found."""
    calls = InterceptedCalls()
    text = "".join(calls.feed(piece) for piece in pieces) + calls.rest()
    return text, calls.found


@pytest.mark.parametrize("cut", range(1, len(SENTENCE)))
@pytest.mark.parametrize("before", ["", "Let me look. ", "Tool ", "T"])
def test_it_is_found_however_it_comes(before: str, cut: int) -> None:
    text = before + SENTENCE + "Tool Read does not exists."
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    assert given_out(*pieces) == (before, True)


@pytest.mark.parametrize(
    "text",
    ["Tool X does not exist.", "Tools", "Tool a b does not exists.", f"Tool {'x' * 129} does not exists.", "Tool "],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert given_out(*text) == (text, False)


@given(st.lists(st.one_of(NEAR, st.text(max_size=4)), max_size=12))
def test_how_an_answer_is_cut_makes_no_difference(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert given_out(*pieces) == given_out(whole) == given_out(*whole)
    text, found = given_out(whole)
    assert whole.startswith(text) if found else whole == text


# -- in an answer ------------------------------------------------------------------------------------------------------
def said(content: str, status: str = "typing") -> bytes:
    delta = {"role": "assistant", "content": content, "phase": "answer", "status": status}
    return b"data: " + frame({"choices": [{"delta": delta}]}).partition(b"data: ")[2].rpartition(b"\r\n")[0]


def read(*pieces: bytes, tools: bool = True) -> list[Event]:
    decoder = QwenDecoder(DecoderOptions(tools=tools))
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def failure(events: list[Event]) -> Any:
    assert not [event for event in events if isinstance(event, Text | Finish)]
    (found,) = [event for event in events if isinstance(event, Failure)]
    return found.error


@pytest.mark.parametrize(
    "pieces",
    [
        (said(SENTENCE), said("", "finished")),
        (said("Tool Bash does"), said(" not exists.Tool Read does not exists."), said("", "finished")),
        (said("Tool"), said("Tool Ba"), said("Tool Bash does"), said(SENTENCE), said("", "finished")),
        (said(SENTENCE, "finished"),),
    ],
    ids=["one piece", "two", "snapshots", "at the end"],
)
def test_it_is_a_failure_and_no_answer(pieces: tuple[bytes, ...]) -> None:
    error = failure(read(*pieces))
    assert (error.kind, error.site_code) == (ErrorKind.CONVERSATION_GONE, "tool_intercepted")
    assert "Bash" not in error.message


def test_an_answer_in_one_piece_too() -> None:
    message = {"role": "assistant", "content": SENTENCE}
    body = b"data: " + frame({"success": True, "data": {"choices": [{"message": message}]}}).partition(b"data: ")[2]
    assert failure(read(body.rpartition(b"\r\n")[0])).site_code == "tool_intercepted"


def test_without_tools_of_the_clients_they_are_words() -> None:
    events = read(said(SENTENCE), said("", "finished"), tools=False)
    assert [event.text for event in events if isinstance(event, Text)] == [SENTENCE]
