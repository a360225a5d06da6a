"""What a call may be made of, and what a site's words can become in one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import checked_id, is_cookie, is_token, person_id, site_id, words
from providers.contract.sealed import Sealed, SecretRef, joined, opened, shown
from providers.contract.session import Identity, Session, SessionUpdate, given_cookies
from providers.contract.steps import Answer

TOKEN = Session("p", "acc", ("token", "cookie:a", "cookie:b")).seal("token")
URL = "https://site.example/x"


def value_of(secret: SecretRef) -> str:
    return {"token": "the real/token+", "cookie:a": "A", "cookie:b": "B"}[secret.name]


# -- sealed values ----------------------------------------------------------------------------------------------------
def test_a_sealed_value_is_shown_and_opened_but_is_no_text() -> None:
    value = "Bearer " + TOKEN + "; end"
    assert value.shown == "Bearer ~sealed~p~acc~token~; end"
    assert value.opened(value_of) == "Bearer the real/token+; end"
    assert "the real" not in repr(value)
    for use in (str, lambda sealed: f"{sealed}", "{}".format):
        with pytest.raises(TypeError, match="no text"):
            use(value)


def test_joining_leaves_empty_values_out_and_is_text_without_secrets() -> None:
    jar = joined("; ", ["a=1", "", "t=" + TOKEN])
    assert (shown(jar), opened(jar, value_of)) == ("a=1; t=~sealed~p~acc~token~", "a=1; t=the real/token+")
    assert joined("; ", ["a", "", "b"]) == "a; b"
    assert joined("; ", []) == ""


def test_a_call_opens_headers_query_and_the_fields_of_a_sign_in() -> None:
    call = Call("POST", f"{URL}?a=1&token=" + TOKEN + "&z=2", (("Authorization", "Bearer " + TOKEN), ("X", "y")))
    assert [secret.name for secret in call.secrets] == ["token", "token"]
    wire = call.opened(value_of)
    assert wire.url == f"{URL}?a=1&token=the%20real%2Ftoken%2B&z=2"
    assert wire.headers == (("Authorization", "Bearer the real/token+"), ("X", "y"))
    sign_in = Call("POST", URL, (), {"password": TOKEN, "kind": "web"})
    assert json.loads(sign_in.shown_body) == {"password": "~sealed~p~acc~token~", "kind": "web"}
    assert json.loads(sign_in.opened(value_of).shown_body) == {"password": "the real/token+", "kind": "web"}


@given(st.text(max_size=60))
def test_no_text_ever_opens(text: str) -> None:
    opening = f"{text}~sealed~p~acc~token~"
    assert opened(opening, value_of) == opening


# -- what no call may hold --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bad", ["a\r\nX: 1", "a\nb", "a\rb", "a\0b", "\x7f", "\x1b[2J", "a\x0bb"])
@pytest.mark.parametrize("place", ["name", "value", "url", "sealed value", "method"])
def test_no_control_character_gets_into_a_call(bad: str, place: str) -> None:
    calls: dict[str, Callable[[], Call]] = {
        "name": lambda: Call("GET", URL, ((bad, "v"),)),
        "value": lambda: Call("GET", URL, (("n", bad),)),
        "sealed value": lambda: Call("GET", URL, (("n", bad + TOKEN),)),
        "url": lambda: Call("GET", URL + bad),
        "method": lambda: Call(bad, URL),
    }
    with pytest.raises(ProviderError, match="nothing was sent") as caught:
        calls[place]()
    assert caught.value.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize("bad", ["v\r\nX: 1", "v\n", "v\0"])
def test_nor_does_a_secret_with_one(bad: str) -> None:
    with pytest.raises(ProviderError):
        Call("GET", URL, (("n", "v" + TOKEN),)).opened(lambda secret: bad)


@pytest.mark.parametrize("url", ["x", "/path", "ftp://a/b", "https://a b/", "https://ä.example/", ""])
def test_an_address_is_absolute_and_plain(url: str) -> None:
    with pytest.raises(ProviderError):
        Call("GET", url)


def test_a_secret_stands_in_the_query_alone() -> None:
    for url in (TOKEN + "https://x/?", "https://" + TOKEN + "/?a=", "https://x/" + TOKEN):
        with pytest.raises(ProviderError):
            Call("GET", url)


def test_a_head_is_bounded() -> None:
    with pytest.raises(ProviderError, match="size"):
        Call("GET", URL, tuple((f"h{n}", "x" * 1000) for n in range(200)))


# -- what sites hand out ----------------------------------------------------------------------------------------------
PLACEHOLDER = "~sealed~other~key1~api_key~"
BAD_IDS: list[Any] = [
    PLACEHOLDER, f"x{PLACEHOLDER}", "a\r\nX-Injected: 1", "a b", "a/b", "../x", "a?b=c&d", "a#b", "%0d%0a", "é",
    "a" * 129, "", "\ud800", None, True, 1.5, ["a"], {"id": "a"}, 1 << 64,
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_IDS)
def test_an_id_that_cannot_be_one_is_refused(bad: Any) -> None:
    assert site_id(bad) == ""
    with pytest.raises(ProviderError, match="id that cannot be one"):
        checked_id(bad, "The chat")


@pytest.mark.parametrize("good", ["0f8fad5b-d9cb-469f-a165-70867728950e", "chatcmpl_1", "a" * 128, 12345, -1])
def test_an_id_that_can_be_one_stays_as_it_is(good: Any) -> None:
    assert checked_id(good, "The chat") == str(good)


@given(st.text(max_size=200))
def test_what_passes_the_border_is_harmless_in_any_place(text: str) -> None:
    for found in (site_id(text), person_id(text)):
        assert not set(found) & set("\r\n\0~&?#/% ;,\"'\\")
    if is_token(text) or is_cookie("n", text):
        Call("GET", URL, (("Cookie", f"n={text}"),))  # raises for what no header can hold


@pytest.mark.parametrize("token", ["a b", "a\r\nb", "a;b", "a,b", "", "x" * 16385, 'q"', "é", "\0"])
def test_a_token_that_cannot_be_one_is_not_kept(token: str) -> None:
    with pytest.raises(ProviderError, match="the one from before stands"):
        SessionUpdate(token)


def test_cookies_that_cannot_be_kept_are_passed_over() -> None:
    given = given_cookies(("a=1; Path=/", "b=x\ry", "c\nd=1", "d=é", "e=" + "x" * 9000, "=v", "f=; Max-Age=1", "g=ok"))
    assert given == [("a", "1"), ("g", "ok")]
    assert len(given_cookies(tuple(f"n{number}=1" for number in range(500)))) == 100
    with pytest.raises(ProviderError):
        SessionUpdate(None, {"a": "b\r\nc"})


def test_who_somebody_is_comes_bounded_and_in_one_line() -> None:
    who = Identity("u" * 999, "A\r\n\x1b[31mB", "a@b.example")
    assert (len(who.user_id), who.name, who.email) == (256, "A   [31mB", "a@b.example")
    assert words({"no": "text"}) == ""


def test_a_sealed_value_is_hashable_and_frozen() -> None:
    assert len({TOKEN, Sealed(TOKEN.parts)}) == 1


# -- every adapter ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bad", [bad for bad in BAD_IDS if bad])
@pytest.mark.parametrize("site", ["zai", "qwen", "longcat"])
def test_no_adapter_takes_such_an_id_for_its_chat(site: str, bad: Any) -> None:
    from tests.support.adapters import chat_of, prepared_with

    answer = {"id": bad, "code": 0, "success": True, "data": {"id": bad, "conversationId": bad}}
    with pytest.raises(ProviderError):
        prepared_with(
            site, Answer(200, {"content-type": "application/json"}, json.dumps(answer).encode()), chat_of(site)
        )
