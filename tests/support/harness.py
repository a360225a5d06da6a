"""The whole gateway in this process, without a socket: the addon as mitmproxy loads it, on a real Master.

Its clients are in tests/support/visit.py, what providers say in tests/support/answers.py, and time is that of the event
loop (tests/support/virtual_time.py).
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, cast
from unittest.mock import Mock, patch

import httpx
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.view import View
from mitmproxy.master import Master
from mitmproxy.options import Options

from addons.app.hooks import Glassgate
from addons.app.outside import Outside
from addons.app.runtime import Running
from addons.driver.connection import OwnHouse
from addons.exchange.outcome import Outcome
from addons.vault.keys import ENV_NAME, VaultKey
from addons.vault.store import Vault
from tests.support.answers import Site, zai_token
from tests.support.drivers import ENV_NAME as DRIVER
from tests.support.own_calls import Sides
from tests.support.virtual_time import settle
from tests.support.visit import KEY, Visit

VAULT_KEY: Final = b"h" * 32
BOOT_S: Final = 5000.0
"""What the monotonic clock says at the start; it never begins at nothing."""
_OF_A_PROCESS: Final = {
    "harden": "start",
    "raise_file_limit": "start",
    "install_signal_handlers": "process",
    "collect_in_small_steps": "process",
}
"""What the start does to its whole process, which here is the tests', and which module of addons/app does it."""

API: Final = """
  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1002/v1', models: [m, n], accounts: [a, b]}
"""
API_KEYS: Final = {("api", name): {"api_key": f"key-of-{name}-0123456789abcdef"} for name in "ab"}
ZAI: Final = "\n  zai: {type: zai, base_url: 'http://127.0.0.1:1001', accounts: [a, b]}\n"


def zai_sessions() -> dict[tuple[str, str], dict[str, Any]]:
    return {("zai", name): {"token": zai_token(name)} for name in "ab"}


@dataclass
class _Listener(logging.Filter):
    """Sees every record of a logger, whatever becomes of it."""

    seen: Callable[[logging.LogRecord], object]

    def filter(self, record: logging.LogRecord) -> bool:
        self.seen(record)
        return True


@dataclass
class House:
    """A gateway that runs: `async with House(folder, providers=…) as house`. `sessions` are put into a real vault."""

    folder: Path
    providers: str
    sessions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    more: str = ""
    """More of config.yaml. The ledger of requests is off where it says nothing of `usage`."""
    tokens: str = f"[{KEY}]"
    environ: dict[str, str] = field(default_factory=dict)
    """What stands in the environment beside."""
    ahead_s: float = 0.0
    """How far its wall clock is ahead of that with which sessions are stored."""
    starts: bool = True
    """False: mitmproxy has loaded the addon, and says later that it runs (`gate.running`)."""
    own: Sequence[object] = field(default_factory=lambda: (View(), Proxyserver()))
    """mitmproxy's own addons."""
    site: Site = field(default_factory=Site)
    lines: list[Outcome] = field(default_factory=list)
    """The log's line of each request."""
    said: list[str] = field(default_factory=list)
    """What else the log has."""
    heeded: dict[str, Mock] = field(default_factory=dict)
    """Of what the start does to its process: what it was given."""
    names: dict[str, list[str]] = field(default_factory=dict)
    """What the names of hosts mean that clients name."""
    began: float = field(default_factory=time.time)
    """The wall clock's time at the loop's zero."""
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def file(self) -> Path:
        return self.folder / "config.yaml"

    def write(self, **changed: str) -> None:
        """Writes config.yaml; `tokens`, `more` and `providers` may be others from now on."""
        for name, value in changed.items():
            setattr(self, name, value)
        text = f"auth: {{tokens: {self.tokens}}}\nvault: {{path: s/vault.json, rollback_guard: false}}\n"
        usage = "" if "usage:" in self.more else "usage: {enabled: false}\n"
        self.file.write_text(f"{text}{usage}{self.more}\nproviders:\n{self.providers}")
        self.file.chmod(0o600)

    async def __aenter__(self) -> Self:
        self.folder.chmod(0o700)
        self.write()
        loop = asyncio.get_running_loop()
        self._store(lambda: self.began + loop.time())
        try:
            self._enter()
            if self.starts:
                self.gate.running()
        except BaseException:
            self._stack.close()
            raise
        await self.settle()
        return self

    def _store(self, now: Callable[[], float]) -> None:
        place, key = self.folder / "s" / "vault.json", VaultKey(raw=VAULT_KEY)
        if place.exists():  # that of a gateway that ran here before
            self.vault = Vault.open(place, key, now=now, sync=False)
            return
        self.vault = Vault.create(place, key, now=now, sync=False)
        for (provider, account), material in self.sessions.items():
            self.vault.put(provider, account, material)

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """What comes of a call of the gateway's own."""
        return await self.site(request)

    async def _look_up(self, host: str, port: int) -> list[str]:
        return self.names.get(host, [])

    def _enter(self) -> None:
        stack, loop = self._stack, asyncio.get_running_loop()
        gone = ("AUTH_TOKEN", "AUTH_TOKENS_FILE", "SKIP_AUTH_TOKEN", "LONGCAT_PASSPORT_TOKEN", "LONGCAT_TOKENS_FILE")
        environ = {name: value for name, value in os.environ.items() if name not in gone} | self.environ
        stack.enter_context(patch.dict(os.environ, environ | {ENV_NAME: VAULT_KEY.hex()}, clear=True))
        for name, module in _OF_A_PROCESS.items():
            self.heeded[name] = stack.enter_context(patch(f"addons.app.{module}.{name}", return_value=4096))
        stack.callback(os.umask, os.umask(0o077))
        stack.enter_context(patch.object(http.MessageData, "__post_init__", http.MessageData.__post_init__))
        self._listen()
        options = Options()
        self.master = Master(options)
        stack.callback(self.master._legacy_log_events.uninstall)
        options.add_option("scripts", Sequence[str], [], "")
        self.master.addons.add(*self.own)
        sides = Sides(self.carry)  # a visit has its new connections to providers in its hands
        if (server := self.master.addons.get("proxyserver")) is not None:
            cast(Any, server).connections = sides
        clock, now = lambda: BOOT_S + loop.time(), lambda: self.began + self.ahead_s + loop.time()
        self.gate = Glassgate(Outside(sides.connect, clock, now, self._look_up))
        self.master.addons.add(self.gate)
        options.update(mode=["reverse:http://127.0.0.1:1"], gateway_config=str(self.file))

    def _listen(self) -> None:
        logger, request = logging.getLogger("glassgate"), logging.getLogger("glassgate.request")
        handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate

        def restore() -> None:
            logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate

        self._stack.callback(restore)
        for one, seen in (
            (request, lambda record: self.lines.append(record.request)),
            (logger, lambda record: self.said.append(record.getMessage())),
            (logging.getLogger("glassgate.accounts"), lambda record: self.said.append(record.getMessage())),
        ):
            listener = _Listener(seen)
            one.addFilter(listener)
            self._stack.callback(one.removeFilter, listener)

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.gate.done()
        finally:
            self._stack.close()

    # -- what happens in it ---------------------------------------------------------------------------------------
    def visit(self) -> Visit:
        """A new client connection."""
        return Visit(self.master, self.own_house)

    @property
    def own_house(self) -> OwnHouse | None:
        """Where visits are the own driver's: what their connections share."""
        if os.environ.get(DRIVER) != "auto":
            return None
        found = self.gate._stream._driver._make
        assert isinstance(found, OwnHouse)
        return found

    settle = staticmethod(settle)

    @staticmethod
    async def pass_s(seconds: float) -> None:
        """Time passes."""
        await asyncio.sleep(seconds)

    @property
    def parts(self) -> Running:
        assert self.gate.running_parts
        return self.gate.running_parts

    @property
    def line(self) -> Outcome:
        """The newest request's."""
        return self.lines[-1]

    def flows(self) -> Iterator[http.HTTPFlow]:
        """What stands in the inspector's list."""
        yield from (found for found in cast(Any, self.master.addons.get("view")) if isinstance(found, http.HTTPFlow))


def api(folder: Path, more: str = "") -> House:
    """A gateway with two accounts of an official API that serves the models m and n."""
    return House(folder, API, API_KEYS, more)


def zai(folder: Path, more: str = "", **options: str) -> House:
    """A gateway with two persons' sessions at Z.AI, which makes chats. `options` are the provider's keys."""
    own = "".join(f"{name}: {value}, " for name, value in options.items())
    house = House(folder, ZAI.replace("accounts:", f"{own}accounts:"), zai_sessions(), more)
    house.site.makes_chats()
    return house


def is_quiet(house: House) -> bool:
    """Nothing of a request is left behind: no place taken, nothing counted."""
    context = house.parts.context
    taken = [account.limiter.load for account in house.parts.pool.all()]
    counted = (context.budget.active, context.budget.retrying, context.inflated.total)
    return not house.gate.exchanges and not any(taken) and not any(counted)
