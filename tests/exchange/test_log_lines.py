"""The log as an operator reads it: who asked for what, what came of it and why, through a gateway."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY

OFFICIAL, ZAI, CHATS = "sandbox-large", "GLM-4.6", "/v1/chat/completions"
ADA = "sk-of-ada-0123456789"
ESCAPES = "\x1b]0;TITLE\x07\x1b[2J\r\nFORGED 00:00:00 INFO req_x\u202e"
LIMIT_MB = 0.01


@dataclass
class Log:
    """The request lines of a gateway."""

    gateway: Served
    http: httpx.Client
    _from: int = field(init=False)

    def __post_init__(self) -> None:
        self._from = len(self.gateway.log)

    def line(self, number: int = 0) -> dict[str, Any]:
        """A request's line since the test began."""
        return self.lines()[number]

    def lines(self) -> list[dict[str, Any]]:
        said = [json.loads(line) for line in self.gateway.log[self._from :].splitlines() if line.startswith("{")]
        return [line for line in said if line["logger"] == "glassgate.request"]

    def chat(self, model: str, prompt: str = "Hi", **more: Any) -> httpx.Response:
        return self.http.post(CHATS, json={"model": model, "messages": [{"role": "user", "content": prompt}], **more})


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("log")
    sections: dict[str, Any] = {
        "auth": {"tokens": [KEY, {"name": "ada", "key": ADA}]},
        "log": {"format": "json"},
        "models": {"aliases": {"fast": OFFICIAL}},
        "limits": {"body_mb": LIMIT_MB},
        "providers": {"official": {"accounts": [{"name": "demo", "max_concurrent": 1}]}},
    }
    with Served(folder, sites, listen={"trusted_proxies": ["127.0.0.1"]}, **sections, **NO_REST) as running:
        yield running


@pytest.fixture
def log(gateway: Served) -> Iterator[Log]:
    with gateway.http(headers={"authorization": f"Bearer {ADA}"}) as client:
        yield Log(gateway, client)


def raw(gateway: Served, *lines: str, body: bytes = b"") -> bytes:
    head = "\r\n".join([*lines, f"host: 127.0.0.1:{gateway.port}", "connection: close", "", ""]).encode("latin-1")
    return gateway.exchange(head + body, ends=False)


def test_an_answer(log: Log) -> None:
    answer = log.chat("Fast", stream=True)
    line = log.line()
    assert (line["id"], line["level"]) == (answer.headers["x-request-id"], "INFO")
    assert (line["client"], line["key"], line["method"], line["path"]) == ("127.0.0.1", "ada", "POST", CHATS)
    assert (line["asked"], line["model"], line["provider"], line["account"]) == ("Fast", OFFICIAL, "official", "demo")
    assert (line["status"], line["outcome"], line["error_code"], line["why"]) == (200, "ok", None, "")
    assert 0 <= line["wait_ms"] <= line["first_token_ms"] <= line["total_ms"]


def test_what_an_answer_cost(log: Log) -> None:
    log.chat(ZAI, stream=True)
    (line,) = log.lines()
    assert (line["provider"], line["account"], line["outcome"]) == ("zai", "demo", "ok")
    assert (line["prompt_tokens"], line["completion_tokens"], line["attempts"]) == (12, 34, 1)
    assert 0 < line["first_token_ms"] <= line["total_ms"]


@pytest.mark.parametrize(("model", "fault"), [(OFFICIAL, "truncated"), (OFFICIAL, "reset"), (ZAI, "error_after_text")])
def test_a_broken_stream_is_a_warning_with_the_code_of_its_error_frame(log: Log, model: str, fault: str) -> None:
    answer = log.chat(model, f"Hi\n!sandbox fault={fault}", stream=True)
    frame = next(json.loads(piece[6:]) for piece in answer.text.splitlines() if piece.startswith('data: {"error"'))
    line = log.line()
    assert (line["level"], line["status"], line["outcome"]) == ("WARNING", 200, "broken_off")
    assert line["error_code"] == frame["error"]["code"]
    assert frame["error"]["message"].startswith(line["why"])
    assert line["why"].startswith(f"[{line['provider']}/demo] ")


@pytest.mark.parametrize("fault", ["truncated", "reset"])
def test_a_stream_that_is_lost_at_a_site_that_keeps_its_answers_is_no_failure(log: Log, fault: str) -> None:
    answer = log.chat(ZAI, f"Hi\n!sandbox fault={fault}", stream=True)
    assert "[DONE]" in answer.text
    line = log.line()
    assert (line["level"], line["status"], line["outcome"]) == ("INFO", 200, "ok")


def test_a_failure(log: Log) -> None:
    error = log.chat(ZAI, "Hi\n!sandbox fault=captcha").json()["error"]
    line = log.line()
    assert (line["level"], line["status"], line["outcome"]) == ("WARNING", 502, "failed")
    assert (line["error_code"], line["attempts"]) == (error["code"], 1)
    assert line["why"].endswith("captcha before it answers this account; a program cannot pass it.")


@pytest.mark.parametrize(
    ("send", "key", "path"),
    [
        pytest.param(lambda http: http.get("/nope?key=1"), "ada", "/nope", id="404"),
        pytest.param(lambda http: http.get(CHATS), "ada", CHATS, id="405"),
        pytest.param(lambda http: http.get(CHATS, headers={"authorization": "Bearer x"}), "-", CHATS, id="401"),
        pytest.param(lambda http: http.get(CHATS, headers={"host": "evil.example"}), "-", CHATS, id="403 host"),
        pytest.param(
            lambda http: http.get("/healthz", headers={"origin": "http://e"}), "-", "/healthz", id="403 origin"
        ),
        pytest.param(lambda http: http.post(CHATS, headers={"content-encoding": "lzma"}), "ada", CHATS, id="415"),
        pytest.param(lambda http: http.post(CHATS, content=b"{"), "ada", CHATS, id="400 no JSON"),
        pytest.param(lambda http: http.post(CHATS, json={"messages": []}), "ada", CHATS, id="400 invalid"),
        pytest.param(lambda http: http.get("/v1/models/none"), "ada", "/v1/models/none", id="404 model"),
        pytest.param(lambda http: http.post(CHATS, content=b"x" * 20_000), "ada", CHATS, id="413 by its length"),
        pytest.param(lambda http: http.post(CHATS, content=iter([b"x" * 9_000] * 3)), "ada", CHATS, id="413 by size"),
    ],
)
def test_a_refusal_has_path_code_and_reason(
    log: Log, send: Callable[[httpx.Client], httpx.Response], key: str, path: str
) -> None:
    answer = send(log.http)
    error = answer.json()["error"]
    line = log.line()
    assert (line["client"], line["key"], line["path"]) == ("127.0.0.1", key, path)
    code = error["code"] or error["type"]
    assert (line["status"], line["outcome"], line["error_code"]) == (answer.status_code, "refused", code)
    assert line["why"]
    assert error["message"].startswith(line["why"].removesuffix("…"))
    assert line["id"] == answer.headers["x-request-id"]
    assert log.lines() == [line]


def test_a_malformed_request(log: Log) -> None:
    answer = raw(log.gateway, f"POST {CHATS} HTTP/1.1", f"authorization: Bearer {KEY}", "content-length: x")
    line = log.line()
    assert answer.startswith(b"HTTP/1.1 400")
    assert (line["status"], line["outcome"], line["error_code"], line["path"]) == (
        400,
        "refused",
        "bad_http_request",
        CHATS,
    )
    assert KEY not in log.gateway.log


@pytest.mark.parametrize(
    ("lines", "status", "path"),
    [
        pytest.param([f"GET /v1/models?key={KEY} HTTP/1.1", f"x: {'y' * 70_000}"], 431, "/v1/models", id="too large"),
        pytest.param([f"POST {CHATS} HTTP/1.1", f"authorization {KEY}"], 400, CHATS, id="no colon"),
        pytest.param([f"authorization: Bearer {KEY}"], 400, "", id="no request line"),
    ],
)
def test_a_head_that_is_no_request(log: Log, lines: list[str], status: int, path: str) -> None:
    answer = raw(log.gateway, *lines)
    line = log.line()
    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert (line["status"], line["path"], line["key"], line["client"]) == (status, path, "-", "127.0.0.1")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == line["error_code"]
    assert f"x-request-id: {line['id']}".encode() in answer.lower()
    assert log.lines() == [line]
    assert KEY not in log.gateway.log


def test_an_unknown_model(log: Log) -> None:
    log.chat("no such model")
    line = log.line()
    assert (line["status"], line["asked"], line["model"], line["provider"]) == (
        404,
        "no such model",
        "no such model",
        None,
    )


@pytest.mark.parametrize("path", ["/v1/models", "/v1/nothing", CHATS])
def test_a_trusted_proxy_in_front_tells_whose_the_request_is(log: Log, path: str) -> None:
    forwarded = {"x-forwarded-for": "6.6.6.6, 203.0.113.9"}
    log.http.request("POST" if path == CHATS else "GET", path, headers=forwarded, json={"model": OFFICIAL})
    assert log.line()["client"] == "203.0.113.9"


def test_what_the_gateway_answers_itself(log: Log) -> None:
    log.http.get("/v1/models?all=true")
    log.http.get("/healthz")
    log.http.options(CHATS)
    assert [(log.line(n)["path"], log.line(n)["status"]) for n in (0, 1)] == [("/v1/models", 200), (CHATS, 204)]
    assert log.line()["key"] == "ada"


@pytest.mark.parametrize(
    ("prompt", "status", "why"), [("stall_after=3", 200, "middle"), ("delay_first_ms=60000", 499, "first")]
)
def test_a_client_that_leaves(log: Log, prompt: str, status: int, why: str) -> None:
    fields = {"model": OFFICIAL, "stream": True, "messages": [{"role": "user", "content": f"Hi\n!sandbox {prompt}"}]}

    async def asks_and_leaves() -> None:
        visit = await log.gateway.house.visit().asks(fields, authorization=f"Bearer {ADA}")
        await asyncio.sleep(1)
        await visit.leaves()

    log.gateway.run(asks_and_leaves())
    line = log.line()
    assert (line["status"], line["outcome"], line["error_code"]) == (status, "client_left", None)
    assert why in line["why"]


def test_what_a_request_waited_for(log: Log) -> None:
    body = {"model": OFFICIAL, "messages": [{"role": "user", "content": "Hi\n!sandbox delay_first_ms=300"}]}
    assert [one.status_code for one in log.gateway.at_once([body] * 2)] == [200, 200]
    first, second = sorted((log.line(0), log.line(1)), key=lambda line: line["wait_ms"])
    assert second["wait_ms"] > first["wait_ms"]
    assert second["wait_ms"] <= second["total_ms"]


def test_health_tells_whose_key_was_shown(log: Log) -> None:
    assert log.http.get("/healthz").json()["key"] == "ada"
    assert "key" not in log.gateway.request("GET", "/healthz").json()


@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_writes_lines_of_their_own(sites: Sites, tmp_path_factory: pytest.TempPathFactory, form: str) -> None:
    folder = tmp_path_factory.mktemp("forged")
    with Served(folder, sites, log={"format": form}, **NO_REST) as gateway:
        headers = {**gateway.headers, "user-agent": "\x1b[31m", "x-request-id": "\x1b[31m"}
        fields = {"model": ESCAPES, "user": ESCAPES, "messages": [{"role": "user", "content": "Hi"}]}
        with gateway.http() as http:
            assert http.post(CHATS, json=fields).status_code == 404
            refusal = f"Hi\n!sandbox fault=401 text='{ESCAPES}'"
            http.post(CHATS, json={"model": OFFICIAL, "messages": [{"role": "user", "content": refusal}]})
            http.get("/v1/models/%1b%5b2J%0d%0aFORGED")
        raw(gateway, "GET /x\x1b]0;TITLE\x07\x9b2J\x85 HTTP/1.1")
        raw(gateway, "GET /v1/models HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()))
        assert gateway.log.count("/v1/models") >= 2
        said = gateway.log
    assert [line for line in said.split("\n") if not line.isprintable()] == []
    assert not any(line.startswith("FORGED") for line in said.splitlines())
    assert "TITLE" in said


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"model": "fast", "messages": "Hi"}, id="no list"),
        pytest.param({"model": "fast", "messages": [], "stream": "yes"}, id="a field of a wrong kind"),
        pytest.param({"model": "fast"}, id="no messages"),
    ],
)
@pytest.mark.parametrize("path", [CHATS, "/v1/completions"])
def test_a_request_refused_for_its_body_is_logged_with_the_model_asked_for(
    log: Log, path: str, fields: dict[str, object]
) -> None:
    assert log.http.post(path, json=fields).status_code == 400
    line = log.line()
    assert (line["asked"], line["model"], line["error_code"]) == ("fast", "fast", "invalid_request_error")
