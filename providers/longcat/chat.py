"""A chat with LongCat: a conversation is created, then asked once, with the history folded into one text."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from providers.contract.call import Call
from providers.contract.chat import attached
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import checked_id
from providers.contract.operation import Turn
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Steps, no_steps
from providers.formats.jsontext import dumps, loads, mapping
from providers.longcat import data
from providers.longcat.api import LongCatApi
from providers.longcat.decoder import LongCatDecoder
from providers.longcat.errors import number, refusal
from providers.shared.flatten import flatten
from providers.shared.suffixes import wants_search, wants_thinking

NATIVE: Final = frozenset({"reasoning_effort", "web_search_options"})


class LongCatTurn(Turn):
    """The Turn of a chat."""

    def __init__(self, api: LongCatApi, chat: ChatRequest, session: Session) -> None:
        self._api, self._chat, self._session = api, chat, session
        self._conversation = ""

    def prepare(self, now: Moment) -> Steps[None]:
        body = dumps({"model": "", "agentId": self._api.model(self._chat.model).site_id})
        answer = yield self._api.call("POST", data.CREATE_PATH, self._session, now, body)
        self._conversation = _conversation_id(answer)

    def call(self, now: Moment) -> Call:
        thinks, searches = self._switches()
        body = {
            "content": flatten(self._chat.messages),
            "conversationId": self._conversation,
            "agentId": self._api.model(self._chat.model).site_id,
            "reasonEnabled": int(thinks),
            "searchEnabled": int(searches),
            "regenerate": 0,
            "parentMessageId": 0,
            "files": [dict(file.descriptor) for file in attached(self._chat.messages)],
        }
        page = f"/c/{quote(self._conversation)}"
        return self._api.call("POST", data.CHAT_PATH, self._session, now, dumps(body), page=page)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """JSON is a refusal always: words come as a stream."""
        return status == 200 and headers.get("content-type", "").strip().lower().startswith("text/event-stream")

    def decoder(self) -> LongCatDecoder:
        thinks, searches = self._switches()
        return LongCatDecoder(remarks=thinks and not searches)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, headers, body)

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        """A conversation that is gone: the same again in another new one."""
        return no_steps() if error.kind is ErrorKind.CONVERSATION_GONE else None

    def cleanup(self, now: Moment) -> Sequence[Call]:
        if not self._conversation:
            return ()
        chat = quote(self._conversation, safe="")
        path = f"{data.DELETE_PATH}?conversationId={chat}"
        return (self._api.call("GET", path, self._session, now, page=f"/c/{chat}"),)

    def _switches(self) -> tuple[bool, bool]:
        """Whether it is to think, and to search the web."""
        model, chat = self._api.model(self._chat.model), self._chat
        return wants_thinking(model, chat.reasoning_effort, default=False), wants_search(model, chat.search)


def _conversation_id(answer: Answer) -> str:
    """The id of the conversation just made. Raises ProviderError with the site's reason when there is none."""
    value = mapping(loads(answer.body))
    found = mapping(value.get("data")).get("conversationId")
    usable = (isinstance(found, str) and found) or number(found)
    if answer.status != 200 or number(value.get("code")) or not usable:
        raise refusal(answer.status, answer.headers, answer.body)
    return checked_id(found, "LongCat's new conversation")
