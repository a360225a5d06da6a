"""The stream layer, event by event: attempts one after another."""

import pytest
from mitmproxy.proxy.events import DataReceived
from mitmproxy.proxy.layer import Layer, NextLayer
from mitmproxy.proxy.layers.modes import HttpProxy, ReverseProxy

from addons.layers.client_tls import BoundedClientTLS
from addons.layers.events import ToStream
from addons.layers.layer import GatewayLayer, choose_layer, forked
from addons.stream.machine_events import FromProvider
from addons.stream.port import Fault
from addons.upstream import pool
from addons.upstream.events import Body, Ended
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, REFUSED, body_of, chunk, status_of


@pytest.mark.parametrize(
    "first_answer",
    [
        pytest.param(REFUSED, id="refused with a status"),
        pytest.param(OK + chunk(b"[FAIL]"), id="error inside a 200 stream"),
        pytest.param(b"HTTP/1.1 2oo nonsense\r\n\r\n", id="broken HTTP"),
    ],
)
def test_a_failure_before_the_commit_moves_on(first_answer: bytes) -> None:
    drive = Drive([FakeAttempt(9000), FakeAttempt(9001)])
    drive.post()
    drive.server_sends(first_answer, 0)
    assert drive.servers[1].address == ("127.0.0.1", 9001)
    drive.server_sends(OK + chunk(b"second [DONE]") + END, 1)
    assert status_of(drive.to_client) == 200
    assert body_of(drive.to_client) == chunk(b"second [DONE]") + END


def test_a_connection_closed_before_the_answer_moves_on() -> None:
    drive = Drive([FakeAttempt(9000), FakeAttempt(9001)])
    drive.post()
    drive.server_closes(0)
    assert drive.port.attempt is not None
    assert drive.port.attempt.target.port == 9001


def test_late_words_of_a_given_up_attempt_are_dropped() -> None:
    first, second = FakeAttempt(9000, first_token_s=10), FakeAttempt(9001)
    drive = Drive([first, second])
    drive.post()
    drive.server_sends(OK, 0)
    drive.tick(11)
    assert first.faults[0][0] is Fault.FIRST_TOKEN_TIMEOUT
    assert drive.servers[0] in drive.closed
    drive.server_sends(OK + chunk(b"right [DONE]") + END, 1)
    assert b"right" in drive.to_client


def test_connection_refused_ends_in_the_final_error_as_json() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt], connect_error="connection refused")
    drive.post()
    assert attempt.faults == [(Fault.CONNECT, "connection refused")]
    assert status_of(drive.to_client) == 502
    assert b"application/json" in drive.to_client


def test_tls_failure_is_told_apart() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt], connect_error="Certificate verify failed: self-signed certificate")
    drive.post()
    assert attempt.faults[0][0] is Fault.TLS


def test_the_final_error_after_a_refusal_leaves_the_providers_answer_in_the_flow() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(REFUSED)
    assert status_of(drive.to_client) == 502
    response = drive.flows[0].response
    assert response is not None
    assert response.status_code == 503
    assert response.data.content == b"busy"


def test_a_failure_after_the_commit_ends_with_the_last_words() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt(9001)])
    drive.post()
    drive.server_sends(OK + chunk(b"some "))
    drive.server_closes()
    assert drive.to_client.endswith(chunk(b"some ") + chunk(b"data: {last words}\n\n") + END)
    assert len(drive.servers) == 1


def test_smuggling_headers_of_a_provider_fail_the_attempt() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n")
    assert attempt.faults
    assert status_of(drive.to_client) == 502


def test_connection_is_used_again_when_the_body_ends_in_time() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    drive.server_sends(END)
    drive.tick(pool.DRAIN_S + 0.1)
    drive.post()
    assert len(drive.servers) == 1
    assert drive.servers[0] not in drive.closed


def test_next_request_does_not_wait_for_an_undrained_connection() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    drive.post()
    assert len(drive.servers) == 2
    assert drive.servers[0] not in drive.closed, "its body may still end"
    drive.server_sends(OK + chunk(b"y [DONE]") + END, 1)
    assert drive.to_client.count(b"HTTP/1.1 200") == 2


def test_an_answer_cut_short_closes_the_provider_connection_at_once() -> None:
    attempt = FakeAttempt()
    attempt.closes_early = True
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    assert drive.servers[0] in drive.closed
    assert drive.to_client.endswith(END)


def test_connect_timeout_gives_the_connection_up() -> None:
    attempt = FakeAttempt(connect_s=5)
    drive = Drive([attempt], hold={"connect"})
    drive.post()
    drive.tick(4.9)
    assert not attempt.faults
    drive.tick(0.2)
    assert attempt.faults[0][0] is Fault.CONNECT_TIMEOUT
    assert status_of(drive.to_client) == 502


def test_client_leaving_while_connecting_gives_the_connection_up() -> None:
    drive = Drive([FakeAttempt()], hold={"connect"})
    drive.post()
    drive.client_leaves()
    assert drive.servers[0] in drive.closed
    assert drive.to_server() == b""
    assert drive.log[-1] == "error"


# -- which layer a connection gets ------------------------------------------------------------------------------------
def next_layer(said: bytes, *layers: Layer) -> NextLayer:
    """What mitmproxy asks about a connection that begins with these bytes, inside of these layers."""
    drive = Drive([])
    context = drive.layer.context.fork()
    context.layers = list(layers)
    asked = NextLayer(context, ask_on_start=False)
    asked.events = [DataReceived(context.client, said)]
    return asked


def inside(kind: type[Layer]) -> Layer:
    made = object.__new__(kind)
    return made


@pytest.mark.parametrize(
    ("said", "kind"),
    [(b"GET / HTTP/1.1\r\n", GatewayLayer), (b"\x16\x03\x01\x00\x05", BoundedClientTLS), (b"", GatewayLayer)],
)
def test_plain_and_tls_clients_of_the_gateway_get_our_layers(said: bytes, kind: type[Layer]) -> None:
    asked = next_layer(said, inside(ReverseProxy))
    choose_layer(asked, Drive([]).deps)
    assert isinstance(asked.layer, kind)


def test_behind_tls_our_layer_follows() -> None:
    asked = next_layer(b"GET", inside(ReverseProxy), inside(BoundedClientTLS))
    choose_layer(asked, Drive([]).deps)
    assert isinstance(asked.layer, GatewayLayer)


def test_what_is_not_the_gateways_or_was_chosen_already_is_left_alone() -> None:
    other = next_layer(b"GET", inside(HttpProxy))
    choose_layer(other, Drive([]).deps)
    assert other.layer is None
    for layers in ((inside(ReverseProxy),), (inside(ReverseProxy), inside(BoundedClientTLS))):
        chosen = next_layer(b"GET", *layers)
        chosen.layer = before = inside(HttpProxy)
        choose_layer(chosen, Drive([]).deps)
        assert chosen.layer is before


# -- connections whose answer is complete -----------------------------------------------------------------------------
def test_a_connection_that_does_not_end_its_body_is_closed_a_moment_later() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"word [DONE]"))
    assert drive.to_client.endswith(END)
    assert drive.servers[0] not in drive.closed
    assert not drive.watch
    drive.tick(1.1)
    assert drive.servers[0] in drive.closed


def test_one_that_ended_its_body_in_time_stays() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"word [DONE]"))
    drive.server_sends(END)
    drive.tick(1.1)
    assert drive.servers[0] not in drive.closed


def test_a_late_word_of_an_attempt_that_was_given_up_is_not_heard() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt()])
    drive.post()
    stream = next(iter(drive.layer.streams.values()))
    drive.server_sends(REFUSED)
    late = FromProvider(1, (Body([b"late"]), Ended()))
    drive.feed(ToStream(stream, late, stream.provider))
    drive.server_sends(OK + chunk(b"word [DONE]") + END)
    assert b"late" not in drive.to_client
    assert drive.to_client.endswith(END)


def test_a_forked_context_is_mitmproxys() -> None:
    context = Drive([]).layer.context
    ours, theirs = forked(context), context.fork()
    assert type(ours) is type(theirs)
    assert vars(ours) == vars(theirs)
    assert ours.server is context.server
    assert ours.layers is not context.layers
