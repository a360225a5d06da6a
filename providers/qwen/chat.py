"""A chat with Qwen: a request begins a new one with the whole conversation in one message, or goes on in one with its
new turn alone."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event
from providers.contract.given import checked_id, site_id
from providers.contract.operation import Turn
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Steps, no_steps
from providers.contract.thread import Thread
from providers.formats.jsontext import dumps, loads, mapping
from providers.qwen.api import QwenApi
from providers.qwen.decoder import DecoderOptions, QwenDecoder
from providers.qwen.errors import refusal
from providers.qwen.kept import KeptAnswer
from providers.qwen.request import ChatSwitches, completion_body, new_chat_body, prompt_of, switches_of
from providers.qwen.session import bearer_name, read_identity

NATIVE: Final = frozenset({"reasoning_effort", "web_search_options"})
_ANSWER_TYPES: Final = ("text/event-stream", "application/json")


class QwenTurn(Turn):
    """The Turn of a chat."""

    def __init__(self, api: QwenApi, chat: ChatRequest, session: Session) -> None:
        self._api, self._chat, self._session = api, chat, session
        self._chat_id = ""
        self._ask: ChatSwitches | None = None
        """What the chat was made for: the list of models may change meanwhile."""
        self._decoder: QwenDecoder | None = None
        self._kept = KeptAnswer()

    def prepare(self, now: Moment) -> Steps[None]:
        api, session = self._api, self._session
        if bearer_name(session) is None:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED, "The Qwen session has only a refresh cookie, which has to be renewed first."
            )
        ask = self._asked()
        prompt_of(self._chat, ask)  # an empty one is refused before a chat is made for it
        if (thread := self._chat.thread) is not None:
            if thread.kind != ask.chat_type:  # which is fixed when a chat is made
                message = "The conversation's chat at Qwen is of another kind than this request."
                raise ProviderError(ErrorKind.CONVERSATION_GONE, message)
            chat_id = thread.chat_id
        else:
            body = new_chat_body(ask, now)
            answer = yield api.call("POST", "/api/v2/chats/new", session, now, body=body, referer="/c/new-chat")
            chat_id = _chat_id(answer)
        if api.options.check_guest:
            answer = yield api.call("GET", "/api/v1/auths/", session, now)
            read_identity(answer, session)
        self._chat_id, self._ask = chat_id, ask

    def call(self, now: Moment) -> Call:
        ask = self._ask or self._asked()
        quoted = quote(self._chat_id, safe="")
        headers = self._api.page.on(self._session, now, referer=f"/c/{quoted}") | {"x-accel-buffering": "no"}
        parent_id = self._chat.thread.parent_id if self._chat.thread is not None else None
        body = completion_body(prompt_of(self._chat, ask), ask, self._chat_id, now, parent_id)
        url = f"{self._api.options.base_url}/api/v2/chat/completions?chat_id={quoted}"
        return Call("POST", url, tuple(headers.items()), body)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """Words and pictures come as a stream, or whole in JSON; the decoder tells refusals in either."""
        return status == 200 and headers.get("content-type", "").strip().lower().startswith(_ANSWER_TYPES)

    def decoder(self) -> QwenDecoder:
        self._decoder = self._new_decoder()
        return self._decoder

    def _new_decoder(self) -> QwenDecoder:
        options, file_base = self._api.options, ""
        if self._chat_id:
            file_base = f"{options.base_url}/api/v2/chat/{quote(self._chat_id, safe='')}"
        draws = self._ask is not None and self._ask.size is not None
        tools = bool(self._chat.tools)
        return QwenDecoder(DecoderOptions(options.citations, file_base, tools=tools, draws=draws))

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, headers, body)

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        """A chat that is busy or gone, and the passing fault of a new one: the same again in another new chat."""
        passing = error.kind is ErrorKind.PROVIDER_DOWN and (error.site_code or "").lower() == "bad_request"
        if passing or error.kind in (ErrorKind.CONVERSATION_BUSY, ErrorKind.CONVERSATION_GONE):
            return no_steps()
        if error.kind is ErrorKind.OUTDATED_CLIENT:
            return self._api.learn_version(error, self._session, asked)
        return None

    @property
    def thread(self) -> Thread | None:
        """A picture's chat does not go on: each is drawn from its own words."""
        if self._ask is None or self._ask.size is not None or not self._answer_id:
            return None
        return Thread(self._chat_id, self._answer_id, self._ask.chat_type)

    @property
    def _answer_id(self) -> str:
        """The site's id of the answer, once it has said that."""
        return site_id(self._decoder.response_id) if self._decoder is not None else ""

    reads_back = True

    def read_back(self, now: Moment) -> Steps[Sequence[Event] | None] | None:
        """Pictures are not read back: a chat keeps them in forms of its own."""
        return self._read_back(now) if self._ask is not None and self._ask.size is None else None

    def _read_back(self, now: Moment) -> Steps[Sequence[Event] | None]:
        chat_id, thread = quote(self._chat_id, safe=""), self._chat.thread
        path = f"/api/v2/chats/{chat_id}"
        answer = yield self._api.call("GET", path, self._session, now, referer=f"/c/{chat_id}")
        behind = thread.parent_id if thread is not None else None
        return self._kept.read(answer.body, self._answer_id, behind, self._new_decoder())

    def stop(self, now: Moment) -> Call | None:
        """With the answer's own id, where the site has said it (2026-08: some clients send the chat's alone)."""
        if not self._chat_id:
            return None
        body = {"chat_id": self._chat_id} | ({"response_id": self._answer_id} if self._answer_id else {})
        chat_id = quote(self._chat_id, safe="")
        path = f"/api/v2/chat/completions/stop?chat_id={chat_id}"
        return self._api.call("POST", path, self._session, now, body=dumps(body), referer=f"/c/{chat_id}")

    def cleanup(self, now: Moment) -> Sequence[Call]:
        if not self._chat_id:
            return ()
        return (self._api.call("DELETE", f"/api/v2/chats/{quote(self._chat_id, safe='')}", self._session, now),)

    @property
    def buffers(self) -> bool:
        """A picture comes in one piece after up to a minute."""
        return self._api.draws(self._chat)

    def _asked(self) -> ChatSwitches:
        options = self._api.options
        return switches_of(
            self._chat,
            self._api.choice(self._chat.model, drawing=self._chat.drawing is not None),
            thinking=options.thinking,
            size=options.image_size,
            budget=options.thinking_budget,
        )


def _chat_id(answer: Answer) -> str:
    """The id of the chat just made. Raises ProviderError with the site's reason when there is none."""
    body = mapping(loads(answer.body))
    made = mapping(body.get("data"))
    chat = mapping(made.get("chat"))
    chat_id = made.get("id") or made.get("chat_id") or chat.get("chat_id") or chat.get("id")
    if answer.status >= 300 or body.get("success") is False or not chat_id:
        raise refusal(answer.status, answer.headers, answer.body)
    return checked_id(chat_id, "Qwen's new chat")
