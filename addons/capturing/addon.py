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
from addons.capturing.collector import CredentialCollector
from addons.capturing.flows import BodyCopy, is_navigation, observed_exchange, origin, shows_body
from addons.capturing.session_check import SessionCheck, SessionChecker, SiteSessionChecker
from addons.capturing.target import CaptureTarget, target_of
from addons.cli.base import Problem
from addons.vault.errors import VaultError
from providers.contract.session import Credentials, ObservedExchange, Session

log = logging.getLogger("glassgate.capture")

LINGER_S: Final = 10.0
"""How long the page "signed in" may be fetched once the session is stored …"""
DELIVERED_S: Final = 1.0
"""… and how long its delivery may take."""
_DISTRUST: Final = ("unknown ca", "bad certificate", "certificate unknown")
"""TLS alerts of a browser that does not know who signed (RFC 8446 6.2)."""
_OURS: Final = "glassgate.capture"


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """The result of a capture, in words: no secrets."""

    target: str
    names: tuple[str, ...]
    owner: str
    expires_at: int | None
    """Unix seconds, where the session says so."""
    doubt: str


class Capture:
    """The mitmproxy addon. `stored` or `problem` is the result; `on_ready` and `on_stored` are called when it is."""

    def __init__(
        self,
        target: CaptureTarget | None = None,
        *,
        checker: SessionChecker | None = None,
        on_ready: Callable[[int], None] = lambda port: None,
        on_stored: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.stored: CaptureResult | None = None
        self.problem = ""
        self._refused_users = 0
        self.visited = False
        """Whether a browser has come to the site."""
        self._target = target
        self._checker = checker
        self._on_ready = on_ready
        self._on_stored = on_stored
        self._clock = clock
        self._collector: CredentialCollector | None = None
        self._storing: asyncio.Task[None] | None = None
        self._site_check: asyncio.Future[SessionCheck] | None = None
        self._checked: SessionCheck | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._copies: dict[str, BodyCopy] = {}
        self._stopped = False
        self._problem_logged = False

    # -- life of the process --------------------------------------------------------------------------------------
    def load(self, loader: Loader) -> None:
        capture_setup.add_options(loader)
        capture_setup.decrypt_nothing(ctx.options)

    def running(self) -> None:
        os.umask(0o077)
        harden()  # before the first secret is read
        try:
            capture_setup.check(ctx.master)
            target = self._target or _named_target()
            self._checker = self._checker or SiteSessionChecker(
                target.provider,
                moment_source(),
                proxy=target.proxy,
                ca_file=ctx.options.ssl_verify_upstream_trusted_ca or None,
            )
            port = capture_setup.port_of(cast(Proxyserver, ctx.master.addons.get("proxyserver")))
        except Problem as e:
            self.stop(e.format_message())
            return
        self._target, self._collector = target, CredentialCollector(target.provider, target.account)
        ctx.options.update(allow_hosts=capture_setup.host_patterns(target.provider))
        loop = asyncio.get_running_loop()
        self._end_timer = loop.call_later(ctx.options.capture_timeout_s, self._timed_out)
        log.info("waiting for a sign-in to %s at %s", target.name, target.provider.sign_in.page)
        self._on_ready(port)

    async def done(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
        if self._storing is not None:
            await asyncio.wait([self._storing])  # a write to the vault that has begun is brought to its end
        self.log_problem()

    def stop(self, problem: str) -> None:
        """Ends the capture; `problem` is why, unless the session has been stored or just is being stored."""
        self.problem = self.problem or problem
        self._stopped = True
        if self._site_check is not None:
            self._site_check.cancel()
        ctx.master.shutdown()

    def log_problem(self) -> None:
        """Logs once why nothing was stored."""
        if self.stored is None and not self._problem_logged:
            self._problem_logged = True
            log.error("%s", self.problem or "stopped; the vault is as it was")

    def missing(self) -> str:
        """The parts of the session not seen yet, in words for the person."""
        assert self._collector is not None
        assert self._target is not None
        if not self._collector.names():
            return f"no sign-in to {self._target.name} was seen (a guest's session is not stored)"
        missing = ", ".join(self._collector.missing()) or "a session the site takes"
        return f"of the sign-in to {self._target.name} this was not seen: {missing}"

    def _timed_out(self) -> None:
        self.stop(f"{self.missing()} within {ctx.options.capture_timeout_s} s; the vault is as it was")

    # -- hooks ----------------------------------------------------------------------------------------------------
    def client_connected(self, client: Client) -> None:
        """Refuses programs of other users of this machine; where the system does not tell whose one is, loopback has
        to do."""
        if peer.can_tell() and not peer.is_trusted_user(peer.owner_of(client.peername[:2], client.sockname[:2])):
            client.error = "a program of another user"
            if not self._refused_users:
                log.warning("another user of this machine tried to use the capture proxy; it is refused")
            self._refused_users += 1

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.visited = self.visited or self._is_site(flow.request)
        page = await self._page(flow.request)
        if page is None:
            flow.request.stream = True  # what is typed into the site is not even held in memory
        else:
            flow.response = page
            flow.metadata[_OURS] = True

    async def _page(self, request: http.Request) -> http.Response | None:
        """The gateway's own page, when the person's browser asks for one; else None."""
        target = self._target
        if target is None or self._collector is None:
            return None
        ours = request.host == capture_page.HOST
        if not ours and not (self._is_site(request) and is_navigation(request)):
            return None
        if self._storing is not None and self.stored is None:
            await asyncio.wait([self._storing])  # the page after the sign-in: stored in a moment
        if self.stored is not None:
            return capture_page.signed_in(target.provider.name, target.account)
        return capture_page.waiting(target.provider.name, target.provider.sign_in.page) if ours else None

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.metadata.get(_OURS) or flow.response is None:
            return
        if self._is_site(flow.request) and shows_body(flow):
            copy = self._copies[flow.id] = BodyCopy()
            flow.response.stream = copy
            return
        flow.response.stream = True
        if self._is_site(flow.request):
            self._collect(observed_exchange(flow))  # now: an answer that streams may go on for minutes

    def response(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        copy = self._copies.pop(flow.id, None)
        if copy is not None:
            encoding = flow.response.headers.get("content-encoding", "")
            content = flow.response.raw_content or copy.content(encoding)  # one without a body was not streamed
            self._collect(observed_exchange(flow, content))
        if flow.metadata.get(_OURS) and self.stored is not None and not self._stopped:
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

    def _collect(self, seen: ObservedExchange) -> None:
        if self._collector is None or self._stopped or not self._collector.add(seen):
            return
        log.info("seen: %s", ", ".join(self._collector.names()))
        if missing := self._collector.missing():
            log.info("still lacking: %s", ", ".join(missing))
        elif self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._check_and_store(self._collector), name="glassgate capture")
            self._storing.add_done_callback(self._work_done)

    async def _check_and_store(self, collector: CredentialCollector) -> None:
        """Checks and stores the session, again as long as the browser shows something newer meanwhile."""
        before = None
        while not self._stopped and (whole := collector.complete(self._clock())) is not None and whole[0] != before:
            before, session = whole
            check = await self._check(session, before)
            if check is None:
                return
            if check.refused:
                log.warning("the site does not take this session: %s", check.refused)
                collector.refuse(before)
            else:
                before = collector.replace_renewed(before, check.credentials)
                await self._store(check, session)

    async def _check(self, session: Session, credentials: Credentials) -> SessionCheck | None:
        """The site's answer about the session, asked once; None when the capture was stopped meanwhile."""
        if self._checked is not None:
            return replace(self._checked, credentials=credentials)
        assert self._checker is not None
        self._site_check = asyncio.ensure_future(self._checker(session, credentials))
        await asyncio.wait([self._site_check])
        return None if self._site_check.cancelled() or self._stopped else self._site_check.result()

    async def _store(self, check: SessionCheck, session: Session) -> None:
        target = self._target
        assert target is not None
        email = check.identity.email if check.identity else ""
        put = target.sink.put
        try:
            await asyncio.to_thread(put, target.provider.name, target.account, check.credentials, email)
        except VaultError as e:
            self.stop(f"the session of {target.name} could not be stored: {e}")
            return
        first, self._checked = self.stored is None, check
        names = tuple(sorted(check.credentials.values()))
        self.stored = CaptureResult(target.name, names, check.owner(session), session.expires_at, check.doubt)
        log.info("stored %s: %s", target.name, ", ".join(names))
        if first:
            self._end_after(LINGER_S)
            self._on_stored()

    def _work_done(self, work: asyncio.Task[None]) -> None:
        """Ends the capture on a fault of ours while checking or storing; nobody should wait for nothing."""
        if not work.cancelled() and (fault := work.exception()) is not None:
            self.stop(f"the capture failed ({type(fault).__name__}); this is a fault of Glassgate, please report it")

    def _end_after(self, seconds: float) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
        self._end_timer = asyncio.get_running_loop().call_later(seconds, ctx.master.shutdown)


def _named_target() -> CaptureTarget:
    """The target named by the options. Raises Problem."""
    if not ctx.options.capture_provider:
        raise Problem("name the provider: --set capture_provider=NAME")
    file, account = Path(ctx.options.capture_config), ctx.options.capture_account or None
    return target_of(file, ctx.options.capture_provider, account)


def _forget(flow: http.HTTPFlow) -> None:
    """Empties a flow whose request has been sent: nothing of it waits for the garbage collector, or for other addons.

    The answer may still be under way to the browser, and stays as it is.
    """
    flow.request.headers.clear()
    flow.request.path = "/"
    flow.request.data.content = None
