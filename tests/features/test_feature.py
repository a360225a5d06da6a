"""What every feature of the chain promises: it leaves alone what the provider does itself, and its filters are fair."""

import pytest

from addons.features.chain import FEATURES
from addons.features.feature import Applied, Feature
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Text, ToolCallDelta, Withdrawn
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from tests.support.features import at

MODEL = Model("m", "m", tools="emulated")
PLAIN = ChatRequest("m", (Message("user", "hi"),))
LADEN = ChatRequest(
    "m",
    (Message("user", "hi"),),
    stop=("END",),
    max_tokens=5,
    n=1,
    reasoning_effort="low",
    response_format={"type": "json_object"},
    extra={"odd": 1},
)
FAILED = Failure(ProviderError(ErrorKind.INCOMPLETE, "broke off"))


class Picture(Event):
    """An answer that is no text, which no filter knows."""


def test_features_that_have_nothing_to_do_change_nothing() -> None:
    bare = Applied(PLAIN)
    assert (bare.claims, bare.filters, bare.steps, bare.check) == (frozenset(), (), (), None)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: type(feature).__name__)
class TestEveryFeature:
    def test_it_leaves_alone_what_the_provider_carries(self, feature: Feature) -> None:
        assert feature.apply(LADEN, at(MODEL, None)) is None

    def test_it_has_nothing_to_do_where_nothing_is_asked(self, feature: Feature) -> None:
        found = feature.apply(PLAIN, at(MODEL, frozenset())) or Applied(PLAIN)
        assert (found.request, found.filters, found.steps, found.check) == (PLAIN, (), (), None)

    def test_it_claims_fields_and_keeps_those_it_does_not_know(self, feature: Feature) -> None:
        found = feature.apply(LADEN, at(MODEL, frozenset())) or Applied(LADEN)
        assert not found.claims & {"model", "messages", "stream", *LADEN.extra}
        assert (found.request.model, dict(found.request.extra)) == ("m", {"odd": 1})

    def test_each_answer_has_filters_of_its_own(self, feature: Feature) -> None:
        one, other = (feature.apply(LADEN, at(MODEL, frozenset())) or Applied(LADEN) for _ in range(2))
        assert not {id(found) for found in one.filters} & {id(found) for found in other.filters}

    @pytest.mark.parametrize("end", [Finish("stop"), FAILED], ids=["finish", "failure"])
    def test_what_a_filter_does_not_know_passes_and_the_end_does(self, feature: Feature, end: Event) -> None:
        found = feature.apply(LADEN, at(MODEL, frozenset())) or Applied(LADEN)
        said: list[Event] = [Picture(), Text("a"), ToolCallDelta(0, "c", "f", "{}"), Withdrawn(), end]
        for one in found.filters:
            assert not one.done
            passed = [out for event in said for out in one.filter([event])]
            assert [event for event in passed if not isinstance(event, Text)] == [
                event for event in said if not isinstance(event, Text)
            ]
            assert not one.done, "the provider's own end is none of the filter's"
