"""Where a JSON value ends that comes in pieces."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.events import Finish
from providers.formats.json_end import JsonEnd
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.providers.openai.streams import FIXTURES


def test_a_whole_answer_has_ended_when_its_json_is_there() -> None:
    body = (FIXTURES / "synthetic-whole.json").read_bytes().rstrip()
    decoder = OpenAIDecoder(Form(), stream=False)
    for at in range(0, len(body) - 1, 40):
        decoder.feed(body[at : min(at + 40, len(body) - 1)])
        assert not decoder.ended
    decoder.feed(body[-1:])
    assert decoder.ended
    assert isinstance(decoder.close()[-1], Finish)


TEXTS = ['{"a": [1, "}]"]} rest', "[] rest", '{"a": "\\\\"}}', '["\\"]", 2]x', " \n{}", '{"ä🌏": {}}!']


@pytest.mark.parametrize("text", TEXTS)
def test_the_end_is_where_a_parser_sees_it_at_every_cut(text: str) -> None:
    lead = len(text) - len(text.lstrip())
    end = lead + json.JSONDecoder().raw_decode(text.lstrip())[1]
    for at in range(len(text) + 1):
        reader = JsonEnd()
        first = reader.read(text[:at])
        if at >= end:
            assert (first, reader.ended) == (end, True), at
        else:
            assert (first, reader.ended) == (at, False), at
            assert reader.inside is (at > lead)
            assert at + reader.read(text[at:]) == end
        assert not reader.inside


@pytest.mark.parametrize("text", ["5 }", '"a" ]', "words {", "true"])
def test_what_is_no_object_or_list_has_no_end_that_could_be_seen(text: str) -> None:
    reader = JsonEnd()
    assert reader.read(text) == len(text)
    assert (reader.begun, reader.ended, reader.inside) == (True, False, False)
    assert reader.read("}]") == 2


def test_white_space_alone_begins_nothing() -> None:
    reader = JsonEnd()
    assert (reader.read(" \n"), reader.begun) == (2, False)
    assert reader.read("x{}", 1) == 3
    assert reader.ended


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ).filter(lambda value: isinstance(value, list | dict)),
    st.text(max_size=10),
    st.integers(0, 60),
)
def test_any_value_ends_where_it_ends(value: Any, behind: str, cut: int) -> None:
    said = json.dumps(value, ensure_ascii=False)
    text = said + behind
    reader = JsonEnd()
    first = reader.read(text[:cut])
    assert (first if reader.ended else cut + reader.read(text[cut:])) == len(said)


def test_a_long_value_is_looked_at_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    plain = JsonEnd._goes_on

    def goes_on(self: JsonEnd, stretch: bytes) -> bool:
        read.append(len(stretch))
        return plain(self, stretch)

    monkeypatch.setattr(JsonEnd, "_goes_on", goes_on)
    text = "[" + "1," * 500_000 + "1]" + "x" * 500_000
    assert JsonEnd().read(text) == 1_000_003
    assert sum(read) <= 3 * len(text)
