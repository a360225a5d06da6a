"""docs/adding-a-dialect.md is true: its example, built from the page, is served through the registry alone."""

import gzip
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
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from addons.ingress.openapi import document
from addons.inspect.views import ChatView, DeliveredView
from addons.recordings.check import delivered_today, differences
from addons.recordings.recording import Recording
from providers.contract.events import Finish, Text, Withdrawn
from tests.support.answers import DONE, FINISH, STREAM, answer, whole, word
from tests.support.harness import House, api, is_quiet
from tests.support.turns import chat_in
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

PAGE = Path(__file__).parents[2] / "docs/adding-a-dialect.md"
META = AnswerMeta("plain-1", 1, "m")
PATH = "/v1/plain"
ASK = {"model": "m", "ask": "Hello"}
LENGTH = f"{PATH}/length"
BOMB = gzip.compress(b" " * 2**21)
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


def test_what_it_reads_of_the_head_is_part_of_the_request(plain: Dialect) -> None:
    body = json.dumps(ASK).encode()
    assert plain.parse(body).request.affinity is None
    assert plain.parse(body, RoutedHead(headers={"x-plain-session": "s-1"})).request.affinity == "s-1"


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


async def asked_in(house: House, session: str, ask: str) -> tuple[str, Visit]:
    """The account that was asked in a session."""
    visit = await house.visit().asks(ASK | {"ask": ask}, PATH, x_plain_session=session, x_other="seen by nobody")
    await visit.says(answer("ok"))
    return visit.got.headers["x-glassgate-account"], visit


@in_virtual_time
async def test_a_header_says_which_conversation_it_is(tmp_path: Path) -> None:
    """It looks like a credential, so nobody else sees it; the dialect does."""
    async with api(tmp_path, "routing: {strategy: round_robin}") as house:
        first, visit = await asked_in(house, "talk-one", "How are you?")
        second, _ = await asked_in(house, "talk-two", "What is it?")
        assert {first, second} == {"api/a", "api/b"}
        for again in ("And then?", "Is that so?"):
            assert (await asked_in(house, "talk-one", again))[0] == first
            assert (await asked_in(house, "talk-two", again))[0] == second
        assert "talk-" not in repr([flow.get_state() for flow in house.flows()]) + repr(house.lines)
        assert "x-plain-session" not in visit.asked().headers


@pytest.mark.parametrize("coding", ["", "gzip"])
@in_virtual_time
async def test_what_it_answers_itself_of_a_body(tmp_path: Path, coding: str) -> None:
    body = json.dumps(ASK | {"model": "M", "ask": "four words are here"}).encode()
    async with api(tmp_path) as house:
        packed = gzip.compress(body) if coding else body
        visit = await house.visit().asks(packed, LENGTH, content_encoding=coding, x_forwarded_for="1.2.3.4")
        assert (visit.got.status, visit.got.value) == (200, {"model": "m", "tokens": 5})
        line = house.line
        assert visit.got.headers["x-request-id"] == line.id
        assert (line.path, line.outcome, line.status, line.attempts, line.model) == (LENGTH, "ok", 200, 0, None)
        assert (visit.note.part, visit.note.outcome, visit.note.call) == ("local", "ok", f"POST {LENGTH}")
        assert not visit.servers
        assert is_quiet(house)


LENGTH_REFUSALS: list[Any] = [
    pytest.param({"authorization": ""}, 401, "invalid_api_key", id="no key"),
    pytest.param({"method": "GET", "body": None}, 405, "method_not_allowed", id="another method"),
    pytest.param({"content_encoding": "rot13"}, 415, "unsupported_encoding", id="odd coding"),
    pytest.param({"content_encoding": "gzip"}, 400, "invalid_encoding", id="not so compressed"),
    pytest.param({"content_length": "99999999999"}, 413, "request_too_large", id="too large"),
    pytest.param({"content_encoding": "gzip", "body": BOMB}, 413, "request_too_large", id="bomb"),
    pytest.param({"body": b"{"}, 400, "invalid_json", id="no JSON"),
    pytest.param({"body": b'{"a": [' + b"1," * 1000 + b"1]}"}, 400, "too_many_values", id="too many values"),
    pytest.param({"body": {"model": "m"}}, 400, None, id="a field is missing"),
    pytest.param({"body": {**ASK, "model": "nobody"}}, 404, "model_not_found", id="an unknown model"),
    pytest.param({"content_length": "100"}, 408, "request_timeout", id="a body that does not end"),
]


@pytest.mark.untraced
@pytest.mark.parametrize(("how", "status", "code"), LENGTH_REFUSALS)
@in_virtual_time
async def test_such_a_body_keeps_to_the_bounds_of_all(
    tmp_path: Path, how: dict[str, Any], status: int, code: str | None
) -> None:
    async with api(tmp_path, "limits: {body_mb: 1, body_values: 1000}") as house:
        visit = await house.visit().asks(**({"body": ASK, "path": LENGTH} | how))
        await house.pass_s(301)
        assert (visit.got.status, visit.got.value["refused"]["why"]) == (status, code)
        assert visit.got.headers["x-request-id"] == house.line.id
        assert (house.line.status, house.line.outcome) == (status, "refused")
        assert is_quiet(house)


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
    assert set(api_document["paths"][f"{PATH}/names"]["get"]["responses"]) & {"404", "429", "502"} == set()
    length = api_document["paths"][LENGTH]["post"]
    assert set(length["responses"]) & {"404", "413", "429", "502"} == {"404", "413", "429"}
    assert "x-glassgate-model" not in length["responses"]["200"]["headers"]
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
        await house.parts.background.settle(60)
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
