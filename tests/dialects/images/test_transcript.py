"""Requests for pictures and their answers as people read them: without contents, and without what signs a link."""

import json

from addons.dialects.images.transcript import PicturesTranscript
from addons.dialects.transcript import Passage

T = PicturesTranscript()
ASKED = {"model": "m", "prompt": "A cat", "n": 2, "image": "data:image/png;base64," + "A" * 5000}


def test_what_was_asked() -> None:
    assert list(T.asked(json.dumps(ASKED))) == [
        "parameters: n=2",
        "image: (5022 characters)",
        Passage("prompt", "A cat"),
    ]
    assert list(T.asked("--b\r\nContent-Disposition …")) == ["a form of 26 characters, with pictures in it"]
    assert list(T.asked("[")) == ["the client's request is no JSON object:", "["]


def test_what_was_answered() -> None:
    told = {"data": [{"url": "https://a/1.png?key=secret"}, {"b64_json": "A" * 5000, "revised_prompt": "a cat"}, 5]}
    assert list(T.answered(json.dumps(told))) == [
        "picture: https://a/1.png",
        "b64_json: (5000 characters)",
        Passage("revised prompt", "a cat"),
    ]
    assert list(T.answered("{")) == []
    frame = {"type": "image_generation.completed", "b64_json": "A" * 5000}
    assert list(T.answered(f"event: x\ndata: {json.dumps(frame)}\n\n")) == ["b64_json: (5000 characters)"]


def test_what_a_frame_says() -> None:
    frame = {"type": "image_generation.partial_image", "b64_json": "A" * 5000, "partial_image_index": 0}
    (words,) = T.frames().words(frame)
    assert "(5000 characters)" in words
    assert "AAAA" not in words


def test_the_error_at_the_end() -> None:
    assert T.error_of('data: {"error": {"code": "c", "message": "m"}}\n\n') == "c: m"
