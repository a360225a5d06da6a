"""Files at Z.AI: the form that is sent, what its answers mean, what each model is shown."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.uploads import MediaFile
from providers.zai.data import READ, SEEN
from tests.providers.zai.accounts import MOMENT, TOKEN, answered, provider, reply, session
from tests.support.media import PNG

FILE = MediaFile("image", 'a "b" ü.png', "image/png", PNG)


def upload(*answers: Any) -> Any:
    uploads = provider().uploads
    assert uploads is not None
    return answered(uploads.upload(FILE, session(), MOMENT), *answers)


def test_the_form_has_one_part_with_the_bytes_as_they_are() -> None:
    calls, attached = upload(reply({"id": "f-1", "meta": {"collection_name": "c"}, "odd": "x" * 100}))
    (call,) = calls
    headers = {name.lower(): value for name, value in call.headers}
    boundary = headers["content-type"].removeprefix("multipart/form-data; boundary=")
    assert call.url == "https://chat.z.ai/api/v1/files/"
    assert headers["authorization"] == "Bearer ~sealed~zai~main~token~"
    assert headers["x-fe-version"]
    assert TOKEN not in f"{call}"
    assert call.body.count(boundary.encode()) == 2
    assert b'name="file"; filename="a %22b%22 \xc3\xbc.png"\r\n' in call.body
    assert b"\r\n\r\n" + PNG + b"\r\n--" in call.body
    assert attached.descriptor["collection_name"] == "c"
    assert attached.descriptor["url"] == "/api/v1/files/f-1/content"
    assert "odd" not in attached.descriptor["file"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply({"detail": "Not authenticated"}, 401), ErrorKind.SESSION_EXPIRED),
        (reply({"detail": "too large"}, 413), ErrorKind.BAD_REQUEST),
        (reply({"id": "f", "error": "no such form"}), ErrorKind.BAD_REQUEST),
        (reply({}), ErrorKind.PROVIDER_DOWN),
        (reply({"id": "../x"}), ErrorKind.PROVIDER_DOWN),
        (reply({"id": ["x"]}), ErrorKind.PROVIDER_DOWN),
        (reply(b"x" * 100_000), ErrorKind.PROVIDER_DOWN),
        (reply(b"", 503), ErrorKind.PROVIDER_DOWN),
        (reply(b"", 302), ErrorKind.PROVIDER_DOWN),
    ],
)
def test_what_is_no_file_is_an_error(answer: Any, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        upload(answer)
    assert caught.value.kind is kind


def test_models_with_eyes_are_shown_more() -> None:
    uploads = provider().uploads
    assert uploads is not None
    assert uploads.accepted("GLM-4.5V-Thinking") is SEEN
    assert uploads.accepted("GLM-4.6") is READ
    assert uploads.accepted("unheard of") is READ
    assert provider().upload_origins() == frozenset()


def test_the_live_list_says_who_sees() -> None:
    zai = provider()
    models = [
        {"id": "glm-4.5v", "name": "GLM-4.5V", "info": {"meta": {"capabilities": {"vision": False}}}},
        {"id": "glm-9", "name": "GLM-9", "info": {"meta": {"capabilities": {"vision": True}}}},
    ]
    answered(zai.list_models(session(), MOMENT), reply({"data": models}), reply({}))
    assert zai.models()["GLM-4.5V"].vision is False
    assert zai.models()["GLM-9-Search"].vision is True
    assert zai.models()["GLM-4.6V"].vision is True
