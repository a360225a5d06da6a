"""Local answers and refusals: what is answered without a provider, by the hooks or below them."""

from collections.abc import Mapping
from dataclasses import dataclass

from mitmproxy import http

from addons.app.in_force import InForce
from addons.app.stream_side import StreamSide
from addons.dialects import registry
from addons.errors import GatewayError
from addons.exchange.observer import Observers
from addons.exchange.outcome import Outcome
from addons.ingress.gate import Admission
from addons.ingress.head_redaction import redact_head
from addons.ingress.key_proof import PROOF, proof_for
from addons.ingress.request_head import address_of, path_of
from addons.inspect.annotation import annotation_of
from addons.stream.deps import RefusedHead
from addons.stream.refusal import refusal_of
from addons.stream.request_head import new_request_id


@dataclass(frozen=True, slots=True)
class Door:
    """Answers or refuses requests that no provider is asked for, and tells the observers of each."""

    in_force: InForce
    stream: StreamSide
    observers: Observers

    async def refuse(
        self, flow: http.HTTPFlow, request_id: str, key: str, error: GatewayError, shown: Mapping[str, str]
    ) -> None:
        """Answers with the error and notes it; neither has a secret that the head had anywhere."""
        cleaner = redact_head(flow.request, self.in_force.cleaner(), shown)
        told = error.cleaned(cleaner.words)
        flow.response = registry.refusal(flow.request.path, told, flow.request.headers, request_id)
        await self.answered(flow, request_id, key, error)

    async def answer(self, flow: http.HTTPFlow, request_id: str, admission: Admission, answer: http.Response) -> None:
        """Gives an answer of the gateway's own."""
        for name, value in admission.head.id_fields(request_id):
            answer.headers[name] = value
        if admission.action == "health" and (proof := proof_for(flow, self.in_force.parts().config.tokens)):
            answer.headers[PROOF] = proof
        flow.response = answer
        await self.answered(flow, request_id, admission.key or "-")

    async def refused_below(self, flow: http.HTTPFlow) -> None:
        """A request that was refused before or instead of a hook: malformed, too large, or a hook failed."""
        if annotation_of(flow) is not None or not flow.live or flow.is_replay is not None:
            return
        if (error := refusal_below(flow)) is not None:
            told = flow.response.headers.get("x-request-id") if flow.response else None
            await self.answered(flow, told or flow.metadata.get("request_id") or new_request_id(), "-", error)

    async def answered(self, flow: http.HTTPFlow, request_id: str, key: str, error: GatewayError | None = None) -> None:
        """Tells the observers how a request ended that no provider was asked for."""
        await self.observers.ended(outcome_of(flow, self.stream.client_of(flow), request_id, key, error))


def outcome_of(flow: http.HTTPFlow, client: str, request_id: str, key: str, error: GatewayError | None) -> Outcome:
    """The outcome of a request that no provider was asked for; `error` is the refusal, if it was one."""
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
        sent_bytes=len(flow.response.raw_content or b"") if flow.response else 0,
    )


def outcome_of_head(found: RefusedHead) -> Outcome:
    """The outcome of a head that could not become a request."""
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


def refusal_below(flow: http.HTTPFlow) -> GatewayError | None:
    """The refusal of a request that no hook has answered: the layers below gave it, or mitmproxy itself."""
    if flow.response is None and flow.error:
        return GatewayError(400, flow.error.msg, code="bad_http_request")
    return refusal_of(flow)
