"""A provider that answers as fast as it can: everything it says is made beforehand. Run as a process.

    python -m benchmarks.compare.upstream PORT [--tls CERTIFICATE KEY]

What it answers is asked for in the prompt: `!b<pieces>` or `!b<pieces>-<ms between pieces>` (`!b50-20`). It speaks
the official forms (chat completions, Messages, Responses, each whole and streamed; /v1/models) and Z.AI's (chats made,
streamed). `GET /counts` tells how many connections and requests there were. That it is not what is measured shows in
the rates of those who ask it directly.
"""

import argparse
import asyncio
import json
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, cast

from benchmarks.compare.forms import messages_pieces, messages_whole, responses_pieces, responses_whole
from benchmarks.compare.framing import BODY_END, STREAM_HEAD, WORDS, chunk_of, head, whole

_ASKED: Final = re.compile(rb"!b(\d+)(?:-(\d+))?")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STREAMED: Final = re.compile(rb'"stream": ?true')
_PAGE: Final = b'<!doctype html><html><head><script src="/assets/prod-fe-1.1.98/index.js"></script></head></html>'


def _chunk(value: object) -> bytes:
    return chunk_of(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")


@lru_cache
def official_pieces(count: int) -> Sequence[bytes]:
    """A stream of the official form: head, role, `count` words, end; each is one write."""

    def piece(delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        about = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
        return _chunk({**about, "choices": [choice]})

    words = [piece({"content": WORDS[at % 2]}) for at in range(count)]
    return [
        STREAM_HEAD + piece({"role": "assistant", "content": ""}),
        *words,
        piece({}, "stop"),
        _chunk(b"[DONE]") + BODY_END,
    ]


@lru_cache
def zai_pieces(count: int) -> Sequence[bytes]:
    """As `official_pieces`, in Z.AI's frames."""

    def piece(**data: object) -> bytes:
        return _chunk({"type": "chat:completion", "data": data})

    words = [piece(delta_content=WORDS[at % 2], phase="answer") for at in range(count)]
    usage = {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": count + 5}
    return [
        STREAM_HEAD + piece(phase="other", usage=usage),
        *words,
        piece(phase="done", done=True),
        _chunk(b"[DONE]") + BODY_END,
    ]


@lru_cache
def official_whole(count: int) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": WORDS[0] * count}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": count + 5}
    about = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1, "model": "bench"}
    return whole({**about, "choices": [choice], "usage": usage})


_MODELS: Final = whole(
    {"object": "list", "data": [{"id": "bench", "object": "model", "created": 1, "owned_by": "bench"}]}
)
_NEW_CHAT: Final = whole({"id": "11111111-2222-4333-8444-555555555555"})
_NOT_FOUND: Final = head("application/json", 2, "404 Not Found") + b"{}"


_FORMS: Final[Mapping[bytes, tuple[Callable[[int], Sequence[bytes]], Callable[[int], bytes]]]] = {
    b"/completions": (official_pieces, official_whole),
    b"/messages": (messages_pieces, messages_whole),
    b"/responses": (responses_pieces, responses_whole),
}
"""By the end of the path: what makes a stream and a whole answer of so many words."""


class Counts:
    """What has come so far."""

    def __init__(self) -> None:
        self.connections = self.requests = 0


class Upstream(asyncio.Protocol):
    """One connection; requests come one behind the other."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._buffer = bytearray()
        self._pacing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._counts.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pacing is not None:
            self._pacing.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end + 2)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            request = bytes(self._buffer[:whole])
            del self._buffer[:whole]
            self._counts.requests += 1
            self._answer(request, end)

    def _answer(self, request: bytes, end: int) -> None:
        method, target = request[: request.find(b"\r\n")].split(b" ")[:2]
        path = target.partition(b"?")[0]
        asked = _ASKED.search(request, end)
        count, gap_ms = (int(asked[1]), int(asked[2] or 0)) if asked else (1, 0)
        if path.endswith(b"/chats/new"):
            self._transport.write(_NEW_CHAT)
        elif path.startswith(b"/api/") and path.endswith(b"/chat/completions"):
            self._play(zai_pieces(count), gap_ms)
        elif (made := next((made for name, made in _FORMS.items() if path.endswith(name)), None)) is not None:
            pieces, whole_answer = made
            if _STREAMED.search(request, end):
                self._play(pieces(count), gap_ms)
            else:
                self._transport.write(whole_answer(count))
        elif path.endswith(b"/models"):
            self._transport.write(_MODELS)
        elif path == b"/counts":
            self._transport.write(whole(vars(self._counts)))
        else:
            self._transport.write(whole(_PAGE) if method == b"GET" and path == b"/" else _NOT_FOUND)

    def _play(self, pieces: Sequence[bytes], gap_ms: int) -> None:
        if not gap_ms:
            for piece in pieces:
                self._transport.write(piece)
            return
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()

        def send(at: int) -> None:
            self._transport.write(pieces[at])
            if at + 1 < len(pieces):
                self._pacing = loop.call_at(began + (at + 1) * gap_ms / 1000, send, at + 1)

        send(0)


async def serve(port: int, tls: ssl.SSLContext | None) -> None:
    counts, loop = Counts(), asyncio.get_running_loop()
    made: Callable[[], Upstream] = lambda: Upstream(counts)  # noqa: E731
    server = await loop.create_server(made, "127.0.0.1", port, ssl=tls, backlog=4096)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options = parser.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    asyncio.run(serve(options.port, context))


if __name__ == "__main__":
    main()
