"""docs/adding-a-dialect.md is true: its example, built from the page, is served through the registry alone."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from mitmproxy import http
from mitmproxy.contentviews import Metadata

from addons.dialects import registry
from addons.dialects.base import AnswerMeta, Dialect
from addons.dialects.registry import parsed_as
from addons.errors import GatewayError
from addons.ingress.openapi import document
from addons.inspect.views import ChatView, DeliveredView
from addons.recordings.check import delivered_today, differences
from addons.recordings.recording import Recording
from providers.contract.events import Finish, Text, Withdrawn
from tests.support.harness import DONE, FINISH, STREAM, answer, api, is_quiet, whole, word
from tests.support.turns import chat_in
from tests.support.virtual_time import in_virtual_time

PAGE = Path(__file__).parents[2] / "docs/adding-a-dialect.md"
META = AnswerMeta("plain-1", 1, "m")
PATH = "/v1/plain"
ASK = {"model": "m", "ask": "Hello"}
OPENAI = {"message", "type", "param", "code"}


@pytest.fixture(autouse=True)
def plain(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Dialect:
    """The page's dialect, in the registry."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path_factory.mktemp("page") / "plain.py"
    file.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("plain_of_the_page", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dialect: Dialect = module.Plain()
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, dialect))
    return dialect


# -- by itself --------------------------------------------------------------------------------------------------------
def test_its_bodies_are_read_and_bad_ones_refused_by_name(plain: Dialect) -> None:
    body = json.dumps(ASK).encode()
    assert parsed_as("", body)[0] is parsed_as("plain", body)[0] is plain
    parsed = plain.parse(body)
    assert (parsed.request.model, chat_in(parsed).messages[0].text(), parsed.request.stream) == ("m", "Hello", False)
    with pytest.raises(GatewayError) as refused:
        plain.parse(b'{"model": "m"}')
    assert (refused.value.status, refused.value.param) == (400, "ask")


def test_what_was_withdrawn_is_not_said(plain: Dialect) -> None:
    encoder = plain.encoder(plain.parse(json.dumps(ASK).encode()), META)
    assert encoder.encode([Text("no"), Withdrawn()]) == b""
    assert json.loads(encoder.encode([Text("yes \ud83d"), Finish("stop")])) == {"id": "plain-1", "words": "yes \ufffd"}


# -- in the gateway ---------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_whole_answer(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK, PATH)
        assert json.loads(visit.asked().content)["messages"] == [{"role": "user", "content": "Hello"}]
        await visit.says(answer("Grüß dich"))
        assert (visit.got.status, visit.got.value["words"]) == (200, "Grüß dich")
        assert visit.got.value["id"] == f"plain-{house.line.id.removeprefix('req_')}"
        assert (house.line.path, house.line.outcome) == (PATH, "ok")
        assert is_quiet(house)


@in_virtual_time
async def test_a_stream(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK | {"stream": True}, "//plain/")
        await visit.says(STREAM, word("Good "))
        assert visit.got.body == b'event: word\ndata: {"text":"Good "}\n\n'
        await visit.says(word("day"), FINISH, DONE)
        assert visit.got.body.endswith(b'event: word\ndata: {"text":"day"}\n\nevent: end\ndata: {"why":"stop"}\n\n')
        assert (visit.got.complete, visit.got.headers["content-type"][:17]) == (True, "text/event-stream")


@in_virtual_time
async def test_a_stream_that_breaks_off_ends_with_its_error(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK | {"stream": True}, PATH)
        await visit.says(STREAM, word("Good "))
        await visit.breaks()
        last = visit.got.body.split(b"\n\n")[-2]
        assert last.startswith(b'event: error\ndata: {"refused":{"why":"upstream_e')


REFUSALS: list[Any] = [
    pytest.param({"authorization": ""}, 401, "invalid_api_key", id="no key"),
    pytest.param({"method": "GET"}, 405, "method_not_allowed", id="another method"),
    pytest.param({"path": f"{PATH}/more"}, 404, "unknown_url", id="below its path"),
    pytest.param({"content_encoding": "rot13"}, 415, "unsupported_encoding", id="odd coding"),
    pytest.param({"content_length": "99999999999"}, 413, "request_too_large", id="refused by the stream layer"),
    pytest.param({"body": b"{"}, 400, "invalid_json", id="no JSON"),
    pytest.param({"body": {**ASK, "mood": 1}}, 400, None, id="an unknown field"),
    pytest.param({"body": {**ASK, "model": "nobody"}}, 404, "model_not_found", id="an unknown model"),
]


@pytest.mark.parametrize(("how", "status", "code"), REFUSALS)
@in_virtual_time
async def test_a_refusal_has_its_envelope_before_and_after_it_is_known(
    tmp_path: Path, how: dict[str, Any], status: int, code: str | None
) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(**({"body": ASK, "path": PATH} | how))
        assert (visit.got.status, visit.got.value["refused"]["why"]) == (status, code)
        assert visit.got.headers["x-request-id"] == house.line.id
        assert (house.line.status, house.line.outcome) == (status, "refused")
        assert not visit.requests


@in_virtual_time
async def test_a_head_that_is_malformed_is_refused_in_the_form_of_its_path(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        for path, envelope in ((PATH, {"why", "words"}), ("/v1/chat/completions", OPENAI)):
            visit = house.visit()
            visit.client_sends(f"POST {path} HTTP/1.1\r\nhost: x\r\nno header\r\n\r\n".encode())
            await house.settle()
            (told,) = visit.got.value.values()
            assert (visit.got.status, set(told)) == (400, envelope)
            assert (house.line.path, house.line.error_code) == (path, "bad_http_request")


@in_virtual_time
async def test_the_final_error_has_its_envelope(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(ASK, PATH)
        await visit.says(whole(400, {"error": {"message": "Too odd.", "code": "odd"}}))
        refused = visit.got.value["refused"]
        assert (visit.got.status, refused["why"]) == (400, "invalid_request_error")
        assert "Too odd." in refused["words"]


@in_virtual_time
async def test_its_small_answers(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(None, f"{PATH}/names", "GET")
        assert visit.got.value == {"names": ["m", "n"]}
        assert (visit.note.part, house.line.outcome) == ("local", "ok")
        assert (await house.visit().asks(None, f"{PATH}/names", "GET", authorization="")).got.status == 401


def test_its_operations_stand_in_the_description() -> None:
    api_document = document()
    schemathesis.openapi.from_dict(json.loads(json.dumps(api_document))).validate()
    asks = api_document["paths"][PATH]["post"]
    assert (asks["operationId"], asks["responses"]["400"]) == ("plain", {"$ref": "#/components/responses/Refused400"})
    assert set(api_document["paths"][f"{PATH}/names"]) == {"get", "head", "options"}
    taken = {"$ref": "#/components/schemas/Ask", "components": api_document["components"]}
    described = jsonschema_rs.Draft202012Validator(taken)
    assert described.is_valid(ASK)
    assert not described.is_valid({"model": "m"})


@in_virtual_time
async def test_its_flows_are_shown_and_its_recordings_read_again_by_its_name(tmp_path: Path) -> None:
    async with api(tmp_path, "record: {enabled: true}") as house:
        visit = await house.visit().asks(ASK | {"stream": True}, PATH)
        await visit.says(STREAM, word("Good "), word("day"), FINISH, DONE)
        assert visit.note.dialect == "plain"
        (flow,) = visit.flows
        assert flow.response is not None
        chat = ChatView().prettify(b"", Metadata(flow=flow, http_message=flow.request))
        assert '"ask": "Hello"' in chat
        assert 'event: word\ndata: {"text":"day"}' in chat
        rows = DeliveredView().prettify(b"", Metadata(flow=flow, http_message=flow.response)).splitlines()
        assert [row.split(maxsplit=2)[2] for row in rows[-3:]] == [
            'event: word  {"text": "Good "}',
            'event: word  {"text": "day"}',
            'event: end  {"why": "stop"}',
        ]
        (file,) = (tmp_path / "recordings").rglob("*.json")
        recording = Recording.load(file.read_bytes())
        assert (recording.dialect, recording.delivered) == ("plain", visit.got.body.decode())
        assert recording.answer is not None
        assert delivered_today(recording, recording.answer) == recording.delivered
        assert differences(recording) == []


def test_a_flow_of_a_format_that_is_gone_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "DIALECTS", registry.DIALECTS[:-1])
    assert [part.text for part in registry.transcript_of("plain").asked("x") if not isinstance(part, str)] == ["x"]


def test_what_is_nobodys_has_the_first_dialects_envelope(plain: Dialect) -> None:
    error = GatewayError(404, "nothing there")
    assert registry.for_path(f"{PATH}/a/b/c/d/e/f/g/h/i?x") is plain
    assert registry.for_path("/v2/plain").name == registry.for_path("").name == "chat_completions"
    found: http.Response = registry.refusal("/nowhere", error)
    assert set(json.loads(found.content or b"")["error"]) == OPENAI
