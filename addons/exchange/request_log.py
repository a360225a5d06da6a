"""Request log: one line a request, as text or JSON; never a secret (addons/cleaning/log_records.py), never a prompt."""

import logging
from typing import Any, Final

from addons.cleaning.log_records import CleanRecord, Pieces
from addons.exchange.observer import Observer
from addons.exchange.outcome import Outcome
from addons.words.shown import json_line, shown

log = logging.getLogger("glassgate.request")

WATCHED_PATHS: Final = frozenset({"/healthz", "/healthz/live", "/healthz/ready", "/metrics"})
"""Asked every few seconds by whoever watches the gateway: told at level DEBUG only."""
_FIELDS: Final = (
    "id", "key", "path", "status", "model", "provider", "account", "attempts", "first_token_ms", "total_ms",
    "prompt_tokens", "completion_tokens", "outcome", "error_code", "client", "method", "asked", "why", "wait_ms",
    "cache",
)  # fmt: skip
"""The fields of the JSON form; their names are a promise to who reads logs by machine."""
_WORDS: Final = ("path", "asked", "model", "why")
"""Fields of a request that hold words of clients and providers."""


class RequestLog(Observer):
    """Writes a line of the log for each request."""

    async def ended(self, outcome: Outcome) -> None:
        asked_by_machines = outcome.path in WATCHED_PATHS or (outcome.method == "OPTIONS" and outcome.key == "-")
        if asked_by_machines and outcome.outcome == "ok":  # also health that says 503 while the gateway drains
            level = logging.DEBUG
        else:
            level = logging.WARNING if outcome.status >= 500 or outcome.outcome == "broken_off" else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, line_of(outcome), extra={"request": outcome})


def line_of(outcome: Outcome) -> Pieces:
    """The line of the text form: printable whatever the words in it."""
    request = [outcome.client, outcome.key, outcome.method or "-", outcome.path or "-"]
    words = [*request, *_way(outcome), str(outcome.status), outcome.outcome]
    ending = [f"error={outcome.error_code}"] if outcome.error_code else []
    if outcome.why:
        ending.append(f"why: {outcome.why}")
    pieces = [shown(outcome.id), shown(" ".join(words)), _numbers(outcome)]
    return Pieces((*pieces, shown(" ".join(ending))) if ending else tuple(pieces), _OWN)


_OWN: Final = frozenset({0, 2})
"""The pieces of a line that are ours: the id and the numbers."""


def _numbers(outcome: Outcome) -> str:
    parts: list[str] = []
    if outcome.records:
        parts.append(f"attempts={len(outcome.records)}")
    if outcome.cache == "hit":
        parts.append("cache=hit")
    if outcome.wait_ms:
        parts.append(f"wait={outcome.wait_ms}ms")
    if outcome.first_token_ms is not None:
        parts.append(f"first={outcome.first_token_ms}ms")
    parts.append(f"total={outcome.total_ms}ms")
    if (usage := outcome.usage) is not None:
        parts.append(f"tokens={usage.prompt_tokens}+{usage.completion_tokens}")
    return " ".join(parts)


def _way(outcome: Outcome) -> list[str]:
    """From the model asked for over the one that answered to the account; nothing where none was asked for."""
    if outcome.model is None:
        return []
    renamed = outcome.asked is not None and outcome.asked.strip().casefold() != outcome.model.casefold()
    where = f"{outcome.provider}/{outcome.account}" if outcome.provider else "-"
    return [*([str(outcome.asked), "->"] if renamed else []), outcome.model or "-", "->", where]


def fields_of(outcome: Outcome) -> dict[str, Any]:
    """What the JSON form says of a request."""
    return {name: getattr(outcome, name) for name in _FIELDS}


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
        if isinstance(request, Outcome):
            fields |= fields_of(request)
            fields |= {name: ours.clean(fields[name]) for name in _WORDS if ours and fields[name]}
        else:
            fields["message"] = ours.clean_message() if ours else record.getMessage()
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
    return handler


def _on_stderr(form: str) -> logging.Handler:
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    handler.addFilter(one_line_each)
    return handler
