"""One HTTP request to a provider, and what it must be before anything is sent.

Text that a site or a person chose (ids, tokens, names of headers) may have got into it, so each part is checked here,
for every provider and every preparing call alike.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import Sealed, SecretRef, Value, ValueOf, opened, secrets_of

type Body = bytes | Mapping[str, Value]

_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""RFC 9110 5.6.2, a token."""
_HEADER_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
"""RFC 9110 5.5: no control character but the tab; above all no CR, LF or NUL, which would begin a header of its own."""
_SITE: Final = re.compile(r"https?://[^/?#]*")
_URL: Final = re.compile(r"https?://[!-~]+")
_HEAD_LIMIT: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to the provider. Raises ProviderError when made of what no request can hold.

    `url` is absolute; secrets stand in its query alone. `headers` keep order and case. `body` is bytes, or the fields
    of a flat JSON object where secrets belong in it (sign-in only; never words of the client).
    """

    method: str
    url: Value
    headers: tuple[tuple[str, Value], ...] = ()
    body: Body = b""
    hides_answer: bool = False
    """Secrets are handed out or repeated in its answer, which nobody is shown then."""
    silent_s: float = 0.0
    """As a step: how long the site may say nothing of it, where that is longer than for others."""

    def __post_init__(self) -> None:
        url = self.shown_url
        if not _METHOD.fullmatch(self.method):
            raise _impossible("method")
        if not _URL.fullmatch(url) or (isinstance(self.url, Sealed) and not _begins_query(self.url)):
            raise _impossible("address")
        size = len(url)
        for name, value in self.headers:
            text = value if isinstance(value, str) else value.shown
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
                raise _impossible("header")
            size += len(name) + len(text)
        if size > _HEAD_LIMIT:
            raise _impossible("head of such a size")

    @property
    def shown_url(self) -> str:
        return self.url if isinstance(self.url, str) else self.url.shown

    @property
    def shown_body(self) -> bytes:
        """The body as it may be seen."""
        return _body(self.body, lambda secret: secret.placeholder)

    @property
    def secrets(self) -> tuple[SecretRef, ...]:
        """All secrets it needs."""
        values = [self.url, *(value for _, value in self.headers)]
        if isinstance(self.body, Mapping):
            values += self.body.values()
        return tuple(secret for value in values for secret in secrets_of(value))

    def opened(self, value_of: ValueOf) -> "Call":
        """The Call with its secrets in it, for the wire alone. Raises what `value_of` raises, and ProviderError."""
        headers = tuple((n, value if isinstance(value, str) else value.opened(value_of)) for n, value in self.headers)
        url, body = opened_url(self.url, value_of), _body(self.body, value_of)
        return Call(self.method, url, headers, body, self.hides_answer, self.silent_s)


def opened_url(url: Value, value_of: ValueOf) -> str:
    """A URL, or a part of its query, with its secrets percent-encoded in it."""
    return opened(url, lambda secret: quote(value_of(secret), safe="-._~"))


def origin_of(url: str) -> str:
    """`scheme://host:port` of an absolute URL, the port always named. Raises ValueError on a bad port."""
    return _origin_of(site_of(url))


def site_of(url: str) -> str:
    """The beginning of an absolute URL that says where it leads, as it is written: it ends where RFC 3986 3.2 ends it,
    as for urlsplit. There are few, so what is made of one can be kept."""
    found = _SITE.match(url)
    return found[0] if found is not None else url


@lru_cache(maxsize=256)
def _origin_of(site: str) -> str:
    """The same, of a URL without a path."""
    parts = urlsplit(site)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _begins_query(url: Sealed) -> bool:
    """Whether scheme, host and path stand before the first secret."""
    first = url.parts[0]
    return isinstance(first, str) and "?" in first


def _body(body: Body, value_of: ValueOf) -> bytes:
    if isinstance(body, bytes):
        return body
    return json.dumps({name: opened(value, value_of) for name, value in body.items()}).encode()


def _impossible(what: str) -> ProviderError:
    message = f"the call to the provider would hold a {what} that no request can have; nothing was sent."
    return ProviderError(ErrorKind.PROVIDER_DOWN, message)
