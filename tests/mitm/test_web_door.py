"""What the door before mitmweb decides by itself: which Host is ours, and what a password costs."""

import asyncio
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders

from addons.mitm.web_guard import Unguarded, guard
from addons.mitm.web_heads import Refused, body_length, is_form, known_host
from addons.mitm.web_passwords import WAITING, Passwords


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8081", "127.9.9.9", "localhost", "LocalHost:9000", "[::1]:8081", "[::1]", "10.0.0.5"],
)
def test_our_own_names_are_known(host: str) -> None:
    assert known_host(host, "10.0.0.5", "10.0.0.5")


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.com", "evil.com:8081", "localhost.evil.com", "127.0.0.1.evil.com", "localhost.", "evil@127.0.0.1"),
        *(
            "2130706433",
            "0x7f000001",
            "10.0.0.6",
            "0.0.0.0",
            "[::1",
            "[::1]evil",
            "127.0.0.1, evil.com",
            "１２７.0.0.1",
        ),
    ],
)
def test_strangers_are_not(host: str) -> None:
    assert not known_host(host, "10.0.0.5", "10.0.0.5")


def test_the_configured_name_and_the_address_of_arrival_are_known() -> None:
    assert known_host("glass.lan:8081", "Glass.LAN", "192.168.1.4")
    assert known_host("192.168.1.4:8081", "0.0.0.0", "192.168.1.4")
    assert not known_host("", "", "192.168.1.4")


@pytest.mark.parametrize("told", ["-1", "+5", "1e3", "0x10", "5, 5", "９", "9" * 20, ""])
def test_odd_lengths_are_refused(told: str) -> None:
    with pytest.raises(Refused):
        body_length(HTTPHeaders({"Content-Length": told}))


def test_lengths_and_forms() -> None:
    assert body_length(HTTPHeaders({"Content-Length": "12"})) == 12
    assert body_length(HTTPHeaders()) == 0
    assert body_length(HTTPHeaders({"Transfer-Encoding": "chunked"})) is None
    assert is_form(HTTPHeaders({"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8"}))


# -- passwords --------------------------------------------------------------------------------------------------------
class Slow:
    """A password check that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.paused = 0

    def __call__(self, password: str) -> bool:
        self.asked.append(password)
        return password == "right"

    async def pause(self, seconds: float) -> None:
        self.paused += 1
        await asyncio.sleep(0)


def test_a_right_password_is_hashed_once() -> None:
    slow = Slow()
    passwords = Passwords(slow, slow.pause)

    async def use() -> None:
        assert not passwords.known("right")
        assert all(await asyncio.gather(*(passwords.proves("right") for _ in range(WAITING))))
        assert passwords.known("right")
        assert not passwords.known("wrong")
        assert not await passwords.proves("wrong")
        passwords.forget()
        assert not passwords.known("right")

    asyncio.run(use())
    assert slow.asked == ["right", "wrong"]
    assert slow.paused == 1


def test_few_may_wait_for_the_answer_to_a_guess() -> None:
    slow = Slow()
    passwords = Passwords(slow, slow.pause)

    async def use() -> list[bool | BaseException]:
        guesses = (passwords.proves(f"guess {number}") for number in range(100))
        return await asyncio.gather(*guesses, return_exceptions=True)

    found = asyncio.run(use())
    assert sum(one is False for one in found) == WAITING == len(slow.asked)
    assert [one.status for one in found if isinstance(one, Refused)] == [429] * (100 - WAITING)


def test_words_that_mitmweb_cannot_compare_are_wrong() -> None:
    def check(password: str) -> bool:
        raise TypeError("comparing strings with non-ASCII characters is not supported")

    assert not asyncio.run(Passwords(check, Slow().pause).proves("Paßwort"))


def test_an_unknown_mitmweb_is_not_guarded_silently() -> None:
    master = SimpleNamespace(app=object(), addons=SimpleNamespace(get=lambda name: object()))
    with pytest.raises(Unguarded):
        guard(master, lambda: "127.0.0.1")
