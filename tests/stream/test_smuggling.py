"""What could be read in two ways is never read in another way than h11 reads it, and the same however it is cut."""

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from addons.stream.client_events import Data, End, Head
from addons.stream.connection_end import Closing
from tests.support.client_talk import Talk

type Requests = list[tuple[bytes, bytes, bytes]]
"""Method, target and body of each that was whole."""

NEXT = b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n"
LINES = [
    *(b"POST / HTTP/1.1", b"POST / HTTP/1.0", b"POST  / HTTP/1.1", b"POST\t/ HTTP/1.1", b"POST /\x0bHTTP/1.1"),
    *(
        b"POST /\x00 HTTP/1.1",
        b"POST /\xff HTTP/1.1",
        b"POST / HTTP/1.1 ",
        b" POST / HTTP/1.1",
        b"POST / HTTP/1.1\rx: y",
    ),
]
FIELDS = [
    *(b"content-length: 5", b"content-length: 0", b"content-length: 34", b"Content-Length:5", b"content-length: 5, 5"),
    *(
        b"content-length: +5",
        b"content-length: -5",
        b"content-length: 0x5",
        b"content-length: 1_0",
        b"content-length: 05",
    ),
    *(
        b"content-length : 5",
        b"content-length:",
        b"content-length\x00: 5",
        b"content-length: 5\x00",
        b"content-length\t: 5",
    ),
    *(b"transfer-encoding: chunked", b"transfer-encoding: CHUNKED", b"transfer-encoding : chunked"),
    *(b"transfer-encoding: gzip, chunked", b"transfer-encoding: chunked, chunked", b"transfer-encoding: identity"),
    *(b"transfer-encoding: chunked, identity", b"transfer-encoding: \x0bchunked", b"transfer-encoding: xchunked"),
    *(b"transfer-encoding:\r\n chunked", b"transfer-encoding: chunked\x00", b"transfer_encoding: chunked"),
    *(b"x: y\r\n folded", b"x: y\r\n content-length: 5", b" content-length: 5", b"x: y\rcontent-length: 5", b"x: \x00"),
    *(b"x: y\rtransfer-encoding: chunked", b"x", b": y", b"x: \x7f", b"x: \xff", b"expect: 100-continue"),
]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r"]
BODIES = [  # (white space before an extension, which RFC 9112 allows and h11 does not, is not here)
    *(b"hello", b"", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\n\r\n"),
    *(
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"0_5\r\nhello\r\n0\r\n\r\n",
    ),
    *(
        b"5\nhello\n0\n\n",
        b"5\rhello\r0\r\r",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5;\n\r\nhello\r\n0\r\n\r\n",
    ),
    *(
        b"5;a\x00\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"05\r\nhello\r\n00\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    ),
    *(b"0\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"0\r\ncontent-length: 34\r\n\r\n"),
    *(
        b"0\r\n folded\r\n\r\n",
        b"0\r\nx : y\r\n\r\n",
        b"0\r\n: y\r\n\r\n",
        b"0\r\nx: \x00\r\n\r\n",
        b"0\r\n\n",
        b"0\n\r\n",
    ),
    *(b"ffffffffffffffffffff5\r\nhello\r\n0\r\n\r\n", b"5\r\nhel", b"\r\n5\r\nhello\r\n0\r\n\r\n"),
]


def of_ours(*packets: bytes) -> tuple[Requests, bool]:
    """What we read, and whether something was refused."""
    talk = Talk()
    talk.sends(*packets)
    requests: Requests = []
    for event in talk.said:
        if isinstance(event, Head):
            head, body = event.request, b""
        elif isinstance(event, Data):
            body += event.data
        elif isinstance(event, End):
            requests.append((head.data.method, head.data.path, body))
    return requests, talk.closing() is not Closing.OPEN


def of_h11(raw: bytes) -> Requests:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(raw)
    requests: Requests = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                requests.append((request.method, request.target, body))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
            else:
                return requests
    except h11.ProtocolError:
        return requests


def assert_read_as_h11_does(raw: bytes) -> None:
    ours, theirs = of_ours(raw), of_h11(raw)
    assert ours[0] == theirs[: len(ours[0])]
    assert ours[1] or len(ours[0]) == len(theirs), "what is not read is refused"


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is odd in some places, and a plain one behind it."""
    line = draw(st.sampled_from([*[LINES[0]] * 10, *LINES]))
    fields = [b"host: x", *draw(st.lists(st.sampled_from([*FIELDS[:1] * 9, *[FIELDS[15]] * 9, *FIELDS]), max_size=3))]
    head = b"".join(part + draw(st.sampled_from([*[b"\r\n"] * 20, *ENDS])) for part in (line, *fields))
    return head + draw(st.sampled_from([*[b"\r\n"] * 9, *ENDS])) + draw(st.sampled_from(BODIES)) + NEXT


@given(requests(), st.data())
@example(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + NEXT, None)
def test_a_request_is_read_in_one_way(raw: bytes, data: st.DataObject | None) -> None:
    assert_read_as_h11_does(raw)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6))) if data else []
    packets = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert of_ours(*packets) == of_ours(raw)


@pytest.mark.parametrize("line", LINES)
def test_each_odd_first_line(line: bytes) -> None:
    assert_read_as_h11_does(line + b"\r\nhost: x\r\n\r\n" + NEXT)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("other", [b"x: y", FIELDS[0], b"transfer-encoding: chunked"])
@pytest.mark.parametrize("body", [b"hello", b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"])
def test_each_odd_field_beside_others(field: bytes, other: bytes, body: bytes) -> None:
    for pair in ((field, other), (other, field)):
        assert_read_as_h11_does(b"POST / HTTP/1.1\r\nhost: x\r\n" + b"\r\n".join(pair) + b"\r\n\r\n" + body + NEXT)


@pytest.mark.parametrize("body", BODIES)
def test_each_odd_body_in_chunks(body: bytes) -> None:
    assert_read_as_h11_does(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + body + NEXT)


def test_what_stands_behind_an_early_refusal_is_no_request() -> None:
    for head in (b"content-length: 5\r\ntransfer-encoding: chunked", b"transfer-encoding: identity"):
        assert of_ours(b"POST / HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n0\r\n\r\n" + NEXT) == ([], True)
