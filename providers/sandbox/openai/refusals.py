"""What the stand-in for an official API refuses with, by faults of a script, before any stream."""

from typing import Any, Final

from providers.sandbox.broken_answers import answer_broken
from providers.sandbox.script import Script
from providers.sandbox.server import Wire

REFUSALS: Final[dict[str, tuple[int, dict[str, Any], dict[str, str]]]] = {
    "500": (500, {"error": {"message": "The server had an error", "type": "server_error", "code": None}}, {}),
    "503": (503, {"error": {"message": "Overloaded", "type": "server_error", "code": "overloaded"}}, {}),
    "401": (401, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, {}),
    "quota": (429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, {}),
    "context": (400, {"error": {"message": "maximum context length", "code": "context_length_exceeded"}}, {}),
    "redirect": (302, {}, {"location": "https://example.invalid/"}),
}


async def misbehaved(script: Script, wire: Wire) -> bool:
    """Whether the answer was a refusal or fault before any stream."""
    fault = script.fault
    if fault in REFUSALS:
        status, body, headers = REFUSALS[fault]
        await wire.respond(status, body, headers=headers)
    elif fault == "429":
        headers = {"retry-after": script.retry_after or "2"}
        error = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
        await wire.respond(429, {"error": error}, headers=headers)
    elif fault == "json_error":
        await wire.respond(200, {"error": {"message": "no such thing", "code": "engine_error"}})
    else:
        return await answer_broken(fault, wire)
    return True
