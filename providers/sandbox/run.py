"""Starts the sandbox sites: in a test, or as a process of their own."""

import asyncio
import signal
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from providers.sandbox.anthropic.site import AnthropicSite
from providers.sandbox.k2think.site import K2ThinkSite
from providers.sandbox.longcat.site import LongCatSite
from providers.sandbox.openai.site import OpenAISite
from providers.sandbox.qwen.site import QwenSite
from providers.sandbox.server import Site, serve
from providers.sandbox.sign_in_page import sign_in_pages
from providers.sandbox.zai.site import ZaiSite

SITES: Mapping[str, Callable[[], Site]] = {
    "zai": ZaiSite,
    "k2think": K2ThinkSite,
    "qwen": QwenSite,
    "longcat": LongCatSite,
    "openai": OpenAISite,
    "anthropic": AnthropicSite,
}


class Sandbox:
    """The running sites, on loopback: `async with Sandbox(("zai",)) as sandbox:`."""

    def __init__(
        self,
        sites: Sequence[str] = tuple(SITES),
        *,
        host: str = "127.0.0.1",
        port_base: int = 0,
        own: Mapping[str, Site] | None = None,
        tls: ssl.SSLContext | None = None,
        slip: str = "",
    ) -> None:
        """`own` puts sites of the caller's making in the place of the built-in ones; with `tls` all speak https;
        `slip` is how their models go wrong."""
        self._tls = tls
        self._host = host
        self._port_base = port_base
        chosen = {name: SITES[name]() for name in sites} | dict(own or {})
        self._sites: dict[str, Site] = {}
        for name, site in chosen.items():
            site.slip = slip or site.slip
            self._sites[name] = site
            self._sites |= {f"{name}-{suffix}": other for suffix, other in site.companions().items()}
        self._ports: dict[str, int] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for offset, (name, site) in enumerate(self._sites.items()):
            port = self._port_base + offset if self._port_base else 0
            site.pages = sign_in_pages(name) | site.pages
            server = await serve(site, self._host, port, self._tls)
            self._ports[name] = server.sockets[0].getsockname()[1]
            site.address = self.base_url(name)
            self._stack.callback(server.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def base_url(self, name: str) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._ports[name]}"

    def site(self, name: str) -> Any:
        return self._sites[name]

    def description(self) -> dict[str, Any]:
        """Addresses and ready sessions, as `glassgate sandbox --json` prints them."""
        return {
            "base_urls": {name: self.base_url(name) for name in self._sites},
            "sessions": {name: site.session() for name, site in self._sites.items() if hasattr(site, "session")},
        }


async def run(
    sites: Sequence[str],
    port_base: int,
    announce: Callable[[dict[str, Any]], None],
    own: Mapping[str, Site] | None = None,
    slip: str = "",
) -> None:
    """Runs the sites, and those of the caller's making, until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Sandbox(sites, port_base=port_base, own=own, slip=slip) as sandbox:
        announce(sandbox.description())
        await stop.wait()
