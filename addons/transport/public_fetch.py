"""Fetching a file at an address that a client names: from the public Internet alone, bounded in size and time.

the address    http(s), the usual ports, no user in it
the host       looked up once; every address it has must be public, and the connection goes to one of those, so a
               name that means something else a moment later leads nowhere
redirects      to the same host only, a few, never from https to http
secrets        none: a call of nobody's, over connections that are shared with no provider
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urljoin, urlsplit

from addons.transport.carrier import BrokenAnswer, Carrier, NotConnected, NotInTime, TooLarge
from addons.upstream.port import Target
from providers.contract.call import Call
from providers.contract.errors import ProviderError
from providers.contract.steps import Answer

FETCH_S: Final = 30.0
"""For a whole file, with redirects."""
FETCH_BYTES: Final = 20 * 1024 * 1024
"""The largest file that is fetched, whatever a site would take."""
REDIRECTS: Final = 3
ADDRESSES: Final = 3
"""Of a host, tried one after the other."""
_NOBODY: Final = "~fetched~"
"""In the place of an account: connections of fetches are shared with fetches alone."""
_URL: Final = re.compile(r"(?i)(https?)://([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(80|443))?([/?][!-~]{0,8000})?")
_PORTS: Final = {"http": 80, "https": 443}
_TUNNELS: Final = tuple(
    IPv6Network(net) for net in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)
"""IPv6 addresses that stand for others of IPv4."""
_OF_SITES: Final = IPv6Network("fec0::/10")
"""Private addresses of IPv6 as they were until 2004, which ipaddress takes for public ones."""

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → its addresses. Raises OSError."""


class FetchRefused(Exception):
    """The file was not fetched. The words are for the client, and name no more of the address than its host."""


async def resolved(host: str, port: int) -> list[str]:
    """The addresses that this machine knows of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class PublicFetcher:
    """Fetches files over a Carrier."""

    def __init__(self, carrier: Carrier, resolve: Resolve = resolved) -> None:
        self._carrier = carrier
        self._resolve = resolve

    async def fetch(self, url: str, most_bytes: int) -> Answer:
        """The answer with status 200 that the address gives. Raises FetchRefused."""
        host = _host_of(url)
        try:
            async with asyncio.timeout(FETCH_S):
                return await self._followed(url, min(most_bytes, FETCH_BYTES))
        except TimeoutError:
            raise FetchRefused(f"{host} did not give the file within {FETCH_S:.0f} seconds") from None

    async def _followed(self, url: str, most_bytes: int) -> Answer:
        for _ in range(REDIRECTS + 1):
            answer = await self._asked(url, most_bytes)
            if answer.status not in (301, 302, 303, 307, 308):
                break
            url = _redirected(url, answer.headers.get("location", ""))
        else:
            raise FetchRefused(f"{_host_of(url)} redirects again and again")
        if answer.status != 200:
            raise FetchRefused(f"{_host_of(url)} answers with status {answer.status}")
        return answer

    async def _asked(self, url: str, most_bytes: int) -> Answer:
        scheme, host, port = _place_of(url)
        try:
            call = Call(
                "GET", f"{scheme}://{url.partition('://')[2]}", (("Accept", "*/*"), ("User-Agent", "Glassgate"))
            )
        except ProviderError:
            raise FetchRefused("it is no address that could be asked for a file") from None
        why = ""
        for address in (await self._public(host, port))[:ADDRESSES]:
            target = Target(host, port, scheme == "https", account=_NOBODY, address=address)
            try:
                return await self._carrier.carry(call, target, most_bytes=most_bytes)
            except NotConnected as e:
                why = "there is no connection" if e.in_time else "no connection came about in time"
            except NotInTime:
                raise FetchRefused(f"{host} fell silent") from None
            except TooLarge:
                raise FetchRefused(f"what {host} gives is larger than {most_bytes // 1024 // 1024} MB") from None
            except BrokenAnswer:
                raise FetchRefused(f"{host} gives no whole answer") from None
        raise FetchRefused(f"{host} cannot be reached: {why}")

    async def _public(self, host: str, port: int) -> list[str]:
        """The addresses of a host. Raises FetchRefused where one of them is not public."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise FetchRefused(f"{host} cannot be looked up")
        if not all(map(is_public, found)):
            raise FetchRefused(f"{host} is, or may be, on a network that is not public")
        return list(dict.fromkeys(found))


def is_public(address: str) -> bool:
    """Whether an IP address is of the public Internet: none of this machine, its networks, or that stands for such."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and any(found in net for net in (*_TUNNELS, _OF_SITES)):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved and "%" not in address


def _place_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises FetchRefused for an address that is not asked."""
    found = _URL.fullmatch(url)
    if found is None:
        raise FetchRefused("only plain http(s) addresses with the usual ports are fetched")
    scheme, host, port = found[1].lower(), found[2].lower().strip("[]"), int(found[3] or 0)
    if port not in (0, _PORTS[scheme]):
        raise FetchRefused("only plain http(s) addresses with the usual ports are fetched")
    return scheme, host, _PORTS[scheme]


def _host_of(url: str) -> str:
    return _place_of(url)[1]


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads. Raises FetchRefused where that is another host, or less safe."""
    scheme, host, _ = _place_of(url)
    try:
        onward = urljoin(url, location)
        other_scheme, other_host, _ = _place_of(urlsplit(onward)._replace(fragment="").geturl())
    except ValueError:
        raise FetchRefused(f"{host} redirects to what is no address") from None
    if other_host != host or (scheme == "https" and other_scheme != "https"):
        raise FetchRefused(f"{host} redirects elsewhere; give the file's own address")
    return urlsplit(onward)._replace(fragment="").geturl()
