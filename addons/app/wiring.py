"""Which policies, observers and optional parts there are, each in one tuple: here one more is plugged in."""

from collections.abc import Callable, Sequence, Sized

from addons.app.cache_part import CachePart
from addons.app.exchanges import Exchanges
from addons.app.in_force import InForce
from addons.app.ledger import Ledger
from addons.app.metered_keys import MeteredKeys
from addons.app.metrics_part import MetricsPart
from addons.app.optional_part import OptionalPart
from addons.app.outside import Outside
from addons.app.tracing_part import TracingPart
from addons.exchange.observer import Observer
from addons.exchange.request_log import RequestLog
from addons.ingress.key_limits import WithinLimits
from addons.ingress.policies import InFlight, NotDraining, Policy
from addons.inspect.annotator import Annotator
from addons.recordings.archive import ArchiveKeeper


def policies(in_force: InForce, exchanges: Sized, draining: Callable[[], bool]) -> tuple[Policy, ...]:
    """What an admitted request is judged by, in this order."""
    return (
        NotDraining(draining),
        InFlight(lambda: len(exchanges), in_force.most_requests),
        WithinLimits(in_force.key_meters),
    )


def observers(in_force: InForce, annotator: Annotator) -> tuple[Observer, ...]:
    """Who is told of requests, in this order: what the archive keeps, the annotator has cleaned."""
    return (
        RequestLog(),
        annotator,
        ArchiveKeeper(in_force.keep),
    )


def optional_parts(
    in_force: InForce,
    outside: Outside,
    exchanges: Exchanges,
    draining: Callable[[], bool],
    problems: Callable[[], Sequence[str]],
) -> tuple[OptionalPart, ...]:
    """What config.yaml turns on and off, in this order; they are told of requests after all other observers.

    `exchanges` are the requests under way, `problems` what /healthz is degraded for.
    """
    return (
        CachePart(),
        Ledger(outside.now, outside.clock),
        MeteredKeys(exchanges, outside.now),
        MetricsPart(exchanges, draining, problems, outside.clock),
        TracingPart(outside.now),
    )
