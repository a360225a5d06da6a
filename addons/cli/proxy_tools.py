"""The command line of mitmproxy's tool that serves the gateway: mitmdump, mitmweb or the console.

The tool is started by this interpreter, not by the script beside it: an environment that was moved has scripts that
name an interpreter of old.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

type Tool = Literal["mitmdump", "mitmweb", "mitmproxy"]

_SCRIPT: Final = Path(__file__).resolve().parents[1] / "gateway.py"
_NOWHERE: Final = "reverse:http://127.0.0.1:1"
"""The reverse target is dead on purpose: only a planned request is ever sent anywhere, and to its provider alone."""


@dataclass(frozen=True, slots=True)
class WebDoor:
    """mitmweb's own listener. The link opens it without typing: mitmweb makes a cookie of the password in it.

    mitmweb is given the hash: its command line can be read by other users of the machine, the password cannot.
    """

    port: int
    password: str = field(repr=False)

    @classmethod
    def fresh(cls, port: int) -> "WebDoor":
        return cls(port, secrets.token_urlsafe(12))

    @property
    def link(self) -> str:
        return f"http://127.0.0.1:{self.port}/?token={self.password}"

    def options(self) -> list[str]:
        from argon2 import PasswordHasher  # only who opens it needs it

        word = f"web_password={PasswordHasher().hash(self.password)}"
        own = ["--no-web-open-browser", "--web-host", "127.0.0.1", "--web-port", str(self.port)]
        return [*own, "--set", word]


def tool_command(
    tool: Tool, config: str, host: str, port: int, web: WebDoor | None = None, more: Sequence[str] = ()
) -> list[str]:
    """The words of the command. `more` are the person's own options of mitmproxy."""
    start = f"from mitmproxy.tools.main import {tool}; {tool}()"
    return [
        *(sys.executable, "-P", "-c", start),
        *(() if tool == "mitmproxy" else ("--quiet",)),
        *(web.options() if web else ()),
        *("-s", str(_SCRIPT), "--mode", _NOWHERE, "--listen-host", host, "--listen-port", str(port)),
        *("--set", f"gateway_config={config}"),
        *more,
    ]


def other_folder(more: Sequence[str], fallback: Path, usual: Path | None = None) -> tuple[str, ...]:
    """Options that give mitmproxy a folder of its own below `fallback`, where it cannot have the usual one (its
    certificates lie there, and without them it ends with a traceback). `more` may name one. Raises OSError.
    """
    named = ("confdir", "--confdir", "--set=confdir")
    if any(word.partition("=")[0] in named or word.startswith("--set=confdir=") for word in more):
        return ()
    if _is_usable(usual or Path(os.path.expanduser("~/.mitmproxy"))):
        return ()
    folder = fallback / "mitmproxy"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _try_writing(folder)
    return "--set", f"confdir={folder}"


def _is_usable(folder: Path) -> bool:
    """Whether the certificates are there, or can be made."""
    try:
        if os.access(folder / "mitmproxy-ca.pem", os.R_OK):
            return True
        folder.mkdir(parents=True, exist_ok=True)
        _try_writing(folder)
    except OSError:
        return False
    return True


def _try_writing(folder: Path) -> None:
    """Raises OSError."""
    with tempfile.TemporaryFile(dir=folder):
        pass
