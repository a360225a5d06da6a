"""The places of secrets in a flow. The flow shows placeholders; the places, not that text, say what is put in for them.

    request_of(call)            the flow's request (addons/transport/upstream_request.py), with placeholders
    places_of(call)             what was put where, to be kept beside it
    opened_request(…)           the request as it goes out
    sealed_call(…)              a Call again, of a flow that is sent once more

A person may have edited the request meanwhile. A place holds while the header or the query parameter is just what the
adapter put there; what was changed goes out as it stands, and opens nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mitmproxy import http

from addons.framing.fields import headers_of
from providers.contract.call import Call, opened_url
from providers.contract.sealed import Sealed, Secret, SecretRef, Value, ValueOf, secrets_of

type Kind = Literal["header", "query"]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one sealed value: a header (`name` in lower case), or a segment of the query (`name` is empty)."""

    kind: Kind
    name: str
    value: Sealed


def places_of(call: Call) -> tuple[Place, ...]:
    found = [Place("header", name.lower(), value) for name, value in call.headers if isinstance(value, Sealed)]
    if isinstance(call.url, Sealed):
        found += [Place("query", "", segment) for segment in _segments(call.url)]
    return tuple(found)


def opened_request(request: http.Request, places: Sequence[Place], value_of: ValueOf) -> http.Request:
    """A copy of `request` with the secrets in their places. Raises what `value_of` raises."""
    opened = _twin(request)
    headers = {(p.name.encode(), p.value.shown.encode()): p.value for p in places if p.kind == "header"}
    opened.headers = headers_of(
        (name, headers[key].opened(value_of).encode("utf-8", "surrogateescape"))
        if (key := (name.lower(), value)) in headers
        else (name, value)
        for name, value in request.headers.fields
    )
    queries = _queries(places, lambda value: opened_url(value, value_of))
    if queries:
        opened.path = _replaced(request.path, queries)
    return opened


def _twin(request: http.Request) -> http.Request:
    """Another object with the same data, some of which is then replaced. (copy.copy takes ten times as long.)"""
    twin: http.Request = object.__new__(http.Request)
    twin.data = object.__new__(http.RequestData)
    twin.data.__dict__.update(request.data.__dict__)
    return twin


def sealed_call(request: http.Request, url: str, places: Sequence[Place], skipped: frozenset[str]) -> Call:
    """The Call that the request stands for, at `url`; headers in `skipped` (lower case) are left out.

    Raises ProviderError when it is none that can be sent.
    """
    sealed = {(p.name, p.value.shown): p.value for p in places if p.kind == "header"}
    headers: list[tuple[str, Value]] = []
    for raw_name, raw_value in request.headers.fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("utf-8", "surrogateescape")
        if name.lower() not in skipped:
            headers.append((name, sealed.get((name.lower(), value), value)))
    return Call(request.method, _sealed_url(url, places), tuple(headers), request.get_content(strict=False) or b"")


def written(places: Sequence[Place]) -> list[list[object]]:
    """The places as plain values, for a flow's metadata; without provider and account, which are the flow's own."""
    return [
        [p.kind, p.name, [part if isinstance(part, str) else [part.name] for part in p.value.parts]] for p in places
    ]


def read(found: object, provider: str, account: str) -> tuple[Place, ...]:
    """The places of this account in what `written` gave. Raises ValueError for anything else."""
    if not isinstance(found, list | tuple):
        raise ValueError("no list of places")
    return tuple(_place(entry, provider, account) for entry in found)


def _place(entry: object, provider: str, account: str) -> Place:
    match entry:
        case ("header" | "query" as kind, str(name), list() | tuple() as raw):
            parts: list[str | Secret] = []
            for part in raw:
                match part:
                    case str():
                        parts.append(part)
                    case (str(secret),):
                        parts.append(SecretRef(provider, account, secret))
                    case _:
                        raise ValueError("no part of a place")
            return Place(kind, name, Sealed(tuple(parts)))
    raise ValueError("no place")


# -- the query --------------------------------------------------------------------------------------------------------
def _segments(url: Sealed) -> list[Sealed]:
    """The parts between the `?` and `&` signs of a sealed URL, where secrets are in it."""
    segments: list[list[str | Secret]] = [[]]
    sealed: list[list[str | Secret]] = []
    for index, part in enumerate(url.parts):
        if not isinstance(part, str):
            if not sealed or sealed[-1] is not segments[-1]:
                sealed.append(segments[-1])
            segments[-1].append(part)
            continue
        text = part.partition("?")[2] if index == 0 else part
        first, *others = text.split("&")
        segments[-1].append(first)
        segments += [[other] for other in others]
    return [Sealed(tuple(part for part in segment if part)) for segment in sealed]


def _queries[T](places: Sequence[Place], put: Callable[[Sealed], T]) -> dict[str, T]:
    return {place.value.shown: put(place.value) for place in places if place.kind == "query"}


def _replaced(path: str, queries: Mapping[str, str]) -> str:
    before, mark, query = path.partition("?")
    return before + mark + "&".join(queries.get(segment, segment) for segment in query.split("&"))


def _sealed_url(url: str, places: Sequence[Place]) -> Value:
    queries = _queries(places, lambda value: value)
    before, mark, query = url.partition("?")
    if not queries or not mark:
        return url
    sealed: Value = before + mark
    for index, segment in enumerate(query.split("&")):
        sealed = sealed + ("&" if index else "") + queries.get(segment, segment)
    return sealed if secrets_of(sealed) else url
