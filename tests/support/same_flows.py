"""Exchanges over sockets, sent to a gateway with each driver, and what is compared of them: answers, flows, hooks."""

import json
import os
import re
import socket
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tests.support import hook_witness
from tests.support.drivers import ENV_NAME
from tests.support.faulty import MODEL, PATIENT, provider
from tests.support.hostile import CHUNKED, DONE, END, STREAM, Hostile, Program, chunk, framed, head, sends
from tests.support.mitmweb import Web
from tests.support.processes import KEY, SandboxThread
from tests.support.raw_client import read_all

NAMES: Final = ("hostile", "second")


# -- what providers say, each in one packet ---------------------------------------------------------------------------
def _json(status: str, value: object) -> bytes:
    body = json.dumps(value).encode()
    return head(f"content-length: {len(body)}", status=status, kind="application/json") + body


def _tool_call() -> bytes:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":"it"}'}}
    choice = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}
    return b"data: " + json.dumps({"id": "c", "object": "x", "choices": [choice]}).encode() + b"\n\n"


_MESSAGE: Final = {"role": "assistant", "content": "Hello whole"}
WHOLE: Final = sends(
    _json("200 OK", {"id": "c", "object": "x", "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}]})
)
BROKEN: Final = sends(_json("500 Internal Server Error", {"error": {"message": "oh no"}}))
BEGUN: Final = sends(head(CHUNKED) + framed(chunk("Hello ")), then="silence")
PROGRAMS: Final[dict[str, Program]] = {
    "whole": WHOLE,
    "drop": WHOLE,
    "edit": WHOLE,
    "well": WHOLE,
    "tools": sends(head(CHUNKED) + framed(_tool_call() + chunk(finish="tool_calls") + DONE) + END),
    "limited": sends(_json("429 Too Many Requests", {"error": {"message": "slowly", "code": "rate_limit_exceeded"}})),
    "broken": BROKEN,
    "over": BROKEN,
    "leave": BEGUN,
    "kill": BEGUN,
    "cut": sends(head(CHUNKED) + framed(chunk("Hello ")), then="close"),
}


# -- what clients do --------------------------------------------------------------------------------------------------
def _body(prompt: str, stream: bool = True) -> bytes:
    fields = {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": f"{prompt} please"}]}
    return json.dumps(fields).encode()


def _request(
    body: bytes = b"",
    *fields: str,
    first: str = "POST /v1/chat/completions HTTP/1.1",
    key: str = KEY,
    length: int | None = None,
    close: bool = True,
) -> bytes:
    lines = [first, "host: 127.0.0.1:{port}", f"authorization: Bearer {key}", "content-type: application/json"]
    lines += [*fields, *(["connection: close"] if close else [])]
    if body or length is not None:
        lines.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _chat(prompt: str, *, stream: bool = True, close: bool = True) -> bytes:
    return _request(_body(prompt, stream), close=close)


@dataclass(frozen=True)
class Exchanges:
    """What one client connection does. `asks`: what it sends, and up to what it reads then; None: to the end."""

    name: str
    asks: tuple[tuple[bytes, bytes | None], ...]
    slowly: bool = False
    """Byte by byte."""


def _once(name: str, data: bytes) -> Exchanges:
    return Exchanges(name, ((data, None),))


EXCHANGES: Final = (
    _once("whole", _chat("whole", stream=False)),
    _once("stream", _chat("x")),
    _once("tools", _chat("tools")),
    _once("refused, 401", _request(_body("x"), key="sk-of-nobody-0123456789")),
    _once("refused, 404", _request(first="GET /v1/nothing HTTP/1.1")),
    _once("refused, 413", _request(b"{", length=40_000_000)),
    _once("refused, 400", _request(b"{no json")),
    _once("no HTTP", b"HELO\r\n\r\n"),
    _once("two lengths", _request(b"{}", "content-length: 5")),
    _once("an early answer", _request(b'{"model"', key="sk-of-nobody-0123456789", length=5000)),
    _once("a provider's error", _chat("broken")),
    _once("a provider's limit", _chat("limited", stream=False)),
    _once("an answer that breaks off", _chat("cut")),
    _once("fail-over", _chat("over")),
    Exchanges("a client that leaves", ((_chat("leave"), b"Hello "),)),
    Exchanges("a head that is left", ((_chat("x")[:50], b""),)),
    _once("killed in the middle", _chat("kill")),
    _once("killed while it is held", _chat("drop", stream=False)),
    _once("held, edited, let go", _chat("edit", stream=False)),
    _once("an addon that raises", _chat("raise")),
    _once("HEAD", _request(first="HEAD /v1/models HTTP/1.1")),
    _once("models", _request(first="GET /v1/models HTTP/1.1")),
    _once("HTTP/1.0", _request(_body("x"), first="POST /v1/chat/completions HTTP/1.0")),
    _once("HTTP/1.0, whole", _request(_body("whole", False), first="POST /v1/chat/completions HTTP/1.0", close=False)),
    _once("two at once", _chat("x", close=False) + _chat("whole", stream=False)),
    _once("refused, and one behind it", _request(first="GET /v1/nothing HTTP/1.1", close=False) + _chat("x")),
    Exchanges("one after the other", ((_chat("x", close=False), b"0\r\n\r\n"), (_chat("whole", stream=False), None))),
    _once("chunked", _request(b"", CHUNKED) + framed(_body("x")[:20]) + framed(_body("x")[20:]) + END),
    Exchanges(
        "100-continue",
        (
            (_request(b"", "expect: 100-continue", length=len(_body("x"))), b"100 Continue\r\n\r\n"),
            (_body("x"), None),
        ),
    ),
    Exchanges("byte by byte", ((_chat("x"), None),), slowly=True),
)


@dataclass
class Told:
    """What one gateway said and showed of each of the exchanges, without what is another thing each time."""

    answers: dict[str, str] = field(default_factory=dict)
    flows: dict[str, list[Any]] = field(default_factory=dict)
    hooks: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    """By what they are about: a flow, in their order, or connections."""
    drivers: set[str] = field(default_factory=set)
    """Whose the connections were."""


def _new_client(web: Web, ports: Container[int]) -> socket.socket:
    """A connection from none of the ports, which tell what belongs to whom: the system gives one again."""
    while True:
        client = socket.socket()
        client.settimeout(60)
        client.bind(("127.0.0.1", 0))
        if client.getsockname()[1] not in ports:
            client.connect(("127.0.0.1", web.port))
            return client
        client.close()


def _ask(web: Web, exchanges: Exchanges, ports: Container[int]) -> tuple[int, bytes]:
    """The client's port, and all that it read."""
    got = b""
    with _new_client(web, ports) as client:
        port = client.getsockname()[1]
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for data, marker in exchanges.asks:
            written = data.replace(b"{port}", b"%d" % web.port)
            size = 1 if exchanges.slowly else len(written)
            for at in range(0, len(written), size):
                client.sendall(written[at : at + size])
            if marker is None:
                return port, got + read_all(client)
            while marker not in got:
                more = client.recv(65536)
                assert more, (exchanges.name, got)
                got += more
    return port, got


def told_by(driver: str, folder: Path, thread: SandboxThread) -> Told:
    """All exchanges with a gateway of its own, one behind the other."""
    for name in NAMES:
        site: Hostile = thread.site(name)
        site.programs.update(PROGRAMS)
    thread.site("second").programs["over"] = sends(head(CHUNKED) + framed(STREAM) + END)
    urls, out = thread.description()["base_urls"], folder / "witnessed.json"
    quiet: Any = {"breaker": {"enabled": False}, "cooldown": {"enabled": False}, "retries": {"base_s": 0.01}}
    quiet["routing"] = {"max_attempts": 2}  # who is asked a third time is left to chance
    ports: dict[int, str] = {}
    told = Told()
    with patch.dict(os.environ, {ENV_NAME: driver, hook_witness.ENV_NAME: str(out)}):
        entries = {
            name: provider(f"{urls[name]}/v1", accounts=[{"name": "key", "priority": 1 + place}])
            for place, name in enumerate(NAMES)
        }
        web = Web(folder, providers=entries, timeouts=PATIENT, **quiet)
        for name in NAMES:
            web.vault.put(name, "key", thread.site(name).session())
        web.arguments = ("-s", str(Path(hook_witness.__file__)))
        with web:
            for exchanges in EXCHANGES:
                port, got = _ask(web, exchanges, ports)
                ports[port] = exchanges.name
                told.answers[exchanges.name] = plain(got.decode("latin-1"), web.port)
    seen = json.loads(out.read_text(encoding="utf-8"))
    told.drivers = {driver for port, driver in seen["drivers"].items() if int(port) in ports}
    for hook in seen["hooks"]:
        _put_hook(told, ports, hook)
    for flow in seen["flows"]:
        if name := ports.get(flow["client_conn"]["peername"][1], ""):
            told.flows.setdefault(name, []).append(still(flow, web.port))
    return told


def _put_hook(told: Told, ports: dict[int, str], hook: dict[str, Any]) -> None:
    name = ports.get(hook.pop("port"))
    if name is None:  # who asked whether it is ready
        return
    about = hook.pop("flow", "provider" if hook["hook"].startswith("server") else "client")
    by = told.hooks.setdefault(name, {})
    by.setdefault(about, []).append({key: still(value) for key, value in hook.items()})


# -- what is another thing each time ----------------------------------------------------------------------------------
_VOLATILE: Final = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"req_[0-9a-f]{6,}", "req_ID"),
        (r"chatcmpl-[0-9a-f]+", "chatcmpl-ID"),
        (r'"created": ?\d+', '"created":TIME'),
        (r"\b\d+(\.\d+)? ?m?s\b", "DURATION"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),  # made with a key of the gateway's own
    )
]


def plain(text: str, port: int = 0) -> str:
    """A text without ids, times and the gateway's port."""
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text.replace(f"127.0.0.1:{port}", "127.0.0.1:PORT")


def still(value: Any, port: int = 0, key: str = "") -> Any:
    """The same without what is another thing each time: of that, only whether it is there."""
    if key == "id":
        return "ID"
    if key.startswith("timestamp") or key.endswith("_ms"):
        return value is not None
    if key in ("peername", "sockname"):
        return value and value[0]
    if isinstance(value, float):
        return "SECONDS"
    if isinstance(value, dict):
        return {name: still(one, port, name) for name, one in value.items()}
    if isinstance(value, list):
        return [still(one, port) for one in value]
    return plain(value, port) if isinstance(value, str) else value
