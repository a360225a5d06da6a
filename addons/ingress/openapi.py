"""The gateway's own description in OpenAPI 3.1, as GET /openapi.json answers it. Pure, made once."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from addons.ingress.gate import MODEL_METHODS, MODEL_PREFIX, ROUTES, Action
from addons.ingress.openapi_schemas import answer_schemas, request_schemas

type _Object = dict[str, Any]

_ABOUT: Final = (
    "One OpenAI-compatible API in front of your AI accounts. Every refusal and failure has OpenAI's error envelope. "
    "A known path with another method is 405, any other path 404; the key is checked before both. A trailing slash "
    "and doubled ones change nothing, and the paths of /v1 are served without it too (/chat/completions). Bodies may "
    "be compressed: Content-Encoding gzip, deflate, br, zstd, or two of them. Preflights of web pages whose origin is "
    "listed in listen.allowed_origins are answered without a key, and their pages may read every answer."
)
_KEY_ABOUT: Final = "One of the gateway's own keys. The headers X-API-Key, Api-Key and X-Goog-Api-Key carry it as well."

_WHY: Final[Mapping[int, str]] = {
    400: "The request is malformed, or asks for what the model's provider cannot do; `param` names the field.",
    401: "The key is missing or not one of this gateway's.",
    403: "The Host or Origin is not one this gateway answers to, or the provider refuses the content.",
    404: "The model is not served here.",
    405: "The path takes other methods.",
    408: "The request did not arrive in time.",
    413: "The body is larger than limits.body_mb, as it was sent or once it is inflated.",
    415: "The body is compressed in a way that is not read here; `accept-encoding` names those that are.",
    429: "Every account for the model is limited, used up or busy.",
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
_CHAT: Final = (*_LOCAL, 404, 429, 502, 504)

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
_OF_CHATS: Final = ("x-request-id", "x-glassgate-model", "x-glassgate-account", "x-glassgate-attempts")
_OF_ERRORS: Final = (*_OF_CHATS, "retry-after", "retry-after-ms", "x-should-retry")

_MODEL_ID: Final[_Object] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "A model's name, in any case; a slash in it may stand as it is.",
    "schema": {"type": "string", "minLength": 1},
}
_ALL_MODELS: Final[_Object] = {
    "name": "all",
    "in": "query",
    "description": "`true`, `1` or `yes`: those too that no account can serve now.",
    "schema": {"type": "string"},
}


_ERROR: Final[_Object] = {"$ref": "#/components/schemas/Error"}
_EXAMPLE_CHAT: Final[_Object] = {"model": "GLM-4.6", "messages": [{"role": "user", "content": "Hello"}]}
_EXAMPLE_OLD: Final[_Object] = {"model": "GLM-4.6", "prompt": "Hello"}


@cache
def document() -> _Object:
    """The description. Shared: not to be changed."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Glassgate", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": {
            **{path: _path(action, methods) for path, (action, methods) in ROUTES.items()},
            MODEL_PREFIX + "{id}": {"parameters": [_MODEL_ID], **_path("model", MODEL_METHODS)},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _KEY_ABOUT}},
            "schemas": {**request_schemas(), **answer_schemas()},
            "headers": dict(_HEADERS),
            "responses": {f"Error{status}": _error(status) for status in _WHY},
        },
    }


@cache
def document_bytes() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


def _path(action: Action, methods: frozenset[str]) -> _Object:
    """All operations of a path: those of its route, and OPTIONS, which tells them."""
    main = _OPERATIONS[action]
    found: _Object = {method.lower(): main for method in sorted(methods - {"HEAD"})}
    named: _Object = {method: {"operationId": action, **operation} for method, operation in found.items()}
    if "HEAD" in methods:
        named["head"] = {"operationId": f"{action}_head", **main, "summary": "The head of the answer to GET."}
    told: _Object = {"description": "The methods, in `allow`.", "headers": _headers(*_OF_ALL, "allow")}
    told["headers"]["allow"] = {"required": True, **_HEADERS["allow"]}
    named["options"] = {
        "operationId": f"{action}_options",
        "summary": "Which methods the path takes.",
        "responses": {"204": told, **_errors(_KEYED)},
    }
    return named


def _chat(summary: str, request: str, answer: str, example: _Object) -> _Object:
    """The operation of one dialect."""
    taken = {"schema": _schema(request), "example": example}
    told = {
        "description": "The answer; with `stream` true its pieces as server-sent events, ending with `[DONE]`.",
        "headers": _headers(*_OF_CHATS),
        "content": {
            "application/json": {"schema": _schema(answer)},
            "text/event-stream": {"example": "data: {…}\n\ndata: [DONE]\n\n"},
        },
    }
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": taken}},
        "responses": {"200": told, **_errors(_CHAT)},
    }


def _get(summary: str, schema: _Object, errors: tuple[int, ...] = _LOCAL, **more: Any) -> _Object:
    """An operation the gateway answers from what it knows."""
    return {"summary": summary, **more, "responses": {"200": _json("The answer.", schema), **_errors(errors)}}


def _health() -> _Object:
    found = _get("Whether the gateway serves; with a key, how its accounts are.", _schema("Health"), _HEAD)
    ending = "The gateway ends (its health), or has not started yet (an error)."
    found["responses"]["503"] = _json(ending, {"anyOf": [_schema("Health"), _ERROR]}, _OF_ERRORS)
    return {"security": [{}, {"key": []}], **found}


def _front() -> _Object:
    found = _get("Where one is: name, version, base URL. A page for who would see one.", _schema("Front"), _HEAD)
    found["responses"]["200"]["content"]["text/html"] = {}
    return {"security": [{}, {"key": []}], **found}


def _json(description: str, schema: _Object, headers: tuple[str, ...] = _OF_ALL) -> _Object:
    return {
        "description": description,
        "headers": _headers(*headers),
        "content": {"application/json": {"schema": schema}},
    }


def _error(status: int) -> _Object:
    found = _json(_WHY[status], _ERROR, _OF_ERRORS)
    if status in _NAMING:
        found["headers"] = _headers(*_OF_ALL, _NAMING[status])
    return found


def _errors(statuses: tuple[int, ...]) -> _Object:
    return {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in sorted(statuses)}


def _headers(*names: str) -> _Object:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _schema(name: str) -> _Object:
    return {"$ref": f"#/components/schemas/{name}"}


_OPERATIONS: Final[Mapping[Action, _Object]] = {
    "chat_completions": _chat("A chat.", "ChatRequest", "ChatCompletion", _EXAMPLE_CHAT),
    "completions": _chat("The older form: one prompt, plain text.", "CompletionRequest", "Completion", _EXAMPLE_OLD),
    "models": _get("The models that are served.", _schema("ModelList"), parameters=[_ALL_MODELS]),
    "model": _get("One model.", _schema("Model"), (*_LOCAL, 404)),
    "health": _health(),
    "front": _front(),
    "openapi": _get("This description.", {"type": "object", "required": ["openapi", "paths"]}),
}
