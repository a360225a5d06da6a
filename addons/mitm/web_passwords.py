"""Checking mitmweb's password, which is kept as a slow hash: in a thread, and not as often as one likes."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from addons.mitm.web_heads import Refused

ATTEMPT_S: Final = 0.25
"""A wrong password keeps the next attempt waiting for so long."""
WAITING: Final = 8


class Passwords:
    """The check of a password. `check` is slow: one at a time, in a thread, and a pause after each wrong one."""

    def __init__(self, check: Callable[[str], bool], pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._check = check
        self._pause = pause
        self._right: bytes | None = None
        """The digest of the password that was found right, so that it costs one slow hash in all."""
        self._turn = asyncio.Lock()
        self._waiting = 0

    def known(self, password: str) -> bool:
        """Whether the password is the one found right before; costs nothing."""
        return self._right is not None and hmac.compare_digest(self._right, _digest(password))

    async def proves(self, password: str) -> bool:
        """Whether the password is right. Raises Refused when too many wait to be told."""
        if self.known(password):
            return True
        if self._waiting >= WAITING:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many passwords are being tried; wait a few seconds")
        self._waiting += 1
        try:
            async with self._turn:
                if self.known(password):
                    return True
                if await asyncio.to_thread(self._is_right, password):
                    self._right = _digest(password)
                    return True
                await self._pause(ATTEMPT_S)
                return False
        finally:
            self._waiting -= 1

    def forget(self) -> None:
        """Forgets the password found right: another one is in force."""
        self._right = None

    def _is_right(self, password: str) -> bool:
        try:
            return self._check(password)
        except TypeError:  # a plain-text password is compared as ASCII
            return False


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
