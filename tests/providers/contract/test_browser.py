"""A person's own browser: what of it is kept, how two calls of it are merged, and that every call wears it whole."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.accounts.sessions import credentials_of, record_of
from addons.cleaning.index import secrets_of
from providers.contract import browser
from providers.contract.call import Call
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.requests import ChatRequest
from providers.contract.sealed import shown
from providers.contract.session import Credentials, ObservedExchange, Session
from providers.contract.steps import Answer, Moment
from providers.longcat import data as longcat_data
from providers.qwen import data as qwen_data
from providers.registry import provider_class
from providers.sandbox.tokens import jwt
from providers.zai import data as zai_data
from tests.support import firefox
from tests.support.turns import turn_of

CHROME = {
    "user-agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/146.0.0.0",
    "sec-ch-ua": '"Chromium";v="146"',
    "sec-ch-ua-platform": '"Windows"',
    "accept-language": "en-US",
}
FOX = {name.lower(): value for name, value in firefox.BROWSER.items()}
TOKEN = jwt({"id": "u1", "email": "me@example.com"})
MOMENT = Moment(1_795_000_000_000, lambda: "00000000-0000-4000-8000-000000000001", "Europe/Berlin")
MODELS = {"zai": "GLM-4.6", "qwen": "qwen3.7-plus", "k2think": "MBZUAI-IFM/K2-Think", "longcat": "LongCat-Flash"}
SESSIONS = {
    "zai": Credentials(token=TOKEN, cookies={"acw_tc": "edge"}),
    "qwen": Credentials(token=TOKEN, cookies={"refresh_token": "r", "cna": "c"}),
    "k2think": Credentials(token=TOKEN),
    "longcat": Credentials(cookies={"passport_token_key": "p"}),
}


def provider(name: str) -> Provider[ProviderOptions]:
    cls = provider_class(name)
    return cls(name, cls.Options.model_validate({}))


def observed(site: str, path: str = "", **other: str) -> ObservedExchange:
    credentials = SESSIONS[site]
    headers = firefox.headers_of(site, {"token": credentials.token, "cookies": credentials.cookies}) | other
    url = f"https://site.example{path or firefox.PATHS[site]}"
    return ObservedExchange("POST", url, {name.lower(): value for name, value in headers.items()}, 200)


def collected(site: str, *exchanges: ObservedExchange) -> Credentials:
    found = Credentials()
    for seen in exchanges:
        newer = provider(site).sign_in.extract(seen)
        assert newer is not None
        found = found.merged(newer)
    return found


# -- what is kept -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("site", list(SESSIONS))
def test_a_completion_shows_the_browser_and_the_page_and_no_more(site: str) -> None:
    expected = FOX | {name.lower(): value for name, value in firefox.SITES[site].items()}
    assert dict(collected(site, observed(site)).headers) == expected


@pytest.mark.parametrize("site", list(SESSIONS))
def test_no_list_names_what_must_never_be_kept(site: str) -> None:
    never = {name.lower() for name in firefox.NEVER} | {"cookie", "authorization", "transfer-encoding", "keep-alive"}
    lists = (browser.IDENTITY, zai_data.SESSION_HEADERS, qwen_data.SESSION_HEADERS, longcat_data.SESSION_HEADERS)
    assert not any(never & set(names) for names in lists)


@pytest.mark.parametrize("value", ["", "a\r\nx: y", "a\x00b", "a\x7fb", "naïve", "a" * 8193, "\t "])
def test_a_value_that_no_browser_sends_is_not_kept(value: str) -> None:
    assert browser.kept({"user-agent": value}, (), completion=True) == {}


def test_all_of_it_is_bounded() -> None:
    big = dict.fromkeys(sorted(browser.IDENTITY), "a" * 8192)
    assert sum(map(len, browser.kept(big, (), completion=True).values())) <= browser.ALL_LIMIT


@given(st.dictionaries(st.sampled_from(sorted(browser.IDENTITY | {"cookie", "host", "bx-ua"})), st.text(max_size=20)))
def test_any_headers_are_kept_within_the_list_and_can_be_sent(headers: dict[str, str]) -> None:
    found = browser.kept(headers, ("bx-ua",), completion=True)
    assert found.keys() <= browser.IDENTITY | {"bx-ua"}
    for name, value in found.items():
        assert Call("GET", "https://a.example/", ((name, value),))


def test_all_client_hints_and_a_sites_family_are_kept() -> None:
    hints = {"sec-ch-prefers-color-scheme": "dark", "sec-ch-viewport-width": "1200", "sec-ch-ua-new": "1"}
    page = {"bx-ua": "a", "bx-et": "b", "bx-": "c"}
    never = {"sec-ch-": "a", "sec-ch_x": "b", "x-bx-ua": "c", "bx_ua": "d", "sec-websocket-key": "e", "bx-ü": "f"}
    found = browser.kept({**FOX, **hints, **page, **never}, qwen_data.SESSION_HEADERS, completion=True)
    assert found == {**FOX, **hints, **page}
    assert not any(map(browser.is_identity, never))
    credentials = Credentials(token=TOKEN, cookies={"refresh_token": "r"}, headers=found)
    session = provider("qwen").read_session("main", credentials)
    assert {f"header:{name}" for name in (*hints, "bx-et")} <= set(session.names)
    assert {*hints} <= session.as_browser({}).keys()
    hidden = {known.name for known in secrets_of(credentials, "qwen", "main") if known.name.startswith("header:")}
    assert hidden == {"header:bx-ua", "header:bx-et", "header:bx-"}


def test_so_many_headers_are_no_browsers() -> None:
    many = {f"bx-{number}": "x" for number in range(1000)} | FOX
    found = browser.kept(many, ("bx-*",), completion=True)
    assert len(found) == browser.MOST_HEADERS
    assert found.keys() >= FOX.keys(), "what the browser says of itself goes first"


def test_one_value_too_long_for_all_leaves_room_for_the_others() -> None:
    big = {f"bx-{number}": "x" * 8000 for number in range(5)} | {"bx-z": "small"}
    assert {"bx-0", "bx-z"} <= browser.kept(big, ("bx-*",), completion=True).keys()


def test_of_a_page_the_kind_of_call_is_not_kept() -> None:
    page = {**FOX, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none"}
    assert browser.kept(page, (), completion=False) == {n: v for n, v in FOX.items() if n != "priority"}


# -- two calls --------------------------------------------------------------------------------------------------------
def test_the_newest_completion_goes_before_any_other_call() -> None:
    other = {"Version": "0.3.99", "Accept-Language": "fr", "bx-pp": "x"}
    for calls in (
        (observed("qwen"), observed("qwen", "/api/v2/chats/1", **other)),
        (observed("qwen", "/api/v2/chats/1", **other), observed("qwen")),
        (observed("qwen", Version="0.2.1"), observed("qwen")),
    ):
        headers = collected("qwen", *calls).headers
        assert (headers["version"], headers["accept-language"]) == ("0.2.99", FOX["accept-language"])


def test_tokens_that_only_other_calls_carry_are_joined() -> None:
    bare = observed("qwen")
    without = {n: v for n, v in bare.headers.items() if not n.startswith("bx-")}
    seen = ObservedExchange("POST", bare.url, without, 200)
    headers = collected("qwen", observed("qwen", "/api/v2/chats/new"), seen).headers
    assert headers["bx-ua"] == firefox.SITES["qwen"]["bx-ua"]


def test_two_browsers_are_never_mixed() -> None:
    both = {"bx-ua": "of chrome", **CHROME}
    assert browser.merged(both, FOX, older_asked=False, newer_asked=False) == FOX
    assert browser.merged(both, FOX, older_asked=True, newer_asked=False) == both
    assert browser.merged({}, FOX, older_asked=True, newer_asked=False) == FOX
    assert browser.merged(FOX, {}, older_asked=False, newer_asked=True) == FOX


def test_what_a_site_hands_out_leaves_the_browser_as_it_is() -> None:
    credentials = collected("qwen", observed("qwen"))
    assert credentials.merged(Credentials("new")).headers == credentials.headers


def test_the_vault_keeps_it() -> None:
    credentials = collected("qwen", observed("qwen"))
    assert credentials_of(record_of(credentials)) == credentials


# -- every call -------------------------------------------------------------------------------------------------------
def chat_at(site: str) -> ChatRequest:
    return ChatRequest(MODELS[site], (Message("user", "hi"),))


def calls_of(site: str, session: Session) -> Iterator[Call]:
    """Each kind of call the provider makes for a session, with answers that lead on."""
    one = provider(site)
    chat = chat_at(site)
    bodies = (
        b'{"id":"c1","success":true,"code":0,"data":{"id":"c1","conversationId":"c1","loginStatus":1,'
        b'"access_token":"t"},"user":{"id":"u1"}}'
    )
    turn = turn_of(one, chat, session)
    for steps in (
        turn.prepare(MOMENT),
        one.sign_in.identify(session, MOMENT),
        one.sign_in.refresh(session, MOMENT),
        one.list_models(session, MOMENT),
    ):
        calls, _ = walked(steps, bodies)
        yield from calls
    yield turn.call(MOMENT)
    yield from turn.cleanup(MOMENT)


def walked(steps: Generator[Call, Answer, Any] | None, body: bytes) -> tuple[list[Call], Any]:
    calls: list[Call] = []
    if steps is None:
        return calls, None
    try:
        calls.append(next(steps))
        while True:
            calls.append(steps.send(Answer(200, {"content-type": "application/json"}, body)))
    except StopIteration as end:
        return calls, end.value
    except Exception:  # an answer that one of the steps cannot use: its call has been made
        return calls, None


@pytest.mark.parametrize("site", list(SESSIONS))
def test_every_call_wears_the_whole_browser_sealed_and_nothing_of_ours(site: str) -> None:
    credentials = collected(site, observed(site))
    calls = list(calls_of(site, provider(site).read_session("main", credentials)))
    assert len(calls) >= 2
    for call in calls:
        headers = {name.lower(): shown(value) for name, value in call.headers}
        assert len(headers) == len(call.headers)
        wire = {n.lower(): v for n, v in call.opened(lambda s: credentials.secrets()[s.name]).headers}
        assert {n: v for n, v in wire.items() if browser.is_identity(n)} == FOX | (
            {"sec-fetch-site": "same-site"} if "refresh" in call.shown_url else {}
        )
        for name in FOX.keys() - ({"sec-fetch-site"} if "refresh" in call.shown_url else set()):
            assert headers[name] == f"~sealed~{site}~main~header:{name}~"
        assert firefox.AGENT not in call.shown_url


def test_k2think_signs_in_as_the_browser_and_with_the_cookies_of_its_edge() -> None:
    kept = collected("k2think", observed("k2think"))
    assert dict(kept.cookies) == {firefox.EDGE: "of-a-person"}
    credentials = replace(
        kept, email="me@example.com", password="secret word", cookies={**kept.cookies, "token": TOKEN}
    )
    steps = provider("k2think").sign_in.with_password(provider("k2think").read_session("main", credentials), MOMENT)
    assert steps is not None
    wire = {n.lower(): v for n, v in next(steps).opened(lambda s: credentials.secrets()[s.name]).headers}
    assert {n: v for n, v in wire.items() if browser.is_identity(n)} == FOX
    assert wire["cookie"] == f"{firefox.EDGE}=of-a-person"
    assert "authorization" not in wire


@pytest.mark.parametrize("site", list(SESSIONS))
def test_a_session_without_a_browser_has_ours(site: str) -> None:
    session = provider(site).read_session("main", SESSIONS[site])
    for call in calls_of(site, session):
        headers = {name.lower(): shown(value) for name, value in call.headers}
        assert "Chrome/146" in headers["user-agent"]
        assert headers.get("accept-encoding", "identity") == "identity"


def test_hints_without_a_user_agent_are_not_sent() -> None:
    session = Session("a", "b", ("header:sec-ch-ua", "header:Accept-Language"))
    found = session.as_browser({"User-Agent": "ours", "accept-language": "en"})
    assert found.keys() == {"User-Agent", "accept-language"}
    assert shown(found["accept-language"]) == "~sealed~a~b~header:Accept-Language~"


# -- encodings --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("codings", "asked"),
    [
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("gzip;q=1.0, compress, BR;q=0.5, *;q=0", "gzip;q=1.0, BR;q=0.5"),
        ("br , dcb,dcz", "br"),
        ("dcz", None),
        ("", None),
    ],
)
def test_only_what_can_be_undone_is_asked_for(codings: str, asked: str | None) -> None:
    for name in ("accept-encoding", "Accept-Encoding"):
        assert Credentials(headers={name: codings}).values().get(f"header:{name}") == asked


# -- versions ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("version", "than", "older"),
    [("0.2.99", "0.3.12", True), ("0.3.9", "0.3.12", True), ("0.3.12", "0.3.12", False), ("prod-fe-1.2.0", "x", False)],
)
def test_versions_are_compared_by_number(version: str, than: str, older: bool) -> None:
    assert browser.is_older(version, than) is older


def test_a_version_that_the_site_calls_outdated_gives_way_to_the_pages() -> None:
    zai = provider("zai")
    credentials = collected("zai", observed("zai", **{"X-FE-Version": "prod-fe-1.1.1"}))
    session = zai.read_session("main", credentials)
    refused = turn_of(zai, chat_at("zai")).classify(426, {}, b'{"error":{"code":"APP_VERSION_OUTDATED","detail":"x"}}')
    steps = turn_of(zai, chat_at("zai"), session).recover(refused, MOMENT)
    assert steps is not None
    page = next(steps)
    assert shown(dict(page.headers)["user-agent"]) == "~sealed~zai~main~header:user-agent~"
    with pytest.raises(StopIteration):
        steps.send(Answer(200, {}, b"<script src=/prod-fe-1.1.98/x.js>"))
    call = next(zai.sign_in.identify(session, MOMENT) or iter(()))
    assert dict(call.headers)["X-FE-Version"] == "prod-fe-1.1.98"
    newer = zai.read_session("main", collected("zai", observed("zai", **{"X-FE-Version": "prod-fe-1.1.99"})))
    call = next(zai.sign_in.identify(newer, MOMENT) or iter(()))
    assert shown(dict(call.headers)["X-FE-Version"]) == "~sealed~zai~main~header:x-fe-version~"


def test_qwens_too() -> None:
    qwen = provider("qwen")
    session = qwen.read_session("main", collected("qwen", observed("qwen")))  # 0.2.99
    outdated = ProviderError(ErrorKind.OUTDATED_CLIENT, "old")
    steps = turn_of(qwen, chat_at("qwen"), session).recover(outdated, MOMENT)
    assert steps is not None
    assert shown(dict(next(steps).headers)["user-agent"]) == "~sealed~qwen~main~header:user-agent~"
    with pytest.raises(StopIteration):  # our own version is newer than the session's
        steps.send(Answer(200, {}, b"<script src=/qwen-chat-fe/0.3.12/x.js>"))
    call = next(qwen.sign_in.identify(session, MOMENT) or iter(()))
    assert dict(call.headers)["version"] == "0.3.12"
    steps = turn_of(qwen, chat_at("qwen"), session).recover(outdated, MOMENT)
    assert steps is not None
    next(steps)
    with pytest.raises(ProviderError):  # that is the page's own
        steps.send(Answer(200, {}, b"<script src=/qwen-chat-fe/0.3.12/x.js>"))


# -- secrets ----------------------------------------------------------------------------------------------------------
def test_what_many_browsers_say_is_searched_for_nowhere_and_the_pages_tokens_are() -> None:
    names = {known.name for known in secrets_of(collected("qwen", observed("qwen")), "qwen", "main")}
    headers = {name for name in names if name.startswith("header:")}
    assert headers == {"header:bx-ua", "header:bx-umidtoken", "header:bx-v", "header:bx-et"}
