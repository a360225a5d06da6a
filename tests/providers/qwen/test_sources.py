from typing import Any

import pytest

from providers.contract.events import Citation
from providers.qwen.decoder import DecoderOptions
from tests.providers.qwen.reading import answer, frames, read


@pytest.mark.parametrize(
    ("style", "text", "mark"),
    [
        ("annotations", "See .", None),
        ("links", "See [[1]](https://a.example/).", "[[1]](https://a.example/)"),
        ("raw", "See [[5]].", "[[5]]"),
    ],
)
def test_citation_styles(style: Any, text: str, mark: str | None) -> None:
    result = {"docs": [{"url": "https://a.example/", "title": "A"}], "used_id": 6}
    search = {"phase": "web_search", "role": "function", "status": "finished", "extra": {"tool_result": result}}
    data = frames(search, answer("See ["), answer("[5"), answer("]"), answer("]."), answer("", "finished"))
    found = read(data, DecoderOptions(citations=style))
    assert found.text == text
    [citation] = found.citations
    assert (citation.url, citation.mark) == ("https://a.example/", mark)
    assert text[citation.start : citation.end] == (mark or "")


def test_sources_without_any_mark_are_listed() -> None:
    result = {"docs": [{"url": "https://a.example/", "title": "A"}, {"url": "javascript:1"}], "used_id": 3}
    search = {"phase": "web_search", "role": "function", "status": "finished", "extra": {"tool_result": result}}
    assert read(frames(search, answer("x", "finished"))).citations == [Citation("https://a.example/", "A")]


def test_marks_are_code_where_nothing_was_searched() -> None:
    assert read(frames(answer("x[[1]]"), answer(" y[", "finished"))).text == "x[[1]] y["
