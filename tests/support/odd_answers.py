"""Answers of providers as they should be and as they should not: parts put together, then a few bytes changed.

`judged_by_h11` is a second opinion on what came of one.
"""

from dataclasses import dataclass
from typing import Final

import h11
from hypothesis import strategies as st

SECOND: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nunasked"
"""An answer that nobody asked for."""

# Of each, the first is as it should be.
# fmt: off
_VERSIONS: Final = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"http/1.1", b"HTTP/2", b"HTTP/01.1"]
_STATUSES: Final = [
    b"200", b"204", b"304", b"429", b"503", b"302", b"101", b"100", b"199", b"999", b"+200", b"2_00", b"0100", b"0200",
    b"20", b"2000", b"-1", b"", b"2x0", b"\xb2\xb2\xb2",
]
_REASONS: Final = [b" OK", b"", b" ", b"  two  words", b" \xc3\xa9", b"\tOK", b" a\x00b", b" a\rb"]
_LENGTHS: Final = [b"%d", b" %d\t", b"0%d", b"+%d", b"%d, %d", b"%d %d", b"0x%x", b"%d\x0b", b"-%d", b"%d,"]
_CODINGS: Final = [
    b"chunked", b"Chunked", b" chunked ", b"gzip, chunked", b"chunked, chunked", b"gzip", b"identity", b"xchunked",
    b"chunked;q", b"\x0bchunked", b"chunked,", b"",
]
_OTHERS: Final = [
    b"content-type: text/plain", b"connection: close", b"Connection: Close", b"connection: keep-alive",
    b"connection: x, close", b"connection: ", b"connection: x,\r\n close", b"keep-alive: timeout=5", b"x-y: z", b"x:",
    b"x-t:\ty\t", b"x: a\x00b", b"x: a\rb", b"x: a\x0bb", b"x: a\r\n folded", b"x: a\r\n\tclose", b" x: y", b"x : y",
    b"no colon", b": y", b"content-length: 1", b"transfer-encoding: chunked", b"content-length : 1", b"x\x00: y",
    b"x: \xff\xfe", b"upgrade: x", b"set-cookie: a=b",
]
_INTERIMS: Final = [
    b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", b"HTTP/1.1 102\r\n\r\n",
    b"HTTP/1.1  100 Continue\r\n\r\n", b"HTTP/1.0 100 C\r\n\r\n", b"HTTP/1.1 100 C\r\ncontent-length: 5\r\n\r\n",
    b"HTTP/1.1 1 X\r\n\r\n", b"HTTP/1.1 1000 X\r\n\r\n", b"HTTP/1.1\t100 C\r\n\r\n", b"\r\n",
    b"HTTP/1.1 100 C\r\nno colon\r\n\r\n", b"HTTP/1.1 100 C\r\ntransfer-encoding: chunked\r\n\r\n",
]
_EXTENSIONS: Final = [b"", b";a=b", b" ", b"\t;x", b";", b";\x00", b'; "q\\""', b";a\rb", b" 5", b"\x0b"]
_SIZES: Final = [b"%x", b"%X", b"0%x", b"%x\n", b"+%x", b"0x%x", b"-%x", b"%x_", b"0000000000000000%x", b""]
_ENDS: Final = [b"\r\n", b"\n", b"", b"\rx", b"x\r\n"]
_TRAILERS: Final = [
    b"", b"x-t: 1\r\n", b"no field\r\n", b"HTTP/1.1 200 OK\r\n", b"content-length: 9\r\n", b" folded\r\n",
    b"x: a\x00\r\n", b"x: 1\r\ny: 2\n",
]
_LAST: Final = [b"0\r\n", b"0000\r\n", b"0;x\r\n", b"0", b"", b"0\n", b"00x\r\n"]
# fmt: on
_BYTES: Final = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\x00", b"0", b"1", b":", b";", b",", b"x", b"\x0b"]


class _Parts:
    """Draws parts of one answer, of which a few are odd."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.odd = draw(st.sampled_from([0, 0, 1, 1, 2, 6]))
        """Tenths of its parts."""

    def one(self, choices: list[bytes]) -> bytes:
        """The first of them is as it should be."""
        if self.draw(st.integers(0, 9)) >= self.odd:
            return choices[0]
        return self.draw(st.sampled_from(choices))

    def chunked_body(self) -> bytes:
        raw = b""
        for piece in self.draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
            size = self.one(_SIZES)
            said = size % len(piece) if b"%" in size else size
            raw += said + self.one(_EXTENSIONS) + self.one(_ENDS) + piece + self.one(_ENDS)
        return raw + self.one(_LAST) + self.one(_TRAILERS) + self.one(_ENDS)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """All that a provider sends."""
    parts = _Parts(draw)
    raw = b"".join(parts.one(_INTERIMS) for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))))
    fields = [parts.one(_OTHERS) for _ in range(draw(st.sampled_from([0, 1, 1, 3])))]
    body = draw(st.binary(max_size=30))
    match draw(st.sampled_from(["length", "length", "chunks", "chunks", "chunks", "until closed"])):
        case "length":
            said = parts.one(_LENGTHS)
            fields.append(b"content-length: " + said % ((len(body),) * said.count(b"%")))
        case "chunks":
            body = parts.chunked_body()
            fields.append(b"Transfer-Encoding:" + parts.one(_CODINGS))
    ends = draw(st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]))
    line = parts.one(_VERSIONS) + b" " + parts.one(_STATUSES) + parts.one(_REASONS)
    raw += ends.join([line, *draw(st.permutations(fields))]) + ends + ends + body
    raw += draw(st.sampled_from([b"", b"", b"", SECOND, b"\r\n", b"x"]))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.sampled_from([b"", *_BYTES])) + raw[at + draw(st.integers(0, 2)) :]
    return raw[: draw(st.one_of(*[st.just(len(raw))] * 4, st.integers(0, len(raw))))]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What h11 makes of an answer."""

    status: int
    body: bytes
    ended: bool
    again: bool
    """Another request could follow on the connection."""
    left: bytes
    """What stands behind the answer."""


def judged_by_h11(raw: bytes, *, closes: bool) -> Opinion:
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=1_000_000)
    conn.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
    conn.send(h11.EndOfMessage())
    status, body = 0, b""
    if raw:
        conn.receive_data(raw)
    try:
        while True:
            event = conn.next_event()
            if event is h11.NEED_DATA and closes:
                closes = False
                conn.receive_data(b"")
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                return Opinion(status, body, ended=False, again=False, left=b"")
    except h11.RemoteProtocolError:
        return Opinion(status, body, ended=False, again=False, left=b"")
    left = conn.trailing_data[0]
    again = conn.their_state is h11.DONE and conn.our_state is h11.DONE and not left
    return Opinion(status, body, ended=True, again=again, left=left)
