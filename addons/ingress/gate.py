"""The gate: what a request must be before anything else looks at it. Pure, no I/O, no state.

Checked in this order: the form of the request, Host and Origin (against DNS rebinding), the client's key, path and
method. One parsed path serves both the key check and the routing; nobody looks at the path behind the gate.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from addons.cleaning.fields import Fields
from addons.config.client_keys import KEY_HEADERS, ClientKeys, KeyIdentity
from addons.dialects import registry
from addons.dialects.base import Dialect
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import GET, VERSION, Route, RouteTable
from addons.errors import GatewayError
from addons.ingress.cors import is_preflight, preflight_headers
from addons.ingress.metrics_access import LOOPBACK_NAMES, MetricsAccess
from addons.ingress.request_head import RequestHead
from addons.keys.limits import NO_LIMITS, KeyLimits, shown_moment
from addons.transport.codings import codings_of

type Action = str
"""What is asked for: the operation of a dialect's route or of the gateway's own (`health`, `openapi`, `front`)."""
type Routes = RouteTable[Dialect | None]
"""Routes with the dialects they belong to; the gateway's own belong to none."""

_FRONT = Route(GET, "/", "front")
METRICS: Final = "metrics"
LIVE: Final = Route(GET, "/healthz/live", "live")
_OWN = (
    Route(GET, "/healthz", "health"),
    LIVE,
    Route(GET, "/healthz/ready", "ready"),
    Route(GET, "/metrics", METRICS),
    Route(GET, "/openapi.json", "openapi"),
)
_ANYONE = KeyIdentity("anyone", b"")
"""Who asks where no key is wanted."""
_OPEN: frozenset[Action] = frozenset({"health", "live", "ready", "front"})
"""Answered without a key, and then without details."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may go on. `key` is the client key's name.

    Health and the front page alone are also answered without a key (`key` is then empty), and a browser's preflight,
    which can show none.
    """

    action: Action
    """Or `options`, or `preflight`."""
    key: str
    dialect: Dialect | None = None
    """Whose route it is; None for the gateway's own."""
    route: Route | None = None
    """The dialect's."""
    head: RoutedHead = NO_HEAD
    """What the dialect sees of the head."""
    headers: Fields = ()
    """Of an answer that is nothing else: which methods a path takes, what a page may send."""
    identity: bytes | None = None
    """The client key itself, as ClientKeys knows it; whatever its name, it can be taken away while it is used."""
    limits: KeyLimits = NO_LIMITS
    """What the client key may do."""
    codings: tuple[str, ...] = ()
    """How the body is compressed, in the order in which that is to be undone."""
    base_url: str = ""
    """Where the client has reached the gateway; for the front page."""
    page: bool = False
    """The client would rather see a page than JSON."""

    @property
    def asks_model(self) -> bool:
        return self.route is not None and self.route.asks_model

    @property
    def wants_body(self) -> bool:
        """The body is read before anything else is done; else the request is answered at its head."""
        return self.route is not None and self.route.local is None


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate compares requests with; from config.yaml."""

    keys: ClientKeys | None
    """None: the key check is switched off (loopback only; the configuration sees to that)."""
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    metrics: MetricsAccess | None = None
    """Who may read the metrics; None: there are none."""


STARTING: Final = GateRules(ClientKeys(()))
"""While the gateway starts nobody has a key yet."""


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
    matches = routes().at(path, request_head.headers)
    match = next((one for one in matches if request_head.method in one.route.methods), None)
    if match is not None and match.route.operation in _OPEN:
        shown = _shown(request_head, rules)
        page = "text/html" in request_head.headers.get("accept", "").lower()
        name = shown[0].name if len(shown) == 1 and not _expired(shown[0], rules) else ""
        return Admission(match.route.operation, name, base_url=_base_url(request_head), page=page)
    if rules.metrics is None:
        matches = [one for one in matches if one.route.operation != METRICS]
        match = match if match in matches else None
    elif match is not None and match.route.operation == METRICS:
        rules.metrics.check(request_head)
        return Admission(METRICS, "")
    who = _identify(request_head, rules)
    try:
        if match is None:
            return _unmatched(request_head, path, frozenset(m for one in matches for m in one.route.methods), who)
        codings = codings_of(request_head.headers.get("content-encoding", ""))
        return Admission(
            match.route.operation,
            who.name,
            match.owner,
            match.route if match.owner is not None else None,
            match.head(request_head.headers, query),
            identity=who.digest,
            limits=who.limits,
            codings=codings,
        )
    except GatewayError as error:
        error.key = who.name
        raise


def is_liveness(request_head: RequestHead) -> bool:
    """Whether the request asks for nothing but a sign of life."""
    return request_head.method in LIVE.methods and request_head.target == LIVE.path


def routes() -> Routes:
    """All that is served, by which dialect."""
    return _table(registry.DIALECTS)


@cache
def _table(dialects: tuple[Dialect, ...]) -> Routes:
    served: list[tuple[Route, Dialect | None]] = [(route, dialect) for dialect in dialects for route in dialect.routes]
    asking = [row for row in served if row[0].asks_model]
    for route, _ in served:
        if keys := KEY_HEADERS.intersection(route.reads):
            raise ValueError(f"no dialect sees keys: the route of {route.operation} reads {', '.join(keys)}")
    rows = [(_FRONT, None), *asking, *(row for row in served if row not in asking), *((route, None) for route in _OWN)]
    return RouteTable(sorted(rows, key=lambda row: "{" in row[0].path))


def _unmatched(request_head: RequestHead, path: str, methods: frozenset[str], who: KeyIdentity) -> Admission:
    """OPTIONS tells `methods`, which the path takes; all else is refused."""
    if not methods:
        raise GatewayError(
            404, f"there is no {request_head.method} {path[:200]} here. {_instead(path)}", code="unknown_url"
        )
    allow = ", ".join(sorted(methods | {"OPTIONS"}))
    if request_head.method == "OPTIONS":
        return Admission("options", who.name, headers=(("allow", allow),))
    error = GatewayError(405, f"{path[:200]} takes {allow}, not {request_head.method[:20]}", code="method_not_allowed")
    error.extra_headers = (("allow", allow),)
    raise error


def _instead(path: str) -> str:
    """What to do about a path that nothing is at."""
    if "/v1/v1/" in path:
        return "The program adds /v1 by itself: give it the base URL without /v1, as those of Anthropic's form want it."
    asked = [route.path for route, owner in routes().rows if owner and route.asks_model]
    plain = [path for path in dict.fromkeys(asked) if "{" not in path and not path.startswith("/anthropic/")]
    return f"Served, with or without /v1: {', '.join(plain)}, /v1/models; all else stands in /openapi.json."


def still_admitted(identity: bytes | None, rules: GateRules) -> bool:
    """Whether who came with this key may stay under (new) rules."""
    return rules.keys is None or rules.keys.holds(identity)


def _identify(request_head: RequestHead, rules: GateRules) -> KeyIdentity:
    shown = _shown(request_head, rules)
    if not shown:
        raise GatewayError(
            401,
            "the API key is missing or not one of this gateway's. Send one of its own (of `glassgate keys`, "
            "auth.tokens or AUTH_TOKEN) in the Authorization header, as 'Bearer …'; keys of providers belong into the "
            "vault.",
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
    if _expired(shown[0], rules):
        name, until = shown[0].name, shown_moment(shown[0].limits.expires or 0)
        message = f"the API key {name!r} has expired ({until}). Ask whoever runs this gateway for another one."
        error = GatewayError(401, message, code="api_key_expired", should_retry=False)
        error.key = name
        raise error
    return shown[0]


def _expired(who: KeyIdentity, rules: GateRules) -> bool:
    return rules.keys is not None and rules.keys.expired(who)


def _shown(request_head: RequestHead, rules: GateRules) -> tuple[KeyIdentity, ...]:
    return (_ANYONE,) if rules.keys is None else rules.keys.shown_in(request_head.headers)


def _check_host(request_head: RequestHead, rules: GateRules) -> None:
    address, port = request_head.local_address
    name, _, given_port = _split_host(request_head.host)
    known = LOOPBACK_NAMES | {address, f"[{address}]"}
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
    return f"{scheme}://{name}{':' + port if right else ''}{VERSION}"


def _split_host(host: str) -> tuple[str, str, str]:
    """Name and port of a Host header; an IPv6 name keeps its brackets."""
    lowered = host.strip().lower()
    if lowered.startswith("["):
        name, _, rest = lowered.partition("]")
        return name + "]", ":", rest.removeprefix(":")
    name, colon, port = lowered.partition(":")
    return name, colon, port
