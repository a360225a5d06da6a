"""The person's own browser in a window of its own: a fresh profile that uses the capture proxy and trusts its CA.

Nothing of the person's usual profile is read or changed, nor the system's certificate store. Private browsing keeps
cookies and storage in memory; the profile's folder goes with the browser.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from addons.cli.base import Problem
from providers.contract.provider import LOOPBACK_HOSTS

OVERRIDE: Final = "GLASSGATE_BROWSER"
END_S: Final = 5.0
_SOCKET_PATH_LIMIT: Final = 103
"""Of the address of a Unix socket, on macOS; Linux has a few more."""
_SOCKET_NAME_LENGTH: Final = len("/org.chromium.Chromium.XXXXXX/SingletonSocket")
_CHROMIUMS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
    "brave",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Brave Browser.app/Contents/MacOS/Brave Browser",
)
_FIREFOXES: Final = ("firefox", "firefox-esr", "/Applications/Firefox.app/Contents/MacOS/firefox")
_PASSED_ON: Final = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "DISPLAY", "XAUTHORITY")
_PASSED_ON_PREFIXES: Final = ("LC_", "XDG_", "WAYLAND_", "DBUS_")

type Which = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Program:
    """An installed browser."""

    path: str
    family: Literal["chromium", "firefox"]


@dataclass(frozen=True, slots=True)
class BrowserSetup:
    """The settings a browser is started with: page, proxy port, the CA it trusts."""

    page: str
    proxy_port: int
    ca_file: Path
    key_hash: str
    """Of the CA's key (capturing/ca.py)."""
    headless: bool = False


def find_browser(environ: Mapping[str, str], which: Which = shutil.which) -> Program | None:
    """The browser to use. Raises Problem when GLASSGATE_BROWSER names none.

    Firefox counts only where `certutil` (NSS) can put the CA into its profile.
    """
    if wanted := environ.get(OVERRIDE):
        found = which(wanted)
        if found is None:
            raise Problem(f"{OVERRIDE} names no program that can be started: {wanted}")
        return Program(found, "firefox" if "firefox" in Path(found).name.lower() else "chromium")
    for name in _CHROMIUMS:
        if found := which(name):
            return Program(found, "chromium")
    if which("certutil"):
        for name in _FIREFOXES:
            if found := which(name):
                return Program(found, "firefox")
    return None


def chromium_command(program: str, profile: Path, setup: BrowserSetup, *, root: bool) -> list[str]:
    """Chromium's command line. Others of the machine can read it, so it names public things only."""
    command = [
        program,
        f"--user-data-dir={profile}",
        f"--proxy-server=http://127.0.0.1:{setup.proxy_port}",
        # Only errors of chains that hold this very key are overlooked; it needs a profile of its own to have effect.
        f"--ignore-certificate-errors-spki-list={setup.key_hash}",
        "--incognito",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-breakpad",
        "--disable-quic",
        "--password-store=basic",
        "--use-mock-keychain",
    ]
    if urlsplit(setup.page).hostname in LOOPBACK_HOSTS:
        command.append("--proxy-bypass-list=<-loopback>")  # else loopback is reached without the proxy
    if setup.headless:
        command.append("--headless=new")
    if root:
        command.append("--no-sandbox")  # Chromium does not start for root with it
    return [*command, setup.page]


def chromium_preferences() -> str:
    """Chromium's preferences: sign-ins that pass through another site need its cookies, in private windows too."""
    return json.dumps({"profile": {"cookie_controls_mode": 0}})


def firefox_preferences(setup: BrowserSetup) -> str:
    """Firefox's preferences, as the profile's user.js."""
    wanted: dict[str, object] = {
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": setup.proxy_port,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": setup.proxy_port,
        "network.proxy.no_proxies_on": "",
        "network.proxy.allow_hijacking_localhost": True,
        "network.http.http3.enable": False,
        "browser.privatebrowsing.autostart": True,
        "browser.shell.checkDefaultBrowser": False,
        "browser.aboutwelcome.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "toolkit.telemetry.reportingpolicy.firstRun": False,
        "app.update.enabled": False,
    }
    return "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in wanted.items())


def own_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment that a browser needs: keys and tokens that stand in ours are not among it."""
    return {
        name: value for name, value in environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }


class Browser:
    """A running browser with its profile; `close` ends both. Raises Problem when it cannot be started."""

    def __init__(self, program: Program, setup: BrowserSetup, environ: Mapping[str, str]) -> None:
        """Raises Problem when it cannot be started."""
        self._program = program
        self._environ = own_environment(environ)
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._messenger: subprocess.Popen[bytes] | None = None
        self._profile = Path(tempfile.mkdtemp(prefix="glassgate-browser-", dir=_profile_parent(program.path)))
        try:
            self._keep_tmp_inside()
            self._command = self._prepared()
            self._process = self._start([*self._command])
        except OSError as e:
            self.close()
            raise Problem(f"{program.path} could not be started: {e.strerror}") from None
        except subprocess.CalledProcessError:
            self.close()
            raise Problem("certutil could not put the capture proxy's CA into the Firefox profile") from None

    def wait(self) -> int:
        """The browser's exit status, once its last window was closed. Blocks."""
        assert self._process is not None
        return self._process.wait()

    def show(self, url: str) -> None:
        """Opens a page in the running browser: a second start of Chromium with the same profile hands it over."""
        if self._program.family == "chromium" and not self._setup.headless:
            with contextlib.suppress(OSError):
                self._messenger = self._start([*self._command[:-1], url])

    def close(self) -> None:
        """Ends the browser with all its processes and removes the profile."""
        for process in self._processes():
            process.terminate()  # alone at first: it ends its own processes and clears up after itself
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
            _kill_group(process)
            process.wait()
        for _ in range(20):  # a process that is just ending may still write a file
            shutil.rmtree(self._profile, ignore_errors=True)
            if not self._profile.exists():
                return
            for process in self._processes():
                _kill_group(process)

    def _keep_tmp_inside(self) -> None:
        """The browser's temporary files go with the profile; unless its socket there would have too long a name."""
        folder = self._profile / "t"
        if len(os.fsencode(folder)) <= _SOCKET_PATH_LIMIT - _SOCKET_NAME_LENGTH:
            folder.mkdir(0o700)
            self._environ["TMPDIR"] = str(folder)

    def _prepared(self) -> list[str]:
        """Fills the profile; returns the command that uses it."""
        if self._program.family == "chromium":
            folder = self._profile / "Default"
            folder.mkdir(0o700)
            (folder / "Preferences").write_text(chromium_preferences())
            return chromium_command(self._program.path, self._profile, self._setup, root=os.geteuid() == 0)
        (self._profile / "user.js").write_text(firefox_preferences(self._setup))
        _trust_in_profile(self._profile, self._setup.ca_file)
        headless = ["--headless"] if self._setup.headless else []
        return [self._program.path, "--profile", str(self._profile), *headless, self._setup.page]

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Starts the command in a session of its own: Ctrl-C at the terminal is ours, and all its processes end
        together."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(  # noqa: S603  (a browser the person has installed or named)
            command, stdin=quiet, stdout=quiet, stderr=quiet, env=self._environ, start_new_session=True
        )

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in (self._messenger, self._process) if process is not None]


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _trust_in_profile(profile: Path, ca_file: Path) -> None:
    """Adds the CA to the profile's own NSS database. Raises CalledProcessError, OSError."""
    database = ["-d", f"sql:{profile}"]
    for command in (
        ["certutil", "-N", *database, "--empty-password"],
        ["certutil", "-A", *database, "-n", "Glassgate capture", "-t", "C,,", "-i", str(ca_file)],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603


def _profile_parent(program: str) -> str | None:
    """The folder for the profile; None: the usual one. A snap sees neither our /tmp nor hidden folders."""
    snap = "/snap/" in os.path.realpath(program) or program.startswith("/snap/")
    folder = Path.home() / "snap" / Path(program).name / "common"
    return str(folder) if snap and folder.is_dir() else None
