"""Reader of the JSON of an OpenAI-form stream, from event payloads that are not always one JSON value each.

Seen in real streams: `data: {…}data: {…}` on one line, `{…}{…}`, `{…}[DONE]`, a frame cut in two by a blank line, and a
truncated frame with the next one glued to it (zai-org/GLM-5#66, 2026-04). The first four are clear and are read; in the
last one words are lost, so it is an error.
"""

import json
from typing import Any, Final

from providers.formats.json_tally import holds_more
from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, past_blanks

DONE: Final = object()
"""The end mark `[DONE]` among the values."""

_MARK: Final = "[DONE]"
_PIECES_LIMIT: Final = 4
"""Into how many events a frame may be cut."""
_GLUED_LIMIT: Final = 4000
"""Values and marks that are read of one payload; a whole body of JSON lines is one."""
_KEEPALIVES: Final = frozenset({"ping", "pong", "heartbeat", "keep-alive", "keepalive", "null", "{}", "[]", '""'})
_DECODER: Final = json.JSONDecoder()


class BrokenFrame(ValueError):
    """The frame cannot be read: part of the answer is lost. `values` came whole after it."""

    def __init__(self, words: str, values: list[Any]) -> None:
        super().__init__("a frame of the stream is broken")
        self.words = words
        self.values = values


class Frames:
    """The reader: payloads in, JSON values out. Keeps the beginning of a frame that was cut in two."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def read(self, payload: bytes) -> list[Any]:
        """The values that `payload` completes, DONE among them. Raises BrokenFrame."""
        if payload == b"[DONE]":
            return self._clean([DONE])
        if holds_more(payload, EVENT_VALUES):
            self._break("", [])
        value = loads(payload)
        if value is not INVALID and not self._held:
            return [value]
        return self._odd(payload)

    def _odd(self, payload: bytes) -> list[Any]:
        if self._held:
            joined = b"".join((*self._held, payload))
            if holds_more(joined, EVENT_VALUES):
                self._break("", [])
            values, rest = glued(joined)
            if not rest:
                self._held = []
                return values
        values, rest = glued(payload)
        if not rest:
            return self._clean(values)
        if not values and rest[:64].strip().lower() in _KEEPALIVES and len(rest) < 64:
            return []
        if self._held and not values:
            self._held.append(payload)
            if len(self._held) > _PIECES_LIMIT:
                self._break("", [])
            return []
        if not rest.startswith(("{", "[")):
            self._break(rest, values)
        if self._held:
            self._break("", values)
        self._held = [rest.encode("utf-8", "surrogatepass") if values else payload]
        return values

    def _clean(self, values: list[Any]) -> list[Any]:
        """Whole values; whatever was held before them was never completed."""
        if self._held:
            self._break("", values)
        return values

    def _break(self, words: str, values: list[Any]) -> None:
        self._held = []
        raise BrokenFrame(words, values)


def glued(payload: bytes) -> tuple[list[Any], str]:
    """All whole JSON values and end marks of a payload, whatever parts them, and the text that is neither.

    Who asks has seen to it that the payload does not hold too many.
    """
    text = payload.decode("utf-8", "replace")
    values: list[Any] = []
    at = past_blanks(text, 0)
    for _ in range(_GLUED_LIMIT):
        if at >= len(text):
            break
        if text.startswith(_MARK, at):
            values.append(DONE)
            at += len(_MARK)
        elif text.startswith("data:", at):
            at += len("data:")
        else:
            try:
                value, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                break
            values.append(value)
        at = past_blanks(text, at)
    return values, text[at:]
