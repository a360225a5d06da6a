"""An attempt as the stream layer has it, without a connection."""

from mitmproxy import http

from tests.support.attempts import attempt_of
from tests.support.hostile import DONE, chunk


def test_each_piece_that_goes_out_is_noted_with_its_time_and_length() -> None:
    attempt = attempt_of()
    attempt.head(http.Response.make(200, b"", {"content-type": "text/event-stream"}))
    pieces = (chunk("a"), chunk("b") + chunk("c"), b": a comment, of which the client is sent nothing\n\n", DONE)
    out = [attempt.data(piece) for piece in pieces]
    deliveries = attempt.report.deliveries
    assert [length for _, length in deliveries] == [len(piece) for piece in out if piece]
    assert sum(length for _, length in deliveries) == len(attempt.delivered)
    assert [at for at, _ in deliveries] == sorted(at for at, _ in deliveries)
