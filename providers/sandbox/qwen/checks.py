"""The checks of the Qwen stand-in before it answers: the two bodies of a turn, field by field.

Each check gives the site's refusal, or None. Fields that appeared with front 0.2.81 in a second spelling may be
missing, but not contradict.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.sandbox.qwen.files import descriptor_problem
from providers.sandbox.qwen.models import usable
from providers.sandbox.qwen.refusals import invalid, refused
from providers.sandbox.threads import Thread

SIZES: Final = ("1:1", "4:3", "3:4", "16:9", "9:16")
_MODES: Final[Mapping[tuple[bool, bool], tuple[str | None, ...]]] = {
    (True, True): ("Auto", None),
    (True, False): ("Thinking", None),
    (False, True): ("Fast", "Disabled", "off", None),
    (False, False): ("Fast", "Disabled", "off", None),
}
"""thinking_enabled, auto_thinking → the names of the mode that go with them."""
_SECONDS: Final = (1_600_000_000, 4_000_000_000)


@dataclass(slots=True)
class Chat:
    """One chat: whose it is, whether an answer is being made in it, and the answers it has."""

    owner: str
    busy: bool = False
    responses: set[str] = field(default_factory=set)
    chat_type: str = ""
    """Given when it is made, and the same ever after."""
    thread: Thread = field(default_factory=Thread)
    stops: list[str | None] = field(default_factory=list)
    """Ids of answers that were asked to stop."""


def new_chat_problem(body: Any) -> dict[str, Any] | None:
    """POST chats/new. The timestamp is in milliseconds here; newer fronts send chatId, older ones a title."""
    if not isinstance(body, dict):
        return invalid("body")
    models = body.get("models")
    if not isinstance(models, list) or len(models) != 1:
        return invalid("Field 'models': Field required")
    model = usable(models[0])
    if model is None:
        return refused("Bad_Request", f"model {models[0]} not found")
    wrong = [
        *(["chat_mode"] if body.get("chat_mode") not in ("normal", "guest") else []),
        *(["chat_type"] if body.get("chat_type") not in model.chat_types else []),
        *(["timestamp"] if not _is_time(body.get("timestamp"), 1000) else []),
        *(["chatId"] if body.get("chatId") != "" and body.get("title") != "New Chat" else []),
    ]
    return invalid(*wrong) if wrong else None


def turn_problem(body: Any, chat_id: str, chats: Mapping[str, Chat], user: str) -> dict[str, Any] | None:
    """POST chat/completions: the first thing wrong with it."""
    if not isinstance(body, dict):
        return invalid("body")
    if not chat_id or body.get("chat_id") != chat_id or body.get("chatId", chat_id) != chat_id:
        return invalid("Field 'chat_id': Field required")
    chat = chats.get(chat_id)
    if chat is None or chat.owner != user:
        return refused("CHAT_NOT_FOUND", f"chat {chat_id} is not exist")
    if chat.busy:
        return refused("Bad_Request", "The chat is in progress!")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        return invalid("Field 'messages': Field required")
    if len(messages) > 1:
        return refused("Bad_Request", "Invalid input too many messages")
    if messages[0].get("role") != "user":
        return refused("Bad_Request", "Invalid input role")
    if usable(body.get("model")) is None:
        return refused("Bad_Request", f"model {body.get('model')} not found")
    problem = _parent_problem(body, messages[0], chat) or _form_problem(body, messages[0])
    if problem is None and chat.chat_type and messages[0]["chat_type"] != chat.chat_type:
        return refused("Bad_Request", "Invalid chat_type")
    return problem


def _parent_problem(body: Mapping[str, Any], message: Mapping[str, Any], chat: Chat) -> dict[str, Any] | None:
    """The same in all four places: an answer of this chat, or nothing for a new branch from the root."""
    named = {body.get("parent_id"), message.get("parent_id")}
    named |= {place["parentId"] for place in (body, message) if "parentId" in place}
    named = {None if parent == "" else parent for parent in named}
    if len(named) != 1:
        return invalid("Field 'parent_id': differs")
    parent = named.pop()
    if parent is not None and parent not in chat.responses:
        return refused("PARENT_NOT_FOUND", f"parent {parent} is not exist")
    return None


def _form_problem(body: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any] | None:
    wrong = [*_body_fields(body, message), *_message_fields(body, message), *_features(message.get("feature_config"))]
    return invalid(*wrong) if wrong else None


def _body_fields(body: Mapping[str, Any], message: Mapping[str, Any]) -> Iterator[str]:
    if body.get("stream") is not True:
        yield "stream"
    if body.get("version") != "2.1":
        yield "version"
    if body.get("chat_mode") not in ("normal", "guest"):
        yield "chat_mode"
    if not _is_time(body.get("timestamp")):
        yield "timestamp"
    drawn = {"t2i": SIZES, "image_edit": (*SIZES, None)}
    if body.get("size") not in drawn.get(str(message.get("chat_type")), (None,)):
        yield "size"


def _message_fields(body: Mapping[str, Any], message: Mapping[str, Any]) -> Iterator[str]:
    model, kind, children = usable(body.get("model")), message.get("chat_type"), message.get("childrenIds")
    if model is None or kind not in model.chat_types:
        yield "messages.chat_type"
    if message.get("sub_chat_type") != kind or _sub_type(message) != kind:
        yield "messages.sub_chat_type"
    if not isinstance(message.get("content"), str) or not message["content"]:
        yield "messages.content"
    if message.get("models") != [body.get("model")]:
        yield "messages.models"
    if not _is_uuid(message.get("fid")) or message.get("id") is not None:
        yield "messages.fid"
    if not isinstance(children, list) or len(children) != 1 or not _is_uuid(children[0]):
        yield "messages.childrenIds"
    if message.get("user_action") != "chat":
        yield "messages.user_action"
    files = message.get("files", [])  # the newest page leaves them out where there are none
    if kind == "image_edit" and not any(isinstance(one, dict) and one.get("type") == "image" for one in files):
        yield "messages.files"
    for problem in [descriptor_problem(one) for one in files] if isinstance(files, list) else ["files"]:
        if problem:
            yield f"messages.files.{problem}"
    if not _is_time(message.get("timestamp")):
        yield "messages.timestamp"


def _features(config: Any) -> Iterator[str]:
    if not isinstance(config, dict):
        yield "feature_config"
        return
    if config.get("output_schema") != "phase":
        yield "feature_config.output_schema"
    enabled, auto = config.get("thinking_enabled"), config.get("auto_thinking", False)
    if not isinstance(enabled, bool) or not isinstance(auto, bool):
        yield "feature_config.thinking_enabled"
    elif config.get("thinking_mode") not in _MODES[enabled, auto]:
        yield "feature_config.thinking_mode"
    if config.get("thinking_format", "summary") != "summary":
        yield "feature_config.thinking_format"
    if not isinstance(config.get("auto_search", False), bool):
        yield "feature_config.auto_search"
    budget = config.get("thinking_budget", 1)
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
        yield "feature_config.thinking_budget"


def _sub_type(message: Mapping[str, Any]) -> object:
    extra = message.get("extra")
    meta = extra.get("meta") if isinstance(extra, dict) else None
    return meta.get("subChatType") if isinstance(meta, dict) else None


def _is_time(value: object, *units: int) -> bool:
    """Whether a number is a time of our days: in seconds or milliseconds, or in the units given."""
    low, high = _SECONDS
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and any(low * unit < value < high * unit for unit in units or (1, 1000))  # type: ignore[operator]


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False
