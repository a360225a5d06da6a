"""Files of the Qwen stand-in: granted, put, parsed, and seen by models that have eyes."""

import time
import uuid
from typing import Any

import httpx
import pytest

from providers.sandbox.qwen.files import descriptor_problem
from providers.sandbox.qwen.oss import scope, signature
from tests.providers.sandbox.qwen.page import Page, code, frames

pytestmark = pytest.mark.anyio
GIF = b"GIF89a\x02\x00\x03\x00\x00"


async def call(page: Page, name: str, **body: Any) -> Any:
    answer = await page.client.post(f"{page.base}/api/v2/files/{name}", json=body, headers=page.headers)
    return answer.json()


async def granted(page: Page, name: str = "a.gif", size: Any = "11", kind: str = "image") -> Any:
    return await call(page, "getstsToken", filename=name, filesize=size, filetype=kind)


async def put(page: Page, grant: dict[str, Any], data: bytes = GIF, kind: str = "image/gif") -> httpx.Response:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"content-type": kind, "x-oss-content-sha256": "UNSIGNED-PAYLOAD", "x-oss-date": moment}
    headers["x-oss-security-token"] = grant["security_token"]
    signed = signature(grant["access_key_secret"], grant["file_path"], headers)
    credential = f"{grant['access_key_id']}/{scope(moment)}"
    headers["authorization"] = f"OSS4-HMAC-SHA256 Credential={credential},Signature={signed}"
    return await page.client.put(grant["file_url"].partition("?")[0], content=data, headers=headers)


def descriptor(grant: dict[str, Any], name: str = "a.gif", kind: str = "image", **wrong: Any) -> dict[str, Any]:
    classes = {"image": "vision", "file": "document"}
    meta: dict[str, Any] = {"name": name, "size": len(GIF), "content_type": "image/gif"}
    meta |= {"parse_meta": {"parse_status": "success"}} if kind == "file" else {}
    made = {"type": kind, "id": grant["file_id"], "url": grant["file_url"], "name": name, "status": "uploaded"}
    made |= {"file": {"id": grant["file_id"], "filename": name, "meta": meta}, "size": len(GIF), "error": ""}
    made |= {"itemId": str(uuid.uuid4()), "uploadTaskId": "t", "showType": kind, "file_class": classes[kind]}
    return {**made, **wrong}


async def uploaded(page: Page, name: str = "a.gif", kind: str = "image", data: bytes = GIF) -> dict[str, Any]:
    grant: dict[str, Any] = (await granted(page, name, len(data), kind))["data"]
    assert (await put(page, grant, data)).status_code == 200
    return grant


def words(answer: httpx.Response) -> str:
    found = [choice["delta"]["content"] for frame in frames(answer) for choice in frame.get("choices", ())]
    return "".join(found)


async def test_a_picture_is_granted_put_and_seen(page: Page) -> None:
    grant = await uploaded(page)
    assert "GIF, 2x3 pixels" in words(await page.complete("What?", message={"files": [descriptor(grant)]}))
    blind = await page.complete("What?", model="qwen3.7-max", message={"files": [descriptor(grant)]})
    assert "GIF" not in words(blind), "a model without eyes ignores it"
    again = {"files": [descriptor(grant, url=grant["file_url"].partition("?")[0])]}
    assert "GIF" in words(await page.complete("And again?", message=again))


async def test_a_document_is_read_when_it_was_parsed(page: Page) -> None:
    grant = await uploaded(page, "a.txt", "file", b"Hello there")
    listed = {"files": [descriptor(grant, "a.txt", "file")]}
    early = await page.complete("What?", message=listed)
    assert frames(early)[-1]["error"]["code"] == "invalid_input"
    assert (await call(page, "parse", file_id=grant["file_id"]))["success"] is True
    states = [await call(page, "parse/status", file_id_list=[grant["file_id"]]) for _ in range(2)]
    assert [state["data"][0]["status"] for state in states] == ["running", "success"]
    assert "Hello there" in words(await page.complete("What?", message=listed))


async def test_what_was_not_uploaded_cannot_be_read(page: Page) -> None:
    grant = (await granted(page))["data"]
    for one in (descriptor(grant), descriptor({**grant, "file_id": "x"}), descriptor(grant, url="x")):
        answer = await page.complete("What?", message={"files": [one]})
        assert frames(answer)[-1]["error"]["code"] == "invalid_input"
    assert code(await call(page, "parse", file_id=grant["file_id"])) == "Bad_Request"
    assert code(await call(page, "parse/status", file_id_list=[grant["file_id"]])) == "Bad_Request"


async def test_six_pictures_are_too_many(page: Page) -> None:
    grant = await uploaded(page)
    answer = await page.complete("What?", message={"files": [descriptor(grant)] * 6})
    assert "too many" in frames(answer)[-1]["error"]["details"]


async def test_grants_have_limits_and_faults(page: Page) -> None:
    assert code(await granted(page, size=True)) == "RequestValidationError"
    assert code(await granted(page, kind="")) == "RequestValidationError"
    assert code(await granted(page, size=21 * 1024 * 1024)) == "Bad_Request"
    assert (await granted(page, kind="application/pdf"))["success"] is True
    page.site.files.grant_fault = "keyless"
    assert "access_key_id" not in (await granted(page))["data"]
    page.site.files.grant_fault = "unwrapped"
    assert "access_key_id" in await granted(page)
    page.site.files.grant_fault = "refused"
    assert code(await granted(page)) == "Bad_Request"


async def test_parsing_fails_on_demand(page: Page) -> None:
    grant = await uploaded(page, "a.txt", "file", b"Hello")
    page.site.files.parse_fault = "refused"
    assert code(await call(page, "parse", file_id=grant["file_id"])) == "Bad_Request"
    for fault, state in (("failed", "failed"), ("never", "running")):
        page.site.files.parse_fault = fault  # type: ignore[assignment]
        page.site.files.status_form = "items"
        if fault == "failed":
            page.site.files.by_id[grant["file_id"]].asked = 5
        found = await call(page, "parse/status", file_id_list=[grant["file_id"]])
        assert found["data"]["items"][0]["status"] == state


async def test_other_calls_of_files_are_not_there(page: Page) -> None:
    answer = await page.client.post(f"{page.base}/api/v2/files/x", json={}, headers=page.headers)
    assert answer.status_code == 404


async def test_a_person_is_needed(page: Page) -> None:
    page.headers = {}
    assert code(await granted(page)) == "Unauthorized"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({}, ""),
        ({"type": "picture"}, "type"),
        ({"showType": "file"}, "showType"),
        ({"status": "uploading"}, "showType"),
        ({"file": {}}, "file"),
        ({"size": 1}, "file.meta"),
        ({"itemId": None}, "itemId"),
        ({"error": "x"}, "error"),
    ],
)
async def test_descriptors_are_those_of_the_page(wrong: dict[str, Any], problem: str) -> None:
    grant = {"file_id": "i", "file_url": "u"}
    assert descriptor_problem(descriptor(grant, **wrong)) == problem


async def test_a_document_s_descriptor_says_that_it_was_parsed() -> None:
    one = descriptor({"file_id": "i", "file_url": "u"}, "a.txt", "file")
    assert descriptor_problem(one) == ""
    one["file"]["meta"].pop("parse_meta")
    assert descriptor_problem(one) == "file.meta.parse_meta"
    assert descriptor_problem("x") == "files"
