"""Answers that say whose they are, in each form that HTTP/1.1 allows for: with a length, in chunks, until the end."""

import itertools
import json
from dataclasses import dataclass
from random import Random

from tests.support.hostile import DONE, chunk, framed


def words(number: int) -> str:
    return f"<{number}>" * (1 + number % 7)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider sends for a request with an id."""

    data: bytes
    body: bytes
    """What a reader of HTTP makes of its body."""
    lasts_until_closed: bool
    asks_to_close: bool

    @property
    def may_serve_on(self) -> bool:
        return not (self.lasts_until_closed or self.asks_to_close)


def answer(number: int, random: Random, *, stream: bool, ends_at: int = 0) -> Answer:
    """An answer for the id, of a form by chance. `ends_at`: its size is a multiple of that."""
    fields, version, until_closed, closes = [b"content-type: application/json"], b"1.1", False, False
    if stream:
        fields = [b"content-type: text/event-stream"]
        pieces = [chunk(f"<{number}>") for _ in range(1 + number % 7)] + [chunk(finish="stop"), DONE]
    else:
        message = {"role": "assistant", "content": words(number)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        pieces = [json.dumps({"id": "c", "object": "chat.completion", "choices": [choice]}).encode()]
    match random.randrange(8):
        case 0:
            fields.append(b"connection: close")
            closes = True
        case 1:
            fields.append(b"keep-alive: timeout=0")
        case 2:
            version, until_closed = b"1.0", True
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" if random.random() < 0.1 else b""
    sent = body = b"".join(pieces)
    if stream and not until_closed:
        fields.append(b"transfer-encoding: chunked")
        trailer = random.choice([b"", b"x-t: 1\r\n"])
        sent = b"".join(framed(piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"
    elif not until_closed:
        fields.append(b"content-length: %d" % len(body))
    head = b"HTTP/%s 200 OK\r\n%s\r\n" % (version, b"\r\n".join(fields))
    if ends_at:
        size = len(interim) + len(head) + len(b"\r\n") + len(sent)
        head += b"x: %s\r\n" % (b"y" * (-(size + len("x: \r\n")) % ends_at))
    return Answer(interim + head + b"\r\n" + sent, body, until_closed, closes)


def cut_at_random(data: bytes, random: Random, most: int = 4) -> list[bytes]:
    """The same bytes in up to `most` + 1 pieces, none of them empty."""
    cuts = sorted({random.randrange(len(data) + 1) for _ in range(random.randrange(most + 1))} | {0, len(data)})
    return [data[begin:end] for begin, end in itertools.pairwise(cuts)]
