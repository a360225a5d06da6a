"""Reader of the events of a response, and of the items it is made of, to the events of a chat.

An item is told in pieces, then once more whole, and a third time in the last event. What the pieces told is not told
again; what they left out is.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
)
from providers.formats.jsontext import mapping, text, whole
from providers.official.codes import Codes
from providers.official.reasons import CUT_CALL
from providers.openai.citations import from_annotations
from providers.openai.responses.calls import CALLS, CallReader, argument_of
from providers.openai.responses.ends import end_of, usage_in

PARTS_LIMIT: Final = 5000
"""Items, parts of items and sources of one answer; each is remembered, or becomes an event."""
_UNKNOWN_LIMIT: Final = 64
_NAME_CHARS: Final = 80
_SILENT: Final = (
    "response.created",
    "response.queued",
    "response.in_progress",
    "response.content_part.added",
    "response.reasoning_summary_part.",
    "response.web_search_call",
    "response.file_search_call",
    "response.code_interpreter_call",
    "response.image_generation_call",
    "response.mcp_",
    "keepalive",
    "ping",
)
"""Beginnings of events that tell nothing of a chat."""
_SILENT_ITEMS: Final = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools", "compaction"}
)
"""Items of what the API did by itself."""
type _Place = tuple[str, Any, Any]
"""What is told, of which item, in which of its parts."""


class TooManyParts(ValueError):
    """The answer has more parts than are read."""


class ResponseAnswer:
    """The reader of one answer. `unknown` counts what was not understood."""

    def __init__(self, codes: Codes, unknown: Counter[str]) -> None:
        self._codes, self._unknown = codes, unknown
        self._told: dict[_Place, int] = {}
        """Place → how many characters of the answer came before it."""
        self._parts = 0
        self._chars = 0
        self._digest = hashlib.blake2b(digest_size=16)
        """Of those characters."""
        self._calls = CallReader()
        self._begun: dict[str, Any] = {}
        """An item's id → where it stands, as its beginning said."""
        self._last_begun: Any = None
        self._thinks_in: dict[Any, str] = {}
        """Item → whether its thinking is told as it was, or in short."""
        self._readers: dict[str, Callable[[Mapping[str, Any], list[Event]], None]] = {
            "response.output_text.delta": lambda event, out: self._piece("text", event, text(event.get("delta")), out),
            "response.output_text.done": lambda event, out: self._rest("text", event, text(event.get("text")), out),
            "response.refusal.delta": lambda event, out: self._piece("refusal", event, text(event.get("delta")), out),
            "response.refusal.done": lambda event, out: self._rest("refusal", event, text(event.get("refusal")), out),
            "response.reasoning_text.delta": lambda e, out: self._piece("thought", e, text(e.get("delta")), out),
            "response.reasoning_text.done": lambda e, out: self._rest("thought", e, text(e.get("text")), out),
            "response.reasoning_summary_text.delta": lambda e, out: self._piece("short", e, text(e.get("delta")), out),
            "response.reasoning_summary_text.done": lambda e, out: self._rest("short", e, text(e.get("text")), out),
            "response.output_text.annotation.added": self._source,
            "response.content_part.done": self._part_done,
            "response.output_item.added": self._item_begins,
            "response.output_item.done": lambda event, out: (
                self._item(self._item_of(event), mapping(event["item"]), out)
                if isinstance(event.get("item"), dict)
                else None
            ),
            "response.function_call_arguments.delta": lambda e, out: self._argument(e, text(e.get("delta")), out),
            "response.custom_tool_call_input.delta": lambda e, out: self._argument(e, text(e.get("delta")), out),
            "response.function_call_arguments.done": self._argument_done,
            "response.custom_tool_call_input.done": self._argument_done,
        }

    def read(self, kind: str, event: Mapping[str, Any], out: list[Event]) -> None:
        """The events of one event of the stream. Raises TooManyParts."""
        reader = self._readers.get(kind)
        if reader is not None:
            reader(event, out)
        elif not kind.startswith(_SILENT):
            self.count(f"event {kind}" if kind else "event without a type")

    def end(self, response: Mapping[str, Any], status: str, out: list[Event]) -> Finish | Failure:
        """The end, before which is told what no piece was told of. Raises TooManyParts."""
        output = response.get("output")
        if isinstance(output, list):
            self._rest_of(output, out)
        end = end_of(response, status, self._codes)
        is_whole = isinstance(end, Finish) and end.reason in ("stop", "tool_calls")
        self._calls.close(out, complete=is_whole)
        out += usage_in(response)
        if is_whole and self._calls.broken_off:
            return Failure(ProviderError(ErrorKind.INCOMPLETE, CUT_CALL))
        return Finish("tool_calls") if len(self._calls) and end == Finish("stop") else end

    def _rest_of(self, output: list[Any], out: list[Event]) -> None:
        """What the items of the last event tell and nothing before it did."""
        if not self._told and not len(self._calls):
            for index, item in enumerate(output):
                self._item(index, mapping(item), out)
            return
        for _ in output:
            self._part()
        kinds: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for index, item in enumerate(map(mapping, output)):
            kinds.setdefault(text(item.get("type")), []).append((index, item))
        if not self._thinks_in:
            for index, item in kinds.get("reasoning", ()):
                self._thinking(("end", index), item, out)
        messages = kinds.get("message", [])
        if not any(what in ("text", "refusal") for what, _, _ in self._told):
            for index, item in messages:
                self._message(("end", index), item, out)
        else:
            said = "".join(text(part.get("text")) for _, item in messages for part in _parts(item.get("content")))
            if len(said) > self._chars and self._is_told(said[: self._chars]):
                out.append(Text(said[self._chars :]))
        self._calls.rest(output, out)

    def _is_told(self, said: str) -> bool:
        """Whether the text is all that was told of the answer."""
        other = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16)
        return other.digest() == self._digest.digest()

    def count(self, what: str) -> None:
        """Counts what was not understood, under a bounded number of names."""
        name = what[:_NAME_CHARS]
        self._unknown[name if name in self._unknown or len(self._unknown) < _UNKNOWN_LIMIT else "more"] += 1

    # -- words ------------------------------------------------------------------------------------------------------
    def _piece(self, what: str, event: Mapping[str, Any], said: str, out: list[Event]) -> None:
        self._say((what, self._item_of(event), _part_of(event)), said, out)

    def _rest(self, what: str, event: Mapping[str, Any], said: str, out: list[Event]) -> None:
        self._say_once((what, self._item_of(event), _part_of(event)), said, out)

    def _part_done(self, event: Mapping[str, Any], out: list[Event]) -> None:
        part = mapping(event.get("part"))
        if part.get("type") in ("output_text", "refusal"):
            what = "text" if part["type"] == "output_text" else "refusal"
            self._rest(what, event, text(part.get(what)), out)

    def _say_once(self, place: _Place, said: str, out: list[Event]) -> None:
        if place not in self._told:
            self._say(place, said, out)

    def _say(self, place: _Place, said: str, out: list[Event]) -> None:
        what, item, part = place
        if not said:
            return
        fresh = place not in self._told
        if fresh:
            self._part()
            self._told[place] = self._chars
        match what:
            case "text":
                self._chars += len(said)
                self._digest.update(said.encode("utf-8", "surrogatepass"))
                out.append(Text(said))
            case "refusal":
                out.append(Passthrough("delta", {"refusal": said}))
            case _ if self._thinks_in.setdefault(item, what) == what:
                out.append(Reasoning(f"\n\n{said}" if fresh and what == "short" and part else said))

    def _source(self, event: Mapping[str, Any], out: list[Event]) -> None:
        item, part = self._item_of(event), _part_of(event)
        self._cite(item, part, [event.get("annotation")], out)

    def _cite(self, item: Any, part: Any, annotations: list[Any], out: list[Event]) -> None:
        begin = self._told.get(("text", item, part), 0)
        for annotation in annotations:
            self._part()
            self._told.setdefault(("source", item, part), begin)
            found, _ = from_annotations([annotation])
            out += [_moved(citation, begin) for citation in found]

    # -- items ------------------------------------------------------------------------------------------------------
    def _item_begins(self, event: Mapping[str, Any], out: list[Event]) -> None:
        item = mapping(event.get("item"))
        index = whole(event.get("output_index"))
        place = index if index is not None else text(item.get("id"))[:_NAME_CHARS]
        self._last_begun = place
        if id := text(item.get("id"))[:_NAME_CHARS]:
            self._part()
            self._begun[id] = place
        if text(item.get("type")) in CALLS:
            self._call(place, item, out)

    def _item(self, place: Any, item: Mapping[str, Any], out: list[Event]) -> None:
        """An item that is whole."""
        self._part()
        kind = text(item.get("type"))
        if kind == "message":
            self._message(place, item, out)
        elif kind == "reasoning":
            self._thinking(place, item, out)
        elif kind in CALLS:
            self._call(place, item, out)
            self._calls.whole(place, argument_of(item), out)
        elif kind == "image_generation_call":
            if result := text(item.get("result")):
                out.append(Image(f"data:image/{text(item.get('output_format')) or 'png'};base64,{result}"))
        elif kind not in _SILENT_ITEMS:
            self.count(f"item {kind}")

    def _message(self, place: Any, item: Mapping[str, Any], out: list[Event]) -> None:
        for number, part in enumerate(_parts(item.get("content"))):
            self._part()
            if part.get("type") == "refusal":
                self._say_once(("refusal", place, number), text(part.get("refusal")), out)
                continue
            self._say_once(("text", place, number), text(part.get("text")), out)
            annotations = part.get("annotations")
            if isinstance(annotations, list) and ("source", place, number) not in self._told:
                self._cite(place, number, annotations, out)

    def _thinking(self, place: Any, item: Mapping[str, Any], out: list[Event]) -> None:
        for what, name in (("thought", "content"), ("short", "summary")):
            for number, part in enumerate(_parts(item.get(name))):
                self._part()
                self._say_once((what, place, number), text(part.get("text")), out)

    # -- calls ------------------------------------------------------------------------------------------------------
    def _call(self, place: Any, item: Mapping[str, Any], out: list[Event]) -> None:
        """Begins a call, once."""
        before = len(self._calls)
        self._calls.begin(place, item, out)
        if len(self._calls) > before:
            self._part()

    def _argument(self, event: Mapping[str, Any], said: str, out: list[Event]) -> None:
        if not self._calls.piece(self._item_of(event), said, out):
            self.count("argument of no call")

    def _argument_done(self, event: Mapping[str, Any], out: list[Event]) -> None:
        """All of an argument; an item that was not begun has it too, and its name."""
        said = text(event.get("arguments")) or text(event.get("input"))
        self._calls.whole(self._item_of(event), said, out)

    def _item_of(self, event: Mapping[str, Any]) -> Any:
        """What an event's item is known by."""
        if (index := whole(event.get("output_index"))) is not None:
            return index
        id = (text(event.get("item_id")) or text(mapping(event.get("item")).get("id")))[:_NAME_CHARS]
        place = self._begun.get(id)
        if place is not None:
            return place
        return id if self._last_begun is None or not id else self._last_begun

    def _part(self) -> None:
        self._parts += 1
        if self._parts > PARTS_LIMIT:
            raise TooManyParts


def _part_of(event: Mapping[str, Any]) -> int:
    for name in ("content_index", "summary_index"):
        if (index := whole(event.get(name))) is not None:
            return index
    return 0


def _parts(content: Any) -> list[dict[str, Any]]:
    return [mapping(part) for part in content] if isinstance(content, list) else []


def _moved(citation: Citation, begin: int) -> Citation:
    """The citation with its place in the whole text, where it is told by that in its part."""
    if citation.start is None or citation.end is None:
        return citation
    return Citation(citation.url, citation.title, citation.mark, citation.start + begin, citation.end + begin)
