"""Opens the secrets of a call, on the wire only: those of the account whose call it is, where its adapter put them.

A call names its secrets as values (providers/sealed.py). No text is searched for placeholders: neither a client's words
nor a site's can name a secret.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mitmproxy import http

from addons.places import Place, opened_request
from providers.call import Call
from providers.sealed import Secret, ValueOf

type Reveal = Callable[[str, str], Mapping[str, str]]
"""(provider, account) → secret name → real value, as the vault has it now."""


class UnknownSecret(LookupError):
    """A secret that the vault does not hold (any more), or that this call has no right to."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The account whose call it is."""

    provider: str
    account: str


class Seals:
    """Puts secrets into what goes out."""

    def __init__(self, reveal: Reveal) -> None:
        self._reveal = reveal

    def wire_request(self, request: http.Request, places: Sequence[Place], owner: Owner) -> http.Request:
        """A copy of a flow's request with its secrets in it. Raises UnknownSecret."""
        return opened_request(request, places, self._values_of(owner))

    def wire_call(self, call: Call, owner: Owner) -> Call:
        """The Call as it goes out. Raises UnknownSecret."""
        return call.opened(self._values_of(owner))

    def _values_of(self, owner: Owner) -> ValueOf:
        values: Mapping[str, str] | None = None

        def value_of(secret: Secret) -> str:
            nonlocal values
            if (secret.provider, secret.account) != (owner.provider, owner.account):
                where = f"{owner.provider}/{owner.account}"
                raise UnknownSecret(f"a call for {where} asked for a secret of another account; nothing was sent")
            if values is None:
                values = self._revealed(owner)
            return _checked(secret, values)

        return value_of

    def _revealed(self, owner: Owner) -> Mapping[str, str]:
        try:
            return self._reveal(owner.provider, owner.account)
        except KeyError:
            return {}

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


def _checked(secret: Secret, values: Mapping[str, str]) -> str:
    where = f"{secret.provider}/{secret.account}"
    if (value := values.get(secret.name)) is None:
        raise UnknownSecret(f"no secret {secret.name!r} for {where} in the vault")
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
        raise UnknownSecret(f"the secret {secret.name!r} of {where} holds a control character; store it anew")
    return value


def _replaced(data: bytes, known: list[tuple[bytes, bytes]]) -> bytes:
    for secret, placeholder in known:
        if secret in data:
            data = data.replace(secret, placeholder)
    return data


def _sealed_cookie(cookie: str, provider: str, account: str) -> str:
    name, _, rest = cookie.partition("=")
    _, semicolon, attributes = rest.partition(";")
    return f"{name}=~sealed~{provider}~{account}~cookie:{name.strip()}~{semicolon}{attributes}"
