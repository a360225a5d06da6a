"""Answers of its own: what is kept of an answer, and how many tokens a request has."""

from typing import Any, Final
from urllib.parse import parse_qs

from mitmproxy import http

from addons.dialects.base import ANSWERS, JSON
from addons.dialects.body import Reading
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.responses.kept import KeptAnswer, going_on, with_ids
from addons.dialects.responses.output import stem_of
from addons.dialects.responses.request import read_response, tool_words
from addons.dialects.routed_head import RoutedHead
from addons.dialects.routes import GET, POST, Route
from addons.dialects.text import json_bytes
from addons.errors import GatewayError
from providers.contract.native import ResponsesRequest

DELETE: Final = frozenset({"DELETE"})
_PAGE: Final = 20
_MOST: Final = 100
_SHOWN: Final = 100


def response_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """GET /v1/responses/{id}: the answer as it was given. Raises GatewayError (404)."""
    return _json(_kept(head, catalog).response)


def input_items_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """GET /v1/responses/{id}/input_items: a page of what it was asked with, the newest first unless `order=asc`.

    `after` is the last id of the page before. Raises GatewayError (404).
    """
    found = with_ids(_kept(head, catalog).input, f"{stem_of(head.params['id'])}i")
    query = {name: values[-1] for name, values in parse_qs(head.query).items()}
    if query.get("order") != "asc":
        found.reverse()
    ids = [str(item["id"]) for item in found]
    first = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    asked = query.get("limit", "")
    count = min(max(int(asked), 1), _MOST) if asked.isdecimal() and len(asked) < 4 else _PAGE
    page, names = found[first : first + count], ids[first : first + count]
    told: dict[str, Any] = {"object": "list", "data": page, "has_more": first + count < len(found)}
    return _json({**told, "first_id": names[0] if names else None, "last_id": names[-1] if names else None})


def deleted_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """DELETE /v1/responses/{id}. Raises GatewayError (404)."""
    id = head.params["id"]
    if not catalog.kept.delete(ANSWERS, id):
        raise _unknown(id)
    return _json({"id": id, "object": "response", "deleted": True})


def cancel_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """POST /v1/responses/{id}/cancel: only what runs in the background could be. Raises GatewayError (400, 404)."""
    _kept(head, catalog)
    message = "only an answer in the background can be cancelled, and `background` is not served here: it has ended"
    raise GatewayError(400, message, param="response_id", code="unsupported_parameter")


def socket_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """GET /v1/responses as a web socket: Codex asks by POST once it hears that there is none. Raises GatewayError."""
    raise GatewayError(404, "there is no web socket here: ask by POST /v1/responses", code="unknown_url")


def tokens_answer(request: LocalRequest, catalog: Catalog) -> Reading[http.Response]:
    """POST /v1/responses/input_tokens: an estimate. Raises GatewayError (400)."""
    parsed = yield from read_response(request.body, request.most_values, request.head)
    if parsed.follows is not None:
        if (kept := catalog.kept.get(ANSWERS, parsed.follows)) is None:
            raise _unknown(parsed.follows, 400, "previous_response_id", "previous_response_not_found")
        parsed = yield from going_on(parsed, kept)
    asked = parsed.request
    assert isinstance(asked, ResponsesRequest)
    count = catalog.tokens([*asked.words(), *tool_words(asked)])
    return _json({"object": "response.input_tokens", "input_tokens": count})


ROUTES: Final = (
    Route(GET, "/v1/responses", "responses_socket", socket_answer, header="upgrade"),
    Route(POST, "/v1/responses/input_tokens", "response_input_tokens", local_reading=tokens_answer),
    Route(GET, "/v1/responses/{id}", "response", response_answer),
    Route(DELETE, "/v1/responses/{id}", "response_deleted", deleted_answer),
    Route(GET, "/v1/responses/{id}/input_items", "response_input_items", input_items_answer),
    Route(POST, "/v1/responses/{id}/cancel", "response_cancelled", cancel_answer),
)


def _kept(head: RoutedHead, catalog: Catalog) -> KeptAnswer:
    id = head.params["id"]
    value = catalog.kept.get(ANSWERS, id)
    if value is None:
        raise _unknown(id)
    return KeptAnswer(value)


def _unknown(id: str, status: int = 404, param: str = "response_id", code: str = "response_not_found") -> GatewayError:
    message = f"there is no answer {id[:_SHOWN]} here: it was not kept (store: false), was deleted or has expired"
    return GatewayError(status, message, param=param, code=code)


def _json(value: object) -> http.Response:
    return http.Response.make(200, json_bytes(value), {"content-type": JSON})
