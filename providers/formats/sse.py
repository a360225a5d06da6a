"""An incremental reader of server-sent events, shared by every provider.

It follows the WHATWG event-stream format (byte order mark, CR / LF / CRLF, comments, several data lines an event) and
gives the data of each event as bytes; event names, ids and retry fields are of no use to a provider and are dropped,
but for the one name that says what no data does: `error`. Bytes in, payloads out: the same payloads however the bytes
were cut.
"""

import re
from itertools import groupby
from typing import Final

EVENT_LIMIT_BYTES: Final = 4 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_FIELDS: Final = frozenset({b"", b"data", b"event", b"id", b"retry", b"error"})
_ERROR: Final = b"error"
_STRAY_STARTS: Final = (b"{", b"[", b"<")
LINES_LIMIT: Final = 10_000
"""Lines of one event."""
_NO_EVENT: Final = b":\n"
"""What comments and blank lines begin with."""
_NOTHING: Final = re.compile(rb"(?::[^\n]*+\n|\n)*+")
"""Whole comments and line ends before an event."""


class SseLimit(ValueError):
    """An event grew beyond a limit; the stream cannot be read on. `payloads` are the events before it."""

    def __init__(self, limit: int, payloads: list[bytes], unit: str = "bytes") -> None:
        super().__init__(f"an event of the stream is larger than {limit} {unit}")
        self.payloads = payloads


class ErrorData(bytes):
    """The data of an event called `error`, or of a field of that name (llama.cpp): whatever it holds, even nothing, it
    is no part of an answer."""

    __slots__ = ()


class SseReader:
    """Reader of one event stream: `feed` bytes, get the data of the events completed by them.

    With `bare_json`, a line that starts with `{` outside any field counts as data of its own: some sites drop a plain
    JSON error line into the stream.

    With `strays`, lines that are no field of an event count so too, as far as they follow each other: a site may answer
    with JSON of many lines, or with a web page, and call it a stream.
    """

    def __init__(self, *, limit_bytes: int = EVENT_LIMIT_BYTES, bare_json: bool = False, strays: bool = False) -> None:
        self._limit_bytes = limit_bytes
        self._bare_json = bare_json
        self._strays = strays
        self._buffer = bytearray()
        self._scanned = 0
        self._at_start = True
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads completed by `data`. Raises SseLimit when an event is larger than the limit."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._buffer += data
        if self._at_start and not self._skip_bom():
            return []
        payloads = self._complete_events()
        if len(self._buffer) > self._limit_bytes + 1:  # one more: the first line end of the blank line
            raise SseLimit(self._limit_bytes, payloads)
        return payloads

    def flush(self) -> list[bytes]:
        """The data of an event whose closing blank line never came, at the end of the stream."""
        block = bytes(self._buffer)
        self._buffer.clear()
        if block.count(b"\n") > LINES_LIMIT:  # what is beyond is lost, the end mark with it
            block = b"\n".join(block.split(b"\n", LINES_LIMIT)[:LINES_LIMIT])
        self._scanned = 0
        return self._payloads(block)

    def _skip_bom(self) -> bool:
        """False while the first bytes may still turn out to be a byte order mark."""
        if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
            return False
        self._at_start = False
        if self._buffer.startswith(_BOM):
            del self._buffer[: len(_BOM)]
        return True

    def _complete_events(self) -> list[bytes]:
        buffer = self._buffer
        payloads: list[bytes] = []
        half_comment = buffer.startswith(b":") and buffer.find(b"\n", self._scanned) < 0
        begin = 0 if half_comment else self._past_nothing(0)
        while (end := buffer.find(b"\n\n", max(begin, self._scanned))) >= 0:
            if end - begin > self._limit_bytes:
                raise SseLimit(self._limit_bytes, payloads)
            block = bytes(buffer[begin:end])
            if b"\n" in block or not block.startswith(b"data:"):
                if block.count(b"\n") > LINES_LIMIT:
                    raise SseLimit(LINES_LIMIT, payloads, "lines")
                payloads += self._payloads(block)
            elif payload := block[6:] if block.startswith(b"data: ") else block[5:]:  # nearly all are one such line
                payloads.append(payload)
            begin = end + 2
            if begin < len(buffer) and buffer[begin] in _NO_EVENT:
                begin = self._past_nothing(begin)
            self._scanned = 0
        if begin:
            del buffer[:begin]
        self._scanned = max(len(buffer) - 1, 0)
        return payloads

    def _past_nothing(self, begin: int) -> int:
        """The index where the next event may begin; a stream of nothing but line ends and comments must cost
        nothing."""
        found = _NOTHING.match(self._buffer, begin)
        return found.end() if found else begin

    def _payloads(self, block: bytes) -> list[bytes]:
        """The data of one event block; more than one only when bare JSON lines stand in it."""
        block = block.lstrip(b"\n")
        if self._strays:
            return _with_strays(block.split(b"\n"))
        fields: list[bytes] = []
        bare: list[bytes] = []
        for line in block.split(b"\n"):
            (bare if self._bare_json and line.startswith(b"{") else fields).append(line)
        return _payload_of(fields) + bare


def _payload_of(lines: list[bytes]) -> list[bytes]:
    """The data in an event's lines, in a list; none where there is none."""
    data: list[bytes] = []
    failed = False
    for line in lines:
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            failed = failed or value.strip().lower() == _ERROR
        elif name == _ERROR:
            data.append(value.removeprefix(b" "))
            failed = True
    payload = b"\n".join(data)
    if failed:
        return [ErrorData(payload)]
    return [payload] if payload else []


def _with_strays(lines: list[bytes]) -> list[bytes]:
    """The data of an event's lines, and the runs of lines between its fields that look like JSON or a page."""
    fields: list[bytes] = []
    runs: list[bytes] = []
    for is_field, run in groupby(lines, _is_field):
        if is_field:
            fields += run
        elif (stray := b"\n".join(run)).lstrip().startswith(_STRAY_STARTS):
            runs.append(stray)
    payloads = _payload_of(fields)
    return payloads + runs if _is_field(lines[0]) else runs + payloads


def _is_field(line: bytes) -> bool:
    return line.partition(b":")[0] in _FIELDS
