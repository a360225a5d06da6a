"""Cleaning of every log record of the process (ours, mitmproxy's, asyncio's), before any handler sees it.

A record says its message cleaned, its traceback behind it: mitmproxy's formatter would write that on its own.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

type ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
type Clean = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Pieces:
    """A message whose pieces are cleaned one by one, so that what comes again in many messages is known to be clean."""

    pieces: tuple[str, ...]
    own: frozenset[int] = frozenset()
    """Places of pieces that need no cleaning: ids and numbers of ours."""

    def __str__(self) -> str:
        return " ".join(self.pieces)

    def cleaned(self, clean: Clean) -> str:
        return " ".join(piece if at in self.own or not piece else clean(piece) for at, piece in enumerate(self.pieces))


class CleanRecord(logging.LogRecord):
    """A log record whose message is cleaned. `clean` is set by `clean_records`."""

    clean: Clean

    def __init__(
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: object,
        args: Any,
        exc_info: ExcInfo | None,
        func: str | None = None,
        sinfo: str | None = None,
    ) -> None:
        super().__init__(name, level, pathname, lineno, msg, args, None, func, None)
        self._raised = exc_info
        self._stack = sinfo
        self._told: tuple[object, Any, str] | None = None

    def getMessage(self) -> str:
        """Message and traceback; cleaned once, however many handlers there are."""
        told = self._told
        if told is None or told[0] is not self.msg or told[1] is not self.args:
            text = "\n".join(part for part in (self.clean_message(), self.trace()) if part)
            told = self._told = (self.msg, self.args, text)
        return told[2]

    def clean_message(self) -> str:
        """The cleaned message alone."""
        if isinstance(self.msg, Pieces) and not self.args:
            return self.msg.cleaned(self.clean)
        try:
            text = super().getMessage()
        except Exception:  # logging would print message and arguments as they are
            text = f"{self.msg!r} {self.args!r}"
        return self.clean(text)

    def trace(self) -> str:
        """The cleaned traceback, or where the message was logged when that was asked for; else empty."""
        found = [self._stack] if self._stack else []
        if self._raised and self._raised[1] is not None:
            found.insert(0, logging.Formatter().formatException(self._raised))
        return self.clean("\n".join(found)) if found else ""


def clean_records(clean: Clean) -> Callable[[], None]:
    """Cleans every log record with `clean` from now on. Returns a function that ends that."""
    before = logging.getLogRecordFactory()
    ours = type("CleanRecord", (CleanRecord,), {"clean": staticmethod(clean)})
    logging.setLogRecordFactory(ours)

    def end() -> None:
        if logging.getLogRecordFactory() is ours:
            logging.setLogRecordFactory(before)

    return end
