"""Qwen Chat (chat.qwen.ai) with a person's own session: a new chat for each request, then its completion as a stream.

The protocol is the page's own and undocumented; what the site changes from month to month stands in qwen/data.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field

from providers.contract.chat import ChatRequest
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import checked_id
from providers.contract.provider import (
    Answer,
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
    checked_url,
    origin_of,
)
from providers.formats.jsontext import loads, mapping
from providers.qwen import data
from providers.qwen.captured_session import extract, missing
from providers.qwen.data import SiteModel
from providers.qwen.decoder import DecoderOptions, QwenDecoder
from providers.qwen.errors import not_outdated, refusal
from providers.qwen.models import Catalogue, Choice, read_live
from providers.qwen.request import Ask, PageHeaders, ask_of, completion_body, new_chat_body, prompt_of
from providers.qwen.session import (
    VERSION_FACT,
    bearer_name,
    read_identity,
    read_renewal,
    read_rotated,
    read_secrets,
    renewable,
)
from providers.qwen.sign_in import sign_in
from providers.shared.citations import CitationStyle
from providers.shared.page_version import PageVersion

_VERSION: Final = re.compile(rb"/qwen-chat-fe/(\d{1,4}\.\d{1,4}\.\d{1,4})/")
"""Where the page's scripts lie: seen with 0.2.7 to 0.3.12 (2026-03 to 2026-10)."""
_ANSWER_TYPES: Final = ("text/event-stream", "application/json")


class QwenOptions(ProviderOptions):
    """Qwen's keys in config.yaml. The defaults are those of qwen/data.py."""

    base_url: str = data.BASE_URL
    auth_url: Annotated[str, AfterValidator(checked_url)] = data.AUTH_URL
    """Where access tokens are renewed."""
    client_version: str = data.CLIENT_VERSION
    user_agent: str = data.USER_AGENT
    headers: dict[str, str] = Field(default_factory=dict)
    """Put over the page's other headers; an empty value takes one away."""
    model_ids: dict[str, str | list[str]] = Field(default_factory=dict)
    """Public id → the site's id, or several to try; put over the built-in aliases."""
    thinking: Literal["auto", "on", "off"] = "auto"
    """The thinking mode where neither the model's name nor the client says."""
    thinking_budget: Annotated[int, Field(ge=1)] | None = None
    image_size: Literal["1:1", "4:3", "3:4", "16:9", "9:16"] = "1:1"
    citations: CitationStyle = "annotations"
    check_guest: bool = False
    """After each new chat, ask whose session it is: a lost sign-in may go on as a guest's. Costs one call."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The chat made for a request, and what is asked of it (the model list may change meanwhile)."""

    chat_id: str
    ask: Ask


class Qwen(Provider[QwenOptions]):
    type_name: ClassVar[str] = "qwen"
    Options: ClassVar[type[ProviderOptions]] = QwenOptions
    native: ClassVar[frozenset[str] | None] = frozenset({"reasoning_effort", "web_search_options"})
    meets_checks: ClassVar[bool] = True

    def __init__(self, name: str, options: QwenOptions) -> None:
        super().__init__(name, options)
        given = {public: (ids,) if isinstance(ids, str) else tuple(ids) for public, ids in options.model_ids.items()}
        self._aliases = {**data.ALIASES, **given}
        self._catalogue = Catalogue(self._aliases)
        self._page = PageHeaders(
            data.BASE_URL, PageVersion(options.client_version), options.user_agent, {**data.HEADERS, **options.headers}
        )

    def origins(self) -> frozenset[str]:
        return super().origins() | {origin_of(self.options.auth_url)}

    # -- models ---------------------------------------------------------------------------------------------------
    def models(self) -> Mapping[str, Model]:
        return self._catalogue.models

    def list_models(self, session: Session, moment: Moment) -> Steps[None]:
        """GET /api/models, else the newer path; the built-in list stays where neither gives models."""
        error: ProviderError | None = None
        for path in ("/api/models", "/api/v2/models/"):
            answer = yield self._call("GET", path, session, moment)
            live = read_live(loads(answer.body)) if answer.status < 300 else None
            if live:
                self._learn(live)
                return
            error = error or refusal(answer.status, answer.headers, answer.body)
        assert error
        raise error

    def _learn(self, live: list[SiteModel]) -> None:
        self._catalogue = Catalogue(self._aliases, live)

    def _choice(self, chat: ChatRequest) -> Choice:
        choice = self._catalogue.choices.get(chat.model)
        if choice is None:
            raise ProviderError(ErrorKind.MODEL_UNAVAILABLE, f"Qwen has no model {chat.model[:100]!r}.", param="model")
        return choice

    def _ask(self, chat: ChatRequest) -> Ask:
        options = self.options
        return ask_of(
            chat,
            self._choice(chat),
            thinking=options.thinking,
            size=options.image_size,
            budget=options.thinking_budget,
        )

    # -- a chat ---------------------------------------------------------------------------------------------------
    def read_session(self, account: str, material: Credentials) -> Session:
        return read_secrets(self.name, account, material)

    def prepare(self, chat: ChatRequest, session: Session, moment: Moment) -> Steps[object]:
        """A new chat: each request begins one, since the whole conversation goes in one message."""
        if bearer_name(session) is None:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED, "The Qwen session has only a refresh cookie, which has to be renewed first."
            )
        ask = self._ask(chat)
        prompt_of(chat, ask)  # an empty one is refused before a chat is made for it
        body = new_chat_body(ask, moment)
        answer = yield self._call("POST", "/api/v2/chats/new", session, moment, body=body, referer="/c/new-chat")
        chat_id = _chat_id(answer)
        if self.options.check_guest:
            answer = yield self._call("GET", "/api/v1/auths/", session, moment)
            read_identity(answer, session)
        return Prepared(chat_id, ask)

    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        assert isinstance(prepared, Prepared)
        ask = prepared.ask
        quoted = quote(prepared.chat_id, safe="")
        headers = self._page.on(session, moment, referer=f"/c/{quoted}") | {"x-accel-buffering": "no"}
        body = completion_body(prompt_of(chat, ask), ask, prepared.chat_id, moment)
        url = f"{self.options.base_url}/api/v2/chat/completions?chat_id={quoted}"
        return Call("POST", url, tuple(headers.items()), body)

    def cleanup(self, session: Session, prepared: object, moment: Moment) -> Call | None:
        if not isinstance(prepared, Prepared):
            return None
        return self._call("DELETE", f"/api/v2/chats/{quote(prepared.chat_id, safe='')}", session, moment)

    def decoder(self, chat: ChatRequest, prepared: object) -> QwenDecoder:
        file_base, draws = "", False
        if isinstance(prepared, Prepared):
            file_base = f"{self.options.base_url}/api/v2/chat/{quote(prepared.chat_id, safe='')}"
            draws = prepared.ask.size is not None
        return QwenDecoder(DecoderOptions(self.options.citations, file_base, draws=draws))

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, headers, body)

    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        """Words and pictures come as a stream, or whole in JSON; the decoder tells refusals in either."""
        return status == 200 and headers.get("content-type", "").strip().lower().startswith(_ANSWER_TYPES)

    def recover(self, error: ProviderError, session: Session, moment: Moment) -> Steps[None] | None:
        """A chat that is busy or gone, and the passing fault of a new one: the same again in another new chat."""
        passing = error.kind is ErrorKind.PROVIDER_DOWN and (error.site_code or "").lower() == "bad_request"
        if passing or error.kind in (ErrorKind.CONVERSATION_BUSY, ErrorKind.CONVERSATION_GONE):
            return _nothing_to_do()
        return self._learn_version(error, session, moment) if error.kind is ErrorKind.OUTDATED_CLIENT else None

    def _learn_version(self, error: ProviderError, session: Session, asked: Moment) -> Steps[None]:
        """Reads the page's client version. Raises when it cannot be read, or is the one that was refused."""
        ours = {"accept": "text/html", "user-agent": self._page.user_agent, **self._page.others}
        page = Call("GET", f"{self.options.base_url}/", tuple(session.as_browser(ours).items()))
        own = session.facts.get(VERSION_FACT, "")
        match (yield from self._page.versions.learn(page, _VERSION, own, asked)):
            case "unknown":
                raise error
            case "same":
                raise not_outdated(error)

    def buffers(self, chat: ChatRequest) -> bool:
        """A picture comes in one piece after up to a minute."""
        choice = self._catalogue.choices.get(chat.model)
        return choice is not None and choice.image

    # -- sessions -------------------------------------------------------------------------------------------------
    def sign_in(self, session: Session, moment: Moment) -> Steps[SessionUpdate] | None:
        if not session.has("email") or not session.has("password_sha256"):
            return None
        bare = replace(session, names=tuple(name for name in session.names if name.startswith("header:")))
        return sign_in(session, self.options.base_url, lambda: self._page.on(bare, moment, referer="/auth"))

    def sign_in_page(self) -> str:
        return f"{self.options.base_url}/auth"

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, material: Credentials) -> tuple[str, ...]:
        return missing(material)

    def identify(self, session: Session, moment: Moment) -> Steps[Identity]:
        """GET /api/v1/auths/, else its successor on the sign-in host."""
        answer = yield self._call("GET", "/api/v1/auths/", session, moment)
        if answer.status in (404, 405, 410):
            answer = yield self._call("GET", "/api/v2/auths/", session, moment, base=self.options.auth_url)
        return read_identity(answer, session)

    rotating_cookies = frozenset({"token", "refresh_token"})

    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        return read_rotated(session, cookies)

    def refresh(self, session: Session, moment: Moment) -> Steps[SessionUpdate] | None:
        return self._refresh(session, moment) if renewable(session) else None

    def _refresh(self, session: Session, moment: Moment) -> Steps[SessionUpdate]:
        """The cookie alone proves who asks; without the three headers of the page's origin the call is refused."""
        base = self.options.auth_url
        headers = self._page.on(session, moment, bearer=False)
        headers |= {"x-request-origin": data.BASE_URL}
        if "sec-fetch-site" in headers:  # a browser that sends it says so of calls to the other host
            headers["sec-fetch-site"] = "same-site"
        answer = yield Call("GET", f"{base}/api/v2/auths/refresh", tuple(headers.items()))
        return read_renewal(answer, session)

    def _call(
        self,
        method: str,
        path: str,
        session: Session,
        moment: Moment,
        *,
        body: bytes = b"",
        referer: str = "/",
        base: str | None = None,
    ) -> Call:
        headers = self._page.on(session, moment, referer=referer)
        return Call(method, (base or self.options.base_url) + path, tuple(headers.items()), body)


def _chat_id(answer: Answer) -> str:
    """The id of the chat just made. Raises ProviderError with the site's reason when there is none."""
    body = mapping(loads(answer.body))
    made = mapping(body.get("data"))
    chat = mapping(made.get("chat"))
    chat_id = made.get("id") or made.get("chat_id") or chat.get("chat_id") or chat.get("id")
    if answer.status >= 300 or body.get("success") is False or not chat_id:
        raise refusal(answer.status, answer.headers, answer.body)
    return checked_id(chat_id, "Qwen's new chat")


def _nothing_to_do() -> Steps[None]:
    """Steps without a call: what is needed happens in `prepare` of the next attempt."""
    yield from ()
