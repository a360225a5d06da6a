"""The chat operation of Z.AI: a chat is created, and asked; one that goes on is asked again.

System prompt and history are folded into one user message, because the site takes other roles unreliably; in a chat
that goes on, the new turn alone is sent, as the page does. Requests are signed with the page's public constant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from providers.contract.call import Call
from providers.contract.chat import attached
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event
from providers.contract.given import checked_id
from providers.contract.operation import Turn
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Moment, Steps, no_steps
from providers.contract.thread import Thread
from providers.formats.jsontext import dumps, loads, mapping
from providers.shared.flatten import flatten
from providers.shared.suffixes import wants_search, wants_thinking
from providers.zai import data as zai_data
from providers.zai.api import ZaiApi, refused
from providers.zai.decoder import ZaiDecoder
from providers.zai.errors import SIGNATURE_CODE, classify
from providers.zai.kept import KeptAnswer
from providers.zai.request import CompletionSpec, completion_body, completion_headers, completion_query, new_chat_body
from providers.zai.signature import sign

NATIVE: Final = frozenset({"temperature", "top_p", "max_tokens", "stop"})


class ZaiTurn(Turn):
    """The Turn of a chat."""

    def __init__(self, api: ZaiApi, chat: ChatRequest, session: Session) -> None:
        self._api, self._chat, self._session = api, chat, session
        self._ask: CompletionSpec | None = None
        """As it was prepared; its chat is one the site has made, where it makes one."""
        self._kept: KeptAnswer | None = None

    def prepare(self, now: Moment) -> Steps[None] | None:
        if self._api.options.create_chat and self._chat.thread is None:
            return self._new_chat(now)
        self._ask = self._asked(now)
        return None

    def _new_chat(self, now: Moment) -> Steps[None]:
        ask = self._asked(now)
        answer = yield self._api.call("POST", "/api/v1/chats/new", self._session, dumps(new_chat_body(ask, now)))
        chat_id = mapping(loads(answer.body)).get("id") if answer.status == 200 else None
        if not chat_id:
            raise refused(answer)
        self._ask = replace(ask, chat_id=checked_id(chat_id, "Z.AI's new chat"))

    def call(self, now: Moment) -> Call:
        api, session = self._api, self._session
        ask, page = self._ask or self._asked(now), api.page(session)
        item = {"model_item": {"id": ask.site_id}} if api.completion_path == zai_data.COMPLETION_PATHS["1"] else {}
        request_id = now.new_id()
        signature = sign(
            api.options.signature_key,
            request_id=request_id,
            timestamp_ms=now.epoch_ms,
            user_id=session.facts.get("user_id", ""),
            prompt=ask.signed_prompt,
        )
        query = completion_query(page, session, ask, request_id, now)
        return Call(
            "POST",
            f"{api.options.base_url}{api.completion_path}?" + query,
            tuple(completion_headers(page, session, ask, signature)),
            dumps(completion_body(ask, now, page.query["language"] or "") | item),
        )

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        return status == 200 and headers.get("content-type", "").lower().startswith("text/event-stream")

    def decoder(self) -> ZaiDecoder:
        options, chat = self._api.options, self._chat
        return ZaiDecoder(options.citations, chat.max_tokens, whole=not chat.stream, in_chat=options.create_chat)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return classify(status, headers, body)

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        if error.kind is ErrorKind.MODEL_UNAVAILABLE and error.status == 404 and not self._api.path_known:
            return self._api.learn_other_path(error, self._session)  # it may be the path that is gone
        if error.kind is not ErrorKind.OUTDATED_CLIENT:
            return None
        if error.site_code == SIGNATURE_CODE:
            return no_steps()  # the next try is signed with a fresh time and id
        return self._api.learn_version(error, self._session, asked)

    @property
    def thread(self) -> Thread | None:
        """A chat that the site did not make is not kept by it. One with files is sent whole each time: the page names
        all files of its chat again with each turn."""
        if self._ask is None or self._ask.attached or not self._api.options.create_chat:
            return None
        return Thread(self._ask.chat_id, self._ask.answer_id)

    reads_back = True

    def read_back(self, now: Moment) -> Steps[Sequence[Event] | None] | None:
        return self._read_back(self._ask) if self._ask is not None and self._api.options.create_chat else None

    def _read_back(self, ask: CompletionSpec) -> Steps[Sequence[Event] | None]:
        self._kept = kept = self._kept or KeptAnswer(ask.answer_id)
        path = f"/api/v1/chats/{quote(ask.chat_id, safe='')}/messages/batch"
        answer = yield self._api.call("POST", path, self._session, dumps({"ids": [ask.answer_id]}))
        return kept.read(answer.body, self.decoder()) if answer.status == 200 else None

    def stop(self, now: Moment) -> Call | None:
        """By the id of the answer, as the page does after it has given up its stream (2026-10)."""
        if self._ask is None:
            return None
        path = f"/api/tasks/stop/{quote(self._ask.answer_id, safe='')}"
        return self._api.call("POST", path, self._session, dumps({"reason": "user_stop"}))

    def cleanup(self, now: Moment) -> Sequence[Call]:
        if self._ask is None or not self._api.options.create_chat:
            return ()
        return (self._api.call("DELETE", f"/api/v1/chats/{quote(self._ask.chat_id, safe='')}", self._session),)

    def _asked(self, now: Moment) -> CompletionSpec:
        api, chat, thread = self._api, self._chat, self._chat.thread
        model = api.catalogue[chat.model]
        thinking = api.always_thinks(model) or wants_thinking(model, chat.reasoning_effort, default=False)
        wanted = zai_data.EFFORTS.get(chat.reasoning_effort or "", zai_data.DEFAULT_EFFORT)
        params: dict[str, Any] = {"temperature": chat.temperature, "top_p": chat.top_p, "max_tokens": chat.max_tokens}
        if chat.stop:
            params["stop"] = list(chat.stop)
        files = attached(chat.messages)
        known = api.with_files(model) if files else None
        return CompletionSpec(
            prompt=flatten(chat.messages),
            site_id=model.site_id,
            chat_id=thread.chat_id if thread is not None else now.new_id(),
            message_id=now.new_id(),
            answer_id=now.new_id(),
            parent_id=thread.parent_id if thread is not None else None,
            thinking=thinking,
            search=wants_search(model, chat.search),
            effort=wanted if api.takes_efforts(model) else None,
            params={name: value for name, value in params.items() if value is not None},
            attached=files,
            sees=bool(model.vision),
            servers=known.servers if known else (),
            flags=known.flags if known else (),
        )
