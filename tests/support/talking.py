"""A dialect whose answers are kept: chats by the id of the answer before, for tests of what lies between."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mitmproxy import http

from addons.dialects.base import AnswerMeta, Encoder, Named, ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once, read_object
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.chat_completions.request import parse_chat
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole
from addons.dialects.local import Catalog
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import GET, POST, Route
from addons.errors import GatewayError
from providers.contract.events import Event, Text
from providers.contract.native import ResponsesRequest
from providers.contract.requests import ChatRequest

PATH = "/v1/talk"


def kept_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """What is kept under an id."""
    if (found := catalog.kept.get("response", head.params["id"])) is None:
        raise GatewayError(404, "no such answer")
    return http.Response.make(200, found, {"content-type": "application/json"})


def forgotten_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    gone = catalog.kept.delete("response", head.params["id"])
    return http.Response.make(200, json.dumps({"deleted": gone}), {"content-type": "application/json"})


class KeptTalk:
    """An Encoder that is Keeping."""

    def __init__(self, encoder: Encoder, messages: list[Any]) -> None:
        self.streaming, self.content_type, self.keepalive = encoder.streaming, encoder.content_type, encoder.keepalive
        self.error = encoder.error
        self._encoder, self._messages, self._words = encoder, messages, list[str]()

    def encode(self, events: Sequence[Event]) -> bytes:
        self._words += (event.text for event in events if isinstance(event, Text))
        return self._encoder.encode(events)

    def kept(self) -> bytes | None:
        return json.dumps([*self._messages, {"role": "assistant", "content": "".join(self._words)}]).encode()


class Talking(ChatCompletions):
    """A Dialect that is Continuing. Chats with `previous`, `store` and `names` (kind → id) beside."""

    def __init__(self, *, native: bool = False) -> None:
        """`native`: its requests have a form of their own, of which the chat is another way to ask."""
        self.native = native

    name = "talking"
    routes = (
        Route(POST, PATH, "talk"),
        Route(GET, f"{PATH}/{{id}}", "talk_kept", kept_answer),
        Route(frozenset({"DELETE"}), f"{PATH}/{{id}}", "talk_forgotten", forgotten_answer),
    )

    def answer_id(self, request_id: str) -> str:
        return f"talk-{request_id}"

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        raw = yield from read_object(body, most_values)
        previous, store, names = raw.pop("previous", None), raw.pop("store", True), raw.pop("names", {})
        found = self._parsed(raw)
        return replace(
            found, follows=previous, keeps=store, names=tuple(Named(kind, id, kind) for kind, id in names.items())
        )

    def _parsed(self, raw: dict[str, Any]) -> ParsedRequest:
        body = json.dumps(raw).encode()
        found = replace(parse_chat(body), options=raw)
        chat = found.request
        if not self.native or not isinstance(chat, ChatRequest):
            return found
        return replace(found, request=ResponsesRequest(chat.model, chat, body, raw, stream=chat.stream))

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return all_at_once(self.read(body, VALUES_LIMIT, head))

    def going_on(self, parsed: ParsedRequest, kept: bytes) -> Reading[ParsedRequest]:
        yield
        raw: Any = parsed.options
        raw = {**raw, "messages": [*json.loads(kept), *raw["messages"]]}
        return replace(self._parsed(raw), keeps=parsed.keeps)

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        raw: Any = parsed.options
        encoder = ChatStream(meta, include_usage=False) if parsed.request.stream else ChatWhole(meta)
        return KeptTalk(encoder, raw["messages"])
