"""Requests for pictures: what a web session and an official API get of them, in JSON and as a form."""

import json
from typing import Any

import pytest

from addons.dialects.base import ParsedRequest
from addons.dialects.images.dialect import Images
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from providers.contract.pictures import ImageRequest, SourcePicture

MAKE = RoutedHead("images_generations")
EDIT = RoutedHead("images_edits", headers={"content-type": "application/json"})
FORM = RoutedHead("images_edits", headers={"content-type": "multipart/form-data; boundary=b"})
URL = "data:image/png;base64,iVBORw0KGgo="


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "prompt": "A cat", **fields}).encode()


def parsed(body: bytes, head: RoutedHead = MAKE) -> ParsedRequest:
    return Images().parse(body, head)


def asked(body: bytes, head: RoutedHead = MAKE) -> ImageRequest:
    found = parsed(body, head).request
    assert isinstance(found, ImageRequest)
    return found


def form(*parts: tuple[str, bytes]) -> bytes:
    heads = {"image": "; filename=a.png\r\nContent-Type: image/png", "image[]": "; filename=b.jpg"}
    told = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"{heads.get(name, "")}\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in parts
    )
    return told + b"--b--\r\n"


def test_a_description_and_what_is_wanted_of_its_pictures() -> None:
    found = asked(body(n=2, size="1024x1024", response_format="b64_json", user="u", style="vivid"))
    assert (found.prompt, found.n, found.size, found.response_format) == ("A cat", 2, "1024x1024", "b64_json")
    assert (found.affinity, found.edits, found.stream, list(found.words())) == ("u", False, False, ["A cat"])
    assert found.extra["style"] == "vivid"
    assert "model" not in found.extra
    assert parsed(body()).refusal is None


@pytest.mark.parametrize("fields", [{"n": 0}, {"n": 1.5}, {"n": True}, {"n": "2"}, {"size": 5}, {"response_format": 5}])
def test_what_a_web_session_cannot_make_sense_of_is_its_refusal_by_name(fields: dict[str, Any]) -> None:
    found = parsed(body(**fields))
    assert found.refusal is not None
    assert (found.refusal.status, found.refusal.param) == (400, next(iter(fields)))
    assert isinstance(found.request, ImageRequest)
    assert found.request.n == 1
    assert {**found.request.extra, **fields} == found.request.extra, "an official API judges it itself"


@pytest.mark.parametrize(
    ("fields", "param"), [({"prompt": None}, "prompt"), ({"stream": 1}, "stream"), ({"model": ""}, "model")]
)
def test_what_the_gateway_itself_has_to_know_is_refused_for_all(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as refused:
        parsed(body(**fields))
    assert refused.value.param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"image": URL},
        {"image": [URL]},
        {"images": [{"image_url": URL}]},
        {"images": [{"image_url": URL}], "image": None},
    ],
)
def test_pictures_to_be_changed_in_json(fields: dict[str, Any]) -> None:
    found = asked(body(**fields), EDIT)
    assert (found.edits, found.sources) == (True, (SourcePicture(reference=URL),))
    assert parsed(body(**fields), EDIT).refusal is None
    assert asked(body(**fields), RoutedHead()).edits, "a body that was kept has no head"


def test_a_mask_and_a_file_by_its_id() -> None:
    found = asked(body(images=[{"file_id": "file-1"}], mask={"image_url": URL}), EDIT)
    assert (found.sources[0].reference, found.mask) == ("file-1", SourcePicture(reference=URL))
    assert asked(body(image=URL, mask=URL), EDIT).mask == SourcePicture(reference=URL)


@pytest.mark.parametrize("fields", [{}, {"image": []}, {"images": []}, {"image": 5}, {"image": URL, "images": [{}]}])
def test_a_change_needs_pictures(fields: dict[str, Any]) -> None:
    refusal = parsed(body(**fields), EDIT).refusal
    assert refusal is not None
    assert refusal.param in ("image", "images")


def test_a_form() -> None:
    raw = form(
        ("model", b"m"), ("prompt", "Ein Bär".encode()), ("n", b"2"), ("stream", b"true"), ("image", b"\x89"),
        ("image[]", b"\xff"), ("mask", b"\0"),
    )  # fmt: skip
    found = asked(raw, FORM)
    assert (found.model, found.prompt, found.n, found.stream) == ("m", "Ein Bär", 2, True)
    assert found.sources == (SourcePicture(b"\x89", "image/png"), SourcePicture(b"\xff"))
    assert found.mask == SourcePicture(b"\0")
    assert found.form is not None
    assert (found.form.body, found.form.content_type) == (raw, "multipart/form-data; boundary=b")
    assert asked(raw, RoutedHead()).prompt == found.prompt, "a body that was kept has no head"


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([("model", b"m"), ("prompt", b"x"), ("image", b"1"), ("n", b"many")], "n"),
        ([("model", b"m"), ("prompt", b"x")], "image"),
        ([("model", b"m"), ("prompt", b"x"), *[("image[]", b"1")] * 17], "image"),
    ],
)
def test_a_form_that_a_web_session_cannot_take(parts: list[tuple[str, bytes]], param: str) -> None:
    refusal = parsed(form(*parts), FORM).refusal
    assert refusal is not None
    assert refusal.param == param


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([("prompt", b"x"), ("image", b"1")], "model"),
        ([("model", b"m"), ("image", b"1")], "prompt"),
        ([("model", b"m"), ("prompt", b"\xff")], "prompt"),
        ([("model", b"m"), ("prompt", b"x"), ("stream", b"perhaps")], "stream"),
    ],
)
def test_a_form_that_nobody_can_take(parts: list[tuple[str, bytes]], param: str) -> None:
    with pytest.raises(GatewayError) as refused:
        parsed(form(*parts), FORM)
    assert refused.value.param == param


def test_a_form_is_for_changes_alone() -> None:
    with pytest.raises(GatewayError) as refused:
        parsed(form(("model", b"m"), ("prompt", b"x")), MAKE)
    assert refused.value.code == "invalid_json"


def test_pictures_that_are_files_of_an_api_are_named() -> None:
    asked_for = body(images=[{"image_url": URL}, {"file_id": "file-1"}], mask={"file_id": "file-2"})
    names = parsed(asked_for, EDIT).names
    assert [(one.kind, one.id, one.param) for one in names] == [
        ("file", "file-1", "images[1].file_id"),
        ("file", "file-2", "mask.file_id"),
    ]
