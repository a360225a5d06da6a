"""The meaning of how a response ends: of its `status`, its error, and of an `error` event."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, FinishReason, Usage
from providers.formats.json_end import JsonEnd
from providers.formats.jsontext import mapping, text
from providers.official.codes import Codes
from providers.official.errors import error_event
from providers.official.reasons import CUT_CALL
from providers.openai.usage import counts_tokens, usage_of

ENDS: Final = frozenset({"completed", "incomplete", "failed", "cancelled"})
"""Statuses of a response to which nothing is added any more."""
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_INCOMPLETE: Final[Mapping[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}


def end_of(response: Mapping[str, Any], status: str, codes: Codes) -> Finish | Failure:
    """How a response ends that has this status, or the error that it holds.

    One that is said to be complete is what it says itself: some relays call every end so.
    """
    own = text(response.get("status"))
    if status == "completed" and (response.get("error") or own in ENDS):
        status = "failed" if response.get("error") else own
    if status == "incomplete":
        reason = text(mapping(response.get("incomplete_details")).get("reason"))
        return Finish(_INCOMPLETE.get(reason, "length"))
    if status == "completed":
        if any(map(broken_off, _calls_in(response))):
            return Failure(ProviderError(ErrorKind.INCOMPLETE, CUT_CALL))
        return Finish("tool_calls" if any(_calls_in(response)) else "stop")
    if (error := error_of(response.get("error"), codes)) is not None:
        return Failure(error)
    if status == "cancelled":
        return Failure(ProviderError(ErrorKind.INCOMPLETE, "The answer was cancelled at the API."))
    if status == "failed":
        return Failure(ProviderError(ErrorKind.PROVIDER_DOWN, "The API says that its answer failed, and not why."))
    return Failure(ProviderError(ErrorKind.INCOMPLETE, "The API's answer has not ended. Try again."))


def error_of(error: Any, codes: Codes) -> ProviderError | None:
    """The meaning of an error as a response holds it: a code and words."""
    return error_event({"error": error}, codes) if error else None


def usage_in(response: Mapping[str, Any]) -> tuple[Event, ...]:
    """The token counts of a response, where it has some."""
    usage = response.get("usage")
    return (counts(usage),) if isinstance(usage, dict) and counts_tokens(usage) else ()


def counts(usage: Mapping[str, Any]) -> Usage:
    """Counts in the names of Responses. They have another form than a chat's: `raw` is left out."""
    return replace(usage_of(usage), raw=None)


def broken_off(call: Mapping[str, Any]) -> bool:
    """Whether the arguments of a call, which is an item of an answer, end in the middle of their JSON."""
    json = JsonEnd()
    json.read(text(call.get("arguments")))
    return json.inside


def _calls_in(response: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    output = response.get("output")
    for item in output if isinstance(output, list) else ():
        if text(mapping(item).get("type")) in _CALLS:
            yield item
