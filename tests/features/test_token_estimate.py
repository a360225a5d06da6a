import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.features.token_estimate import LateCounter, TokenCounter, count, estimated
from tests.support.counting import work_of


def fed(pieces: list[str]) -> TokenCounter:
    counter = TokenCounter()
    for piece in pieces:
        counter.add(piece)
    return counter


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param(" \n\t", 0, id="white space"),
        pytest.param("hi", 1, id="short word"),
        pytest.param("four", 1, id="four letters"),
        pytest.param("fiver", 2, id="five letters"),
        pytest.param("2025", 1, id="digits"),
        pytest.param("a, b", 3, id="marks"),
        pytest.param("你好世界", 4, id="Chinese"),
        pytest.param("größe", 2, id="Latin with marks"),
        pytest.param("привет", 2, id="Cyrillic"),
        pytest.param("😀", 1, id="emoji"),
    ],
)
def test_estimate_by_the_shape_of_the_text(text: str, tokens: int) -> None:
    assert count(text) == tokens


def test_a_word_goes_on_over_pieces_but_not_over_a_space() -> None:
    assert fed(["ab", "cd"]).tokens == 1
    assert fed(["ab", "", "cd"]).tokens == 1
    assert fed(["ab ", "cd"]).tokens == 2
    assert fed(["ab", " cd"]).tokens == 2


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_the_count_does_not_depend_on_the_cut(text: str, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    assert fed(pieces).tokens == count(text) == estimated(pieces) == estimated(iter(pieces)) == estimated([text])


@given(st.text(alphabet="ab 你.", max_size=20), st.text(alphabet="abc 你.\n", max_size=30), st.integers(0, 15))
def test_room_is_the_longest_beginning_that_still_fits(before: str, text: str, most: int) -> None:
    counter = fed([before])
    room = counter.room(text, most)
    assert counter.tokens == count(before)  # asking changes nothing
    if counter.tokens > most:
        return
    assert count(before + text[:room]) <= most
    assert room == len(text) or count(before + text[: room + 1]) > most


@given(st.lists(st.text(alphabet="ab 中,\u3000é", max_size=6), max_size=200))
def test_counted_late_pieces_have_as_many_tokens(pieces: list[str]) -> None:
    at_once, late = TokenCounter(), LateCounter()
    for piece in pieces:
        at_once.add(piece)
        late.add([piece])
    assert late.tokens == late.tokens == at_once.tokens


def test_pieces_for_which_a_count_comes_are_hardly_looked_at() -> None:
    def work(add: Callable[[], None]) -> int:
        def adds() -> None:
            for _ in range(60):
                add()

        return work_of(adds)[1]

    at_once, late = TokenCounter(), LateCounter()
    assert work(lambda: late.add(["word "])) * 2 < work(lambda: at_once.add("word "))


def test_of_texts_that_are_too_long_together_the_rest_is_taken_to_be_like_their_beginning() -> None:
    assert estimated([]) == 0
    assert estimated(["word " * 150_000, "word " * 150_000]) == 300_000
    assert estimated(["word " * 300_000]) == 300_000
