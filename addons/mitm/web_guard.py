"""Puts the door (web_door.py) before mitmweb, and checks that it is really there. Nothing to do in mitmdump.

The one place that knows how mitmweb is made: `WebMaster.app` is a tornado application whose settings hold the password
check, the name of the sign-in cookie and its secret (mitmproxy/tools/web). Where that is not so mitmweb does not start.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader

if TYPE_CHECKING:
    from addons.mitm.web_door import WebDoor

START_LOG = logging.getLogger("mitmproxy.glassgate")
"""mitmproxy stops when something is logged as an error while it starts."""
PROBE_S: Final = 10.0
_PROBE_HEAD: Final = b"GET / HTTP/1.1\r\nHost: stranger.invalid\r\nConnection: close\r\n\r\n"


class Unguarded(RuntimeError):
    """mitmweb is made otherwise than the door expects."""


class WebGuard:
    """The addon."""

    def __init__(self) -> None:
        self._door: WebDoor | None = None

    def load(self, loader: Loader) -> None:
        if "web_host" not in ctx.options:  # mitmdump, mitmproxy's console
            return
        try:
            self._door = guard(ctx.master, lambda: str(ctx.options.web_host))
        except Unguarded as e:
            _stop(str(e))
            return
        from addons.mitm.web_look import serve_assets  # here for the same reason as in `guard`
        from addons.mitm.web_views import read_in_threads

        serve_assets(ctx.master.app)  # type: ignore[attr-defined]  # `guard` has found it
        read_in_threads(ctx.master.app)  # type: ignore[attr-defined]

    def configure(self, updated: set[str]) -> None:
        if self._door is not None and "web_password" in updated:
            self._door.passwords.forget()

    async def running(self) -> None:
        """mitmweb listens by now: a stranger who asks must be turned away by our door."""
        if self._door is None:
            return
        before = self._door.strangers
        try:
            answer = await asyncio.wait_for(_probe(ctx.options.web_host, ctx.options.web_port), PROBE_S)
        except (OSError, TimeoutError) as e:
            _stop(f"mitmweb does not answer at {ctx.options.web_host}:{ctx.options.web_port} ({e or 'no answer'})")
            return
        if not answer.startswith(b"HTTP/1.1 403 ") or self._door.strangers == before:
            _stop("mitmweb answers to a foreign Host header: its server does not pass by Glassgate's door")
            return
        self._door.ready = True


def guard(master: Any, web_host: Callable[[], str]) -> "WebDoor":
    """Puts a door before the mitmweb of `master`. Raises Unguarded when that cannot be done."""
    # Here, and not above: mitmdump has no use for tornado.
    from mitmproxy.tools.web.app import AuthRequestHandler
    from tornado.web import Application

    from addons.mitm.web_door import SignedIn, WebDoor
    from addons.mitm.web_passwords import Passwords

    app, auth = getattr(master, "app", None), master.addons.get("webauth")
    if not isinstance(app, Application) or auth is None:
        raise Unguarded("mitmweb has no web application where it is looked for")
    settings = app.settings
    secret, name = settings.get("cookie_secret"), settings.get("auth_cookie_name")
    if not isinstance(secret, bytes) or not callable(name) or "is_valid_password" not in settings:
        raise Unguarded("mitmweb's application has other settings than expected")
    passwords = Passwords(auth.is_valid_password)
    # The class's own method, not the instance's: this may be the second time, after a reload of the script.
    enter = Application.start_request.__get__(app)
    door = WebDoor(enter, passwords, SignedIn(secret, name, AuthRequestHandler.AUTH_COOKIE_VALUE), web_host)
    settings["is_valid_password"] = passwords.known
    settings["compiled_template_cache"] = True  # else each look at the password page compiles it anew
    settings["log_function"] = lambda handler: None  # its lines show what a stranger tried as password
    vars(app)["start_request"] = door.start_request
    logging.getLogger("tornado.general").addFilter(_no_missing_icon)
    return door


def _no_missing_icon(record: logging.LogRecord) -> bool:
    """A log filter: mitmweb's password page names an icon that is not there; whoever looks at it would write an error
    line."""
    return not str(record.msg).startswith("Could not open static file")


async def _probe(host: str, port: int) -> bytes:
    to = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    reader, writer = await asyncio.open_connection(to, port)
    try:
        writer.write(_PROBE_HEAD)
        return await reader.readline()
    finally:
        writer.close()


def _stop(why: str) -> None:
    START_LOG.error(
        "mitmweb cannot be guarded, so it does not start: %s. Install the locked packages (./run_proxy.sh does it), "
        "or start without --web.",
        why,
    )
    ctx.master.shutdown()
