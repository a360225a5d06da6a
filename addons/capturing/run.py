"""The command `capture`, of run_proxy.sh and `glassgate`: the capture proxy in this process, a browser that uses it.

It is a program of its own (`__main__.py`).

Exit status: 0 when a session was stored, 130 after Ctrl-C, else 1.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from mitmproxy.addons import core, disable_h2c, next_layer, proxyserver, tlsconfig, upstream_auth
from mitmproxy.master import Master
from mitmproxy.options import Options

from addons.accounts.report import moment_text
from addons.capturing import ca as capture_ca
from addons.capturing import page as capture_page
from addons.capturing.addon import Capture, CaptureResult
from addons.capturing.browser import Browser, BrowserSetup, find_browser
from addons.capturing.setup import TIMEOUT_S
from addons.capturing.target import CaptureTarget, target_of
from addons.cli.base import Problem, out
from addons.words.commands import usual_file_here

READ_S: Final = 8.0
"""How long the window stays for the person to read the last page."""


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """The options of the command line."""

    target: CaptureTarget
    port: int
    browser: bool
    headless: bool
    timeout_s: int
    upstream_ca: Path | None


class CaptureRun:
    """One capture from start to end."""

    def __init__(self, capture_options: CaptureOptions) -> None:
        self._options = capture_options
        self._browser: Browser | None = None
        self._folder = capture_ca.ca_folder(os.environ)
        self._ca: capture_ca.Authority | None = None
        self._by_signal = 0
        self._by_hand = False
        """Whether the person was told to let a browser of theirs trust our CA."""
        self._window: asyncio.Task[None] | None = None
        self.capture = Capture(capture_options.target, on_ready=self._open_browser, on_stored=self._show_result_page)

    async def run(self) -> int:
        """Runs the capture; returns the exit status. Raises Problem."""
        self._ca = capture_ca.prepare(self._folder, time.time())
        _check_port(self._options.port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop, number)
        try:
            await self._master().run()
            if self.capture.stored is not None and not self._by_signal:
                await self._wait_until_closed()
        finally:
            if self._window is not None:
                self._window.cancel()
            if self._browser is not None:
                await asyncio.to_thread(self._browser.close)
            if self._ca.fresh and not self._by_hand:
                with contextlib.suppress(OSError):
                    capture_ca.remove(self._folder)
        return self._report()

    def _master(self) -> Master:
        """A mitmproxy master with what a proxy needs and no more: nothing in it can save, show or export a flow."""
        capture_options = self._options
        mode = f"upstream:{capture_options.target.proxy}" if capture_options.target.proxy else "regular"
        options = Options(
            listen_host="127.0.0.1",
            listen_port=capture_options.port,
            mode=[mode],
            confdir=str(self._folder),
            http3=False,
        )
        master = Master(options)
        parts = (core.Core, disable_h2c.DisableH2C, proxyserver.Proxyserver, next_layer.NextLayer)
        master.addons.add(*(part() for part in (*parts, tlsconfig.TlsConfig, upstream_auth.UpstreamAuth)))
        master.addons.add(self.capture)
        options.update(capture_timeout_s=capture_options.timeout_s)
        if capture_options.upstream_ca is not None:
            options.update(ssl_verify_upstream_trusted_ca=str(capture_options.upstream_ca))
        return master

    # -- the window -----------------------------------------------------------------------------------------------
    def _open_browser(self, port: int) -> None:
        """Opens the browser, ours or the person's: the proxy listens now."""
        assert self._ca is not None
        try:
            program = find_browser(os.environ) if self._options.browser else None
            if program is not None:
                page, file = self._options.target.provider.sign_in.page, self._ca.certificate
                setup = BrowserSetup(page, port, file, capture_ca.key_hash(file), self._options.headless)
                self._browser = Browser(program, setup, os.environ)
        except Problem as e:
            _print(e.format_message())
        if self._browser is None:
            self._print_manual_setup(port)
            return
        _print("a browser window opens; sign in there as usual")
        self._window = asyncio.get_running_loop().create_task(self._watch_window(port), name="browser window")

    def _print_manual_setup(self, port: int) -> None:
        assert self._ca is not None
        self._by_hand = True
        if self._options.browser:
            _print("no browser could be started here (GLASSGATE_BROWSER names one)")
        page, certificate = self._options.target.provider.sign_in.page, self._ca.certificate
        _print(
            f"set the HTTP and HTTPS proxy of a browser to 127.0.0.1:{port}, let it trust the CA {certificate}, "
            f"and sign in at {page}. Afterwards undo both."
        )

    async def _watch_window(self, port: int) -> None:
        """Waits for the window: one closed before the sign-in was seen ends the capture; one that never opened does
        not."""
        assert self._browser is not None
        status = await asyncio.to_thread(self._browser.wait)
        if self.capture.stored is not None:
            return
        if status and not self.capture.visited:
            self._print_manual_setup(port)
        else:
            self.capture.stop(f"the browser was closed: {self.capture.missing()}; the vault is as it was")

    def _show_result_page(self) -> None:
        if self._browser is not None:
            self._browser.show(capture_page.URL)

    async def _wait_until_closed(self) -> None:
        """Lets the person read the last page, until the window is closed."""
        if self._window is not None and not self._options.headless:
            await asyncio.wait([self._window], timeout=READ_S)

    # -- the end --------------------------------------------------------------------------------------------------
    def _stop(self, number: signal.Signals) -> None:
        self._by_signal = self._by_signal or number
        self.capture.stop("stopped; the vault is as it was")

    def _report(self) -> int:
        if self.capture.stored is not None:
            out(describe_stored(self.capture.stored, time.time()))
            return 0
        self.capture.log_problem()
        return 128 + self._by_signal if self._by_signal else 1


def describe_stored(stored: CaptureResult, now_s: float) -> str:
    """One line about the stored session, for people."""
    words = [f"stored {stored.target}: {', '.join(stored.names)}"]
    words.append(f"signed in as {stored.owner}" if stored.owner else "the site did not say whose it is")
    ends = f"until {moment_text(stored.expires_at, now_s)}" if stored.expires_at else "the session names no end"
    words.append(ends)
    if stored.doubt:
        words.append(f"not proven: {stored.doubt}")
    return "; ".join(words)


def _check_port(port: int) -> None:
    """Raises Problem when the port cannot be listened on. 0: the system chooses one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as e:
            raise Problem(f"port {port} cannot be listened on: {e.strerror}; choose another with --port") from None


def _print(words: str) -> None:
    first, *more = f"glassgate: {words}".split("\n")
    out(first, *(f"    {line}" for line in more), err=True)


class _PrintingHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _print(record.getMessage())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="glassgate")
@click.argument("provider")
@click.argument("account", required=False)
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="GLASSGATE_CONFIG",
    help="The configuration file.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The proxy's port; 0 takes a free one.")
@click.option("--no-browser", is_flag=True, help="Start none; say how to set up one by hand.")
@click.option("--headless", is_flag=True, help="Without a window (for tests of the page).")
@click.option("--timeout-s", type=click.IntRange(1, 86_400), default=TIMEOUT_S, show_default=True)
@click.option(
    "--upstream-ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Trust this CA alone."
)
def main(
    provider: str,
    account: str | None,
    file: Path | None,
    port: int,
    no_browser: bool,
    headless: bool,
    timeout_s: int,
    upstream_ca: Path | None,
) -> None:
    """Read a sign-in to PROVIDER out of your own browser into the vault."""
    os.umask(0o077)
    logger = logging.getLogger("glassgate")
    logger.setLevel(logging.INFO)
    logger.addHandler(_PrintingHandler())
    logger.propagate = False
    try:
        target = target_of(file or usual_file_here(), provider, account)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    capture_options = CaptureOptions(target, port, not no_browser, headless, timeout_s, upstream_ca)

    async def capture() -> int:
        return await CaptureRun(capture_options).run()

    sys.exit(asyncio.run(capture()))
