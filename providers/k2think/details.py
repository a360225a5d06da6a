"""Reader of reasoning drawn as a details block, as Open WebUI's pages show it, and of the answer behind it.

    <details type="reasoning" done="false"><summary>…</summary>R</details><answer>A</answer>

The site repeats the whole text with each frame and writes the opening anew when the thinking is over, so what grows is
the body behind the summary. R may be escaped as HTML, and quoted line by line.
"""

import re
from typing import Final

from providers.shared.think_tags import ThinkTags

OPENING: Final = '<details type="reasoning"'
_CLOSING: Final = "</details>"
_SUMMARY: Final = "<summary"
_SUMMARY_END: Final = "</summary>"
_OPENING_LIMIT: Final = 4096
"""Characters a tag or its summary may have."""
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'", "&#34;": '"', "&amp;": "&"}
"""The ampersand last: what it makes is no escape again."""
_LONGEST_ENTITY: Final = 6
_QUOTE: Final = re.compile(r"\n> ?")


def body_start(text: str) -> int | None:
    """The index where the body of a block begins that `text` opens with; None while its opening is not complete."""
    tag_end = text.find(">")
    if tag_end < 0:
        return None if len(text) < _OPENING_LIMIT else len(OPENING)
    inside = text[tag_end + 1 : tag_end + 1 + 64].lstrip()
    if _SUMMARY.startswith(inside[: len(_SUMMARY)]):
        end = text.find(_SUMMARY_END, tag_end)
        if end < 0 and len(text) - tag_end > _OPENING_LIMIT:
            return tag_end + 1  # it never ends, so it is words
        return end + len(_SUMMARY_END) if end >= 0 else None
    return tag_end + 1


def _without_closing_tags(body: str) -> str:
    """A snapshot's body without the closing tags, or beginnings of such, at its end."""
    kept = body.rstrip()
    for tag in ("</answer>", _CLOSING):
        at = kept.rfind("<", max(0, len(kept) - len(tag)))
        if at >= 0 and tag.startswith(kept[at:]):
            kept = kept[:at].rstrip()
    return kept


class DetailsBlock:
    """The reader: `add` the frames of a text that begins with a block, get the new (reasoning, answer).

    A frame that begins with a block is the whole text so far, any other one goes on from there.
    """

    def __init__(self) -> None:
        self.conflicts = 0
        """Snapshots whose body did not go on from the one before."""
        self._opening = ""
        self._body = ""
        self._pieces: list[str] = []
        """What was added to the body by frames that were no snapshots."""
        self._foot = ""
        """What closes a snapshot at its end: it may close it for now only."""
        self._held = ""
        self._closed = False
        self._thought = QuotedText()
        self._tags = ThinkTags()
        self._tags.feed("<think></think>")  # what stands behind the block is the answer, in its tags or without

    def add(self, frame: str) -> tuple[str, str]:
        text = frame.lstrip()
        if text.startswith(OPENING):
            start = body_start(text)
            self._opening = text if start is None else ""
            return ("", "") if start is None else self._split(self._grown(text[start:]))
        if self._opening:
            self._opening += frame
            start = body_start(self._opening)
            if start is None:
                return "", ""
            frame, self._opening = self._opening[start:], ""
        frame, self._foot = self._foot + frame, ""
        self._pieces.append(frame)
        return self._split(frame)

    def close(self) -> tuple[str, str]:
        """The text still held."""
        thought, said = self._split(self._foot)
        self._foot = ""
        if not self._closed:
            return thought + self._thought.feed(self._held) + self._thought.close(), said
        return thought, said + self._tags.close()[1]

    def _grown(self, body: str) -> str:
        """What a snapshot's body adds. What was said is never taken back."""
        kept, last = _without_closing_tags(body), self._body + "".join(self._pieces)
        self._pieces.clear()
        if last.startswith(kept):
            self._body = last
            self._foot = body.removeprefix(last) if body.startswith(last) else ""
            return ""
        if not kept.startswith(last):
            self.conflicts += 1
        self._body, self._foot = kept, body[len(kept) :]
        return kept[len(last) :]

    def _split(self, new: str) -> tuple[str, str]:
        if self._closed:
            return "", self._tags.feed(new)[1]
        text = self._held + new
        thought, tag, rest = text.partition(_CLOSING)
        if tag:
            self._closed, self._held = True, ""
            return self._thought.feed(thought) + self._thought.close(), self._tags.feed(rest)[1]
        at = text.rfind("<", max(0, len(text) - len(_CLOSING) + 1))
        settled = at if at >= 0 and _CLOSING.startswith(text[at:]) else len(text)
        self._held = text[settled:]
        return self._thought.feed(text[:settled]), ""


class QuotedText:
    """The reasoning inside a block, with HTML's escapes and the marks of quoted lines taken off as it streams in.

    Lines are taken for quoted when the first one is. White space around the text goes.
    """

    def __init__(self) -> None:
        self._entity = ""
        self._held: list[str] = []
        """White space and quote marks, which may be the end of the text."""
        self._begun = False
        self._quoted = False

    def feed(self, raw: str) -> str:
        raw = self._entity + raw
        at = raw.rfind("&", max(0, len(raw) - _LONGEST_ENTITY))
        cut = len(raw) if at < 0 or ";" in raw[at:] else at
        self._entity = raw[cut:]
        text = raw[:cut]
        for entity, char in _ENTITIES.items():
            text = text.replace(entity, char)
        settled = len(text.rstrip(" \t\r\n>"))
        if not settled:
            self._held.append(text)
            return ""
        held, self._held = "".join(self._held), [text[settled:]]
        return self._plain(held + text[:settled])

    def close(self) -> str:
        """Ends the text; returns what was held."""
        text = "".join(self._held) + self._entity
        self._held, self._entity = [], ""
        return self._plain(text).rstrip()

    def _plain(self, text: str) -> str:
        if not self._begun:
            text = text.lstrip()
            if not text:
                return ""
            self._begun, self._quoted = True, text.startswith(">")
            return _QUOTE.sub("\n", "\n" + text)[1:] if self._quoted else text
        return _QUOTE.sub("\n", text) if self._quoted else text
