"""Content blocks to parts: words, pictures, documents, and what cannot be carried."""

from typing import Any

import pytest

from addons.dialects.messages.blocks import UPLOADED, blocks_of, content_of, parts_of
from addons.dialects.messages.problems import Problems
from providers.contract.chat import ImagePart, OtherPart, Part, TextPart


def parts(*blocks: Any) -> list[Part]:
    problems = Problems()
    found = parts_of(blocks_of(list(blocks)), "here", problems)
    assert problems.first is None, problems.first
    return found


def problem(block: Any) -> str:
    problems = Problems()
    parts_of(blocks_of([{"type": "text", "text": "a"}, block]), "here", problems)
    assert problems.first is not None
    assert problems.first.param == problems.first.message.partition(":")[0]
    return problems.first.message


def document(source: Any, **more: Any) -> dict[str, Any]:
    return {"type": "document", "source": source, **more}


def image(source: Any) -> dict[str, Any]:
    return {"type": "image", "source": source}


def test_pictures_are_links_or_content() -> None:
    held = {"type": "base64", "media_type": "image/webp", "data": "UklG"}
    assert parts(image(held), image({"type": "url", "url": "https://a/b.png"})) == [
        ImagePart("data:image/webp;base64,UklG"),
        ImagePart("https://a/b.png"),
    ]


def test_documents_are_files_or_words() -> None:
    pdf = document({"type": "base64", "media_type": "application/pdf", "data": "JVBE"}, title="Plan.pdf")
    words = document({"type": "text", "media_type": "text/plain", "data": "Hello"}, title="T", context="C")
    inner = document(
        {"type": "content", "content": [{"type": "text", "text": "in"}, image({"type": "url", "url": "u"})]}
    )
    far = document({"type": "url", "url": "https://a/b.pdf"})
    assert parts(pdf, words, inner, far) == [
        TextPart("Plan.pdf"),
        OtherPart(
            "file",
            {"type": "file", "file": {"filename": "Plan.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        TextPart("T\nC"),
        TextPart("Hello"),
        TextPart("in"),
        ImagePart("u"),
        OtherPart("file", {"type": "file", "file": {"filename": "", "file_url": "https://a/b.pdf"}}),
    ]


def test_results_of_a_search_are_words() -> None:
    found = {"type": "search_result", "title": "A", "source": "https://a", "content": [{"type": "text", "text": "b"}]}
    assert parts(found) == [TextPart("A https://a"), TextPart("b")]


def test_a_block_of_a_kind_that_is_not_known_is_its_json() -> None:
    assert parts({"type": "browser_state", "tabs": ["\ud800"]}) == [TextPart('{"type":"browser_state","tabs":["�"]}')]


@pytest.mark.parametrize(
    "block",
    [image({"type": "file", "file_id": "f"}), document({"type": "file", "file_id": "f"}), {"type": "container_upload"}],
)
def test_what_lies_at_anthropic_is_refused_by_saying_so(block: Any) -> None:
    assert problem(block) == f"here[1]: {UPLOADED}"


@pytest.mark.parametrize("block", [{"type": "text"}, {"text": "a"}, {"type": 3}, image(None), document({"type": "x"})])
def test_what_is_not_of_the_form_is_told_with_its_place(block: Any) -> None:
    assert problem(block).startswith("here[1]: a ")


def test_words_alone_are_one_text() -> None:
    assert content_of([TextPart("a"), TextPart("b")], "\n\n") == "a\n\nb"
    assert content_of([], "\n") == ""
    assert content_of([ImagePart("u")], "\n") == (ImagePart("u"),)
