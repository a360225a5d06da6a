"""The stand-in's pictures: strict about what is missing, whole or streamed, in JSON or as a form."""

import base64
import json
from typing import Any

import pytest

from providers.sandbox.openai.site import OpenAISite
from providers.sandbox.png import PNG
from tests.support.asked import RecordedAnswer, ask


def drawn(path: str = "generations", **body: Any) -> RecordedAnswer:
    site = OpenAISite()
    asked = {"model": "sandbox-large", "prompt": "A cat", **body}
    return ask(site, "POST", f"/v1/images/{path}", asked, authorization=f"Bearer {site.key}")


def test_pictures_by_content_and_by_address() -> None:
    told = json.loads(drawn(n=2).text)
    assert [base64.b64decode(one["b64_json"]) for one in told["data"]] == [PNG, PNG]
    assert "url" in json.loads(drawn(response_format="url").text)["data"][0]


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("generations", {"prompt": ""}, 400, "prompt"),
        ("generations", {"model": "gpt"}, 404, "model"),
        ("edits", {}, 400, "image"),
    ],
)
def test_what_is_missing_is_refused_by_name(path: str, body: dict[str, Any], status: int, param: str) -> None:
    answer = drawn(path, **body)
    assert (answer.status, json.loads(answer.text)["error"]["param"]) == (status, param)


def test_a_stream_has_a_part_and_the_end() -> None:
    lines = [line for line in drawn(stream=True).text.splitlines() if line.startswith("event: ")]
    assert lines == ["event: image_generation.partial_image", "event: image_generation.completed"]
