"""Reads a sign-in out of the person's own browsing into the vault: addons/capturing/run.py, or as a script of mitmdump:

    mitmdump -s addons/capture.py --listen-host 127.0.0.1 --set capture_provider=zai

An ordinary local proxy that decrypts the provider's hosts alone. Every body passes as it comes; what shows the session
is looked at on its way, kept in memory, and stored once it can serve. Then the person is told so, and the proxy ends.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from mitmproxy import ctx, http, tcp, tls
from mitmproxy.addonmanager import Loader
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client

from addons.app.hardening import harden
from addons.app.outside import moment_source
from addons.capturing import page as capture_page
from addons.capturing import peer
from addons.capturing import setup as capture_setup
from addons.capturing.flows import BodyCopy, is_navigation, origin, shows_body, sighting_of
from addons.capturing.gathering import CredentialCollector
from addons.capturing.proof import SessionCheck, SessionChecker, SiteProver
from addons.capturing.target import Target, target_of
from addons.cli.base import Problem
from addons.vault.errors import VaultError
from providers.contract.provider import Credentials, ObservedExchange, Session

log = logging.getLogger("glassgate.capture")

LINGER_S: Final = 10.0
"""How long the page "signed in" may be fetched once the session is stored …"""
DELIVERED_S: Final = 1.0
"""… and how long its delivery may take."""
_DISTRUST: Final = ("unknown ca", "bad certificate", "certificate unknown")
"""TLS alerts of a browser that does not know who signed (RFC 8446 6.2)."""
_OURS: Final = "glassgate.capture"


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored, in words: no secrets."""

    target: str
    names: tuple[str, ...]
    whose: str
    expires_at: int | None
    """Unix seconds, where the session says so."""
    doubt: str


class Capture:
    """The addon. `stored` or `problem` says how it ended; `on_ready` and `on_stored` are told when."""

    def __init__(
        self,
        target: Target | None = None,
        *,
        prover: SessionChecker | None = None,
        on_ready: Callable[[int], None] = lambda port: None,
        on_stored: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.stored: Stored | None = None
        self.problem = ""
        self._strangers = 0
        self.visited = False
        """Whether a browser has come to the site."""
        self._target = target
        self._prover = prover
        self._on_ready = on_ready
        self._on_stored = on_stored
        self._clock = clock
        self._gathering: CredentialCollector | None = None
        self._work: asyncio.Task[None] | None = None
        self._asking: asyncio.Future[SessionCheck] | None = None
        self._proven: SessionCheck | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._copies: dict[str, BodyCopy] = {}
        self._ended = False
        self._told = False

    # -- life of the process --------------------------------------------------------------------------------------
    def load(self, loader: Loader) -> None:
        capture_setup.add_options(loader)
        capture_setup.close_up(ctx.options)

    def running(self) -> None:
        os.umask(0o077)
        harden()  # before the first secret is read
        try:
            capture_setup.check(ctx.master)
            target = self._target or _named_target()
            self._prover = self._prover or SiteProver(
                target.provider,
                moment_source(),
                proxy=target.proxy,
                ca_file=ctx.options.ssl_verify_upstream_trusted_ca or None,
            )
            port = capture_setup.port_of(cast(Proxyserver, ctx.master.addons.get("proxyserver")))
        except Problem as e:
            self.stop(e.format_message())
            return
        self._target, self._gathering = target, CredentialCollector(target.provider, target.account)
        ctx.options.update(allow_hosts=capture_setup.host_patterns(target.provider))
        loop = asyncio.get_running_loop()
        self._ending = loop.call_later(ctx.options.capture_timeout_s, self._timed_out)
        log.info("waiting for a sign-in to %s at %s", target.name, target.provider.sign_in_page())
        self._on_ready(port)

    async def done(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        if self._work is not None:
            await asyncio.wait([self._work])  # a write to the vault that has begun is brought to its end
        self.tell_problem()

    def stop(self, problem: str) -> None:
        """Ends the capture; `problem` is why, unless the session has been stored or just is being stored."""
        self.problem = self.problem or problem
        self._ended = True
        if self._asking is not None:
            self._asking.cancel()
        ctx.master.shutdown()

    def tell_problem(self) -> None:
        """Says once why nothing was stored."""
        if self.stored is None and not self._told:
            self._told = True
            log.error("%s", self.problem or "stopped; the vault is as it was")

    def missing(self) -> str:
        """What was not seen, in words."""
        assert self._gathering is not None
        assert self._target is not None
        if not self._gathering.names():
            return f"no sign-in to {self._target.name} was seen (a guest's session is not stored)"
        missing = ", ".join(self._gathering.missing()) or "a session the site takes"
        return f"of the sign-in to {self._target.name} this was not seen: {missing}"

    def _timed_out(self) -> None:
        self.stop(f"{self.missing()} within {ctx.options.capture_timeout_s} s; the vault is as it was")

    # -- hooks ----------------------------------------------------------------------------------------------------
    def client_connected(self, client: Client) -> None:
        """Other users of this machine are no guests here; where the system does not tell, loopback has to do."""
        if peer.can_tell() and not peer.is_one_of_us(peer.owner_of(client.peername[:2], client.sockname[:2])):
            client.error = "a program of another user"
            if not self._strangers:
                log.warning("another user of this machine tried to use the capture proxy; it is refused")
            self._strangers += 1

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.visited = self.visited or self._is_site(flow.request)
        page = await self._page(flow.request)
        if page is None:
            flow.request.stream = True  # what is typed into the site is not even held in memory
        else:
            flow.response = page
            flow.metadata[_OURS] = True

    async def _page(self, request: http.Request) -> http.Response | None:
        """Our own page, when the person's browser asks for one."""
        target = self._target
        if target is None or self._gathering is None:
            return None
        ours = request.host == capture_page.HOST
        if not ours and not (self._is_site(request) and is_navigation(request)):
            return None
        if self._work is not None and self.stored is None:
            await asyncio.wait([self._work])  # the page after the sign-in: stored in a moment
        if self.stored is not None:
            return capture_page.signed_in(target.provider.name, target.account)
        return capture_page.waiting(target.provider.name, target.provider.sign_in_page()) if ours else None

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.metadata.get(_OURS) or flow.response is None:
            return
        if self._is_site(flow.request) and shows_body(flow):
            copy = self._copies[flow.id] = BodyCopy()
            flow.response.stream = copy
            return
        flow.response.stream = True
        if self._is_site(flow.request):
            self._look_at(sighting_of(flow))  # now: an answer that streams may go on for minutes

    def response(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        copy = self._copies.pop(flow.id, None)
        if copy is not None:
            encoding = flow.response.headers.get("content-encoding", "")
            content = flow.response.raw_content or copy.content(encoding)  # one without a body was not streamed
            self._look_at(sighting_of(flow, content))
        if flow.metadata.get(_OURS) and self.stored is not None and not self._ended:
            self._end_after(DELIVERED_S)
        if not flow.websocket:
            _forget(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._copies.pop(flow.id, None)
        _forget(flow)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        assert flow.websocket is not None
        flow.websocket.messages.clear()

    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        flow.messages.clear()

    def tls_failed_client(self, data: tls.TlsData) -> None:
        if any(words in (data.conn.error or "").lower() for words in _DISTRUST):  # else it just closed the connection
            log.warning("the browser does not trust the capture proxy's CA; the site cannot be opened there")

    def tls_failed_server(self, data: tls.TlsData) -> None:
        log.warning("no trusted connection to the site: %s", data.conn.error)

    # -- the session ----------------------------------------------------------------------------------------------
    def _is_site(self, request: http.Request) -> bool:
        return self._target is not None and origin(request) in self._target.provider.origins()

    def _look_at(self, seen: ObservedExchange) -> None:
        if self._gathering is None or self._ended or not self._gathering.add(seen):
            return
        log.info("seen: %s", ", ".join(self._gathering.names()))
        if missing := self._gathering.missing():
            log.info("still lacking: %s", ", ".join(missing))
        elif self._work is None or self._work.done():
            self._work = asyncio.create_task(self._conclude(self._gathering), name="glassgate capture")
            self._work.add_done_callback(self._worked)

    async def _conclude(self, gathering: CredentialCollector) -> None:
        """Proves and stores what was seen, again as long as the browser shows something newer meanwhile."""
        before = None
        while not self._ended and (whole := gathering.whole(self._clock())) is not None and whole[0] != before:
            before, session = whole
            proof = await self._proof(session, before)
            if proof is None:
                return
            if proof.refused:
                log.warning("the site does not take this session: %s", proof.refused)
                gathering.refuse(before)
            else:
                before = gathering.renew(before, proof.material)
                await self._store(proof, session)

    async def _proof(self, session: Session, material: Credentials) -> SessionCheck | None:
        """What the site says of it; None when the capture was stopped meanwhile. What is stored is asked about once."""
        if self._proven is not None:
            return replace(self._proven, material=material)
        assert self._prover is not None
        self._asking = asyncio.ensure_future(self._prover(session, material))
        await asyncio.wait([self._asking])
        return None if self._asking.cancelled() or self._ended else self._asking.result()

    async def _store(self, proof: SessionCheck, session: Session) -> None:
        target = self._target
        assert target is not None
        email = proof.identity.email if proof.identity else ""
        put = target.shelf.put
        try:
            await asyncio.to_thread(put, target.provider.name, target.account, proof.material, email)
        except VaultError as e:
            self.stop(f"the session of {target.name} could not be stored: {e}")
            return
        first, self._proven = self.stored is None, proof
        names = tuple(sorted(proof.material.values()))
        self.stored = Stored(target.name, names, proof.whose(session), session.expires_at, proof.doubt)
        log.info("stored %s: %s", target.name, ", ".join(names))
        if first:
            self._end_after(LINGER_S)
            self._on_stored()

    def _worked(self, work: asyncio.Task[None]) -> None:
        """A fault of ours while proving or storing ends the capture; nobody should wait for nothing."""
        if not work.cancelled() and (fault := work.exception()) is not None:
            self.stop(f"the capture failed ({type(fault).__name__}); this is a fault of Glassgate, please report it")

    def _end_after(self, seconds: float) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.get_running_loop().call_later(seconds, ctx.master.shutdown)


def _named_target() -> Target:
    """The target that the options name. Raises Problem."""
    if not ctx.options.capture_provider:
        raise Problem("name the provider: --set capture_provider=NAME")
    file, account = Path(ctx.options.capture_config), ctx.options.capture_account or None
    return target_of(file, ctx.options.capture_provider, account)


def _forget(flow: http.HTTPFlow) -> None:
    """The request has been sent: what it held need not wait for the garbage collector, nor be there for other addons.

    The answer may still be under way to the browser, and stays as it is.
    """
    flow.request.headers.clear()
    flow.request.path = "/"
    flow.request.data.content = None
