"""The gateway as mitmproxy's hooks have it: faults, and flows that are no client's."""

from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http

from addons.exchange.exchange import Exchange
from addons.inspect.annotator import Annotator
from tests.support.answers import DONE, FINISH, STREAM, answer, said, whole, word
from tests.support.harness import API_KEYS, api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@in_virtual_time
async def test_a_hook_that_fails_answers_and_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(exchange: Exchange, flow: http.HTTPFlow) -> None:
        raise RuntimeError("a bug")

    async with api(tmp_path) as house:
        monkeypatch.setattr(Exchange, "open", fails)
        visit = await house.visit().chats("m")
        got = visit.got
        assert (got.status, got.error["code"]) == (500, "internal_error")
        assert not visit.requests
        assert (house.line.status, house.line.outcome, house.line.id) == (500, "failed", got.headers["x-request-id"])
        assert any("a hook failed" in words for words in house.said)
        assert is_quiet(house)


@in_virtual_time
async def test_a_hook_that_fails_once_the_attempt_is_made_sends_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(annotator: Annotator, flow: http.HTTPFlow) -> None:
        raise RuntimeError("a bug")

    async with api(tmp_path) as house:
        monkeypatch.setattr(Annotator, "planned", fails)
        visit = await house.visit().chats("m")
        assert visit.got.status == 500
        assert not visit.requests
        assert is_quiet(house)


@in_virtual_time
async def test_a_hook_that_fails_between_two_attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(exchange: Exchange, flow: http.HTTPFlow) -> None:
        raise RuntimeError("a bug")

    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        monkeypatch.setattr(Exchange, "attempt_failed", fails)
        await visit.says(whole(503, {}))
        assert (visit.got.status, visit.got.error["code"]) == (500, "internal_error")
        assert len(visit.requests) == 1
        assert house.line.outcome == "failed"
        assert is_quiet(house)


@in_virtual_time
async def test_a_hook_that_fails_at_the_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("a bug")

    async with api(tmp_path) as house:
        monkeypatch.setattr("addons.app.hooks.admit", fails)
        visit = await house.visit().asks(CHAT)
        assert visit.got.status == 500
        assert [(line.status, line.id) for line in house.lines] == [(500, visit.got.headers["x-request-id"])]


@in_virtual_time
async def test_a_flow_that_was_loaded_or_sent_again_is_not_taken_for_a_request(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Hi"))
        again = visit.flows[0].copy()
        again.is_replay = "request"
        await house.gate.requestheaders(again)
        assert "client_key" in again.metadata
        foreign = http.HTTPFlow(visit.flows[0].client_conn, visit.flows[0].server_conn)
        foreign.request = http.Request.make("GET", "http://127.0.0.1/v1/models")
        foreign.is_replay, foreign.live = "request", True
        await house.gate.requestheaders(foreign)
        assert foreign.response
        assert foreign.response.status_code == 400
        assert b"replay_unsupported" in (foreign.response.content or b"")


@in_virtual_time
async def test_what_runs_can_be_seen(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        await house.pass_s(0.5)
        assert visit.note.running
        assert visit.note.account == "a"
        await visit.says(STREAM, said("Good "))
        await house.pass_s(0.5)
        assert "Good " in visit.note.delivered
        await visit.leaves()
        assert visit.note.outcome == "client_left"


@in_virtual_time
async def test_a_flow_can_be_sent_again_and_that_is_no_clients_request(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Hi"))
        house.site.replies["POST /v1/chat/completions"] = (200, answer("again").partition(b"\r\n\r\n")[2])
        again = visit.flows[0].copy()
        again.response, again.is_replay = None, "request"
        await house.gate.requestheaders(again)
        await house.gate.request(again)
        assert again.response
        assert b"again" in (again.response.content or b"")
        assert house.site.asked[-1].headers["authorization"] == f"Bearer {API_KEYS['api', 'a']['api_key']}"
        unknown = again.copy()
        unknown.response, unknown.metadata = None, {}
        unknown.is_replay = "request"
        await house.gate.request(unknown)
        assert unknown.response
        assert unknown.response.status_code >= 400
        assert "not sent again" in unknown.comment
        assert [(line.client, line.outcome) for line in house.lines] == [("127.0.0.1", "ok"), ("inspector", "replayed")]


@in_virtual_time
async def test_what_is_recorded_is_each_attempt(tmp_path: Path) -> None:
    async with api(tmp_path, "record: {enabled: true}") as house:
        visit = await house.visit().chats("m")
        await visit.says(whole(503, {}))
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        await house.pass_s(1)
        kept = sorted((tmp_path / "recordings").rglob("*.json"))
        assert len(kept) == 2
        assert not any(key["api_key"] in file.read_text() for key in API_KEYS.values() for file in kept)


@pytest.mark.parametrize(("path", "status"), [("/v1/models", 200), ("/v1/nothing", 404)])
@in_virtual_time
async def test_a_secret_that_stands_in_a_head_is_not_kept(tmp_path: Path, path: str, status: int) -> None:
    secret = API_KEYS["api", "a"]["api_key"]
    async with api(tmp_path) as house:
        visit = await house.visit().asks(None, f"{path}?x={secret}", "GET", x_note=f"for {secret}")
        assert visit.got.status == status
        assert "x-note" in visit.flows[0].request.headers
        assert secret not in repr([flow.get_state() for flow in house.flows()]) + repr(house.lines)


@in_virtual_time
async def test_a_hook_that_fails_with_the_next_attempt_made_sends_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(annotator: Annotator, flow: http.HTTPFlow) -> None:
        raise RuntimeError("a bug")

    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        monkeypatch.setattr(Annotator, "planned", fails)
        await visit.says(whole(503, {}))
        assert (visit.got.status, visit.got.error["code"]) == (500, "internal_error")
        assert len(visit.requests) == 1
        assert is_quiet(house)


class Looking:
    """A script of somebody's that hears of heads, or of whatever changes."""

    def __init__(self, hook: str) -> None:
        self.heard = 0
        setattr(self, hook, self._hear)

    def _hear(self, *_: object) -> None:
        self.heard += 1


@pytest.mark.parametrize("hook", ["responseheaders", "update"])
@in_virtual_time
async def test_a_script_hears_of_a_head_as_soon_as_it_has_come(hook: str, tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        script = Looking(hook)
        house.master.addons.add(script)
        visit = await house.visit().chats("m")
        before = script.heard
        await visit.says(STREAM)
        assert script.heard == before + 1
        await visit.says(word("Hello"), FINISH, DONE)
        assert visit.got.complete
