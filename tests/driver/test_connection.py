"""A client's own connection: pipelining, who does not read, who leaves, and what is left when it is over."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.proxy import commands

from addons.driver.connection import OwnConnection, OwnHouse
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


# -- ends in every state ----------------------------------------------------------------------------------------------
async def _nothing(drive: OwnDrive) -> None:
    await settle()


async def _head_begun(drive: OwnDrive) -> None:
    await settle()
    drive.client_sends(POST[:20])
    await settle()


async def _body_begun(drive: OwnDrive) -> None:
    await settle()
    drive.client_sends(POST[:-1])
    await settle()


async def _connecting(drive: OwnDrive) -> None:
    drive.hold = {"connect"}
    await drive.asked()


async def _answering(drive: OwnDrive) -> None:
    await drive.asked()
    await drive.says(HEAD + chunk(b"Hi"))


async def _lingering(drive: OwnDrive) -> None:
    await settle()
    drive.client_sends(b"no HTTP at all\r\n\r\n")
    await settle()
    assert drive.transport.is_half_closed


async def _not_reading(drive: OwnDrive) -> None:
    await drive.asked()
    drive.transport.reads = False
    await drive.says(HEAD + chunk(b"x" * 200_000))
    assert not drive.transport.is_reading()


STATES = (_nothing, _head_begun, _body_begun, _connecting, OwnDrive.asked, _answering, _lingering, _not_reading)


@pytest.mark.parametrize("how", ["leaves", "breaks", "abort"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@in_virtual_time
async def test_ends_in_every_state_leave_nothing(state: Callable[[OwnDrive], Any], how: str) -> None:
    drive = OwnDrive(FakeAttempt())
    await state(drive)
    begun = drive.log.count("requestheaders")
    getattr(drive.transport, how)()
    await settle()
    if state is _not_reading and how == "leaves":
        assert not drive.is_gone(), "of a client that is not read nobody hears that it left"
        drive.transport.catches_up()
        await settle()
    assert drive.is_gone()
    assert drive.log.count("error") == begun
    assert all(drive.links[server].is_over for server in drive.servers)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@in_virtual_time
async def test_the_gateway_stops_in_every_state(state: Callable[[OwnDrive], Any]) -> None:
    drive = OwnDrive(FakeAttempt())
    await state(drive)
    for watched in list(drive.watch):
        watched.ending = True
        drive.connection.tick(watched)
    await settle()
    assert drive.connection._request is None or state in (_body_begun, _not_reading)
    drive.connection.abort()
    await settle()
    assert drive.is_gone()


@in_virtual_time
async def test_a_late_word_of_a_provider_is_for_nobody() -> None:
    drive = OwnDrive(FakeAttempt())
    await _answering(drive)
    (link,) = drive.links.values()
    drive.connection.abort()
    link.receiver.received(chunk(b"late"))
    await settle()
    assert b"late" not in drive.to_client
    assert link.is_over
    assert drive.is_gone()


@in_virtual_time
async def test_a_connection_that_is_lost_before_its_client_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = asyncio.Event()
    told: list[str] = []

    async def slow(self: OwnDrive, hook: commands.StartHook) -> None:
        told.append(hook.name)
        await goes_on.wait()

    monkeypatch.setattr(OwnDrive, "_life_hook", slow)
    drive = OwnDrive(FakeAttempt())
    drive.client_sends(POST)
    drive.transport.breaks()
    await settle()
    assert told == ["client_connected"]
    goes_on.set()
    await settle()
    assert told == ["client_connected", "client_disconnected"]
    assert not drive.watch
    assert not drive.entry.is_listed
    assert drive.log == []


# -- who does not read ------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_client_that_does_not_read_holds_its_provider() -> None:
    drive = OwnDrive(FakeAttempt())
    await _not_reading(drive)
    (link,) = drive.links.values()
    paused = [link.is_paused]
    drive.transport.catches_up()
    await settle()
    assert [*paused, link.is_paused] == [True, False]
    assert drive.transport.is_reading()
    await drive.says(chunk(b"[DONE]") + END)
    assert drive.to_client.endswith(END)


@in_virtual_time
async def test_a_second_request_is_not_begun_while_the_first_answer_is_not_read() -> None:
    drive = OwnDrive(FakeAttempt(), FakeAttempt(port=9001))
    await settle()
    drive.client_sends(POST + POST)
    await settle()
    drive.transport.reads = False
    await drive.says(HEAD + chunk(b"x" * 200_000 + b"[DONE]") + END)
    (first,) = drive.links.values()
    assert not first.is_paused, "it has said all, and serves others"
    assert drive.log.count("requestheaders") == 1
    drive.transport.catches_up()
    await settle()
    assert drive.log.count("requestheaders") == 2
    await drive.says(HEAD + chunk(b"two[DONE]") + END)
    assert drive.to_client.endswith(chunk(b"two[DONE]") + END)


@in_virtual_time
async def test_a_provider_that_is_reached_while_its_client_does_not_read_is_held() -> None:
    drive = OwnDrive(FakeAttempt())
    await _connecting(drive)
    drive.connection.pause_writing()
    drive.hold = set()
    drive.complete()
    await settle()
    (link,) = drive.links.values()
    paused = [link.is_paused]
    drive.connection.resume_writing()
    assert [*paused, link.is_paused] == [True, False]


# -- faults -----------------------------------------------------------------------------------------------------------
async def _at_once() -> None:
    raise RuntimeError("a hook's fault")


async def _later() -> None:
    await asyncio.sleep(1)
    raise RuntimeError("a hook's fault")


@pytest.mark.parametrize("fails", [_at_once, _later], ids=["at once", "later"])
@pytest.mark.parametrize("name", ["requestheaders", "request", "responseheaders", "response"])
@in_virtual_time
async def test_a_hook_that_fails_ends_its_connection_alone(
    name: str, fails: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    drive, other = OwnDrive(FakeAttempt()), OwnDrive(FakeAttempt())
    run = drive.hooked

    async def hooked(hook: commands.StartHook) -> bool:
        if hook.name == name:
            await fails()
        return await run(hook)

    drive.hooked = hooked  # type: ignore[method-assign]
    await other.asked()
    await drive.asked()
    if name.startswith("response"):
        await drive.says(HEAD + chunk(b"Hi[DONE]"))
    await asyncio.sleep(2)
    assert drive.transport.was_aborted
    assert drive.is_gone()
    assert drive.log[-1] == "error"
    over = all(drive.links[server].is_over for server in drive.servers)
    assert over is (name != "response"), "a provider that has said all may end its answer"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "the others go on" in caplog.text
    await other.says(HEAD + chunk(b"Hi[DONE]") + END)
    assert other.to_client.endswith(END)


@in_virtual_time
async def test_a_fault_of_the_machine_ends_its_connection_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(FakeAttempt):
        def data(self, chunk: bytes) -> bytes:
            raise RuntimeError("a decoder's fault")

    drive = OwnDrive(Faulty())
    await drive.asked()
    await drive.says(HEAD + chunk(b"Hi"))
    assert drive.transport.was_aborted
    assert drive.is_gone()
    assert all(drive.links[server].is_over for server in drive.servers)
    assert "a connection failed; it is ended, the others go on" in caplog.text


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
