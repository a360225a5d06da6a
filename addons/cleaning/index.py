"""The index of secrets: finds them, and pieces of them, in bytes; linear, however many there are. Pure.

A piece of PIECE bytes or more counts wherever in a secret it stands. Of each secret the windows of _WINDOW bytes at
every _STEP-th place are searched for together (Aho-Corasick): any piece of PIECE bytes holds one of them whole. What
was found counts when the PIECE bytes around it stand in a secret too, which a sorted table of their hashes tells.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

from providers.contract.browser import is_ordinary
from providers.contract.session import Credentials

PIECE: Final = 12
"""So much of a secret, in bytes, is hidden even where the rest of it does not stand."""
SHORTEST: Final = 8
"""A shorter value is an ordinary word more often than a secret, so it counts only for the names in _SHORT_TOO."""
_SHORTEST_OF_ALL: Final = 4
_SHORT_TOO: Final = frozenset({"password", "api_key", "client_key"})
_OF_SITES: Final = ("cookie:", "header:")

_WINDOW: Final = 8
_STEP: Final = PIECE - _WINDOW + 1
_SCAN_BYTES: Final = 64 * 1024
"""Searched in one go: one call of the library keeps the interpreter's lock."""
HITS_LIMIT: Final = 20_000
"""After so many windows in one text nobody looks any closer: the rest of the text is hidden."""
SEGMENT_BYTES: Final = 64 * 1024
"""Secrets in one automaton: making it keeps the interpreter's lock for some 10 ms."""

type Span = tuple[int, int]
type Placeholders = Mapping[bytes, Mapping[tuple[str, str], str]]
"""Whole value → (provider, account) → how it stands in that account's flows."""


@dataclass(frozen=True, slots=True)
class KnownSecret:
    """One secret and its account; provider and account are empty for a client's key."""

    value: str
    name: str
    provider: str = ""
    account: str = ""

    def __repr__(self) -> str:
        return f"KnownSecret({self.provider}/{self.account} {self.name})"

    @property
    def placeholder(self) -> str:
        """The placeholder that stands for it in flows; empty for a client's key."""
        return f"~sealed~{self.provider}~{self.account}~{self.name}~" if self.provider else ""

    def forms(self) -> Iterator[bytes]:
        """The forms in which the value may stand in a text: as it is, with white space run together, as in one line of
        words, and in the encodings that old programs use for letters beyond ASCII."""
        least = _SHORTEST_OF_ALL if self.name in _SHORT_TOO else SHORTEST
        if self.name.startswith(_OF_SITES) and len(self.value) < PIECE and not any(map(str.isdigit, self.value)):
            return  # a word, like `standard`
        for form in dict.fromkeys((self.value, " ".join(self.value.split()))):
            for data in _encoded(form):
                if len(data) >= least:
                    yield data


def _encoded(value: str) -> Iterator[bytes]:
    """The value's encodings: UTF-8; beyond ASCII also GB 18030 and Latin-1, in which UTF-16 is found too, or UTF-16."""
    yield value.encode("utf-8", "surrogatepass")
    if not value.isascii():
        yield value.encode("gb18030", "replace")
        try:
            yield value.encode("latin-1")
        except UnicodeEncodeError:
            yield value.encode("utf-16-le", "surrogatepass")
            yield value.encode("utf-16-be", "surrogatepass")


def secrets_of(credentials: Credentials, provider: str, account: str) -> Iterator[KnownSecret]:
    """The secrets of one session; headers that every browser sends are none."""
    for name, value in credentials.secrets().items():
        if not (name.startswith("header:") and is_ordinary(name[7:].lower())):
            yield KnownSecret(value, name, provider, account)


class Segment:
    """One automaton and the secrets it searches for."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        self._whole: set[bytes] = set()
        patterns: dict[bytes, None] = {}
        pieces: set[int] = set()
        for form in forms:
            if len(form) < PIECE:
                self._whole.add(form)
                patterns[form] = None
                continue
            patterns.update(dict.fromkeys(form[at : at + _WINDOW] for at in range(0, len(form) - _WINDOW + 1, _STEP)))
            pieces.update(hash(form[at : at + PIECE]) for at in range(len(form) - PIECE + 1))
        self._patterns = list(patterns)
        self._pieces = array("q", sorted(pieces))
        self._search = BytesAhoCorasick(self._patterns, implementation=Implementation.ContiguousNFA)

    def spans(self, data: bytes) -> list[Span]:
        """The spans of secrets or pieces of them; in order, but they may overlap."""
        found: list[Span] = []
        hits = covered = 0
        for at in range(0, len(data), _SCAN_BYTES):
            part = data[at : at + _SCAN_BYTES + _WINDOW + PIECE]
            for number, start, end in self._search.find_matches_as_indexes(part, overlapping=True):
                if start >= _SCAN_BYTES:
                    continue  # the next part has it
                if (hits := hits + 1) > HITS_LIMIT:
                    found.append((at + start, len(data)))
                    return found
                if self._patterns[number] in self._whole and _stands_alone(data, at + start, at + end):
                    found.append((at + start, at + end))
                if at + start + PIECE > covered:
                    for first in self._agreeing(data, at + start):
                        found.append((first, first + PIECE))
                        covered = max(covered, first + PIECE)
        return found

    def _agreeing(self, data: bytes, start: int) -> Iterator[int]:
        """Beginnings of pieces around a window found at `start`, the farthest to either side."""
        places = range(max(0, start - _STEP + 1), min(start, len(data) - PIECE) + 1)
        last = next((first for first in reversed(places) if self._is_piece(data[first : first + PIECE])), None)
        if last is not None:
            yield next(first for first in places if self._is_piece(data[first : first + PIECE]))
            yield last

    def _is_piece(self, piece: bytes) -> bool:
        known = hash(piece)
        at = bisect_left(self._pieces, known)
        return at < len(self._pieces) and self._pieces[at] == known


class Literal:
    """A search for whole secrets one by one, until there is a Segment of them."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        self._forms = tuple(forms)

    def spans(self, data: bytes) -> list[Span]:
        return [span for form in self._forms if form in data for span in _places(form, data)]


class Index:
    """The index of all secrets in force, in segments. Immutable: one with more secrets is another one."""

    def __init__(
        self,
        segments: Sequence[Segment | Literal] = (),
        known: Iterable[KnownSecret] = (),
        letters: frozenset[int] | None = None,
    ) -> None:
        """`known` is not to change any more: all of it is read when a secret was found. `letters`: theirs."""
        self.segments = tuple(segments)
        self._placeholders = cache(partial(_placeholders_of, known))
        self.letters = letters_of(known) if letters is None else letters
        """The bytes that secrets are made of."""
        self.passed: set[bytes] = set()
        """Short parts of heads in which there is nothing to hide; for the cleaner."""
        self.logged: set[str] = set()
        """Short texts that a log may have as they are; for the cleaner."""

    @property
    def placeholders(self) -> Placeholders:
        return self._placeholders()

    def also(self, other: "Index") -> "Index":
        """The union of two indexes, with the placeholders of this one; costs nothing but the object."""
        both = Index([*self.segments, *other.segments], letters=self.letters | other.letters)
        both._placeholders = self._placeholders
        return both

    @classmethod
    def of(cls, known: Iterable[KnownSecret]) -> "Index":
        """The index of some secrets, made at once."""
        listed = list(known)
        return cls([Segment(forms) for forms in portions(listed)], listed)

    def spans(self, data: bytes) -> list[Span]:
        """The spans of secrets or pieces of them that stand literally; in no order."""
        return [span for segment in self.segments for span in segment.spans(data)]


def _placeholders_of(known: Iterable[KnownSecret]) -> Placeholders:
    found: dict[bytes, dict[tuple[str, str], str]] = {}
    for one in known:
        value = one.value.encode("utf-8", "surrogatepass")
        if one.placeholder and len(value) >= SHORTEST:
            found.setdefault(value, {}).setdefault((one.provider, one.account), one.placeholder)
    return found


def letters_of(known: Iterable[KnownSecret]) -> frozenset[int]:
    """The bytes that these secrets are made of."""
    return frozenset(b"".join(one.value.encode("utf-8", "surrogatepass") for one in known))


def portions(known: Iterable[KnownSecret]) -> Iterator[list[bytes]]:
    """The forms of secrets in portions of one segment each."""
    portion: list[bytes] = []
    size = 0
    forms = dict.fromkeys(form for one in known for form in one.forms())
    for part in [part for form in forms for part in _parts(form)]:
        portion.append(part)
        size += len(part)
        if size >= SEGMENT_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _parts(form: bytes) -> Iterator[bytes]:
    """A very long value in parts that share PIECE - 1 bytes: each of its pieces stands in one of them whole."""
    if len(form) <= SEGMENT_BYTES:
        yield form
        return
    for at in range(0, len(form) - PIECE + 1, SEGMENT_BYTES):
        yield form[at : at + SEGMENT_BYTES + PIECE - 1]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _places(form: bytes, data: bytes) -> Iterator[Span]:
    at = data.find(form)
    while at >= 0:
        if _stands_alone(data, at, at + len(form)):
            yield at, at + len(form)
        at = data.find(form, at + len(form))


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    """Whether a short value is a word by itself: `test` as a password must not tear `latest` apart."""
    if end - start >= SHORTEST:
        return True
    return not (start and data[start - 1 : start].isalnum()) and not data[end : end + 1].isalnum()
