"""Where the tags of our own form stand in a text: `<call-MARK` and `</call-MARK`. Pure."""

from typing import Final, NamedTuple

from addons.features.tools.forms.argument_stream import CLOSING_QUOTE

_DOUBT_CHARS: Final = 4096
"""Behind a closing tag in a string: so far is looked for the end of that string."""


class OwnTag(NamedTuple):
    """A tag: where it begins, and where its name ends; -1 where the text ends before that is known."""

    begin: int
    behind: int
    is_closing: bool


class OwnTags:
    """Finds them in the text that is read. What was found is kept, until it is told to forget that text."""

    def __init__(self, mark: str) -> None:
        self.name, self.result = f"call-{mark}", f"result-{mark}"
        self._ahead: OwnTag | None = None

    def forget(self) -> None:
        """Another text is read."""
        self._ahead = None

    def has_begun(self, text: str) -> bool:
        """Whether a text that ends here is an opening tag of ours, or so much of one that it can be no other."""
        opening = f"<{self.name}"
        return text.startswith(opening) or (len(text) > len("<call-") and opening.startswith(text))

    def next(self, text: str, at: int) -> OwnTag:
        """The next tag from `at` on; one at the end of the text where there is none."""
        if self._ahead is None or self._ahead.begin < at:
            self._ahead = self._next(text, at)
        return self._ahead

    def string_goes_on(self, text: str, behind: int) -> bool | None:
        """Whether a string of JSON, in which a closing tag ends at `behind`, is one that has an end; None where more
        must be known."""
        opening = text.find(f"<{self.name}", behind, behind + _DOUBT_CHARS)
        if CLOSING_QUOTE.search(text, behind, opening if opening >= 0 else behind + _DOUBT_CHARS):
            return True
        return False if opening >= 0 or len(text) >= behind + _DOUBT_CHARS else None

    def _next(self, text: str, at: int) -> OwnTag:
        found = text.find(self.name, at)
        while found >= 0:
            closing, behind = found - 2 >= at and text.startswith("</", found - 2), found + len(self.name)
            is_tag = closing or (found - 1 >= at and text[found - 1] == "<")
            if is_tag and not text[behind : behind + 1].isalnum():  # (a longer mark is another one)
                return OwnTag(found - 1 - closing, behind if behind < len(text) else -1, closing)
            found = text.find(self.name, found + 1)
        last = text.rfind("<", max(at, len(text) - len(self.name) - 1))
        if last >= 0 and (f"<{self.name}".startswith(text[last:]) or f"</{self.name}".startswith(text[last:])):
            return OwnTag(last, -1, False)
        return OwnTag(len(text), -1, False)
