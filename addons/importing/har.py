"""Reader of HAR 1.2, as browsers export it: each entry an exchange. Pure."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.cleaning.fields import joined
from addons.importing.contents import FileContents, ImportProblem
from providers.contract.session import ObservedExchange
from providers.formats.jsontext import mapping, text

_SANITIZED: Final = "the browser left cookies and credentials out of this HAR; export it with sensitive data"


def read_har(data: str) -> FileContents:
    """The exchanges of a HAR. Raises ImportProblem."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ImportProblem("this HAR is no whole JSON file: it was cut off or edited") from None
    entries = mapping(mapping(value).get("log")).get("entries")
    if not isinstance(entries, list):
        raise ImportProblem("this JSON is no HAR: it has no log.entries")
    exchanges = tuple(observed for entry in entries if (observed := _exchange(mapping(entry))) is not None)
    shown = any("cookie" in seen.headers or "authorization" in seen.headers for seen in exchanges)
    return FileContents("HAR", exchanges, note="" if shown else _SANITIZED)


def _exchange(entry: Mapping[str, Any]) -> ObservedExchange | None:
    request, response = mapping(entry.get("request")), mapping(entry.get("response"))
    url = text(request.get("url"))
    if not url.startswith(("https://", "http://")):
        return None
    headers = joined(pair for pair in _pairs(request.get("headers")) if not pair[0].startswith(":"))
    if "cookie" not in headers and (cookies := list(_pairs(request.get("cookies")))):
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies)
    given = tuple(value for name, value in _pairs(response.get("headers")) if name.lower() == "set-cookie")
    status = response.get("status")
    return ObservedExchange(
        method=text(request.get("method")) or "GET",
        url=url,
        headers=headers,
        status=status if isinstance(status, int) and status > 0 else None,
        set_cookies=tuple(line for value in given for line in value.split("\n")),
        body=_body(mapping(response.get("content"))),
    )


def _pairs(found: Any) -> Iterator[tuple[str, str]]:
    for item in found if isinstance(found, list) else []:
        pair = mapping(item)
        if text(pair.get("name")):
            yield text(pair.get("name")), text(pair.get("value"))


def _body(content: Mapping[str, Any]) -> bytes:
    words = text(content.get("text"))
    if text(content.get("encoding")) != "base64":
        return words.encode("utf-8", "replace")
    try:
        return base64.b64decode(words)
    except (binascii.Error, ValueError):
        return b""
