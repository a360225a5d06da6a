"""An official API over real sockets that takes uploads as a test says: whole, so far and no further, or not at all."""

import socket
import threading
from typing import Self

ANSWER = b'{"text":"Hello"}'
READ_BYTES = 256 * 1024


class Taken:
    """One connection: what came on it. `ended` is set when the other side has gone."""

    def __init__(self) -> None:
        self.head = b""
        self.size = 0
        self.end = b""
        """Of what came, the last bytes."""
        self.changed = threading.Condition()
        self.ended = threading.Event()

    @property
    def length(self) -> int:
        fields = dict(line.lower().split(b": ", 1) for line in self.head.split(b"\r\n")[1:] if b": " in line)
        return int(fields[b"content-length"])

    def add(self, data: bytes) -> None:
        with self.changed:
            self.size += len(data)
            self.end = (self.end + data[-1000:])[-1000:]
            self.changed.notify_all()

    def wait_for(self, size: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.size >= size, 60), f"{self.size} of {size} bytes came"


class TakingApi:
    """`stops_at`: so many bytes of a body it takes until `go` is set. `early`: what it answers then, and goes."""

    def __init__(self) -> None:
        self.stops_at: int | None = None
        self.go = threading.Event()
        self.early: bytes | None = None
        self.taken: list[Taken] = []
        self.came = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def next(self) -> Taken:
        """The next connection, once its head has come."""
        assert self.came.acquire(timeout=60)
        return self.taken[-1]

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.go.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer:
            taken = Taken()
            try:
                self._take(peer, taken)
            except OSError:
                pass
            finally:
                taken.ended.set()

    def _take(self, peer: socket.socket, taken: Taken) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := peer.recv(READ_BYTES)):
                return
            data += more
        taken.head, _, rest = data.partition(b"\r\n\r\n")
        self.taken.append(taken)
        self.came.release()
        taken.add(rest)
        while taken.size < taken.length:
            if self.stops_at is not None and taken.size >= self.stops_at:
                if self.early is not None:
                    peer.sendall(self.early)
                    return
                self.go.wait(60)
                self.stops_at = None
            if not (more := peer.recv(READ_BYTES)):
                return
            taken.add(more)
        peer.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER
        )
        peer.recv(1)
