"""TLS with a client: mitmproxy's, behind a reader of the ClientHello that is bounded and looks at no byte twice.

mitmproxy keeps whatever comes until the hello is whole, and reads it from its beginning with every packet.
"""

from typing import Final

from mitmproxy.proxy import layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer

HELLO_BYTES: Final = 16 * 1024
"""For the ClientHello with all its extensions; browsers send some 2 KB."""
HELLO_RECORDS: Final = 32
"""Records (RFC 8446, 5.1) it may be spread over; everybody sends one."""
_RECORD_HEAD: Final = 5
_MESSAGE_HEAD: Final = 4
_BAD_HELLO: Final = "Cannot parse ClientHello"
"""How mitmproxy begins; behind that it repeats what was sent."""


class HelloRefused(Exception):
    """What a client sent is no ClientHello, or is too large for one."""


class HelloReader:
    """Reader of a ClientHello: `feed` what a client sends, cut anywhere, until the hello is whole."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._at = 0
        """Where the next record begins."""
        self._records = 0
        self._message = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """All that was fed, once the hello is whole; None before. Raises HelloRefused."""
        self._data += data
        while (record := self._next_record()) is not None:
            self._message += record
            if len(self._message) < _MESSAGE_HEAD:
                continue
            size = _MESSAGE_HEAD + int.from_bytes(self._message[1:_MESSAGE_HEAD])
            if size > HELLO_BYTES:
                raise HelloRefused
            if len(self._message) >= size:
                return bytes(self._data)
        return None

    def _next_record(self) -> bytearray | None:
        head = self._data[self._at : self._at + _RECORD_HEAD]
        if len(head) < _RECORD_HEAD:
            return None
        size = int.from_bytes(head[3:])
        if head[:2] != b"\x16\x03" or not 0 < size <= HELLO_BYTES or self._records == HELLO_RECORDS:
            raise HelloRefused
        end = self._at + _RECORD_HEAD + size
        if len(self._data) < end:
            return None
        record = self._data[self._at + _RECORD_HEAD : end]
        self._at = end
        self._records += 1
        return record


class BoundedClientTLS(ClientTLSLayer):
    """mitmproxy's client TLS layer with a bounded reader of the hello. The handshake's time limit is the acceptor's."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._hello = HelloReader()

    def receive_handshake_data(self, data: bytes) -> layer.CommandGenerator[tuple[bool, str | None]]:
        if not self.client_hello_parsed:
            try:
                whole = self._hello.feed(data)
            except HelloRefused:
                return False, _BAD_HELLO
            if whole is None:
                return False, None
            data = whole
        done, error = yield from super().receive_handshake_data(data)
        return done, _BAD_HELLO if error and error.startswith(_BAD_HELLO) else error
