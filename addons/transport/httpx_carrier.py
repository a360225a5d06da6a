"""The Carrier of commands and captures, which are not mitmproxy's gateway: over httpx."""

import asyncio
from typing import Self

import httpx

from addons.transport.carrier import (
    BODY_LIMIT_BYTES,
    CONNECT_S,
    SILENCES,
    STEP_S,
    Arrived,
    BoundedBody,
    BrokenAnswer,
    Met,
    NotConnected,
    NotInTime,
    is_too_slow,
)
from addons.transport.unreachable import proxy_shown
from addons.upstream.port import Target
from providers.contract.call import Call
from providers.contract.steps import Answer


def new_client(
    proxy: str | None, *, verify: bool | str = True, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """An HTTP client for providers' steps: no redirects, no proxy out of the environment, bounded waits.

    `transport` carries its calls in the place of connections, those to a proxy too.
    """
    return httpx.AsyncClient(
        transport=transport,
        proxy=proxy if transport is None else None,
        verify=verify,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(STEP_S, connect=CONNECT_S, pool=CONNECT_S),
        headers={},
    )


class HttpxCarrier:
    """`async with HttpxCarrier() as carrier`: carries calls over httpx, with a client for each proxy."""

    def __init__(self, *, ca_file: str | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`ca_file`: who signs for the sites, where it is not the machine's list; `transport` as in `new_client`."""
        self._ca_file = ca_file
        self._transport = transport
        self._clients: dict[str | None, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _client(self, target: Target) -> httpx.AsyncClient:
        proxy = proxy_shown(target) if target.via else None
        if proxy not in self._clients:
            self._clients[proxy] = new_client(proxy, verify=self._ca_file or True, transport=self._transport)
        return self._clients[proxy]

    async def carry(
        self,
        call: Call,
        target: Target,
        arrived: Arrived | None = None,
        met: Met | None = None,
        most_bytes: int = BODY_LIMIT_BYTES,
    ) -> Answer:
        headers = [(name, value if isinstance(value, str) else value.shown) for name, value in call.headers]
        if not any(name.lower() == "accept-encoding" for name, _ in headers):
            headers.append(("Accept-Encoding", "identity"))  # what is not packed need not be unpacked
        request = httpx.Request(call.method, call.shown_url, headers=headers, content=call.shown_body or None)
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(SILENCES * STEP_S):
                response = await self._client(target).send(request, stream=True)
            try:
                body, came, began = _body_of(response, arrived, most_bytes), 0, now()
                async for piece in response.aiter_raw():  # httpx's own inflates without a bound
                    body.feed(piece)
                    came += len(piece)
                    if is_too_slow(now() - began, came):
                        raise NotInTime
                whole = body.whole()
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ProxyError) as e:
            raise NotConnected(str(e)) from e
        except httpx.ConnectTimeout as e:
            raise NotConnected(str(e), in_time=False) from e
        except (httpx.TimeoutException, TimeoutError) as e:
            raise NotInTime from e
        except httpx.HTTPError as e:
            raise BrokenAnswer(type(e).__name__) from e
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, found, whole, tuple(response.headers.get_list("set-cookie")))


def _body_of(response: httpx.Response, arrived: Arrived | None, most_bytes: int) -> BoundedBody:
    return BoundedBody(response.headers.get("content-encoding", ""), arrived, most_bytes)
