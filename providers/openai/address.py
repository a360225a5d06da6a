"""The address that is likely meant by one at which nothing answers, as people write them. Pure.

Every such API known to us ends its base_url before `/chat/completions`, most of them in a version (`/v1`). The two that
people write instead are the whole address of a chat, out of a page of documentation, and the host alone.
"""

import re
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import urlsplit

from providers.contract.passed_on import ENDPOINTS

_ENDS: Final = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/models",
    "/messages",
    "/images/generations",
    "/images/edits",
    *(f"/{endpoint}" for endpoint in ENDPOINTS),
)
_VERSION: Final = re.compile(r"/v[0-9]{1,3}[a-z0-9]{0,20}(?:/|$)", re.IGNORECASE)


def without_endpoint(base_url: str) -> str | None:
    """The address that is meant by one that names an endpoint; None for one that does not."""
    path = urlsplit(base_url).path.rstrip("/").lower()
    end = next((end for end in _ENDS if path.endswith(end)), None)
    return base_url.rstrip("/")[: -len(end)] if end else None


def meant(base_url: str, known: Iterable[str]) -> str | None:
    """The address that is likely meant by one at which nothing answers. `known` are the addresses of known APIs."""
    base = base_url.rstrip("/")
    if (shorter := without_endpoint(base)) is not None:
        return _known_at(shorter, known) or (shorter if _VERSION.search(urlsplit(shorter).path) else f"{shorter}/v1")
    if base in known:
        return None
    return _known_at(base, known) or (None if _VERSION.search(urlsplit(base).path) else f"{base}/v1")


def _known_at(base: str, known: Iterable[str]) -> str | None:
    """The known address on the same host, where there is one and no more."""
    host = urlsplit(base).netloc.lower()
    found: Collection[str] = {address for address in known if urlsplit(address).netloc.lower() == host}
    return next(iter(found)) if len(found) == 1 and base not in found else None


def advice(provider: str, base_url: str, right: str | None) -> str:
    """The sentence that says what to change in config.yaml."""
    if right is None:
        return f"Check providers.{provider}.base_url in config.yaml ({base_url}) and the name of the model."
    should = "end in /v1" if right == f"{base_url}/v1" else f"be {right}"
    if base_url.startswith(right):
        should = f"end before {base_url[len(right) :]}"
    return f"base_url should {should}: change providers.{provider}.base_url in config.yaml from {base_url} to {right}"
