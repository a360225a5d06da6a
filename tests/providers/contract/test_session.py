"""A person's session: its secrets by name, and what it takes of a site's words."""

import hashlib

import pytest

from providers.contract.errors import ProviderError
from providers.contract.given import words
from providers.contract.sealed import opened, shown
from providers.contract.session import Credentials, Identity, ObservedExchange, Session, SessionUpdate, given_cookies


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


KEPT = Credentials(
    token="tok", cookies={"a": "1", "b": "2"}, headers={"user-agent": "Mozilla/5.0 (X)"}, email="e@x", password="pw"
)


def test_no_secret_is_in_what_a_traceback_shows() -> None:
    seen = ObservedExchange("GET", "https://x/?token=tok", {"cookie": "a=tok"}, set_cookies=("a=tok",), body=b"tok")
    assert "tok" not in repr([KEPT, SessionUpdate("tok", {"a": "tok"}), seen]).replace("token", "")


def test_secrets_have_names_and_the_empty_have_none() -> None:
    assert KEPT.values() == {
        "token": "tok",
        "email": "e@x",
        "password": "pw",
        "password_sha256": hashlib.sha256(b"pw").hexdigest(),
        "cookie:a": "1",
        "cookie:b": "2",
        "header:user-agent": "Mozilla/5.0 (X)",
    }
    assert Credentials(token="", api_key=None).values() == {}


def test_a_device_is_the_same_for_a_person_every_time() -> None:
    one, same, other = (Credentials(token=token).secrets()["device_id"] for token in ("t", "t", "u"))
    assert (one, len(one)) == (same, 16)
    assert one != other
    by_cookies = [Credentials(cookies=cookies).secrets()["device_id"] for cookies in ({"a": "1"}, {"a": "2"})]
    assert len({one, *by_cookies}) == 3


def test_newer_secrets_lie_over_the_older_and_what_they_lack_stays() -> None:
    old = Credentials(token="old", cookies={"a": "1", "b": "2"}, api_key="k", email="e", password="p", expires_at=5)
    assert old.merged(Credentials(cookies={"b": "3"})) == Credentials(
        "old", {"a": "1", "b": "3"}, {}, "k", "e", "p", expires_at=5
    )
    assert old.merged(Credentials(token="new")).expires_at is None, "the old end is not the new token's"
    assert old.updated(SessionUpdate("new", {"c": "4"}, 9)) == Credentials(
        "new", {"a": "1", "b": "2", "c": "4"}, {}, "k", "e", "p", expires_at=9
    )


# -- as a provider sees it --------------------------------------------------------------------------------------------
SESSION = Session(
    "p", "acc", ("token", "cookie:a", "cookie:b", "header:user-agent", "header:sec-ch-ua", "header:x-own")
)


def test_only_a_secret_that_there_is_can_be_sealed() -> None:
    assert SESSION.has("token")
    assert not SESSION.has("api_key")
    assert SESSION.seal("token").shown == "~sealed~p~acc~token~"
    with pytest.raises(KeyError):
        SESSION.seal("api_key")


def test_cookies_make_one_header() -> None:
    assert opened(SESSION.cookie_header(), lambda secret: secret.name[-1].upper()) == "a=A; b=B"
    assert opened(SESSION.cookie_header(without=("a",)), lambda secret: "B") == "b=B"
    assert Session("p", "acc", ("token",)).cookie_header() == ""


def test_a_header_of_the_browser_is_found_by_its_name() -> None:
    found = SESSION.header("user-agent")
    assert found is not None
    assert shown(found) == "~sealed~p~acc~header:user-agent~"
    assert SESSION.header("x-other") is None


def test_a_browser_that_is_known_is_never_mixed_with_ours() -> None:
    ours = {"User-Agent": "ours", "Sec-CH-UA-Platform": "ours", "Accept": "*/*"}
    assert {name: shown(value) for name, value in SESSION.as_browser(ours, ("x-own",)).items()} == {
        "Accept": "*/*",
        "user-agent": "~sealed~p~acc~header:user-agent~",
        "sec-ch-ua": "~sealed~p~acc~header:sec-ch-ua~",
        "x-own": "~sealed~p~acc~header:x-own~",
    }
    unknown = Session("p", "acc", ("header:sec-ch-ua", "header:x-own"))
    assert unknown.as_browser(ours) == ours, "hints say what the user agent says"


# -- as a browser showed it -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("authorization", "bearer"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("Bearer", ""), ("", "")],
)
def test_a_bearer_token_is_read_off_an_exchange(authorization: str, bearer: str) -> None:
    assert ObservedExchange("GET", "https://x/", {"authorization": authorization}).bearer == bearer


def test_cookies_are_read_off_an_exchange() -> None:
    seen = ObservedExchange("GET", "https://x/", {"cookie": "a=1; b=x=y;c=; =d; e"}, set_cookies=("n=1", "a=; Path=/"))
    assert (seen.cookies, seen.new_cookies) == ({"a": "1", "b": "x=y"}, {"n": "1"})
    assert ObservedExchange("GET", "https://x/", {}).bearer == ""


@pytest.mark.parametrize(
    ("attributes", "given"),
    [
        ("Max-Age=0", False),
        ("max-age = -1", False),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Max-Age=10", True),
        ("Expires=Thu, 01 Jan 2970 00:00:00 GMT", True),
        ("Path=/; Secure; HttpOnly", True),
    ],
)
def test_a_cookie_that_is_taken_away_is_not_given(attributes: str, given: bool) -> None:
    assert given_cookies((f"a=1; {attributes}",)) == ([("a", "1")] if given else [])
