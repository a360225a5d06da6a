"""Requests for pictures, and the chat that stands for one."""

from providers.contract.chat import ImagePart, TextPart
from providers.contract.pictures import ImageRequest, SourcePicture


def test_a_description_is_the_one_message_of_a_chat() -> None:
    chat = ImageRequest("m", "A cat", n=2, size="1:1", stream=True, affinity="u", extra={"n": 2}).instead()
    assert (chat.model, chat.messages[0].content, chat.n, chat.drawing) == ("m", "A cat", 2, "link")
    assert (chat.extra, chat.stream, chat.affinity) == ({"size": "1:1"}, True, "u")


def test_pictures_to_be_changed_are_parts_of_it() -> None:
    sources = (SourcePicture(b"\x89PNG", "image/png; x=y"), SourcePicture(reference="https://a/1.png"))
    chat = ImageRequest("m", "Blue", edits=True, sources=sources, response_format="b64_json").instead()
    parts = (TextPart("Blue"), ImagePart("data:image/png;base64,iVBORw=="), ImagePart("https://a/1.png"))
    assert (chat.messages[0].content, chat.drawing) == (parts, "content")


def test_the_part_of_a_picture_is_made_once() -> None:
    source = SourcePicture(b"\x89PNG", "image/png")
    assert source.part is source.part
