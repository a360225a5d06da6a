"""A capture as mitmproxy's hooks have it: what it looks at, what it stores, when it ends. Flows are made by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import patch

import pytest
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.test import tflow

from addons.capturing import page, peer
from addons.capturing.addon import DELIVERED_S, LINGER_S, Capture
from addons.capturing.session_check import SessionCheck
from addons.capturing.target import CaptureTarget, VaultSink
from addons.vault.errors import VaultError
from providers.contract.session import Credentials, Identity, Session
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai
from tests.support.answers import zai_token
from tests.support.virtual_time import in_virtual_time

SITE = "https://chat.z.ai"
PAGE = {"accept": "text/html,application/xhtml+xml", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@dataclass
class Sink:
    """Takes sessions in the place of a vault."""

    kept: list[tuple[str, str, Credentials, str]] = field(default_factory=list)
    fails: bool = False

    def put(self, provider: str, account: str, credentials: Credentials, email: str) -> None:
        if self.fails:
            raise VaultError("the disk is full")
        self.kept.append((provider, account, credentials, email))


@dataclass
class FakeChecker:
    """Says of each session what it is told to; takes a second over it."""

    refused: str = ""
    fault: Exception | None = None
    asked: list[Credentials] = field(default_factory=list)

    async def __call__(self, session: Session, credentials: Credentials) -> SessionCheck:
        self.asked.append(credentials)
        await asyncio.sleep(1)
        if self.fault is not None:
            raise self.fault
        return SessionCheck(credentials, Identity("ada", email="ada@example.com"), self.refused)


@dataclass
class House:
    sink: Sink = field(default_factory=Sink)
    checker: FakeChecker = field(default_factory=FakeChecker)
    told: list[object] = field(default_factory=list)

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Capture]:
        given = Options(listen_host="127.0.0.1", **options)
        self.master = Master(given)
        server = Proxyserver()
        self.master.addons.add(server)
        target = CaptureTarget(cast(Any, Zai("zai", ZaiOptions())), "main", cast(VaultSink, self.sink), None)
        capture = Capture(
            target, checker=self.checker, on_ready=self.told.append, on_stored=lambda: self.told.append("stored")
        )
        self.master.addons.add(capture)
        with (
            patch("addons.capturing.addon.harden"),
            patch("addons.capturing.addon.os.umask"),
            patch.object(server, "listen_addrs", return_value=[("127.0.0.1", 8081)]),
        ):
            capture.running()
        try:
            yield capture
        finally:
            await capture.done()
            self.master._legacy_log_events.uninstall()

    def has_ended(self) -> bool:
        return self.master.should_exit.is_set()


def flow(path: str = "/", host: str = SITE, body: object = None, **fields: str) -> http.HTTPFlow:
    """A request of a browser with the answer it will get."""
    made = tflow.tflow(resp=True)
    heads = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    made.request = http.Request.make("GET", f"{host}{path}", b"typed", http.Headers(heads))
    content = b"" if body is None else json.dumps(body).encode()
    made.response = http.Response.make(200, content, {"content-type": "application/json"})
    return made


async def goes_by(capture: Capture, found: http.HTTPFlow) -> http.HTTPFlow:
    """The exchange passes through the proxy, its body in one piece where the addon reads along."""
    answer = found.response
    found.response = None
    await capture.requestheaders(found)
    if found.response is None:
        found.response = answer
        assert answer
        capture.responseheaders(found)
        if callable(answer.stream):
            content, answer.content = answer.raw_content or b"", None
            assert answer.stream(content) == content
            answer.stream(b"")
    capture.response(found)
    await asyncio.sleep(1e-6)
    return found


def signed_in(token: str) -> http.HTTPFlow:
    return flow("/api/v1/chats/", authorization=f"Bearer {token}")


@in_virtual_time
async def test_a_signed_in_call_is_proven_stored_and_told_and_the_proxy_ends() -> None:
    house = House()
    async with house.running() as capture:
        assert house.told == [8081]
        token = zai_token()
        found = await goes_by(capture, signed_in(token))
        assert found.request.stream  # nothing of it was held
        assert not found.request.headers  # nor is now
        await asyncio.sleep(1.1)
        [(provider, account, credentials, email)] = house.sink.kept
        assert (provider, account, credentials.token, email) == ("zai", "main", token, "ada@example.com")
        assert capture.stored
        assert (capture.stored.target, capture.stored.owner) == ("zai/main", "ada@example.com")
        assert token not in repr(capture.stored)
        assert house.told == [8081, "stored"]
        await asyncio.sleep(LINGER_S - 1)
        assert not house.has_ended()
        await asyncio.sleep(2)
        assert house.has_ended()
    assert capture.problem == ""


@in_virtual_time
async def test_the_answer_that_says_who_it_is_shows_the_token_too() -> None:
    house = House()
    async with house.running() as capture:
        token = zai_token()
        found = flow("/api/v1/auths/", body={"id": "ada", "email": "ada@example.com", "token": token})
        await goes_by(capture, found)
        await asyncio.sleep(1.1)
        assert [kept[2].token for kept in house.sink.kept] == [token]


@in_virtual_time
async def test_a_newer_token_while_the_first_is_asked_about_is_stored_as_well() -> None:
    house = House()
    async with house.running() as capture:
        first, second = zai_token(), zai_token()
        await goes_by(capture, signed_in(first))
        await asyncio.sleep(0.5)
        await goes_by(capture, signed_in(second))
        await asyncio.sleep(2)
        assert [kept[2].token for kept in house.sink.kept] == [first, second]
        assert len(house.checker.asked) == 1  # it is the same sign-in
        assert house.told == [8081, "stored"]


@in_virtual_time
async def test_guests_and_other_sites_show_nothing() -> None:
    house = House()
    async with house.running() as capture:
        await goes_by(capture, signed_in(zai_token().replace(".", "x")))
        other = await goes_by(capture, flow("/api/v1/chats/", "https://other.example", authorization="Bearer x"))
        await asyncio.sleep(5)
        assert house.checker.asked == []
        assert not other.request.headers
        assert capture.missing() == "no sign-in to zai/main was seen (a guest's session is not stored)"


@in_virtual_time
async def test_a_session_the_site_does_not_take_is_not_stored_and_not_asked_about_again() -> None:
    house = House(checker=FakeChecker(refused="expired"))
    async with house.running() as capture:
        token = zai_token()
        await goes_by(capture, signed_in(token))
        await asyncio.sleep(1.1)
        await goes_by(capture, signed_in(token))
        await asyncio.sleep(1.1)
        assert (len(house.checker.asked), house.sink.kept, house.has_ended()) == (1, [], False)
        await goes_by(capture, signed_in(zai_token()))
        await asyncio.sleep(1.1)
        await goes_by(capture, signed_in(token))
        await asyncio.sleep(1.1)
        assert len(house.checker.asked) == 2
        house.checker.refused = ""
        await goes_by(capture, signed_in(zai_token()))
        await asyncio.sleep(1.1)
        assert len(house.sink.kept) == 1


@pytest.mark.parametrize("how", ["disk", "fault"])
@in_virtual_time
async def test_what_cannot_be_stored_ends_it_with_a_reason(how: str) -> None:
    house = House(Sink(fails=how == "disk"), FakeChecker(fault=RuntimeError("a bug") if how == "fault" else None))
    async with house.running() as capture:
        await goes_by(capture, signed_in(zai_token()))
        await asyncio.sleep(1.1)
        assert house.has_ended()
        assert ("could not be stored: the disk is full" if how == "disk" else "RuntimeError") in capture.problem


@in_virtual_time
async def test_nothing_is_waited_for_for_ever() -> None:
    house = House()
    async with house.running() as capture:
        await asyncio.sleep(599)
        assert not house.has_ended()
        await asyncio.sleep(2)
        assert house.has_ended()
        assert "within 600 s; the vault is as it was" in capture.problem


@in_virtual_time
async def test_a_capture_that_is_stopped_asks_and_stores_no_more() -> None:
    house = House()
    async with house.running() as capture:
        await goes_by(capture, signed_in(zai_token()))
        capture.stop("stopped by hand")
        stopped_at = asyncio.get_running_loop().time()
        await capture.done()
        assert asyncio.get_running_loop().time() == stopped_at  # the site's answer is not waited for
        await asyncio.sleep(2)
        assert house.sink.kept == []
        await goes_by(capture, signed_in(zai_token()))
        await asyncio.sleep(2)
        assert house.sink.kept == []
        capture.stop("again")
        assert capture.problem == "stopped by hand"


@in_virtual_time
async def test_the_persons_browser_gets_our_page_before_and_after() -> None:
    house = House()
    async with house.running() as capture:
        ours = await goes_by(capture, flow("/", f"http://{page.HOST}", **PAGE))
        assert ours.response
        assert b"chat.z.ai" in (ours.response.content or b"")
        before = capture.visited
        own = await goes_by(capture, flow("/", **PAGE))  # before it is stored the site's pages are the site's
        assert own.response
        assert own.response.content == b""
        await goes_by(capture, signed_in(zai_token()))
        shown = await goes_by(capture, flow("/", **PAGE))  # waits for what is just being stored
        assert house.sink.kept
        assert shown.response
        assert b"main" in (shown.response.content or b"")
        assert (before, capture.visited) == (False, True)
        await asyncio.sleep(DELIVERED_S + 0.1)
        assert house.has_ended()


@pytest.mark.parametrize(
    "options", [{"mode": ["reverse:http://127.0.0.1:1"]}, {"mode": ["regular@0.0.0.0:1"]}, {"listen_host": "0.0.0.0"}]
)
@in_virtual_time
async def test_a_proxy_that_others_could_use_is_not_begun(options: dict[str, Any]) -> None:
    house = House()
    host = options.pop("listen_host", None)
    with patch("addons.capturing.setup.LOOPBACK_HOSTS", ()) if host else patch("addons.capturing.setup.TIMEOUT_S", 600):
        async with house.running(**options) as capture:
            await asyncio.sleep(0)
            assert house.has_ended()
            assert capture.problem
            assert house.told == []


@in_virtual_time
async def test_another_user_of_the_machine_is_turned_away() -> None:
    house = House()
    client = Client(peername=("127.0.0.1", 5), sockname=("127.0.0.1", 8081), timestamp_start=0.0)
    async with house.running() as capture:
        with patch.object(peer, "can_tell", return_value=True), patch.object(peer, "owner_of", return_value=54321):
            capture.client_connected(client)
        assert client.error == "a program of another user"
