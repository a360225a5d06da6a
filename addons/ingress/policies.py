"""What a request that was admitted is judged by before anything is done for it: one small object a rule. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from addons.errors import GatewayError, shutting_down
from addons.ingress.gate import Action, Admission

_WHILE_ENDING: Final[frozenset[Action]] = frozenset({"health", "live", "ready", "metrics", "preflight"})
"""What is answered as always while the gateway drains: a page must be able to read that it does."""


class Policy(Protocol):
    """A rule that judges an admitted request."""

    def check(self, admission: Admission) -> None:
        """Raises GatewayError, which the client gets, where the request may not go on."""
        ...


@dataclass(frozen=True, slots=True)
class NotDraining:
    """`draining` tells whether the gateway ends."""

    draining: Callable[[], bool]

    def check(self, admission: Admission) -> None:
        if self.draining() and admission.action not in _WHILE_ENDING:
            raise shutting_down()


@dataclass(frozen=True, slots=True)
class InFlight:
    """So many requests at once, in all, of which the body is read (limits.requests)."""

    count: Callable[[], int]
    most: Callable[[], int]

    def check(self, admission: Admission) -> None:
        if admission.wants_body and self.count() >= self.most():
            raise GatewayError(
                429,
                "the gateway has as many requests under way as it may (limits.requests in config.yaml); try again soon",
                code="too_many_requests",
                retry_after_s=1,
            )


def key_removed() -> GatewayError:
    """What the requests of a client key end with that was taken out of the configuration."""
    message = "the API key of this request is no longer one of this gateway's; its answer was ended"
    return GatewayError(401, message, code="invalid_api_key", should_retry=False)
