"""What each provider recognises of a session in a person's browsing, and what it must not take for one."""

import json
from typing import Any

import pytest

from providers.contract.provider import Provider, ProviderOptions
from providers.contract.session import Credentials, ObservedExchange
from providers.registry import provider_class
from providers.sandbox.tokens import jwt

PERSON = jwt({"id": "u1", "email": "me@example.com"})
GUEST = jwt({"id": "g1", "email": "Guest-1795000000@guest.com"})
QWEN_SHORT = jwt({"id": "u1", "exp": 1_795_000_000})


def provider(name: str) -> Provider[ProviderOptions]:
    cls = provider_class(name)
    given = {"base_url": "https://api.example/v1"} if name == "openai_compatible" else {}
    return cls(name, cls.Options.model_validate(given))


def seen(
    path: str, *, body: Any = None, status: int | None = 200, set_cookies: tuple[str, ...] = (), **headers: str
) -> ObservedExchange:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return ObservedExchange("GET", f"https://site.example{path}", named, status, set_cookies, data)


@pytest.mark.parametrize(
    ("name", "observed", "expected"),
    [
        pytest.param(
            "zai", seen("/api/v1/chats/", authorization=f"Bearer {PERSON}"), {"token": PERSON}, id="zai bearer"
        ),
        pytest.param(
            "zai",
            seen("/api/v1/auths/", body={"token": PERSON}, authorization=f"Bearer {jwt({'id': 'u1'})}"),
            {"token": PERSON},
            id="zai fresh token",
        ),
        pytest.param(
            "zai",
            seen("/", cookie=f"token={PERSON}; acw_tc=x"),
            {"token": PERSON, "cookie:acw_tc": "x"},
            id="zai cookie",
        ),
        pytest.param(
            "qwen",
            seen("/api/v2/chats/new", authorization=f"Bearer {QWEN_SHORT}", cookie="cna=c"),
            {"token": QWEN_SHORT, "cookie:cna": "c"},
            id="qwen bearer",
        ),
        pytest.param(
            "qwen",
            seen(
                "/api/v2/auths/refresh",
                body={"success": True, "data": {"access_token": QWEN_SHORT}},
                cookie="refresh_token=old",
                set_cookies=("refresh_token=new; Domain=.qwen.ai; HttpOnly",),
            ),
            {"token": QWEN_SHORT, "cookie:refresh_token": "new"},
            id="qwen rotated",
        ),
        pytest.param(
            "k2think", seen("/api/models", authorization=f"Bearer {PERSON}"), {"token": PERSON}, id="k2 bearer"
        ),
        pytest.param("k2think", seen("/", cookie=f"token={PERSON}"), {"token": PERSON}, id="k2 cookie"),
        pytest.param(
            "k2think",
            seen("/api/chat/completions", cookie=f"cf_clearance=c; token={PERSON}", set_cookies=("__cf_bm=b; Path=/",)),
            {"token": PERSON, "cookie:cf_clearance": "c", "cookie:__cf_bm": "b"},
            id="k2 edge",
        ),
        pytest.param("k2think", seen("/api/v1/auths/signin", body={"token": PERSON}), {"token": PERSON}, id="k2 body"),
        pytest.param(
            "k2think",
            seen("/api/v1/auths/signin", set_cookies=(f"token={PERSON}; Path=/",)),
            {"token": PERSON},
            id="k2 set",
        ),
        pytest.param(
            "longcat",
            seen("/api/v1/session-create", cookie="passport_token_key=p1; _lxsdk_s=s", user_agent="UA"),
            {"cookie:passport_token_key": "p1", "cookie:_lxsdk_s": "s", "header:user-agent": "UA"},
            id="longcat jar",
        ),
        pytest.param(
            "longcat",
            seen("/api/v1/user-current", body={"code": 0, "data": {"loginStatus": 1}}, cookie="passport_token_key=p1"),
            {"cookie:passport_token_key": "p1"},
            id="longcat signed in",
        ),
        pytest.param(
            "openai_compatible", seen("/v1/models", authorization="Bearer sk-1"), {"api_key": "sk-1"}, id="key"
        ),
        pytest.param(
            "openai_compatible", seen("/v1/models", x_api_key="sk-2", status=None), {"api_key": "sk-2"}, id="x-api-key"
        ),
    ],
)
def test_a_signed_in_call_shows_the_session(name: str, observed: ObservedExchange, expected: dict[str, str]) -> None:
    found = provider(name).sign_in.extract(observed)
    assert found
    assert found.values() == expected
    assert provider(name).read_session("me", found)


@pytest.mark.parametrize(
    ("name", "observed"),
    [
        pytest.param("zai", seen("/api/v1/chats/", authorization=f"Bearer {GUEST}"), id="zai guest"),
        pytest.param("zai", seen("/api/v1/auths/", body={"token": GUEST}), id="zai guest made"),
        pytest.param("zai", seen("/api/v1/auths/", body=b"\xff", authorization="Bearer x"), id="zai nonsense"),
        pytest.param("qwen", seen("/api/v2/chats/new", cookie="cna=c; acw_tc=x"), id="qwen without a session"),
        pytest.param(
            "qwen", seen("/api/v2/auths/refresh", body={"success": False, "data": {"code": "x"}}), id="qwen refused"
        ),
        pytest.param("qwen", seen("/x", authorization=f"Bearer {jwt({'id': 'g', 'role': 'guest'})}"), id="qwen guest"),
        pytest.param("k2think", seen("/", cookie="guest_conversation_count=2"), id="k2 guest"),
        pytest.param("k2think", seen("/api/models", authorization="Bearer abc"), id="k2 no token of the site"),
        pytest.param("longcat", seen("/t", cookie="_lxsdk_s=s"), id="longcat without passport"),
        pytest.param(
            "longcat",
            seen("/api/v1/user-current", body={"code": 0, "data": {"loginStatus": 0}}, cookie="passport_token_key=old"),
            id="longcat signed out",
        ),
        pytest.param(
            "longcat", seen("/api/v1/session-create", status=401, cookie="passport_token_key=old"), id="longcat 401"
        ),
        pytest.param(
            "openai_compatible", seen("/v1/models", status=401, authorization="Bearer sk-1"), id="refused key"
        ),
        pytest.param("openai_compatible", seen("/v1/models", cookie="a=b"), id="no key"),
    ],
)
def test_a_guest_or_nothing_is_no_session(name: str, observed: ObservedExchange) -> None:
    assert provider(name).sign_in.extract(observed) is None


@pytest.mark.parametrize(
    ("name", "material", "whole"),
    [
        ("zai", Credentials(token=PERSON), True),
        ("zai", Credentials(), False),
        ("qwen", Credentials(token=QWEN_SHORT), False),
        ("qwen", Credentials(token=QWEN_SHORT, cookies={"refresh_token": "r"}), True),
        ("qwen", Credentials(token=PERSON, cookies={"token": PERSON}), True),
        ("qwen", Credentials(cookies={"refresh_token": "r"}), True),
        ("qwen", Credentials(cookies={"cna": "c"}), False),
        ("k2think", Credentials(token=PERSON), True),
        ("k2think", Credentials(), False),
        ("longcat", Credentials(cookies={"passport_token_key": "p"}), True),
        ("longcat", Credentials(cookies={"a": "b"}), False),
        ("openai_compatible", Credentials(api_key="k"), True),
        ("openai_compatible", Credentials(), False),
    ],
)
def test_what_is_still_lacking_is_said(name: str, material: Credentials, whole: bool) -> None:
    assert (provider(name).sign_in.missing(material) == ()) is whole


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("a=1; Path=/", [("a", "1")]),
        ("a=; Path=/", []),
        ("a=1; Max-Age=0", []),
        ("a=1; max-age=-5; Path=/", []),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", []),
        ("a=1; Expires=Thu, 01 Jan 2037 00:00:00 GMT", [("a", "1")]),
        ("=x", []),
        ("nothing", []),
    ],
)
def test_cookies_that_are_given_and_taken_away(value: str, given: list[tuple[str, str]]) -> None:
    assert list(ObservedExchange("GET", "https://x", {}, 200, (value,)).new_cookies.items()) == given


def test_a_sighting_shows_nothing_of_itself() -> None:
    assert "sk-1" not in repr(seen("/", authorization="Bearer sk-1"))
