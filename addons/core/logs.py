"""Logging: one line a request, as text or JSON; never a secret, never a prompt."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from addons.core.shown import json_line, shown, shown_lines

log = logging.getLogger("glassgate.request")

HEALTH_PATH: Final = "/healthz"
"""Asked every few seconds by whoever watches the gateway: told at level DEBUG only."""
WHY_LIMIT: Final = 300
SHORTEST_SENTENCE: Final = 30
"""A full stop before this, in characters, may be that of an abbreviation."""
_NEXT_SENTENCE: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_WORDS: Final = ("path", "asked", "model", "why")
"""Fields of a request that hold words of clients and providers."""

_PATTERNS = (
    re.compile(r"(?i)(authorization|cookie|set-cookie|x-api-key|proxy-authorization)(['\"]?\s*[:=]\s*)([^\r\n,}]+)"),
    re.compile(r"(?i)([?&](?:token|key|access_token|api_key|x5secdata)=)([^&\s\"']+)"),
    re.compile(r"(?i)\b(bearer\s+)([A-Za-z0-9._~+/-]{8,}=*)"),
)


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
    """The model that answered, or was asked last; without any attempt the one asked for."""
    provider: str | None = None
    account: str | None = None
    attempts: int = 0
    first_token_ms: int | None = None
    """From the request's arrival."""
    total_ms: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    outcome: str = "ok"
    """ok, refused, failed, broken_off (after some of the answer was delivered) or client_left."""
    error_code: str | None = None
    """As the client got it, be it in an answer or in the last frame of a stream."""
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
        if self.status >= 500 or self.outcome == "broken_off":
            level = logging.WARNING
        else:
            level = logging.INFO if self.path != HEALTH_PATH or self.outcome != "ok" else logging.DEBUG
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
    """One JSON object a line. `clean` takes secrets out of words that others have said."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
        }
        request = getattr(record, "request", None)
        if isinstance(request, RequestLog):
            fields |= asdict(request)
            fields |= {name: self._clean(fields[name]) for name in _WORDS if fields[name]}
        else:
            fields["message"] = record.getMessage()
        if record.exc_info:
            fields["exception"] = record.exc_text or self.formatException(record.exc_info)  # Redact left it clean
        return json_line(fields)


class TextFormatter(logging.Formatter):
    """One line a record; what is longer (a traceback) goes on indented. Nothing in it moves a terminal's cursor."""

    def format(self, record: logging.LogRecord) -> str:
        return shown_lines(super().format(record))


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


def one_line_each(record: logging.LogRecord) -> bool:
    """Words put into a message of ours make no lines of their own; the message itself may have several."""
    if isinstance(record.args, tuple):
        record.args = tuple(shown(word) if isinstance(word, str) else word for word in record.args)
    return True


def setup_logging(level: str, form: str, secrets: Callable[[], Iterable[str]]) -> logging.Handler:
    """Our own handler on stderr for the `glassgate` loggers; gives it, so that it can be taken off again."""
    handler = logging.StreamHandler()
    text = TextFormatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    redact = Redact(secrets)
    handler.setFormatter(JsonFormatter(redact.clean) if form == "json" else text)
    handler.addFilter(redact)
    handler.addFilter(one_line_each)
    logger = logging.getLogger("glassgate")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log the address of every preparing call
    return handler
