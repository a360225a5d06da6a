"""Redaction of secrets and personal ids in what is shown or kept. Pure.

Secrets of the vault never get into a flow in the first place (addons/transport/sealing.py). This is for what a site
hands out anew: tokens in the body of a sign-in or renewal, cookies, signed links.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

_NAMES: Final = (
    r"(?:access|refresh|id|session|auth|csrf|xsrf|bearer|passport|security|api)?[_-]?"
    r"(?:token|key|secret|password|passwd|cookie|credential|signature|jwt)(?:_?key)?"
)
_FIELD: Final = re.compile(rf'("{_NAMES}"\s*+:\s*+")([^"\\]*+(?:\\.[^"\\]*+)*+)(")', re.IGNORECASE | re.DOTALL)
_PARAMETER: Final = re.compile(rf"([?&;](?:{_NAMES}|x5secdata|sig|expires)=)([^&\s\"'<>;]+)", re.IGNORECASE)
# What follows `eyJ` is taken whole, whether it is a JWT or not (then it has no `rest`): nothing is looked at twice.
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]*+(?P<rest>\.[A-Za-z0-9_-]{4,}+\.[A-Za-z0-9_-]*+)?")
_BEARER: Final = re.compile(r"(bearer\s+)(?!~sealed~)([A-Za-z0-9._~+/=-]{12,})", re.IGNORECASE)
_JWT_HEAD: Final = len("eyJ") + 8
_FIELD_ENDS: Final = ('token"', 'key"', 'cret"', 'word"', 'wd"', "cook", "credent", 'gnature"', 'jwt"')
"""One of these stands in whatever _FIELD finds: to look for a word is quick, for the pattern slow. Letters `i` and `s`
are left out, which have other small forms (ı, ſ) where case is ignored."""
HIDDEN: Final = "~hidden~"
PIECE_CHARS: Final = 64 * 1024
_EDGE_CHARS: Final = 16 * 1024
SHORTEST_SECRET: Final = 10
SENSITIVE_HEADERS: Final = frozenset(
    {
        "authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "proxy-authorization",
        "x-signature",
        "x-csrf-token",
    }
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without tokens, keys and signed links; placeholders stay as they are."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:  # a cookie's value may be an ordinary word
            text = text.replace(secret, HIDDEN.ljust(len(secret), "~"))  # some sites count positions
    return in_pieces(text, _without_patterns)


def in_pieces(text: str, clean: Callable[[str], str]) -> str:
    """`clean` applied to a long text piece by piece: a pattern keeps the interpreter's lock for as long as it runs, in
    a thread too. Pieces end at a line end or between two JSON strings, where there is one near."""
    return clean(text) if len(text) <= PIECE_CHARS else "".join(map(clean, _pieces(text)))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while len(text) - at > PIECE_CHARS:
        nearest, most = at + PIECE_CHARS - _EDGE_CHARS, at + PIECE_CHARS
        places = (text.rfind(mark, nearest, most) for mark in ("\n", '","', " "))
        cut = next((place + 1 + (text[place] == '"') for place in places if place >= 0), most)
        yield text[at:cut]
        at = cut
    yield text[at:]


def _without_patterns(text: str) -> str:
    small = text.lower()
    if any(end in small for end in _FIELD_ENDS):
        text = _FIELD.sub(_field, text)
    if "=" in text:
        text = _PARAMETER.sub(lambda found: f"{found[1]}{HIDDEN}" if "~sealed~" not in found[2] else found[0], text)
    text = _JWT.sub(_jwt, text)
    return _BEARER.sub(rf"\1{HIDDEN}", text) if "bearer" in small else text


def redacted_bytes(data: bytes, secrets: Iterable[str] = ()) -> bytes:
    return redacted(data.decode("utf-8", "surrogateescape"), secrets).encode("utf-8", "surrogateescape")


def redacted_header(name: str, value: str) -> str:
    """A header's value as it may be shown: credentials only as placeholders."""
    if name.lower() in SENSITIVE_HEADERS and "~sealed~" not in value:
        return HIDDEN
    return redacted(value)


def _jwt(found: re.Match[str]) -> str:
    return HIDDEN if found["rest"] and len(found[0]) - len(found["rest"]) >= _JWT_HEAD else found[0]


def _field(found: re.Match[str]) -> str:
    value = found[2]
    return found[0] if not value or "~sealed~" in value else f"{found[1]}{HIDDEN}{found[3]}"
