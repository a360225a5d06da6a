"""The HTTP clients (httpx) that carry providers' steps."""

from typing import Final

import httpx

STEP_S: Final = 15.0
"""How long a call may take to send, and between two pieces of its answer."""


def new_client(
    proxy: str | None, *, verify: bool | str = True, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """An HTTP client for one provider's steps: no redirects, no proxy out of the environment, bounded waits.

    `transport` carries its calls in the place of connections, those to a proxy too.
    """
    return httpx.AsyncClient(
        transport=transport,
        proxy=proxy if transport is None else None,
        verify=verify,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(STEP_S, connect=5.0, pool=5.0),
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
        headers={},
    )


class Clients:
    """The httpx clients, one a provider and proxy; they outlive a change of the configuration."""

    def __init__(self, ca_file: str | None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._ca_file = ca_file
        self._transport = transport
        self._known: dict[tuple[str, str | None], httpx.AsyncClient] = {}

    def of(self, proxy: str | None, provider: str) -> httpx.AsyncClient:
        key = (provider, proxy)
        if key not in self._known:
            self._known[key] = new_client(proxy, verify=self._ca_file or True, transport=self._transport)
        return self._known[key]

    async def close(self) -> None:
        for client in self._known.values():
            await client.aclose()
        self._known.clear()
