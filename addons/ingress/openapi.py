"""The gateway's own description in OpenAPI 3.1, as GET /openapi.json answers it. Pure, made once."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from addons.accounts.health import Health
from addons.dialects import registry
from addons.dialects.base import Dialect
from addons.dialects.description import TEXT, RouteDescription, json_content, list_of, object_of, ref
from addons.dialects.routes import Route
from addons.ingress import gate

type _Object = dict[str, Any]

_ABOUT: Final = (
    "One API of OpenAI's and Anthropic's forms in front of your AI accounts. Every refusal and failure has OpenAI's "
    "error envelope, at the paths of Anthropic's form that form's. "
    "A known path with another method is 405, any other path 404; the key is checked before both. A trailing slash "
    "and doubled ones change nothing, and the paths of /v1 are served without it too (/chat/completions). Bodies may "
    "be compressed: Content-Encoding gzip, deflate, br, zstd, or two of them. Preflights of web pages whose origin is "
    "listed in listen.allowed_origins are answered without a key, and their pages may read every answer."
)
_KEY_ABOUT: Final = "One of the gateway's own keys. The headers X-API-Key, Api-Key and X-Goog-Api-Key carry it as well."

_WHY: Final[Mapping[int, str]] = {
    400: "The request is malformed, or asks for what the model's provider cannot do; `param` names the field.",
    401: "The key is missing, not one of this gateway's, or has expired.",
    403: "The Host or Origin is not one this gateway answers to, the client key may not ask the model, or the provider "
    "refuses the content.",
    404: "The model is not served here.",
    405: "The path takes other methods.",
    408: "The request did not arrive in time.",
    413: "The body is larger than limits.body_mb, as it was sent or once it is inflated.",
    415: "The body is compressed in a way that is not read here; `accept-encoding` names those that are.",
    429: "Every account for the model is limited, used up or busy; the client key has reached a limit of its own "
    "(`insufficient_quota`: its budget); or too many requests are under way.",
    431: "The request's head is larger than 64 KB.",
    500: "The gateway itself failed.",
    502: "No provider gave an answer.",
    503: "The gateway starts or ends, or every account for the model rests.",
    504: "A provider did not answer in time.",
}
_HEAD: Final = (400, 403, 408, 413, 431, 500, 503)
"""What any request may meet before its path matters."""
_KEYED: Final = (*_HEAD, 401)
_LOCAL: Final = (*_KEYED, 415)
_READING: Final = (*_LOCAL, 429)
"""Where a body is read and no model asked."""
_CHAT: Final = (*_READING, 404, 502, 504)

_HEADERS: Final[Mapping[str, _Object]] = {
    "x-request-id": {
        "required": True,
        "description": "The request's name in the gateway's log.",
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]{32}$"},
    },
    "x-glassgate-model": {
        "description": "The model that was asked, percent-encoded.",
        "schema": {"type": "string"},
    },
    "x-glassgate-account": {
        "description": "The account that was asked: provider/name.",
        "schema": {"type": "string"},
    },
    "x-glassgate-attempts": {
        "description": "How many times a provider was asked.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "x-glassgate-repair": {
        "description": "How many answers were asked for once more, since they were not what they had to be.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "x-glassgate-cache": {
        "description": "Whether the answer is a kept one; only where one was looked for.",
        "schema": {"enum": ["hit", "miss"]},
    },
    "age": {"description": "Seconds since a kept answer was given first.", "schema": {"type": "integer", "minimum": 0}},
    "retry-after": {"description": "Seconds until it may work.", "schema": {"type": "integer", "minimum": 1}},
    "retry-after-ms": {
        "description": "The same in milliseconds.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "x-should-retry": {
        "description": "`false` where trying again cannot help.",
        "schema": {"enum": ["true", "false"]},
    },
    "allow": {"description": "The methods the path takes.", "schema": {"type": "string"}},
    "accept-encoding": {"description": "The codings that are read.", "schema": {"type": "string"}},
}
_NAMING: Final[Mapping[int, str]] = {405: "allow", 415: "accept-encoding"}
"""Refusals with a header that names what is taken."""
_OF_ALL: Final = ("x-request-id",)
_OF_CHATS: Final = (
    "x-request-id",
    "x-glassgate-model",
    "x-glassgate-account",
    "x-glassgate-attempts",
    "x-glassgate-repair",
    "x-glassgate-cache",
    "age",
)
_OF_ERRORS: Final = (*_OF_CHATS, "retry-after", "retry-after-ms", "x-should-retry")

_HEALTH: Final[_Object] = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"enum": ["ok", "degraded", "draining"]},
        "key": TEXT,
        "accounts": list_of(object_of(provider=TEXT, account=TEXT, state={"enum": [state.value for state in Health]})),
        "problem": TEXT,
    },
    "additionalProperties": False,
}
_SCHEMAS: Final[Mapping[str, _Object]] = {
    "Health": _HEALTH,
    "Alive": object_of(status={"enum": ["ok"]}),
    "Readiness": object_of(status={"enum": ["ok", "draining", "unavailable"]}),
    "Front": object_of(name=TEXT, version=TEXT, base_url=TEXT),
}


def document() -> _Object:
    """The description of all that is served. Shared: not to be changed."""
    return _document(registry.DIALECTS)


def document_bytes() -> bytes:
    """The same as JSON."""
    return _bytes(registry.DIALECTS)


@cache
def _bytes(dialects: tuple[Dialect, ...]) -> bytes:
    return json.dumps(_document(dialects), ensure_ascii=False).encode()


@cache
def _document(dialects: tuple[Dialect, ...]) -> _Object:
    described = {dialect.name: dialect.description() for dialect in dialects}
    own = described[dialects[0].name].error
    paths: dict[str, _Object] = {}
    for route, dialect in gate.routes().rows:
        found = described[dialect.name] if dialect else None
        operation = (
            _rendered(route, found.operations[route.operation], found.error) if found else _OWN[route.operation](own)
        )
        path = paths.setdefault(route.shown_path, {})
        for name, part in _methods(route, operation, found.error if found else own).items():
            path.setdefault(name, part)
    errors = dict.fromkeys((own, *(found.error for found in described.values())))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Glassgate", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _KEY_ABOUT}},
            "schemas": {
                **{name: schema for found in described.values() for name, schema in found.schemas.items()},
                **_SCHEMAS,
            },
            "headers": dict(_HEADERS),
            "responses": {f"{name}{status}": _error(name, status) for name in errors for status in _WHY},
        },
    }


def _methods(route: Route, main: _Object, error: str) -> _Object:
    """What a route adds to its path: the path's parameters, the operation, and OPTIONS, which tells the methods."""
    parameters = main.pop("parameters", [])
    in_path = [one for one in parameters if one["in"] == "path"]
    if others := [one for one in parameters if one["in"] != "path"]:
        main["parameters"] = others
    named: _Object = {
        method.lower(): {"operationId": route.operation, **main} for method in sorted(route.methods - {"HEAD"})
    }
    if "HEAD" in route.methods:
        named["head"] = {"operationId": f"{route.operation}_head", **main, "summary": "The head of the answer to GET."}
    told: _Object = {"description": "The methods, in `allow`.", "headers": _headers(*_OF_ALL, "allow")}
    told["headers"]["allow"] = {"required": True, **_HEADERS["allow"]}
    named["options"] = {
        "operationId": f"{route.operation}_options",
        "summary": "Which methods the path takes.",
        "responses": {"204": told, **_errors(error, _KEYED)},
    }
    return {"parameters": in_path, **named} if in_path else named


def _rendered(route: Route, operation: RouteDescription, error: str) -> _Object:
    """A dialect's operation."""
    found: _Object = {"summary": operation.summary}
    if operation.parameters:
        found["parameters"] = list(operation.parameters)
    if operation.request is not None:
        found["requestBody"] = {"required": True, "content": operation.request}
    answer = {
        "description": operation.answer,
        "headers": _headers(*(_OF_CHATS if route.asks_model else _OF_ALL)),
        "content": operation.content,
    }
    statuses = dict.fromkeys((*_errors_of(route), *operation.errors))
    return {**found, "responses": {"200": answer, **_errors(error, tuple(statuses))}}


def _errors_of(route: Route) -> tuple[int, ...]:
    if route.asks_model:
        return _CHAT
    return _LOCAL if route.local_reading is None else _READING


def _get(summary: str, content: _Object, error: str, errors: tuple[int, ...] = _LOCAL) -> _Object:
    """An operation of the gateway's own."""
    answer = {"description": "The answer.", "headers": _headers(*_OF_ALL), "content": content}
    return {"summary": summary, "responses": {"200": answer, **_errors(error, errors)}}


def _health(error: str) -> _Object:
    found = _get(
        "Whether the gateway serves; with a key, how its accounts are.", json_content(ref("Health")), error, _HEAD
    )
    found["responses"]["503"] = {
        "description": "The gateway ends (its health), or has not started yet (an error).",
        "headers": _headers(*_OF_ERRORS),
        "content": json_content({"anyOf": [ref("Health"), ref(error)]}),
    }
    return {"security": [{}, {"key": []}], **found}


def _live(error: str) -> _Object:
    found = _get("Whether the process serves, also while it ends.", json_content(ref("Alive")), error, _HEAD)
    return {"security": [{}], **found}


def _ready(error: str) -> _Object:
    found = _get("Whether requests are to be sent here.", json_content(ref("Readiness")), error, _HEAD)
    found["responses"]["503"] = {
        "description": "The gateway starts (an error) or ends, or no account can serve.",
        "headers": _headers(*_OF_ERRORS),
        "content": json_content({"anyOf": [ref("Readiness"), ref(error)]}),
    }
    return {"security": [{}], **found}


def _metrics(error: str) -> _Object:
    about = "Metrics of the gateway for Prometheus: with metrics.token, or on this machine. 404 where they are off."
    found = _get(about, {"text/plain": {"schema": TEXT}, "application/openmetrics-text": {"schema": TEXT}}, error)
    found["responses"] |= _errors(error, (*_KEYED, 404))
    return {"security": [{}, {"key": []}], **found}


def _front(error: str) -> _Object:
    content = {**json_content(ref("Front")), "text/html": {}}
    found = _get("Where one is: name, version, base URL. A page for who would see one.", content, error, _HEAD)
    return {"security": [{}, {"key": []}], **found}


def _openapi(error: str) -> _Object:
    return _get("This description.", json_content({"type": "object", "required": ["openapi", "paths"]}), error)


_OWN: Final[Mapping[str, Callable[[str], _Object]]] = {
    "health": _health,
    "live": _live,
    "ready": _ready,
    "metrics": _metrics,
    "front": _front,
    "openapi": _openapi,
}
"""The gateway's own operations, given the name of the schema of its errors."""


def _error(name: str, status: int) -> _Object:
    headers = _headers(*_OF_ALL, _NAMING[status]) if status in _NAMING else _headers(*_OF_ERRORS)
    return {"description": _WHY[status], "headers": headers, "content": json_content(ref(name))}


def _errors(name: str, statuses: tuple[int, ...]) -> _Object:
    return {str(status): {"$ref": f"#/components/responses/{name}{status}"} for status in sorted(statuses)}


def _headers(*names: str) -> _Object:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
