"""A request's way to its provider: Asks over a pool, what is told of them, and who holds it up."""

import pytest
from mitmproxy import http
from mitmproxy.connection import Client, Server

from addons.stream.commands import FINISH, LEAVE, Ask
from addons.stream.machine_events import FromProvider
from addons.stream.provider_side import ProviderSide
from addons.upstream.events import ENDED, Body, Connected
from addons.upstream.http1 import Told, UpstreamCall
from addons.upstream.port import Target
from addons.upstream.upload import Upload
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, chunk

TARGET = Target("127.0.0.1", 9000, tls=False)


class Call(UpstreamCall):
    """Notes what is done with it."""

    def __init__(self, target: Target, request: http.Request, client: Client, told: Told) -> None:
        super().__init__(target, request, client, told)
        self.done: list[str] = []

    def leave(self) -> None:
        self.done.append("leave")

    def finish(self) -> None:
        self.done.append("finish")

    def pause(self) -> None:
        self.done.append("pause")

    def resume(self) -> None:
        self.done.append("resume")


class Calls:
    """The Upstream."""

    def __init__(self) -> None:
        self.made: list[Call] = []

    def call(
        self, target: Target, request: http.Request, client: Client, told: Told, upload: Upload | None = None
    ) -> UpstreamCall:
        self.made.append(Call(target, request, client, told))
        return self.made[-1]


class House:
    def __init__(self, *, is_heard: bool = True) -> None:
        self.calls, self.heard = Calls(), list[FromProvider]()
        self.is_heard = is_heard
        client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=1.0)
        self.side = ProviderSide(self.calls, client, self._tell)

    def _tell(self, event: FromProvider) -> bool:
        self.heard.append(event)
        return self.is_heard

    def ask(self, number: int = 1) -> Call:
        request = http.Request.make("POST", "http://127.0.0.1/chat", b"{}")
        assert self.side.carry_out(Ask(number, TARGET, request, None)) is None
        return self.calls.made[-1]


def test_what_is_said_comes_with_the_number_of_its_ask() -> None:
    house = House()
    call = house.ask(3)
    call.told(call, (Body([b"x"]), ENDED))
    assert house.heard == [FromProvider(3, (Body([b"x"]), ENDED))]


def test_an_earlier_call_is_not_listened_to() -> None:
    house = House()
    first = house.ask(1)
    house.side.carry_out(LEAVE)
    house.ask(2)
    first.told(first, (ENDED,))
    assert house.heard == []


@pytest.mark.parametrize(("command", "done"), [(LEAVE, "leave"), (FINISH, "finish")])
def test_a_provider_is_left_or_finished_once(command: object, done: str) -> None:
    house = House()
    call = house.ask()
    for _ in range(2):
        house.side.carry_out(command)  # type: ignore[arg-type]
    call.told(call, (ENDED,))
    assert (call.done, house.heard) == ([done], [])


def test_a_provider_whose_machine_is_gone_is_left() -> None:
    house = House(is_heard=False)
    call = house.ask()
    call.told(call, (ENDED,))
    assert call.done == ["leave"]


def test_a_request_that_is_over_hears_nothing() -> None:
    house = House()
    call = house.ask()
    house.side.let_go()
    call.told(call, (ENDED,))
    assert house.heard == []


def test_it_is_read_again_when_nobody_holds_it_any_more() -> None:
    house = House()
    call = house.ask()
    house.side.hold()
    house.side.hold()
    house.side.go_on()
    assert call.done == ["pause"]
    house.side.go_on()
    assert call.done == ["pause", "resume"]


def test_what_is_asked_while_it_is_held_is_not_read() -> None:
    house = House()
    house.side.hold()
    call = house.ask()
    assert call.done == ["pause"]
    house.side.go_on()
    assert call.done == ["pause", "resume"]


def test_a_connection_that_stands_is_told_at_once() -> None:

    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    house = House()
    side = ProviderSide(drive.upstream, drive.client, house._tell)
    request = http.Request.make("POST", "http://127.0.0.1/chat", b"{}")
    told = side.carry_out(Ask(7, TARGET, request, None))
    assert told == FromProvider(7, (Connected(drive.servers[0]),))


def test_who_is_held_before_there_is_a_connection_is_paused_when_there_is() -> None:
    house = House()
    house.side.hold()
    house.side.carry_out(Ask(1, TARGET, http.Request.make("POST", "http://127.0.0.1/chat"), None))
    (call,) = house.calls.made
    call.done.clear()
    call.told(call, (Connected(Server(address=("127.0.0.1", 9000))),))
    assert call.done == ["pause"]
    house.side.go_on()
    assert call.done == ["pause", "resume"]
