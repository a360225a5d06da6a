"""The feature of `response_format` for web sessions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from addons.features.feature import Applied, Served
from addons.features.mark import mark_of
from addons.features.structured.contract import contract, placed
from addons.features.structured.held import HeldJson
from addons.features.structured.wanted import wanted_json
from providers.contract.requests import ChatRequest, ModelRequest

_CLAIMS: Final = frozenset({"response_format"})


class Structured:
    """The Feature of JSON answers of chats. An official API gives them itself."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        """Raises GatewayError (400) for a schema that is none."""
        if served.native is None or not isinstance(request, ChatRequest) or "response_format" in served.native:
            return None
        if (request.response_format or {}).get("type") in served.native:
            return Applied(request, _CLAIMS)  # json_schema alone, of an API that has no other
        wanted = wanted_json(request.response_format)
        if wanted is None:
            return None
        if _must_call(request.tool_choice):
            return Applied(request, _CLAIMS)  # the answer is a call, not the JSON
        block = contract(wanted, mark_of(served), tools=bool(request.tools) and request.tool_choice != "none")
        held = HeldJson(wanted, stream=request.stream, last=served.again)
        return Applied(replace(request, messages=placed(request.messages, block)), _CLAIMS, (held,), check=held)


def _must_call(choice: str | Mapping[str, Any] | None) -> bool:
    return choice == "required" or isinstance(choice, Mapping)
