"""A client's body, undone and read within the bounds of all: budgets, and turns for others between its steps."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from mitmproxy import http

from addons.errors import GatewayError
from addons.exchange.context import Context
from addons.transport.codings import decode_body

AT_ONCE_BYTES: Final = 128 * 1024
"""A body up to this size is read without a pause: that takes a few milliseconds at most."""


@dataclass(slots=True)
class RequestBody:
    """The body of one request. `key` is the client key's name, which its inflated bytes count for."""

    context: Context
    key: str
    codings: tuple[str, ...] = ()
    """How it is compressed, in the order in which that is to be undone."""
    size: int = 0
    """Its bytes, once it is plain."""
    _inflated: int = 0
    """Bytes that were made of it while it was undone."""

    async def plain(self, request: http.Request) -> bytes:
        """The body, uncompressed; from here on the request is as if it had been sent so, and what cannot be undone is
        not kept.

        Raises GatewayError (400, 413, 429).
        """
        if self.codings:
            await self._undo_codings(request)
        body = request.raw_content or b""
        self.size = len(body)
        return body

    async def _undo_codings(self, request: http.Request) -> None:
        packed, limits = request.raw_content or b"", self.context.limits
        request.headers.pop("content-encoding", None)
        request.content = b""
        undoing = decode_body(packed, self.codings, limits.body_bytes, limits.body_message, self._grew)
        try:
            request.content = await _in_turns(undoing, pausing=True)
        except GatewayError:
            self.release()  # at once: else many that grow together would all find the others' share taken
            raise

    def _grew(self, count: int) -> None:
        """So many bytes more came of it. Raises GatewayError(429)."""
        self.context.inflated.reserve(self.key, count, self.context.limits.body_bytes)
        self._inflated += count

    def release(self) -> None:
        """What was made of it counts no more."""
        self.context.inflated.release(self.key, self._inflated)
        self._inflated = 0

    async def read[T](self, reading: Generator[None, None, T]) -> T:
        """The result of reading it; where it is big, others have their turn between the steps."""
        return await _in_turns(reading, pausing=self.size > AT_ONCE_BYTES)

    async def pause(self) -> None:
        """Others have their turn before the next thing is done with it, where it is big."""
        if self.size > AT_ONCE_BYTES:
            await asyncio.sleep(0)


async def _in_turns[T](work: Generator[None, None, T], *, pausing: bool) -> T:
    """The result of a work in steps; where it is `pausing`, others have their turn between them."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if pausing:
            await asyncio.sleep(0)
