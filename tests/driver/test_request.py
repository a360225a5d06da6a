"""A request of an own connection: giving way, holding its client, and what is told when its course fails."""

import asyncio

import pytest

from addons.driver.request import OwnRequest
from addons.stream.commands import Abort, Hold, LookIfLeft, ReadPast
from tests.driver.own_drive import HEAD, OwnDrive, chunk
from tests.support.drive import FakeAttempt
from tests.support.http1 import END
from tests.support.machine_drive import PiecewiseAttempt
from tests.support.virtual_time import in_virtual_time, settle


@in_virtual_time
async def test_it_gives_way_between_the_pieces_of_what_takes_long() -> None:
    drive = OwnDrive(PiecewiseAttempt())
    await drive.asked()
    (link,) = drive.links.values()
    link.receiver.received(HEAD + chunk(b"a~b~c~d[DONE]") + END)
    seen = []
    for _ in range(12):
        seen.append(drive.to_client.partition(b"\r\n\r\n")[2])
        await asyncio.sleep(0)
    assert len(set(seen)) == 4, "others had a turn behind each piece"
    await settle()
    assert drive.to_client.endswith(chunk(b"d[DONE]") + END)


@in_virtual_time
async def test_behind_its_turn_its_provider_is_read_on() -> None:
    drive = OwnDrive(PiecewiseAttempt())
    await drive.asked()
    (link,) = drive.links.values()
    link.receiver.received(HEAD + chunk(b"a~b"))
    paused = [link.is_paused]
    await settle()
    assert [*paused, link.is_paused] == [True, False]


@pytest.mark.parametrize("how", ["leaves", "breaks", "abort"])
@in_virtual_time
async def test_who_goes_while_it_gives_way(how: str) -> None:
    attempt = PiecewiseAttempt()
    drive = OwnDrive(attempt)
    await drive.asked()
    (link,) = drive.links.values()
    link.receiver.received(HEAD + chunk(b"a~b~c~d"))
    assert link.is_paused
    getattr(drive.transport, how)()
    await settle()
    assert drive.is_gone()
    assert link.is_over
    assert attempt.read != [b"a", b"b", b"c", b"d"], "who has left is read no further"
    assert drive.log.count("error") == 1


@in_virtual_time
async def test_commands_about_its_client_reach_the_connection() -> None:
    drive = OwnDrive(FakeAttempt())
    await drive.asked()
    request, transport = drive.connection._request, drive.transport
    assert isinstance(request, OwnRequest)
    request._do([Hold(True)])
    assert not transport.is_reading()
    request._do([LookIfLeft()])
    assert not transport.is_over, "the client is there"
    request._do([Hold(False)])
    assert transport.is_reading()
    request._do([Hold(True)])
    request._do([ReadPast()])
    assert transport.is_reading()
    request._do([Abort()])
    assert transport.was_aborted
    await settle()
    assert drive.is_gone()


@in_virtual_time
async def test_a_held_client_that_has_left_is_found() -> None:
    drive = OwnDrive(FakeAttempt())
    await drive.asked()
    request = drive.connection._request
    assert isinstance(request, OwnRequest)
    request._do([Hold(True)])
    drive.client_leaves()
    await settle()
    assert not drive.transport.is_over, "nobody reads up to its end"
    request._do([LookIfLeft()])
    await settle()
    assert drive.transport.was_aborted
    assert drive.is_gone()


@in_virtual_time
async def test_its_machine_and_it_are_untied_when_it_is_over() -> None:
    drive = OwnDrive(FakeAttempt())
    await drive.asked()
    request = drive.connection._request
    assert isinstance(request, OwnRequest)
    assert request.client_id == drive.client.id
    assert request.deadline < float("inf")
    assert request.port is drive.port
    await drive.says(HEAD + chunk(b"Hi[DONE]") + END)
    assert request.is_over
    assert request not in drive.watch
    assert request.machine.port is None
    assert request.machine.attempt is None


@in_virtual_time
async def test_a_fault_while_a_fault_is_told_ends_it_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(FakeAttempt):
        def data(self, chunk: bytes) -> bytes:
            raise RuntimeError("a decoder's fault")

    drive = OwnDrive(Faulty())
    await drive.asked()

    def at_hook(hook: object) -> None:
        raise RuntimeError("a hook's fault")

    drive.at_hook = at_hook
    await drive.says(HEAD + chunk(b"Hi"))
    assert drive.is_gone()
    assert next(iter(drive.links.values())).is_over, "its provider is left"
    assert "a request that failed could not be told of" in caplog.text
