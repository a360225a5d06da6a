"""K2Think's web chat (www.k2think.ai), used with the person's own session. Experimental.

A stream is asked for, and a whole answer read where the site gives one. `stream: false` asks for a whole answer, which
public clients have proven most; the gateway keeps the client's stream alive meanwhile.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import Field

from providers.contract.chat import ChatRequest
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import person_id, words
from providers.contract.provider import (
    Call,
    Credentials,
    Identity,
    Model,
    Moment,
    ObservedExchange,
    Provider,
    ProviderOptions,
    Session,
    SessionUpdate,
    Steps,
)
from providers.contract.sealed import Value
from providers.formats.jsontext import dumps, loads, mapping, text
from providers.formats.jwt import claims, ends_at
from providers.k2think import data
from providers.k2think.captured_session import extract, missing
from providers.k2think.decoder import K2ThinkDecoder
from providers.k2think.errors import refusal
from providers.k2think.models import LiveModel, catalogue, read_live
from providers.k2think.sign_in import sign_in

TOKEN_NAMES: Final = ("token", "cookie:token")
"""Where the token may be kept: as such, or as the cookie of that name."""
_ANSWERS: Final = ("application/json", "text/event-stream")


class K2ThinkOptions(ProviderOptions):
    """K2Think's keys in config.yaml. The defaults are those of k2think/data.py."""

    base_url: str = data.BASE_URL
    stream: bool = True
    """Ask the site for a stream; else for a whole answer."""
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Put over the page's headers; an empty value takes one away."""
    model_ids: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """Public id → the site's id, or several to try; put over the built-in ones."""


class K2Think(Provider[K2ThinkOptions]):
    type_name: ClassVar[str] = "k2think"
    Options: ClassVar[type[ProviderOptions]] = K2ThinkOptions
    native: ClassVar[frozenset[str] | None] = frozenset({"temperature", "max_tokens"})
    web_session: ClassVar[bool] = True

    rotating_cookies = frozenset({"token"})

    def __init__(self, name: str, options: K2ThinkOptions) -> None:
        super().__init__(name, options)
        given = {public: (ids,) if isinstance(ids, str) else tuple(ids) for public, ids in options.model_ids.items()}
        self._known = {**data.MODELS, **{public: ids for public, ids in given.items() if ids}}
        self._headers = {**data.HEADERS, **{key.lower(): value for key, value in options.headers.items()}}
        self._catalogue = catalogue(self._known, ())

    # -- models ---------------------------------------------------------------------------------------------------
    def models(self) -> Mapping[str, Model]:
        return self._catalogue

    def list_models(self, session: Session, moment: Moment) -> Steps[None]:
        self._learn((yield from self._ask_models(session)))

    def _ask_models(self, session: Session) -> Steps[Sequence[LiveModel]]:
        answer = yield self._call("GET", data.MODELS_PATH, session)
        live = read_live(loads(answer.body)) if answer.status == 200 else None
        if live is None:
            raise refusal(answer.status, answer.headers, answer.body)
        return live

    def _learn(self, live: Sequence[LiveModel]) -> None:
        self._catalogue = catalogue(self._known, live)

    # -- a chat ---------------------------------------------------------------------------------------------------
    def read_session(self, account: str, material: Credentials) -> Session:
        """The token stands as such or as the cookie `token`; it says itself until when it is good, if it says so."""
        found = claims(material.token or material.cookies.get("token") or "")
        if found is None:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                f"The stored K2Think session has no token of the site's (a JWT, it begins with eyJ). Sign in at "
                f"{data.BASE_URL} in your browser and store the value of the cookie or localStorage key `token`.",
            )
        names = tuple(name for name, value in material.values().items() if value)
        facts = {"user_id": person_id(found.get("id")), "email": words(found.get("email"))}
        return Session(self.name, account, names, facts, expires_at=ends_at(found) or material.expires_at)

    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        """Just what live tests proved in 2026: no chat is created first, the page's other fields are left out."""
        model = self._catalogue.get(chat.model)
        if model is None:
            message = f"K2Think has no model {chat.model[:100]!r}."
            raise ProviderError(ErrorKind.MODEL_UNAVAILABLE, message, param="model")
        messages = [
            {"role": "system" if message.role == "developer" else message.role, "content": message.text()}
            for message in chat.messages
        ]
        body: dict[str, Any] = {"stream": self.options.stream, "model": model.site_id, "messages": messages}
        if chat.temperature is not None:
            body["temperature"] = chat.temperature
        if chat.max_tokens is not None:
            body["max_tokens"] = chat.max_tokens
        return self._call("POST", data.CHAT_PATH, session, dumps(body), stream=self.options.stream)

    def decoder(self, chat: ChatRequest, prepared: object) -> K2ThinkDecoder:
        # A limit of tokens is kept by counting what is told, so with one nothing may be told twice.
        return K2ThinkDecoder(eager=chat.stream and chat.max_tokens is None)

    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        """JSON or a stream, whichever was asked for: the decoder tells them apart."""
        return status == 200 and headers.get("content-type", "").strip().lower().startswith(_ANSWERS)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, headers, body)

    def recover(self, error: ProviderError, session: Session, moment: Moment) -> Steps[None] | None:
        """A model that is not there: the site's list may know its new name."""
        return self._learn_names(error, session) if error.kind is ErrorKind.MODEL_UNAVAILABLE else None

    def _learn_names(self, error: ProviderError, session: Session) -> Steps[None]:
        """Reads the site's list of models. Raises the error again when that changes no name."""
        before = {public: self._catalogue[public].site_id for public in self._known}
        self._learn((yield from self._ask_models(session)))
        if before == {public: self._catalogue[public].site_id for public in self._known}:
            raise error

    def buffers(self, chat: ChatRequest) -> bool:
        return not self.options.stream

    # -- sessions -------------------------------------------------------------------------------------------------
    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        """The token renews whichever place it is kept in; another person's (read_session tells) is refused later."""
        token = cookies.get("token", "")
        if claims(token) is None:
            return None
        kept = {"token": token} if session.has("cookie:token") else {}
        return SessionUpdate(token if session.has("token") else None, kept)

    def sign_in(self, session: Session, moment: Moment) -> Steps[SessionUpdate] | None:
        if not session.has("email") or not session.has("password"):
            return None
        headers = session.as_browser(self._headers) | {"accept": "application/json"}
        if cookies := session.cookie_header(without=("token",)):
            headers["cookie"] = cookies
        return sign_in(session, self.options.base_url, headers, moment)

    def sign_in_page(self) -> str:
        return f"{self.options.base_url}/auth?mode=signin"

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, material: Credentials) -> tuple[str, ...]:
        return missing(material)

    def identify(self, session: Session, moment: Moment) -> Steps[Identity]:
        """Open WebUI's own call; where the site lacks it, a list of models shows that the token is good."""
        answer = yield self._call("GET", data.WHO_PATH, session)
        who = mapping(loads(answer.body))
        if answer.status == 200 and (user_id := text(who.get("id"))):
            return Identity(user_id, text(who.get("name")), text(who.get("email")))
        if answer.status in (401, 403):
            raise refusal(answer.status, answer.headers, answer.body)
        yield from self._ask_models(session)
        return Identity(session.facts.get("user_id", ""), email=session.facts.get("email", ""))

    def _call(self, method: str, path: str, session: Session, body: bytes = b"", *, stream: bool = False) -> Call:
        name = next(name for name in TOKEN_NAMES if session.has(name))
        accept = "text/event-stream,application/json" if stream else "application/json"
        named: dict[str, Value] = {"accept": accept, **self._headers, "authorization": "Bearer " + session.seal(name)}
        named = session.as_browser(named)
        if cookies := session.cookie_header():  # those of the edge, which belong to the browser
            named["cookie"] = cookies
        if not body:
            named.pop("content-type", None)
        headers = tuple((header, value) for header, value in named.items() if value)
        return Call(method, self.options.base_url + path, headers, body)
