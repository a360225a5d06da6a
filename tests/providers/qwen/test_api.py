"""Qwen's calls outside answers: the list of models by two paths, and the version the page names."""

import json
from typing import Any

import pytest

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.steps import Answer
from providers.qwen import data
from providers.qwen.api import QwenApi
from providers.qwen.options import QwenOptions
from providers.sandbox.qwen.models import listed
from tests.providers.qwen.accounts import NEW_STYLE, moment, session

OUTDATED = ProviderError(ErrorKind.OUTDATED_CLIENT, "outdated")


def played(steps: Any, *answers: Answer) -> list[Call]:
    """The calls of the steps while they get these answers, all of which they ask for."""
    calls = [next(steps)]
    for number, one in enumerate(answers, 1):
        try:
            calls.append(steps.send(one))
        except StopIteration:
            assert number == len(answers), "more answers than calls"
            return calls
    raise AssertionError(f"one more call: {calls[-1].url}")


def answer(body: Any, status: int = 200, at_ms: int = 0) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {}, content, at_ms=at_ms)


def test_a_model_that_nobody_offers_is_refused_with_a_bounded_name() -> None:
    api = QwenApi(QwenOptions())
    with pytest.raises(ProviderError) as caught:
        api.choice("x" * 1000)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.MODEL_UNAVAILABLE, "model")
    assert "x" * 100 in caught.value.message
    assert "x" * 101 not in caught.value.message


@pytest.mark.parametrize(("ids", "tried"), [("site-id", ("site-id",)), (["one", "two"], ("one", "two"))])
def test_names_of_the_configuration_stand_for_the_sites_own(ids: Any, tried: tuple[str, ...]) -> None:
    api = QwenApi(QwenOptions(model_ids={"mine": ids}))
    assert api._aliases["mine"] == tried
    assert set(data.ALIASES) < set(api._aliases)


@pytest.mark.parametrize("wrap", [lambda items: {"data": items}, lambda items: {"data": {"data": items}}])
def test_the_list_of_models_replaces_the_built_in_one(wrap: Any) -> None:
    api = QwenApi(QwenOptions())
    calls = played(api.learn_models(session(NEW_STYLE), moment()), answer(wrap(listed())))
    assert [(call.method, call.url) for call in calls] == [("GET", "https://chat.qwen.ai/api/models")]
    assert api.choice("qwen3.5-flash").site.id == "qwen3.5-flash"
    with pytest.raises(ProviderError):
        api.choice("qwen3-retired")


def test_the_newer_path_is_asked_where_the_older_gives_no_models() -> None:
    for first in (answer({}, 404), answer({"data": []}), answer(b"<html>"), answer({"data": listed()}, 302)):
        api = QwenApi(QwenOptions())
        calls = played(api.learn_models(session(NEW_STYLE), moment()), first, answer({"data": {"data": listed()}}))
        assert [str(call.url).removeprefix("https://chat.qwen.ai") for call in calls] == [
            "/api/models",
            "/api/v2/models/",
        ]
        assert api.choice("qwen3.5-flash")


def test_the_built_in_list_stays_where_neither_path_gives_models_and_the_first_refusal_is_told() -> None:
    api = QwenApi(QwenOptions())
    before = api.catalogue
    with pytest.raises(ProviderError) as caught:
        played(api.learn_models(session(NEW_STYLE), moment()), answer({}, 401), answer({}, 500))
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
    assert api.catalogue is before


def page(version: str) -> bytes:
    return f'<script src="https://assets.example.com/qwen-chat-fe/{version}/js/umi.js">'.encode()


def test_a_newer_version_of_the_page_is_sent_from_then_on() -> None:
    api = QwenApi(QwenOptions())
    steps = api.learn_version(OUTDATED, session(NEW_STYLE), moment())
    (call,) = played(steps, answer(page("99.1.2")))
    fields = {name.lower(): str(value) for name, value in call.headers}
    assert (call.method, call.url, fields["accept"]) == ("GET", "https://chat.qwen.ai/", "text/html")
    assert fields["user-agent"] == api.page.user_agent
    assert api.page.versions.of("") == "99.1.2"


@pytest.mark.parametrize(
    "found",
    [
        answer(b"<html>"),
        answer(page("99.1")),
        answer(page("99999.1.2")),
        answer(page("99.1.2"), 403),
        answer(page("99.1.2").replace(b"qwen-chat-fe", b"other")),
    ],
)
def test_a_page_that_names_no_version_leaves_the_refusal_as_it_was(found: Answer) -> None:
    api = QwenApi(QwenOptions())
    with pytest.raises(ProviderError) as caught:
        played(api.learn_version(OUTDATED, session(NEW_STYLE), moment()), found)
    assert caught.value is OUTDATED


def test_a_refusal_of_the_very_version_the_page_names_is_another_fault() -> None:
    api = QwenApi(QwenOptions())
    with pytest.raises(ProviderError) as caught:
        played(api.learn_version(OUTDATED, session(NEW_STYLE), moment()), answer(page(api.page.versions.of(""))))
    assert caught.value is not OUTDATED
    assert caught.value.kind is not ErrorKind.OUTDATED_CLIENT


def test_a_call_goes_to_the_site_unless_another_host_is_named() -> None:
    api = QwenApi(QwenOptions())
    call = api.call("POST", "/api/x", session(NEW_STYLE), moment(), body=b"{}", referer="/c/1")
    fields = {name.lower(): value for name, value in call.headers}
    assert (call.method, call.url, call.body) == ("POST", "https://chat.qwen.ai/api/x", b"{}")
    assert fields["referer"] == "https://chat.qwen.ai/c/1"
    assert api.call("GET", "/y", session(NEW_STYLE), moment(), base="https://auth.example.com").url == (
        "https://auth.example.com/y"
    )
