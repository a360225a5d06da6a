"""What the Messages stand-in refuses with, in the API's words."""

from collections.abc import Mapping
from typing import Any, Final

from providers.sandbox.broken_answers import answer_broken
from providers.sandbox.script import Script
from providers.sandbox.server import Wire

REQUEST_ID: Final = {"request-id": "req_sandbox"}
"""On every answer."""
REFUSALS: Final[Mapping[str, tuple[int, str, str]]] = {
    "400": (400, "invalid_request_error", "metadata.user_id: String should have at most 256 characters"),
    "too_long": (400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
    "signature": (400, "invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block"),
    "credit": (
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
        "purchase credits.",
    ),
    "401": (401, "authentication_error", "invalid x-api-key"),
    "402": (402, "billing_error", "There is an issue with your account's billing"),
    "403": (403, "permission_error", "Your account does not have permission to use this resource"),
    "404": (404, "not_found_error", "Not found"),
    "413": (413, "request_too_large", "Request exceeds the maximum size"),
    "429": (
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 50 requests per minute",
    ),
    "500": (500, "api_error", "Internal server error"),
    "503": (503, "api_error", "Service temporarily unavailable"),
    "504": (504, "timeout_error", "The request took too long to process"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
}
"""By the fault's name: status, kind, words."""


def error(kind: str, message: str) -> dict[str, Any]:
    """The body of a refusal, and the data of an `error` event."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": REQUEST_ID["request-id"]}


async def refuse(wire: Wire, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> None:
    await wire.respond(status, error(kind, message), headers={**REQUEST_ID, **(headers or {})})


async def misbehaved(fault: str, script: Script, wire: Wire) -> bool:
    """Whether the answer was a refusal or fault before any stream."""
    if fault in REFUSALS:
        waits = {"retry-after": script.retry_after or "2"} if fault == "429" else {}
        if script.retry_after:
            waits["retry-after"] = script.retry_after
        await refuse(wire, *REFUSALS[fault], headers=waits)
    elif fault == "json_error":
        await wire.respond(200, error("api_error", "Internal server error"), headers=REQUEST_ID)
    elif fault == "redirect":
        await wire.respond(302, {}, headers={"location": "https://example.invalid/"})
    else:
        return await answer_broken(fault, wire)
    return True
