"""Refusals and failures as a client is told them; each dialect has its own envelope for them.

    GatewayError                      status, message, code, field at fault, retry hints
      GatewayError.from_provider(…)   what a ProviderError means for the client (table below)

Never 401 for a provider's session (people would think their gateway key is wrong), never 408 or 409 (the SDKs repeat
those by themselves).
"""

import math
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from addons.words.commands import capture
from providers.contract.errors import ErrorKind, ProviderError
from providers.shared.retry_after import LONGEST_S

MESSAGE_LIMIT: Final = 500
END_MARK: Final = "[DONE]"
"""Many clients look for it anywhere in a line: an error that quotes it would end their answer as if it were whole."""
SHORT_WAIT_S: Final = 60.0
"""The longest time that the SDKs wait by themselves."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Line ends too: a message may end up in a log of ours or the client's, where it must not make lines of its own."""

_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}
_TOLD: Final[dict[ErrorKind, tuple[str, ...]]] = {
    ErrorKind.PROVIDER_DOWN: ("upstream_unreachable", "upstream_tls"),
    ErrorKind.BAD_REQUEST: ("previous_response_not_found",),
}
"""Codes that say more than the kind, and reach the client as they are: by these it asks in another way."""


class _Meaning(NamedTuple):
    status: int
    code: str
    retry: bool | None
    """x-should-retry: False where trying again cannot help, None where the client's own rule is right."""
    advice: str


_MEANINGS: Final[dict[ErrorKind, _Meaning]] = {
    ErrorKind.SESSION_EXPIRED: _Meaning(502, "provider_auth", False, "Sign in again at the provider"),
    ErrorKind.CHALLENGE: _Meaning(
        502,
        "provider_challenge",
        False,
        "Use the official API, or pass the check in your browser and store the session anew",
    ),
    ErrorKind.FORBIDDEN: _Meaning(
        403, "provider_forbidden", False, "Ask the provider what this account may do, or use another account or model."
    ),
    ErrorKind.RATE_LIMITED: _Meaning(429, "rate_limit_exceeded", None, "Wait a little, or add another account."),
    ErrorKind.QUOTA: _Meaning(
        429, "insufficient_quota", False, "Wait for the allowance to come back, top it up, or add another account."
    ),
    ErrorKind.ACCOUNT_BLOCKED: _Meaning(
        502, "provider_account_blocked", False, "The provider has closed this account: ask its support, or use another."
    ),
    ErrorKind.OUTDATED_CLIENT: _Meaning(
        502,
        "provider_outdated_client",
        False,
        "The site wants a newer client version; set it in config.yaml or update Glassgate.",
    ),
    ErrorKind.MODEL_UNAVAILABLE: _Meaning(404, "model_not_found", False, "GET /v1/models lists what is served."),
    ErrorKind.BAD_REQUEST: _Meaning(400, "invalid_request_error", False, ""),
    ErrorKind.NOT_FOUND: _Meaning(404, "not_found", False, ""),
    ErrorKind.TOO_LONG: _Meaning(400, "context_length_exceeded", False, "Shorten the conversation."),
    ErrorKind.CONTENT_FILTERED: _Meaning(403, "content_filter", False, "Change the content, or use another model."),
    ErrorKind.CONVERSATION_BUSY: _Meaning(503, "conversation_busy", None, "The conversation still runs; try again."),
    ErrorKind.CONVERSATION_GONE: _Meaning(502, "conversation_gone", None, "Try again: a new conversation is begun."),
    ErrorKind.MISCONFIGURED: _Meaning(502, "provider_misconfigured", False, ""),
    ErrorKind.GATEWAY_FULL: _Meaning(503, "gateway_full", None, "Try again in a moment."),
    ErrorKind.PROVIDER_DOWN: _Meaning(502, "upstream_error", None, ""),
    ErrorKind.INCOMPLETE: _Meaning(502, "upstream_eof", None, "The answer broke off before its end; try again."),
}


OVERLOAD_WAIT_S: Final = 5.0
"""For an overload that names no time: it passes, and a second's pause would not help."""
_OVERLOAD_ADVICE: Final = "Try again in a moment, or use another model."
_OVERLOAD_STATUSES: Final = (503, 529)
_OVERLOAD: Final = "overload"
_KEY_ADVICE: Final = "Check the key at the provider and store the right one"
_SENTENCE_ENDS: Final = ".!?…。！？"
_AGAIN: Final = "try again"


def _is_overload(error: ProviderError) -> bool:
    """Whether the provider has too much to do, as far as its status or its own code says so."""
    by_code = _OVERLOAD in (error.site_code or "").lower()
    return error.kind is ErrorKind.PROVIDER_DOWN and (by_code or error.status in _OVERLOAD_STATUSES)


def _advice(error: ProviderError, usual: str, way_in: str, way_back: str) -> str:
    """One sentence that fits: about a key where it is one, and not what the message says already."""
    if error.advised:
        return ""
    if error.kind is ErrorKind.SESSION_EXPIRED:
        what = _KEY_ADVICE if error.credential == "key" else usual
        return f"{what}: {way_in}" if way_in else f"{what}."  # nothing follows a line that is to be pasted
    if error.kind is ErrorKind.CHALLENGE:  # nobody signs in with a browser where a key is used
        return "" if error.credential == "key" else f"{usual}: {way_back}"
    return "" if _AGAIN in usual.lower() and _AGAIN in error.message.lower() else usual


def clean(message: str, limit: int = MESSAGE_LIMIT) -> str:
    """The message without control characters and end marks, at most `limit` characters, and always encodable."""
    start = message[: 4 * MESSAGE_LIMIT]  # control characters shrink to one space; what lies far behind is cut anyway
    text = _CONTROL.sub(" ", start).encode("utf-8", "replace").decode()
    text = text.replace(END_MARK, "[ DONE ]")
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


class GatewayError(Exception):
    """A refusal or failure as the client is told it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str | None = None,
        retry_after_s: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        self.message = clean(message)
        super().__init__(self.message)
        self.status = status
        self.code = code
        self.param = clean(param) if param else param
        self.type = type or _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry
        self.extra_headers: tuple[tuple[str, str], ...] = ()
        self.about: tuple[str, str, str] | None = None
        """The model, provider and account that the message is about, where it is about one."""
        self.prompt: tuple[int, int] | None = None
        """Of a conversation that is too long, where that is known: about how many tokens it has, and the most that the
        model takes."""
        self.asked = ""
        """The model in the client's words, where a refusal of the request's body still knew it."""
        self.key = ""
        """Whose request was refused, where the gate knew the client's key by then; for the log."""
        self.words = ""
        """What an API said, whole, of a request in the client's own form (providers/contract/errors.py)."""

    @classmethod
    def from_provider(cls, error: ProviderError, provider: str, account: str, way_in: str = "") -> "GatewayError":
        """What the provider's refusal means for the client. The message names provider and account.

        `way_in` is the command that stores another session of the account (addons/accounts/way_in.py). After a check
        for humans only the person's own browser helps: trying again, or signing in by program, is what the site has
        just refused.
        """
        meaning = _MEANINGS[error.kind]
        prefix = f"[{provider}/{account}]"
        overload = _is_overload(error)
        usual = _OVERLOAD_ADVICE if overload else meaning.advice
        advice = _advice(error, usual, way_in, capture(provider, account))
        # A provider's long words are cut, not what to do next.
        room = MESSAGE_LIMIT - len(prefix) - len(advice) - 2
        said = clean(error.message.strip(), room)
        if advice and said and said[-1] not in _SENTENCE_ENDS and len(said) < room:
            said += "."
        message = " ".join(part for part in (prefix, said, advice) if part)
        status, code = meaning.status, meaning.code
        if error.status == 504 or (error.kind is ErrorKind.PROVIDER_DOWN and error.site_code == "timeout"):
            status, code = 504, "upstream_timeout"
        elif error.kind is ErrorKind.PROVIDER_DOWN and error.site_code == "shutting_down":
            status, code = 503, error.site_code
        elif error.site_code in _TOLD.get(error.kind, ()):
            code = error.site_code
        elif error.kind is ErrorKind.MISCONFIGURED and error.site_code in ("web_page", "redirect"):
            code = "upstream_error"  # these may as well be the provider's own doing
        found = cls(
            status,
            message,
            code=code,
            param="model" if error.kind is ErrorKind.MODEL_UNAVAILABLE else error.param,
            retry_after_s=OVERLOAD_WAIT_S if overload and error.retry_after_s is None else error.retry_after_s,
            should_retry=meaning.retry,
        )
        found.words = error.words
        return found

    def cleaned(self, words: Callable[[str], str]) -> "GatewayError":
        """The same error, its words through `words`: a client may have put its key where a refusal repeats it."""
        self.message = words(self.message)
        self.args = (self.message,)
        self.words = words(self.words) if self.words else ""
        self.param = words(self.param) if self.param else self.param
        return self

    def headers(self) -> list[tuple[str, str]]:
        """Retry hints, which agree (no short wait is named where waiting so long cannot help), and the error's own."""
        found: list[tuple[str, str]] = []
        wait_s = self.retry_after_s if self.retry_after_s is not None and self.retry_after_s > 0 else None  # nor NaN
        if wait_s is not None and (self.should_retry is not False or wait_s > SHORT_WAIT_S):
            wait_s = min(wait_s, LONGEST_S)
            found.append(("retry-after", str(math.ceil(wait_s))))
            found.append(("retry-after-ms", str(math.ceil(wait_s * 1000))))
        if self.should_retry is not None:
            found.append(("x-should-retry", "true" if self.should_retry else "false"))
        return [*found, *self.extra_headers]


def shutting_down() -> GatewayError:
    """What requests are told that come, or still run, when the gateway ends."""
    message = "the gateway is shutting down; try again when it runs again"
    return GatewayError(503, message, code="shutting_down", retry_after_s=5)
