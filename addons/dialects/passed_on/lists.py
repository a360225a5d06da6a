"""GET /v1/files and GET /v1/batches: what the client key has, as it was last told. No API is asked."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from mitmproxy import http

from addons.dialects.base import JSON
from addons.dialects.local import Catalog
from addons.dialects.routed_head import RoutedHead
from addons.dialects.routes import Route
from addons.dialects.text import json_bytes
from providers.formats.jsontext import loads

PAGE: Final = 10_000
"""Objects of one page, as OpenAI has it for files."""
_VALUES: Final = 2000
"""Of one object."""


def files_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    return _listed("file", head, catalog)


def batches_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    return _listed("batch", head, catalog)


LISTS: Final = (
    Route(frozenset({"GET"}), "/v1/files", "files", files_answer),
    Route(frozenset({"GET"}), "/v1/batches", "batches", batches_answer),
)


def _listed(resource: str, head: RoutedHead, catalog: Catalog) -> http.Response:
    """The page that the query asks for (`after`, `limit`, `order`, `purpose`), the newest first."""
    asked = {name: values[-1] for name, values in parse_qs(head.query).items()}
    found = [
        value for one in catalog.kept.ids(resource) if (value := _object(catalog.kept.get(resource, one))) is not None
    ]
    if purpose := asked.get("purpose"):
        found = [value for value in found if value.get("purpose") == purpose]
    if asked.get("order") == "asc":
        found.reverse()
    if after := asked.get("after"):
        at = next((number for number, value in enumerate(found, 1) if value["id"] == after), len(found))
        found = found[at:]
    limit = asked.get("limit", "")[:6]
    page = found[: int(limit) if limit.isascii() and limit.isdecimal() and 0 < int(limit) <= PAGE else PAGE]
    told = {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(page) < len(found),
    }
    return http.Response.make(200, json_bytes(told), {"content-type": JSON})


def _object(kept: bytes | None) -> Mapping[str, Any] | None:
    value = loads(kept, _VALUES) if kept else None
    return value if isinstance(value, dict) and isinstance(value.get("id"), str) else None
