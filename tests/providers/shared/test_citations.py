"""Citation marks in text: found over every cut, rewritten by style, resolved late."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.events import Citation, Text
from providers.shared.citations import CitationStyle, CitedText, MarkSyntax, Sources


def keys(inside: str) -> tuple[str, ...]:
    return tuple(inside.split("+")) if inside.replace("+", "").isdigit() else ()


def may_begin(inside: str) -> bool:
    return inside == "" or inside.replace("+", "").isdigit()


MARKS = MarkSyntax("[[", "]]", keys, may_begin, longest=20)


def sources() -> Sources:
    found = Sources()
    found.add("https://a.example/x y", "no address: it holds a space", "0")
    found.add("https://a.example/(x)", " A ", "1")
    found.add("https://b.example/", "B", "2")
    return found


def read(style: CitationStyle, pieces: list[str], known: Sources | None = None) -> tuple[str, list[Citation]]:
    cited = CitedText(style, MARKS, sources() if known is None else known)
    events = [event for piece in pieces for event in cited.feed(piece)] + cited.flush()
    text = "".join(event.text for event in events if isinstance(event, Text))
    return text, [event for event in events if isinstance(event, Citation)]


@pytest.mark.parametrize(
    ("style", "expected", "marks"),
    [
        ("annotations", "One  two .", [None, None, None]),
        ("raw", "One [[1]] two [[2+1]].", ["[[1]]", "[[2+1]]", "[[2+1]]"]),
        (
            "links",
            "One [[1]](https://a.example/%28x%29) two [[2]](https://b.example/)[[1]](https://a.example/%28x%29).",
            ["[[1]](https://a.example/%28x%29)", "[[2]](https://b.example/)", "[[1]](https://a.example/%28x%29)"],
        ),
    ],
)
def test_marks_by_style_at_every_cut(style: CitationStyle, expected: str, marks: list[str | None]) -> None:
    raw = "One [[1]] two [[2+1]]."
    for cut in range(len(raw) + 1):
        text, citations = read(style, [raw[:cut], raw[cut:]])
        assert text == expected
        assert [(c.url, c.title) for c in citations] == [
            ("https://a.example/(x)", "A"),
            ("https://b.example/", "B"),
            ("https://a.example/(x)", "A"),
        ]
        assert [c.mark for c in citations] == marks
        for citation in citations:
            assert citation.mark is None or text[citation.start : citation.end] == citation.mark


@pytest.mark.parametrize("raw", ["[[note]] x", "a [[", "a [[12", "[[" + "1" * 30, "[ [1] ]", "[[]] ["])
def test_what_is_no_mark_stays(raw: str) -> None:
    for cut in range(len(raw) + 1):
        assert read("annotations", [raw[:cut], raw[cut:]])[0] == raw


def test_a_source_named_after_its_mark_is_cited_at_the_end() -> None:
    known = Sources()
    cited = CitedText("annotations", MARKS, known)
    events = cited.feed("So[[7]] it is")
    known.add("https://late.example/", "Late", "7")
    assert [*events, *cited.flush()][-1] == Citation("https://late.example/", "Late", None, 2, 2)


def test_without_any_mark_the_sources_are_a_plain_list() -> None:
    assert read("annotations", ["No marks."])[1] == [
        Citation("https://a.example/(x)", "A"),
        Citation("https://b.example/", "B"),
    ]


@given(st.text("[]12+x ", max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_any_text_at_any_cuts(raw: str, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(raw)) for place in places), len(raw)]
    pieces = [raw[a:b] for a, b in itertools.pairwise(edges)]
    for style in ("annotations", "links", "raw"):
        assert read(style, pieces) == read(style, [raw])
    assert read("raw", pieces)[0] == raw
