"""Detection of web pages where JSON or a stream was due, and of checks for humans among them.

The one reader for all: what follows from a page is each provider's business. Signs are known of Cloudflare (its header
`cf-mitigated`, developers.cloudflare.com; its pages) and of Alibaba's edge (aliyun_waf, x5sec, `punish`), and the word
captcha.
"""

import re
from collections.abc import Mapping
from typing import Final

START_BYTES: Final = 4096
SEARCHED_BYTES: Final = 64 * 1024
"""How much of a page is searched for signs and its title."""
TITLE_LIMIT: Final = 80
_CHECK: Final = re.compile(
    rb"challenge-platform|cf[-_]chl|just a moment|attention required! \| cloudflare|captcha"
    rb"|aliyun_waf_(?:aa|bb)|_____tmd_____|punish|x5sec|baxia",
    re.IGNORECASE,
)
_TITLE: Final = re.compile(rb"<title[^<>]{0,200}>([^<]{0,200})", re.IGNORECASE)


def is_page(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the answer is a page, by its content type (header names in lower case) or by how it begins."""
    start = body[:START_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "html" in headers.get("content-type", "").lower() or start.startswith(b"<") or b"<html" in start


def is_mitigated(headers: Mapping[str, str]) -> bool:
    """Whether Cloudflare says itself that the answer is its check and not the site's."""
    return headers.get("cf-mitigated", "").strip().lower() == "challenge"


def is_check(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the answer is a check for humans: by Cloudflare's header, or by the signs in its beginning."""
    return is_mitigated(headers) or _CHECK.search(body[:SEARCHED_BYTES]) is not None


def title_of(body: bytes) -> str:
    """The page's title as it stands there, short; empty where it has none."""
    found = _TITLE.search(body[:SEARCHED_BYTES])
    return found[1].decode("utf-8", "replace")[:TITLE_LIMIT] if found else ""
