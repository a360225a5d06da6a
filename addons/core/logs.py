"""Logging: one line a request, as text or JSON; never a secret (addons/cleaning/log_records.py), never a prompt."""

import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from addons.cleaning.log_records import CleanRecord

log = logging.getLogger("glassgate.request")


@dataclass(slots=True)
class RequestLog:
    """What is told of one request. Times in milliseconds from the request's arrival."""

    id: str
    key: str
    path: str
    status: int
    model: str | None = None
    provider: str | None = None
    account: str | None = None
    attempts: int = 0
    first_token_ms: int | None = None
    total_ms: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    outcome: str = "ok"
    """ok, refused, failed, broken_off (after some of the answer was delivered) or client_left."""
    error_code: str | None = None

    def line(self) -> str:
        """The line of the text form."""
        where = f"{self.provider}/{self.account}" if self.provider else "-"
        parts = [f"{self.id} {self.key} {self.model or self.path} -> {where} {self.status} {self.outcome}"]
        if self.attempts:
            parts.append(f"attempts={self.attempts}")
        if self.first_token_ms is not None:
            parts.append(f"first={self.first_token_ms}ms")
        parts.append(f"total={self.total_ms}ms")
        if self.completion_tokens is not None:
            parts.append(f"tokens={self.prompt_tokens}+{self.completion_tokens}")
        if self.error_code:
            parts.append(f"error={self.error_code}")
        return " ".join(parts)

    def emit(self) -> None:
        level = logging.INFO if self.status < 500 else logging.WARNING
        if log.isEnabledFor(level):
            log.log(level, "%s", self.line(), extra={"request": asdict(self)})


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
        }
        request = getattr(record, "request", None)
        if not isinstance(record, CleanRecord):
            fields["message"] = record.getMessage()
            return json.dumps(fields, default=str)
        if isinstance(request, dict):
            fields |= {k: record.clean(value) if isinstance(value, str) else value for k, value in request.items()}
        else:
            fields["message"] = record.said()
        if trace := record.trace():
            fields["exception"] = trace
        return json.dumps(fields, ensure_ascii=False, default=str)


def setup_logging(level: str, form: str) -> logging.Handler:
    """Our own handler on stderr for the `glassgate` loggers; gives it, so that it can be taken off again."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    logger = logging.getLogger("glassgate")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    for name in ("httpx", "httpcore"):  # they would log the address and the head of every preparing call
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler
