import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.words.shown import shown
from addons.words.table import table, width

CELLS = st.text(max_size=8).filter(lambda text: "|" not in text)


def test_columns_are_as_wide_as_what_stands_in_them_and_numbers_stand_to_the_right() -> None:
    lines = table(("KEY", "TOKENS", "COST", "NOTE"), [("ada", "12", "$0.50", "x"), ("grace", "1,200", "-", ""), ("b",)])
    assert lines == [
        "KEY    TOKENS   COST  NOTE",
        "ada        12  $0.50  x",
        "grace   1,200      -",
        "b",
    ]


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    assert [width(text) for text in ("你好", "e\u0301", "a", "🌏", "ü")] == [4, 1, 1, 2, 1]
    assert table((), [("你好", "x"), ("abc", "y")]) == ["你好  x", "abc   y"]


def test_a_head_over_nothing_is_not_shown() -> None:
    assert table(("A", "B"), []) == []


@pytest.mark.parametrize("foreign", ["\x1b[2J", "two\nlines", "\u202e"])
def test_what_cannot_be_printed_is_shown_as_its_escape(foreign: str) -> None:
    (line,) = table((), [(foreign, "end")])
    assert line.isprintable()
    assert line.endswith("  end")


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6))
def test_every_last_cell_begins_in_the_same_column(rows: list[tuple[str, str, str]]) -> None:
    lines = table((), [(*row[:2], f"|{row[2]}") for row in rows])
    assert len({width(line[: line.index("|")]) for line in lines}) == 1
    assert all(line == shown(line).rstrip(" ") for line in lines)
