"""A provider that says a secret back, in every way an answer has; and looking for secrets where none may stand."""

import base64
import gzip
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import brotli
import zstandard

from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.tokens import jwt
from tests.support.hostile import CHUNKED, DONE, END, Hostile, Program, chunk, framed, head, sends

PIECE = 12
FRESH = "a-cookie-that-was-never-seen-before-7"
"""Handed out by an answer and nowhere stored."""


# -- ways of saying it ------------------------------------------------------------------------------------------------
def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _units(text: str) -> str:
    """Every letter as a JSON escape."""
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def _percent(text: str) -> str:
    """Every byte as in a URL."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _named(said: str, *names: str) -> list[str]:
    """Header lines that all say it."""
    return [f"{name}: {urllib.parse.quote(said)}" for name in names]


def _whole(status: str, body: bytes, kind: str = "application/json", *lines: str) -> Program:
    return sends(head(f"content-length: {len(body)}", *lines, status=status, kind=kind) + body)


def _refused(status: str, said: str) -> Program:
    return _whole(status, _json({"error": {"message": said}}))


def _stream(*frames: bytes) -> Program:
    return sends(head(CHUNKED) + b"".join(map(framed, frames)) + END)


def _frame(value: object) -> bytes:
    return b"data: " + _json(value) + b"\n\n"


def _answer(said: str) -> bytes:
    return chunk(said) + chunk(finish="stop") + DONE


def _zipped(body: bytes, encoding: str, status: str, kind: str) -> Program:
    pack = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding]
    data = pack(body)
    return sends(head(f"content-length: {len(data)}", f"content-encoding: {encoding}", status=status, kind=kind) + data)


def _based(said: str, before: str) -> str:
    return base64.b64encode(f"{before}{said} and more".encode()).decode()


def _wired(said: str) -> bytes:
    """In a head: one line of bytes."""
    return said.encode()


type Way = Callable[[str], Program]
WAYS: Mapping[str, Way] = {
    "400 message": lambda s: _refused("400 Bad Request", f"Incorrect API key provided: {s}."),
    "401 message": lambda s: _refused("401 Unauthorized", f"Incorrect API key provided: {s}."),
    "403 message": lambda s: _refused("403 Forbidden", f"key {s} may not"),
    "429 message": lambda s: _refused("429 Too Many", f"Rate limit reached for {s}"),
    "500 text": lambda s: _whole("500 Oops", f"failed for {s}".encode(), "text/plain"),
    "502 page": lambda s: _whole("502 Bad", f"<html><title>no {s}</title>".encode(), "text/html"),
    "502 page, entities": lambda s: _whole("502 Bad", f"<html><title>{html.escape(s)}".encode(), "text/html"),
    "400 code": lambda s: _whole("400 Bad Request", _json({"error": {"message": "no", "code": s, "type": s}})),
    "400 param": lambda s: _whole("400 Bad Request", _json({"error": {"message": "no", "param": s}})),
    "200 error": lambda s: _whole("200 OK", _json({"error": {"message": f"bad key {s}", "code": 401}})),
    "error frame": lambda s: _stream(_frame({"error": {"message": f"bad key {s}"}})),
    "error frame in the middle": lambda s: _stream(chunk("word"), _frame({"error": {"message": f"bad key {s}"}})),
    "broken frame": lambda s: _stream(b"data: {" + s.encode() + b"\n\n"),
    "text": lambda s: _stream(_answer(f"your key is {s}")),
    "text, piece by piece": lambda s: _stream(*(chunk(s[at : at + 5]) for at in range(0, len(s), 5)), _answer("")),
    "text, whole": lambda s: _whole(
        "200 OK",
        _json({"choices": [{"index": 0, "message": {"role": "assistant", "content": s}, "finish_reason": "stop"}]}),
    ),
    "unknown field": lambda s: _stream(_frame({"choices": [{"index": 0, "delta": {s: s}}], s: s}) + _answer("word")),
    "unknown kind of frame": lambda s: _stream(_frame({"type": s}) + _answer("word")),
    "unknown end": lambda s: _stream(chunk("word") + chunk(finish=s) + DONE),
    "gzip": lambda s: _zipped(_answer(s), "gzip", "200 OK", "text/event-stream"),
    "gzip error": lambda s: _zipped(_json({"error": {"message": s}}), "gzip", "400 No", "application/json"),
    "br error": lambda s: _zipped(_json({"error": {"message": s}}), "br", "400 No", "application/json"),
    "zstd": lambda s: _zipped(_answer(s), "zstd", "200 OK", "text/event-stream"),
    "two packets": lambda s: _stream(*_halves(_answer(s))),
    "two packets, error": lambda s: sends(
        *_halves(head("connection: close", status="401 No") + s.encode()), then="close"
    ),
    "JSON escapes": lambda s: _whole("400 No", b'{"error":{"message":"key %s"}}' % _units(s).encode()),
    "JSON escapes in text": lambda s: _stream(
        b'data: {"id":"%s","choices":[]}\n\n' % _units(s).encode() + _answer("word")
    ),
    "JSON in JSON": lambda s: _refused("400 No", json.dumps({"raw": json.dumps({"key": s})})),
    "percent": lambda s: _refused("400 No", f"GET /v1?key={urllib.parse.quote(s, safe='')} failed"),
    "percent, all of it": lambda s: _refused("401 No", f"key {_percent(s)}"),
    "base64": lambda s: _refused("400 No", f"auth {_based(s, '')}"),
    "base64, second place": lambda s: _refused("400 No", f"auth {_based(s, 'a')}"),
    "base64, third place": lambda s: _stream(_answer(f"auth {_based(s, 'ab')}")),
    "base64 of links": lambda s: _refused("403 No", base64.urlsafe_b64encode(f"?>{s}?>".encode()).decode()),
    "hexadecimal": lambda s: _refused("400 No", f"key {s.encode().hex()}"),
    "the first half": lambda s: _refused("401 No", f"key {s[: max(PIECE, len(s) // 2)]}... is wrong"),
    "the second half": lambda s: _refused("500 No", f"key ...{s[-max(PIECE, len(s) // 2) :]} is wrong"),
    "reason": lambda s: sends(b"HTTP/1.1 503 no " + _wired(s) + b"\r\ncontent-length: 0\r\n\r\n"),
    "header": lambda s: sends(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-key: " + _wired(s) + b"\r\nx-bytes: "
        + base64.b64encode(s.encode()) + b"\r\n" + CHUNKED.encode() + b"\r\n\r\n" + framed(_answer("word")) + END
    ),
    "header name": lambda s: sends(
        head(f"{re.sub('[^A-Za-z0-9_-]', '-', s)}: 1", CHUNKED) + framed(_answer("word")) + END
    ),
    "cookie": lambda s: _whole(
        "401 No",
        _json({"detail": f"now you have {FRESH}"}),
        "application/json",
        f"set-cookie: sid={urllib.parse.quote(s)}; path=/",
        f"set-cookie: fresh={FRESH}",
    ),
    "redirect": lambda s: _whole("302 Found", b"", "text/html", f"location: https://{urllib.parse.quote(s)}.example/x"),
    "content type": lambda s: sends(
        b"HTTP/1.1 200 OK\r\ncontent-type: " + _wired(s) + b"\r\ncontent-length: 2\r\n\r\n{}"
    ),
    "encoding": lambda s: _whole("200 OK", b"x", "text/event-stream", f"content-encoding: {urllib.parse.quote(s)}"),
    "trailer": lambda s: sends(
        head(CHUNKED, "trailer: x-key") + framed(_answer("word")) + b"0\r\nx-key: " + _wired(s) + b"\r\n\r\n",
        then="close",
    ),
    "after the end": lambda s: sends(
        head(CHUNKED) + framed(_answer("word")) + END + b"EXTRA " + _wired(s), then="close"
    ),
    "unasked": lambda s: _later(
        head(f"content-length: {len(_answer('word'))}") + _answer("word"), b"EXTRA " + _wired(s)
    ),
    "chunk size": lambda s: sends(head(CHUNKED) + _wired(s) + b"\r\n", then="close"),
    "chunk size, later": lambda s: sends(head(CHUNKED) + framed(chunk("word")) + _wired(s) + b"\r\n", then="close"),
    "status line": lambda s: sends(b"HTTP/1.1 " + _wired(s) + b"\r\n\r\n", then="close"),
    "broken head": lambda s: sends(b"HTTP/1.1 200 OK\r\n" + _wired(s) + b" no colon\r\n\r\n", then="close"),
    "odd header": lambda s: sends(b"HTTP/1.1 200 OK\r\nx key " + _wired(s) + b": 1\r\n\r\n", then="close"),
    "no HTTP": lambda s: sends(_wired(s) + b"\r\n\r\n", then="close"),
    "tool call": lambda s: _stream(
        _frame({"choices": [{"index": 0, "delta": {"tool_calls": [
            {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"k": s})}}
        ]}}]}) + chunk(finish="tool_calls") + DONE
    ),
    "cut off": lambda s: sends(head("content-length: 9999") + chunk(s), then="close"),
    "200 error, cut off": lambda s: sends(
        head("content-length: 9999", kind="application/json"),
        _json({"error": {"message": f"bad key {s}", "code": 401}}),
        then="close",
    ),
    "error frame, cut off": lambda s: sends(
        head("content-length: 9999") + chunk("word"),
        _frame({"error": {"message": f"bad key {s}"}}).rstrip(),
        then="close",
    ),
    "page, cut off": lambda s: sends(
        head("content-length: 9999", kind="text/html") + f"<html><title>no {s}</title>".encode(), then="close"
    ),
    "param in the middle": lambda s: _stream(
        chunk("word"), _frame({"error": {"message": "no", "param": s, "code": 400, "type": s}})
    ),
    "SSE's own fields": lambda s: _stream(
        f": {s}\n\nid: {s}\nevent: {s}\nretry: {s}\n{s}: 1\n".encode() + _answer("word")
    ),
    "error event": lambda s: _stream(b"event: error\ndata: " + s.encode() + b"\n\n"),
    "UTF-16": lambda s: _whole("400 No", f"bad key {s}".encode("utf-16"), "text/plain; charset=utf-16"),
    "UTF-16 of JSON": lambda s: _whole("401 No", json.dumps({"error": {"message": s}}).encode("utf-16-be")),
    "UTF-16 of a stream": lambda s: _stream(_answer(s).decode().encode("utf-16-le")),
    "Latin-1": lambda s: _whole("400 No", f"bad key {s}".encode("latin-1"), "text/plain; charset=iso-8859-1"),
    "UTF-7": lambda s: _whole("400 No", f"bad key {s}".encode("utf-7"), "text/plain; charset=utf-7"),
    "EBCDIC": lambda s: _whole("400 No", f"bad key {s}".encode("cp037"), "text/plain; charset=cp037"),
    "EBCDIC, said in the page": lambda s: _whole(
        "200 OK", b"<meta charset=cp037>" + f"bad key {s}".encode("cp037"), "text/html"
    ),
    "GB 18030": lambda s: _whole("400 No", f"bad key {s}".encode("gb18030"), "text/html; charset=gbk"),
    "escapes of both kinds": lambda s: _whole(
        "400 No",
        b'{"error":{"message":"%s"}}' % "".join(_units(c) if n % 2 else _percent(c) for n, c in enumerate(s)).encode(),
    ),
    "entities in JSON": lambda s: _refused("400 No", "".join(f"&#x{ord(c):x};" for c in s)),
    "base64 of a Bearer": lambda s: _refused("401 No", base64.urlsafe_b64encode(f"Bearer {s}".encode()).decode()),
    "base64 of base64": lambda s: _refused("401 No", base64.b64encode(_based(s, "").encode()).decode()),
    "hexadecimal with colons": lambda s: _refused("400 No", s.encode().hex(":")),
    "an array of bytes": lambda s: _whole("400 No", _json({"error": {"message": str(list(s.encode()))}})),
    "bytes of a buffer": lambda s: _stream(
        _frame({"choices": [], "raw": {"type": "Buffer", "data": list(s.encode())}}) + _answer("word")
    ),
    "early hints": lambda s: sends(
        b"HTTP/1.1 103 Early Hints\r\nlink: <" + _wired(s) + b">\r\n\r\n" + head(CHUNKED),
        framed(_answer("word")) + END,
    ),
    "headers that are passed on": lambda s: _whole(
        "429 No",
        _json({"error": {"message": "slow down"}}),
        "application/json",
        *_named(s, "x-request-id", "retry-after", "x-ratelimit-remaining-tokens"),
        f"content-disposition: attachment; filename*=UTF-8''{urllib.parse.quote(s)}",
        f'www-authenticate: Bearer realm="{urllib.parse.quote(s)}"',
    ),
    "headers of an answer": lambda s: sends(
        head(
            CHUNKED, *_named(s, "x-request-id", "openai-organization", "x-ratelimit-limit-tokens"),
        ) + framed(_answer("word")) + END
    ),
    "cookie's name": lambda s: _whole(
        "200 OK",
        _answer("word"),
        "text/event-stream",
        f"set-cookie: {re.sub('[^A-Za-z0-9_.-]', '-', s)}=1; path=/{urllib.parse.quote(s)}",
    ),
    "gzip in gzip": lambda s: _zipped(gzip.compress(_answer(s)), "gzip", "200 OK", "text/event-stream"),
    "gzip in gzip, error": lambda s: _zipped(gzip.compress(s.encode()), "gzip", "400 No", "application/json"),
    "gzip unsaid": lambda s: _whole("400 No", gzip.compress(s.encode()), "application/octet-stream"),
    "zstd unsaid": lambda s: _whole("400 No", zstandard.ZstdCompressor().compress(s.encode() * 20), "text/plain"),
    "encodings in a row": lambda s: _whole(
        "400 No", gzip.compress(gzip.compress(s.encode())), "text/plain", "content-encoding: gzip, gzip"
    ),
    "ids of parts": lambda s: _stream(
        _frame({"id": s, "model": s, "system_fingerprint": s, "choices": [{"index": 0, "delta": {
            "role": s, "tool_calls": [{"index": 0, "id": s, "type": s, "function": {"name": s, "arguments": "{}"}}]
        }}]}) + chunk(finish="tool_calls") + DONE
    ),
    "a finish_reason of an error": lambda s: _stream(chunk("word") + chunk(finish=f"error: {s}") + DONE),
}  # fmt: skip


def _later(first: bytes, then: bytes) -> Program:
    """What comes once the answer is over and its connection waits for the next request."""

    async def program(wire: Wire) -> None:
        await wire.raw(first)
        await wire.pause(0.1)
        await wire.raw(then)
        wire.hang_up()

    return program


def _halves(data: bytes) -> tuple[bytes, bytes]:
    return data[: len(data) // 2], data[len(data) // 2 :]


# -- the provider -----------------------------------------------------------------------------------------------------
@dataclass
class Echo(Hostile):
    """Says `secrets` back: the prompt `NUMBER NAME` names one of WAYS by its place, and the secret."""

    name: str = "echo"
    secrets: dict[str, str] = field(default_factory=dict)
    refuses: int = 0
    """So many lists of models are refusals; else sessions are confirmed when the gateway asks."""
    lists: int = 0

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.method == "GET":
            await self._models(wire)
            return
        prompt = str((request.json() or {}).get("messages", [{}])[-1].get("content", ""))
        number, _, name = prompt.partition(" ")
        await list(WAYS.values())[int(number)](self.secrets[name])(wire)

    async def _models(self, wire: Wire) -> None:
        """A list that holds each secret as a model."""
        self.lists += 1
        said = " ".join(self.secrets.values())
        if self.lists <= self.refuses:
            await wire.respond(401, {"error": {"message": f"Incorrect API key provided: {said}"}})
            return
        names = [("echo-model", "echo"), ("other", said), *((name, "echo") for name in self.secrets.values())]
        await wire.respond(200, {"object": "list", "data": [{"id": name, "owned_by": by} for name, by in names]})


@dataclass
class EchoWeb(Site):
    """A site with sessions (its form is Z.AI's): renewals, new chats and refusals that say the token back."""

    name: str = "web"
    user: str = "7e1cf5a3-8a44-4b0e-9df0-1f6f6c0f3a52"
    said: str = ""
    """What it says back: set by the test once the session is made."""
    handed_out: list[str] = field(default_factory=list)
    chats: int = 0

    def token(self, **claims: object) -> str:
        return jwt({"id": self.user, "email": "ada.lovelace@analytical.example", **claims})

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.path.startswith("/api/v1/auths"):
            fresh = self.token(n=len(self.handed_out), exp=4_000_000_000)
            self.handed_out.append(fresh)
            # The new token stands where no pattern looks for one.
            await wire.respond(
                200, {"id": self.user, "token": fresh, "note": f"was {self.said}", "again": [fresh[:-8]]}
            )
        elif request.method == "DELETE":
            wire.hang_up()
        elif request.path.endswith("/chats/new"):
            await self._new_chat(wire)
        else:
            await wire.respond(401, {"detail": f"token {self.said} is not valid here"})

    async def _new_chat(self, wire: Wire) -> None:
        self.chats += 1
        headers = {"x-said": self.said, "set-cookie": f"fresh={FRESH}"}
        if self.chats % 2:
            await wire.respond(500, {"detail": f"no chat for {self.said}, {FRESH}"}, headers=headers)
        else:
            chat_id = re.sub("[^A-Za-z0-9_-]", "-", self.said)[:120]
            await wire.respond(200, {"id": chat_id, "for": self.said, "now": FRESH}, headers=headers)


# -- looking for it ---------------------------------------------------------------------------------------------------
def forms(secret: str) -> Iterator[bytes]:
    """What none of may stand anywhere: pieces, escapes, and what is the same in every base64 of the secret."""
    data = secret.encode()
    step = 4 if len(data) > 60 else 1
    for at in range(0, len(secret) - PIECE + 1, step):
        yield secret[at : at + PIECE].encode()
    yield urllib.parse.quote(secret, safe="").encode()
    yield _percent(secret).encode()
    yield _units(secret).encode()
    yield json.dumps(secret)[1:-1].encode()
    yield data.hex().encode()
    yield data.hex(":").encode()
    yield str(list(data)).encode()[1:-1]
    yield str(list(data)).replace(" ", "").encode()[1:-1]
    yield from (secret.encode(encoding) for encoding in ("utf-16-le", "utf-16-be", "latin-1", "gb18030"))
    yield gzip.compress(secret.encode())[10:-8]
    for before in (b"", b"a", b"ab"):
        core = base64.b64encode(before + data)[4:-4]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")


def found_in(blob: bytes, secrets: Mapping[str, str]) -> list[str]:
    """Which secrets stand in it, and as what."""
    return [f"{name}: {form!r}" for name, secret in secrets.items() for form in forms(secret) if form in blob]


def error_words(answer: str) -> str:
    """The error texts in an answer, whole or streamed; what a provider says in an answer of its own is its business."""
    words: list[str] = []
    for line in answer.splitlines():
        try:
            value: Any = json.loads(line.removeprefix("data: "))
        except ValueError:
            continue
        if isinstance(value, dict) and "error" in value:
            words.append(json.dumps(value["error"], ensure_ascii=False))
    return "\n".join(words)
