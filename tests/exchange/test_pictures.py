"""Pictures through the exchange: an official API's are passed on untouched, with all that holds for chats."""

import json
from pathlib import Path

import pytest

from tests.support.answers import STREAM, whole
from tests.support.harness import api, is_quiet, zai
from tests.support.http1 import END, chunk
from tests.support.virtual_time import in_virtual_time

PATH = "/v1/images/generations"
ASK = {"model": "m", "prompt": "A cat"}
TOLD = {"created": 1, "data": [{"b64_json": "AA=="}], "usage": {"input_tokens": 3, "output_tokens": 4}}
DONE = b'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"AA=="}\n\n'
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nBlue\r\n'
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n\x89PNG\xff\x00\r\n--b--\r\n'
)


@in_virtual_time
async def test_another_account_is_asked_after_a_failure(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK, PATH)
        assert visit.asked().headers["authorization"] == "Bearer key-of-a-0123456789abcdef"
        await visit.says(whole(500, {}))
        assert visit.asked().headers["authorization"] == "Bearer key-of-b-0123456789abcdef"
        await visit.says(whole(200, TOLD))
        assert (visit.got.status, visit.got.value) == (200, TOLD)
        assert visit.got.headers["x-glassgate-attempts"] == "2"
        assert (house.line.path, house.line.outcome, house.line.prompt_tokens) == (PATH, "ok", 3)
        assert is_quiet(house)


@in_virtual_time
async def test_a_form_goes_on_byte_for_byte_with_the_key_in_its_place(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        kind = {"content-type": "multipart/form-data; boundary=b"}
        visit = await house.visit().asks(FORM, "/v1/images/edits", content_type=kind["content-type"])
        asked = visit.asked()
        assert (asked.url.path, asked.content, asked.headers["content-type"]) == (
            "/v1/images/edits",
            FORM,
            kind["content-type"],
        )
        assert asked.headers["authorization"] == "Bearer key-of-a-0123456789abcdef"
        await visit.says(whole(200, TOLD))
        assert visit.got.value == TOLD
        assert "key-of-a" not in visit.flows[0].request.headers["authorization"]


@in_virtual_time
async def test_a_stream_comes_as_it_does_and_says_when_it_breaks_off(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK | {"stream": True}, PATH)
        part = DONE.replace(b"completed", b"partial_image")
        await visit.says(STREAM, chunk(part))
        assert visit.got.body == part
        await visit.breaks()
        assert visit.got.body.startswith(part + b'data: {"error": {')
        assert house.line.outcome == "broken_off"
        visit = await house.visit().asks(ASK | {"stream": True}, PATH)
        await visit.says(STREAM, chunk(part + DONE), END)
        assert (visit.got.body, house.line.outcome) == (part + DONE, "ok")


@pytest.mark.parametrize(("body", "code"), [({"error": {"code": "insufficient_quota"}}, 429), ([], 502)])
@in_virtual_time
async def test_an_error_in_a_200_is_one(tmp_path: Path, body: object, code: int) -> None:
    async with api(tmp_path, "retries: {enabled: false}\n") as house:
        visit = await house.visit().asks(ASK, PATH)
        await visit.says(whole(200, body))
        await visit.says(whole(200, body))
        assert visit.got.status == code
        assert set(visit.got.error) == {"message", "type", "param", "code"}


@in_virtual_time
async def test_a_site_that_draws_nothing_refuses_it_by_the_name_of_the_model(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().asks(ASK | {"model": "GLM-4.6"}, PATH)
        assert (visit.got.status, visit.got.error["param"]) == (400, "model")
        assert "makes no pictures. Ask a model that does" in visit.got.error["message"]
        assert not house.site.chats


@in_virtual_time
async def test_an_api_that_is_known_to_make_none_refuses_it_too(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        provider = house.parts.providers["api"]
        provider.operations = {kind: op for kind, op in provider.operations.items() if kind.kind == "chat"}
        visit = await house.visit().asks(ASK, PATH)
        assert (visit.got.status, json.loads(visit.got.body)["error"]["param"]) == (400, "model")
