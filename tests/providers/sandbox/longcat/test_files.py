"""Files of the LongCat stand-in."""

from typing import Any

import pytest

from providers.sandbox.longcat.files import LIMIT_BYTES, Files
from providers.sandbox.longcat.site import LongCatSite
from tests.support.asked import ask, asked, request
from tests.support.multipart import upload

JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x03\x00\x02\x01\x01\x11\x00"


def taken(files: Files, data: bytes = JPEG, name: str = "a.jpg", user: str = "u") -> dict[str, Any]:
    found: dict[str, Any] = files.take(upload("/", data, name), user)[1]["data"]
    return found


def descriptor(answer: dict[str, Any], data: bytes = JPEG, name: str = "a.jpg", **wrong: Any) -> dict[str, Any]:
    made = {"fileName": name, "fileExt": name.rpartition(".")[2], "fileSize": len(data), "width": 2, "height": 3}
    made |= {"fileUrl": answer["url"], "fileKey": answer["key"], "uploadingStatus": "success", "progress": 100}
    return {**made, **wrong}


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [(JPEG, "a.jpg", 0), (b"", "a.jpg", 400), (JPEG, "a.gif", 400), (b"x" * (LIMIT_BYTES + 1), "a.pdf", 400)],
)
def test_kinds_and_sizes(data: bytes, name: str, code: int) -> None:
    assert Files().take(upload("/", data, name), "u")[1]["code"] == code


def test_uploads_fail_on_demand() -> None:
    assert Files(fault="500").take(upload("/", JPEG, "a.jpg"), "u")[0] == 500
    assert "key" not in taken(Files(fault="keyless"))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({}, ""),
        ({"fileKey": "x"}, "files: unknown"),
        ({"fileUrl": "x"}, "files: unknown"),
        ({"fileSize": 1}, "files.fileSize"),
        ({"fileExt": "png"}, "files.fileExt"),
        ({"uploadingStatus": "uploading"}, "files.uploadingStatus"),
    ],
)
def test_a_chat_names_the_files_as_the_page_does(wrong: dict[str, Any], problem: str) -> None:
    files = Files()
    assert files.problem([descriptor(taken(files), **wrong)], "u") == problem


def test_one_document_or_nine_pictures_of_one_s_own() -> None:
    files = Files()
    picture = descriptor(taken(files))
    text = descriptor(taken(files, b"Hello", "a.txt"), b"Hello", "a.txt")
    assert files.problem([picture] * 9, "u") == files.problem([text], "u") == ""
    assert files.problem([picture] * 10, "u") == files.problem([picture, text], "u") == "files: too many"
    assert files.problem([picture], "other") == "files: unknown"
    assert files.problem([{**picture, "fileName": None}], "u") == "files.fileName"
    assert files.problem("x", "u") == "files"


@pytest.mark.anyio
async def test_what_was_uploaded_is_seen_in_the_chat() -> None:
    site = LongCatSite()
    cookie = f"passport_token_key={site.new_token()}"
    assert (await asked(site, upload("/api/v1/appendix-upload", JPEG, "a.jpg"))).status == 401
    answer = (await asked(site, upload("/api/v1/appendix-upload", JPEG, "a.jpg", cookie=cookie))).json["data"]
    headers = {"content_type": "application/json", "cookie": cookie}
    made = await asked(site, request("POST", "/api/v1/session-create", {"agentId": "1"}, **headers))
    body = {"content": "What is it?\n!sandbox pace_ms=0", "conversationId": made.json["data"]["conversationId"]}
    chat = await asked(
        site, request("POST", "/api/v1/chat-completion-V2", {**body, "files": [descriptor(answer)]}, **headers)
    )
    assert "JPEG, 2x3 pixels" in chat.text
    wrong = {**body, "files": [descriptor(answer, fileKey="x")]}
    assert (await asked(site, request("POST", "/api/v1/chat-completion-V2", wrong, **headers))).json["code"] == 400


def test_uploads_need_a_post() -> None:
    assert ask(LongCatSite(), "GET", "/api/v1/appendix-upload").status == 405
