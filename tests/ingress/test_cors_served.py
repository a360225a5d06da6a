"""Web pages of other origins: what a browser is answered, through the whole gateway."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY

MODEL = "sandbox-large"
CHATS = "/v1/chat/completions"
ASKED_HEADERS = "authorization,content-type,x-stainless-os"
FOREIGN = "http://127.0.0.1:5174"


@pytest.fixture(scope="module")
def app() -> str:
    """The origin of a page."""
    return "http://127.0.0.1:5173"


@pytest.fixture(scope="module")
def gateway(sites: Sites, app: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    listen = {"allowed_origins": [f"{app}/"]}  # the slash is a usual mistake
    with Served(tmp_path_factory.mktemp("cors"), sites, listen=listen, limits={"body_mb": 0.02}, **NO_REST) as running:
        yield running


@pytest.fixture
def client(gateway: Served) -> Iterator[httpx.Client]:
    with gateway.http(headers=None) as client:
        yield client


def body(stream: bool = False, prompt: str = "Hi") -> dict[str, Any]:
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def asking(origin: str, **more: str) -> dict[str, str]:
    named = {"access-control-request-method": "POST", "access-control-request-headers": ASKED_HEADERS}
    return {"origin": origin, **named, **{name.replace("_", "-"): value for name, value in more.items()}}


# -- preflights -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [CHATS, "/chat/completions", "/v1/models", "/healthz", "/nowhere"])
def test_a_preflight_is_answered_without_a_key(client: httpx.Client, app: str, path: str) -> None:
    answer = client.options(path, headers=asking(app, access_control_request_private_network="true"))
    found = answer.headers
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in found
    assert found["access-control-allow-origin"] == app
    assert "POST" in found["access-control-allow-methods"]
    assert found["access-control-allow-headers"].split(", ") == ASKED_HEADERS.split(",")
    assert found["access-control-allow-private-network"] == "true"
    assert int(found["access-control-max-age"]) > 0
    assert len(found.get_list("vary")) == 1
    assert {"Origin", "Access-Control-Request-Headers"} <= set(found["vary"].split(", "))
    assert "access-control-allow-credentials" not in found


def test_a_connection_goes_on_behind_a_preflight(gateway: Served, app: str) -> None:
    one = "".join(f"{name}: {value}\r\n" for name, value in asking(app).items())
    asked = f"OPTIONS {CHATS} HTTP/1.1\r\nhost: 127.0.0.1\r\n{one}\r\n".encode()
    last = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    found = gateway.exchange(asked * 3 + last, ends=False)
    assert found.count(b"HTTP/1.1 204 ") == 3
    assert found.count(b"HTTP/1.1 200 ") == 1


def test_a_preflights_body_is_neither_invited_nor_read(gateway: Served, app: str) -> None:
    fields = {**asking(app), "content-length": "1000000", "expect": "100-continue"}
    head = f"OPTIONS {CHATS} HTTP/1.1\r\nhost: 127.0.0.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items())
    found = gateway.exchange(head.encode() + b"\r\n", ends=False)
    assert found.startswith(b"HTTP/1.1 204 ")
    assert b"connection: close" in found


TRICKS: list[Callable[[str], str]] = [
    lambda app: "https://evil.example",
    lambda app: "null",
    lambda app: "*",
    lambda app: "",
    lambda app: app.replace("http:", "https:"),
    lambda app: app.replace("http:", "HTTP:"),
    lambda app: app.rpartition(":")[0],
    lambda app: f"{app}0",
    lambda app: f"{app}/",
    lambda app: app.replace("127.0.0.1", "127.0.0.1."),
    lambda app: app.replace("127.0.0.1", "localhost"),
    lambda app: f"{app}, https://evil.example",
    lambda app: f"{app} https://evil.example",
    lambda app: f"https://evil.example#{app}",
    lambda app: app + "a" * 60_000,
]


@pytest.mark.parametrize("number", range(len(TRICKS)))
def test_another_origin_is_refused_and_told_what_to_set(client: httpx.Client, app: str, number: int) -> None:
    origin = TRICKS[number](app)
    for answer in (
        client.options(CHATS, headers=asking(origin)),
        client.post(CHATS, json=body(), headers={"origin": origin, "authorization": f"Bearer {KEY}"}),
        client.get("/", headers={"origin": origin}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden_origin")
        assert "listen.allowed_origins" in answer.json()["error"]["message"]
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_two_origins_are_none(client: httpx.Client, app: str) -> None:
    two = [("origin", app), ("origin", app), ("access-control-request-method", "POST")]
    answer = client.options(CHATS, headers=two)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_an_origin_cannot_break_the_head(gateway: Served, app: str) -> None:
    for origin in (f"{app}\rx-evil: 1", f"{app}\x00", f"{app}\n x-evil: 1"):
        fields = f"origin: {origin}\r\naccess-control-request-method: POST\r\n"
        head = f"OPTIONS / HTTP/1.1\r\nhost: 127.0.0.1\r\n{fields}connection: close\r\n\r\n"
        found = gateway.exchange(head.encode(), ends=False)
        assert found.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403")), found
        assert b"access-control" not in found.lower()
        assert not [line for line in found.split(b"\r\n") if line.startswith(b"x-evil")]


def test_preflights_make_no_lines_in_the_log_and_refused_ones_do(gateway: Served, app: str) -> None:
    with gateway.http(headers=None) as client:
        let = client.options(CHATS, headers=asking(app)).headers["x-request-id"]
        refused = client.options(CHATS, headers=asking("https://evil.example")).headers["x-request-id"]
    assert refused in gateway.log
    assert let not in gateway.log


# -- every other answer -----------------------------------------------------------------------------------------------
WITH_KEY = {"authorization": f"Bearer {KEY}"}
ANSWERS: dict[str, tuple[int, Callable[[httpx.Client, dict[str, str]], httpx.Response]]] = {
    "whole": (200, lambda http, extra: http.post(CHATS, json=body(), headers=WITH_KEY | extra)),
    "stream": (200, lambda http, extra: http.post(CHATS, json=body(True), headers=WITH_KEY | extra)),
    "completions": (
        200,
        lambda http, extra: http.post(
            "/v1/completions", json={"model": MODEL, "prompt": "Hi"}, headers=WITH_KEY | extra
        ),
    ),
    "models": (200, lambda http, extra: http.get("/v1/models", headers=WITH_KEY | extra)),
    "health": (200, lambda http, extra: http.get("/healthz", headers=extra)),
    "front": (200, lambda http, extra: http.get("/", headers=extra)),
    "options": (204, lambda http, extra: http.options(CHATS, headers=WITH_KEY | extra)),
    "head": (200, lambda http, extra: http.head("/v1/models", headers=WITH_KEY | extra)),
    "bad JSON": (400, lambda http, extra: http.post(CHATS, content=b"{", headers=WITH_KEY | extra)),
    "no key": (401, lambda http, extra: http.post(CHATS, json=body(), headers=extra)),
    "no path": (404, lambda http, extra: http.get("/nowhere", headers=WITH_KEY | extra)),
    "no model": (404, lambda http, extra: http.post(CHATS, json={**body(), "model": "x"}, headers=WITH_KEY | extra)),
    "method": (405, lambda http, extra: http.get(CHATS, headers=WITH_KEY | extra)),
    "length": (413, lambda http, extra: http.post(CHATS, content=b"x" * 30_000, headers=WITH_KEY | extra)),
    "chunks": (413, lambda http, extra: http.post(CHATS, content=iter([b"x" * 9000] * 4), headers=WITH_KEY | extra)),
    "coding": (
        415,
        lambda http, extra: http.post(CHATS, content=b"x", headers=WITH_KEY | extra | {"content-encoding": "lzma"}),
    ),
    "limited": (
        429,
        lambda http, extra: http.post(CHATS, json=body(prompt="Hi\n!sandbox fault=429"), headers=WITH_KEY | extra),
    ),
    "provider": (
        502,
        lambda http, extra: http.post(CHATS, json=body(prompt="Hi\n!sandbox fault=500"), headers=WITH_KEY | extra),
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_can_be_read_by_an_allowed_page(client: httpx.Client, app: str, name: str) -> None:
    status, ask = ANSWERS[name]
    answer = ask(client, {"origin": app})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == app
    assert "Origin" in answer.headers["vary"]
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    said = [name for name in answer.headers if name.startswith(("x-", "retry-")) and not name.startswith("x-accel")]
    assert set(said) - {"x-content-type-options", "x-frame-options"} <= set(exposed)


def test_who_is_no_page_is_told_that_answers_differ_and_no_more(client: httpx.Client) -> None:
    answer = client.get("/healthz")
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in answer.headers


def test_the_list_of_origins_is_taken_up_while_it_runs(sites: Sites, app: str, tmp_path: Path) -> None:
    with Served(tmp_path, sites, **NO_REST) as gateway, gateway.http(headers=None) as client:
        assert client.get("/healthz").headers.get("vary") is None
        assert client.options(CHATS, headers=asking(app)).status_code == 403
        gateway.config["listen"] = {"allowed_origins": [app, "null"]}
        gateway.write_config()
        assert gateway.reload().done
        for origin in (app, "null"):
            assert client.options(CHATS, headers=asking(origin)).headers["access-control-allow-origin"] == origin
        assert client.options(CHATS, headers=asking(FOREIGN)).status_code == 403
