"""LongCat's web chat (longcat.chat), used with the cookies of the person's own sign-in. Experimental.

A conversation is created, then asked once, with the history folded into one text. The page signs its calls (H5guard);
we do not. Where the site insists, the error names the browser and the official API.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final
from urllib.parse import quote

from pydantic import Field

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
    Steps,
)
from providers.contract.sealed import Value, joined
from providers.contract.written import Written
from providers.formats.jsontext import dumps, loads, mapping, text
from providers.longcat import data
from providers.longcat.captured_session import extract, missing
from providers.longcat.decoder import LongCatDecoder
from providers.longcat.errors import number, refusal
from providers.longcat.line import cookies_of_line
from providers.shared.folding import fold
from providers.shared.suffixes import wants_search, wants_thinking, with_suffixes

_VALUE: Final = re.compile(r"[!#-&(-+\--:<-~]+")
"""A cookie's value: neither white space nor quotes, commas or semicolons."""
_PAIR: Final = re.compile(r" *[\w.-]+=[!-:<-~]* *", re.ASCII)


class SwitchOptions(Written):
    """A public name of one's own: which switches it sets, and which agent it asks."""

    thinking: bool | None = None
    search: bool | None = None
    agent_id: str = "1"


class LongCatOptions(ProviderOptions):
    """LongCat's keys in config.yaml. The defaults are those of longcat/data.py."""

    base_url: str = data.BASE_URL
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Put over the page's headers; an empty value takes one away."""
    models: Mapping[str, SwitchOptions] = Field(default_factory=dict)
    """Public name → switches, put over the built-in ones."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The conversation the answer will stand in."""

    conversation_id: str


class LongCat(Provider[LongCatOptions]):
    type_name: ClassVar[str] = "longcat"
    Options: ClassVar[type[ProviderOptions]] = LongCatOptions
    native: ClassVar[frozenset[str] | None] = frozenset({"reasoning_effort", "web_search_options"})
    web_session: ClassVar[bool] = True

    rotating_cookies = frozenset({data.PASSPORT})

    def __init__(self, name: str, options: LongCatOptions) -> None:
        super().__init__(name, options)
        self._models = _catalogue(options.models)
        self._headers = {**data.HEADERS, **{key.lower(): value for key, value in options.headers.items()}}

    @classmethod
    def session_of_line(cls, line: str) -> tuple[str, dict[str, str]] | None:
        cookies = cookies_of_line(line)
        return (cookies[data.PASSPORT], cookies) if cookies is not None else None

    def models(self) -> Mapping[str, Model]:
        return self._models

    # -- a chat ---------------------------------------------------------------------------------------------------
    def read_session(self, account: str, material: Credentials) -> Session:
        """The sign-in is the cookie passport_token_key; a token given alone is taken for its value.

        Either may hold more than the value, as people paste it: the pair `passport_token_key=…`, or all cookies.
        """
        passport = material.cookies.get(data.PASSPORT) or material.token or ""
        form = _form(passport)
        if not form:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                f"The stored LongCat session has no usable cookie {data.PASSPORT}. Sign in at {data.BASE_URL} in your "
                "browser and store all cookies of the page.",
            )
        names = tuple(name for name, value in material.values().items() if value)
        return Session(self.name, account, names, {"passport": form})

    def prepare(self, chat: ChatRequest, session: Session, moment: Moment) -> Steps[object]:
        body = dumps({"model": "", "agentId": self._model(chat).site_id})
        answer = yield self._call("POST", data.CREATE_PATH, session, moment, body)
        return Prepared(_conversation_id(answer))

    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        assert isinstance(prepared, Prepared)
        model = self._model(chat)
        body = {
            "content": fold(chat.messages),
            "conversationId": prepared.conversation_id,
            "agentId": model.site_id,
            "reasonEnabled": int(wants_thinking(model, chat.reasoning_effort, default=False)),
            "searchEnabled": int(wants_search(model, chat.search)),
            "regenerate": 0,
            "parentMessageId": 0,
            "files": [],
        }
        return self._call(
            "POST", data.CHAT_PATH, session, moment, dumps(body), page=f"/c/{quote(prepared.conversation_id)}"
        )

    def cleanup(self, session: Session, prepared: object, moment: Moment) -> Call | None:
        if not isinstance(prepared, Prepared):
            return None
        chat = quote(prepared.conversation_id, safe="")
        return self._call("GET", f"{data.DELETE_PATH}?conversationId={chat}", session, moment, page=f"/c/{chat}")

    def decoder(self, chat: ChatRequest, prepared: object) -> LongCatDecoder:
        model = self._model(chat)
        thinks, searches = wants_thinking(model, chat.reasoning_effort, default=False), wants_search(model, chat.search)
        return LongCatDecoder(remarks=thinks and not searches)

    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        """JSON is a refusal always: words come as a stream."""
        return status == 200 and headers.get("content-type", "").strip().lower().startswith("text/event-stream")

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, headers, body)

    def recover(self, error: ProviderError, session: Session, moment: Moment) -> Steps[None] | None:
        """A conversation that is gone: the same again in another new one."""
        return _nothing_to_do() if error.kind is ErrorKind.CONVERSATION_GONE else None

    # -- sessions -------------------------------------------------------------------------------------------------
    def sign_in_page(self) -> str:
        return f"{self.options.base_url}/t"

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, material: Credentials) -> tuple[str, ...]:
        return missing(material)

    def identify(self, session: Session, moment: Moment) -> Steps[Identity]:
        """GET user-current. It answers code 0 to a stranger too: only loginStatus tells."""
        answer = yield self._call("GET", f"{data.WHO_PATH}?t={moment.epoch_ms}", session, moment)
        value = mapping(loads(answer.body))
        who = mapping(value.get("data"))
        if answer.status != 200 or number(value.get("code")) or not who:
            raise _refused(answer)
        if number(who.get("loginStatus")) != 1 and who.get("loginStatus") is not True:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED, "LongCat takes this session for a stranger's: its sign-in has ended."
            )
        user_id = who.get("userId")
        return Identity(
            str(user_id) if isinstance(user_id, str) or number(user_id) is not None else "",
            email=text(who.get("email")),
        )

    # -- pieces ---------------------------------------------------------------------------------------------------
    def _model(self, chat: ChatRequest) -> Model:
        model = self._models.get(chat.model)
        if model is None:
            raise ProviderError(
                ErrorKind.MODEL_UNAVAILABLE, f"LongCat has no model {chat.model[:100]!r}.", param="model"
            )
        return model

    def _call(
        self, method: str, path: str, session: Session, moment: Moment, body: bytes = b"", *, page: str = "/t"
    ) -> Call:
        named: dict[str, Value] = {**self._headers, "referer": data.BASE_URL + page, "m-traceid": _trace_id(moment)}
        if not body:
            named.pop("content-type", None)
        named = session.as_browser(named, data.SESSION_HEADERS)
        named["cookie"] = _cookies(session)
        headers = tuple((name, value) for name, value in named.items() if value)
        return Call(method, self.options.base_url + path, headers, body)


def _catalogue(own: Mapping[str, SwitchOptions]) -> dict[str, Model]:
    """Public name → model. What the site has instead of a model's name is the agent: that is `site_id`."""
    known: Mapping[str, data.Switches | SwitchOptions] = {**data.MODELS, **own}
    models = {
        name: Model(name, one.agent_id, thinking=one.thinking, search=one.search, owned_by="longcat")
        for name, one in known.items()
    }
    variants = with_suffixes([models[name] for name in data.SUFFIXED], data.SUFFIXES)
    return {**variants, **models}


def _conversation_id(answer: Answer) -> str:
    """The id of the conversation just made. Raises ProviderError with the site's reason when there is none."""
    value = mapping(loads(answer.body))
    found = mapping(value.get("data")).get("conversationId")
    usable = (isinstance(found, str) and found) or number(found)
    if answer.status != 200 or number(value.get("code")) or not usable:
        raise _refused(answer)
    return checked_id(found, "LongCat's new conversation")


def _refused(answer: Answer) -> ProviderError:
    return refusal(answer.status, answer.headers, answer.body)


def _form(passport: str) -> str:
    """`cookies` for a list of cookies with the sign-in among them, `value` for its value alone, nothing for neither."""
    pairs = passport.rstrip("; ").split(";")
    values = [pair.strip().partition("=")[2] for pair in pairs if pair.strip().startswith(f"{data.PASSPORT}=")]
    if values:
        whole = all(_PAIR.fullmatch(pair) for pair in pairs) and all(_VALUE.fullmatch(value) for value in values)
        return "cookies" if whole else ""
    return "value" if _VALUE.fullmatch(passport) else ""


def _cookies(session: Session) -> Value:
    """All cookies the browser sends, the sign-in first, which may have been given as a token or as a list already."""
    held = f"cookie:{data.PASSPORT}"
    sign_in = session.seal(held if session.has(held) else "token")
    if session.facts["passport"] == "value":
        sign_in = f"{data.PASSPORT}=" + sign_in
    others = tuple(name for name in session.names if name != held)
    return joined("; ", (sign_in, replace(session, names=others).cookie_header()))


def _trace_id(moment: Moment) -> str:
    """A number as text, as the page's tracing sends it."""
    return str(int(moment.new_id().replace("-", ""), 16) % 10**19)


def _nothing_to_do() -> Steps[None]:
    """Steps without a call: what is needed happens in `prepare` of the next attempt."""
    yield from ()
