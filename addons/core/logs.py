"""Logging: one line a request, as text or JSON; never a secret, never a prompt."""

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

log = logging.getLogger("glassgate.request")

_PATTERNS = (
    re.compile(r"(?i)(authorization|cookie|set-cookie|x-api-key|proxy-authorization)(['\"]?\s*[:=]\s*)([^\r\n,}]+)"),
    re.compile(r"(?i)([?&](?:token|key|access_token|api_key|x5secdata)=)([^&\s\"']+)"),
    re.compile(r"(?i)\b(bearer\s+)([A-Za-z0-9._~+/-]{8,}=*)"),
)


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
        fields |= request if isinstance(request, dict) else {"message": record.getMessage()}
        if record.exc_info:
            fields["exception"] = record.exc_text or self.formatException(record.exc_info)  # Redact left it clean
        return json.dumps(fields, ensure_ascii=False, default=str)


class Redact(logging.Filter):
    """Masks secrets in whatever is logged: the literal values in use, and what looks like a credential."""

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        clean = self.clean(text)
        if clean != text:
            record.msg, record.args = clean, None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = self.clean(logging.Formatter().formatException(record.exc_info))
        return True

    def clean(self, text: str) -> str:
        """`text` without secrets."""
        for secret in self._secrets():
            if len(secret) >= 8 and secret in text:
                text = text.replace(secret, "[secret]")
        text = _PATTERNS[0].sub(r"\1\2[secret]", text)
        text = _PATTERNS[1].sub(r"\1[secret]", text)
        return _PATTERNS[2].sub(r"\1[secret]", text)


def setup_logging(level: str, form: str, secrets: Callable[[], Iterable[str]]) -> logging.Handler:
    """Our own handler on stderr for the `glassgate` loggers; gives it, so that it can be taken off again."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    handler.addFilter(Redact(secrets))
    logger = logging.getLogger("glassgate")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    for name in ("httpx", "httpcore"):  # they would log addresses and heads of every preparing call, cookies too
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler
