"""The requests of Z.AI's page, as data: query, headers and bodies for creating a chat and for a completion. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from providers.contract.browser import AGENT
from providers.contract.chat import AttachedPart
from providers.contract.sealed import Value, joined
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.zai import data as zai_data
from providers.zai.session import other_cookies, token_name

type Json = dict[str, Any]
type Headers = list[tuple[str, Value]]


@dataclass(frozen=True, slots=True)
class CompletionSpec:
    """The chat call to be made: what is asked, of which model, under which ids."""

    prompt: str
    site_id: str
    chat_id: str
    message_id: str
    """Of the user's message."""
    answer_id: str
    """Of the answer to come: the page makes it, and the next turn names it as its parent (2026-03)."""
    parent_id: str | None
    """Of the answer before, in a chat that goes on."""
    thinking: bool
    search: bool
    effort: str | None
    """The site's reasoning_effort, None where the model does not take one."""
    params: Mapping[str, Any]
    attached: tuple[AttachedPart, ...] = ()
    sees: bool = False
    """The model is shown its files; else they are read for it."""
    servers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """What of the site's own a chat with these files needs."""

    @property
    def signed_prompt(self) -> str:
        """The text that is signed: the page trims the text first (its script of 2026-03)."""
        return self.prompt.strip()


@dataclass(frozen=True, slots=True)
class PageProfile:
    """The page's description of itself and its browser: data.py with config.yaml's overrides."""

    origin: str
    client_version: Value
    headers: Mapping[str, str]
    query: Mapping[str, str | None]

    def url(self, chat_id: str = "") -> str:
        return f"{self.origin}/c/{chat_id}" if chat_id else f"{self.origin}/"


def browser_headers(page: PageProfile, session: Session) -> dict[str, Value]:
    """The headers of the person's own browser on every call, or ours where it has none."""
    return session.as_browser(page.headers, (zai_data.REGION_HEADER,))


def page_headers(page: PageProfile, session: Session, *, chat_id: str = "") -> Headers:
    """The headers every call of the page's script carries, the token sealed."""
    headers: Headers = [("Accept", "application/json"), *browser_headers(page, session).items()]
    headers += [
        ("Origin", page.origin),
        ("Referer", page.url(chat_id)),
        ("Authorization", "Bearer " + session.seal(token_name(session))),
        ("X-FE-Version", page.client_version),
    ]
    if cookies := other_cookies(session):
        headers.append(("Cookie", cookies))
    return headers


def completion_headers(page: PageProfile, session: Session, ask: CompletionSpec, signature: str) -> Headers:
    headers = [pair for pair in page_headers(page, session, chat_id=ask.chat_id) if pair[0] != "Accept"]
    return [
        ("Accept", "*/*"),
        ("Content-Type", "application/json"),
        *headers,
        ("X-Signature", signature),
        # uid_ and 16 characters, the same for a person every time (the page keeps a random one; seen since 2026-09).
        ("X-Device-Id", session.header(zai_data.DEVICE_HEADER) or "uid_" + session.seal("device_id")),
    ]


_quoted: Final = lru_cache(maxsize=500)(quote_plus)
"""Most of a query is the same in each call."""


def completion_query(
    page: PageProfile, session: Session, ask: CompletionSpec, request_id: str, moment: Moment
) -> Value:
    """The query string of a completion, in the page's order. The token in it is sealed."""
    stamp = str(moment.epoch_ms)
    utc, here = _times(moment)
    site = urlsplit(page.origin)
    offset = here.utcoffset()
    computed: dict[str, Value] = {
        "timestamp": stamp,
        "requestId": request_id,
        "user_id": session.facts.get("user_id", ""),
        "user_agent": session.header(AGENT) or page.headers.get("User-Agent", ""),
        "timezone": moment.timezone,
        "current_url": page.url(ask.chat_id),
        "pathname": f"/c/{ask.chat_id}",
        "host": site.netloc,
        "hostname": site.hostname or "",
        "protocol": f"{site.scheme}:",
        "timezone_offset": str(-int(offset.total_seconds() // 60) if offset else 0),
        "local_time": utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "utc_time": format_datetime(utc, usegmt=True),
        "signature_timestamp": stamp,
    }
    values = {name: computed.get(name, "") if value is None else value for name, value in page.query.items()}
    pairs: dict[str, Value] = {
        _quoted(name): _quoted(value) if isinstance(value, str) else value for name, value in values.items()
    }
    pairs["token"] = session.seal(token_name(session))
    return joined("&", [f"{name}=" + value for name, value in pairs.items()])


def new_chat_body(ask: CompletionSpec, moment: Moment) -> Json:
    """The body of POST /api/v1/chats/new: a chat whose first message is ours. Its files are named by the completion."""
    seconds = moment.epoch_ms // 1000
    message = {
        "id": ask.message_id,
        "parentId": None,
        "childrenIds": [],
        "role": "user",
        "content": ask.prompt,
        "timestamp": seconds,
        "models": [ask.site_id],
    }
    chat: Json = {
        "id": "",
        "title": "New Chat",
        "models": [ask.site_id],
        "params": {},
        "history": {"messages": {ask.message_id: message}, "currentId": ask.message_id},
        "tags": [],
        "flags": [],
        "features": [{"type": "tool_selector", "server": "tool_selector_h", "status": "hidden"}],
        "mcp_servers": [],
        "enable_thinking": ask.thinking,
        "auto_web_search": ask.search,
        "message_version": 1,
        "extra": {},
        "timestamp": moment.epoch_ms,
        "type": "default",
    }
    return {"chat": chat | _effort(ask)}


def completion_body(ask: CompletionSpec, moment: Moment, language: str = zai_data.LANGUAGE) -> Json:
    """The body of POST /api/v2/chat/completions; the first version takes the same and `model_item`.

    Without `captcha_verify_param`: an empty one trips the check, none does not.
    """
    files = [{**one.descriptor, "ref_user_msg_id": ask.message_id} for one in ask.attached]
    return {
        "stream": True,
        "model": ask.site_id,
        "messages": [{"role": "user", "content": _content(ask)}],
        "signature_prompt": ask.signed_prompt,
        "params": dict(ask.params),
        "extra": {},
        "features": {
            **zai_data.FEATURES,
            "web_search": False,  # the page's switch is auto_web_search alone (2026-03 and later)
            "auto_web_search": ask.search,
            "enable_thinking": ask.thinking,
            **_effort(ask),
            **dict.fromkeys(ask.flags, True),
        },
        "variables": {**zai_data.VARIABLES, **_now(moment, language)},
        "chat_id": ask.chat_id,
        "id": ask.answer_id,
        "current_user_message_id": ask.message_id,
        "current_user_message_parent_id": ask.parent_id,
        "background_tasks": {"title_generation": False, "tags_generation": False},
        **({"files": files} if files else {}),
        **({"mcp_servers": list(ask.servers)} if ask.servers else {}),
    }


def _content(ask: CompletionSpec) -> str | list[Json]:
    """The text, and beside it what a model that sees is shown. What is signed is the text alone."""
    shown = []
    for one in ask.attached if ask.sees else ():
        if (name := _SHOWN.get(one.descriptor["media"])) is not None:
            shown.append({"type": name, name: {"url": one.descriptor["id"]}})
    return [{"type": "text", "text": ask.prompt}, *shown] if shown else ask.prompt


_SHOWN: Final = {"image": "image_url", "video": "video_url", "doc": "file_url"}
"""A file's kind for the page → the part of a message that shows it. Others are in `files` alone."""


def _effort(ask: CompletionSpec) -> Json:
    return {"reasoning_effort": ask.effort} if ask.effort and ask.thinking else {}


def _now(moment: Moment, language: str) -> dict[str, str]:
    _, here = _times(moment)
    return {
        "{{CURRENT_DATETIME}}": f"{here:%Y-%m-%d %H:%M:%S}",
        "{{CURRENT_DATE}}": f"{here:%Y-%m-%d}",
        "{{CURRENT_TIME}}": f"{here:%H:%M:%S}",
        "{{CURRENT_WEEKDAY}}": _WEEKDAYS[here.weekday()],
        "{{CURRENT_TIMEZONE}}": moment.timezone,
        "{{USER_LANGUAGE}}": language,
    }


def _times(moment: Moment) -> tuple[datetime, datetime]:
    """The moment in UTC and in the person's time zone (UTC where this machine does not know the zone)."""
    utc = datetime.fromtimestamp(moment.epoch_ms / 1000, UTC)
    try:
        return utc, utc.astimezone(ZoneInfo(moment.timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return utc, utc


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
