"""The threads that a site itself keeps: exchanges that hang on each other, and answers that grow whether heard or not.

An answer goes on being made when its reader has left, and can be read back; a stop ends it where it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from providers.sandbox.models.shown import Turn


@dataclass(slots=True)
class Answering:
    """An answer in the making. Times are of a loop, in seconds."""

    pieces: Sequence[str]
    begun_at: float
    lasts_s: float
    stopped_at: float | None = None

    def text(self, now: float) -> str:
        """The words so far."""
        until = now if self.stopped_at is None else self.stopped_at
        share = 1.0 if self.lasts_s <= 0 else min(max(until - self.begun_at, 0) / self.lasts_s, 1.0)
        return "".join(self.pieces[: int(share * len(self.pieces) + 1e-9)])

    def is_over(self, now: float) -> bool:
        return self.stopped_at is not None or now >= self.begun_at + self.lasts_s

    def finish(self) -> None:
        """All of it was sent: nothing is left to be made."""
        self.lasts_s = 0.0

    def stop(self, now: float) -> None:
        if not self.is_over(now):
            self.stopped_at = now


@dataclass(slots=True)
class Held:
    """One exchange: what was asked, who asked it, and the answer with the calls in it."""

    parent: str | None
    user_message_id: str
    asked: Sequence[Turn]
    said: Turn
    answering: Answering
    thoughts: str = ""

    def turns(self, now: float) -> Iterator[Turn]:
        yield from self.asked
        text = self.answering.text(now)
        whole = self.answering.stopped_at is None
        yield Turn("assistant", self.said.text if whole else text, self.said.calls if whole else ())


@dataclass(slots=True)
class Thread:
    """The exchanges of one chat by the id of the answer: a tree, since several may hang on the same one."""

    exchanges: dict[str, Held] = field(default_factory=dict)
    leaf: str | None = None
    """The newest answer."""

    def add(self, answer_id: str, held: Held) -> None:
        self.exchanges[answer_id] = held
        self.leaf = answer_id

    def branch(self, parent: str | None, now: float) -> list[Turn]:
        """What a model is shown of the thread: the turns up to an answer; none from the root."""
        path: list[Held] = []
        seen: set[str] = set()
        while parent is not None and parent in self.exchanges and parent not in seen:
            seen.add(parent)
            path.append(self.exchanges[parent])
            parent = path[-1].parent
        return [turn for held in reversed(path) for turn in held.turns(now)]
