"""Where an API is served: routes, and the table that finds those of a path. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from addons.dialects.local import LocalAnswer, LocalReading
from addons.dialects.routed_head import NOTHING, RoutedHead

VERSION: Final = "/v1"
_REST: Final = ":path}"
GET: Final = frozenset({"GET", "HEAD"})
POST: Final = frozenset({"POST"})
_DEPTH: Final = 8
"""Segments of a path that are looked at to see whose it is."""


@dataclass(frozen=True, slots=True)
class Route:
    """Methods at one path, and who answers."""

    methods: frozenset[str]
    path: str
    """A template: `{name}` stands for one segment, `{name:path}`, at its end, for all that follow."""
    operation: str
    """The operation's id in the API's description."""
    local: LocalAnswer | None = None
    """What answers it at its head, from what the gateway knows."""
    local_reading: LocalReading | None = None
    """What answers it from what the gateway knows once its body has come. Without either a model is asked."""
    header: str = ""
    """It is for requests alone that have this header (lower case); before another one at the same path."""
    reads: tuple[str, ...] = ()
    """Headers that its dialect reads (lower case), also where their names look like those of credentials
    (`session-id`); a header that a key may come in is none of them."""
    id_header: str = ""
    """Where its clients look for the request's id, beside x-request-id."""

    uploads: bool = False
    """A form may be passed on while it comes."""

    @property
    def asks_model(self) -> bool:
        return self.local is None and self.local_reading is None

    @property
    def shown_path(self) -> str:
        """The path as people and OpenAPI write it."""
        return self.path.replace(_REST, "}")


@dataclass(frozen=True, slots=True)
class RouteMatch[Owner]:
    """A route that was found; `owner` is who it belongs to."""

    route: Route
    owner: Owner
    params: Mapping[str, str] = field(default_factory=dict)
    """What the template's names stand for, unescaped."""

    def head(self, headers: Mapping[str, str], query: str = "") -> RoutedHead:
        """What the owner may see of a request's head; `headers` by name in lower case."""
        reads = self.route.reads
        read = {name: headers[name] for name in reads if name in headers} if reads else NOTHING
        return RoutedHead(self.route.operation, self.params, query, read, self.route.id_header)


class RouteTable[Owner]:
    """All routes that are served.

    Doubled slashes and one at the end change nothing, nor does /v1 left out. Nothing else is made of a path: neither
    dot segments nor escapes lead anywhere, and what a template's names stand for is unescaped once.
    """

    def __init__(self, routes: Iterable[tuple[Route, Owner]]) -> None:
        self.rows: Final = tuple(routes)
        self._exact: dict[str, list[tuple[Route, Owner]]] = {}
        self._templates: list[tuple[list[str], Route, Owner]] = []
        for route, owner in sorted(self.rows, key=lambda row: not row[0].header):
            if "{" in route.path:
                self._templates.append((_segments(route.path), route, owner))
            else:
                self._exact.setdefault(route.path, []).append((route, owner))
        versioned = (_segments(route.path) for route, _ in self.rows if route.path.startswith(f"{VERSION}/"))
        self._versioned = frozenset(segments[1] for segments in versioned)
        """How the paths below /v1 begin, which many clients leave out."""

    def at(self, path: str, headers: Mapping[str, str]) -> list[RouteMatch[Owner]]:
        """The routes at a path for a request with these headers (names in lower case), the most special one first."""
        if (segments := self._read(path)) is None:
            return []
        if (exact := self._exact.get("/" + "/".join(segments))) is not None:
            found = [RouteMatch(route, owner) for route, owner in exact]
        else:
            fitting = ((route, owner, _params(wanted, segments)) for wanted, route, owner in self._templates)
            found = [RouteMatch(route, owner, params) for route, owner, params in fitting if params is not None]
        return [match for match in found if not match.route.header or match.route.header in headers]

    def nearest(self, path: str, headers: Mapping[str, str]) -> RouteMatch[Owner] | None:
        """The route whose path this is or lies below, for a request with these headers; None where there is none."""
        segments = (self._read(path) or [])[:_DEPTH]
        while segments:
            if found := self.at("/" + "/".join(segments), headers):
                return found[0]
            segments = segments[:-1]
        return None

    def _read(self, path: str) -> list[str] | None:
        if not path.startswith("/"):
            return None
        segments = _segments(path)
        return [VERSION[1:], *segments] if segments and segments[0] in self._versioned else segments


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _params(wanted: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    """What the names of a template stand for in a path; None where it is not one of its paths."""
    found: dict[str, str] = {}
    for at, part in enumerate(wanted):
        if at >= len(segments):
            return None
        if part.endswith(_REST):
            return found | {part[1 : -len(_REST)]: unquote("/".join(segments[at:]))}
        if part.startswith("{"):
            found[part[1:-1]] = unquote(segments[at])
        elif part != segments[at]:
            return None
    return found if len(wanted) == len(segments) else None
