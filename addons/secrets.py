"""Sealed secrets: real values go in on the wire only, and come out of answers before anyone can look.

Placeholders (providers/contract.py) are replaced in headers and in the URL, which hold no word of the client. A body is
searched only for a Call that says so, for sign-in; so nobody gets a secret into a prompt by writing a placeholder.
"""

import json
from collections.abc import Callable, Mapping

from mitmproxy import http

from providers.contract import Call
from providers.session import SEALED

type Reveal = Callable[[str, str], Mapping[str, str]]
"""(provider, account) → secret name → real value, as the vault has it now."""

SEALED_VALUE = "~sealed~"


class UnknownSecret(LookupError):
    """A placeholder names a secret that the vault does not hold (any more)."""


class Seals:
    """Puts secrets in and takes them out."""

    def __init__(self, reveal: Reveal) -> None:
        self._reveal = reveal

    def unseal(self, text: str) -> str:
        """`text` with real secrets for placeholders. Raises UnknownSecret."""
        if SEALED_VALUE not in text:
            return text
        return SEALED.sub(lambda found: self._value(found[1], found[2], found[3]), text)

    def _unseal_json(self, text: str) -> str:
        """As `unseal`, for placeholders inside JSON strings: a password may hold quotes."""
        return SEALED.sub(lambda found: json.dumps(self._value(found[1], found[2], found[3]))[1:-1], text)

    def _value(self, provider: str, account: str, name: str) -> str:
        try:
            value = self._reveal(provider, account)[name]
        except KeyError:
            raise UnknownSecret(f"no secret {name!r} for {provider}/{account} in the vault") from None
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
            raise UnknownSecret(f"the secret {name!r} of {provider}/{account} holds a control character; store it anew")
        return value

    def wire_request(self, request: http.Request) -> http.Request:
        """A copy of `request` with secrets in its target and headers. Raises UnknownSecret."""
        copy = request.copy()
        copy.path = self.unseal(copy.path)
        copy.headers = http.Headers(
            (name, self.unseal(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))
            for name, value in request.headers.fields
        )
        return copy

    def wire_call(self, call: Call) -> Call:
        """The Call as it goes out. Raises UnknownSecret."""
        headers = tuple((name, self.unseal(value)) for name, value in call.headers)
        body = self._unseal_json(call.body.decode()).encode() if call.sealed_body else call.body
        return Call(call.method, self.unseal(call.url), headers, body)

    def seal_head(self, provider: str, account: str, response: http.Response) -> list[str]:
        """Replaces cookie values and known secrets in a response's headers; gives the Set-Cookie values taken out."""
        taken = response.headers.get_all("set-cookie")
        if taken:
            response.headers.set_all("set-cookie", [_sealed_cookie(cookie, provider, account) for cookie in taken])
        known = self._known(provider, account)
        if known:
            fields = [(name, _replaced(value, known)) for name, value in response.headers.fields]
            response.headers = http.Headers(fields)
        return taken

    def seal_bytes(self, provider: str, account: str, data: bytes) -> bytes:
        """`data` without the literal secrets of the account."""
        return _replaced(data, self._known(provider, account))

    def _known(self, provider: str, account: str) -> list[tuple[bytes, bytes]]:
        try:
            values = self._reveal(provider, account)
        except LookupError:
            return []
        return [
            (value.encode(), f"~sealed~{provider}~{account}~{name}~".encode())
            for name, value in values.items()
            if len(value) >= 8
        ]


def _replaced(data: bytes, known: list[tuple[bytes, bytes]]) -> bytes:
    for secret, placeholder in known:
        if secret in data:
            data = data.replace(secret, placeholder)
    return data


def _sealed_cookie(cookie: str, provider: str, account: str) -> str:
    name, _, rest = cookie.partition("=")
    _, semicolon, attributes = rest.partition(";")
    return f"{name}=~sealed~{provider}~{account}~cookie:{name.strip()}~{semicolon}{attributes}"
