"""What ages about LongCat's site, in one place. No stream of the site is public: it all rests on code reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BASE_URL: Final = "https://longcat.chat"
PASSPORT: Final = "passport_token_key"
"""The cookie that is the sign-in."""

HEADERS: Final[Mapping[str, str]] = {
    "accept": "text/event-stream,application/json",
    "content-type": "application/json",
    "origin": "https://longcat.chat",
    "x-requested-with": "XMLHttpRequest",
    "x-client-language": "en",
    "m-appkey": "fe_com.sankuai.friday.fe.longcat",
    "user-agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/146.0.0.0 Safari/537.36"
    ),
}


@dataclass(frozen=True, slots=True)
class Switches:
    """What a public name stands for: the site has no model names, only switches and an agent. None: as asked."""

    reason: bool | None = None
    search: bool | None = None
    agent_id: str = "1"


MODELS: Final[Mapping[str, Switches]] = {
    "LongCat-Flash": Switches(),
    "LongCat": Switches(),
    "LongCat-2.0": Switches(),
    "LongCat-Thinking": Switches(reason=True),
    "LongCat-Search": Switches(search=True),
    "LongCat-Thinking-Search": Switches(reason=True, search=True),
    "LongCat-Pro": Switches(reason=True, search=True, agent_id="2"),
}
