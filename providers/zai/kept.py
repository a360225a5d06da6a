"""An answer as Z.AI keeps it: read back by its id, in blocks (chats of message_version 1, 2026-10). Pure.

The blocks are the same that a stream's frame may bring, so the stream's decoder reads them. That the site marks a
finished answer with `done` is a guess; without the mark, two readings that are alike are taken for the end.
"""

from collections.abc import Sequence
from typing import Any

from providers.contract.events import Event, Finish
from providers.formats.jsontext import dumps, loads, mapping
from providers.zai.decoder import ZaiDecoder


class KeptAnswer:
    """The readings of one answer."""

    def __init__(self, answer_id: str) -> None:
        self._id = answer_id
        self._before: Any = None

    def read(self, body: bytes, decoder: ZaiDecoder) -> Sequence[Event] | None:
        """The events of the whole answer; None where it is not there, or not whole."""
        message = mapping(mapping(mapping(loads(body)).get("data")).get(self._id))
        blocks = message.get("content_blocks") or message.get("blocks")
        known, self._before = self._before, blocks
        done = message.get("done")
        if not isinstance(blocks, list) or done is False or (done is not True and blocks != known):
            return None
        frames = {"phase": "answer", "content_blocks": blocks}, {"phase": "done", "done": True}
        stream = b"".join(b"data: %s\n\n" % dumps({"type": "chat:completion", "data": data}) for data in frames)
        events = decoder.feed(stream)
        return events if events and isinstance(events[-1], Finish) else None
