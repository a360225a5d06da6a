"""What is done at the site once an attempt is over: cookies are kept, what was made is removed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from addons.accounts.lease import Lease
from addons.exchange.attempt import Attempt
from addons.exchange.context import AnyProvider, Context
from addons.stream.port import Fault, State
from providers.contract.errors import ProviderError
from providers.contract.events import Usage
from providers.contract.provider import Call, Moment, Session
from providers.contract.session import given_cookies

log = logging.getLogger("glassgate")


@dataclass(slots=True)
class Progress:
    """What is known of the current attempt besides the Attempt itself."""

    lease: Lease
    session: Session
    prepared: object = None
    spent: Usage | None = None
    """Tokens of an answer to this request that did not pass its check."""
    asked: Moment | None = None
    """When the newest call of the attempt was made."""


def leave_site(context: Context, attempt: Attempt, progress: Progress) -> None:
    """Cookies are kept; an answer nobody waits for is stopped and its chat deleted, where site and person allow."""
    if attempt.report.set_cookies:
        given = dict(given_cookies(attempt.report.set_cookies))
        progress.lease.handed_out(attempt.plan.session, given)
    moment, provider = context.moment(), context.providers[progress.lease.account.provider]
    calls = []
    if attempt.reader.state is State.OPEN or attempt.reader.closes_early or attempt.report.fault is Fault.STOPPED:
        calls.append(provider.cancel_call(attempt.plan.chat, progress.session, progress.prepared, moment))
    if provider.name in context.tidied:
        calls.append(provider.cleanup(progress.session, progress.prepared, moment))
    wanted = [call for call in calls if call is not None]
    if wanted:
        context.background.spawn(_send(context, provider, wanted, progress.session), "glassgate tidying up")


async def _send(context: Context, provider: AnyProvider, calls: Sequence[Call], session: Session) -> None:
    for call in calls:
        try:
            await context.steps.send(provider, call, session)
        except ProviderError as error:
            log.info("%s: tidying up failed: %s", provider.name, error.message)
