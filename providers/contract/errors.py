"""The errors of providers, in one vocabulary for all of them.

    ProviderError(kind, message)        raised by steps, carried by the Failure event of a decoder

The wire layer alone turns a ProviderError into HTTP (addons/errors.py). `message` is written for the person who
sent the request: what happened, whose fault, what to do next. It never holds a secret or a signed link.
"""

from enum import StrEnum
from typing import Literal


class ErrorKind(StrEnum):
    """The kind of a provider's error: what the gateway decides by."""

    SESSION_EXPIRED = "session_expired"
    """The site no longer knows the session: sign in again."""
    CHALLENGE = "challenge"
    """The site wants a human: open it in a browser. Never retried by program."""
    RATE_LIMITED = "rate_limited"
    """Too fast or too many at once; `retry_after_s` when the site names a time."""
    QUOTA = "quota"
    """The account's allowance is used up (for the day, the plan, the balance)."""
    ACCOUNT_BLOCKED = "account_blocked"
    """The site has closed or locked the account; nothing a program does changes that."""
    OUTDATED_CLIENT = "outdated_client"
    """The site wants a newer client version or another signature than the one sent."""
    FORBIDDEN = "forbidden"
    """The site knows the account and does not let it do this (its country, plan, project); no new session helps."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """The site or the account does not have this model."""
    BAD_REQUEST = "bad_request"
    """The site refuses the request as it stands; another account would refuse it too."""
    NOT_FOUND = "not_found"
    """The account has not what the request names by its id (a file, a batch), or not any more."""
    TOO_LONG = "too_long"
    CONTENT_FILTERED = "content_filtered"
    CONVERSATION_BUSY = "conversation_busy"
    CONVERSATION_GONE = "conversation_gone"
    MISCONFIGURED = "misconfigured"
    """The provider's entry in config.yaml does not fit what is there (an address that is none of the API's): neither
    the provider's fault nor the request's, and no trying again mends it."""
    GATEWAY_FULL = "gateway_full"
    """The gateway itself cannot make the call now (it may open no more files): says nothing of provider or account."""
    PROVIDER_DOWN = "provider_down"
    """A fault on the provider's side (5xx, internal error, nonsense instead of an answer)."""
    INCOMPLETE = "incomplete"
    """The answer stopped without the provider's end mark."""


class ProviderError(Exception):
    """One refusal or fault of a provider."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        site_code: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
        param: str | None = None,
        scope: Literal["account", "model"] = "account",
        credential: Literal["session", "key"] = "session",
        refused: frozenset[str] = frozenset(),
        advised: bool = False,
        words: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.site_code = site_code
        """The provider's own code for it, when it gave one (a short word or number; never free text)."""
        self.status = status
        """The provider's HTTP status, when the error came as one."""
        self.retry_after_s = retry_after_s
        self.param = param
        """The field of the client's request at fault, where that is known."""
        self.scope = scope
        """What a limit holds for: the whole account, or this model of it alone."""
        self.credential = credential
        """What the site was shown: a person's session, or the key of an official API."""
        self.refused = refused
        """Fields of the request that the adapter put into it and the site refuses."""
        self.model = ""
        """The public id of the model that was asked, where the refusal is of a chat."""
        self.advised = advised
        """The message says already what to do next."""
        self.words = words
        """What the API itself said, whole, of a request that it refuses in the client's own form: programs that speak
        this form act on the wording. Empty for all else."""

    def __repr__(self) -> str:
        return f"ProviderError({self.kind.value}, {self.message!r}, site_code={self.site_code!r})"
