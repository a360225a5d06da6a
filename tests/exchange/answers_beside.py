"""A site that gives the answers to one request beside each other, and what the client reads of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from providers.sandbox.zai.frames import data_frame
from tests.support.answers import Site
from tests.support.harness import House
from tests.support.visit import Got, Visit

COMPLETION = "POST /api/v2/chat/completions"
EVENTS = {"content-type": "text/event-stream"}
USAGE = {"usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}
END = {"phase": "done", "done": True}


def word(text: str) -> bytes:
    return data_frame({"delta_content": text, "phase": "answer"})


class Beside:
    """What the site says to the answers beside the first: `says` gives the pieces of the body of each."""

    def __init__(self, site: Site, says: Callable[[int], AsyncIterator[bytes]], status: int = 200) -> None:
        self.asked = self.left = 0
        self._says, self._status = says, status
        site.replies[COMPLETION] = self

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(self._status, headers=EVENTS, content=self._pieces(self.asked))

    async def _pieces(self, number: int) -> AsyncIterator[bytes]:
        try:
            async for piece in self._says(number):
                yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self.left += 1
            raise


async def whole(number: int) -> AsyncIterator[bytes]:
    yield word(f"beside {number}")
    yield data_frame(USAGE) + data_frame(END)


async def slowly(number: int) -> AsyncIterator[bytes]:
    for piece in ("one ", "two ", f"three {number}"):
        await asyncio.sleep(5)
        yield word(piece)
    yield data_frame(END)


async def never(number: int) -> AsyncIterator[bytes]:
    yield word("a ")
    await asyncio.Event().wait()


def texts(got: Got, *, stream: bool) -> dict[int, str]:
    if not stream:
        return {choice["index"]: choice["message"]["content"] for choice in got.value["choices"]}
    found: dict[int, str] = {}
    for frame in got.frames:
        for choice in frame["choices"] if isinstance(frame, dict) else ():
            found[choice["index"]] = found.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return found


def reasons(got: Got) -> dict[int, str]:
    choices = [choice for frame in got.frames[:-1] for choice in frame["choices"]]
    return {choice["index"]: choice["finish_reason"] for choice in choices if choice["finish_reason"]}


async def asks(house: House, n: int = 3, *, stream: bool = True, **more: Any) -> Visit:
    usage = {"stream_options": {"include_usage": True}} if stream else {}
    return await house.visit().chats("GLM-4.6", stream=stream, n=n, **usage, **more)
