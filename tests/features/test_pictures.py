"""The feature of pictures: of an answer its pictures alone, and of one in words alone why there is none."""

from dataclasses import replace

import pytest

from addons.errors import GatewayError
from addons.features.feature import Served
from addons.features.pictures import Pictures, PicturesOnly
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Image, Reasoning, Text, Usage
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from providers.contract.steps import Moment

CHAT = ChatRequest("m", (Message("user", "A cat"),), drawing="link")
SERVED = Served(Model("m", "site", draws_as="m-image"), frozenset(), Moment(0, lambda: "id"))
PICTURE, USAGE, END = Image("https://a/1.png"), Usage(1, 2, 3), Finish("stop")


def kept(*events: Event) -> list[Event]:
    whole, pieces = PicturesOnly("site"), PicturesOnly("site")
    found = whole.filter(events)
    assert [one for event in events for one in pieces.filter([event])] == found or isinstance(found[-1], Failure)
    return found


def test_who_draws_for_the_model_is_asked() -> None:
    done = Pictures().apply(CHAT, SERVED)
    assert done is not None
    assert (done.request.model, len(done.filters)) == ("m-image", 1)


@pytest.mark.parametrize(
    ("request_", "served"),
    [(replace(CHAT, drawing=None), SERVED), (CHAT, replace(SERVED, native=None))],
    ids=["a chat", "an official API"],
)
def test_nothing_else_is_touched(request_: ChatRequest, served: Served) -> None:
    assert Pictures().apply(request_, served) is None


def test_a_model_that_draws_nothing_is_refused() -> None:
    with pytest.raises(GatewayError) as refused:
        Pictures().apply(CHAT, replace(SERVED, model=Model("m", "site")))
    assert (refused.value.status, refused.value.param) == (400, "model")


def test_words_are_left_out() -> None:
    assert kept(Reasoning("Hm"), Text("Here: "), PICTURE, Text("!"), USAGE, END) == [PICTURE, USAGE, END]


def test_an_answer_of_words_alone_is_a_failure_that_tells_them() -> None:
    usage, failure = kept(Text("I cannot \n draw "), Text("that. " * 1000), USAGE, END)
    assert usage == USAGE
    assert isinstance(failure, Failure)
    assert failure.error.kind is ErrorKind.CONTENT_FILTERED
    assert failure.error.message.startswith("site has drawn nothing. It says: I cannot draw that.")
    assert len(failure.error.message) < 400


def test_a_failure_stays_one() -> None:
    failure = Failure(ProviderError(ErrorKind.QUOTA, "No more today."))
    assert kept(Text("x"), failure) == [failure]
