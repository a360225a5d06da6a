"""The door, event by event: over HTTP/2."""

import logging

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
from mitmproxy.connection import ConnectionState

from addons.stream import client_end
from tests.support.door import DONE, KEY, refusal
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, chunk


class H2:
    """An h2 client on the drive."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        config = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
        self.speaking = h2.connection.H2Connection(config)
        self.speaking.initiate_connection()
        self.events: list[h2.events.Event] = []
        self._read = 0
        self.flush()

    def flush(self) -> None:
        self.drive.client_sends(self.speaking.data_to_send())
        new = self.drive.to_client[self._read :]
        self._read += len(new)
        self.events += self.speaking.receive_data(new)

    def ask(self, stream: int = 1, *more: tuple[str, str], method: str = "POST", end: bool = False) -> None:
        head = [(":method", method), (":scheme", "https"), (":path", f"/v1/models?key={KEY}"), (":authority", "x")]
        self.speaking.send_headers(stream, [*head, *more], end_stream=end)
        self.flush()

    def found[T: h2.events.Event](self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def statuses(self) -> list[bytes]:
        return [dict(event.headers)[b":status"] for event in self.found(h2.events.ResponseReceived)]


def test_h2_a_refused_head_is_answered_and_its_stream_reset() -> None:
    client = H2(Drive([], alpn=b"h2", at_head=refusal()))
    client.ask(1, ("authorization", f"Bearer {KEY}"))
    assert client.statuses == [b"401"]
    assert client.found(h2.events.StreamEnded)
    (reset,) = client.found(h2.events.StreamReset)
    assert reset.error_code == h2.errors.ErrorCodes.NO_ERROR
    client.ask(3, end=True)
    assert client.statuses == [b"401", b"401"], "the connection serves on"
    assert KEY not in str([flow.get_state() for flow in client.drive.flows])


def test_h2_every_answer_says_what_the_gateway_wants_said() -> None:
    origin = ("access-control-allow-origin", "https://app.example")
    refused = H2(Drive([], alpn=b"h2", at_head=refusal(), extra_headers=(origin,)))
    refused.ask(1, end=True)
    large = H2(Drive([FakeAttempt()], alpn=b"h2", extra_headers=(origin,)))
    large.ask(1, ("content-length", "5000"))
    many = H2(Drive([], alpn=b"h2", extra_headers=(origin,)))
    many.ask(1, *[(f"a{n}", "b") for n in range(101)], end=True)
    assert (refused.statuses, large.statuses, many.statuses) == ([b"401"], [b"413"], [b"431"])
    for client in (refused, large, many):
        (answer,) = client.found(h2.events.ResponseReceived)
        assert dict(answer.headers)[origin[0].encode()] == origin[1].encode()


def test_h2_a_head_of_many_fields_is_refused() -> None:
    client = H2(Drive([], alpn=b"h2", at_head=refusal()))
    client.ask(1, *[(f"a{n}", "b") for n in range(101)], end=True)
    assert client.statuses == [b"431"]
    assert client.drive.flows == []
    client.ask(3, *[(f"a{n}", "b") for n in range(100)], end=True)
    assert client.statuses == [b"431", b"401"]


def test_h2_a_malformed_head_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "hpack")  # as mitmproxy sets it
    for more in [("Upper", KEY), ("te", KEY), (":weird", KEY), ("connection", KEY), ("content-length", KEY)]:
        client = H2(Drive([], alpn=b"h2"))
        client.ask(1, more, end=True)
        assert client.drive.flows == []
        assert client.drive.client_closed() or client.statuses == [b"400"]
        assert KEY not in str(client.drive.logged) + caplog.text


def test_h2_trailers_are_dropped() -> None:
    drive = Drive([FakeAttempt()], alpn=b"h2")
    client = H2(drive)
    client.ask()
    client.speaking.send_data(1, b"{}")
    client.speaking.send_headers(1, [("authorization", KEY)], end_stream=True)
    client.flush()
    assert drive.flows[0].request.trailers is None
    drive.server_sends(OK + DONE + END)
    client.flush()
    assert client.statuses == [b"200"]


def test_h2_a_head_that_does_not_end_is_ended() -> None:
    for sends_on in (True, False):
        drive = Drive([], alpn=b"h2")
        client = H2(drive)
        frame = b"\x00\x40\x00" + b"\x01\x00" + b"\x00\x00\x00\x01" + b"\x00" * 0x4000
        drive.client_sends(frame)
        assert drive.client.state is ConnectionState.OPEN
        if sends_on:
            for _ in range(4):
                drive.client_sends(frame.replace(b"\x40\x00\x01", b"\x40\x00\x09", 1))
        else:
            drive.tick(31)
        assert drive.client in drive.closed
        assert drive.watch == set()
        client.flush()


@pytest.mark.parametrize("last", [b"", b"[DONE]", b"[LAST]"])
def test_h2_a_client_that_reads_nothing_is_given_up_whatever_the_answer_says_then(
    last: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_end, "H2_UNSENT_LIMIT_BYTES", 1000)
    drive = Drive([FakeAttempt()], alpn=b"h2")
    client = H2(drive)
    client.ask(end=True)
    drive.server_sends(OK + chunk(b"x" * 70_000 + last))
    client.flush()
    (reset,) = client.found(h2.events.StreamReset)
    assert reset.error_code == h2.errors.ErrorCodes.CANCEL
    assert (drive.log.count("error"), drive.log.count("response")) == (1, 0)
