"""The requests to Qwen Chat: the page's headers, the new-chat body, and the completion with its one message."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from providers.contract.chat import AttachedPart, Message, attached
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.sealed import Value
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.qwen import data
from providers.qwen.data import SiteModel
from providers.qwen.models import CatalogueEntry
from providers.qwen.session import VERSION_FACT, bearer_name, cookie_header
from providers.shared.flatten import flatten
from providers.shared.page_version import PageVersion
from providers.shared.suffixes import wants_search

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OWN_HEADERS: Final = frozenset(
    {
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "keep-alive",
        "origin",
        "proxy-authorization",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-accel-buffering",
        "x-request-id",
        "x-request-origin",
    }
)
"""Headers that a stored session does not decide: those of the connection, and those the adapter makes itself."""
_NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


@dataclass(frozen=True, slots=True)
class PageHeaders:
    """The part of the headers that does not come from the session."""

    origin: str
    versions: PageVersion
    user_agent: str
    others: Mapping[str, str]

    def version(self, session: Session) -> str:
        return self.versions.of(session.facts.get(VERSION_FACT, ""))

    def on(self, session: Session, moment: Moment, *, referer: str = "/", bearer: bool = True) -> dict[str, Value]:
        """The headers of a call by the page at path `referer`. What the person's own browser sent goes before ours."""
        found: dict[str, Value] = {"accept": "application/json", "accept-encoding": "identity"}
        found |= {"content-type": "application/json"}
        token = bearer_name(session)
        if bearer and token is not None:
            found["authorization"] = "Bearer " + session.seal(token)
        version = self.version(session)
        found |= {"source": "web", "version": version, "timezone": js_date(moment)}
        found |= {"x-request-id": moment.new_id(), "origin": self.origin, "referer": self.origin + referer}
        found |= {"user-agent": self.user_agent}
        found |= {name.lower(): value for name, value in self.others.items()}
        given = {name.removeprefix("header:").lower() for name in session.names if name.startswith("header:")}
        given = {name for name in given - _OWN_HEADERS if set(name) <= _NAME_CHARS}
        if version != session.facts.get(VERSION_FACT):
            given.discard("version")
        found = session.as_browser(found, given)
        if cookies := cookie_header(session):
            found["cookie"] = cookies
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class ChatSwitches:
    """The switches of a chat, beyond its words: made once, used for the new chat and for the completion."""

    site: SiteModel
    thinking: str
    """auto, on or off."""
    search: bool
    size: str | None
    """The shape of the picture asked for, empty where a change may keep its own; None when words are asked for."""
    thinking_budget: int | None = None
    tools: bool = False
    """The client has tools of its own."""
    files: tuple[AttachedPart, ...] = ()
    """Those that go with the message: where a picture is asked for, what is to be changed."""

    @property
    def chat_type(self) -> str:
        if self.size is not None:
            return "image_edit" if self.files else "t2i"
        return "search" if self.search and self.site.search_type else "t2t"


def switches_of(
    chat: ChatRequest, choice: CatalogueEntry, *, thinking: str, size: str, budget: int | None
) -> ChatSwitches:
    """The switches of a chat. Raises ProviderError(BAD_REQUEST) for a size the site does not have, or for a change of a
    picture that no model makes."""
    if not choice.image:
        thought = "on" if choice.site.must_think else _thinking(chat, choice, thinking)
        search = wants_search(choice.model, chat.search)
        return ChatSwitches(choice.site, thought, search, None, budget, bool(chat.tools), attached(chat.messages))
    files = attached(_last_turn(chat))
    site = choice.editor if files else choice.site
    if site is None:
        raise ProviderError(ErrorKind.BAD_REQUEST, "No model of Qwen's list changes pictures.", param="model")
    thought = "on" if site.must_think else "off"
    return ChatSwitches(site, thought, False, _size(chat, "" if files else size), budget, files=files)


def prompt_of(chat: ChatRequest, ask: ChatSwitches) -> str:
    """The text of the one message. A picture is made from the last user turn alone: labels and old turns would be drawn
    into it.

    Raises ProviderError(BAD_REQUEST) when there are no words, and no files.
    """
    words = flatten(chat.messages) if ask.size is None else "".join(turn.text() for turn in _last_turn(chat))
    if not words.strip() and (ask.size is not None or not ask.files):
        raise ProviderError(ErrorKind.BAD_REQUEST, "The conversation holds no text to send.", param="messages")
    return words


def _last_turn(chat: ChatRequest) -> Sequence[Message]:
    """The newest message of the user's, if there is one."""
    return [message for message in chat.messages if message.role == "user"][-1:]


def new_chat_body(ask: ChatSwitches, moment: Moment) -> bytes:
    """The body of POST chats/new, front 0.2.81 and later. The timestamp is in milliseconds here."""
    return _json(
        {
            "chatId": "",
            "models": [ask.site.id],
            "project_id": "",
            "timestamp": moment.epoch_ms,
            "chat_type": ask.chat_type,
            "chat_mode": "normal",
        }
    )


def completion_body(
    words: str,
    ask: ChatSwitches,
    chat_id: str,
    moment: Moment,
    parent_id: str | None = None,
) -> bytes:
    """The body of POST chat/completions. The names in two spellings came with front 0.2.81; timestamps are in
    seconds. `parent_id` is the site's id of the answer before, in a chat that goes on; it stands in four places."""
    body: dict[str, Any] = {
        "stream": True,
        "version": "2.1",
        "incremental_output": True,
        "chatId": chat_id,
        "chat_id": chat_id,
        "parentId": parent_id,
        "parent_id": parent_id,
        "chat_mode": "normal",
        "model": ask.site.id,
        "messages": [_message(words, ask, moment, parent_id)],
        "timestamp": moment.epoch_ms // 1000,
    }
    if ask.size:
        body["size"] = ask.size
    return _json(body)


def _message(words: str, ask: ChatSwitches, moment: Moment, parent_id: str | None) -> dict[str, Any]:
    """The only element of `messages` the site takes; its role is `user` always."""
    return {
        "id": None,
        "fid": moment.new_id(),
        "parentId": parent_id,
        "parent_id": parent_id,
        "childrenIds": [moment.new_id()],
        "role": "user",
        "content": words,
        "user_action": "chat",
        "files": [dict(file.descriptor) for file in ask.files],
        "timestamp": moment.epoch_ms // 1000,
        "models": [ask.site.id],
        "model": "",
        "chat_type": ask.chat_type,
        "sub_chat_type": ask.chat_type,
        "feature_config": _features(ask),
        "extra": {"meta": {"subChatType": ask.chat_type}},
    }


def _features(ask: ChatSwitches) -> dict[str, Any]:
    """Without output_schema "phase" the frames of the answer lack their phase (2026-07)."""
    enabled, auto, mode = data.THINKING_MODES[ask.thinking]
    features: dict[str, Any] = {
        "thinking_enabled": enabled,
        "output_schema": "phase",
        "research_mode": "normal",
        "auto_thinking": auto,
        "thinking_mode": mode,
        "thinking_format": ask.site.thinking_format,
        "auto_search": ask.search,
    }
    if enabled and ask.thinking_budget is not None:
        features["thinking_budget"] = ask.thinking_budget
    if ask.tools:
        features |= data.OWN_TOOLS_OFF
    return features


def _thinking(chat: ChatRequest, choice: CatalogueEntry, default: str) -> str:
    """Whether to think: the model's name decides, else the client's reasoning_effort, else the configuration."""
    if choice.model.thinking is not None:
        return "on" if choice.model.thinking else "off"
    if chat.reasoning_effort is not None:
        return "off" if chat.reasoning_effort in ("none", "minimal") else "on"
    return "off" if default == "auto" and not choice.site.auto_thinking else default


def _size(chat: ChatRequest, default: str) -> str:
    """The picture's shape: `size` of the request, as a ratio of the site's or in pixels (1024x768), else `default`."""
    wanted = chat.extra.get("size")
    shape = str(wanted).strip().lower()
    if wanted is None or shape == "auto":
        return default
    shape = data.PIXELS.get(shape, shape)
    if shape in data.SIZES:
        return shape
    width, _, height = shape.partition("x")
    for size in data.SIZES:
        across, _, down = size.partition(":")
        both = width.isdecimal() and height.isdecimal() and len(shape) < 16
        if both and int(width) * int(down) == int(height) * int(across) > 0:
            return size
    allowed = ", ".join((*data.SIZES, *data.PIXELS))
    told = f"size must be one of {allowed}, or pixels of one of these shapes."
    raise ProviderError(ErrorKind.BAD_REQUEST, told, param="size")


def js_date(moment: Moment) -> str:
    """The time as the page's script writes it: `Thu Mar 05 2026 17:24:05 GMT+0800`."""
    at = datetime.fromtimestamp(moment.epoch_ms // 1000, UTC).astimezone(_zone(moment.timezone))
    offset = at.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    day = f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:02d} {at.year:04d}"
    return f"{day} {at.hour:02d}:{at.minute:02d}:{at.second:02d} GMT{sign}{minutes // 60:02d}{minutes % 60:02d}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return ZoneInfo("UTC")


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
