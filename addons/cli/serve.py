"""`glassgate serve`, `web`, `console` and `demo`: the gateway, without or with an inspector.

The process becomes the gateway (exec): its id and the signals sent to it are the gateway's.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from addons.app.configured_vault import vault_path
from addons.app.port import GATEWAY, INSPECTOR, is_gateway, port_problem
from addons.cli.base import CliContext, Problem
from addons.cli.proxy_tools import Tool, WebDoor, other_folder, tool_command
from addons.mitm.web_link import WEB_URL

_PORTS: Final = range(1, 65536)
WEB_PORT: Final = 8081


def read_port(_context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """The number of a port, as click's callback for an option. Raises UsageError."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) <= 5 and int(value) in _PORTS:
        return int(value)
    raise click.UsageError(f"{option.opts[0]}: a port is a number from 1 to 65535, such as 8080 (found {value[:40]!r})")


def _options(*, inspector: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that all four commands have; `inspector`: whether --web-port means something there."""

    def given(command: Callable[..., None]) -> Callable[..., None]:
        for add in (
            click.pass_obj,
            click.argument("more", metavar="[-- OPTIONS OF MITMPROXY…]", nargs=-1, type=click.UNPROCESSED),
            click.option(
                "--web-port",
                callback=read_port,
                default=str(WEB_PORT),
                help="mitmweb's own port (8081).",
                hidden=not inspector,
            ),
            click.option("--port", callback=read_port, help="Listen here instead of listen.port."),
            click.option("--host", help="Listen here instead of listen.host."),
        ):
            command = add(command)
        return command

    return given


@click.command()
@_options(inspector=False)
def serve(cli: CliContext, host: str | None, port: int | None, web_port: int, more: tuple[str, ...]) -> None:
    """Serve the configuration, without an inspector, until Ctrl-C."""
    _become("mitmdump", cli, host, port, None, more)


@click.command()
@_options(inspector=True)
def web(cli: CliContext, host: str | None, port: int | None, web_port: int, more: tuple[str, ...]) -> None:
    """Serve the configuration, with mitmweb: every exchange in the browser. The link to it is printed."""
    _become("mitmweb", cli, host, port, WebDoor.fresh(web_port), more)


@click.command()
@_options(inspector=False)
def console(cli: CliContext, host: str | None, port: int | None, web_port: int, more: tuple[str, ...]) -> None:
    """Serve the configuration, with mitmproxy's console: every exchange in this terminal."""
    _need_terminal()
    _become("mitmproxy", cli, host, port, None, more)


@click.command()
@click.option("--web", "with_web", is_flag=True, help="With mitmweb, the inspector in the browser.")
@click.option("--console", "with_console", is_flag=True, help="With mitmproxy's console, in this terminal.")
@_options(inspector=True)
def demo(
    cli: CliContext,
    host: str | None,
    port: int | None,
    web_port: int,
    more: tuple[str, ...],
    with_web: bool,
    with_console: bool,
) -> None:
    """Serve the sandbox sites: no account needed, nothing is kept. Reads no configuration."""
    from addons.cli.demo import serve_demo  # only the demo needs the sites

    if with_web and with_console:
        raise Problem("--web and --console are two inspectors: choose one")
    if host not in (None, "127.0.0.1", "localhost", "::1"):
        raise Problem("the demo listens on loopback only")
    if with_console:
        _need_terminal()
    tool: Tool = "mitmweb" if with_web else "mitmproxy" if with_console else "mitmdump"
    where, door = (host or "127.0.0.1", port or 8080), WebDoor.fresh(web_port) if with_web else None
    command = tool_command(tool, "{config}", *where, door, more)
    raise SystemExit(serve_demo(*where, door, command))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="PROVIDER [ACCOUNT]", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def capture(cli: CliContext, words: tuple[str, ...]) -> None:
    """Sign in with your own browser; the session goes into the vault.

    \b
      --port N         the proxy's port (a free one)
      --no-browser     start no browser; says how to set up one by hand
      --headless       a browser without a window
      --timeout-s N    how long to wait for the sign-in (600)
    """
    program = Path(__file__).resolve().parents[1] / "capturing" / "__main__.py"
    os.execv(sys.executable, [sys.executable, "-P", str(program), "--config", str(cli.file), *words])  # noqa: S606


def listener(cli: CliContext, host: str | None, port: int | None, web_port: int | None) -> tuple[str, int]:
    """Where the gateway is to listen: what is given, or what the checked configuration says.

    Raises Problem when nobody can listen there.
    """
    found = cli.needing(without=()).config().sections.listen
    host, port = host or found.host, port if port is not None else found.port
    problems = [port_problem(host, port, GATEWAY, is_gateway)]
    if web_port is not None:
        problems.append(port_problem("127.0.0.1", web_port, INSPECTOR, lambda url: False))
        problems.append("the gateway and mitmweb cannot have one port: --web-port N" if port == web_port else None)
    if said := [problem for problem in problems if problem]:
        raise Problem(*said)
    return host, port


def _become(
    tool: Tool, cli: CliContext, host: str | None, port: int | None, door: WebDoor | None, more: tuple[str, ...]
) -> None:
    host, port = listener(cli, host, port, door.port if door else None)
    folder = vault_path(cli.config()).parent
    try:
        more = (*other_folder(more, folder), *more)
    except OSError as e:
        why = f"neither ~/.mitmproxy nor {folder / 'mitmproxy'} can be made: {e.strerror or e}"
        raise Problem(f"{why}. mitmproxy wants a folder for its certificates: -- --set confdir=FOLDER") from None
    environ: dict[str, Any] = {name: value for name, value in os.environ.items() if name != WEB_URL}
    if door:
        environ[WEB_URL] = door.link  # the gateway tells it with its first lines
    os.execve(sys.executable, tool_command(tool, str(cli.file), host, port, door, more), environ)  # noqa: S606


def _need_terminal() -> None:
    """Raises Problem."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Problem("--console needs a terminal")
