"""A headless Chromium driven over its own pipe (the DevTools protocol), for looking at pages as a person sees them."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_S = 60.0

_ON_PIPES = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for wanted, pipe in zip((3, 4), pipes):
    os.dup2(pipe, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads its commands from file descriptor 3 and answers on 4."""


def find_chromium() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserProblem(Exception):
    """The browser refused a command."""


class Chromium:
    """One page. `with Chromium(program) as page:`"""

    def __init__(self, program: str, *, width: int = 1400, height: int = 900) -> None:
        self._program = program
        self._size = (width, height)
        self._number = 0
        self._buffer = b""
        self._session = ""

    def __enter__(self) -> Self:
        self._profile = tempfile.mkdtemp(prefix="glassgate-look-")
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        width, height = self._size
        command = [
            self._program,
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._profile}",
            f"--window-size={width},{height}",
            "--force-device-scale-factor=1",
            "--hide-scrollbars",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "about:blank",
        ]
        started = [sys.executable, "-c", _ON_PIPES, str(to_browser), str(from_browser), *command]
        self._process = subprocess.Popen(
            started, pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_browser)
        os.close(from_browser)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.resize(width, height)
        return self

    def __exit__(self, *exc: object) -> None:
        self._session = ""
        with contextlib.suppress(BrowserProblem, OSError):
            self.call("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self._profile, ignore_errors=True)

    # -- what a person does ---------------------------------------------------------------------------------------
    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def text(self) -> str:
        """The visible text."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def wait_for(self, *texts: str) -> str:
        """Until all these texts can be read; gives the whole visible text."""
        deadline = time.monotonic() + WAIT_S
        while True:
            seen = self.text()
            if all(text in seen for text in texts):
                return seen
            missing = [text for text in texts if text not in seen]
            assert time.monotonic() < deadline, f"{missing} cannot be read in: {seen[:3000]}"
            time.sleep(0.05)

    def wait_until(self, expression: str) -> None:
        """Until a JavaScript expression is true."""
        deadline = time.monotonic() + WAIT_S
        while not self.evaluate(f"!!({expression})"):
            assert time.monotonic() < deadline, f"never true: {expression}; seen: {self.text()[:3000]}"
            time.sleep(0.05)

    def click(self, selector: str, text: str) -> None:
        """Clicks the first element that has this text."""
        found = self.evaluate(
            f"(() => {{ const all = [...document.querySelectorAll({json.dumps(selector)})];"
            f" const one = all.find(e => e.innerText.trim().toLowerCase().startsWith({json.dumps(text.lower())}));"
            " if (one) one.click(); return !!one; })()"
        )
        assert found, f"there is no {selector} with {text!r}"

    def scroll_to(self, selector: str) -> None:
        """Brings the first such element to the top."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'start'}})")

    def picture(self, path: Path) -> None:
        """A PNG of the window."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    # -- the protocol ---------------------------------------------------------------------------------------------
    def evaluate(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserProblem(str(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserProblem(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 16)
            if not data:
                raise BrowserProblem("the browser has ended")
            self._buffer += data
        raw, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(raw)
        return found
