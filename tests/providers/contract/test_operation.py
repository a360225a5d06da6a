"""Operations and turns: what a turn need not say, and what every provider's keep to."""

from collections.abc import Mapping

import pytest

from providers.contract.call import Call
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Failure, Finish
from providers.contract.operation import Decoder, Turn
from providers.contract.requests import ChatRequest
from providers.contract.steps import Moment
from providers.registry import type_names
from tests.providers.seeds import decoder_of, provider_of
from tests.support.turns import turn_of

NOW = Moment(1_790_000_000_000, lambda: "0f8fad5b-d9cb-469f-a165-70867728950e")


class BareTurn(Turn):
    """A turn that says what it must and no more."""

    def call(self, now: Moment) -> Call:
        return Call("GET", "https://site.example/")

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        return True

    def decoder(self) -> Decoder:
        raise AssertionError

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return ProviderError(ErrorKind.PROVIDER_DOWN, "It is down.")


def test_a_turn_that_says_no_more_is_one_call() -> None:
    turn = BareTurn()
    error = turn.classify(500, {}, b"")
    assert (turn.prepare(NOW), turn.recover(error, NOW), turn.cleanup(NOW), turn.buffers) == (None, None, (), False)


def test_half_a_turn_is_none() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Turn()  # type: ignore[abstract]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("name", type_names())
class TestEveryProvider:
    @staticmethod
    def turn(name: str, *, stream: bool) -> Turn:
        provider = provider_of(name)
        return turn_of(provider, ChatRequest(next(iter(provider.models())), (Message("user", "Hi"),), stream=stream))

    def test_an_answer_is_accepted_by_its_head_alone(self, name: str, stream: bool) -> None:
        turn = self.turn(name, stream=stream)
        refused = [(status, {"content-type": "application/json"}) for status in (301, 400, 401, 403, 429, 500, 503)]
        assert not any(turn.accepts(*head) for head in refused)
        kinds = ("text/event-stream", "text/event-stream; charset=utf-8", "application/json")
        assert any(turn.accepts(200, {"content-type": kind}) for kind in kinds)

    @pytest.mark.parametrize("body", [b"", b"\xff\x00", b"<html>", b"{", b"[]", b"null", b'{"error": 5}', b"[" * 5000])
    def test_any_refusal_has_a_meaning(self, name: str, stream: bool, body: bytes) -> None:
        turn = self.turn(name, stream=stream)
        for status in (200, 204, 301, 400, 401, 403, 404, 413, 429, 500, 503, 599):
            error = turn.classify(status, {"content-type": "application/json"}, body)
            assert error.message
            assert turn.classify(status, {}, body).kind in ErrorKind

    def test_each_answer_has_a_decoder_of_its_own(self, name: str, stream: bool) -> None:
        turn = self.turn(name, stream=stream)
        assert turn.decoder() is not turn.decoder()

    def test_a_decoder_that_read_nothing_ends_in_one_failure_and_is_silent_then(self, name: str, stream: bool) -> None:
        decoder = decoder_of(name, next(iter(provider_of(name).models())), stream=stream)
        assert not decoder.ended
        events = [*decoder.feed(b""), *decoder.close()]
        assert isinstance(events[-1], Failure)
        assert sum(isinstance(event, Finish | Failure) for event in events) == 1
        assert (decoder.feed(b"data: {}\n\n"), decoder.close()) == ([], [])
