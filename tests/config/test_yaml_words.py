"""What is wrong with YAML, in the line where it began: the words a person is told, whichever parser read it."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from addons.config.yaml_reading import YamlProblem, read_texts
from addons.config.yaml_words import ReadingPlace, describe_error


def told(text: str) -> tuple[str, int | None]:
    with pytest.raises(YamlProblem) as caught:
        read_texts(text)
    return str(caught.value).removeprefix("is not valid YAML: "), caught.value.line


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ('a: 1\nb: "open\nc: 2\n', "the quote that is opened here is never closed", 2),
        ("a: 'open\nb: 1\n", "the quote that is opened here is never closed", 1),
        ('a: "x\nb: 1\nc: "y"\n', "the quote that is opened here is closed in line 3 only: one is missing", 1),
        ("a:\n\tb: 1\n", "there is a tab, where YAML takes spaces alone; indent with spaces", 2),
        ("a: [1, 2\nb: 3\n", "the '[' that is opened here is not closed before line 2, or a ',' is missing in it", 1),
        ("a: {b: 1 c: 2}\n", "the '{' that is opened here is not closed, or a ',' is missing in it", 1),
        ("a: {b: ${NAME}}\n", 'inside of brackets a variable stands in quotes: "${NAME}"', 1),
        ("a: 1\n  b: 2\n", "a ':' stands where no value can be; look at the indentation here and above, ", 2),
        ("a: b: c\n", "a ':' stands where no value can be; look at the indentation here and above, ", 1),
        ("a:\n  b: 1\n c: 2\n", "the line does not fit those above: look at the indentation and the quotes", 3),
        ("a:\n- 1\n  - 2\nb\n", "a line is neither 'key: value' nor an item of a list; write ': ' behind the key", 5),
        ("a: %b\n", "a text that begins with this character must stand in quotes", 1),
        ("a: @b\n", "a text that begins with this character must stand in quotes", 1),
        ("a: ]\n", "a value is missing here, or a bracket is too many", 1),
        ('a: "\\q"\n', 'in "double quotes" a backslash begins an escape; write it twice, or use single quotes', 1),
    ],
)
def test_words_and_line(text: str, words: str, line: int) -> None:
    said, at = told(text)
    assert (said.startswith(words), at) == (True, line), (said, at)


class Lost(yaml.YAMLError):
    """An error as a parser may raise it, with what a test gives it."""

    def __init__(self, problem: str | None, line: int | None = None, column: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.problem_mark = None if line is None else yaml.Mark("", 0, line - 1, column, None, 0)


NOWHERE = ReadingPlace(7, None, None)


def test_an_error_without_a_place_is_where_the_reader_was() -> None:
    assert describe_error(Lost("something odd"), "", NOWHERE) == ("something odd", 7)
    assert describe_error(Lost("something odd", 2), "", NOWHERE) == ("something odd", 2)


def test_words_nobody_foresaw_are_the_parsers_own_in_one_line() -> None:
    assert describe_error(yaml.YAMLError("first\nsecond"), "", NOWHERE) == ("first", 7)


@pytest.mark.parametrize(("column", "tab"), [(3, True), (4, False)])
def test_a_tab_is_named_where_the_parser_stopped_at_it(column: int, tab: bool) -> None:
    said, _ = describe_error(Lost("found character that cannot start any token", 1, column), "a: \tb", NOWHERE)
    assert said.startswith("there is a tab") is tab


def test_a_quote_over_lines_is_named_only_where_the_parser_is_lost_at_its_end() -> None:
    over = ReadingPlace(1, None, (2, 5))
    assert describe_error(Lost("did not find expected key", 5), "\n" * 6, over)[1] == 2
    assert describe_error(Lost("did not find expected key", 4), "\n" * 6, over)[1] == 4


@given(st.text(alphabet="ab:- \n\t\"'[]{},#&*!|>%@$\\", max_size=60))
def test_whatever_is_wrong_is_told_in_one_line_of_the_text(text: str) -> None:
    problem = None
    try:
        read_texts(text)
    except YamlProblem as e:
        problem = e
    if problem is not None:
        assert "\n" not in str(problem)
        assert problem.line is None or 1 <= problem.line <= len(text.splitlines()) + 1
