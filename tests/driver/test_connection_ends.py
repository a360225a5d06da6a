"""Ends of a client's own connection in every state, who does not read, and faults: nothing is left, others go on."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.proxy import commands

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
async def test_who_never_reads_the_end_of_an_answer_is_given_up() -> None:
    drive = OwnDrive(FakeAttempt())
    await drive.asked()
    drive.transport.reads = False
    await drive.says(HEAD + chunk(b"x" * 200_000 + b"[DONE]") + END)
    assert drive.log[-1] == "response"
    drive.tick(119)
    await settle()
    assert not drive.transport.is_over
    drive.tick(2)
    await settle()
    assert drive.transport.was_aborted
    assert drive.is_gone()


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
