"""How many tokens a request is: POST /v1/messages/count_tokens, by the gateway's own estimate."""

from mitmproxy import http

from addons.dialects.base import JSON
from addons.dialects.body import Reading, model_noted, read_object, validated
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.messages.problems import Problems
from addons.dialects.messages.schema import CountBody, check_entries
from addons.dialects.messages.tools import read_tools
from addons.dialects.messages.turns import read_messages
from addons.dialects.text import json_bytes


def count_tokens(request: LocalRequest, catalog: Catalog) -> Reading[http.Response]:
    """The count of all that a model would be told. Raises GatewayError (400)."""
    raw = yield from read_object(request.body, request.most_values)
    with model_noted(raw):
        check_entries(raw)
        yield
        validated(CountBody, raw)
        yield
        messages = yield from read_messages(raw, Problems())
        texts = [message.text() for message in messages]
        texts += [call.arguments for message in messages for call in message.tool_calls]
        texts += [json_bytes(tool).decode() for tool in read_tools(raw).functions]
        yield
    return http.Response.make(200, json_bytes({"input_tokens": catalog.tokens(texts)}), {"content-type": JSON})
