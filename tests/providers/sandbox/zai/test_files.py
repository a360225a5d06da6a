"""Files of the Z.AI stand-in: uploads that fit, descriptors as the page makes them, parts only where a model sees."""

from typing import Any

import pytest

from providers.sandbox.zai.files import Files
from providers.sandbox.zai.site import ZaiSite
from tests.support.asked import ask, asked
from tests.support.multipart import upload

GIF = b"GIF89a\x02\x00\x03\x00\x00"
VLM = {"mcp_servers": ["vlm-image-search", "vlm-image-recognition", "vlm-image-processing"]}


def taken(files: Files, data: bytes = GIF, name: str = "a b.gif", kind: str = "image/gif") -> dict[str, Any]:
    status, answer = files.take(upload("/api/v1/files/", data, name, kind))
    assert status == 200
    return answer


def descriptor(answer: dict[str, Any], kind: str = "image", **wrong: Any) -> dict[str, Any]:
    made = {"type": kind, "file": answer, "id": answer["id"], "url": f"/api/v1/files/{answer['id']}"}
    made |= {"name": answer["filename"].replace(" ", "%20"), "collection_name": "", "status": "uploaded", "error": ""}
    made |= {"size": answer["meta"]["size"], "itemId": "i", "media": kind, "ref_user_msg_id": "m1"}
    return {**made, **wrong}


def body(listed: list[Any], *parts: Any, **more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": "What is it?"}, *parts] if parts else "What is it?"
    messages = [{"role": "user", "content": content}]
    return {"messages": messages, "files": listed, "current_user_message_id": "m1", "model": "glm-4.6v", **more}


def part(file_id: str, kind: str = "image_url") -> dict[str, Any]:
    return {"type": kind, kind: {"url": file_id}}


@pytest.mark.parametrize(
    ("data", "name", "kind", "field", "status"),
    [
        (GIF, "a.gif", "image/gif", "file", 200),
        (GIF, "a.gif", "image/gif", "upload", 422),
        (GIF, "a.gif", "", "file", 422),
        (b"", "a.gif", "image/gif", "file", 400),
        (b"x" * (50 * 1024 * 1024 + 1), "a.pdf", "application/pdf", "file", 413),
    ],
)
def test_uploads_are_one_part_of_a_size_that_is_taken(
    data: bytes, name: str, kind: str, field: str, status: int
) -> None:
    assert Files("u").take(upload("/", data, name, kind, field))[0] == status


@pytest.mark.parametrize(("fault", "status"), [("413", 413), ("500", 500), ("error", 200), ("wordless", 200)])
def test_uploads_fail_on_demand(fault: str, status: int) -> None:
    files = Files("u", fault=fault)
    assert files.take(upload("/", GIF))[0] == status
    assert not files.by_id


def test_a_model_that_sees_is_shown_the_pictures_of_the_parts() -> None:
    files = Files("u")
    answer = taken(files)
    asked_for = body([descriptor(answer)], part(answer["id"]), **VLM)
    assert files.problem(asked_for, vision=True) == ""
    (seen,) = files.seen(asked_for, vision=True)
    assert seen.startswith("picture a b.gif (GIF, 2x3 pixels, 11 bytes")
    assert files.seen(body([descriptor(answer)], part(answer["id"])), vision=True) == [], "its eyes are switched off"
    turbo = body([], part(answer["id"]), model="GLM-5v-Turbo", features={"vlm_tools_enable": True})
    assert len(files.seen(turbo, vision=True)) == 1


def test_a_model_that_does_not_see_reads_the_documents_of_this_message() -> None:
    files = Files("u")
    answer = taken(files, b"Hello", "a.txt", "text/plain")
    earlier = descriptor(answer, "file", ref_user_msg_id="m0")
    assert [text[-5:] for text in files.seen(body([descriptor(answer, "file")]), vision=False)] == ["Hello"]
    assert files.seen(body([earlier]), vision=False) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"id": "x"}, "files.id"),
        ({"file": {}}, "files.file"),
        ({"url": "/x"}, "files.url"),
        ({"name": "b"}, "files.name"),
        ({"media": "video"}, "files.media"),
        ({"status": "uploading"}, "files.status"),
        ({"size": 1}, "files.size"),
        ({"ref_user_msg_id": None}, "files.ref_user_msg_id"),
    ],
)
def test_descriptors_are_those_of_the_page(wrong: dict[str, Any], problem: str) -> None:
    files = Files("u")
    assert files.problem(body([descriptor(taken(files), **wrong)]), vision=True) == problem


def test_parts_name_listed_files_of_their_kind_and_only_where_a_model_sees() -> None:
    files = Files("u")
    answer, text = taken(files), taken(files, b"Hello", "a.txt", "text/plain")
    listed = [descriptor(answer), descriptor(text, "file")]
    assert files.problem(body(listed, part("other")), vision=True) == "content.image_url"
    assert files.problem(body(listed[1:], part(answer["id"])), vision=True) == "content.image_url"
    assert files.problem(body(listed, part(text["id"], "file_url")), vision=True) == "content.file_url"
    assert files.problem(body(listed, part(answer["id"])), vision=False).startswith("content:")
    assert files.problem({**body([]), "files": {}}, vision=True) == ""
    assert files.problem({**body([]), "files": 7}, vision=True) == "files"


@pytest.mark.anyio
async def test_only_a_person_with_today_s_page_uploads() -> None:
    site = ZaiSite()
    token = site.new_token()
    fresh = {"authorization": f"Bearer {token}", "x_fe_version": site.client_version}
    assert (await asked(site, upload("/api/v1/files/", GIF, **fresh))).status == 200
    assert (await asked(site, upload("/api/v1/files/", GIF, authorization=f"Bearer {token}"))).status == 426
    assert (await asked(site, upload("/api/v1/files/", GIF))).status == 401


def test_the_models_that_see_say_so() -> None:
    site = ZaiSite()
    listed = ask(site, "GET", "/api/models").json["data"]
    seeing = [model["name"] for model in listed if model["info"]["meta"]["capabilities"]["vision"]]
    assert seeing == ["GLM-4.6V", "GLM-4.5V", "GLM-5V-Turbo"]
