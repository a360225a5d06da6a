"""Many compressed requests at once: those that are too much together are refused, the others served."""

import asyncio
import gzip
from types import SimpleNamespace
from typing import Any, cast

from mitmproxy import http

from addons.errors import GatewayError
from addons.exchange.exchange import Exchange
from addons.transport.codings import OF_ONE, InflationBudget

LIMIT = 2 * 1024 * 1024


def test_of_many_that_grow_together_as_many_as_may_are_undone() -> None:
    """Each gets to four fifths of its size; when none gives back what it has, all of them are refused."""
    context: Any = SimpleNamespace(
        inflated=InflationBudget(), limits=SimpleNamespace(body_bytes=LIMIT, body_message="large")
    )
    packed = gzip.compress(b"a" * LIMIT)

    async def one() -> int:
        exchange = Exchange("req_1", "ada", cast("Any", None), context, 0.0, codings=("gzip",))
        request = http.Request.make("POST", "http://gateway/", packed)
        try:
            await exchange._undo_codings(request)
        except GatewayError as error:
            return error.status
        return len(request.raw_content or b"")

    async def all_of_them() -> list[int]:
        return list(await asyncio.gather(*(one() for _ in range(OF_ONE + 2))))

    found = asyncio.run(all_of_them())
    assert sorted(found) == [429, 429, *[LIMIT] * OF_ONE]
    assert context.inflated.total == OF_ONE * LIMIT
