"""Routes and the table of them: templates, headers that decide, spellings of a path, whose a path is."""

import pytest
from mitmproxy import http

from addons.dialects.body import Reading
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.routed_head import RoutedHead
from addons.dialects.routes import GET, POST, Route, RouteTable

TABLE = RouteTable(
    [
        (Route(POST, "/v1/messages", "create"), "anthropic"),
        (Route(POST, "/v1/messages/count_tokens", "count"), "anthropic"),
        (Route(GET, "/v1/models", "list"), "openai"),
        (Route(GET, "/v1/models", "list", header="anthropic-version"), "anthropic"),
        (Route(GET, "/v1/models/{id:path}", "model"), "openai"),
        (Route(POST, "/v1/responses", "create"), "responses"),
        (Route(GET, "/v1/responses/{id}", "get"), "responses"),
        (Route(frozenset({"DELETE"}), "/v1/responses/{id}", "delete"), "responses"),
        (Route(POST, "/v1/responses/{id}/cancel", "cancel"), "responses"),
        (Route(GET, "/healthz", "health"), "own"),
    ]
)


@pytest.mark.parametrize(
    ("path", "found", "params"),
    [
        ("/v1/messages", ["create"], {}),
        ("//messages/", ["create"], {}),
        ("/messages/count_tokens", ["count"], {}),
        ("/v1/models/a%2Fb/c", ["model"], {"id": "a/b/c"}),
        ("/v1/models//a/", ["model"], {"id": "a"}),
        ("/v1/responses/resp_1", ["get", "delete"], {"id": "resp_1"}),
        ("/responses/resp%2F1/cancel", ["cancel"], {"id": "resp/1"}),
        ("/v1/responses/a/b", [], {}),
        ("/v1/healthz", [], {}),
        ("/healthz", ["health"], {}),
        ("/v1/messages/batches", [], {}),
        ("v1/messages", [], {}),
        ("*", [], {}),
        ("", [], {}),
    ],
)
def test_a_path_finds_its_routes(path: str, found: list[str], params: dict[str, str]) -> None:
    matches = TABLE.at(path, {})
    assert [match.route.operation for match in matches] == found
    assert all(match.params == params for match in matches)


def test_a_header_decides_between_two_at_one_path() -> None:
    assert [match.owner for match in TABLE.at("/v1/models", {})] == ["openai"]
    assert [match.owner for match in TABLE.at("/v1/models", {"anthropic-version": ""})] == ["anthropic", "openai"]


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/v1/messages/batches/1", "anthropic"),
        ("/v1/responses/a/b/c", "responses"),
        ("/models", "openai"),
        ("/v1", None),
        ("/", None),
        ("x", None),
    ],
)
def test_whose_a_path_is_or_lies_below(path: str, owner: str | None) -> None:
    found = TABLE.nearest(path, {})
    assert (found.owner if found is not None else None) == owner


def test_a_header_decides_whose_a_path_is_too() -> None:
    found = TABLE.nearest("/v1/models", {"anthropic-version": "2023-06-01"})
    assert found is not None
    assert found.owner == "anthropic"


def test_people_are_shown_templates_without_their_kind() -> None:
    assert Route(GET, "/v1/models/{id:path}", "model").shown_path == "/v1/models/{id}"


def test_a_model_is_asked_where_nothing_else_answers() -> None:
    def at_head(head: RoutedHead, catalog: Catalog) -> http.Response:
        raise NotImplementedError

    def with_body(request: LocalRequest, catalog: Catalog) -> Reading[http.Response]:
        raise NotImplementedError

    assert Route(POST, "/a", "a").asks_model
    assert not Route(POST, "/a", "a", at_head).asks_model
    assert not Route(POST, "/a", "a", local_reading=with_body).asks_model
