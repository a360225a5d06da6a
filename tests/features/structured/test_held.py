"""The answer that has to be JSON: what goes out, when, and what is asked for once more."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.features.structured.held import TRIED_LIMIT, HeldJson
from addons.features.structured.wanted import WantedJson
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Withdrawn,
)
from tests.features.structured.test_finder import cut
from tests.features.structured.test_wanted import CITY
from tests.support.counting import work_of

STOP = Finish("stop")
PARIS = '{"city": "Paris"}'
ROME = '{"city": "Rome"}'
CUT_OFF = Failure(ProviderError(ErrorKind.INCOMPLETE, "cut off"))
CALL = ToolCallDelta(0, "call_1", "look", "{}")


def held(*, last: bool = False, schema: Any = CITY) -> HeldJson:
    return HeldJson(WantedJson(schema), last=last)


def given_out(one: HeldJson, *events: Event) -> list[Event]:
    return [found for event in events for found in one.filter([event])]


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def test_the_json_goes_out_as_soon_as_it_is_whole() -> None:
    one = held()
    assert one.filter([Text("Here:\n```json\n"), Text(ROME[:-1])]) == []
    assert not one.passes([])
    assert one.filter([Text("}\n```")]) == [Text(ROME)]
    assert one.passes([])
    assert (one.ended, one.done) == (True, False)
    assert one.filter([Usage(1, 2, 3), STOP]) == [Usage(1, 2, 3), STOP]


@pytest.mark.parametrize("behind", [Text(" This is"), CALL, CUT_OFF])
def test_who_goes_on_talking_is_not_waited_for(behind: Event) -> None:
    one = held()
    assert given_out(one, Text(ROME), behind, Text("more"), STOP) == [Text(ROME), STOP]
    assert one.done


def test_words_behind_it_in_the_same_piece_end_it_too() -> None:
    one = held()
    assert given_out(one, Text(f"{ROME} This is")) == [Text(ROME), STOP]


def test_a_limit_behind_the_json_is_none() -> None:
    assert given_out(held(), Text(ROME), Finish("length")) == [Text(ROME), STOP]


def test_thoughts_sources_and_pictures() -> None:
    source = Citation("http://a", "A", "[[1]]", 3, 8)
    out = given_out(held(), Reasoning("hm"), Text(ROME), source, Image("http://b"), STOP)
    assert out == [Reasoning("hm"), Text(ROME), Citation("http://a", "A", "[[1]]"), STOP]


def test_what_is_withdrawn_is_not_found() -> None:
    one = held()
    assert text_of(given_out(one, Text('{"city": "Par'), Withdrawn(), Text(ROME), STOP)) == ROME


def test_json_that_is_withdrawn_behind_its_end_is_looked_for_anew() -> None:
    """As sites do that write their text anew; in answers that are no streams."""
    one = HeldJson(WantedJson(CITY), stream=False)
    out = given_out(one, Text(PARIS), Withdrawn())
    assert out == [Text(PARIS), Withdrawn()]
    assert (one.ended, one.passes([])) == (False, False)
    assert given_out(one, Text(ROME), STOP) == [Text(ROME), STOP]
    assert one.passes([])
    other = HeldJson(WantedJson(CITY), stream=False)
    given_out(other, Text(PARIS), Withdrawn(), Text("no"), STOP)
    assert not other.passes([])


def test_a_call_may_stand_in_its_place() -> None:
    one = held()
    assert given_out(one, Text("I look."), CALL, Text(ROME), Finish("tool_calls")) == [CALL, Finish("tool_calls")]
    assert one.passes([])


def test_broken_json_is_mended_at_the_end() -> None:
    assert given_out(held(), Text("{'city': 'Rome',}"), STOP) == [Text('{"city":"Rome"}'), STOP]


def test_a_first_object_that_does_not_fit_hides_no_later_one() -> None:
    assert text_of(given_out(held(), Text('{"town": 1} no: ' + ROME), STOP)) == ROME


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("I cannot.", "there is none"),
        ('{"town": 3}', "town"),
        ('{"city": "Rome", "days": "x"}', 'days: "x" is not of type'),
        ('{"city": "Ro', "there is none"),
    ],
)
def test_what_does_not_fit_is_asked_for_once_more_then_refused(said: str, why: str) -> None:
    first = held()
    out = given_out(first, Text(said), STOP)
    assert out == [Text(said), STOP]
    assert not first.passes(out)
    flaw = first.flaw(out)
    assert flaw
    assert [message.role for message in flaw.messages] == ["assistant", "user"]
    assert flaw.messages[0].content == said
    assert why in str(flaw.messages[1].content)
    assert why in flaw.error.message

    second = held(last=True)
    refusal, end = given_out(second, Text(said), STOP)
    assert second.passes([])
    assert isinstance(refusal, Passthrough)
    assert why in refusal.fields["refusal"]
    assert end == STOP


def test_an_answer_of_thoughts_alone_is_asked_for_without_words_of_the_model() -> None:
    one = held()
    out = given_out(one, Reasoning("hm"), STOP)
    flaw = one.flaw(out)
    assert flaw
    assert [message.role for message in flaw.messages] == ["user"]


@pytest.mark.parametrize(
    ("said", "out"),
    [
        ('Sure: {"city": "Rome", ', '{"city":"Rome"}'),
        ('Sure: {"city": "Rome", "days": ', '{"city": "Rome", "days": '),
        ('Sure: {"days": 3, "ci', '{"days": 3, "ci'),
        ("Sure, here", ""),
    ],
)
def test_a_limit_leaves_what_is_surely_of_the_json(said: str, out: str) -> None:
    one = held()
    found = given_out(one, Text(said), Finish("length"))
    assert text_of(found) == out
    assert found[-1] == Finish("length")
    assert one.passes([])


def test_any_object_that_a_limit_cut_is_closed() -> None:
    found = given_out(held(schema=None), Text('{"a": [1, {"b": "c'), Finish("length"))
    assert json.loads(text_of(found)) == {"a": [1, {"b": "c"}]}


def test_the_sites_own_filter_is_told() -> None:
    one = held()
    assert given_out(one, Text("I"), Finish("content_filter")) == [Finish("content_filter")]
    assert one.passes([])


def test_a_failure_before_it_is_one() -> None:
    assert given_out(held(), Text('{"city"'), CUT_OFF) == [CUT_OFF]


PIECES = [
    "Sure. ",
    "```json\n",
    '{"city": "',
    "Rome",
    '"}',
    "{",
    "}",
    "\n```",
    "[[1]]",
    "<think>",
    "</think>",
    "'a': 1",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(st.sampled_from(PIECES)), st.lists(st.integers(0, 200)), st.booleans())
def test_the_outcome_is_the_same_at_every_cut(words: list[str], places: list[int], last: bool) -> None:
    text = "".join(words)
    whole = given_out(held(last=last), Text(text), STOP)
    pieces = given_out(held(last=last), *map(Text, cut(text, *places)), STOP)
    assert text_of(pieces) == text_of(whole)
    assert pieces[-1] == whole[-1]
    assert [event for event in pieces if isinstance(event, Passthrough)] == [
        event for event in whole if isinstance(event, Passthrough)
    ]


@given(VALUES, st.lists(st.integers(0, 500)))
def test_any_object_comes_through_as_it_is(value: Any, places: list[int]) -> None:
    text = json.dumps({"value": value, "more": 1}, ensure_ascii=False)
    one = held(schema=None)
    out = given_out(one, *map(Text, cut(f"Well:\n```\n{text}\n```\n", *places)), STOP)
    assert out == [Text(text), STOP]


def test_only_so_many_pieces_are_tried_on_the_way() -> None:
    def work(pieces: int) -> int:
        one = held(last=True)
        out, count = work_of(lambda: one.filter([Text("{}" * pieces)]))
        assert out == []
        return count

    assert work(8 * TRIED_LIMIT) == work(2 * TRIED_LIMIT)
