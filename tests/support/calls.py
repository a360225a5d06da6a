"""A provider's call as it may be seen: with placeholders for its secrets, in plain types."""

from typing import NamedTuple

from providers.contract.call import Call
from providers.contract.sealed import shown


class Seen(NamedTuple):
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def seen(call: Call) -> Seen:
    headers = tuple((name, shown(value)) for name, value in call.headers)
    return Seen(call.method, call.shown_url, headers, call.shown_body)
