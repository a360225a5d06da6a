"""Trying mitmweb's password: what it costs, and who has to wait."""

import asyncio

from addons.mitm.web_heads import Refused
from addons.mitm.web_passwords import WAITING, Passwords


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
