"""Leaves out mitmproxy's check of field types at each making of a request or response.

It raises and swallows nine TypeErrors an exchange, each of which keeps its whole call stack alive until the next full
collection: 0.1 ms of time for each exchange and two thirds of all garbage. It guards against mistakes in programs
(mitmproxy has it under `if __debug__` for that reason); here mypy does.
"""

from mitmproxy.http import MessageData


def skip_message_checks() -> None:
    """Switches the check off for the whole process. Other people's scripts lose an early TypeError."""
    MessageData.__post_init__ = _no_check  # type: ignore[method-assign]


def _no_check(message: MessageData) -> None:
    pass
