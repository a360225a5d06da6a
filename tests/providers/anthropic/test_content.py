"""Parts of messages as content blocks."""

from typing import Any

import pytest

from providers.anthropic.content import blocks_of
from providers.contract.chat import AttachedPart, ImagePart, OtherPart, Part, TextPart
from providers.contract.errors import ErrorKind, ProviderError

MARK = {"cache_control": {"type": "ephemeral"}}


def base64(media_type: str) -> dict[str, str]:
    return {"type": "base64", "media_type": media_type, "data": "aGk="}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (TextPart("Hi", MARK), {"type": "text", "text": "Hi", **MARK}),
        (TextPart("Hi", {"of_others": 1}), {"type": "text", "text": "Hi"}),
        (ImagePart("data:image/webp;base64,aGk="), {"type": "image", "source": base64("image/webp")}),
        (ImagePart("data:image/jpg;base64,aGk="), {"type": "image", "source": base64("image/jpeg")}),
        (ImagePart("data:;base64,aGk=", extra=MARK), {"type": "image", "source": base64("image/png"), **MARK}),
        (
            ImagePart("https://a.example/x.png"),
            {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        ),
        (
            OtherPart("file", {"file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}}),
            {"type": "document", "source": base64("application/pdf"), "title": "a.pdf"},
        ),
        (
            OtherPart("file", {"file": {"file_data": "aGk="}}),
            {"type": "document", "source": base64("application/pdf")},
        ),
        (
            OtherPart("file", {"file": {"file_data": "data:image/png;base64,aGk="}}),
            {"type": "image", "source": base64("image/png")},
        ),
        (
            OtherPart("file", {"file": {"file_id": "file_1"}}),
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        ),
        (
            OtherPart("document", {"source": {"type": "text", "data": "x"}, "type": "document"}),
            {"type": "document", "source": {"type": "text", "data": "x"}},
        ),
        (OtherPart("refusal", {"refusal": "No."}), {"type": "text", "text": "No."}),
        (AttachedPart("document", "a.pdf", {}), {"type": "text", "text": "(document: a.pdf)"}),
    ],
    ids=str,
)
def test_a_part_is_a_block(part: Part, block: dict[str, Any]) -> None:
    assert blocks_of((part,)) == [block]


def test_text_is_a_block_unless_it_is_blank() -> None:
    assert blocks_of("Hi") == [{"type": "text", "text": "Hi"}]
    assert blocks_of("") == blocks_of(None) == blocks_of(" \n") == blocks_of((TextPart(" "),)) == []


@pytest.mark.parametrize(
    "part",
    [
        ImagePart("data:image/png,x"),
        ImagePart("ftp://a.example/x"),
        OtherPart("input_audio", {"input_audio": {"data": "aGk="}}),
        OtherPart("file", {"file": {}}),
    ],
    ids=str,
)
def test_what_has_no_place_in_the_form_is_refused(part: Part) -> None:
    with pytest.raises(ProviderError) as refused:
        blocks_of((part,))
    assert (refused.value.kind, refused.value.param) == (ErrorKind.BAD_REQUEST, "messages")
