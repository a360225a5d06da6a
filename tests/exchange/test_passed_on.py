"""Requests that are passed on, through the exchange: fail-over, leaving, ends, and what lies at one account alone."""

import json
from pathlib import Path

import pytest

from tests.support.answers import whole
from tests.support.harness import House, api, is_quiet
from tests.support.http1 import END, chunk
from tests.support.virtual_time import in_virtual_time

EMBED = "/v1/embeddings"
SPEAK = "/v1/audio/speech"
ASK = {"model": "m", "input": "Hello"}
TOLD = {"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}}
SOUND = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
KIND = "multipart/form-data; boundary=b"
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\xff\x00\r\n'
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n'
)


@in_virtual_time
async def test_another_account_is_asked_after_a_failure(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK, EMBED)
        assert visit.asked().headers["authorization"] == "Bearer key-of-a-0123456789abcdef"
        await visit.says(whole(500, {}))
        assert visit.asked().headers["authorization"] == "Bearer key-of-b-0123456789abcdef"
        await visit.says(whole(200, TOLD))
        assert (visit.got.status, visit.got.value) == (200, TOLD)
        assert visit.got.headers["x-glassgate-attempts"] == "2"
        assert (house.line.path, house.line.outcome, house.line.prompt_tokens) == (EMBED, "ok", 3)
        assert is_quiet(house)


@in_virtual_time
async def test_an_error_in_a_200_is_one_and_goes_to_another_account(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK, EMBED)
        await visit.says(whole(200, {"error": {"message": "no more", "code": "insufficient_quota"}}))
        await visit.says(whole(200, TOLD))
        assert (visit.got.status, visit.got.headers["x-glassgate-account"]) == (200, "api/b")


@in_virtual_time
async def test_a_form_whose_model_stands_behind_its_file_is_read_whole(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(FORM, "/v1/audio/transcriptions", content_type=KIND)
        assert (visit.asked().content, visit.asked().headers["content-type"]) == (FORM, KIND)
        await visit.says(whole(200, {"text": "Hello"}))
        assert visit.got.value == {"text": "Hello"}


@in_virtual_time
async def test_sound_goes_on_as_it_comes_and_breaks_off_as_it_does(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK | {"voice": "v"}, SPEAK)
        await visit.says(SOUND, chunk(b"\xff\xfb"))
        assert (visit.got.headers["content-type"], visit.got.body) == ("audio/mpeg", b"\xff\xfb")
        await visit.says(chunk(b"\x00"), END)
        assert (visit.got.body, house.line.outcome) == (b"\xff\xfb\x00", "ok")
        visit = await house.visit().asks(ASK | {"voice": "v"}, SPEAK)
        await visit.says(SOUND, chunk(b"\xff\xfb"))
        await visit.breaks()
        assert (visit.got.body, house.line.outcome) == (b"\xff\xfb", "broken_off")
        assert is_quiet(house)


@in_virtual_time
async def test_a_refusal_has_openais_envelope(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks({"input": "x"}, EMBED)
        assert (visit.got.status, json.loads(visit.got.body)["error"]["param"]) == (400, "model")


CHATS = "{{type: openai_compatible, base_url: 'http://127.0.0.1:1/v1', models: [{}], accounts: [a], operations: [{}]}}"
KEYS = {(name, "a"): {"api_key": "key-of-a-0123456789abcdef"} for name in ("one", "two", "three")}


@pytest.mark.parametrize(
    ("third", "instead"),
    [("speech", "Ask for a model of three."), ("chat", "No provider of this gateway does.")],
)
@in_virtual_time
async def test_where_nobody_of_several_serves_it_all_are_named(tmp_path: Path, third: str, instead: str) -> None:
    providers = f"\n  one: {CHATS.format('m', 'chat')}\n  two: {CHATS.format('m', 'chat')}\n"
    async with House(tmp_path, f"{providers}  three: {CHATS.format('n', third)}\n", KEYS) as house:
        visit = await house.visit().asks(ASK | {"voice": "v"}, SPEAK)
        message = f"none of the providers of this model (one, two) serves speech. {instead}"
        assert (visit.got.status, visit.got.error["message"]) == (400, message)
