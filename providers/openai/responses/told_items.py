"""Items of a response as the events of a stream that tell of them: for clients that read nothing else of an item.

Some read texts and arguments from the pieces alone, some an item from its end alone: each is told as the API does it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.formats.jsontext import dumps, mapping, text
from providers.openai.responses.calls import CALLS

_ARGUMENTS: Final = {"function_call": "function_call_arguments", "custom_tool_call": "custom_tool_call_input"}


class Teller:
    """Writer of the events, numbered from `number` on."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def event(self, kind: str, members: Mapping[str, Any]) -> bytes:
        """An event. `members`: those of its object beside type and number."""
        return self.written(kind, dumps(members)[1:-1])

    def written(self, kind: str, members: bytes) -> bytes:
        """The same of members that are written already."""
        name, number = f"response.{kind}".encode(), self.number
        self.number += 1
        return b'event: %b\ndata: {"type":"%b",%b,"sequence_number":%d}\n\n' % (name, name, members, number)

    def item(self, index: int, item: Mapping[str, Any]) -> bytes:
        """All events of an item."""
        return b"".join((*self._beginning(index, item), self.done(index, item)))

    def done(self, index: int, item: Mapping[str, Any]) -> bytes:
        """The event of its end."""
        return self.event("output_item.done", {"output_index": index, "item": item})

    def _beginning(self, index: int, item: Mapping[str, Any]) -> Iterator[bytes]:
        kind, place = text(item.get("type")), {"item_id": text(item.get("id")), "output_index": index}
        begun = {name: value for name, value in item.items() if name != "status"}
        match kind:
            case "message":
                yield self._added(index, {**begun, "status": "in_progress", "content": []})
                for number, part in enumerate(_parts(item.get("content"))):
                    yield from self._part({**place, "content_index": number}, part)
            case "reasoning":
                yield self._added(index, {**begun, "summary": []})
                for number, part in enumerate(_parts(item.get("summary"))):
                    at = {**place, "summary_index": number}
                    yield self.event("reasoning_summary_part.added", {**at, "part": {**part, "text": ""}})
                    yield from self._text("reasoning_summary_text", at, "text", text(part.get("text")))
                    yield self.event("reasoning_summary_part.done", {**at, "part": part})
            case _ if kind in CALLS:
                yield self._added(index, {**begun, "status": "in_progress", CALLS[kind]: ""})
                yield from self._text(_ARGUMENTS[kind], place, CALLS[kind], text(item.get(CALLS[kind])))
            case _:
                yield self._added(index, item)

    def _added(self, index: int, item: Mapping[str, Any]) -> bytes:
        return self.event("output_item.added", {"output_index": index, "item": item})

    def _part(self, at: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[bytes]:
        """A part of a message: words, or a refusal."""
        name = "refusal" if part.get("type") == "refusal" else "text"
        yield self.event("content_part.added", {**at, "part": {**part, name: ""}})
        yield from self._text("refusal" if name == "refusal" else "output_text", at, name, text(part.get(name)))
        yield self.event("content_part.done", {**at, "part": part})

    def _text(self, kind: str, at: Mapping[str, Any], name: str, said: str) -> Iterator[bytes]:
        logprobs: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
        if said:
            yield self.event(f"{kind}.delta", {**at, "delta": said, **logprobs})
        yield self.event(f"{kind}.done", {**at, name: said, **logprobs})


def _parts(content: Any) -> list[dict[str, Any]]:
    return [mapping(part) for part in content] if isinstance(content, list) else []
