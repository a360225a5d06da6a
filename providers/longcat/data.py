"""The data of LongCat's site that ages, in one place. No stream of the site is public: it all rests on code reading.

Each item can be put over in config.yaml (`headers`, `models`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.contract.chat import MediaKind
from providers.contract.uploads import Accepted

BASE_URL: Final = "https://longcat.chat"
PASSPORT: Final = "passport_token_key"
"""The cookie that is the sign-in."""

DELETE_PATH: Final = "/api/v1/session-delete"
CREATE_PATH: Final = "/api/v1/session-create"
CHAT_PATH: Final = "/api/v1/chat-completion-V2"
UPLOAD_PATH: Final = "/api/v1/appendix-upload"
WHO_PATH: Final = "/api/v1/user-current"

HEADERS: Final[Mapping[str, str]] = {
    "accept": "text/event-stream,application/json",
    "content-type": "application/json",
    "origin": BASE_URL,
    "x-requested-with": "XMLHttpRequest",
    "x-client-language": "en",
    "m-appkey": "fe_com.sankuai.friday.fe.longcat",
    "user-agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/146.0.0.0 Safari/537.36"
    ),
}

SESSION_HEADERS: Final = ("access-token", "x-client-language", "m-appkey")
"""Headers of the page in the person's own browser that go before ours when the session holds them. `mtgsig` is not one
of them: a signature is good for one call only."""

COMPLETION_PATHS: Final = (CHAT_PATH, "/api/v1/chat-completion", "/api/v1/chat-completion-oversea-V2")
"""Where the page of one age or another asks for an answer."""


@dataclass(frozen=True, slots=True)
class Switches:
    """The meaning of a public name: the site has no model names, only switches and an agent. None: as asked."""

    thinking: bool | None = None
    search: bool | None = None
    agent_id: str = "1"


PRO: Final = Switches(thinking=True, search=True, agent_id="2")

MODELS: Final[Mapping[str, Switches]] = {
    "LongCat-Flash": Switches(),
    "LongCat": Switches(),
    "LongCat-2.0": Switches(),
    "LongCat-Pro": PRO,
}
"""Names without a suffix. Flash and 2.0 are the upstream's names of different years for what the page serves."""

SUFFIXED: Final = ("LongCat-Flash", "LongCat", "LongCat-2.0")
"""The names that the suffix rule applies to."""

SUFFIXES: Final[Mapping[str, tuple[bool | None, bool | None]]] = {
    "-Thinking": (True, None),
    "-Search": (None, True),
    "-Thinking-Search": (True, True),
}

_MOST_BYTES: Final = 10 * 1024 * 1024
ACCEPTED: Final[Mapping[MediaKind, Accepted]] = {
    "image": Accepted(frozenset({"jpg", "png"}), _MOST_BYTES, 9),
    "document": Accepted(frozenset({"pdf", "doc", "docx", "xls", "xlsx", "pptx", "txt"}), _MOST_BYTES, 1),
}
"""The limits that one client keeps (autumn 2026): nine pictures or one document."""
