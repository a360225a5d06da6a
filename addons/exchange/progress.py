"""The attempt under way, and what is done at its site once it is over: cookies are kept, an answer that nobody wants
any more is stopped, what was made is removed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from addons.accounts.lease import Lease
from addons.exchange.attempt import Attempt
from addons.exchange.context import Context
from addons.stream.port import Fault, State
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Usage
from providers.contract.operation import Turn
from providers.contract.provider import AnyProvider
from providers.contract.session import Session, given_cookies
from providers.contract.steps import Moment

log = logging.getLogger("glassgate")

_GIVEN_UP: Final = frozenset(
    {
        Fault.CLOSED,
        Fault.PROTOCOL,
        Fault.FIRST_TOKEN_TIMEOUT,
        Fault.IDLE_TIMEOUT,
        Fault.TOTAL_TIMEOUT,
        Fault.STOPPED,
    }
)
"""Ends of an attempt that are none of its answer."""


@dataclass(slots=True)
class Progress:
    """What is known of the current attempt besides the Attempt itself."""

    lease: Lease
    session: Session
    turn: Turn
    asked: Moment
    """When the newest call of the attempt was made."""
    spent: Usage | None = None
    """Tokens of an answer to this request that did not pass its check."""
    left: bool = False
    """Its site was left (`leave_site`)."""


def leave_site(context: Context, attempt: Attempt, progress: Progress) -> None:
    """Cookies are kept; the site is told to stop what it still writes; what was made there for it (a chat) is deleted
    where the person wants it. Nobody waits for that. May be called again.

    A fault of the provider's code is logged: the request ends all the same, and gives its place back.
    """
    if progress.left:
        return
    progress.left = True
    attempt.leave_site()
    try:
        _leave(context, attempt, progress)
    except Exception:
        name = attempt.spec.provider.name
        log.exception("what follows an attempt at %s could not be done: a fault of the gateway", name)


def _leave(context: Context, attempt: Attempt, progress: Progress) -> None:
    if attempt.report.set_cookies:
        given = dict(given_cookies(attempt.report.set_cookies))
        progress.lease.handed_out(attempt.spec.session, given)
    provider, turn = attempt.spec.provider, progress.turn
    stop = turn.stop(context.moment()) if _still_writes(attempt) else None
    cleanup = turn.cleanup(context.moment()) if provider.name in context.cleaned_up else ()
    if calls := [call for call in (stop, *cleanup) if call is not None]:
        context.background.spawn(_send(context, provider, calls, progress.session), "glassgate leaving a site")


def _still_writes(attempt: Attempt) -> bool:
    """Whether the site is still at work on an answer that nobody reads any more."""
    reader = attempt.reader
    if attempt.sent_at is None or reader.site_is_done or reader.ended:
        return False
    if reader.state is not State.FAILED:
        return True  # the client has left, or a limit of ours was reached
    return attempt.report.fault in _GIVEN_UP or (reader.error is not None and reader.error.kind is ErrorKind.INCOMPLETE)


async def _send(context: Context, provider: AnyProvider, calls: Sequence[Call], session: Session) -> None:
    """One after the other, whatever becomes of each."""
    for call in calls:
        try:
            await context.steps.send(provider, call, session)
        except ProviderError as error:
            log.info("%s: tidying up failed: %s", provider.name, error.message)
