"""What is kept of an answer, and what a request is that goes on from it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from addons.dialects.base import ParsedRequest
from addons.dialects.body import Reading, bad_request
from addons.dialects.responses.named import is_reference
from addons.dialects.responses.request import AnswerOptions, Around, to_parsed
from addons.dialects.text import json_bytes
from providers.contract.native import ResponsesRequest
from providers.formats.jsontext import INVALID, loads, mapping, unread

VALUES: Final = 1_000_000
"""JSON values of a kept answer: those of a request and an answer, several times over."""
_PREFIXES: Final[Mapping[str, str]] = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
}


class KeptAnswer:
    """An answer that was kept: what it was asked with, and itself. Raises GatewayError (400)."""

    def __init__(self, value: bytes) -> None:
        if (read := loads(value, VALUES)) is INVALID:
            raise bad_request(f"what is kept of the answer {unread(value, VALUES)}: send the whole conversation")
        found = mapping(read)
        given = found.get("input")
        self.response: dict[str, Any] = mapping(found.get("response")) or found
        """As the client got it; where a provider keeps it, as that gave it."""
        self.input: list[Any] = given if isinstance(given, list) else []

    @property
    def items(self) -> list[Any]:
        """All that was said, as a request's input."""
        output = self.response.get("output")
        return [*self.input, *(output if isinstance(output, list) else ())]


def kept_answer(parsed: ParsedRequest, document: bytes) -> bytes | None:
    """What is kept of a request and its whole answer; nothing where there is none."""
    if not document or not isinstance(parsed.request, ResponsesRequest):
        return None
    return b'{"input":%b,"response":%b}' % (json_bytes(input_items(parsed.request.fields)), document)


def input_items(fields: Mapping[str, Any]) -> list[Any]:
    """The input as a list of items."""
    given = fields.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def going_on(parsed: ParsedRequest, value: bytes) -> Reading[ParsedRequest]:
    """The request with all that was said before put before its input, or with the items that it names in their places;
    it follows nothing any more. What it names and nobody kept is left out.

    Raises GatewayError (400).
    """
    request = parsed.request
    assert isinstance(request, ResponsesRequest)
    before = KeptAnswer(value)
    yield
    fields = {name: given for name, given in request.fields.items() if name != "previous_response_id"}
    if previous := request.fields.get("previous_response_id"):
        fields["input"] = [*before.items, *input_items(fields)]
    fields["input"] = _with_items(input_items(fields), before.items)
    body = json_bytes(fields)
    yield
    stops = isinstance(parsed.options, AnswerOptions) and parsed.options.stops_at_failure
    around = Around(request.affinity, request.headers, previous, stops)
    found = yield from to_parsed(fields, body, around)
    return replace(found, keeps=parsed.keeps)


def _with_items(items: list[Any], known: list[Any]) -> list[Any]:
    """The items, those that are named alone as they were."""
    by_id = {item["id"]: item for item in known if isinstance(item, dict) and isinstance(item.get("id"), str)}
    found = (by_id.get(str(item.get("id"))) if is_reference(item) else item for item in items)
    return [item for item in found if item is not None]


def with_ids(items: list[Any], stem: str) -> list[dict[str, Any]]:
    """The items as they are listed: each with an id, a message's content as parts."""
    return [_listed(item, f"{stem}{at:02x}") for at, item in enumerate(items) if isinstance(item, dict)]


def _listed(item: Mapping[str, Any], stem: str) -> dict[str, Any]:
    kind = item.get("type") or "message"
    found = {"id": f"{_PREFIXES.get(str(kind), 'item')}_{stem}", **item, "type": kind}
    if kind == "message" and isinstance(content := item.get("content"), str):
        part = "output_text" if item.get("role") == "assistant" else "input_text"
        found["content"] = [{"type": part, "text": content}]
        if part == "output_text":
            found["content"][0]["annotations"] = []
    if kind in ("message", "function_call", "function_call_output"):
        found.setdefault("status", "completed")
    return found
