"""From what a file holds to one provider's session: by host, merged, one person's."""

import time
from typing import Any

import pytest

from addons.importing.contents import FileContents, FileCookie, ImportProblem
from addons.importing.find import find
from providers.contract.provider import AnyProvider
from providers.contract.session import ObservedExchange
from providers.registry import provider_class
from providers.sandbox.tokens import jwt

NOW = int(time.time())
ADA = jwt({"id": "user-ada", "email": "ada@example.com"})
BOB = jwt({"id": "user-bob", "email": "bob@example.com"})
QWEN = jwt({"id": "user-ada", "exp": NOW + 900})


def made(name: str, type_name: str, **options: Any) -> AnyProvider:
    cls = provider_class(type_name)
    return cls(name, cls.Options.model_validate(options))


def house(*more: AnyProvider) -> dict[str, AnyProvider]:
    """A Z.AI, a Qwen and an official API, and what a test adds."""
    api = made("api", "openai_compatible", base_url="https://api.example.com/v1")
    return {one.name: one for one in (made("zai", "zai"), made("qwen", "qwen"), api, *more)}


def call(url: str, token: str = "", **headers: str) -> ObservedExchange:
    given = {"authorization": f"Bearer {token}"} if token else {}
    return ObservedExchange("GET", url, {**given, **headers}, status=200)


def har(*seen: ObservedExchange, note: str = "") -> FileContents:
    return FileContents("HAR", seen, note=note)


def problem(found: FileContents, providers: dict[str, AnyProvider] | None = None, wanted: str | None = None) -> str:
    with pytest.raises(ImportProblem) as caught:
        find(found, house() if providers is None else providers, wanted)
    for secret in (ADA, BOB, QWEN):
        assert secret not in str(caught.value)
    return str(caught.value)


def test_the_session_is_that_of_the_host_it_was_sent_to() -> None:
    found_session = find(
        har(call("https://elsewhere.example/", BOB), call("https://chat.z.ai/api/a", ADA)), house(), None
    )
    assert (found_session.provider, found_session.credentials.token, found_session.problem) == ("zai", ADA, "")
    assert found_session.session is not None
    assert found_session.session.account == "", "the account is for the person to say"
    assert found_session.note == ""


def test_the_key_of_an_api_of_the_messages_form_is_found_in_its_header() -> None:
    claude = made("claude", "anthropic", preset="anthropic")
    found = find(har(call("https://api.anthropic.com/v1/messages", **{"x-api-key": "sk-ant-1"})), house(claude), None)
    assert (found.provider, found.credentials.api_key, found.problem) == ("claude", "sk-ant-1", "")


def test_what_several_calls_show_is_merged_the_later_first() -> None:
    older, newer = jwt({"id": "user-ada", "n": 1}), jwt({"id": "user-ada", "n": 2})
    seen = [call("https://chat.z.ai/a", older), call("https://chat.z.ai/b", newer)]
    assert find(har(*seen), house(), None).credentials.token == newer
    assert find(har(*reversed(seen)), house(), None).credentials.token == older


def test_two_people_in_one_file_are_refused_by_their_beginnings() -> None:
    said = problem(har(call("https://chat.z.ai/a", ADA), call("https://chat.z.ai/b", BOB)))
    assert "two people (user-ada… and user-bob…)" in said


def test_sessions_of_two_providers_want_a_choice() -> None:
    seen = har(call("https://chat.z.ai/a", ADA), call("https://chat.qwen.ai/api/v2/chats/new", QWEN))
    assert problem(seen) == "it holds sessions of several providers; choose with --provider: zai, qwen"
    assert find(seen, house(), "qwen").credentials.token == QWEN
    assert find(seen, house(), "zai").credentials.token == ADA


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://chat.z.ai:444/a", "no signed-in call of zai"),
        ("http://chat.z.ai/a", "no signed-in call of zai"),
        ("https://chat.z.ai.evil.example/a", "nothing of the configured providers"),
        ("https://evil.example/?https://chat.z.ai/", "nothing of the configured providers"),
        ("https://[", "nothing of the configured providers"),
        ("https://chat.z.ai:port/", "no signed-in call of zai"),
        ("x:", "nothing of the configured providers"),
    ],
)
def test_another_port_scheme_or_host_is_another_place(url: str, words: str) -> None:
    assert words in problem(har(call(url, ADA)))
    assert find(har(call(url, BOB), call("https://chat.z.ai/a", ADA)), house(), None).credentials.token == ADA


def cookie(domain: str, name: str, value: str, *, subdomains: bool = True) -> FileCookie:
    return FileCookie(domain, subdomains, name, value, 0)


def test_cookies_are_those_the_hosts_would_get() -> None:
    jar = (
        cookie("qwen.ai", "refresh_token", "r-0123456789"),
        cookie("chat.qwen.ai", "cna", "c-0123456789", subdomains=False),
        cookie("qwen.ai", "not_ours", "alone", subdomains=False),
        cookie("example.com", "refresh_token", "of somebody else"),
    )
    credentials = find(FileContents("cookies.txt", cookies=jar), house(), None).credentials
    assert credentials.cookies["refresh_token"] == "r-0123456789"
    assert "not_ours" not in credentials.cookies


def test_what_is_missing_and_what_cannot_serve_is_told() -> None:
    partial = find(har(call("https://chat.qwen.ai/api/v2/chats/new", QWEN)), house(), None)
    assert partial.missing
    refused = find(FileContents("token", token="no-token-of-the-site"), house(), "zai")
    assert refused.session is None
    assert refused.problem


# -- mirrors ----------------------------------------------------------------------------------------------------------
def test_a_mirror_takes_what_was_signed_in_at_the_site_and_says_so() -> None:
    providers = {"near": made("near", "zai", base_url="https://mirror.example")}
    found_session = find(har(call("https://chat.z.ai/a", ADA)), providers, None)
    assert (found_session.provider, found_session.credentials.token) == ("near", ADA)
    assert "of the site itself" in found_session.note


def test_what_was_signed_in_at_the_mirror_goes_first() -> None:
    providers = {"near": made("near", "zai", base_url="https://mirror.example")}
    found_session = find(har(call("https://chat.z.ai/a", ADA), call("https://mirror.example/a", BOB)), providers, None)
    assert (found_session.credentials.token, found_session.note) == (BOB, "")


def test_the_site_goes_before_a_mirror_of_its_type() -> None:
    near = made("near", "zai", base_url="https://mirror.example")
    assert find(har(call("https://chat.z.ai/a", ADA)), house(near), None).provider == "zai"


# -- tokens -----------------------------------------------------------------------------------------------------------
def test_a_token_is_of_the_provider_that_is_named() -> None:
    assert find(FileContents("token", token=ADA), house(), "zai").credentials.token == ADA
    key = find(FileContents("token", token="sk-0123456789"), house(), "api").credentials
    assert (key.api_key, key.token) == ("sk-0123456789", None)


def test_a_token_alone_is_of_the_one_that_can_tell_whose_it_is() -> None:
    zai = {name: provider for name, provider in house().items() if name != "qwen"}
    assert find(FileContents("token", token=ADA), zai, None).provider == "zai"
    for token, providers in ((ADA, house()), ("sk-0123456789", zai), (ADA, {"api": house()["api"]})):
        assert "name the provider with --provider" in problem(FileContents("token", token=token), providers)


# -- why there is none ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        (har(), None, "the HAR has nothing of the configured providers"),
        (har(call("https://other.example/")), None, "the HAR has nothing of the configured providers"),
        (har(call("https://other.example/")), "zai", "the HAR has nothing of zai's hosts (chat.z.ai)"),
        (har(call("https://chat.z.ai/")), None, "the HAR has no signed-in call of zai; it needs "),
        (har(call("https://chat.z.ai/"), note="look here"), None, " (look here)"),
        (FileContents("cookies.txt", cookies=(cookie("z.ai", "a", "b"),)), None, "has no signed-in call of zai"),
        (FileContents("cookies.txt", cookies=(cookie("ai", "a", "b"),)), None, "has no signed-in call of"),
        (har(call("https://longcat.chat/")), None, "add: providers: {longcat: {type: longcat, "),
    ],
)
def test_why_there_is_no_session(found: FileContents, wanted: str | None, words: str) -> None:
    assert words in problem(found, wanted=wanted)
