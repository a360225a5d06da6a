"""Answers with pictures: one document out of a site's pictures, an API's own bytes, and its stream."""

import json

from addons.dialects.base import AnswerMeta
from addons.dialects.images.answer import PicturesWhole
from addons.dialects.openai.passed_events import PassedEvents
from addons.errors import GatewayError
from providers.contract.events import Event, Finish, Image, Text, Usage, Verbatim, Withdrawn

META = AnswerMeta("img-1", 1_790_000_000, "m")


def whole(*events: Event) -> bytes:
    encoder = PicturesWhole(META)
    assert encoder.encode(events) == b""
    return encoder.encode([Finish("stop")])


def test_pictures_by_address_and_by_content() -> None:
    found = json.loads(
        whole(Image("https://a/1.png?key=x"), Image("data:image/png;base64,AA==", "a cat"), Usage(3, 0, 3))
    )
    assert found == {
        "created": 1_790_000_000,
        "data": [{"url": "https://a/1.png?key=x"}, {"b64_json": "AA==", "revised_prompt": "a cat"}],
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"text_tokens": 3, "image_tokens": 0},
            "output_tokens": 0,
            "total_tokens": 3,
        },
    }


def test_words_are_left_out_and_what_was_withdrawn() -> None:
    assert json.loads(whole(Text("Here:"), Image("https://a/0"), Withdrawn(), Image("https://a/1")))["data"] == [
        {"url": "https://a/1"}
    ]


def test_an_apis_document_is_passed_on_byte_for_byte() -> None:
    assert whole(Verbatim(b'{ "data": '), Verbatim(b"[] }\n"), Usage(1, 1, 2)) == b'{ "data": [] }\n'


def test_a_stream_is_passed_on_and_an_error_is_its_last_frame() -> None:
    stream = PassedEvents()
    assert stream.encode([Verbatim(b"data: 1\n\n"), Usage(1, 1, 2), Finish("stop")]) == b"data: 1\n\n"
    assert stream.error(GatewayError(502, "It broke.")).startswith(b'data: {"error": {"message": "It broke."')
