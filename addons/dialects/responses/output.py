"""The output of an answer: its items in order, out of the events of a chat's answer."""

from typing import Final

from addons.dialects.openai.answer import CITATIONS_LIMIT, image_markdown
from addons.dialects.responses.numbered import Numbered
from addons.dialects.responses.output_items import (
    COMPLETED,
    INCOMPLETE,
    CallItem,
    MessageItem,
    OutputItem,
    PictureItem,
    ThinkingItem,
)
from addons.dialects.responses.tools import Tools
from providers.contract.events import Citation, Event, Image, Passthrough, Reasoning, Text, ToolCallDelta

ANSWER_CHARS: Final = 16 * 1024 * 1024
"""Of all texts of one answer, which are kept until its end: what is said beyond is as if a limit had cut it off."""
ITEMS_LIMIT: Final = 10_000
_BASE64: Final = ";base64,"


class Output:
    """`add` gives the frames that an event makes, `end` those of the end; `whole` all items as JSON."""

    def __init__(self, stem: str, tools: Tools) -> None:
        """`stem` makes ids of items that no other answer has."""
        self._stem, self._tools = stem, tools
        self.frames = Numbered()
        self._items: list[tuple[OutputItem, str]] = []
        """With the status of those that have ended."""
        self._talk: MessageItem | ThinkingItem | None = None
        """What is being said, always the last of its kind; it ends where anything else begins."""
        self._talk_at = 0
        self._calls: dict[int, tuple[CallItem, int]] = {}
        """By the provider's index, with the place among all items: they may come interleaved, and end together."""
        self._sources: list[Citation] = []
        """Those that were told before there were words."""
        self._cited = 0
        self._chars = 0
        self._said = 0
        self._new_line = True
        self.cut = False
        """More came than is kept."""

    def add(self, event: Event) -> bytes:
        """The frames of one event."""
        if isinstance(event, Text):
            return self._words(event.text) if not event.choice else b""
        if isinstance(event, Reasoning):
            return self._thought(event.text) if not event.choice else b""
        if isinstance(event, ToolCallDelta):
            return self._call(event) if not event.choice else b""
        if isinstance(event, Citation):
            return self._source(event)
        if isinstance(event, Image):
            return self._picture(event)
        if isinstance(event, Passthrough) and event.scope == "delta" and not event.choice:
            refusal = event.fields.get("refusal")
            if isinstance(refusal, str) and refusal and self._room(len(refusal)):
                begun, message = self._message()
                return begun + message.refusal(refusal)
        return b""

    def end(self, *, completed: bool) -> bytes:
        """The frames of the end of all items that are still open. A call that was cut off in the middle is not told as
        done: clients would run it."""
        out = b""
        if completed and not self._items:
            out += self._message()[0]
        status = COMPLETED if completed else INCOMPLETE
        out += self._end_talk(status)
        for call, at in self._calls.values():
            if completed or call.is_whole():
                self._items[at] = (call, COMPLETED)
                out += call.closed(COMPLETED)
        self._calls.clear()
        return out

    def whole(self) -> bytes:
        """All items as a JSON list; those that have not ended are incomplete."""
        return b"[%b]" % b",".join(item.whole(status or INCOMPLETE) for item, status in self._items)

    def withdraw(self) -> None:
        """What was said so far is void; calls stay."""
        self._items = [(item, status) for item, status in self._items if isinstance(item, CallItem)]
        places = {id(item): at for at, (item, _) in enumerate(self._items)}
        self._calls = {index: (call, places[id(call)]) for index, (call, _) in self._calls.items()}
        self._talk = None
        self._sources.clear()
        self._said, self._new_line = 0, True

    # -- what is said ----------------------------------------------------------------------------------------------
    def _words(self, text: str) -> bytes:
        if not text or not self._room(len(text)):
            return b""
        begun, message = self._message()
        self._said += len(text)
        self._new_line = text[-1] == "\n"
        return begun + message.words(text)

    def _thought(self, text: str) -> bytes:
        if not text or not self._room(len(text)):
            return b""
        begun = b""
        if not isinstance(talk := self._talk, ThinkingItem):
            at = len(self._items)
            talk = ThinkingItem(self.frames, self._id("rs", at), at)
            begun = self._begin(talk)
            self._talk = talk
        return begun + talk.words(text)

    def _message(self) -> tuple[bytes, MessageItem]:
        """The message that is being said, and the frames of its beginning."""
        talk = self._talk
        if isinstance(talk, MessageItem):
            return b"", talk
        at = len(self._items)
        talk = MessageItem(self.frames, self._id("msg", at), at, self._said)
        begun = self._begin(talk)
        self._talk = talk
        sources, self._sources = self._sources, []
        return begun + b"".join(map(talk.cited, sources)), talk

    def _begin(self, item: OutputItem) -> bytes:
        """The frames of an item's beginning, behind those of the end of what was being said."""
        out = self._end_talk(COMPLETED)
        self._talk_at = len(self._items)
        self._items.append((item, ""))
        return out + item.opened()

    def _end_talk(self, status: str) -> bytes:
        talk, self._talk = self._talk, None
        if talk is None:
            return b""
        self._items[self._talk_at] = (talk, status)
        return talk.closed(status)

    def _source(self, citation: Citation) -> bytes:
        self._cited += 1
        if self._cited > CITATIONS_LIMIT:
            return b""
        if isinstance(self._talk, MessageItem):
            return self._talk.cited(citation)
        self._sources.append(citation)
        return b""

    def _picture(self, image: Image) -> bytes:
        """A picture at hand is an item of its own, a link words."""
        head, base64, content = image.url.partition(_BASE64)
        if not (base64 and head.startswith("data:")):
            gap = "" if self._new_line else "\n\n"
            return self._words(f"{gap}{image_markdown(image)}\n")
        if not self._room(len(content)):
            return b""
        at = len(self._items)
        item = PictureItem(self.frames, self._id("ig", at), at, content)
        out = self._begin(item)
        self._items[at] = (item, COMPLETED)
        return out + item.closed(COMPLETED)

    # -- calls -----------------------------------------------------------------------------------------------------
    def _call(self, delta: ToolCallDelta) -> bytes:
        begun = b""
        if (known := self._calls.get(delta.index)) is None:
            if not self._room(0):
                return b""
            at = len(self._items)
            tool = self._tools.of(delta.name or "")
            kind = "ctc" if tool.custom else "fc"
            call_id = delta.id or self._id("call", at)
            known = self._calls[delta.index] = (CallItem(self.frames, self._id(kind, at), at, call_id, tool), at)
            begun = self._begin(known[0])
        if not self._room(len(delta.arguments)):
            return begun
        return begun + known[0].arguments(delta.arguments)

    # -- bounds ----------------------------------------------------------------------------------------------------
    def _room(self, count: int) -> bool:
        """Whether so many letters more may be kept; once there was no room, nothing more is said."""
        self._chars += count
        if self._chars > ANSWER_CHARS or len(self._items) >= ITEMS_LIMIT:
            self.cut = True
        return not self.cut

    def _id(self, kind: str, at: int) -> str:
        return f"{kind}_{self._stem}{at:02x}"


def stem_of(answer_id: str) -> str:
    """What the ids of an answer's items begin with, behind their kind."""
    return answer_id.rpartition("_")[2]
