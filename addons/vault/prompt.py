"""Prompts for secrets at the terminal. Nobody is asked where there is no terminal: a service would wait for ever."""

import getpass
import signal
import sys
from collections.abc import Callable

from addons.vault.errors import VaultLocked


def can_ask() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def ask_secret(words: str) -> str:
    """A line from the terminal, not shown as it is typed. Raises VaultLocked when the person gives none."""
    # Under mitmproxy Ctrl-C is the event loop's, which does not run while we wait here.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass.getpass(f"{words}: ", stream=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        raise VaultLocked("no key was given") from None
    finally:
        signal.signal(signal.SIGINT, before)


def ask_new_secret(words: str) -> str:
    """A line from the terminal, asked for twice. Raises VaultLocked when they differ."""
    first = ask_secret(words)
    if ask_secret(f"{words}, again") != first:
        raise VaultLocked("the two entries differ; nothing was changed")
    return first


def prompt(words: str = "Vault passphrase", *, new: bool = False) -> Callable[[], str] | None:
    """The function that asks for a key, or None where nobody can be asked. A new one is asked for twice."""
    if not can_ask():
        return None
    return lambda: ask_new_secret(words) if new else ask_secret(words)
