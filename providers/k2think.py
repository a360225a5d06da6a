"""K2Think's web chat (www.k2think.ai), used with the person's own session.

By default a whole answer is asked for, which is what public clients have proven; the gateway keeps the client's stream
alive meanwhile. `stream: true` asks for a stream, the least proven part.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from providers import k2think_data as data
from providers.chat import ChatRequest
from providers.contract import (
    Call,
    Decoder,
    Model,
    Moment,
    Provider,
    ProviderOptions,
    Session,
    SessionMaterial,
    Steps,
)
from providers.errors import ErrorKind, ProviderError
from providers.jsontext import dumps, loads, mapping, text
from providers.jwt import claims
from providers.k2think_decoder import K2ThinkStream, K2ThinkWhole
from providers.k2think_errors import refusal


class K2ThinkOptions(ProviderOptions):
    """K2Think's keys in config.yaml."""

    base_url: str = data.BASE_URL
    stream: bool = False
    headers: Mapping[str, str] = Field(default_factory=dict)
    model_ids: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)


class K2Think(Provider[K2ThinkOptions]):
    type_name: ClassVar[str] = "k2think"
    Options: ClassVar[type[ProviderOptions]] = K2ThinkOptions
    native: ClassVar[frozenset[str] | None] = frozenset({"temperature", "max_tokens"})
    web_session: ClassVar[bool] = True

    def __init__(self, name: str, options: K2ThinkOptions) -> None:
        super().__init__(name, options)
        self._live: Sequence[str] = ()

    # -- models ---------------------------------------------------------------------------------------------------
    def models(self) -> Mapping[str, Model]:
        table: dict[str, tuple[str, ...]] = dict(data.MODELS)
        for public, given in self.options.model_ids.items():
            table[public] = (given,) if isinstance(given, str) else tuple(given)
        return {
            public: Model(public, self._resolve(ids), thinking=True, owned_by="MBZUAI") for public, ids in table.items()
        }

    def _resolve(self, ids: tuple[str, ...]) -> str:
        """The newest id the site lists; without a list the newest known one."""
        return next((site_id for site_id in ids if site_id in self._live), ids[0])

    def list_models(self, session: Session, moment: Moment) -> Steps[None]:
        answer = yield self._call("GET", "/api/models", session)
        value = loads(answer.body)
        items = value if isinstance(value, list) else mapping(value).get("data")
        if answer.status != 200 or not isinstance(items, list):
            raise refusal(answer.status, answer.body)
        self._live = [text(mapping(item).get("id")) for item in items]

    # -- a chat ---------------------------------------------------------------------------------------------------
    def read_session(self, account: str, material: SessionMaterial) -> Session:
        """The token stands as such or as the cookie `token`; it says itself until when it is good, if it says so."""
        found = claims(material.token or material.cookies.get("token") or "")
        if found is None:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                "The stored K2Think session has no token of the site's (a JWT). Sign in at https://www.k2think.ai and "
                "store the value of the cookie or localStorage key `token`.",
            )
        expires = found.get("exp")
        return Session(
            self.name, account, tuple(material.values()), expires_at=expires if isinstance(expires, int) else None
        )

    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        messages = [
            {"role": "system" if message.role == "developer" else message.role, "content": message.text()}
            for message in chat.messages
        ]
        site_id = self.models()[chat.model].site_id
        body: dict[str, Any] = {"stream": self.options.stream, "model": site_id, "messages": messages}
        if chat.temperature is not None:
            body["temperature"] = chat.temperature
        if chat.max_tokens is not None:
            body["max_tokens"] = chat.max_tokens
        return self._call("POST", "/api/chat/completions", session, dumps(body))

    def decoder(self, chat: ChatRequest, prepared: object) -> Decoder:
        return K2ThinkStream() if self.options.stream else K2ThinkWhole()

    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        wanted = "text/event-stream" if self.options.stream else "application/json"
        return status == 200 and headers.get("content-type", "").lower().startswith(wanted)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, body)

    def answers_late(self, chat: ChatRequest) -> bool:
        return not self.options.stream

    def _call(self, method: str, path: str, session: Session, body: bytes = b"") -> Call:
        name = "token" if session.has("token") else "cookie:token"
        accept = "text/event-stream,application/json" if self.options.stream else "application/json"
        named = {"Accept": accept, **data.HEADERS, **self.options.headers}
        named["Authorization"] = f"Bearer {session.seal(name)}"
        return Call(method, self.options.base_url + path, tuple(named.items()), body)
