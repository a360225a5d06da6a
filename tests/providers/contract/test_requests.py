"""What the gateway asks of a request whatever its kind is."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from providers.contract.chat import Message
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest

CHAT = ChatRequest(
    "m", (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Ho"), Message("user", "Bye"))
)
RAW = CompletionRequest("other", CHAT, stream=True, extra={"prompt": "Hi", "echo": True})


@dataclass(frozen=True, slots=True)
class PictureRequest(ModelRequest):
    kind: ClassVar[str] = "picture"


def test_a_request_of_a_kind_nobody_knows_says_nothing_of_itself() -> None:
    bare = PictureRequest("m")
    assert (bare.stream, bare.affinity, dict(bare.extra), bare.thinks) == (False, None, {}, False)
    assert (list(bare.words()), list(bare.opening()), bare.instead()) == ([], [], None)
    assert bare.followed_by((Message("user", "more"),)) is bare


def test_a_chat_is_known_again_by_how_it_began_and_counted_by_all_of_its_words() -> None:
    assert list(CHAT.words()) == ["Be brief.", "Hi", "Ho", "Bye"]
    assert list(CHAT.opening()) == ["system", "Be brief.", "user", "Hi"]


@pytest.mark.parametrize(
    ("effort", "thinks"), [(None, False), ("none", False), ("minimal", False), ("low", True), ("xhigh", True)]
)
def test_a_chat_thinks_where_the_client_says_so(effort: str | None, thinks: bool) -> None:
    assert ChatRequest("m", (), reasoning_effort=effort).thinks is thinks


def test_more_may_be_said_behind_a_chat() -> None:
    more = Message("user", "Louder!")
    assert CHAT.followed_by((more,)).messages == (*CHAT.messages, more)
    assert CHAT.followed_by(()) is CHAT


def test_a_raw_prompt_is_a_chat_for_all_who_know_no_such_thing() -> None:
    assert (RAW.instead().model, RAW.instead().messages) == ("other", CHAT.messages)
    assert (list(RAW.words()), list(RAW.opening())) == (list(CHAT.words()), list(CHAT.opening()))
    assert not RAW.thinks
