"""A small HTTP proxy: CONNECT tunnels and absolute-form requests. It remembers what it was asked for."""

import contextlib
import socket
import threading
from typing import Self


class ForwardProxy:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(65536)
                if not data:
                    return
                head += data
            method, target = head.split(b" ", 2)[:2]
            self.asked.append(f"{method.decode()} {target.decode().partition('?')[0]}")
            if method == b"CONNECT":
                host, _, port = target.decode().rpartition(":")
                first = b""
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                host, _, port = target.decode().split("/")[2].rpartition(":")
                first = head
            with socket.create_connection((host, int(port))) as server:
                if first:
                    server.sendall(first)
                back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                back.start()
                self._pump(client, server)
                back.join()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
