"""The attempt under way, and what is done at its site once it is over: cookies are kept, what was made is removed."""

import logging
from dataclasses import dataclass

from addons.accounts.lease import Lease
from addons.exchange.attempt import Attempt
from addons.exchange.context import Context
from providers.contract.call import Call
from providers.contract.errors import ProviderError
from providers.contract.events import Usage
from providers.contract.operation import Turn
from providers.contract.provider import AnyProvider
from providers.contract.session import Session, given_cookies
from providers.contract.steps import Moment

log = logging.getLogger("glassgate")


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


def leave_site(context: Context, attempt: Attempt, progress: Progress) -> None:
    """Cookies are kept; what was made at the site for it (a chat) is deleted where the person wants it.

    A fault of the provider's code is logged: the request ends all the same, and gives its place back.
    """
    try:
        _leave(context, attempt, progress)
    except Exception:
        name = attempt.spec.provider.name
        log.exception("what follows an attempt at %s could not be done: a fault of the gateway", name)


def _leave(context: Context, attempt: Attempt, progress: Progress) -> None:
    if attempt.report.set_cookies:
        given = dict(given_cookies(attempt.report.set_cookies))
        progress.lease.handed_out(attempt.spec.session, given)
    provider = attempt.spec.provider
    call = progress.turn.cleanup(context.moment()) if provider.name in context.cleaned_up else None
    if call is not None:
        context.background.spawn(_clean_up(context, provider, call, progress.session), "glassgate cleaning up")


async def _clean_up(context: Context, provider: AnyProvider, call: Call, session: Session) -> None:
    try:
        await context.steps.send(provider, call, session)
    except ProviderError as error:
        log.info("%s: tidying up failed: %s", provider.name, error.message)
