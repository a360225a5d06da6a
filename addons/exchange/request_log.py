"""Logging: one line a request, as text or JSON; never a secret (addons/cleaning/log_records.py), never a prompt."""

import logging
import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from addons.cleaning.log_records import CleanRecord
from addons.words.shown import json_line, shown

log = logging.getLogger("glassgate.request")

HEALTH_PATH: Final = "/healthz"
"""Asked every few seconds by whoever watches the gateway: told at level DEBUG only."""
WHY_LIMIT: Final = 300
SHORTEST_SENTENCE: Final = 30
"""A full stop before this, in characters, may be that of an abbreviation."""
_NEXT_SENTENCE: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_WORDS: Final = ("path", "asked", "model", "why")
"""Fields of a request that hold words of clients and providers."""


@dataclass(slots=True)
class RequestLog:
    """What is told of one request. Times in milliseconds. The JSON form has these names, which stay."""

    id: str
    key: str
    """The client key's name; `-` where none was right, `anyone` where none is wanted."""
    path: str
    status: int
    """What the client got; 499 when it left before it got anything."""
    model: str | None = None
    """The model that answered, or that `why` is about, or was asked last; without any attempt the one asked for."""
    provider: str | None = None
    account: str | None = None
    attempts: int = 0
    first_token_ms: int | None = None
    """From the request's arrival."""
    total_ms: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    outcome: str = "ok"
    """ok, refused, failed, broken_off (after some of the answer was delivered) or client_left; replayed, of what was
    sent again in the inspector."""
    error_code: str | None = None
    """The code the client got, be it in an answer or in the last frame of a stream; the type where it got none."""
    client: str = "-"
    """The address the request came from."""
    method: str = ""
    asked: str | None = None
    """The model in the client's words."""
    why: str = ""
    """What the client was told went wrong, without the advice behind it; or how far its answer was when it left."""
    wait_ms: int = 0
    """Of the total: in line for a turn at an account, or before another attempt."""

    def __post_init__(self) -> None:
        self.why = shown(_first_sentence(self.why), WHY_LIMIT)

    def line(self) -> str:
        """The line of the text form: printable whatever the words in it."""
        request = [self.id, self.client, self.key, self.method or "-", self.path or "-"]
        parts = [*request, *self._way(), str(self.status), self.outcome]
        if self.attempts:
            parts.append(f"attempts={self.attempts}")
        if self.wait_ms:
            parts.append(f"wait={self.wait_ms}ms")
        if self.first_token_ms is not None:
            parts.append(f"first={self.first_token_ms}ms")
        parts.append(f"total={self.total_ms}ms")
        if self.completion_tokens is not None:
            parts.append(f"tokens={self.prompt_tokens}+{self.completion_tokens}")
        if self.error_code:
            parts.append(f"error={self.error_code}")
        if self.why:
            parts.append(f"why: {self.why}")
        return shown(" ".join(parts))

    def emit(self) -> None:
        asked_by_machines = self.path == HEALTH_PATH or (self.method == "OPTIONS" and self.key == "-")
        if asked_by_machines and self.outcome == "ok":  # also health that says 503 while the gateway drains
            level = logging.DEBUG
        else:
            level = logging.WARNING if self.status >= 500 or self.outcome == "broken_off" else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "%s", self.line(), extra={"request": self})

    def _way(self) -> list[str]:
        """From the model asked for over the one that answered to the account; nothing where none was asked for."""
        if self.model is None:
            return []
        renamed = self.asked is not None and self.asked.strip().casefold() != self.model.casefold()
        where = f"{self.provider}/{self.account}" if self.provider else "-"
        return [*([str(self.asked), "->"] if renamed else []), self.model, "->", where]


def _first_sentence(text: str) -> str:
    end = _NEXT_SENTENCE.search(text, SHORTEST_SENTENCE)
    return text[: end.start()] if end else text


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
        }
        request = getattr(record, "request", None)
        ours = record if isinstance(record, CleanRecord) else None
        if isinstance(request, RequestLog):
            fields |= asdict(request)
            fields |= {name: ours.clean(fields[name]) for name in _WORDS if ours and fields[name]}
        else:
            fields["message"] = ours.said() if ours else record.getMessage()
        if ours and (trace := ours.trace()):
            fields["exception"] = trace
        return json_line(fields)


def one_line_each(record: logging.LogRecord) -> bool:
    """Words put into a message of ours make no lines of their own; the message itself may have several."""
    if isinstance(record.args, tuple):
        record.args = tuple(shown(word) if isinstance(word, str) else word for word in record.args)
    return True


def setup_logging(level: str, form: str, handler: logging.Handler | None = None) -> logging.Handler:
    """Our own handler on stderr for the `glassgate` loggers; gives it, so that it can be taken off again.

    `handler`: where they write instead, in a form of its own.
    """
    handler = handler or _on_stderr(form)
    logger = logging.getLogger("glassgate")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    for name in ("httpx", "httpcore"):  # they would log addresses and heads of every preparing call, cookies too
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def _on_stderr(form: str) -> logging.Handler:
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    handler.addFilter(one_line_each)
    return handler
