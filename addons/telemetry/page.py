"""The answer to GET /metrics: Prometheus' text, or OpenMetrics where that is asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from mitmproxy import http
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_ACCEPT_CHARS: Final = 1000
_HEADERS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


class Page:
    """Renders a registry in a thread; who asks meanwhile is given the same. `look` is called before, on the loop."""

    def __init__(self, registry: CollectorRegistry, look: Callable[[], Awaitable[None]]) -> None:
        self._registry: Final = registry
        self._look: Final = look
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def answer(self, accept: str) -> http.Response:
        """The answer to a request with this Accept header."""
        encode, content_type = choose_encoder(accept[:_ACCEPT_CHARS])
        task = self._under_way.get(content_type)
        if task is None:
            task = self._under_way[content_type] = asyncio.ensure_future(self._rendered(encode))
            task.add_done_callback(lambda _: self._under_way.pop(content_type, None))
        text = await asyncio.shield(task)
        return http.Response.make(200, text, {"content-type": content_type, **_HEADERS})

    async def _rendered(self, encode: Callable[[CollectorRegistry], bytes]) -> bytes:
        await self._look()
        return await asyncio.to_thread(encode, self._registry)
