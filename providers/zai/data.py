"""The data of Z.AI's site that ages, in one place. Every item can be overridden in config.yaml (see `ZaiOptions`).

Sources: recorded browser requests of 2026-03 and 2026-09, public clients up to 2026-10. "Guess" marks what no source
proves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.contract.chat import MediaKind
from providers.contract.uploads import Accepted

CLIENT_VERSION: Final = "prod-fe-1.1.98"
"""X-FE-Version of 2026-10. A newer one is read from the site's page when the site calls this one outdated."""

SIGNATURE_KEY: Final = "key-@@@@)))()((9))-xxxx&&&%%%%%"
"""The constant in the site's script that requests are signed with; public, the same for everybody, unchanged 2025-09 to
2026-10."""

ORIGIN: Final = "https://chat.z.ai"
"""What the page says of itself in Origin, Referer and the query, wherever `base_url` points."""

USER_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"
)

LANGUAGE: Final = "en-US"

HEADERS: Final[Mapping[str, str]] = {
    "Accept-Language": LANGUAGE,
    "User-Agent": USER_AGENT,
    "sec-ch-ua": '"Chromium";v="146", "Not-A.Brand";v="24", "Google Chrome";v="146"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "X-Region": "overseas",
}
"""On every call of the page's script. X-Region is there since 2026-05."""

VERSION_HEADER: Final = "x-fe-version"
REGION_HEADER: Final = "x-region"
DEVICE_HEADER: Final = "x-device-id"
SESSION_HEADERS: Final = (VERSION_HEADER, REGION_HEADER, DEVICE_HEADER)
"""Headers of the page in the person's own browser that travel with the session. Not `x-signature`, which is good for
one call only."""

BROWSERS: Final = (
    ("Firefox/", "Firefox"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "Mac OS"),
    ("Linux", "Linux"),
)
"""Part of a user agent → `browser_name` and `os_name` of the query, the first that fits. Only Chrome and Windows are
in recordings; the others are guesses."""

QUERY: Final[Mapping[str, str | None]] = {
    "timestamp": None,
    "requestId": None,
    "user_id": None,
    "version": "0.0.1",
    "platform": "web",
    "token": None,
    "user_agent": None,
    "language": LANGUAGE,
    "languages": "en-US,en",
    "timezone": None,
    "cookie_enabled": "true",
    "screen_width": "1920",
    "screen_height": "1080",
    "screen_resolution": "1920x1080",
    "viewport_height": "945",
    "viewport_width": "1912",
    "viewport_size": "1912x945",
    "color_depth": "24",
    "pixel_ratio": "1",
    "current_url": None,
    "pathname": None,
    "search": "",
    "hash": "",
    "host": None,
    "hostname": None,
    "protocol": None,
    "referrer": "",
    "title": "Z.ai - Free AI Chatbot & Agent powered by GLM-5 & GLM-4.7",
    "timezone_offset": None,
    "local_time": None,
    "utc_time": None,
    "is_mobile": "false",
    "is_touch": "false",
    "max_touch_points": "0",
    "browser_name": "Chrome",
    "os_name": "Windows",
    "signature_timestamp": None,
}
"""The query of a completion, in the order of the recordings. None: worked out for each call."""

FEATURES: Final[Mapping[str, object]] = {
    "image_generation": False,
    "preview_mode": True,
    "flags": [],
    "vlm_tools_enable": False,
    "vlm_web_search_enable": False,
    "vlm_website_mode": False,
}
"""The fixed switches of a completion; thinking, search and effort are added for each chat."""

VARIABLES: Final[Mapping[str, str]] = {"{{USER_NAME}}": "User", "{{USER_LOCATION}}": "Unknown"}

COMPLETION_PATHS: Final[Mapping[str, str]] = {"1": "/api/chat/completions", "2": "/api/v2/chat/completions"}
"""`completion_version` of GET /api/config → where the page of 2026-03 sends a completion."""

EFFORTS: Final[Mapping[str, str]] = {
    "minimal": "high",
    "low": "high",
    "medium": "high",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
"""OpenAI's reasoning_effort → the site's, which knows two steps (since 2026-06). Which step the low ones are: guess."""

DEFAULT_EFFORT: Final = "high"


@dataclass(frozen=True, slots=True)
class SiteModel:
    """A public model and the ids the site has given it, newest first."""

    public: str
    ids: tuple[str, ...]
    efforts: bool = False
    """The site takes `reasoning_effort` for it (glm-5.2 and later)."""
    always_thinks: bool = False
    """The page of 2026-09 cannot switch its thinking off."""
    context_length: int | None = None
    vision: bool = False
    """It is shown pictures, videos and documents; a text model gets documents alone. The live list goes before this."""
    servers: tuple[str, ...] = ()
    """MCP servers of the site's own that a chat with files needs."""
    flags: tuple[str, ...] = ()
    """Switches of FEATURES that a chat with files needs."""


VLM_SERVERS: Final = ("vlm-image-search", "vlm-image-recognition", "vlm-image-processing")

MODELS: Final = (
    SiteModel("GLM-4.5", ("0727-360B-API", "glm-4.5", "GLM-4.5"), context_length=131_072),
    SiteModel("GLM-4.5-Air", ("0727-106B-API", "glm-4.5-air", "GLM-4.5-Air"), context_length=131_072),
    SiteModel("GLM-4.5V", ("glm-4.5v", "GLM-4.5V"), vision=True, servers=VLM_SERVERS),
    SiteModel("GLM-4.6", ("GLM-4-6-API-V1", "glm-4.6", "GLM-4.6"), context_length=204_800),
    SiteModel("GLM-4.6V", ("glm-4.6v", "GLM-4.6V"), vision=True, servers=VLM_SERVERS),
    SiteModel("GLM-4.7", ("glm-4.7", "GLM-4.7"), context_length=204_800),
    SiteModel("GLM-5", ("glm-5", "GLM-5"), context_length=204_800),
    SiteModel("GLM-5-Turbo", ("GLM-5-Turbo", "glm-5-turbo")),
    SiteModel("GLM-5V-Turbo", ("GLM-5v-Turbo", "glm-5v-turbo"), vision=True, flags=("vlm_tools_enable",)),
    SiteModel("GLM-5.1", ("GLM-5.1", "glm-5.1")),
    SiteModel("GLM-5.2", ("glm-5.2", "GLM-5.2"), efforts=True),
    SiteModel("GLM-5.3", ("glm-5.3", "GLM-5.3"), efforts=True, always_thinks=True),
    SiteModel("GLM-5.3-Flash", ("x-preview-l", "glm-5.3-flash"), efforts=True, always_thinks=True),
)
"""Lower-case and public spellings after a known id are guesses, tried only against the site's live list."""

SUFFIXES: Final[Mapping[str, tuple[bool | None, bool | None]]] = {
    "-Thinking": (True, None),
    "-Search": (None, True),
    "-Thinking-Search": (True, True),
}

_MB: Final = 1024 * 1024
_TEXTS: Final = frozenset({"txt", "md", "csv", "json", "xml", "html", "py", "js", "ts", "log", "yaml", "yml"})
OFFICE: Final = frozenset({"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx"})
"""What the page calls a document; other files are just files to it, and no parts of a message."""

READ: Final[Mapping[MediaKind, Accepted]] = {"document": Accepted(OFFICE | _TEXTS, 50 * _MB, 10)}
"""What a text model is given: the numbers for it are in the site's settings (`file.max_count`, `file.max_size`); these
are guesses."""
SEEN: Final[Mapping[MediaKind, Accepted]] = {
    "image": Accepted(frozenset({"png", "jpg", "gif", "webp", "bmp"}), 50 * _MB, 20),
    "video": Accepted(frozenset({"mp4"}), 200 * _MB, 1),
    "document": Accepted(frozenset({"pdf", "docx", "pptx"}), 50 * _MB, 10),
}
"""What the page says that models with eyes are given (2026-03); how many pictures at once is a guess."""
