"""The Z.AI web chat (chat.z.ai), used with the person's own session.

A chat is created, then asked once: system prompt and history are folded into one user message, because the site takes
other roles unreliably. Requests are signed with the page's public constant. A stale client version is read anew from
the page when the site calls it outdated. Captchas are not solved: the error names the way out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final
from urllib.parse import quote

from pydantic import Field

from providers.contract.chat import ChatRequest
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import checked_id
from providers.contract.provider import (
    Answer,
    Call,
    Credentials,
    Decoder,
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
from providers.formats.jsontext import dumps, loads, mapping
from providers.shared.citations import CitationStyle
from providers.shared.folding import fold
from providers.shared.page_version import PageVersion
from providers.shared.suffixes import wants_search, wants_thinking
from providers.zai import data as zai_data
from providers.zai.captured_session import extract, missing
from providers.zai.decoder import ZaiDecoder
from providers.zai.errors import EDGE_CODE, SIGNATURE_CODE, classify, edge_blocked
from providers.zai.models import LiveModel, catalogue, known_models, read_live
from providers.zai.request import (
    Page,
    Turn,
    browser_headers,
    completion_body,
    completion_headers,
    completion_query,
    new_chat_body,
    page_headers,
)
from providers.zai.session import read_auths, read_token, token_name
from providers.zai.signature import sign

_VERSION: Final = re.compile(rb"prod-fe-\d{1,9}\.\d{1,9}\.\d{1,9}")
_JSON: Final = ("Content-Type", "application/json")


class ZaiOptions(ProviderOptions):
    """Z.AI's keys in config.yaml. All but `base_url`, `citations` and `create_chat` are site data that ages."""

    base_url: str = zai_data.ORIGIN
    citations: CitationStyle = "annotations"
    create_chat: bool = True
    client_version: str = Field(default=zai_data.CLIENT_VERSION, pattern=r"^[\w.-]{1,64}$")
    signature_key: str = zai_data.SIGNATURE_KEY
    origin: str = zai_data.ORIGIN
    headers: Mapping[str, str] = Field(default_factory=dict)
    query: Mapping[str, str] = Field(default_factory=dict)
    model_ids: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The chat the answer will stand in."""

    turn: Turn


class Zai(Provider[ZaiOptions]):
    type_name: ClassVar[str] = "zai"
    Options: ClassVar[type[ProviderOptions]] = ZaiOptions
    native: ClassVar[frozenset[str] | None] = frozenset({"temperature", "top_p", "max_tokens", "stop"})
    web_session: ClassVar[bool] = True
    meets_checks: ClassVar[bool] = True

    rotating_cookies = frozenset({"token"})
    renew_every_s = 12 * 3600
    """The token names no end; the site hands out a fresh one for the asking (rolling renewal)."""

    def __init__(self, name: str, options: ZaiOptions) -> None:
        super().__init__(name, options)
        self._page_version = PageVersion(options.client_version)
        self._known = known_models(options.model_ids)
        self._efforts = {
            model.public + suffix for model in self._known if model.efforts for suffix in ("", *zai_data.SUFFIXES)
        }
        self._completion_path = zai_data.COMPLETION_PATHS["2"]
        self._path_known = False
        always = [model for model in self._known if model.always_thinks]
        self._always_thinking = {model.public + suffix for model in always for suffix in ("", *zai_data.SUFFIXES)}
        self._always_thinking |= {site_id for model in always for site_id in model.ids}  # for other names of theirs
        self._live: Sequence[LiveModel] = ()
        self._catalogue = catalogue(self._known, self._live)

    # -- models ---------------------------------------------------------------------------------------------------
    def models(self) -> Mapping[str, Model]:
        return self._catalogue

    def list_models(self, session: Session, moment: Moment) -> Steps[None]:
        answer = yield self._call("GET", "/api/models", session)
        live = read_live(loads(answer.body)) if answer.status == 200 else None
        if live is None:
            raise self._refused(answer)
        self._live = live
        self._catalogue = catalogue(self._known, live)
        yield from self._learn_path(session)

    def _learn_path(self, session: Session) -> Steps[bool]:
        """Reads where completions are asked for; whether that is another place than before."""
        before = self._completion_path
        settings = yield self._call("GET", "/api/config", session)
        version = mapping(loads(settings.body)).get("completion_version")
        self._completion_path = zai_data.COMPLETION_PATHS.get(str(version), before)
        self._path_known = self._path_known or settings.status == 200
        return self._completion_path != before

    # -- a chat ---------------------------------------------------------------------------------------------------
    def read_session(self, account: str, material: Credentials) -> Session:
        return read_token(self.name, account, material)

    def prepare(self, chat: ChatRequest, session: Session, moment: Moment) -> Steps[object]:
        turn = self._turn(chat, moment)
        if self.options.create_chat:
            answer = yield self._call("POST", "/api/v1/chats/new", session, dumps(new_chat_body(turn, moment)))
            chat_id = mapping(loads(answer.body)).get("id") if answer.status == 200 else None
            if not chat_id:
                raise self._refused(answer)
            turn = _in_chat(turn, checked_id(chat_id, "Z.AI's new chat"))
        return Prepared(turn)

    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        assert isinstance(prepared, Prepared)
        turn, page = prepared.turn, self._page(session)
        item = {"model_item": {"id": turn.site_id}} if self._completion_path == zai_data.COMPLETION_PATHS["1"] else {}
        request_id = moment.new_id()
        signature = sign(
            self.options.signature_key,
            request_id=request_id,
            timestamp_ms=moment.epoch_ms,
            user_id=session.facts.get("user_id", ""),
            prompt=turn.signed_prompt,
        )
        query = completion_query(page, session, turn, request_id, moment)
        return Call(
            "POST",
            f"{self.options.base_url}{self._completion_path}?" + query,
            tuple(completion_headers(page, session, turn, signature)),
            dumps(completion_body(turn, moment, page.query["language"] or "") | item),
        )

    def cleanup(self, session: Session, prepared: object, moment: Moment) -> Call | None:
        if not isinstance(prepared, Prepared) or not self.options.create_chat:
            return None
        return self._call("DELETE", f"/api/v1/chats/{quote(prepared.turn.chat_id, safe='')}", session)

    def decoder(self, chat: ChatRequest, prepared: object) -> Decoder:
        return ZaiDecoder(
            self.options.citations, chat.max_tokens, whole=not chat.stream, in_chat=self.options.create_chat
        )

    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        return status == 200 and headers.get("content-type", "").lower().startswith("text/event-stream")

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return classify(status, headers, body)

    def recover(self, error: ProviderError, session: Session, moment: Moment) -> Steps[None] | None:
        if error.kind is ErrorKind.MODEL_UNAVAILABLE and error.status == 404 and not self._path_known:
            return self._at_the_path(error, session)  # it may be the path that is gone
        if error.kind is not ErrorKind.OUTDATED_CLIENT:
            return None
        return _sign_again() if error.site_code == SIGNATURE_CODE else self._learn_version(error, session, moment)

    def _at_the_path(self, error: ProviderError, session: Session) -> Steps[None]:
        if not (yield from self._learn_path(session)):
            raise error

    def _learn_version(self, error: ProviderError, session: Session, asked: Moment) -> Steps[None]:
        """Reads the page's client version. Raises when it is the one that was refused."""
        headers = (("Accept", "text/html"), *browser_headers(self._page(session), session).items())
        page, own = Call("GET", f"{self.options.base_url}/", headers), session.facts.get("client_version", "")
        if (yield from self._page_version.learn(page, _VERSION, own, asked)) != "newer":
            raise edge_blocked() if error.site_code == EDGE_CODE else error

    # -- sessions -------------------------------------------------------------------------------------------------
    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        """A person's token in a cookie renews the session; a guest's is passed over."""
        seen = ObservedExchange("GET", self.options.base_url, {"authorization": f"Bearer {cookies.get('token', '')}"})
        found = extract(seen)
        if found is None or not found.token:
            return None
        name = token_name(session)
        return SessionUpdate(found.token) if name == "token" else SessionUpdate(None, {"token": found.token})

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, material: Credentials) -> tuple[str, ...]:
        return missing(material)

    def identify(self, session: Session, moment: Moment) -> Steps[Identity]:
        answer = yield self._call("GET", "/api/v1/auths/", session)
        if answer.status != 200:
            raise self._refused(answer)
        identity, _ = read_auths(answer, session)
        return identity

    def refresh(self, session: Session, moment: Moment) -> Steps[SessionUpdate]:
        """The same call hands out a fresh token each time (rolling renewal)."""
        answer = yield self._call("GET", "/api/v1/auths/", session)
        if answer.status != 200:
            raise self._refused(answer)
        _, token = read_auths(answer, session)
        if token_name(session) == "token":
            return SessionUpdate(token=token or None)
        return SessionUpdate(cookies={"token": token} if token else {})

    # -- pieces ---------------------------------------------------------------------------------------------------
    def _version(self, session: Session) -> str:
        return self._page_version.of(session.facts.get("client_version", ""))

    def _page(self, session: Session) -> Page:
        options, version = self.options, self._version(session)
        sealed = session.header(zai_data.VERSION_HEADER)
        of_browser = {name: session.facts[name] for name in zai_data.QUERY if name in session.facts}
        return Page(
            options.origin,
            sealed if sealed and version == session.facts.get("client_version") else version,
            {**zai_data.HEADERS, **options.headers},
            {**zai_data.QUERY, **of_browser, **options.query},
        )

    def _call(self, method: str, path: str, session: Session, body: bytes = b"") -> Call:
        headers = page_headers(self._page(session), session)
        return Call(method, self.options.base_url + path, tuple([*headers, _JSON] if body else headers), body)

    def _turn(self, chat: ChatRequest, moment: Moment) -> Turn:
        model = self._catalogue[chat.model]
        always = not self._always_thinking.isdisjoint((model.id, model.site_id))
        thinking = always or wants_thinking(model, chat.reasoning_effort, default=False)
        wanted = zai_data.EFFORTS.get(chat.reasoning_effort or "", zai_data.DEFAULT_EFFORT)
        params: dict[str, Any] = {"temperature": chat.temperature, "top_p": chat.top_p, "max_tokens": chat.max_tokens}
        if chat.stop:
            params["stop"] = list(chat.stop)
        return Turn(
            prompt=fold(chat.messages),
            site_id=model.site_id,
            chat_id=moment.new_id(),
            message_id=moment.new_id(),
            thinking=thinking,
            search=wants_search(model, chat.search),
            effort=wanted if model.id in self._efforts else None,
            params={name: value for name, value in params.items() if value is not None},
        )

    @staticmethod
    def _refused(answer: Answer) -> ProviderError:
        return classify(answer.status, answer.headers, answer.body)


def _in_chat(turn: Turn, chat_id: str) -> Turn:
    return replace(turn, chat_id=chat_id)


def _sign_again() -> Steps[None]:
    """Nothing to ask: the next try is signed with a fresh time and id."""
    yield from ()
