"""Outcome of a request, record of an attempt, and what is known of a request as it begins: frozen values.

Bodies stay where they are until somebody reads them: nothing is put together for nobody.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from mitmproxy import http

from addons.errors import GatewayError
from addons.exchange.attempt import Attempt
from addons.exchange.live_port import Underway
from addons.exchange.stage import Stage
from addons.words.shown import shown
from providers.contract.errors import ProviderError
from providers.contract.events import Usage
from providers.contract.requests import ModelRequest

WHY_LIMIT: Final = 300
SHORTEST_SENTENCE: Final = 30
"""A full stop before this, in characters, may be that of an abbreviation."""
_NEXT_SENTENCE: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """What is known of a request for a provider as it begins: it has come whole."""

    id: str
    key: str
    """The client key's name."""
    client: str
    """The address it came from."""
    method: str
    path: str
    dialect: str
    """The client format, by its name in addons/dialects/registry.py."""
    flow: http.HTTPFlow = field(repr=False, compare=False)
    progress: Underway = field(repr=False, compare=False)
    """How far it is, at any time until its end."""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What is known of one attempt at one account once it is over. Times in milliseconds."""

    request_id: str
    number: int
    """The first is 1."""
    model: str
    provider: str
    account: str
    error: ProviderError | None = None
    """Why it failed, if it did."""
    took_ms: int = 0
    """Since it was made; nothing where it could not even be."""
    first_token_ms: int | None = None
    """From the request's arrival, as is `ended_ms`."""
    ended_ms: int = 0
    dialect: str = ""
    """The client format."""
    attempt: Attempt | None = field(default=None, repr=False, compare=False)
    """The attempt itself, for what is read of its bodies; None where it failed while it was prepared."""
    flow: http.HTTPFlow | None = field(default=None, repr=False, compare=False)
    """The flow that shows this attempt alone: there where somebody may look and another attempt has gone out since."""
    client_body: bytes = field(default=b"", repr=False, compare=False)
    """The body the client sent, up to the cap. Secrets may stand in it."""
    request: ModelRequest | None = field(default=None, repr=False, compare=False)
    """What a model was asked."""
    usage: Usage | None = None
    """Its own tokens, be they told or counted; not those of an attempt before it, which a client is told with them."""

    @property
    def delivered(self) -> bytes:
        """What the client was sent of it, up to the cap. Secrets may stand in it."""
        return self.attempt.delivered if self.attempt is not None else b""


def record_of(
    request: tuple[str, str, float],
    number: int,
    about: tuple[str, str, str],
    now: float,
    error: ProviderError | None,
    attempt: Attempt | None,
) -> AttemptRecord:
    """The record of an attempt that is over.

    `request`: its id, its client format, and when it came; `about`: model, provider, account. Seconds, monotonic.
    """
    request_id, dialect, began = request
    model, provider, account = about
    first = attempt.report.first_token_at if attempt is not None else None
    return AttemptRecord(
        request_id,
        number,
        model,
        provider,
        account,
        error,
        took_ms=round(attempt.took_s * 1000) if attempt is not None else 0,
        first_token_ms=round((first - began) * 1000) if first is not None else None,
        ended_ms=round((now - began) * 1000),
        dialect=dialect,
        attempt=attempt,
        usage=attempt.reader.spent if attempt is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended that a provider or the gateway itself answered. Times in milliseconds."""

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
    records: tuple[AttemptRecord, ...] = ()
    """Of its attempts, in order."""
    first_token_ms: int | None = None
    """From the request's arrival."""
    total_ms: int = 0
    usage: Usage | None = None
    """As the client was told, or would have been."""
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
    dialect: str = ""
    """The client format; empty where no provider was to be asked, and of what was sent again."""
    error: GatewayError | None = field(default=None, repr=False, compare=False)
    """What the client was told in place of an answer, whole."""
    flow: http.HTTPFlow | None = field(default=None, repr=False, compare=False)
    client_body: bytes = field(default=b"", repr=False, compare=False)
    """The body the client sent, up to the cap. Secrets may stand in it."""
    request: ModelRequest | None = field(default=None, repr=False, compare=False)
    """What a model was asked; None where it was refused before it was read."""
    retry: int = 0
    """Which retry the client calls it (an SDK's count); 0 for a first request."""
    operation: str = ""
    """Which operation of the client's API it was (`Route.operation`); empty where no provider was to be asked."""
    identity: bytes | None = field(default=None, repr=False, compare=False)
    """The client key itself, as ClientKeys knows it."""
    uploaded_bytes: int = 0
    """Of a body that was passed on while it came, as far as it came; 0 for one that was read whole."""
    cache: Literal["", "hit", "miss"] = ""
    """Whether the answer was a kept one, which nothing was spent for; empty where none was looked for."""
    began: float = field(default=0.0, compare=False)
    """When it came, by the monotonic clock, as are the times of `trail`."""
    trail: Sequence[tuple[Stage, float]] = field(default=(), repr=False, compare=False)
    """When it entered each stage; empty where nobody traces requests."""
    received_bytes: int = 0
    """Of the client's body, uncompressed, as far as it was read here."""
    sent_bytes: int = 0
    """Of the answer's body."""
    replayed: bytes = field(default=b"", repr=False, compare=False)
    """The kept answer that the client was sent."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", shown(_first_sentence(self.why), WHY_LIMIT))

    @property
    def attempts(self) -> int:
        return len(self.records)

    @property
    def spent(self) -> Usage | None:
        """The tokens of all its attempts, those that failed too; a kept answer spends none."""
        found = None if self.records or self.cache == "hit" else self.usage
        for record in self.records:
            if record.usage is not None:
                found = record.usage if found is None else found.with_spent(record.usage)
        return found

    @property
    def prompt_tokens(self) -> int | None:
        return self.usage.prompt_tokens if self.usage is not None else None

    @property
    def completion_tokens(self) -> int | None:
        return self.usage.completion_tokens if self.usage is not None else None

    @property
    def last(self) -> AttemptRecord | None:
        """The newest attempt that was made: the request's flow shows it."""
        return next((record for record in reversed(self.records) if record.attempt is not None), None)

    @property
    def delivered(self) -> bytes:
        """What the client was sent of a provider's answer, up to the cap, or of a kept one. Secrets may stand in it."""
        return self.last.delivered if self.last is not None else self.replayed

    @property
    def client_request(self) -> str:
        return self.client_body.decode("utf-8", "replace")


def _first_sentence(text: str) -> str:
    end = _NEXT_SENTENCE.search(text, SHORTEST_SENTENCE)
    return text[: end.start()] if end else text
