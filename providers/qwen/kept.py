"""An answer as Qwen keeps it: in the history of its chat, by its id or as the newest (2026-08 to 2026-10). Pure.

A message may have its text in `content`, or in parts by phase (`content_list`) beside an empty `content`. A part of
phase answer that is finished is whole; without such a status, two readings that are alike are taken for the end.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.contract.events import Event, Finish
from providers.formats.jsontext import dumps, loads, mapping, text
from providers.qwen.decoder import QwenDecoder


class KeptAnswer:
    """The readings of one answer."""

    def __init__(self) -> None:
        self._before = ""

    def read(
        self, body: bytes, response_id: str, asked_behind: str | None, decoder: QwenDecoder
    ) -> Sequence[Event] | None:
        """The events of the whole answer; None where it is not there, or not whole. Without an id it is the newest,
        unless that is the one that the request was `asked_behind`."""
        history = mapping(mapping(mapping(mapping(loads(body)).get("data")).get("chat")).get("history"))
        found = response_id or text(history.get("currentId"))
        message = mapping(mapping(history.get("messages")).get(found))
        if not found or found == asked_behind or message.get("role") != "assistant":
            return None
        words, is_whole = _answer(message)
        known, self._before = self._before, words
        if not words or not (is_whole or (is_whole is None and words == known)):
            return None
        delta = {"role": "assistant", "content": words, "phase": "answer", "status": "finished"}
        events = decoder.feed(b"data: %s\n\n" % dumps({"choices": [{"delta": delta}], "response_id": found}))
        return events if events and isinstance(events[-1], Finish) else None


def _answer(message: Mapping[str, Any]) -> tuple[str, bool | None]:
    """The text of an answer and whether that is all of it; None where the site does not say."""
    parts = message.get("content_list")
    answers = [one for one in map(mapping, parts if isinstance(parts, list) else ()) if one.get("phase") == "answer"]
    if answers:
        status = answers[-1].get("status")
        return "".join(text(one.get("content")) for one in answers), status == "finished" if status else None
    done = message.get("done")
    return text(message.get("content")), done if isinstance(done, bool) else None
