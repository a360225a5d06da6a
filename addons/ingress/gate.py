"""The gate: what a request must be before anything else looks at it. Pure, no I/O, no state.

Checked in this order: the form of the request, Host and Origin (against DNS rebinding), the client's key, path and
method. One parsed path serves both the key check and the routing; nobody looks at the path behind the gate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from addons.cleaning.fields import Fields
from addons.config.client_keys import ClientKeys, Identity
from addons.dialects.registry import DIALECTS
from addons.errors import GatewayError
from addons.ingress.cors import is_preflight, preflight_headers
from addons.transport.codings import codings_of

type Action = str
"""Who answers: a dialect, by its name, or the gateway itself (`models`, `model`, `health`, `openapi`, `front`)."""

ROUTES: Mapping[str, tuple[Action, frozenset[str]]] = {
    "/": ("front", frozenset({"GET", "HEAD"})),
    **{dialect.path: (dialect.name, frozenset({"POST"})) for dialect in DIALECTS.values()},
    "/v1/models": ("models", frozenset({"GET", "HEAD"})),
    "/healthz": ("health", frozenset({"GET", "HEAD"})),
    "/openapi.json": ("openapi", frozenset({"GET", "HEAD"})),
}
MODEL_PREFIX = "/v1/models/"
MODEL_METHODS = frozenset({"GET", "HEAD"})
_ANYONE = Identity("anyone", b"")
"""Who asks where no key is wanted."""
_VERSION = "/v1"
_VERSIONED = frozenset(route.split("/")[2] for route in ROUTES if route.startswith(f"{_VERSION}/"))
"""How the paths below /v1 begin, which many clients leave out."""
_OPEN: frozenset[Action] = frozenset({"health", "front"})
"""Answered without a key, and then without details."""
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What the gate looks at. `headers` by lower-case name; `local_address` is where the connection arrived."""

    method: str
    target: str
    """The request target as sent: path and query."""
    headers: Mapping[str, str]
    absolute_form: bool
    host: str
    local_address: tuple[str, int]
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may go on. `argument` is the model id of `/v1/models/{id}`; `key` the client key's name.

    Health and the front page alone are also answered without a key (`key` is then empty), and a browser's preflight,
    which can show none.
    """

    action: Action
    """Or `options`, or `preflight`."""
    key: str
    argument: str = ""
    query: str = ""
    headers: Fields = ()
    """Of an answer that is nothing else: which methods a path takes, what a page may send."""
    identity: bytes | None = None
    """The client key itself, as ClientKeys knows it; whatever its name, it can be taken away while it is used."""
    codings: tuple[str, ...] = ()
    """How the body is compressed, in the order in which that is to be undone."""
    base_url: str = ""
    """Where the client has reached the gateway; for the front page."""
    page: bool = False
    """The client would rather see a page than JSON."""


@dataclass(frozen=True, slots=True)
class GateRules:
    keys: ClientKeys | None
    """None: the key check is switched off (loopback only; the configuration sees to that)."""
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()


def admit(request_head: RequestHead, rules: GateRules) -> Admission:
    """The request's admission. Raises GatewayError: 400, 401, 403, 404, 405 or 415."""
    if request_head.absolute_form:
        raise GatewayError(
            400, "this is a gateway, not a proxy: send the path alone (/v1/…)", code="bad_request_target"
        )
    _check_host(request_head, rules)
    if is_preflight(request_head.method, request_head.headers):
        return Admission("preflight", "", headers=preflight_headers(request_head.headers))
    path, _, query = request_head.target.partition("?")
    route = _route(path)
    if route is not None and route[0] in _OPEN and request_head.method in route[2]:
        shown = _shown(request_head, rules)
        page = "text/html" in request_head.headers.get("accept", "").lower()
        name = shown[0].name if len(shown) == 1 else ""
        return Admission(route[0], name, base_url=_base_url(request_head), page=page)
    who = _identify(request_head, rules)
    try:
        return _routed(request_head, route, path, query, who)
    except GatewayError as error:
        error.key = who.name
        raise


def _routed(
    request_head: RequestHead, route: tuple[Action, str, frozenset[str]] | None, path: str, query: str, who: Identity
) -> Admission:
    if route is None:
        raise GatewayError(
            404,
            f"there is no {request_head.method} {path[:200]} here. Known: {', '.join(ROUTES)}, {MODEL_PREFIX}{{id}}; "
            "those of /v1 also without it.",
            code="unknown_url",
        )
    action, argument, methods = route
    allow = ", ".join(sorted(methods | {"OPTIONS"}))
    if request_head.method == "OPTIONS":
        return Admission("options", who.name, headers=(("allow", allow),))
    if request_head.method not in methods:
        error = GatewayError(
            405, f"{path[:200]} takes {allow}, not {request_head.method[:20]}", code="method_not_allowed"
        )
        error.extra_headers = (("allow", allow),)
        raise error
    codings = codings_of(request_head.headers.get("content-encoding", ""))
    return Admission(action, who.name, argument, query, (), who.digest, codings)


def still_admitted(identity: bytes | None, rules: GateRules) -> bool:
    """Whether who came with this key may stay under (new) rules."""
    return rules.keys is None or rules.keys.holds(identity)


def _route(path: str) -> tuple[Action, str, frozenset[str]] | None:
    """Doubled slashes and one at the end change nothing, nor does /v1 left out. Nothing else is made of a path.

    So neither dot segments nor escapes lead anywhere; only the id of a model is unescaped, once.
    """
    if not path.startswith("/"):
        return None
    segments = [segment for segment in path.split("/") if segment]
    clean = "/" + "/".join(segments)
    if segments and segments[0] in _VERSIONED:
        clean = _VERSION + clean
    if clean in ROUTES:
        action, methods = ROUTES[clean]
        return action, "", methods
    if clean.startswith(MODEL_PREFIX):
        return "model", unquote(clean.removeprefix(MODEL_PREFIX)), MODEL_METHODS
    return None


def _identify(request_head: RequestHead, rules: GateRules) -> Identity:
    shown = _shown(request_head, rules)
    if not shown:
        raise GatewayError(
            401,
            "the API key is missing or not one of this gateway's. Send one of its own keys (auth.tokens in config.yaml "
            "or AUTH_TOKEN) in the Authorization header, as 'Bearer …'; keys of providers belong into the vault.",
            code="invalid_api_key",
        )
    if len(shown) > 1:
        names = " and ".join(one.name for one in shown[:2])
        raise GatewayError(
            401,
            f"the request shows two different keys of this gateway ({names}), so it cannot be told whose it is. Send "
            "one of them: look for a second variable or header with a key in your program's settings.",
            code="invalid_api_key",
        )
    return shown[0]


def _shown(request_head: RequestHead, rules: GateRules) -> tuple[Identity, ...]:
    return (_ANYONE,) if rules.keys is None else rules.keys.shown_in(request_head.headers)


def _check_host(request_head: RequestHead, rules: GateRules) -> None:
    address, port = request_head.local_address
    name, _, given_port = _split_host(request_head.host)
    known = _LOOPBACK_NAMES | {address, f"[{address}]"}
    named = name in known and (given_port in ("", str(port)))
    if not named and request_head.host not in rules.allowed_hosts and name not in rules.allowed_hosts:
        raise GatewayError(
            403,
            f"the Host header {request_head.host[:100]!r} is not one this gateway answers to. "
            "Add it to listen.allowed_hosts in config.yaml if it is yours.",
            code="forbidden_host",
        )
    origin = request_head.headers.get("origin")
    if origin is not None and origin not in rules.allowed_origins:
        raise GatewayError(
            403,
            f"requests from web pages of {origin[:100]!r} are not allowed. "
            "Add the origin to listen.allowed_origins in config.yaml if it is yours.",
            code="forbidden_origin",
        )


def _base_url(request_head: RequestHead) -> str:
    """The base URL as the client has reached it; its Host was checked before. A proxy in front may speak TLS for us."""
    name, _, port = _split_host(request_head.host)
    told = request_head.headers.get("x-forwarded-proto", "").strip().lower()  # only shown, and only to who says it
    scheme = told if told in ("http", "https") else "https" if request_head.tls else "http"
    right = port.isascii() and port.isdecimal() and len(port) <= 5  # an allowed name is allowed with any port
    return f"{scheme}://{name}{':' + port if right else ''}{_VERSION}"


def _split_host(host: str) -> tuple[str, str, str]:
    """Name and port of a Host header; an IPv6 name keeps its brackets."""
    lowered = host.strip().lower()
    if lowered.startswith("["):
        name, _, rest = lowered.partition("]")
        return name + "]", ":", rest.removeprefix(":")
    name, colon, port = lowered.partition(":")
    return name, colon, port
