"""A capture from start to end in this process: a real proxy on loopback, and a browser that is none."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from mitmproxy import ctx

from addons.capturing import run as capturing
from addons.capturing.addon import CaptureResult
from addons.capturing.browser import BrowserSetup, Program
from addons.capturing.ca import key_hash
from addons.capturing.page import URL
from addons.capturing.run import CaptureOptions, CaptureRun, describe_stored
from addons.capturing.target import CaptureTarget, VaultSink
from addons.cli.base import Problem
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai
from tests.capturing.test_addon import FakeChecker, Sink, goes_by, signed_in
from tests.support.answers import zai_token

INSTALLED = Program("/bin/browser", "chromium")
type Act = Callable[["House"], Awaitable[None]]


@dataclass
class FakeBrowser:
    """A window that stays open until it is closed: by the person, with a status, or by us."""

    program: Program
    setup: BrowserSetup
    environ: object
    ended: threading.Event = field(default_factory=threading.Event)
    status: int = 0
    shown: list[str] = field(default_factory=list)
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False
    trusted: str = ""

    def __post_init__(self) -> None:
        self.trusted = key_hash(self.setup.ca_file)

    def wait(self) -> int:
        assert self.ended.wait(20)
        return self.status

    def leave(self, status: int = 0) -> None:
        self.status = status
        self.ended.set()

    def show(self, url: str) -> None:
        self.shown.append(url)
        self.seen.set()

    def close(self) -> None:
        self.closed = True
        self.ended.set()


@dataclass
class House:
    """A capture with its surroundings; `act` is what happens once the proxy listens."""

    folder: Path
    program: Program | Problem | None = INSTALLED
    proxy: str | None = None
    sink: Sink = field(default_factory=Sink)
    browsers: list[FakeBrowser] = field(default_factory=list)
    run: CaptureRun = field(init=False)

    @property
    def browser(self) -> FakeBrowser:
        return self.browsers[0]

    @property
    def key(self) -> Path:
        return self.folder / "glassgate" / "capture-ca" / "mitmproxy-ca.pem"

    def options(self, **given: Any) -> CaptureOptions:
        target = CaptureTarget(cast(Any, Zai("zai", ZaiOptions())), "main", cast(VaultSink, self.sink), self.proxy)
        fields: dict[str, Any] = {"port": 0, "browser": True, "headless": False, "timeout_s": 60, "upstream_ca": None}
        return CaptureOptions(target, **{**fields, **given})

    def capture(self, act: Act, **given: Any) -> int:
        self.run = CaptureRun(self.options(**given))
        self.run.capture._checker = FakeChecker()

        def find(environ: object) -> Program | None:
            if isinstance(self.program, Problem):
                raise self.program
            return self.program

        def start(*arguments: Any) -> FakeBrowser:
            self.browsers.append(FakeBrowser(*arguments))
            return self.browser

        async def running() -> int:
            loop = asyncio.get_running_loop()
            ready = asyncio.Event()
            opened = self.run.capture._on_ready

            def listens(port: int) -> None:
                opened(port)
                ready.set()

            async def happens() -> None:
                await ready.wait()
                await act(self)

            self.run.capture._on_ready = listens
            acting = loop.create_task(happens())
            async with asyncio.timeout(20):
                status = await self.run.run()
            acting.cancel()
            await ctx.master.addons.get("proxyserver").servers.update([])  # the process ends here, a test does not
            return status

        with patch.object(capturing, "find_browser", find), patch.object(capturing, "Browser", start):
            return asyncio.run(running())


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("addons.capturing.addon.harden", lambda: None)
    monkeypatch.setattr("addons.capturing.addon.LINGER_S", 0)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    mask = os.umask(0o077)  # as the command sets it
    yield House(tmp_path)
    os.umask(mask)
    for number, handler in handlers.items():
        signal.signal(number, handler)


async def sign_in(house: House) -> None:
    await goes_by(house.run.capture, signed_in(zai_token()))


def signals(*numbers: signal.Signals) -> Act:
    async def send(house: House) -> None:
        for number in numbers:
            os.kill(os.getpid(), number)

    return send


async def nothing(house: House) -> None: ...


def test_a_sign_in_in_our_window_is_stored_shown_and_nothing_stays_behind(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "READ_S", 0.05)
    assert house.capture(sign_in) == 0
    setup = house.browser.setup
    assert (setup.page, setup.headless) == (Zai("zai", ZaiOptions()).sign_in.page, False)
    assert setup.proxy_port > 0
    assert setup.key_hash == house.browser.trusted
    assert house.browser.shown == [URL]
    assert house.browser.closed
    assert not house.key.exists(), "nobody but the browser that is gone trusted it"
    said = capsys.readouterr()
    assert said.out.startswith("stored zai/main: token; signed in as ")
    assert "a browser window opens" in said.err
    assert [kept[:2] for kept in house.sink.kept] == [("zai", "main")]


def test_the_last_page_may_be_read_until_the_window_is_closed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(house: House) -> None:
        await sign_in(house)
        await house.browser.seen.wait()
        house.browser.leave()

    monkeypatch.setattr(capturing, "READ_S", 3600)  # who waits for that is ended by the test's own limit
    assert house.capture(read) == 0


def test_a_headless_window_is_read_by_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capturing, "READ_S", 60)
    assert house.capture(sign_in, headless=True) == 0
    assert house.browser.setup.headless


def test_a_window_closed_before_the_sign_in_ends_it(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def close(house: House) -> None:
        house.browser.leave()

    assert house.capture(close) == 1
    assert "the browser was closed: no sign-in to zai/main was seen" in caplog.text
    assert house.browser.closed
    assert not house.key.exists()


def test_a_window_that_never_opened_leaves_the_capture_to_a_browser_of_the_person(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    async def fail(house: House) -> None:
        house.browser.leave(1)
        assert house.run._window is not None
        await house.run._window
        said.append(capsys.readouterr().err)
        await sign_in(house)

    assert house.capture(fail) == 0
    assert f"127.0.0.1:{house.browser.setup.proxy_port}, let it trust the CA" in said[0]
    assert house.key.exists(), "the person's browser trusts it now"


def test_a_browser_that_broke_down_after_it_came_to_the_site_ends_it(house: House) -> None:
    async def crash(house: House) -> None:
        house.run.capture.visited = True
        house.browser.leave(1)

    assert house.capture(crash) == 1


@pytest.mark.parametrize(
    ("program", "browser", "words", "unsaid"),
    [
        (None, True, "no browser could be started here (GLASSGATE_BROWSER names one)", "window opens"),
        (None, False, "set the HTTP and HTTPS proxy of a browser to 127.0.0.1:", "no browser could be started"),
        (Program("/bin/b", "firefox"), False, "let it trust the CA", "window opens"),
        (Problem("GLASSGATE_BROWSER names no program"), True, "glassgate: GLASSGATE_BROWSER names no program", "opens"),
    ],
)
def test_without_a_browser_the_person_is_told_how(
    house: House,
    capsys: pytest.CaptureFixture[str],
    program: Program | Problem | None,
    browser: bool,
    words: str,
    unsaid: str,
) -> None:
    house.program = program
    assert house.capture(signals(signal.SIGTERM), browser=browser) == 128 + signal.SIGTERM
    said = capsys.readouterr().err
    assert words in said
    assert unsaid not in said
    assert house.browsers == []
    assert house.key.exists()


@pytest.mark.parametrize(
    ("numbers", "status"),
    [((signal.SIGINT,), 130), ((signal.SIGHUP,), 129), ((signal.SIGTERM, signal.SIGINT), 143)],
)
def test_a_signal_ends_it_with_the_status_of_the_first(
    house: House, caplog: pytest.LogCaptureFixture, numbers: tuple[signal.Signals, ...], status: int
) -> None:
    async def both(house: House) -> None:
        for number in numbers:
            house.run._stop(number)

    assert house.capture(both if len(numbers) > 1 else signals(*numbers)) == status
    assert "stopped; the vault is as it was" in caplog.text
    assert house.browser.closed
    assert not house.key.exists()


def test_a_capture_that_waits_in_vain_ends_with_1(house: House, caplog: pytest.LogCaptureFixture) -> None:
    assert house.capture(nothing, timeout_s=0) == 1
    assert "no sign-in to zai/main was seen (a guest's session is not stored) within 0 s" in caplog.text


def test_a_ca_of_an_earlier_run_is_kept(house: House) -> None:
    house.program = None
    house.capture(signals(signal.SIGTERM))
    before = house.key.read_bytes()
    house.program = INSTALLED
    assert house.capture(signals(signal.SIGTERM)) == 143
    assert house.key.read_bytes() == before, "a person may have put it into a browser of theirs"


def test_a_port_in_use_is_told_before_anything_is_begun(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"port {port} cannot be listened on: .*; choose another with --port"):
            house.capture(nothing, port=port)
    assert house.browsers == []


def test_the_proxy_goes_the_providers_way_and_can_show_and_save_nothing(house: House, tmp_path: Path) -> None:
    house.proxy = "http://127.0.0.1:3128"

    async def made() -> None:
        master = CaptureRun(house.options(port=5, timeout_s=77, upstream_ca=tmp_path / "ca.pem"))._master()
        options = master.options
        assert options.mode == ["upstream:http://127.0.0.1:3128"]
        assert (options.listen_host, options.listen_port, options.http3) == ("127.0.0.1", 5, False)
        assert options.capture_timeout_s == 77
        assert options.ssl_verify_upstream_trusted_ca == str(tmp_path / "ca.pem")
        assert not [name for name in ("save_stream_file", "hardump", "view_filter", "dumper_filter") if name in options]
        master._legacy_log_events.uninstall()

    asyncio.run(made())


@pytest.mark.parametrize(
    ("owner", "expires_at", "doubt", "line"),
    [
        ("", None, "", "stored zai/main: a, b; the site did not say whose it is; the session names no end"),
        ("ada", None, "no answer", "stored zai/main: a, b; signed in as ada; the session names no end; not proven: no"),
        ("ada", 7200, "", "stored zai/main: a, b; signed in as ada; until 1970-01-01 02:00 (in 2 h)"),
    ],
)
def test_what_was_stored_is_one_line(
    owner: str, expires_at: int | None, doubt: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addons.accounts.report.time.localtime", time.gmtime)
    said = describe_stored(CaptureResult("zai/main", ("a", "b"), owner, expires_at, doubt), 0)
    assert said.startswith(line)
    assert "\n" not in said


@pytest.fixture
def command(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the command asks for; it runs no proxy."""
    asked: list[Any] = []

    class Told:
        def __init__(self, options: CaptureOptions) -> None:
            asked.append(options)

        async def run(self) -> int:
            logging.getLogger("glassgate.capture").info("first\nsecond")
            return 7

    def target_of(*names: Any) -> CaptureTarget:
        asked.append(names)
        return house.options().target

    logger = logging.getLogger("glassgate")
    before = logger.level, logger.propagate, list(logger.handlers)
    monkeypatch.setattr(capturing, "CaptureRun", Told)
    monkeypatch.setattr(capturing, "target_of", target_of)
    monkeypatch.setattr("addons.capturing.run.os.umask", asked.append)
    yield asked
    logger.level, logger.propagate, logger.handlers = before


def test_the_command_line_is_the_capture(command: list[Any], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    words = ["zai", "me", "--config", "other.yaml", "--port", "9", "--no-browser", "--headless", "--timeout-s", "5"]
    result = CliRunner().invoke(capturing.main, [*words, "--upstream-ca", str(tmp_path / "ca.pem")])
    assert result.exit_code == 7
    umask, names, options = command
    assert umask == 0o077
    assert names == (Path("other.yaml"), "zai", "me")
    assert (options.port, options.browser, options.headless, options.timeout_s) == (9, False, True, 5)
    assert options.upstream_ca == tmp_path / "ca.pem"
    assert result.stderr == "glassgate: first\n    second\n"


def test_the_command_line_has_defaults(command: list[Any]) -> None:
    assert CliRunner().invoke(capturing.main, ["zai"], env={"GLASSGATE_CONFIG": None}).exit_code == 7
    _, names, options = command
    assert names == (Path("config.yaml"), "zai", None)
    assert (options.port, options.browser, options.headless, options.timeout_s) == (0, True, False, 600)


def test_ctrl_c_at_the_passphrase_is_no_traceback(command: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*names: Any) -> CaptureTarget:
        raise KeyboardInterrupt

    monkeypatch.setattr(capturing, "target_of", interrupted)
    result = CliRunner().invoke(capturing.main, ["zai"])
    assert result.exit_code == 130
    assert len(command) == 1, "only the umask was set"
