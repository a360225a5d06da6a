"""The headers of a person's own browser, kept with the session that it signed in. Pure.

A site ties a sign-in, and above all the cookies of its firewall, to the browser that earned them (user agent, hints,
the page's own tokens); so they travel together, or not at all. Which headers may be kept is a fixed list: IDENTITY for
any browser with its client hints, and what each site's data names (SESSION_HEADERS of its data.py; `bx-*` names all
that begin so). Nothing else of a request is taken: not what belongs to the connection, not cookies and
authorization, which have places of their own.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

AGENT: Final = "user-agent"
ENCODINGS: Final = "accept-encoding"
IDENTITY: Final = frozenset(
    {
        AGENT,
        ENCODINGS,
        "accept-language",
        "dnt",
        "priority",
        "sec-ch-ua",
        "sec-ch-ua-arch",
        "sec-ch-ua-bitness",
        "sec-ch-ua-form-factors",
        "sec-ch-ua-full-version",
        "sec-ch-ua-full-version-list",
        "sec-ch-ua-mobile",
        "sec-ch-ua-model",
        "sec-ch-ua-platform",
        "sec-ch-ua-platform-version",
        "sec-ch-ua-wow64",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-gpc",
    }
)
"""Headers a browser adds to the calls of a page's script (Fetch Metadata, Client Hints, RFC 9218, Global Privacy
Control), lower case. With them go all client hints (`sec-ch-…`), of which there come new ones."""

ORDINARY: Final = (
    IDENTITY
    | {"accept", "content-type", "origin", "referer", "source", "timezone", "version"}
    | {"m-appkey", "x-fe-version"}
)
"""Headers whose values many people share: no secrets to be searched for in a text, though sealed in a call."""

ALL_LIMIT: Final = 32 * 1024
"""Bytes of all values that are kept of one browser; a real one sends less than 3 KB."""
MOST_HEADERS: Final = 64

_VALUE: Final = re.compile(r"[\t -~]{1,8192}")
_HINT: Final = re.compile(r"sec-ch-[a-z0-9-]{1,60}")
_NAME: Final = re.compile(r"[a-z0-9-]{1,60}")
_NUMBER: Final = re.compile(r"\d{1,9}")
_DECODED: Final = frozenset({"gzip", "deflate", "br", "zstd", "identity"})
"""Content codings the gateway undoes piece by piece."""
_PAGES_CALL: Final = {"sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}
"""What a browser says of a call that a page's script makes to its own site."""


def is_identity(name: str) -> bool:
    """Whether a browser says of itself in a header of this name (lower case)."""
    return name in IDENTITY or _HINT.fullmatch(name) is not None


def is_ordinary(name: str) -> bool:
    """Whether many people share the values of the header."""
    return name in ORDINARY or _HINT.fullmatch(name) is not None


def is_completion(url: str, paths: Collection[str]) -> bool:
    """Whether the address is of a call that asks for an answer (`paths`, without the query)."""
    return urlsplit(url).path in paths


def kept(headers: Mapping[str, str], of_site: Collection[str], *, completion: bool) -> dict[str, str]:
    """The headers of a request (names lower case) that are kept with its session.

    Of any call but a completion the headers that depend on the kind of call are set to those of a completion: a page
    is fetched in another way than its script's calls are.
    """
    found: dict[str, str] = {}
    size = 0
    for name in sorted(headers, key=lambda one: (not is_identity(one), one)):
        value = headers[name].strip(" \t")
        if (is_identity(name) or _is_of(name, of_site)) and _VALUE.fullmatch(value):
            if size + len(value) > ALL_LIMIT or len(found) == MOST_HEADERS:
                continue
            size += len(value)
            found[name] = value
    if not completion:
        found.pop("priority", None)
        found |= {name: value for name, value in _PAGES_CALL.items() if name in found}
    return found


def merged(
    older: Mapping[str, str], newer: Mapping[str, str], *, older_asked: bool, newer_asked: bool
) -> dict[str, str]:
    """The headers kept of two calls. `…_asked`: they are those of a completion, which go before any other call's.

    What the browser says of itself comes from one of the calls as a whole, never half from each; what else the page
    sent is joined as long as it was the same browser.
    """
    first, second = (older, newer) if newer_asked >= older_asked else (newer, older)
    if not first or not second:
        return dict(second or first)
    if AGENT not in second or AGENT not in first:
        return {**first, **second}
    same = first[AGENT] == second[AGENT]
    rest = {name: value for name, value in first.items() if not is_identity(name)} if same else {}
    return {**rest, **second}


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """A session's headers as they can be sent: of the content codings only those the gateway undoes are asked for."""
    found = dict(headers)
    for name in headers:
        if name.lower() == ENCODINGS:
            found[name] = decodable(headers[name])
            if not found[name]:
                del found[name]
    return found


def decodable(codings: str) -> str:
    """An Accept-Encoding without the codings that we cannot undo; empty when none is left."""
    parts = (part.strip() for part in codings.split(","))
    return ", ".join(part for part in parts if part.partition(";")[0].strip().lower() in _DECODED)


def _is_of(name: str, of_site: Collection[str]) -> bool:
    """Whether a site's list names the header, itself or as one of a family (`bx-*`)."""
    families = tuple(one[:-1] for one in of_site if one.endswith("*"))
    return name in of_site or (bool(families) and name.startswith(families) and _NAME.fullmatch(name) is not None)


def is_older(version: str, than: str) -> bool:
    """Whether a page's version (`0.3.12`, `prod-fe-1.1.98`) is older than another, by its numbers."""
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(version)]
