"""Parts of messages that carry files, in the forms that clients use."""

from base64 import encodebytes
from typing import Any

import pytest

from addons.errors import GatewayError
from addons.features.media.parts import FilePart, file_parts
from providers.contract.chat import ImagePart, Message, OtherPart, TextPart
from tests.support.counting import work_of
from tests.support.media import PDF, PNG, data_url, document, sound, video


def read(part: Any) -> FilePart:
    given = part if isinstance(part, ImagePart) else OtherPart(part["type"], part)
    (found,) = file_parts([Message("tool", (TextPart("x"), given), tool_call_id="c")])
    assert found.where == "messages[0].content[1]"
    return found


def test_each_form_is_read() -> None:
    assert read(ImagePart(data_url(PNG))).kind().extension == "png"
    assert read(document()).kind().extension == "pdf"
    assert read(sound()).kind().extension == "wav"
    assert read(video()).kind().extension == "mp4"
    assert read({"type": "video_url", "video_url": data_url(PNG)}).asked == "video"
    assert read(ImagePart("HTTPS://x.example/a")).url == "HTTPS://x.example/a"


def test_line_ends_in_base64_are_read_over() -> None:
    broken = encodebytes(PNG * 5).decode()
    assert read(ImagePart(f"data:image/png;base64,{broken}")).kind().extension == "png"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {}},
        {"type": "file", "file": {"filename": "a.pdf"}},
        {"type": "file"},
        {"type": "file", "file": {"file_data": 7}},
        {"type": "file", "file": {"file_id": "file-1", "file_data": data_url(PDF)}},
        {"type": "input_audio", "input_audio": {}},
        {"type": "video_url", "video_url": {"url": ""}},
        {"type": "video_url", "video_url": {"url": "file:///etc/passwd"}},
        {"type": "video_url", "video_url": {"url": "data:" + "x" * 300 + ";base64,AAAA"}},
    ],
)
def test_what_holds_no_file_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        read(part)
    assert caught.value.status == 400
    assert str(caught.value.param).startswith("messages[0].content[1]")


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\me\\a.pdf", "a.pdf"),
        ('a"\r\nX: y.pdf', "a_X_ y.pdf"),
        ("bericht für Jürgen.PDF", "bericht für Jürgen.PDF"),
        ("a.png", "a.png.pdf"),
        ("x" * 500 + ".pdf", "x" * 96 + ".pdf"),
        ("...", "document-abcdef01.pdf"),
        (None, "document-abcdef01.pdf"),
    ],
)
def test_names_are_no_paths_and_end_in_what_the_file_is(called: str | None, name: str) -> None:
    assert read(document(filename=called)).file_name("document", "pdf", "abcdef0123") == name


def test_looking_at_a_big_file_costs_no_more_than_at_a_small_one() -> None:
    small, large = (ImagePart(data_url(PNG + bytes(size))) for size in (10_000, 5_000_000))
    assert work_of(lambda: read(large).kind()) == work_of(lambda: read(small).kind())
