"""The gateway as mitmproxy's hooks have it: the gate, its own answers, faults, keys taken away, start and end."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.exceptions import OptionsError

from addons.app.address_file import FILE_NAME
from addons.exchange.exchange import Exchange
from addons.ingress.key_proof import NONCE, PROOF, proves
from addons.inspect.annotator import Annotator
from addons.stream.deps import ClientLimits
from addons.vault.errors import VaultError
from addons.vault.store import Vault
from tests.support.harness import (
    API_KEYS,
    DONE,
    FINISH,
    KEY,
    STREAM,
    answer,
    api,
    is_quiet,
    said,
    whole,
    word,
    zai,
    zai_token,
)
from tests.support.virtual_time import in_virtual_time

OTHER = "sk-other-0123456789abcdef0123456789abcdef"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


# -- the gate ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"authorization": ""}, 401, "invalid_api_key"),
        ({"authorization": "Bearer sk-nobodys-0123456789abcdef0123456789ab"}, 401, "invalid_api_key"),
        ({"path": "/v1/nothing"}, 404, "unknown_url"),
        ({"method": "PUT"}, 405, "method_not_allowed"),
        ({"host": "evil.example"}, 403, "forbidden_host"),
        ({"origin": "https://evil.example"}, 403, "forbidden_origin"),
        ({"path": "http://127.0.0.1:8080/v1/chat/completions"}, 400, "bad_request_target"),
    ],
)
@in_virtual_time
async def test_who_is_not_let_in_is_told_so(tmp_path: Path, how: dict[str, str], status: int, code: str) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(CHAT, **how)
        got = visit.got
        assert (got.status, got.error["code"], got.complete) == (status, code, True)
        assert set(got.value["error"]) == {"message", "type", "param", "code"}
        line = house.line
        assert (line.id, line.status, line.outcome, line.error_code, line.attempts) == (
            got.headers["x-request-id"],
            status,
            "refused",
            code,
            0,
        )
        assert (line.key == "-") is (status in (401, 403, 400))
        assert (visit.note.part, visit.note.outcome) == ("local", "refused")
        assert visit.note.error.startswith(f"{status} {code}")
        assert not visit.requests
        assert len(house.lines) == 1
        assert is_quiet(house)


@in_virtual_time
async def test_a_key_that_opens_nothing_stands_nowhere(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        await house.visit().asks(CHAT, authorization=f"Bearer {OTHER}")
        kept = [json.dumps(flow.get_state(), default=str) for flow in house.flows()]
        assert kept
        assert OTHER not in "".join(kept) + repr(house.lines) + repr(house.said)


@in_virtual_time
async def test_a_head_that_is_no_http_has_a_line_too(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = house.visit()
        visit.client_sends(b"GET /v1/models HTTP/1.1\r\nno colon\r\n\r\n")
        await house.settle()
        assert visit.got.status == 400
        assert (house.line.status, house.line.path, house.line.client) == (400, "/v1/models", "127.0.0.1")


@in_virtual_time
async def test_a_body_that_is_too_big_is_refused_at_its_head(tmp_path: Path) -> None:
    async with api(tmp_path, "limits: {body_mb: 0.001}") as house:
        visit = await house.visit().asks(CHAT | {"user": "x" * 2000})
        assert (visit.got.status, visit.got.error["code"]) == (413, "request_too_large")
        assert [(line.status, line.outcome, line.id) for line in house.lines] == [
            (413, "refused", visit.got.headers["x-request-id"])
        ]
        assert is_quiet(house)


@in_virtual_time
async def test_a_body_that_does_not_come_in_time(tmp_path: Path) -> None:
    async with api(tmp_path, "timeouts: {body_s: 20}") as house:
        visit = await house.visit().asks(b"{", content_length="1000")
        await house.pass_s(21)
        assert visit.got.status == 408
        assert [(line.status, line.outcome) for line in house.lines] == [(408, "refused")]
        assert is_quiet(house)


@in_virtual_time
async def test_no_more_requests_than_may_be_under_way(tmp_path: Path) -> None:
    async with api(tmp_path, "limits: {requests: 1}") as house:
        first = await house.visit().chats("m")
        second = await house.visit().chats("m")
        assert (second.got.status, second.got.error["code"]) == (429, "too_many_requests")
        assert (await house.visit().asks(method="GET", path="/v1/models")).got.status == 200
        await first.says(STREAM, word("Hi"), FINISH, DONE)
        third = await house.visit().chats("m", stream=False)
        await third.says(answer("Hi"))
        assert house.line.outcome == "ok"


# -- answers of its own -----------------------------------------------------------------------------------------------
@in_virtual_time
async def test_its_own_answers_are_told_of_and_ask_nobody(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(method="GET", path="/v1/models")
        assert [entry["id"] for entry in visit.got.value["data"]] == ["m", "n"]
        assert (house.line.outcome, house.line.status, house.line.path) == ("ok", 200, "/v1/models")
        assert house.line.id == visit.got.headers["x-request-id"]
        assert (visit.note.part, visit.note.outcome, visit.note.call) == ("local", "ok", "GET /v1/models")
        assert house.line.key not in ("-", "")


@in_virtual_time
async def test_head_has_no_body(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        for path, status in (("/healthz", b"200"), ("/v1/nothing", b"404")):
            visit = await house.visit().asks(method="HEAD", path=path)
            head, _, body = visit.to_client.partition(b"\r\n\r\n")
            assert head.split(b" ")[1] == status
            assert body == b""


@in_virtual_time
async def test_health_proves_the_key_to_who_asks_for_that(tmp_path: Path) -> None:
    nonce = hashlib.sha256(b"a nonce").hexdigest()
    async with api(tmp_path) as house:
        visit = await house.visit().asks(None, "/healthz", "GET", authorization="", **{NONCE: nonce})
        assert proves(visit.got.headers.get(PROOF), KEY, nonce, ("127.0.0.1", 8080))
        plain = await house.visit().asks(None, "/healthz", "GET", authorization="")
        assert PROOF not in plain.got.headers
        assert "accounts" not in plain.got.value


@in_virtual_time
async def test_health_with_a_key_knows_of_a_session_stored_just_now(tmp_path: Path) -> None:
    house = zai(tmp_path)
    kept, house.sessions = house.sessions, {}
    async with house:
        for _ in range(2):
            visit = await house.visit().asks(None, "/healthz", "GET")
            states = [entry["state"] for entry in visit.got.value["accounts"]]
            assert states == (["missing", "missing"] if not house.vault.known else ["ok", "missing"])
            await house.pass_s(1.1)  # what is known of an account is known to the second
            house.vault.put("zai", "a", kept["zai", "a"])


# -- faults of the gateway --------------------------------------------------------------------------------------------
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


# -- keys that are taken away -----------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_key_that_is_removed_ends_what_runs_with_it(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.tokens = f"[{{name: ada, key: {KEY}}}, {{name: ben, key: {OTHER}}}]"
    async with house:
        streams = await house.visit().chats("m")
        await streams.says(STREAM, word("Good "))
        waits = await house.visit().chats("m")
        comes = await house.visit().asks(b"{", content_length="1000")
        others = await house.visit().asks(CHAT | {"stream": True}, authorization=f"Bearer {OTHER}")
        await others.says(STREAM, word("Good "))
        house.write(tokens=f"[{{name: ben, key: {OTHER}}}]")
        await house.pass_s(2.1)
        assert streams.got.error["code"] == waits.got.error["code"] == "invalid_api_key"
        assert (streams.got.status, streams.got.complete, waits.got.status) == (200, True, 401)
        assert streams.servers[0] in streams.closed
        assert {(line.key, line.outcome, line.error_code) for line in house.lines} == {
            ("ada", "broken_off", "invalid_api_key"),
            ("ada", "failed", "invalid_api_key"),
        }
        comes.client_sends(b"x" * 999)
        await house.settle()
        assert comes.got.status == 401
        assert not comes.requests
        await others.says(word("day"), FINISH, DONE)
        assert (others.got.text, house.line.key, house.line.outcome) == ("Good day", "ben", "ok")
        assert (await house.visit().chats("m")).got.status == 401
        assert any("3 requests of client keys that were removed are ended" in words for words in house.said)
        assert is_quiet(house)


@in_virtual_time
async def test_a_changed_configuration_leaves_alone_what_runs(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "))
        house.write(providers=house.providers.replace("models: [m, n]", "models: [k]"))
        await house.pass_s(2.1)
        assert (await house.visit().chats("m")).got.status == 404
        assert house.parts.context.budget.active == 1
        await visit.says(word("day"), FINISH, DONE)
        assert visit.got.text == "Good day"
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_a_changed_configuration_knows_what_was_learnt_of_accounts(tmp_path: Path) -> None:
    async with api(tmp_path, "breaker: {failures: 1}") as house:
        visit = await house.visit().chats("m")
        await visit.says(whole(503, {}))
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        house.write(more="breaker: {failures: 1}\nlimits: {requests: 7}")
        await house.pass_s(2.1)
        assert house.parts.pool.by_key["api", "a"].availability.blocked("m")


@in_virtual_time
async def test_a_changed_configuration_keeps_a_session_that_no_disk_has_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **more: Any) -> None:
        raise VaultError("the disk is full")

    async with zai(tmp_path) as house:
        fresh = zai_token("a")
        house.site.replies["GET /api/v1/auths/"] = (200, {"id": "a", "email": "a@example.com", "token": fresh})
        visit = await house.visit().chats("GLM-4.7")
        monkeypatch.setattr(Vault, "put", full)
        await visit.says(whole(401, {"detail": "Your session has expired"}))
        house.write(more="limits: {requests: 7}")
        await house.pass_s(2.1)
        second = await house.visit().chats("GLM-4.7")
        assert second.asked().headers["authorization"] == f"Bearer {fresh}"


@in_virtual_time
async def test_a_bad_configuration_is_told_and_changes_nothing(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        house.write(more="nonsense: 1")
        await house.pass_s(2.1)
        health = await house.visit().asks(None, "/healthz", "GET")
        assert "nonsense" in str(health.got.value)
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"


# -- start and end ----------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_before_it_runs_requests_are_told_to_come_again(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.starts = False
    async with house:
        visit = await house.visit().chats("m")
        assert (visit.got.status, visit.got.error["code"]) == (503, "starting")
        house.gate.running()
        await house.settle()
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"


@pytest.mark.parametrize(
    "wrong", ["nonsense: 1", "listen: {host: 0.0.0.0}\nmodels: [x]", "providers: {}", "routing: {max_attempts: 0}"]
)
@in_virtual_time
async def test_what_cannot_be_started_ends_the_process(tmp_path: Path, wrong: str) -> None:
    house = api(tmp_path, wrong)
    async with house:
        await house.settle()
        assert house.gate.running_parts is None
        assert house.master.should_exit.is_set()


@in_virtual_time
async def test_an_option_that_opens_a_door_is_put_back(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        with pytest.raises(OptionsError, match="scripts"):
            house.master.options.update(scripts=["other.py"])
        assert house.master.options.scripts == []


@in_virtual_time
async def test_where_it_listens_is_told_while_it_runs(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        told = json.loads((tmp_path / "s" / FILE_NAME).read_text())
        assert told == {"config": str(house.file), "url": "http://127.0.0.1:8080"}
    assert not (tmp_path / "s" / FILE_NAME).exists()


@in_virtual_time
async def test_what_was_learnt_of_accounts_is_kept_at_its_end(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(whole(429, {"error": {"message": "x"}}, retry_after="500"))
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
    kept = json.loads((tmp_path / "s" / "accounts.json").read_text())
    assert kept["accounts"]["api/a"]["models"]["m"]["health"] == "limited"


# -- flows that are no client's ---------------------------------------------------------------------------------------
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
async def test_whoever_answers_is_asked_in_http_1(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        assert visit.servers[0].alpn_offers == [b"http/1.1"]


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
async def test_the_layers_keep_to_the_limits_of_the_configuration(tmp_path: Path) -> None:
    async with api(tmp_path, "timeouts: {head_s: 3}") as house:
        assert ClientLimits().head_s != 3
        visit = house.visit()
        visit.client_sends(b"GET /v1/models HTTP/1.1\r\nhost: 127")
        await house.pass_s(3.2)
        assert visit.got.status == 408


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


@in_virtual_time
async def test_a_body_counts_until_its_request_is_over(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        assert visit.deps.body_budget.total > 0
        await visit.says(answer("Hi"))
        assert visit.deps.body_budget.total == 0


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
