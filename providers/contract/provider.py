"""The contract between the gateway and a provider: who it is, its models, its operations, its sign-in. Sans-IO.

A provider builds requests and decodes bytes. It opens no socket, reads no clock, draws no randomness, and knows
nothing of mitmproxy, the vault or the client's format. Its parts:

    Provider           identity, options, models, how an account's secrets are read
    operations         kind of request → Operation, which makes a Turn for each try (operation.py)
    sign_in            where sessions come from and how they are kept alive (sign_in.py)

Secrets: a provider never builds a request with a real secret. `session.seal("token")` gives a value that names it
(sealed.py); the gateway opens it on the wire, for that account's own calls alone. Only `read_session` and the reading
of exchanges in `sign_in` see the values themselves. Whatever a site hands out to be sent back (ids, tokens, addresses)
is checked where it is read: given.py.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import field_validator

from providers.contract.call import origin_of
from providers.contract.operation import Operation, Serving
from providers.contract.price import Price
from providers.contract.requests import ModelRequest
from providers.contract.session import Credentials, Session
from providers.contract.sign_in import SignIn
from providers.contract.steps import Moment, Steps
from providers.contract.uploads import Uploads
from providers.contract.written import Written, better

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


type Taken = Literal["file", "audio", "video"]
"""Documents, sounds, videos, in OpenRouter's words."""
TAKEN: Final[tuple[Taken, ...]] = get_args(Taken.__value__)


@dataclass(frozen=True, slots=True)
class Model:
    """A public model id and what it can do. `thinking`/`search`: True always on, False off, None as the client asks.

    `vision` None and `tools` "unknown": an official API has not said; nothing is refused for it. "off" is told of
    a model whose "emulated" ones are switched off in config.yaml.
    """

    id: str
    site_id: str
    thinking: bool | None = None
    search: bool | None = None
    vision: bool | None = False
    takes: tuple[Taken, ...] = ()
    """What it is known to be shown beside words and pictures."""
    tools: Literal["native", "emulated", "off", "none", "unknown"] = "none"
    context_length: int | None = None
    owned_by: str = ""
    created: int = 0
    variant: bool = False
    """A name with a suffix, for a switch of another model of the list."""
    draws_as: str = ""
    """The public id of the model that makes pictures where this one is asked for some, often its own; empty: none."""
    makes: str = ""
    """What its answers are, where they are neither words of a chat nor pictures: embeddings, rerank, speech,
    transcription, moderation."""
    price: Price | None = None
    """What the provider asks for its tokens; None: not known."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """What its answers can be, in OpenRouter's words."""
        if self.makes:
            return (self.makes,)
        return ("image",) if self.draws_as == self.id else ("text", "image") if self.draws_as else ("text",)


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


_CALLS: Final = (
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/responses",
    "/images/generations",
    "/images/edits",
    "/images/variations",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/moderations",
    "/rerank",
    "/files",
    "/batches",
)
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
    web_session: ClassVar[bool] = True
    """True for a site used with a person's session, False for an official API used with a key."""
    gives_several: bool = False
    """Gives as many answers (`n`) as a request asks for. Others are asked once for each."""
    meets_checks: ClassVar[bool] = False
    """The site is known to ask programs for a check for humans these days, whatever session they show."""

    intercepts_tools: ClassVar[bool] = False
    """The site takes a model's call of a common tool's name for one of its own: tools are told under other names."""

    operations: Mapping[type[ModelRequest], Operation[Any]]
    """Kind of request → how it is served. Set by the provider's `__init__`."""
    sign_in: SignIn
    uploads: Uploads | None = None
    """How files get to the site; None where only words do."""

    def __init__(self, name: str, options: O) -> None:
        self.name = name
        self.options = options
        self.sign_in = SignIn(options.base_url)

    @classmethod
    def session_of_line(cls, line: str) -> tuple[str, dict[str, str]] | None:
        """The value that signs in, and all cookies, of a session that a person keeps as one line of a file.

        None when the line holds none; also where the provider knows no such form.
        """
        return None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Credentials | None:
        """A session that environment variables of the provider's own hold; None without one."""
        return None

    def origins(self) -> frozenset[str]:
        """The only places a Call of this provider may go to, as `scheme://host:port`."""
        return frozenset({origin_of(self.options.base_url)})

    def upload_origins(self) -> frozenset[str]:
        """Other places that files may be sent to or fetched from, in the same form: https, or where `base_url` is
        loopback that very place. A fixed list: whatever a site names is held against it, and no secret of a session
        goes there."""
        return frozenset()

    def doubts(self) -> tuple[str, ...]:
        """What in its settings can hardly be right, with what to change; a sentence each."""
        return ()

    @abstractmethod
    def models(self) -> Mapping[str, Model]:
        """Public id → model: the built-in list, joined with what `list_models` learnt of the live site."""

    def list_models(self, session: Session, moment: Moment) -> Steps[None] | None:
        """Steps that ask the site for its models and remember them; None where there is nothing to ask."""
        return None

    @abstractmethod
    def read_session(self, account: str, credentials: Credentials) -> Session:
        """The provider's view of an account's secrets. Raises ProviderError(SESSION_EXPIRED) when they cannot serve."""

    def serving(self, request: ModelRequest) -> Serving[Any] | None:
        """The operation for a request, and the request as that takes it; None where the provider has none for it."""
        asked: ModelRequest | None = request
        while asked is not None:
            if (operation := self.operations.get(type(asked))) is not None:
                return Serving(operation, asked)
            asked = asked.instead()
        return None


type AnyProvider = Provider[ProviderOptions]
