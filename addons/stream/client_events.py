"""What a client's connection tells of a request: Head, Data, …, End; or Refused or Left, behind which nothing comes."""

from dataclasses import dataclass

from mitmproxy import http

from addons.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request, checked, its credentials taken off. Where it `ends` the request, End comes next."""

    request: http.Request
    ends: bool


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of the request's body."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The request is whole."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The body cannot be read on: it is too long, or malformed."""

    error: GatewayError


@dataclass(frozen=True, slots=True)
class Left:
    """The client has left, or broken off what it sent."""

    why: str


type ClientEvent = Head | Data | End | Refused | Left

END = End()
