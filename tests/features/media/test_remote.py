"""Pictures at addresses: fetched only where the owner wants it, checked, then uploaded as any other."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.features.media.test_feature import EYES, Uploaded, asks, sent
from tests.support.answers import Said
from tests.support.harness import House, zai
from tests.support.media import PDF, PNG, words
from tests.support.virtual_time import in_virtual_time

FEATURES = "features: {remote_media: true}"
CAT: dict[str, Any] = {"type": "image_url", "image_url": {"url": "https://pictures.example/cat.png?key=who-may"}}


def answer(body: bytes, content_type: str = "image/png", status: int = 200) -> Said:
    return httpx.Response(status, headers={"content-type": content_type}, content=body)


def fetching(folder: Path, said: Said) -> House:
    house = zai(folder, FEATURES)
    house.names["pictures.example"] = ["93.184.215.14"]
    house.site.replies["GET /cat.png"] = said
    return house


@in_virtual_time
async def test_a_picture_is_fetched_and_uploaded(tmp_path: Path) -> None:
    async with fetching(tmp_path, answer(PNG)) as house:
        uploaded = Uploaded(house)
        visit = await asks(house, words(), CAT)
        assert PNG in uploaded.bodies[0]
        assert sent(visit)["files"][0]["media"] == "image"
        (fetched,) = [request for request in house.site.asked if request.url.path == "/cat.png"]
        assert fetched.headers["host"] == "pictures.example"
        assert {"authorization", "cookie"}.isdisjoint(fetched.headers)
        await asks(house, words(), CAT)
        assert len(uploaded.bodies) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(b"", status=404), "status 404"),
        (answer(b"<html>sign in</html>", "text/html"), "is said to be a picture, and holds text/plain"),
        (answer(PNG, "text/html"), "its server calls it 'text/html'"),
        (answer(PDF, "application/pdf"), "holds application/pdf"),
        (httpx.Response(302, headers={"location": "http://127.0.0.1/"}), "redirects elsewhere"),
    ],
)
@in_virtual_time
async def test_what_is_no_picture_is_refused_and_nothing_is_asked(tmp_path: Path, said: Said, why: str) -> None:
    async with fetching(tmp_path, said) as house:
        uploaded = Uploaded(house)
        visit = await asks(house, words(), CAT)
        assert visit.got.status == 400
        assert why in visit.got.error["message"]
        assert visit.got.error["param"] == "messages[0].content[1]"
        assert "who-may" not in visit.got.error["message"]
        assert not uploaded.bodies
        assert not visit.requests


@pytest.mark.parametrize("names", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], []])
@in_virtual_time
async def test_nothing_inside_is_asked(tmp_path: Path, names: list[str]) -> None:
    async with fetching(tmp_path, answer(PNG)) as house:
        house.names["pictures.example"] = names
        visit = await asks(house, words(), CAT)
        assert visit.got.status == 400
        assert "/cat.png" not in [request.url.path for request in house.site.asked]


@in_virtual_time
async def test_a_file_of_any_kind_may_be_named(tmp_path: Path) -> None:
    async with fetching(tmp_path, answer(PDF, "application/pdf")) as house:
        Uploaded(house)
        part = {"type": "file", "file": {"file_url": "https://pictures.example/cat.png", "filename": "cat.pdf"}}
        assert sent(await asks(house, words(), part, model=EYES))["files"][0]["name"] == "cat.pdf"


@in_virtual_time
async def test_a_provider_can_have_it_otherwise(tmp_path: Path) -> None:
    house = zai(tmp_path, FEATURES, features="{remote_media: false}")
    async with house:
        visit = await asks(house, words(), CAT)
        assert visit.got.status == 400
        assert "features.remote_media" in visit.got.error["message"]
