"""What is answered at the door: who is let in, and the gateway's own answers."""

import hashlib
import json
from pathlib import Path

import pytest

from addons.ingress.key_proof import NONCE, PROOF, proves
from tests.support.answers import DONE, FINISH, STREAM, answer, word
from tests.support.harness import api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY

OTHER = "sk-other-0123456789abcdef0123456789abcdef"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


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


@in_virtual_time
async def test_it_lives_while_it_starts_and_is_ready_once_an_account_can_serve(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.starts = False
    async with house:

        async def told(path: str, **fields: str) -> int:
            return (await house.visit().asks(None, path, "GET", **({"authorization": ""} | fields))).got.status

        assert [await told(f"/healthz{path}") for path in ("/live", "/ready", "")] == [200, 503, 503]
        assert await told("/healthz/live", host="evil.example") == 403
        assert await told("/v1/models") == 503
        house.gate.running()
        await house.settle()
        assert await told("/healthz/ready") == 200
        for name in "ab":
            house.vault.remove("api", name)
        await house.pass_s(5)
        assert [await told(f"/healthz{path}") for path in ("/live", "/ready", "")] == [200, 503, 200]
