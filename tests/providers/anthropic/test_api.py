"""The calls: address, key, headers; and the list of models, page by page."""

import json
from typing import Any

import pytest

from providers.anthropic.provider import Anthropic
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, ObservedExchange, Session
from providers.contract.steps import Answer, Steps
from tests.providers.anthropic.streams import KEY, MOMENT, call, chat, failure, known, native, site
from tests.support.calls import Seen, seen
from tests.support.turns import steps_of

BODY = b'{"model": "m", "max_tokens": 5, "messages": []}'


def answer(status: int, body: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {"content-type": "application/json"}, raw)


def walk[T](steps: Steps[T], *answers: Answer) -> tuple[list[Seen], T]:
    """The calls that were made, and the result."""
    calls, asked = [], next(steps)
    for given in answers:
        calls.append(seen(asked))
        try:
            asked = steps.send(given)
        except StopIteration as done:
            return calls, done.value
    raise AssertionError("more is asked for")


@pytest.mark.parametrize(
    ("provider", "name", "value"),
    [
        (known("anthropic"), "X-Api-Key", "~sealed~api~key1~api_key~"),
        (known("zai"), "Authorization", "Bearer ~sealed~api~key1~api_key~"),
        (site(key_header="authorization"), "Authorization", "Bearer ~sealed~api~key1~api_key~"),
    ],
    ids=["x-api-key", "authorization", "as configured"],
)
def test_the_key_stands_where_the_api_wants_it(provider: Anthropic, name: str, value: str) -> None:
    headers = dict(call(provider, chat()).headers)
    assert headers[name] == value
    assert len({"X-Api-Key", "Authorization"} & headers.keys()) == 1
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["User-Agent"] == "glassgate"


def test_a_header_of_the_account_takes_the_keys_place() -> None:
    headers = dict(call(known("anthropic"), chat(), Session("api", "key1", ("api_key", "header:X-Api-Key"))).headers)
    assert headers["X-Api-Key"] == "~sealed~api~key1~header:X-Api-Key~"


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        (site(), "http://127.0.0.1:1/v1/messages"),
        (site(base_url="http://127.0.0.1:1/v1"), "http://127.0.0.1:1/v1/messages"),
        (known("zai"), "https://api.z.ai/api/anthropic/v1/messages"),
        (known("kimi-coding"), "https://api.kimi.com/coding/v1/messages"),
    ],
    ids=["bare", "with a version", "zai", "kimi"],
)
def test_the_address(provider: Anthropic, url: str) -> None:
    assert call(provider, chat()).url == url


def test_headers_of_the_form_go_on_as_the_client_sent_them() -> None:
    sent = call(site(), native(BODY, headers=(("anthropic-beta", "a,b"), ("anthropic-version", "2026-10-21"))))
    headers = dict(sent.headers)
    assert sent.url.endswith("/v1/messages?beta=true")
    assert (headers["anthropic-beta"], headers["anthropic-version"]) == ("a,b", "2026-10-21")


def test_headers_of_config_stand_beside_them() -> None:
    provider = site(headers={"Anthropic-Beta": "ours", "User-Agent": "me"}, anthropic_version="2026-10-21")
    headers = call(provider, native(BODY, headers=(("anthropic-beta", "theirs"),))).headers
    assert [value for name, value in headers if name.lower() == "anthropic-beta"] == ["ours,theirs"]
    assert [value for name, value in headers if name.lower() == "user-agent"] == ["me"]
    assert dict(headers)["anthropic-version"] == "2026-10-21"
    assert dict(call(provider, chat()).headers)["Anthropic-Beta"] == "ours"


# -- models -----------------------------------------------------------------------------------------------------------
def test_the_list_is_read_page_by_page() -> None:
    provider = known("anthropic")
    pages = ({"data": [{"id": "a"}], "has_more": True, "last_id": "a b"}, {"data": [{"id": "c"}], "has_more": False})
    calls, _ = walk(steps_of(provider.list_models(KEY, MOMENT)), *(answer(200, page) for page in pages))
    assert [each.url for each in calls] == [
        "https://api.anthropic.com/v1/models?limit=1000",
        "https://api.anthropic.com/v1/models?limit=1000&after_id=a%20b",
    ]
    assert {"a", "c", "claude-opus-5-5"} <= provider.models().keys()


def test_a_list_that_goes_round_ends() -> None:
    page = answer(200, {"data": [{"id": "a"}], "has_more": True, "last_id": "a"})
    calls, _ = walk(steps_of(known("anthropic").list_models(KEY, MOMENT)), page, page)
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(401, failure("authentication_error", "invalid x-api-key")), ErrorKind.SESSION_EXPIRED),
        (answer(404, failure("not_found_error", "Not found")), ErrorKind.PROVIDER_DOWN),
        (answer(200, b"<html></html>"), ErrorKind.PROVIDER_DOWN),
    ],
    ids=["key", "none", "a page"],
)
def test_no_list(given: Answer, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as refused:
        walk(steps_of(known("anthropic").list_models(KEY, MOMENT)), given)
    assert refused.value.kind is kind


def test_models_of_config_are_the_only_ones() -> None:
    provider = site(models={"mine": "theirs"})
    assert provider.models().keys() == {"mine"}
    assert provider.list_models(KEY, MOMENT) is None
    assert known("zai").list_models(KEY, MOMENT) is None


# -- the key ----------------------------------------------------------------------------------------------------------
def test_a_key_that_is_taken() -> None:
    identify = known("anthropic").sign_in.identify
    assert walk(steps_of(identify(KEY, MOMENT)), answer(200, {"data": []}))[1].proven
    assert not walk(steps_of(identify(KEY, MOMENT)), answer(404, b"404 page not found"))[1].proven
    with pytest.raises(ProviderError) as refused:
        walk(steps_of(identify(KEY, MOMENT)), answer(401, failure("authentication_error", "invalid x-api-key")))
    assert (refused.value.kind, refused.value.credential) == (ErrorKind.SESSION_EXPIRED, "key")


def test_an_address_of_a_known_host_is_set_right() -> None:
    wrong = known("zai", base_url="https://api.z.ai/api/paas/v4")
    assert "https://api.z.ai/api/anthropic" in wrong.doubts()[0]
    with pytest.raises(ProviderError) as refused:
        walk(steps_of(wrong.sign_in.identify(KEY, MOMENT)), answer(404, b"{}"))
    assert "base_url should be https://api.z.ai/api/anthropic" in refused.value.message
    assert known("zai").doubts() == ()


def test_a_key_out_of_a_call() -> None:
    sign_in = known("anthropic").sign_in
    found = sign_in.extract(ObservedExchange("POST", "https://x.example", {"x-api-key": "k"}, 200))
    assert found == Credentials(api_key="k")
    assert sign_in.missing(Credentials())
    assert known("anthropic").read_session("a", Credentials(api_key="k")).has("api_key")
