"""Opening the sealed secrets of a call, on the wire only: of the call's own account, where its adapter put them.

A call names its secrets as values (providers/contract/sealed.py). No text is searched for placeholders: neither a
client's words nor a site's can name a secret.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from mitmproxy import http

from addons.transport.places import Place, opened_request
from providers.contract.call import Call
from providers.contract.sealed import SecretRef, ValueOf

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

type Reveal = Callable[[str, str], Mapping[str, str]]
"""(provider, account) → secret name → real value, as the vault has it now."""


class UnknownSecret(LookupError):
    """The vault does not hold this secret (any more), or the call has no right to it."""


class Owner(NamedTuple):
    """The account of a call."""

    provider: str
    account: str


class Seals:
    """Opens sealed values. `reveal` gives an account's secrets."""

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

        def value_of(secret: SecretRef) -> str:
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


def _checked(secret: SecretRef, values: Mapping[str, str]) -> str:
    where = f"{secret.provider}/{secret.account}"
    if (value := values.get(secret.name)) is None:
        raise UnknownSecret(f"no secret {secret.name!r} for {where} in the vault")
    if _CONTROL.search(value):
        raise UnknownSecret(f"the secret {secret.name!r} of {where} holds a control character; store it anew")
    return value
