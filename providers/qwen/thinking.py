"""Reader of reasoning in phase `thinking_summary`: lists of titles and thoughts that each frame repeats and lets grow.

After a tool round the lists may begin anew. What was said is never taken back; only what is new is given.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.formats.jsontext import mapping

_BREAK: Final = "\n\n"


class SummaryThinking:
    """The reader: `add` the `extra` of each frame, get the new text: thoughts under bold titles, parted by blank
    lines."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._thoughts: list[str] = []
        self._at = 0
        self._titled = False
        self._said = 0
        self._spoke = False
        self._closed = False

    def add(self, extra: Mapping[str, Any]) -> str:
        """The text that this frame adds."""
        titles = _strings(extra.get("summary_title"))
        thoughts = _strings(extra.get("summary_thought")) or _contents(extra.get("summary_content"))
        if not titles and not thoughts:
            return ""
        if self._begins_anew(titles, thoughts):
            self._titles, self._thoughts = [], []
            self._at, self._titled, self._said = 0, False, 0
        titles = self._titles if titles is None else titles
        thoughts = self._thoughts if thoughts is None else thoughts
        if len(titles) < len(self._titles) or len(thoughts) < len(self._thoughts):
            return ""
        self._titles, self._thoughts, self._closed = titles, thoughts, False
        return self._growth()

    def close(self) -> str:
        """The title that waited for a thought, if one did: the phase ended, or a tool came between."""
        self._closed = True
        if self._at < len(self._titles) and not self._titled:
            return self._title(self._at)
        return ""

    def _begins_anew(self, titles: Sequence[str] | None, thoughts: Sequence[str] | None) -> bool:
        """Another list than before: no continuation after the phase was closed, or other from the very first item."""
        pairs = [(old, new) for old, new in ((self._titles, titles), (self._thoughts, thoughts)) if new is not None]
        if self._closed:
            return not all(_extends(old, new) for old, new in pairs)
        return any(_differ_at_once(old, new) for old, new in pairs)

    def _growth(self) -> str:
        pieces: list[str] = []
        last = max(len(self._titles), len(self._thoughts)) - 1
        while True:
            thought = self._thoughts[self._at] if self._at < len(self._thoughts) else ""
            if not self._titled and (thought or self._at < last):
                pieces.append(self._title(self._at))
            if len(thought) > self._said:
                pieces.append(self._lead() if self._said == 0 else "")
                pieces.append(thought[self._said :])
                self._said = len(thought)
                self._spoke = True
            if self._at >= last:
                return "".join(pieces)
            self._at, self._titled, self._said = self._at + 1, False, 0

    def _title(self, at: int) -> str:
        """The title of an item, once, with the break before it."""
        self._titled = True
        title = self._titles[at].strip() if at < len(self._titles) else ""
        if not title:
            return ""
        lead = self._lead()
        self._spoke = True
        return f"{lead}**{title}**"

    def _lead(self) -> str:
        return _BREAK if self._spoke else ""


def _strings(value: Any) -> list[str] | None:
    """The strings of `{"content": [...]}`; what is no string counts as an empty one, to keep the places."""
    content = mapping(value).get("content")
    if not isinstance(content, list):
        return None
    return [item if isinstance(item, str) else "" for item in content]


def _contents(value: Any) -> list[str] | None:
    """What stands in for the thoughts in some fronts (2026-10), by a name that fits a bare list or text as well."""
    inner = value.get("content") if isinstance(value, dict) else value
    return _strings({"content": [inner] if isinstance(inner, str) and inner else inner})


def _extends(old: Sequence[str], new: Sequence[str]) -> bool:
    return len(new) >= len(old) and all(n.startswith(o) for o, n in zip(old, new, strict=False))


def _differ_at_once(old: Sequence[str], new: Sequence[str]) -> bool:
    if not (old and new and old[0] and new[0]):
        return False
    return not old[0].startswith(new[0]) and not new[0].startswith(old[0])
