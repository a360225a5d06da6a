"""Sealed secrets: real values go in on the wire only. addons/cleaning/ takes them out of answers.

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
    """Puts secrets in."""

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
