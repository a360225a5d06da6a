"""The site's own answer to a call that the model wrote for the client: "Tool X does not exists.", once for each call.

The model's native form of a call never reaches the client: the site's server looks the name up among its own tools, and
these words stand where the answer should (2026-07). They are no answer, so nothing of them is given out.
"""

import re
from typing import Final

from providers.contract.errors import ErrorKind, ProviderError

_NAME_CHARS: Final = 128
_BEGIN: Final = "Tool "
_END: Final = " does not exists."
_SENTENCE: Final = re.compile(rf"Tool \S{{1,{_NAME_CHARS}}} does not exists\.")
_LONGEST: Final = len(_BEGIN) + _NAME_CHARS + len(_END)


class InterceptedCalls:
    """Looks for the sentence in the pieces of an answer; what may yet become one is held back."""

    def __init__(self) -> None:
        self.found = False
        """The sentence has come; nothing is given out any more."""
        self._held = ""

    def feed(self, piece: str) -> str:
        """What may go on of the answer with its next piece; nothing once the sentence was found."""
        if self.found:
            return ""
        if not self._held and "T" not in piece:
            return piece
        text = self._held + piece
        if sentence := _SENTENCE.search(text):
            self.found = True
            self._held = ""
            return text[: sentence.start()]
        at = _open_at(text)
        self._held = text[at:]
        return text[:at]

    def rest(self) -> str:
        """What was held back, at the end of the answer."""
        held, self._held = self._held, ""
        return held


def _open_at(text: str) -> int:
    """Where the end of a text begins that may become the sentence; its length where none may."""
    at = text.find("T", max(0, len(text) - _LONGEST))
    while at >= 0:
        if _may_become(text[at:]):
            return at
        at = text.find("T", at + 1)
    return len(text)


def _may_become(tail: str) -> bool:
    if len(tail) <= len(_BEGIN):
        return _BEGIN.startswith(tail)
    name, blank, rest = tail.removeprefix(_BEGIN).partition(" ")
    fits = tail.startswith(_BEGIN) and len(name) <= _NAME_CHARS and not any(map(str.isspace, name))
    return fits and bool(name) and (blank + rest == _END[: len(blank + rest)])


def intercepted() -> ProviderError:
    """The error of such an answer. The same again in a new chat may do."""
    message = (
        "Qwen took a tool call of the model's for one of its own tools, and ended the answer over it. This is the "
        "site's doing: try again, rename the tool, or use another model."
    )
    return ProviderError(ErrorKind.CONVERSATION_GONE, message, site_code="tool_intercepted", advised=True)
