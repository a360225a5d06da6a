"""What a provider is to the gateway: its defaults, its address, and which of its operations serves a request."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from providers.contract.operation import Operation, Turn
from providers.contract.provider import Model, Provider, ProviderOptions, checked_url
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment
from providers.registry import type_names
from tests.providers.contract.test_requests import CHAT, RAW, PictureRequest
from tests.providers.seeds import provider_of


class Site(Provider[ProviderOptions]):
    type_name = "site"
    Options = ProviderOptions

    def __init__(self, *kinds: type[ModelRequest]) -> None:
        super().__init__("site", ProviderOptions(base_url="https://site.example"))
        self.operations: Mapping[type[ModelRequest], Operation[Any]] = {
            kind: Operation(frozenset({kind.__name__}), _no_turn) for kind in kinds
        }

    def models(self) -> Mapping[str, Model]:
        return {}

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return Session(self.name, account)


def _no_turn(request: ModelRequest, session: Session) -> Turn:
    raise AssertionError


@pytest.mark.parametrize(
    ("kinds", "request_", "served"),
    [
        ((ChatRequest,), CHAT, ChatRequest),
        ((ChatRequest,), RAW, ChatRequest),
        ((ChatRequest, CompletionRequest), RAW, CompletionRequest),
        ((CompletionRequest,), CHAT, None),
        ((ChatRequest, CompletionRequest), PictureRequest("m"), None),
        ((), RAW, None),
    ],
)
def test_a_request_is_served_as_itself_or_as_what_stands_for_it(
    kinds: tuple[type[ModelRequest], ...], request_: ModelRequest, served: type[ModelRequest] | None
) -> None:
    found = Site(*kinds).serving(request_)
    assert (None if found is None else type(found.request)) is served
    if found is not None:
        assert found.operation.native == frozenset({type(found.request).__name__})
        assert found.request.model == request_.model


# -- the base ---------------------------------------------------------------------------------------------------------
def test_a_provider_that_says_no_more_needs_no_more() -> None:
    site, session = Site(), Session("site", "a")
    assert (Site.session_of_line("a=b"), Site.from_environment({"TOKEN": "x"})) == (None, None)
    assert (site.origins(), site.doubts()) == (frozenset({"https://site.example:443"}), ())
    assert site.list_models(session, Moment(0, lambda: "id")) is None
    assert (site.web_session, site.meets_checks, site.sign_in.page) == (True, False, "https://site.example")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://a.example/v1/", "https://a.example/v1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_an_address_is_read_without_its_last_slash(written: str, read: str) -> None:
    assert checked_url(written) == read
    assert ProviderOptions(base_url=written).base_url == read


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("http://a.example", "loopback"),
        ("a.example/v1", "https"),
        ("ftp://a.example", "https"),
        ("https://", "https"),
        ("https://me:pw@a.example", "no user"),
        ("https://a.example?key=1", "no user"),
        ("https://a.example#x", "no user"),
        ("https://a.example:99999", "ort"),
        ("https://a.example/v1/chat/completions", "without /chat/completions"),
        ("https://a.example/v1/embeddings/", "without /embeddings"),
    ],
)
def test_an_address_that_is_unsafe_or_no_base_is_refused(written: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ProviderOptions(base_url=written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a.example/v1", "https://a.example/v1"),
        ("//a.example", "https://a.example"),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
        ("https://a.example/v1/responses", "https://a.example/v1"),
        ("word", ""),
        ("a b.example", ""),
    ],
)
def test_what_was_meant_is_told_where_it_is_plain(written: str, meant: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ProviderOptions(base_url=written)
    assert refused.value.errors()[0]["ctx"]["instead"] == meant


# -- every provider of the registry -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", type_names())
def test_every_provider_keeps_to_the_contract(name: str) -> None:
    provider = provider_of(name)
    assert provider.type_name == name
    assert all(origin.startswith(("https://", "http://127.0.0.1:")) for origin in provider.origins())
    assert provider.models()
    assert all(model.id == public for public, model in provider.models().items())
    serving = provider.serving(CHAT)
    assert serving is not None
    assert serving.request is CHAT
    assert provider.serving(PictureRequest("m")) is None
    raw = provider.serving(RAW)
    assert raw is not None, "a raw prompt is a chat at worst"
