"""LongCat's web chat (longcat.chat), used with the cookies of the person's own sign-in. Experimental.

The page signs its calls (H5guard); we do not. Where the site insists, the error names the browser and the official API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from providers import longcat_data as data
from providers.chat import ChatRequest
from providers.contract import (
    Answer,
    Call,
    Decoder,
    Identity,
    Model,
    Moment,
    Provider,
    ProviderOptions,
    Session,
    SessionMaterial,
    Steps,
)
from providers.errors import ErrorKind, ProviderError
from providers.folding import fold
from providers.jsontext import dumps, loads, mapping, text, whole
from providers.longcat_decoder import LongCatDecoder
from providers.longcat_errors import json_error, refusal
from providers.suffixes import wants_search, wants_thinking


class LongCatOptions(ProviderOptions):
    """LongCat's keys in config.yaml."""

    base_url: str = data.BASE_URL
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Put over the page's headers."""


@dataclass(frozen=True, slots=True)
class Prepared:
    conversation_id: str


class LongCat(Provider[LongCatOptions]):
    type_name: ClassVar[str] = "longcat"
    Options: ClassVar[type[ProviderOptions]] = LongCatOptions
    native: ClassVar[frozenset[str] | None] = frozenset()
    web_session: ClassVar[bool] = True

    def models(self) -> Mapping[str, Model]:
        return {
            name: Model(name, name, thinking=switches.reason, search=switches.search, owned_by="longcat")
            for name, switches in data.MODELS.items()
        }

    def read_session(self, account: str, material: SessionMaterial) -> Session:
        """The sign-in is the cookie passport_token_key; a token given alone is taken for its value."""
        passport = material.cookies.get(data.PASSPORT) or material.token
        if not passport or any(char.isspace() or char in ";," for char in passport):
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                "The stored LongCat session has no usable cookie passport_token_key. Sign in at https://longcat.chat "
                "and store the page's cookies.",
            )
        return Session(self.name, account, tuple(material.values()))

    def prepare(self, chat: ChatRequest, session: Session, moment: Moment) -> Steps[object]:
        agent = data.MODELS[chat.model].agent_id
        body = dumps({"model": "", "agentId": agent})
        answer = yield self._call("POST", "/api/v1/session-create", session, moment, body)
        return Prepared(self._conversation(answer))

    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        assert isinstance(prepared, Prepared)
        model, switches = self.models()[chat.model], data.MODELS[chat.model]
        body = {
            "content": fold(chat.messages),
            "conversationId": prepared.conversation_id,
            "agentId": switches.agent_id,
            "reasonEnabled": int(wants_thinking(model, chat.reasoning_effort, default=False)),
            "searchEnabled": int(wants_search(model, chat.search)),
            "regenerate": 0,
            "parentMessageId": 0,
            "files": [],
        }
        path = "/api/v1/chat-completion-V2"
        return self._call("POST", path, session, moment, dumps(body), prepared.conversation_id)

    def decoder(self, chat: ChatRequest, prepared: object) -> Decoder:
        return LongCatDecoder()

    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        return status == 200 and headers.get("content-type", "").lower().startswith("text/event-stream")

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, body)

    def remedy(self, error: ProviderError, session: Session, moment: Moment) -> Steps[None] | None:
        """A conversation that is gone: the next try makes a new one."""
        return _anew() if error.kind is ErrorKind.CONVERSATION_GONE else None

    def identify(self, session: Session, moment: Moment) -> Steps[Identity]:
        answer = yield self._call("GET", "/api/v1/user-current", session, moment)
        who = mapping(mapping(loads(answer.body)).get("data"))
        if answer.status != 200:
            raise refusal(answer.status, answer.body)
        if whole(who.get("loginStatus")) != 1:
            raise refusal(401, b"")
        return Identity(str(who.get("userId", "")), email=text(who.get("email")))

    def _conversation(self, answer: Answer) -> str:
        value = mapping(loads(answer.body))
        found = mapping(value.get("data")).get("conversationId")
        if answer.status != 200 or value.get("code") not in (0, None) or not isinstance(found, str | int) or not found:
            raise refusal(answer.status, answer.body) if not value else json_error(value, answer.status)
        return str(found)

    def _call(
        self, method: str, path: str, session: Session, moment: Moment, body: bytes = b"", conversation: str = ""
    ) -> Call:
        cookies = session.cookie_header()
        if not session.has(f"cookie:{data.PASSPORT}"):
            sealed = f"{data.PASSPORT}={session.seal('token')}"
            cookies = f"{cookies}; {sealed}" if cookies else sealed
        page = f"{data.BASE_URL}/c/{conversation}" if conversation else f"{data.BASE_URL}/t"
        trace = str(int(moment.new_id().replace("-", ""), 16) % 10**19)
        named = {**data.HEADERS, "referer": page, "m-traceid": trace, **self.options.headers, "cookie": cookies}
        return Call(method, self.options.base_url + path, tuple(named.items()), body)


def _anew() -> Steps[None]:
    yield from ()
