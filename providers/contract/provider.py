"""The contract between the gateway and a provider. Providers are sans-IO.

A provider builds requests and decodes bytes. It opens no socket, reads no clock, draws no randomness, and knows
nothing of mitmproxy, the vault or the client's format. What must happen over the network before the chat call is
written as *steps*: a generator that yields a Call, is sent the Answer, and returns its result. The gateway runs it.

Secrets: a provider never builds a request with a real secret. `session.seal("token")` gives a value that names it
(providers/contract/sealed.py); the gateway opens it on the wire, for that account's own calls alone. Only
`read_session` sees the values themselves.

Whatever a site hands out to be sent back (ids, tokens, addresses) is checked where it is read:
providers/contract/given.py.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol, Self
from urllib.parse import urlsplit

from pydantic import field_validator

from providers.contract.call import Call, origin_of
from providers.contract.chat import ChatRequest
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event
from providers.contract.session import Credentials, Identity, ObservedExchange, Session, SessionUpdate
from providers.contract.written import Written, better
from providers.formats.jsontext import INVALID, loads

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to a step. Header names are lower case; `set_cookies` are the raw Set-Cookie values."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    set_cookies: tuple[str, ...] = ()
    at_ms: int = 0
    """When it had come, in Unix milliseconds."""


type Steps[T] = Generator[Call, Answer, T]


@dataclass(frozen=True, slots=True)
class Moment:
    """The time and the randomness a provider may use, passed in so that tests can fix them."""

    epoch_ms: int
    new_id: Callable[[], str]
    """A fresh UUID4 in its usual text form."""
    timezone: str = "UTC"
    """IANA name of the person's time zone."""
    came_ms: int = 0
    """When the client's request came in, where the moment is of one."""


@dataclass(frozen=True, slots=True)
class Model:
    """A public model id and what it can do. `thinking`/`search`: True always on, False off, None as the client asks.

    `vision` None and `tools` "unknown": an official API has not said; nothing is refused for it.
    """

    id: str
    site_id: str
    thinking: bool | None = None
    search: bool | None = None
    vision: bool | None = False
    tools: Literal["native", "emulated", "none", "unknown"] = "none"
    context_length: int | None = None
    owned_by: str = ""
    created: int = 0
    variant: bool = False
    """A name with a suffix, for a switch of another model of the list."""


class Decoder(Protocol):
    """Turns the provider's bytes into events. Never raises on odd input; ends in exactly one terminal event.

    The events' joined content is the same however the bytes were cut. After the terminal event, both methods give [].
    """

    @property
    def ended(self) -> bool:
        """Whether all of the answer was said, and only token counts or the end mark may follow.

        Such an answer is whole, however its connection ends or lingers: `close` then gives the Finish. A decoder that
        cannot know leaves it at False.
        """
        return False

    def feed(self, data: bytes) -> list[Event]: ...

    def close(self) -> list[Event]:
        """Nothing more comes, or is waited for: whatever is still held back, and the terminal event if none came."""
        ...


class ProviderOptions(Written):
    """A provider's keys in config.yaml besides the gateway's own (type, accounts, proxy …)."""

    base_url: str

    @field_validator("base_url")
    @classmethod
    def _origin_is_safe(cls, value: str) -> str:
        return checked_url(value)


def checked_url(value: str) -> str:
    """The URL without a trailing slash. Raises ValueError unless https, or http on loopback."""
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise better("must be an absolute https:// address", _with_scheme(value))
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError("http:// is allowed for loopback addresses only; use https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment")
    _ = parts.port  # raises ValueError on a bad port
    base = value.rstrip("/")
    for end in _CALLS:
        if base.endswith(end):
            raise better(f"must be the address without {end}, which is added to it", base.removesuffix(end))
    return base


_CALLS: Final = ("/chat/completions", "/completions", "/embeddings", "/responses")
"""Ends of the addresses that documentation shows to be called."""
_BARE: Final = re.compile(r"(?:[a-z0-9-]{1,63}\.){0,8}[a-z0-9-]{1,63}(?::\d{1,5})?(?:/[\w./-]{0,100})?", re.ASCII)


def _with_scheme(value: str) -> str:
    """The address as it was meant, where that is plain; else empty."""
    bare = value.removeprefix("//")
    host = bare.partition("/")[0].partition(":")[0].lower()
    if not _BARE.fullmatch(bare.lower()) or ("." not in host and host != "localhost"):
        return ""
    return f"{'http' if host in LOOPBACK_HOSTS else 'https'}://{bare}"


class Provider[O: ProviderOptions](ABC):
    """One site or API. An instance may keep what it learnt of the site (client version, live models), no secrets."""

    type_name: ClassVar[str]
    Options: ClassVar[type[ProviderOptions]]
    native: ClassVar[frozenset[str] | None]
    """Request fields the provider carries itself, by ChatRequest or OpenAI name; None: all of them (official APIs)."""
    web_session: ClassVar[bool] = True
    """True for a site used with a person's session, False for an official API used with a key."""
    meets_checks: ClassVar[bool] = False
    """The site is known to ask programs for a check for humans these days, whatever session they show."""

    completes: bool = False
    """Takes raw prompts (ChatRequest.completion) as such."""

    def __init__(self, name: str, options: O) -> None:
        self.name = name
        self.options = options

    @classmethod
    def configured(cls, name: str, options: O) -> Self:
        return cls(name, options)

    @classmethod
    def session_of_line(cls, line: str) -> tuple[str, dict[str, str]] | None:
        """The value that signs in, and all cookies, of a session that a person keeps as one line of a file.

        None when the line holds none; also where the provider knows no such form.
        """
        return None

    def origins(self) -> frozenset[str]:
        """The only places a Call of this provider may go to, as `scheme://host:port`."""
        return frozenset({origin_of(self.options.base_url)})

    def doubts(self) -> tuple[str, ...]:
        """What in its settings can hardly be right, with what to change; a sentence each."""
        return ()

    # -- models ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def models(self) -> Mapping[str, Model]:
        """Public id → model: the built-in list, joined with what `list_models` learnt of the live site."""

    def list_models(self, session: Session, moment: Moment) -> Steps[None] | None:
        """Steps that ask the site for its models and remember them; None where there is nothing to ask."""
        return None

    # -- a chat ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def read_session(self, account: str, material: Credentials) -> Session:
        """The provider's view of an account's secrets. Raises ProviderError(SESSION_EXPIRED) when they cannot serve."""

    def prepare(self, chat: ChatRequest, session: Session, moment: Moment) -> Steps[object] | None:
        """What to do before the chat call (create a chat, …). The result is handed to `build`. None: nothing."""
        return None

    @abstractmethod
    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        """The chat call itself. Raises ProviderError(BAD_REQUEST) when the chat cannot be said to this provider."""

    @abstractmethod
    def decoder(self, chat: ChatRequest, prepared: object) -> Decoder:
        """A fresh decoder for one answer with a 2xx status and an event stream (or the JSON asked for)."""

    @abstractmethod
    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The meaning of a refusal: any answer that is not what `decoder` reads (bad status, JSON or HTML in a 200)."""

    @abstractmethod
    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        """True when status and content type say that `decoder` can read the body; otherwise `classify` gets it."""

    def recover(self, error: ProviderError, session: Session, moment: Moment) -> Steps[None] | None:
        """Steps after which the same call may work (a fresh client version …), or None. Run once a request.

        `moment` is when the refused call was made. One recovery of a provider for a kind of error runs at a time, so
        what an earlier one learnt after the request came in need not be learnt again.
        """
        return None

    def buffers(self, chat: ChatRequest) -> bool:
        """True where the site says nothing until its answer is whole, so that the client is kept waiting visibly."""
        return False

    def cancel_call(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call | None:
        """The site's own stop call for an answer the client left, or None."""
        return None

    def cleanup(self, session: Session, prepared: object, moment: Moment) -> Call | None:
        """The call that removes what `prepare` made at the site (a chat), or None. Only where the person wants it."""
        return None

    # -- sessions -------------------------------------------------------------------------------------------------
    rotating_cookies: ClassVar[frozenset[str]] = frozenset()
    """Cookies whose new value, handed out with any answer, belongs into the vault."""
    renew_before_s: ClassVar[int] = 120
    """A session that ends within this time is renewed before use."""
    renew_every_s: ClassVar[int | None] = None
    """A session that says no end is renewed when it was stored longer ago than this; None: when the site refuses it."""

    def identify(self, session: Session, moment: Moment) -> Steps[Identity] | None:
        """Steps that ask the site whose session it is. They raise ProviderError(SESSION_EXPIRED) for a dead one."""
        return None

    def refresh(self, session: Session, moment: Moment) -> Steps[SessionUpdate] | None:
        """Steps that renew the session, or None where it holds nothing to renew it with.

        They raise ProviderError(SESSION_EXPIRED) when the site does not renew it any more. Signing in again with a kept
        password is `sign_in`; the gateway tries that itself.
        """
        return None

    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        """The new secrets in `cookies` (those of `rotating_cookies`) that some answer set; None to pass them over."""
        return SessionUpdate(None, cookies)

    def sign_in(self, session: Session, moment: Moment) -> Steps[SessionUpdate] | None:
        """Steps that sign in with the secrets `email` and `password` (or `password_sha256`) of `session`.

        None where the site does not let programs in (a challenge at the door), or the secrets are not there. They raise
        ProviderError: SESSION_EXPIRED for a wrong password, CHALLENGE when the site wants a human.
        """
        return None

    def sign_in_page(self) -> str:
        """Where the person signs in with a browser."""
        return self.options.base_url

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        """What an exchange of the person's own browser with one of our origins shows of a signed-in session.

        None for an exchange that shows nothing, or a guest. What several show is merged, the newest value wins.
        """
        return None

    def missing(self, material: Credentials) -> tuple[str, ...]:
        """What Credentials out of exchanges still lack to serve, in words for the person; empty when they are whole."""
        return ()


def json_or_none(body: bytes) -> object:
    """The JSON value of a body, or None when it is none, or too much. Never raises."""
    value = loads(body)
    return None if value is INVALID else value


__all__ = [
    "LOOPBACK_HOSTS",
    "Answer",
    "Call",
    "Credentials",
    "Decoder",
    "ErrorKind",
    "Identity",
    "Model",
    "Moment",
    "ObservedExchange",
    "Provider",
    "ProviderOptions",
    "Session",
    "SessionUpdate",
    "Steps",
    "checked_url",
    "json_or_none",
    "origin_of",
]
