"""The chain of features, with features that exist only here: what each claims, changes and filters."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.errors import GatewayError
from addons.features import chain
from addons.features.capabilities import check_support
from addons.features.chain import applied
from addons.features.feature import Applied, Check, Feature, Flaw, Served
from addons.features.stop_limits import OutputLimits
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Finish, Text
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest, ModelRequest
from tests.support.features import at
from tests.support.turns import taken

MODEL = Model("m", "m")
CHAT = ChatRequest("m", (Message("user", "hi"),), stop=("END",))
WEB: frozenset[str] = frozenset()
"""What a web session carries itself."""


class Louder:
    """An EventFilter."""

    done = ended = False

    def filter(self, events: Sequence[Event]) -> list[Event]:
        return [Text(event.text.upper()) if isinstance(event, Text) else event for event in events]


class Tools:
    """Claims tools, tells the model of them in words, and says its answer louder."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        if served.native is None or not isinstance(request, ChatRequest):
            return None
        told = replace(request, messages=(*request.messages, Message("user", "there are tools")))
        return Applied(told, frozenset({"tools", "tool_choice"}), (Louder(),))


@pytest.fixture(params=["first", "last"])
def with_tools(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    added: list[Feature] = [Tools()]
    found = [*added, *chain.FEATURES] if request.param == "first" else [*chain.FEATURES, *added]
    monkeypatch.setattr(chain, "FEATURES", found)
    return str(request.param)


def filtered(found: Applied, *events: Event) -> list[Event]:
    out = list(events)
    for one in found.filters:
        out = one.filter(out)
    return out


def test_limits_are_kept_for_a_web_session_and_left_to_an_official_api() -> None:
    mine = applied(CHAT, at(MODEL, WEB))
    assert mine.claims == {"stop", "max_tokens", "max_completion_tokens"}
    assert [type(one) for one in mine.filters] == [OutputLimits]
    assert applied(CHAT, at(MODEL, None)) == Applied(CHAT)


def test_filters_are_made_anew_for_each_attempt() -> None:
    first, second = applied(CHAT, at(MODEL, WEB)), applied(CHAT, at(MODEL, WEB))
    assert filtered(first, Text("a END b")) == [Text("a "), Finish("stop", stop_sequence="END")]
    assert first.filters[0].done
    assert not second.filters[0].done


def test_features_add_up(with_tools: str) -> None:
    found = applied(CHAT, at(MODEL, WEB))
    assert found.claims == {"stop", "max_tokens", "max_completion_tokens", "tools", "tool_choice"}
    assert isinstance(found.request, ChatRequest)
    assert found.request.messages[-1] == Message("user", "there are tools")
    assert len(found.filters) == 2


def test_an_answer_passes_the_features_backwards(with_tools: str) -> None:
    """The last to have touched the request is the first to see its answer."""
    said = filtered(applied(CHAT, at(MODEL, WEB)), Text("the end"))
    by_name = [type(one).__name__ for one in applied(CHAT, at(MODEL, WEB)).filters]
    expected = ["OutputLimits", "Louder"] if with_tools == "first" else ["Louder", "OutputLimits"]
    assert by_name == expected
    # Only a filter behind the louder one sees the stop string.
    assert said == ([Text("THE END")] if with_tools == "first" else [Text("THE "), Finish("stop", stop_sequence="END")])


def test_what_a_feature_claims_no_provider_has_to_carry(with_tools: str) -> None:
    tool = '{"type":"function","function":{"name":"f"}}'
    raw = f'{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"tools":[{tool}],"tool_choice":"required"}}'
    parsed = ChatCompletions().parse(raw.encode())
    with pytest.raises(GatewayError, match="tools is not supported"):
        check_support(parsed, taken(parsed, WEB), "site", MODEL)
    check_support(parsed, taken(parsed, WEB), "site", MODEL, applied(parsed.request, at(MODEL, WEB)).claims)


class Passing:
    """A Check that passes at a word, and else has a flaw of that name."""

    def __init__(self, word: str) -> None:
        self.word = word

    def passes(self, events: Sequence[Event]) -> bool:
        return Text(self.word) in events

    def flaw(self, events: Sequence[Event]) -> Flaw | None:
        return Flaw((Message("user", self.word),), ProviderError(ErrorKind.PROVIDER_DOWN, self.word))


class Checking:
    def __init__(self, word: str) -> None:
        self.word = word

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        return Applied(request, check=Passing(self.word))


def checked(monkeypatch: pytest.MonkeyPatch) -> Check:
    added: list[Feature] = [Checking("outer"), Checking("inner")]
    monkeypatch.setattr(chain, "FEATURES", [*added, *chain.FEATURES])
    found = applied(CHAT, at(MODEL, WEB)).check
    assert found is not None
    return found


def test_an_answer_goes_out_when_it_has_passed_all_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    check = checked(monkeypatch)
    assert not check.passes([Text("inner")])
    assert not check.passes([Text("inner"), Text("other")])
    assert check.passes([Text("outer")])


def test_the_first_check_that_was_not_passed_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    check = checked(monkeypatch)
    assert not check.passes([])
    assert (flaw := check.flaw([Finish("stop")])) is not None
    assert flaw.error.message == "inner"
    assert not check.passes([Text("inner")])
    assert (flaw := check.flaw([Finish("stop")])) is not None
    assert flaw.error.message == "outer"
