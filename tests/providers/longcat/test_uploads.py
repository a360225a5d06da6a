"""Files at LongCat: the form, what its answers mean, how a chat names them."""

import json
from typing import Any

import pytest

from providers.contract.chat import AttachedPart, Message, TextPart
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.steps import Answer
from providers.contract.uploads import MediaFile
from tests.providers.longcat.accounts import MOMENT, ok, provider, session
from tests.support.calls import seen
from tests.support.media import PNG
from tests.support.turns import turn_of

FILE = MediaFile("image", "cat.png", "image/png", PNG)


def upload(answer: Answer) -> tuple[AttachedPart, Any]:
    uploads = provider().uploads
    assert uploads is not None
    work = uploads.upload(FILE, session(), MOMENT)
    call: Any = next(work)
    with pytest.raises(StopIteration) as end:
        work.send(answer)
    return end.value.value, seen(call)


def test_a_picture_is_one_form_and_the_chat_names_it() -> None:
    part, call = upload(ok({"code": 0, "data": {"url": "https://s3.example/x", "key": "k/1"}}))
    headers = dict(call.headers)
    assert call.url == "https://longcat.chat/api/v1/appendix-upload"
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    assert "passport_token_key" in headers["cookie"]
    assert PNG in call.body
    turn = turn_of(provider(), ChatRequest("LongCat", (Message("user", (TextPart("?"), part)),)), session())
    body = json.loads(seen(turn.call(MOMENT)).body)
    (file,) = body["files"]
    assert body["content"] == "?"
    assert (file["fileUrl"], file["fileKey"], file["fileExt"]) == ("https://s3.example/x", "k/1", "png")
    assert (file["fileSize"], file["uploadingStatus"]) == (len(PNG), "success")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ok({"code": 0, "data": {"url": "https://s3.example/x"}}), ErrorKind.PROVIDER_DOWN),
        (ok({"code": 0, "data": {"url": "a b", "key": "k"}}), ErrorKind.PROVIDER_DOWN),
        (ok({"code": 0, "data": {"url": "x" * 3000, "key": "k"}}), ErrorKind.PROVIDER_DOWN),
        (ok({}), ErrorKind.PROVIDER_DOWN),
        (ok({}, 418), ErrorKind.CHALLENGE),
        (ok({"code": 401, "message": "request cookie is empty"}, 401), ErrorKind.SESSION_EXPIRED),
    ],
)
def test_what_is_no_file_is_an_error(answer: Answer, kind: ErrorKind) -> None:
    uploads = provider().uploads
    assert uploads is not None
    work = uploads.upload(FILE, session(), MOMENT)
    next(work)
    with pytest.raises(ProviderError) as caught:
        work.send(answer)
    assert caught.value.kind is kind


def test_pictures_or_a_document() -> None:
    uploads = provider().uploads
    assert uploads is not None
    assert uploads.one_kind
    assert uploads.accepted("LongCat")["image"].most == 9
