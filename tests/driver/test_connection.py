"""A client's own connection: requests one behind the other, hooks that take their time, silence, TLS."""

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.connection import Client

from addons.driver.connection import READ_BYTES, OwnConnection, OwnHouse
from addons.driver.port import Accepted
from addons.upstream.dialer import run_hook
from tests.driver.own_clients import House, eagerly
from tests.driver.own_drive import HEAD, OwnDrive, chunk
from tests.support.drive import FakeAttempt
from tests.support.http1 import END
from tests.support.virtual_time import in_virtual_time, settle

GET = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}"


def local() -> http.Response:
    return http.Response.make(200, b"here", {"content-type": "text/plain"})


async def turn() -> None:
    await asyncio.sleep(0)


# -- one behind the other ---------------------------------------------------------------------------------------------
@in_virtual_time
async def test_two_requests_one_after_the_other_and_nothing_is_left() -> None:
    drive = OwnDrive(FakeAttempt(), FakeAttempt())
    for _ in range(2):
        await drive.asked()
        await drive.says(HEAD + chunk(b"Hi[DONE]") + END)
    assert drive.to_client.count(b"Hi[DONE]") == 2
    assert drive.log.count("response") == 2
    assert {*drive.watch} == {drive.connection._idle}
    drive.client_leaves()
    await settle()
    assert drive.is_gone()


@in_virtual_time
async def test_a_flood_of_small_requests_lets_others_between() -> None:
    drive = OwnDrive(at_head=local())
    await settle()
    many = 60
    drive.client_sends(GET * many)
    had, most = 0, 0
    for _ in range(4 * many):
        await turn()
        now = drive.to_client.count(b"here")
        had, most = now, max(most, now - had)
    assert had == many
    assert most == 1, "so many were answered before anybody else had a turn"


@in_virtual_time
async def test_a_request_in_advance_waits_for_the_answer_to_the_first() -> None:
    drive = OwnDrive(FakeAttempt(), FakeAttempt())
    await settle()
    drive.client_sends(POST + POST)
    await settle()
    assert drive.log.count("requestheaders") == 1
    await drive.says(HEAD + chunk(b"one[DONE]") + END)
    assert drive.log.count("requestheaders") == 2
    await drive.says(HEAD + chunk(b"two[DONE]") + END)
    first, _, second = drive.to_client.partition(b"one[DONE]")
    assert b"two" not in first
    assert b"two[DONE]" in second


# -- hooks that take their time ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("hook", ["requestheaders", "request", "responseheaders", "response"])
@in_virtual_time
async def test_a_hook_takes_its_time(hook: str) -> None:
    drive = OwnDrive(FakeAttempt(), hold={hook})
    await drive.asked()
    if hook.startswith("response"):
        await drive.says(HEAD + chunk(b"Hi[DONE]"))
        assert drive.links[drive.servers[0]].is_paused is (hook == "responseheaders"), "one that has said all may end"
    assert not drive.to_client.endswith(END)
    drive.complete()
    await settle()
    if not hook.startswith("response"):
        await drive.says(HEAD + chunk(b"Hi[DONE]") + END)
    assert drive.to_client.endswith(chunk(b"Hi[DONE]") + END)


@in_virtual_time
async def test_who_sends_a_big_request_before_the_end_of_its_answer_is_noted_waits() -> None:
    first, second = FakeAttempt(), FakeAttempt()
    first.streaming = second.streaming = False
    drive = OwnDrive(first, second, hold={"response"}, body_limit=1_000_000)
    await drive.asked()
    await drive.says(HEAD + chunk(b"Hi[DONE]") + END)
    body = b'{"x": "' + b"y" * 600_000 + b'"}'
    left = POST.replace(b"length: 2\r\n\r\n{}", b"length: %d\r\n\r\n" % len(body)) + body
    while drive.transport.is_reading() and left:
        drive.client_sends(left[:READ_BYTES])
        left = left[READ_BYTES:]
        await settle()
    assert len(left) > 300_000
    drive.complete()
    while left:
        await settle()
        assert drive.transport.is_reading()
        drive.client_sends(left[:READ_BYTES])
        left = left[READ_BYTES:]
    await settle()
    drive.hold = set()
    await drive.says(HEAD + chunk(b"Ho[DONE]") + END)
    assert drive.to_client.count(b"HTTP/1.1 200") == 2
    assert drive.transport.is_reading()


@pytest.mark.parametrize("how", ["leaves", "breaks", "abort"])
@pytest.mark.parametrize("hook", ["requestheaders", "request", "responseheaders", "response"])
@in_virtual_time
async def test_who_goes_while_a_hook_runs(hook: str, how: str) -> None:
    drive = OwnDrive(FakeAttempt(), hold={hook})
    await drive.asked()
    if hook.startswith("response"):
        await drive.says(HEAD + chunk(b"Hi[DONE]") + END)
    getattr(drive.transport, how)()
    await settle()
    if hook == "request":
        assert drive.port.left, "the exchange is told at once"
    drive.hold = set()
    drive.complete()
    await settle()
    assert drive.is_gone()
    assert drive.log.count("error") == (hook != "response")
    assert ("connect" in drive.log) is hook.startswith("response")


# -- time and ends ----------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_connection_on_which_nothing_happens_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mitmproxy.proxy.server")
    drive = OwnDrive(FakeAttempt(), hold={"request"})
    await drive.asked()
    drive.tick(601)
    await settle()
    assert not drive.transport.is_over, "a hook takes its time"
    drive.complete()
    await settle()
    drive.tick(599)
    await settle()
    assert not drive.transport.is_over
    drive.connection._idle.touched(drive.now)
    drive.now += 600
    drive.connection.tick(drive.connection._idle)
    await settle()
    assert drive.is_gone()
    assert "Closing connection due to inactivity" in caplog.text


@pytest.mark.parametrize("first", [b"\x16", b"\x16\x03", b"G"])
@in_virtual_time
async def test_few_bytes_and_then_an_end_are_no_request(first: bytes) -> None:
    drive = OwnDrive()
    await settle()
    drive.client_sends(first)
    await settle()
    drive.client_leaves()
    await settle()
    assert drive.is_gone()
    assert drive.log == []


@in_virtual_time
async def test_a_head_that_comes_byte_by_byte_is_no_tls() -> None:
    drive = OwnDrive(at_head=local())
    await settle()
    for at in range(len(GET)):
        drive.client_sends(GET[at : at + 1])
    await settle()
    assert drive.to_client.endswith(b"here")


# -- sockets ----------------------------------------------------------------------------------------------------------
class OwnConnections(House):
    """Real listener, real sockets, own connections."""

    def protocol(self, accepted: Accepted) -> Any:
        made = OwnConnection(
            OwnHouse(lambda: self.deps, partial(run_hook, self.master), self.life_deps, self.master.options), accepted
        )
        self.own = made
        return made


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_over_sockets_and_handed_off(tls: bool) -> None:
    async def work() -> None:
        async with OwnConnections() as house:
            reader, writer = await house.dial(tls=tls)
            for _ in range(2):
                writer.write(GET)
                assert (await reader.readuntil(b"by mitmproxy")).startswith(b"HTTP/1.1 200")
            assert len(house.watching.clients) == 1
            assert house.proxyserver.connections.keys() == {house.watching.clients[0].id}
            writer.close()
            await house.until(lambda: not house.proxyserver.connections and not len(house.limiter))
            assert [name for name, _ in house.watching.told] == ["connected", "disconnected"]
            await house.until(lambda: not len(house.sweeper))

    eagerly(work)


def test_a_client_that_is_not_let_in_over_a_socket() -> None:
    async def work() -> None:
        async with OwnConnections() as house:

            def refuses(client: Client) -> None:
                client.error = "no"

            house.watching.at_connect = refuses
            reader, writer = await house.dial()
            writer.write(GET)
            assert await reader.read() == b""
            await house.until(lambda: not house.proxyserver.connections and not len(house.limiter))
            assert not len(house.sweeper)

    eagerly(work)
