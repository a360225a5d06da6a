"""How requests ended that were answered at the door: by the gateway itself, as a refusal, or below the hooks."""

from mitmproxy import http

from addons.errors import GatewayError
from addons.exchange.outcome import Outcome
from addons.ingress.front_door import address_of, path_of
from addons.stream.deps import RefusedHead


def outcome_of(flow: http.HTTPFlow, client: str, request_id: str, key: str, error: GatewayError | None) -> Outcome:
    """The line of a request that no provider was asked for; `error` is the refusal, None for an answer of our own."""
    status = error.status if error else flow.response.status_code if flow.response else 0
    return Outcome(
        id=request_id,
        key=key,
        path=path_of(flow),
        status=status,
        outcome="ok" if error is None else "failed" if status >= 500 else "refused",
        error_code=(error.code or error.type) if error else None,
        client=client,
        method=flow.request.method,
        why=error.message if error else "",
        error=error,
        flow=flow,
    )


def outcome_of_head(found: RefusedHead) -> Outcome:
    """The line of a head that could not become a request."""
    return Outcome(
        id=found.id,
        key="-",
        path=found.path,
        status=found.error.status,
        outcome="refused",
        error_code=found.error.code,
        client=address_of(found.peer),
        method=found.method,
        why=found.error.message,
    )
