"""What an answer is an answer to, and what is done to it on its way to the client."""

from dataclasses import dataclass

from addons.exchange.conversation import ToldAnswer
from addons.exchange.further_answers import FurtherAnswers
from addons.exchange.lost_answer import CameSoFar
from addons.features.feature import Check, EventFilter
from providers.contract.events import Usage
from providers.contract.operation import Turn
from providers.contract.provider import AnyProvider
from providers.contract.requests import ModelRequest


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """What the answer is an answer to."""

    provider: AnyProvider
    request: ModelRequest
    turn: Turn
    filters: tuple[EventFilter, ...] = ()
    """What the gateway does itself to the answer's events (addons/features/), in this order."""
    check: Check | None = None
    """A feature's: nothing of the answer is given out before it has passed."""
    spent: Usage | None = None
    """Tokens of an earlier attempt, whose answer did not pass: they count too."""
    further: FurtherAnswers | None = None
    """Answers that are given out with this one: it is not done before them."""
    told: ToldAnswer | None = None
    """Given what the client gets, where that is to be known afterwards."""
    came: CameSoFar | None = None
    """Given what comes, where the site is asked for the whole of an answer that it has lost."""
    filtered_fails: bool = False
    """That the provider's own filter ends the answer before its first word is a failure: another model stands in."""
