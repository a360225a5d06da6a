"""What the gateway asks of a request whatever its kind is, and which operation of a provider serves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from providers.contract.chat import Message
from providers.contract.operation import Operation, Turn
from providers.contract.provider import Model, Provider, ProviderOptions
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment

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


class Site(Provider[ProviderOptions]):
    type_name = "site"
    Options = ProviderOptions

    def __init__(self, *kinds: type[ModelRequest]) -> None:
        super().__init__("site", ProviderOptions(base_url="https://site.example"))
        self.operations: Mapping[type[ModelRequest], Operation[Any]] = {
            kind: Operation(frozenset({kind.__name__}), _no_turn) for kind in kinds
        }

    def models(self) -> Mapping[str, Model]:
        return {}

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return Session(self.name, account)


def _no_turn(request: ModelRequest, session: Session) -> Turn:
    raise AssertionError


@pytest.mark.parametrize(
    ("kinds", "request_", "served"),
    [
        ((ChatRequest,), CHAT, ChatRequest),
        ((ChatRequest,), RAW, ChatRequest),
        ((ChatRequest, CompletionRequest), RAW, CompletionRequest),
        ((CompletionRequest,), CHAT, None),
        ((ChatRequest, CompletionRequest), PictureRequest("m"), None),
        ((), RAW, None),
    ],
)
def test_a_request_is_served_as_itself_or_as_what_stands_for_it(
    kinds: tuple[type[ModelRequest], ...], request_: ModelRequest, served: type[ModelRequest] | None
) -> None:
    found = Site(*kinds).serving(request_)
    assert (None if found is None else type(found.request)) is served
    if found is not None:
        assert found.operation.native == frozenset({type(found.request).__name__})
        assert found.request.model == request_.model


def test_a_sign_in_that_nobody_wrote_knows_nothing_and_asks_nobody() -> None:
    sign_in, session = Site().sign_in, Session("site", "a", ("email", "password"))
    now = Moment(0, lambda: "id")
    assert sign_in.page == "https://site.example"
    assert (sign_in.rotating_cookies, sign_in.renew_every_s) == (frozenset(), None)
    asked = [sign_in.identify(session, now), sign_in.refresh(session, now), sign_in.with_password(session, now)]
    assert asked == [None, None, None]
    assert sign_in.missing(Credentials()) == ()
