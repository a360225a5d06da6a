"""Patterns of credentials, whoever's they are: for words of ours and for what a site hands out anew. Pure.

The secrets in force are found by index.py; this is for those nobody has told the gateway of.
"""

import re
from typing import Final

from addons.cleaning.redaction import HIDDEN, redacted

_HEADER: Final = re.compile(
    r"""(?i)((?:authorization|set-cookie|cookie|x-api-key|api-key|proxy-authorization)"""
    r"""(?:['"]?\s{0,8}[:=]\s{0,8}|['"],\s{0,8}b?['"]))([^\r\n,}]+)"""
)
"""In a head, in JSON, and in the pairs that Python shows."""
_PARAMETER: Final = re.compile(r"""(?i)([?&](?:token|key|access_token|api_key|x5secdata)=)([^&\s"']+)""")
_BEARER: Final = re.compile(r"(?i)\b(bearer\s{1,8})([A-Za-z0-9._~+/-]{8,}=*)")
_KEY: Final = re.compile(r"\b(?:sk|pk|gsk|xai|IFM)-[\w*.-]{6,}")
_PAIR: Final = re.compile(r"\b[0-9a-f]{32}\.\w{16}\b")

_IN_HEADERS: Final = ("uthor", "cook", "-key")
_IN_KEYS: Final = ("sk-", "pk-", "xai-", "IFM-")
"""To look for a word is quick, for a pattern slow: each log line comes by here. Letters `i` and `s` are left out, which
have other small forms (ı, ſ) where case is ignored."""


def without_credentials(text: str) -> str:
    """`text` without keys, tokens, cookies and signed links, as far as they look like some."""
    text = redacted(text)
    small = text.lower()
    if any(word in small for word in _IN_HEADERS):
        text = _HEADER.sub(_kept, text)
    text = _PARAMETER.sub(_kept, text)
    if "bearer" in small:
        text = _BEARER.sub(_kept, text)
    if any(word in text for word in _IN_KEYS):
        text = _KEY.sub(HIDDEN, text)
    return _PAIR.sub(HIDDEN, text)


def _kept(found: re.Match[str]) -> str:
    """The name, and the value where it is a placeholder."""
    return found[0] if "~sealed~" in found[2] else found[1] + HIDDEN
