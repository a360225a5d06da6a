"""A body for an endpoint that is passed on to a ParsedRequest.

The gateway reads what it needs to know whom to ask, and leaves all else to the API.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from addons.dialects.base import Named, ParsedRequest
from addons.dialects.body import Reading, bad_request, model_noted, read_object
from addons.dialects.form import is_form, read_form
from addons.dialects.passed_on.endpoints import ENDPOINTS, PROVIDER, Endpoint
from addons.dialects.routed_head import RoutedHead
from providers.contract.form import Form
from providers.contract.passed_on import BatchRequest, ResourceRequest

NAME_CHARS: Final = 256
TEXT_BYTES: Final = 1024 * 1024
"""Of a form's field that is read as text; a longer one is the API's business."""
_TRUTHS: Final = ("true", "1")


def read_passed(body: bytes, most_values: int, head: RoutedHead) -> Reading[ParsedRequest]:
    """The request. Raises GatewayError (400) naming the field at fault."""
    endpoint, content_type = ENDPOINTS.get(head.operation), head.headers.get("content-type", "")
    if endpoint is not None and endpoint.body == "none":
        return _parsed(endpoint, head, b"", {}, None)
    form, fields = None, dict[str, Any]()
    if is_form(body, content_type) and (endpoint is None or endpoint.body == "form"):
        form = yield from read_form(body, content_type)
        fields = _texts(form)
    elif endpoint is not None and endpoint.body == "form":
        raise bad_request("the request body must be a form (multipart/form-data)", code="invalid_form")
    else:
        fields = yield from read_object(body, most_values)
    with model_noted(fields):
        return _parsed(endpoint or _by_fields(fields, form), head, body, fields, form)


def passed_beginning(form: Form, head: RoutedHead) -> ParsedRequest:
    """The request of a form that goes on. Raises GatewayError (400) where a field is missing so far."""
    return replace(_parsed(ENDPOINTS[head.operation], head, form.body, _texts(form), form), goes_on=True)


def _by_fields(fields: Mapping[str, Any], form: Form | None) -> Endpoint:
    """The endpoint of a body that was kept without its head, as far as it tells. Raises GatewayError."""
    if form is not None:
        return ENDPOINTS["file_create" if "purpose" in fields else "audio_transcriptions"]
    found = next((operation for name, operation in _TOLD_BY if name in fields), None)
    if found is None:
        raise bad_request("input: is missing", "input")
    return ENDPOINTS[found]


_TOLD_BY: Final = (
    ("voice", "audio_speech"),
    ("documents", "rerank"),
    ("input_file_id", "batch_create"),
    ("input", "embeddings"),
)


def _parsed(
    endpoint: Endpoint, head: RoutedHead, body: bytes, fields: Mapping[str, Any], form: Form | None
) -> ParsedRequest:
    for name in endpoint.needs:
        if fields.get(name) is None:
            raise bad_request(f"{name}: is missing", name)
    model = _named(fields, "model")
    common: dict[str, Any] = {
        "stream": _streams(fields),
        "affinity": fields["user"] if isinstance(fields.get("user"), str) else None,
        "body": body,
        "fields": fields,
        "form": form,
        "provider": _provider(fields if form is not None else {}, head),
    }
    if not issubclass(endpoint.kind, ResourceRequest):
        return ParsedRequest(endpoint.kind(model, **common), said=fields if form is None else None)
    found = head.params.get("id", "")
    request = endpoint.kind(model, action=endpoint.action, id=found, **common)
    return ParsedRequest(request, names=_names(request), keeps=True)


def _names(request: ResourceRequest) -> tuple[Named, ...]:
    if request.id:
        return (Named(request.resource, request.id, "id"),)
    if isinstance(request, BatchRequest):
        return (Named("file", _named(request.fields, "input_file_id"), "input_file_id"),)
    return ()


def _named(fields: Mapping[str, Any], name: str) -> str:
    """A field that names something; empty where there is none."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= NAME_CHARS:
        raise bad_request(f"{name}: must be text of 1 to {NAME_CHARS} characters", name)
    return value


def _provider(fields: Mapping[str, Any], head: RoutedHead) -> str:
    return _named(fields, "provider") or _named(head.headers, PROVIDER)


def _streams(fields: Mapping[str, Any]) -> bool:
    """Whether events are asked for: `stream`, or for speech `stream_format`."""
    stream = fields.get("stream")
    said = stream.strip().lower() in _TRUTHS if isinstance(stream, str) else stream is True
    return said or fields.get("stream_format") == "sse"


def _texts(form: Form) -> dict[str, Any]:
    """The form's fields that are text, and no files."""
    found: dict[str, Any] = {}
    for part in form.parts:
        if part.is_file or len(part.data) > TEXT_BYTES:
            continue
        try:
            found[part.name] = part.data.decode()
        except UnicodeDecodeError:
            raise bad_request(f"{part.name[:40]}: must be text", part.name[:40] or None, "invalid_form") from None
    return found
