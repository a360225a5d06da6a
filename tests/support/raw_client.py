"""A client that speaks to the gateway by bytes of its own."""

import json
import socket

from tests.support.faulty import MODEL
from tests.support.processes import Gateway


def request_bytes(gateway: Gateway, prompt: str, model: str = MODEL) -> bytes:
    fields = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    body = json.dumps(fields).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", f"host: 127.0.0.1:{gateway.port}", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", f"authorization: {gateway.headers['authorization']}", "", ""]
    return "\r\n".join(lines).encode() + body


def connected(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=60)


def read_all(client: socket.socket) -> bytes:
    """What comes until the gateway hangs up."""
    return b"".join(iter(lambda: client.recv(65536), b""))
