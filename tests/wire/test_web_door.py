"""The door before a real mitmweb, and what of mitmweb's own web server (tornado) the inspector lives by."""

import asyncio
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from addons.mitm.web_door import BODY_BYTES, CONNECTIONS, FORM_BYTES
from addons.mitm.web_heads import FIELDS
from tests.support.mitmweb import Web, asked
from tests.support.processes import SandboxThread
from tests.support.waiting import until

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def stranger(web: Web) -> Iterator[httpx.Client]:
    """Somebody who is not signed in."""
    with httpx.Client(base_url=address(web), timeout=30) as client:
        yield client


def address(web: Web) -> str:
    return f"http://127.0.0.1:{web.web_port}"


def answer_to_head(web: Web, head: str) -> bytes:
    """What is answered when nothing but a head is sent."""
    with socket.create_connection(("127.0.0.1", web.web_port), 20) as sock:
        sock.sendall(f"{head}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return sock.recv(65536)


# -- nobody without the password costs more than a refusal ------------------------------------------------------------
@pytest.mark.parametrize("path", ["/", "/flows", "/options", "/flows/dump", "/nowhere"])
def test_a_form_is_refused_before_its_body_is_read(web: Web, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000000"
    assert answer_to_head(web, head).startswith(b"HTTP/1.1 413 ")
    head = f"POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked"
    assert answer_to_head(web, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("told", ["-1", "+5", "5, 6", "1e3", "x", "9" * 30])
def test_a_length_that_is_none_is_refused(web: Web, told: str) -> None:
    answer = answer_to_head(web, f"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: {told}")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_a_body_is_refused_unread_from_who_is_not_signed_in(web: Web, kind: str) -> None:
    for told in ("Content-Length: 5000000", "Transfer-Encoding: chunked", "Content-Length: 5\r\nExpect: 100-continue"):
        answer = answer_to_head(web, f"PUT /options HTTP/1.1\r\nContent-Type: {kind}\r\n{told}")
        assert answer.startswith(b"HTTP/1.1 403 ")


def test_what_a_browser_would_send_for_another_page_is_refused(stranger: httpx.Client) -> None:
    headers = {**FORM, "origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    assert stranger.post("/", content=b"a=b&" * 25_000, headers=headers).status_code == 413
    assert stranger.post("/flows", content=b"a=b&" * 10_000, headers=headers).status_code == 403


def test_the_limits_of_who_is_signed_in(api: httpx.Client) -> None:
    assert api.post("/flows/dump", content=bytes(BODY_BYTES + 1)).status_code == 413
    assert api.post("/commands/gateway.models", content=b"x" * (FORM_BYTES + 1), headers=FORM).status_code == 413
    assert api.get("/flows", headers={f"x-{number}": "y" for number in range(FIELDS)}).status_code == 431


def test_only_the_password_page_is_open(stranger: httpx.Client) -> None:
    page = stranger.get("/")
    assert page.status_code == 403
    assert "password" in page.text
    for path in ("/flows", "/events", "/options", "/state", "/updates", "/static/favicon.ico", "/nowhere", "/?/flows/"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "sign in" in answer.text or path.startswith("/?")
    assert stranger.head("/flows").status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:80", "10.1.1.1"])
def test_a_foreign_host_is_refused_to_everybody(api: httpx.Client, web: Web, host: str) -> None:
    assert api.get("/flows", headers={"host": host}).status_code == 403
    assert api.get("/flows", headers={"host": f"localhost:{web.web_port}"}).status_code == 200


def test_idle_connections_are_bounded_and_leave_room_when_they_go(web: Web, stranger: httpx.Client) -> None:
    held = [socket.create_connection(("127.0.0.1", web.web_port), 20) for _ in range(CONNECTIONS + 20)]
    try:
        held[-1].settimeout(20)
        assert held[-1].recv(1) == b""
    finally:
        for one in held:
            one.close()

    def has_room() -> bool:
        try:
            return stranger.get("/").status_code == 403
        except httpx.TransportError:  # it has not seen yet that they are gone
            return False

    until(has_room)


# -- signing in -------------------------------------------------------------------------------------------------------
def test_the_link_signs_in(stranger: httpx.Client, web: Web) -> None:
    assert "mitmproxy" in stranger.get("/", params={"token": web.password}).raise_for_status().text
    assert stranger.get("/flows").status_code == 200


def test_the_password_page_signs_in(stranger: httpx.Client, web: Web) -> None:
    mark = stranger.get("/").cookies["_mitmproxy_xsrf"]
    wrong = stranger.post("/", data={"token": "wrong", "_xsrf": mark})
    assert wrong.status_code == 403
    assert "Invalid Password" in wrong.text
    assert stranger.get("/flows").status_code == 403
    assert stranger.post("/", data={"token": web.password, "_xsrf": mark}).status_code == 200
    assert stranger.get("/flows").status_code == 200


@pytest.mark.parametrize("password", ["", "wrong", "Paßwort", "\x00", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
def test_a_wrong_password_shows_the_page_again(stranger: httpx.Client, password: str) -> None:
    assert stranger.get("/", params={"token": password}).status_code == 403
    assert stranger.get("/flows", params={"token": password}).status_code == 403


# -- mitmweb's own parts, under the tornado that is locked ------------------------------------------------------------
def test_static_files(api: httpx.Client) -> None:
    index = api.get("/").raise_for_status().text
    names = re.findall(r"\./(static/[^\"]+)", index)
    assert names
    for name in names:
        assert api.get(f"/{name}").raise_for_status().content


def test_options_can_be_changed(api: httpx.Client) -> None:
    for value in (True, False):
        api.put("/options", json={"view_order_reversed": value}).raise_for_status()
        assert api.get("/options").json()["view_order_reversed"]["value"] is value


def test_a_flow_file_is_taken_in(web: Web, api: httpx.Client) -> None:
    asked(web, "to be saved")
    saved = api.get("/flows/dump").content
    api.post("/flows/dump", files={"file": ("flows", saved)}).raise_for_status()
    chats = [flow["id"] for flow in api.get("/flows").json() if flow["request"]["method"] == "POST"]
    assert any(b"to be saved" in api.get(f"/flows/{one}/request/content.data").content for one in chats)


async def _first_update(web: Web, origin: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {web.password}", "origin": origin}
    socket_ = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{web.web_port}/updates", headers=headers))
    try:
        await asyncio.to_thread(asked, web, "news for the page")
        while True:
            message = await asyncio.wait_for(socket_.read_message(), 20)
            assert message is not None
            found: dict[str, Any] = json.loads(message)
            if found["type"].startswith("flows/"):
                return found
    finally:
        socket_.close()
        while await socket_.read_message() is not None:
            pass


def test_the_page_is_told_of_new_flows(web: Web) -> None:
    update = asyncio.run(_first_update(web, address(web)))
    assert update["type"] == "flows/add"
    assert update["payload"]["flow"]["id"]


def test_no_other_page_is(web: Web) -> None:
    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(_first_update(web, "http://evil.example"))


def test_the_event_log_holds_no_head_of_a_preparing_call_and_no_tried_password(
    web: Web, api: httpx.Client, stranger: httpx.Client
) -> None:
    """httpcore logs whole heads, Set-Cookie too, and tornado the addresses it was asked for."""
    asked(web, "Hi", "GLM-4.6")
    stranger.get("/", params={"token": "a-wrong-one"})
    told = [event["message"] for event in api.get("/events").json()]
    assert not [message for message in told if "response_headers" in message or "a-wrong-one" in message]


# -- never silently unguarded -----------------------------------------------------------------------------------------
TAKEN_AWAY = """
from mitmproxy import ctx
def running():
    vars(ctx.master.app).pop("start_request")
"""


def test_mitmweb_without_its_door_does_not_start(sites: SandboxThread, folder: Path) -> None:
    script = folder / "other.py"
    script.write_text(TAKEN_AWAY)
    web = Web(folder, sites.description())
    command = web.command()
    at = command.index("-s")
    command[at:at] = ["-s", str(script)]
    done = subprocess.run(
        command, env=web.environ(), capture_output=True, text=True, timeout=60, check=False, cwd=folder
    )
    assert "does not pass by Glassgate's door" in done.stdout + done.stderr


# -- the page as it is dressed ----------------------------------------------------------------------------------------
def test_the_page_names_our_look_and_still_allows_its_own_origin_alone(api: httpx.Client) -> None:
    page = api.get("/").raise_for_status()
    head = page.text.partition("</head>")[0]
    assert "./static/index-" in head, "mitmweb's own"
    named = re.findall(r'(?:href|src)="\./(glassgate/[\w.]+)"', head)
    assert named == ["glassgate/look.css", "glassgate/look.js"]
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"<(?:script|style)[^>]*>[^<]", page.text), "nothing inline"
    for name, kind in zip(named, ("text/css", "text/javascript"), strict=True):
        served = api.get(f"/{name}").raise_for_status()
        assert served.headers["content-type"] == f"{kind}; charset=UTF-8"
        again = api.get(f"/{name}", headers={"if-none-match": served.headers["etag"]})
        assert again.status_code == 304


@pytest.mark.parametrize("name", ["look.css", "look.js", "look.py", "../web_look.py", "%2e%2e/web_look.py", ""])
def test_a_stranger_gets_none_of_it_and_nobody_another_file(
    api: httpx.Client, stranger: httpx.Client, name: str
) -> None:
    assert stranger.get(f"/glassgate/{name}").status_code == 403
    if name not in ("look.css", "look.js"):
        assert api.get(f"/glassgate/{name}").status_code == 404


def test_a_stranger_still_gets_the_password_page(stranger: httpx.Client) -> None:
    page = stranger.get("/")
    assert page.status_code == 403
    assert "glassgate" not in page.text
    assert 'name="token"' in page.text
