"""Pseudonyms for personal ids: the same id gets the same one; secrets get none. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from addons.cleaning.redaction import HIDDEN, in_pieces, redacted

_UUID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
# From the beginning of a run of letters only, and the run is never given back: else it takes its length squared.
_MAIL: Final = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_ADDRESS: Final = re.compile(r"(?<![A-Za-z]/)\b(?:(?!127\.0\.0\.1)(?:\d{1,3}\.){3}\d{1,3})\b(?![.\d])")
_INNER_GROUPS: Final = re.compile(r"-[0-9a-f]{4}-[0-9a-f]{4}-", re.IGNORECASE)
_INNER_NUMBER: Final = re.compile(r"\.\d{1,3}\.")
"""Of an id and of an address; to look for what begins with a certain letter is quick."""
_SEALED: Final = re.compile(r"~sealed~([A-Za-z0-9_.-]+)~([A-Za-z0-9_.-]+)~")


class Pseudonyms:
    """Replaces personal ids in texts, consistently over all texts it is given; `counts` says how many of each kind."""

    def __init__(self, secrets: Iterable[str] = (), clean: Callable[[str], str] = str) -> None:
        self._clean = clean
        self._secrets = [secret for secret in secrets if secret]
        self._known: dict[tuple[str, str], str] = {}
        self.counts: dict[str, int] = {}

    def text(self, text: str) -> str:
        """`text` without secrets and with pseudonyms for ids."""
        clean = redacted(self._clean(text), self._secrets)
        if (hidden := clean.count(HIDDEN) - text.count(HIDDEN)) > 0:
            self.counts["secret"] = self.counts.get("secret", 0) + hidden
        return in_pieces(clean, self._impersonal)

    def _impersonal(self, text: str) -> str:
        clean = text
        if _INNER_GROUPS.search(clean):
            clean = _UUID.sub(lambda f: self._one("id", f[0].lower(), "00000000-0000-4000-8000-{:012x}".format), clean)
        if "@" in clean:
            clean = _MAIL.sub(lambda f: self._one("e-mail", f[0].lower(), "person-{}@example.com".format), clean)
        if _INNER_NUMBER.search(clean):
            clean = _ADDRESS.sub(lambda f: self._one("address", f[0], "192.0.2.{}".format), clean)
        return _SEALED.sub(lambda f: f"~sealed~{f[1]}~{self._one('account', f[2], 'account-{}'.format)}~", clean)

    def value(self, value: Any) -> Any:
        """A JSON value with every string in it replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        return value

    def _one(self, kind: str, found: str, shape: Callable[[int], str]) -> str:
        known = self._known.get((kind, found))
        if known is None:
            number = self.counts.get(kind, 0) + 1
            self.counts[kind] = number
            known = self._known[kind, found] = shape(number)
            self._known[kind, known] = known  # what is a stand-in already stays one
        return known
