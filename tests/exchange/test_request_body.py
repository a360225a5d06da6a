"""A client's body: undone within the budget of all, read in turns where it is big."""

import asyncio
import gzip
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http

from addons.errors import GatewayError
from addons.exchange.request_body import AT_ONCE_BYTES, RequestBody
from addons.transport.codings import OF_ONE, InflationBudget

LIMIT = 2 * 1024 * 1024


def test_of_many_that_grow_together_as_many_as_may_are_undone() -> None:
    """Each gets to four fifths of its size; when none gives back what it has, all of them are refused."""
    context: Any = SimpleNamespace(
        inflated=InflationBudget(), limits=SimpleNamespace(body_bytes=LIMIT, body_message="large")
    )
    packed = gzip.compress(b"a" * LIMIT)

    async def one() -> int:
        request = http.Request.make("POST", "http://gateway/", packed)
        try:
            return len(await RequestBody(context, "ada", ("gzip",)).plain(request))
        except GatewayError as error:
            return error.status

    async def all_of_them() -> list[int]:
        return list(await asyncio.gather(*(one() for _ in range(OF_ONE + 2))))

    found = asyncio.run(all_of_them())
    assert sorted(found) == [429, 429, *[LIMIT] * OF_ONE]
    assert context.inflated.total == OF_ONE * LIMIT


@pytest.mark.parametrize(("size", "alone"), [(AT_ONCE_BYTES, True), (AT_ONCE_BYTES + 1, False)])
def test_others_have_their_turn_between_the_steps_of_a_big_one(size: int, alone: bool) -> None:
    done: list[str] = []
    context: Any = SimpleNamespace(inflated=InflationBudget())

    def steps() -> Generator[None, None, str]:
        for number in range(3):
            done.append(str(number))
            yield
        return "read"

    async def ours() -> str:
        body = RequestBody(context, "ada")
        assert len(await body.plain(http.Request.make("POST", "http://gateway/", b"x" * size))) == body.size == size
        found = await body.read(steps())
        await body.pause()
        done.append("paused")
        return found

    async def others() -> None:
        for _ in range(4):
            done.append("other")
            await asyncio.sleep(0)

    async def both() -> str:
        return (await asyncio.gather(ours(), others()))[0]

    assert asyncio.run(both()) == "read"
    together = ["0", "1", "2", "paused", *["other"] * 4]
    in_turns = ["0", "other", "1", "other", "2", "other", "other", "paused"]
    assert done == (together if alone else in_turns)
