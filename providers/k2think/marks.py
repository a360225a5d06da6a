"""Filter of the marks with which K2Think's models end their turn, and which the site lets slip into the text. Pure.

`<|im_end|>` is the end of a turn in their chat template, `<|endoftext|>` that of a text (both of the Qwen family, which
K2-Think descends from). At the very end of an answer they are none of its words; anywhere else they are.
"""

import re
from typing import Final

_MARKS: Final = ("<|im_end|>", "<|endoftext|>")
_MARK: Final = re.compile(r"<\|(?:im_end|endoftext)\|>")
_MORE: Final = re.compile(r"(?:\s*+<\|(?:im_end|endoftext)\|>)*+\s*+")
"""Marks and white space behind a mark."""
_LONGEST: Final = max(map(len, _MARKS))


class EndMarks:
    """The filter: `feed` text, get what is certainly no mark at its end; `close` gives what was held and is none."""

    def __init__(self) -> None:
        self._held: list[str] = []
        """A mark and what of marks and white space came behind it."""
        self._part = ""
        """The beginning of a mark, as it may be."""
        self.dropped = False
        """Set by `close`: there were marks at the end."""

    def feed(self, text: str) -> str:
        """The part of the text that is settled; the same texts joined at every cut."""
        if not self._held and not self._part and "<" not in text:
            return text
        text, at, out = self._part + text, 0, []
        self._part = ""
        while at < len(text):
            if self._held:
                more = _MORE.match(text, at)
                assert more is not None
                self._held.append(more[0])
                at = more.end()
                if len(text) - at < _LONGEST and _begins_mark(text[at:]):
                    self._part = text[at:]
                    break
                out += self._held
                self._held = []
            mark = _MARK.search(text, at)
            if mark is None:
                end = _settled(text, at)
                out.append(text[at:end])
                self._part = text[end:]
                break
            out.append(text[at : mark.start()])
            self._held, at = [mark[0]], mark.end()
        return "".join(out)

    def close(self) -> str:
        held, self._held, part, self._part = self._held, [], self._part, ""
        self.dropped = bool(held) and not part
        return "" if self.dropped else "".join(held) + part


def without_end_marks(text: str) -> str:
    """A whole text without the marks at its end."""
    marks = EndMarks()
    return marks.feed(text) + marks.close()


def _begins_mark(text: str) -> bool:
    return any(mark.startswith(text) for mark in _MARKS)


def _settled(text: str, at: int) -> int:
    """Where a beginning of a mark stands at the end of `text`, which from `at` on holds none; else its length."""
    found = text.rfind("<", max(at, len(text) - _LONGEST + 1))
    return found if found >= 0 and _begins_mark(text[found:]) else len(text)
