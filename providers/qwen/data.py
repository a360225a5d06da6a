"""The data of Qwen Chat's site that ages, in one place. Every item can be overridden in config.yaml (see
`QwenOptions`).

Sources: public clients and captures from 2026-03 to 2026-10, none of them official. "Guess" marks what nothing proves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.contract.chat import MediaKind
from providers.contract.uploads import Accepted

BASE_URL: Final = "https://chat.qwen.ai"
"""Also what the page says of itself in Origin and Referer, wherever `base_url` points."""
AUTH_URL: Final = "https://auth.qwen.ai"
"""Where access tokens are renewed since autumn 2026 (front 0.3)."""

UPLOAD_URLS: Final = (
    "https://qwen-webui-prod.oss-accelerate.aliyuncs.com",
    "https://qwen-webui-prod.oss-ap-southeast-1.aliyuncs.com",
)
"""Where files are sent: the site's bucket, by its names of 2026-03 to 2026-10."""

CLIENT_VERSION: Final = "0.3.12"
"""The page's `version` header of 2026-10. Not checked on ordinary calls, as far as one project could find."""

USER_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"
)

HEADERS: Final[Mapping[str, str]] = {
    "accept-language": "en-US,en;q=0.9",
    "sec-ch-ua": '"Chromium";v="146", "Not-A.Brand";v="24", "Google Chrome";v="146"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
}
"""On every call of the page besides those that the adapter sets by itself."""

SESSION_HEADERS: Final = ("bx-*", "version", "source", "timezone")
"""Headers of the page in the person's own browser that travel with the session. The two tokens of the firewall
(bx-ua, bx-umidtoken) belong to the browser's cookies (`cna`, `tfstk`) and may be used as long as those live: whether a
completion is answered or comes back empty was found to hang on them (2026-06)."""

COMPLETION_PATHS: Final = ("/api/v2/chat/completions", "/api/chat/completions")
"""Where the page of one age or another asks for an answer."""

THINKING_FORMAT: Final = "summary"
"""Gives phase `thinking_summary`; models of another format say so in the live list."""

THINKING_MODES: Final[Mapping[str, tuple[bool, bool, str]]] = {
    "auto": (True, True, "Auto"),
    "on": (True, False, "Thinking"),
    "off": (False, False, "Fast"),
}
"""Mode → thinking_enabled, auto_thinking, thinking_mode. Older fronts wrote "Disabled" or "off" for "Fast"."""

OWN_TOOLS_OFF: Final[Mapping[str, object]] = {
    "function_calling": False,
    "enable_tools": False,
    "enable_function_call": False,
    "plugins_enabled": False,
    "code_interpreter": False,
    "tool_choice": "none",
}
"""Switches that keep the site from running tools of its own (2026-06; which of them count, nobody has told)."""

SIZES: Final = ("1:1", "4:3", "3:4", "16:9", "9:16")
"""The shapes a picture may have."""

PIXELS: Final[Mapping[str, str]] = {
    "1792x1024": "16:9",
    "1024x1792": "9:16",
    "1536x1024": "4:3",
    "1024x1536": "3:4",
}
"""Sizes that OpenAI's models make → the nearest shape. Others in pixels are taken where they are exactly of a shape."""

PICTURE_URLS: Final = ("https://cdn.qwenlm.ai", *UPLOAD_URLS)
"""Where the pictures lie that it has made (2026-03 to 2026-10)."""


@dataclass(frozen=True, slots=True)
class SiteModel:
    """A model of the site and what it can do. The built-in ones stand in until the site's own list is read."""

    id: str
    name: str = ""
    thinking: bool = True
    search: bool = True
    images: bool = True
    """It can be asked for a picture (chat_type t2i)."""
    edits: bool | None = None
    """It can be given a picture to change (chat_type image_edit); None where that is not known: if it sees."""
    vision: bool = False
    must_think: bool = False
    auto_thinking: bool = True
    search_type: bool = True
    """Search is a chat_type of its own; otherwise it is a switch of the ordinary chat."""
    thinking_format: str = THINKING_FORMAT
    context_length: int | None = None
    takes: frozenset[MediaKind] = frozenset({"document"})
    """Kinds of files it can be given. The site takes any for any model; a text model ignores pictures without a
    word."""


_SEES: Final[frozenset[MediaKind]] = frozenset({"document", "image", "video"})
_HEARS: Final[frozenset[MediaKind]] = _SEES | {"audio"}

MODELS: Final = (
    SiteModel("qwen3.8-max"),
    SiteModel("qwen3.7-max"),
    SiteModel("qwen3.7-plus", vision=True, takes=_SEES, context_length=1_000_000),
    SiteModel("qwen3.8-omni-flash", vision=True, takes=_HEARS),
    SiteModel("qwen3.6-plus", vision=True, takes=_SEES),
    SiteModel("qwen3.5-plus", vision=True, takes=_SEES),
    SiteModel("qwen3.5-omni-plus", vision=True, takes=_HEARS),
    SiteModel("qwen3.5-flash", vision=True, takes=_SEES),
    SiteModel("qwen3-coder-plus", thinking=False),
    SiteModel("qwen3-max-2026-01-23"),
    SiteModel("qwen3-vl-plus", vision=True, takes=_SEES),
)
"""Ids of 2026-08 to 2026-10. What each can do is known for qwen3.7-plus, a guess for the others."""

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "qwen-max": ("qwen3.8-max", "qwen3.7-max", "qwen3-max-2026-01-23"),
    "qwen-plus": ("qwen3.7-plus", "qwen3.6-plus", "qwen3.5-plus"),
    "qwen-turbo": ("qwen3.5-flash", "qwen3.8-omni-flash", "qwen3.6-plus", "qwen3.7-plus"),
    "qwen-long": ("qwen3.7-plus", "qwen3.6-plus", "qwen3.5-plus"),
}
"""Names of other times → what the site has today, best first (our choice: the same class of model)."""

IMAGE_STAND_INS: Final = ("qwen3.7-plus", "qwen3.6-plus", "qwen3.5-plus")
"""Who draws for an alias whose own model cannot: pictures are a tool of the site's, not of the model."""

SUFFIXES: Final[Mapping[str, tuple[bool | None, bool | None]]] = {
    "-thinking": (True, None),
    "-search": (None, True),
    "-thinking-search": (True, True),
}
IMAGE_SUFFIX: Final = "-image"
OWNER: Final = "qwen"

_MB: Final = 1024 * 1024
ACCEPTED: Final[Mapping[MediaKind, Accepted]] = {
    "image": Accepted(frozenset({"png", "jpg", "gif", "webp", "bmp"}), 20 * _MB, 5),
    "document": Accepted(
        frozenset({"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "md", "csv", "json", "html", "xml"}),
        20 * _MB,
        5,
    ),
    "video": Accepted(frozenset({"mp4", "mov", "avi", "webm"}), 500 * _MB, 1),
    "audio": Accepted(frozenset({"wav", "mp3", "m4a", "flac", "ogg", "aac", "amr"}), 100 * _MB, 1),
}
"""What the page takes in one turn (2026-08). The extensions are guesses."""

FILE_TYPES: Final[Mapping[MediaKind, str]] = {"image": "image", "video": "video", "audio": "audio", "document": "file"}
"""What the page calls a kind."""
FILE_CLASSES: Final[Mapping[MediaKind, str]] = {
    "image": "vision",
    "video": "video",
    "audio": "audio",
    "document": "document",
}

INLINE_CHARS: Final = 100_000
"""Longer prompts raise the firewall's page, as one project found, which sends them as a file; where exactly is a
guess."""
