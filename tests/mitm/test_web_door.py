"""The door judges every request to mitmweb by its head: nothing is read for who is not signed in."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, create_signed_value

from addons.mitm import web_door
from addons.mitm.web_door import BODY_BYTES, DRAINED_BYTES, FORM_BYTES, SIGN_IN_BYTES, SignedIn, WebDoor
from addons.mitm.web_heads import FIELDS
from addons.mitm.web_passwords import Passwords
from tests.support.asked import RecordedAnswer, read

SECRET = b"secret"
COOKIE = create_signed_value(SECRET, "who", "me", version=2).decode()
FORM = "Content-Type: application/x-www-form-urlencoded"


async def no_pause(seconds: float) -> None: ...


class House:
    """A web application as mitmweb is one: a password page at `/`, all else behind it; and its door."""

    def __init__(self) -> None:
        house = self
        self.reached: list[str] = []
        self.waits, self.left = asyncio.Event(), asyncio.Event()
        self.tried: list[str] = []

        class Page(RequestHandler):
            def get(self) -> None:
                house.reached.append(self.request.path)
                self.write("the password page")

            def post(self) -> None:
                house.reached.append("form")
                self.write("welcome" if house.door.passwords.known(self.get_argument("token", "")) else "once more")

        class Data(RequestHandler):
            def get(self) -> None:
                house.reached.append(self.request.path)
                self.write("secrets")

            def post(self) -> None:
                house.reached.append(self.request.path)
                self.write(str(len(self.request.body)))

        class Slow(RequestHandler):
            async def get(self) -> None:
                house.waits.set()
                await asyncio.Event().wait()

            def on_connection_close(self) -> None:
                house.left.set()

        app = Application([("/", Page), ("/data", Data), ("/slow", Slow)], log_function=lambda handler: None)
        signed_in = SignedIn(SECRET, lambda: "who", b"me")
        self.door = WebDoor(app.start_request, Passwords(self._check, no_pause), signed_in, lambda: "inspector.lan")
        self.door.ready = True
        app.start_request = self.door.start_request  # type: ignore[method-assign]
        self._server = HTTPServer(app)
        self.port = 0

    def _check(self, password: str) -> bool:
        self.tried.append(password)
        return password == "right"

    def run[T](self, work: Callable[[], Awaitable[T]]) -> T:
        async def running() -> T:
            sockets = bind_sockets(0, "127.0.0.1")
            self._server.add_sockets(sockets)
            self.port = sockets[0].getsockname()[1]
            try:
                async with asyncio.timeout(20):
                    return await work()
            finally:
                self._server.stop()
                await self._server.close_all_connections()

        return asyncio.run(running())

    async def say(self, *pieces: bytes) -> RecordedAnswer:
        """The answer to a request sent in these pieces, and whether the connection ended behind it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
        writer.close()
        return read(answer, method=pieces[0].partition(b" ")[0].decode())

    def ask(self, line: str, *fields: str, body: bytes = b"", host: str = "localhost") -> RecordedAnswer:
        lines = [f"{line} HTTP/1.1", f"Host: {host}", "Connection: close", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.run(lambda: self.say("\r\n".join([*lines, "", ""]).encode() + body))


@pytest.mark.parametrize("host", ["localhost", "localhost:8081", "127.0.0.1", "[::1]:80", "INSPECTOR.lan"])
def test_the_password_page_is_for_everybody_who_names_us(host: str) -> None:
    house = House()
    answer = house.ask("GET /", host=host)
    assert (answer.status, answer.text) == (200, "the password page")
    assert house.door.strangers == 0


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "8.8.8.8", "", "[::1"])
def test_a_foreign_host_is_turned_away_and_counted(host: str) -> None:
    house = House()
    answer = house.ask("GET /", f"Cookie: who={COOKIE}", host=host)
    assert answer.status == 403
    assert "localhost" in answer.text
    assert (house.reached, house.door.strangers) == ([], 1)


def test_nobody_is_let_in_before_the_inspector_is_ready() -> None:
    house = House()
    house.door.ready = False
    answer = house.ask("GET /data", f"Cookie: who={COOKIE}")
    assert (answer.status, house.reached) == (503, [])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("line", "fields", "status"),
    [
        pytest.param("GET http://localhost/data", (), 400, id="as to a proxy"),
        pytest.param("GET /data", ("Host: localhost",), 403, id="two hosts"),
        pytest.param("GET /data", tuple(f"X-{n}: 1" for n in range(FIELDS)), 431, id="fields"),
        pytest.param("POST /data", ("Content-Length: 1x",), 400, id="no number"),
        pytest.param("POST /data", (FORM, f"Content-Length: {FORM_BYTES + 1}"), 413, id="big form"),
        pytest.param("POST /data", (FORM, "Transfer-Encoding: chunked"), 413, id="chunked form"),
        pytest.param("POST /data", (f"Content-Length: {BODY_BYTES + 1}",), 413, id="big body"),
    ],
)
def test_what_holds_for_everybody_is_refused_to_who_is_signed_in_too(
    line: str, fields: tuple[str, ...], status: int
) -> None:
    house = House()
    assert house.ask(line, f"Cookie: who={COOKIE}", *fields).status == status
    assert house.reached == []


def test_the_bounds_themselves_are_allowed() -> None:
    house = House()
    fields = tuple(f"X-{n}: 1" for n in range(FIELDS - 3))  # Host, Connection and Cookie are three
    assert house.ask("GET /data", f"Cookie: who={COOKIE}", *fields).status == 200
    form = b"a=" + b"x" * (FORM_BYTES - 2)
    assert House().ask("POST /data", f"Cookie: who={COOKIE}", FORM, body=form).text == str(FORM_BYTES)


@pytest.mark.parametrize(
    ("line", "fields", "body"),
    [
        pytest.param("GET /data", (), b"", id="no password"),
        pytest.param("GET /data", ("Cookie: who=me",), b"", id="unsigned cookie"),
        pytest.param("GET /data", ("Cookie: other=" + COOKIE,), b"", id="another cookie"),
        pytest.param("GET /data", ("Authorization: Bearer wrong",), b"", id="wrong bearer"),
        pytest.param("GET /data", ("Authorization: Basic right",), b"", id="another scheme"),
        pytest.param("GET /data?token=wrong", (), b"", id="wrong token"),
        pytest.param("GET /", (), b"body", id="page with a body"),
        pytest.param("DELETE /", (), b"", id="another method"),
        pytest.param("POST /", (), b"token=right", id="no form"),
        pytest.param("POST /data", (FORM,), b"token=right", id="form elsewhere"),
        pytest.param("POST /", (FORM,), b"token=right&" + b"x" * SIGN_IN_BYTES, id="long form"),
    ],
)
def test_who_is_not_signed_in_is_refused_and_told_how(line: str, fields: tuple[str, ...], body: bytes) -> None:
    house = House()
    answer = house.ask(line, *fields, body=body)
    assert answer.status == 403
    assert answer.text == "not signed in: open the link that was printed at the start, or sign in at /\n"
    assert house.reached == []


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("GET /data", (f"Cookie: who={COOKIE}",)),
        ("GET /data", ("Authorization: Bearer right",)),
        ("GET /data?token=right", ()),
    ],
)
def test_the_cookie_and_the_password_open_the_door(line: str, fields: tuple[str, ...]) -> None:
    house = House()
    assert house.ask(line, *fields).text == "secrets"
    assert house.tried == ([] if fields and "Cookie" in fields[0] else ["right"])


def test_a_cookie_of_another_secret_or_word_opens_nothing() -> None:
    for secret, word in ((b"other", "me"), (SECRET, "you")):
        forged = create_signed_value(secret, "who", word, version=2).decode()
        assert House().ask("GET /data", f"Cookie: who={forged}").status == 403


@pytest.mark.parametrize(("password", "answer"), [("right", "welcome"), ("wrong", "once more"), ("", "once more")])
def test_the_form_is_handed_on_once_its_password_was_tried(password: str, answer: str) -> None:
    house = House()
    assert house.ask("POST /", FORM, body=f"token={password}".encode()).text == answer
    assert house.tried == ([password] if password else [])
    assert house.reached == ["form"]


def test_a_form_in_pieces_is_the_same_form() -> None:
    body = b"token=right"
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    for at in range(len(body) + 1):
        house = House()
        answer = house.run(functools.partial(house.say, head.encode(), body[:at], body[at:]))
        assert answer.text == "welcome", at


def test_a_form_of_too_many_fields_is_refused() -> None:
    house = House()
    body = b"&".join(b"a=1" for _ in range(FIELDS + 1))
    assert house.ask("POST /", FORM, body=body).status == 400
    assert (house.tried, house.reached) == ([], [])


def test_an_empty_form_shows_the_page_again() -> None:
    assert House().ask("POST /", FORM).text == "once more"


def test_a_refusal_to_head_has_no_body() -> None:
    answer = House().ask("HEAD /data")
    assert (answer.status, answer.body, answer.whole) == (403, b"", True)


def test_who_is_signed_in_may_send_more_than_is_drained_of_a_refused_body() -> None:
    body = b"x" * (DRAINED_BYTES + 1)
    assert House().ask("POST /data", f"Cookie: who={COOKIE}", body=body).text == str(len(body))


def test_a_refused_body_is_drained_so_far_and_no_further() -> None:
    """Who sent a body of moderate size reads its refusal behind it; one that is too long is not waited for."""
    house = House()
    head = b"POST /data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n"

    async def both() -> tuple[RecordedAnswer, ...]:
        drained = await house.say(head % (DRAINED_BYTES, b""), b"x" * DRAINED_BYTES)
        unread = await house.say(head % (DRAINED_BYTES + 1, b""))  # nothing of the body is sent
        expecting = await house.say(head % (10, b"Expect: 100-continue\r\n"))
        return drained, unread, expecting

    assert [answer.status for answer in house.run(both)] == [403, 403, 403]
    assert house.reached == []


def test_more_connections_than_allowed_are_closed_and_ended_ones_do_not_count() -> None:
    house = House()
    ask = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

    async def crowd() -> list[Any]:
        async def stay() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            writer.write(ask)
            return reader, writer

        first, second = await stay(), await stay()
        for reader, _ in (first, second):
            await reader.readuntil(b"the password page")
        third, writer = await stay()
        refused = await third.read()
        writer.close()
        first[1].close()
        await asyncio.sleep(0.05)
        fourth, writer = await stay()
        served = await fourth.readuntil(b"the password page")
        writer.close()
        second[1].close()
        return [refused, served[:15]]

    with patch.object(web_door, "CONNECTIONS", 2):
        assert house.run(crowd) == [b"", b"HTTP/1.1 200 OK"]


def test_a_client_that_leaves_is_told_to_the_page_it_waits_for() -> None:
    house = House()

    async def leave() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(f"GET /slow HTTP/1.1\r\nHost: localhost\r\nCookie: who={COOKIE}\r\n\r\n".encode())
        await house.waits.wait()
        writer.close()
        await house.left.wait()

    house.run(leave)
    assert house.left.is_set()


def test_the_bounds_of_a_head_are_put_in_force() -> None:
    house = House()

    async def long_head() -> list[int]:
        first = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        big = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * web_door.HEAD_BYTES + b"\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(first + big)
        answer = await reader.read()
        writer.close()
        return [answer.count(b"HTTP/1.1 200")]

    assert house.run(long_head) == [1]
