"""A small packet that says a hundred times as much when it is unpacked: it is read a piece at a time."""

import gzip
import json

from mitmproxy import http

from addons.exchange.attempt import READ_BYTES
from addons.recordings.check import _attempt, _provider
from addons.recordings.recording import Asked, Recording
from addons.stream.port import State
from tests.support.hostile import DONE, chunk

ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
RECORDING = Recording(
    provider="openai_compatible",
    model="m",
    outcome="ok",
    client_request=json.dumps(ASKED),
    request=Asked(method="POST", url="https://recorded.invalid/v1/chat/completions", headers=(), body=""),
)


def test_what_a_packet_unpacks_to_is_read_in_pieces() -> None:
    said = chunk("a") + b"data: {}\n\n" * 50_000 + chunk("b") + chunk(finish="stop") + DONE
    packed = gzip.compress(said)
    assert len(packed) < 16 * 1024 < 20 * READ_BYTES < len(said)
    attempt = _attempt(RECORDING, _provider("openai_compatible"))
    attempt.head(http.Response.make(200, b"", {"content-type": "text/event-stream", "content-encoding": "gzip"}))
    out = attempt.data(packed)
    assert (out.count(b'"a"'), out.count(b'"b"'), attempt.behind) == (1, 0, True)
    reads = 0
    while attempt.behind:
        out += attempt.read_on()
        reads += 1
    assert reads == (len(said) - 1) // READ_BYTES
    assert (out.count(b'"b"'), attempt.state) == (1, State.DONE)


def test_each_piece_that_goes_out_is_noted_with_its_time_and_length() -> None:
    attempt = _attempt(RECORDING, _provider("openai_compatible"))
    attempt.head(http.Response.make(200, b"", {"content-type": "text/event-stream"}))
    pieces = (chunk("a"), chunk("b") + chunk("c"), b": a comment, of which the client is sent nothing\n\n", DONE)
    out = [attempt.data(piece) for piece in pieces]
    deliveries = attempt.report.deliveries
    assert [length for _, length in deliveries] == [len(piece) for piece in out if piece]
    assert sum(length for _, length in deliveries) == len(attempt.delivered)
    assert [at for at, _ in deliveries] == sorted(at for at, _ in deliveries)
