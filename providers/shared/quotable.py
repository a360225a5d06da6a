"""A site's own words about a failure, made safe to pass on. Pure."""

import re
from typing import Final

MESSAGE_LIMIT: Final = 300
"""Characters of a site's own words that are passed on."""
_READ_LIMIT: Final = 4000
_SECRETS: Final = re.compile(
    r"\b(?:sk|pk|gsk|xai|IFM)-[\w*.-]{6,}|\b[0-9a-f]{32}\.\w{16}\b|\beyJ[\w-]{8,}+(?:\.[\w.-]+)?|(?i:bearer)\s+\S{8,}"
)
_LINK_TAIL: Final = re.compile(r"(https?://[^\s?#\"'<>]++)(?:[?#][^\s\"'<>]*+)?")


def quotable(message: str) -> str:
    """The words in one line, without keys and the signed ends of links, at most MESSAGE_LIMIT characters."""
    line = " ".join(message[:_READ_LIMIT].split())
    line = _LINK_TAIL.sub(r"\1", _SECRETS.sub("[key]", line)).replace("[DONE]", "(DONE)")
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 1].rstrip() + "…"
