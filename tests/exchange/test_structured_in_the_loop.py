"""JSON that a web session is asked for: what goes out and when, asked for once more, refused; the whole path."""

import json
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox.zai.frames import data_frame
from tests.support.answers import ALL_SAID, STREAM, said
from tests.support.harness import is_quiet, zai
from tests.support.http1 import chunk
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Got, Visit

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORM = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": SCHEMA}}
ANY = {"type": "json_object"}
ROME = '{"city": "Rome"}'
USAGE = chunk(data_frame({"usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}))


def content(got: Got, *, stream: bool) -> Any:
    return got.text if stream else got.value["choices"][0]["message"]["content"]


def asked(visit: Visit) -> str:
    return str(json.loads(visit.asked().content)["messages"][-1]["content"])


async def wants(visit: Visit, form: object, *, stream: bool = True, **more: object) -> Visit:
    return await visit.chats("GLM-4.6", stream=stream, response_format=form, **more)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("form", [FORM, ANY])
@in_virtual_time
async def test_the_client_gets_the_json_alone(tmp_path: Path, form: Any, stream: bool) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), form, stream=stream)
        assert "\nschema: " in asked(visit)
        await visit.says(STREAM, said("Here you are:\n```json\n"), said(ROME[:9]))
        await house.pass_s(16)
        assert (
            not visit.to_client.partition(b"\r\n\r\n")[2].replace(b": keep-alive", b"").strip(b"\r\n0123456789abcdef")
        )
        await visit.says(said(ROME[9:]), said("\n```"), USAGE, ALL_SAID)
        got = visit.got
        assert got.complete
        assert content(got, stream=stream) == ROME
        assert len(visit.requests) == 1
        assert "x-glassgate-repair" not in got.headers
        assert house.line.completion_tokens == 3


@in_virtual_time
async def test_the_json_goes_out_once_it_is_whole_and_a_talker_is_left(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), FORM)
        await visit.says(STREAM, said(ROME))
        assert visit.got.text == ROME
        assert not visit.got.complete
        await visit.says(said(" By the way,"))
        got = visit.got
        assert got.complete
        assert (got.text, got.frames[-1]) == (ROME, "[DONE]")
        assert house.line.outcome == "ok"
        assert is_quiet(house)


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_an_end_that_does_not_come_is_not_waited_for(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), FORM, stream=stream)
        await visit.says(STREAM, said(ROME))
        await house.pass_s(2)
        got = visit.got
        assert got.complete
        assert content(got, stream=stream) == ROME
        assert house.line.outcome == "ok"


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_connection_that_breaks_behind_the_json_breaks_nothing(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), FORM, stream=stream)
        await visit.says(STREAM, said(ROME))
        await visit.breaks()
        assert content(visit.got, stream=stream) == ROME
        assert len(visit.requests) == 1


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_what_does_not_fit_is_mended_once(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), FORM, stream=stream)
        await visit.says(STREAM, said('{"town": "Rome"}'), USAGE, ALL_SAID)
        assert '"city" is a required property' in asked(visit)
        assert '{"town": "Rome"}' in asked(visit)
        assert asked(visit).count("\nschema: ") == 1
        await visit.says(STREAM, said(ROME), USAGE, ALL_SAID)
        got = visit.got
        assert content(got, stream=stream) == ROME
        assert (got.headers["x-glassgate-repair"], got.headers["x-glassgate-attempts"]) == ("1", "2")
        assert house.line.completion_tokens == 6


@pytest.mark.parametrize("form", [FORM, ANY])
@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_who_gives_none_twice_has_refused(tmp_path: Path, stream: bool, form: Any) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), form, stream=stream)
        await visit.says(STREAM, said("I will not."), ALL_SAID)
        await visit.says(STREAM, said("No."), ALL_SAID)
        got = visit.got
        assert (got.status, got.complete) == (200, True)
        if stream:
            choices = [choice for frame in got.frames[:-1] for choice in frame["choices"]]
            refusal = "".join(choice["delta"].get("refusal", "") for choice in choices)
            assert got.text == ""
            assert choices[-1]["finish_reason"] == "stop"
        else:
            (choice,) = got.value["choices"]
            assert choice["finish_reason"] == "stop"
            assert choice["message"]["content"] is None
            refusal = choice["message"]["refusal"]
        assert "no JSON as it was asked for" in refusal
        assert house.line.outcome == "ok"
        assert len(visit.requests) == 2


@in_virtual_time
async def test_a_bad_schema_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}
        visit = await wants(house.visit(), form, stream=False)
        assert visit.got.status == 400
        assert visit.got.error["param"] == "response_format.json_schema.schema"
        assert not visit.requests


@in_virtual_time
async def test_a_form_that_nobody_knows_is_refused_by_its_name(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), {"type": "grammar"}, stream=False)
        assert (visit.got.status, visit.got.error["param"]) == (400, "response_format")
        assert "text, json_object or json_schema" in visit.got.error["message"]


@in_virtual_time
async def test_a_limit_that_cuts_the_json_is_told_as_one(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await wants(house.visit(), FORM, stream=False, max_tokens=4)
        await visit.says(STREAM, said('Sure: {"city": "Rome is a long name"}'))
        choice = visit.got.value["choices"][0]
        assert choice["finish_reason"] == "length"
        assert len(visit.requests) == 1
