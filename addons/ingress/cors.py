"""What lets web pages of other origins read the gateway's answers: CORS, as the Fetch standard has it (3.2). Pure.

An origin is compared letter by letter with those of `listen.allowed_origins`: browsers send it in one form only. It is
never answered with `*`, and pages get no credentials of the browser's own: the key they send is a header they set.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from addons.cleaning.fields import Fields
from addons.ingress.upstream_headers import UPSTREAM_HEADERS

METHODS: Final = "GET, HEAD, POST, OPTIONS"
MAX_AGE_S: Final = 600
"""For so long a browser need not ask again."""
EXPOSED: Final = (
    "x-request-id",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "allow",
    "accept-encoding",
    "x-glassgate-model",
    "x-glassgate-account",
    "x-glassgate-attempts",
    "x-glassgate-repair",
    "x-glassgate-cache",
    "age",
    *UPSTREAM_HEADERS,
)
"""Headers of answers that pages may read; by name, since browsers do not take `*` for all where credentials come in."""
_USUAL: Final = ("authorization", "content-type", "x-api-key", "api-key")
"""What may be sent by who does not say what it will send."""
_NAMES_LIMIT: Final = 100
_ASKED_CHARS: Final = 4096

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")


def answer_headers(origin: str | None, allowed: Collection[str]) -> Fields:
    """What every answer says to a request with this `Origin`; nothing where no page may ask at all."""
    if not allowed:
        return ()
    vary = ("vary", "Origin")
    if origin is None or origin not in allowed:
        return (vary,)
    return (vary, ("access-control-allow-origin", origin), ("access-control-expose-headers", ", ".join(EXPOSED)))


def answer_headers_for(fields: Iterable[tuple[bytes, bytes]], allowed: Collection[str]) -> Fields:
    """The same for a request with these header fields."""
    if not allowed:
        return ()
    origins = [value for name, value in fields if name.lower() == b"origin"]
    return answer_headers(b", ".join(origins).decode("latin-1") if origins else None, allowed)


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks what a page may send; it shows no key with that. Names in `headers` are lower case."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_headers(headers: Mapping[str, str]) -> Fields:
    """The answer to a preflight of an origin that is allowed, whatever path it is about."""
    found = [
        ("access-control-allow-methods", METHODS),
        (
            "access-control-allow-headers",
            ", ".join(_asked(headers.get("access-control-request-headers", "")) or _USUAL),
        ),
        ("access-control-max-age", str(MAX_AGE_S)),
        (
            "vary",
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
            "Access-Control-Request-Private-Network",
        ),
    ]
    if headers.get("access-control-request-private-network", "").lower() == "true":
        found.append(("access-control-allow-private-network", "true"))
    return tuple(found)


def _asked(text: str) -> list[str]:
    """The names of headers that a page wants to send. What is no name is left out, and so not allowed."""
    names = (name.strip().lower() for name in text[:_ASKED_CHARS].split(",", _NAMES_LIMIT)[:_NAMES_LIMIT])
    return [name for name in names if _TOKEN.fullmatch(name)]
