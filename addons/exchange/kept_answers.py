"""What a request needs of what is kept for its client key, and what its answer leaves there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from addons.accounts.account_record import AccountId
from addons.dialects.base import ANSWERS, Encoder, Keeping, ParsedRequest
from addons.dialects.kept_items import KeptItems
from addons.errors import GatewayError
from providers.contract.events import Event, Finish, Issued, Revoked

_OF_ANSWERS: Final = frozenset({ANSWERS, "item"})
_ISSUED_LIMIT: Final = 2000
"""Ids of one answer that are kept."""
_SHOWN: Final = 100
"""Characters of an id in an error."""


def said_before(parsed: ParsedRequest, kept: KeptItems) -> bytes | None:
    """What is kept of the conversation that the request goes on with; None where the gateway has nothing to add.

    Raises GatewayError (400) where no such answer is kept.
    """
    if parsed.follows is None:
        return None
    if (value := kept.get(ANSWERS, parsed.follows)) is None:
        raise _no_answer(parsed.follows)
    return value if kept.place(ANSWERS, parsed.follows) is None else None


def bound(parsed: ParsedRequest, kept: KeptItems) -> ParsedRequest:
    """The request, which one account alone is asked where that has what it names.

    Raises GatewayError: 404 for an id that is not known, 400 where no account has all of it.
    """
    if parsed.follows is not None and (place := kept.place(ANSWERS, parsed.follows)) is not None:
        parsed = _at(parsed, place)
    for kind, id, param in parsed.names:
        if (place := kept.place(kind, id)) is None:
            raise GatewayError(404, f"there is no {kind} {id[:_SHOWN]}", code=f"{kind}_not_found", param=param)
        parsed = _at(parsed, place, param)
    return parsed


def _no_answer(id: str) -> GatewayError:
    message = (
        f"there is no answer {id[:_SHOWN]} to go on from: it was not kept (store: false, cut off, too large), was "
        "deleted, has expired or made room for newer ones (kept in config.yaml). Send the whole conversation."
    )
    return GatewayError(400, message, code="previous_response_not_found", param="previous_response_id")


def _at(parsed: ParsedRequest, place: AccountId, param: str | None = None) -> ParsedRequest:
    """The request that is asked at that account alone. Raises GatewayError (400) where it is bound to another one."""
    if parsed.request.only_at not in (None, place):
        raise GatewayError(400, "what the request names lies at different accounts: no one has all of it", param=param)
    return replace(parsed, request=replace(parsed.request, only_at=place))


class KeepsAnswer:
    """The Encoder of an answer that is to be kept: it is from the moment on when its end is given out, so that whoever
    goes on from it at once finds it. One that does not come to its end is not."""

    def __init__(self, encoder: Encoder, kept: KeptItems, id: str, account: AccountId, *, whole: bool = True) -> None:
        """`id` is the answer's; `account` the one that gives it. Not `whole`: of the answer itself nothing is kept, of
        what was made beside it the ids are."""
        self._whole = whole
        self.streaming, self.content_type, self.keepalive = encoder.streaming, encoder.content_type, encoder.keepalive
        self._encoder, self._kept, self._id, self._account = encoder, kept, id, account
        self._issued: list[Issued] = []
        self._revoked: list[Revoked] = []

    def encode(self, events: Sequence[Event]) -> bytes:
        if len(self._issued) < _ISSUED_LIMIT:
            self._issued += (event for event in events if isinstance(event, Issued))
        self._revoked += (event for event in events if isinstance(event, Revoked))
        out = self._encoder.encode(events)
        if events and isinstance(events[-1], Finish):
            self._keep()
        return out

    def error(self, error: GatewayError) -> bytes:
        return self._encoder.error(error)

    def _keep(self) -> None:
        value = self._encoder.kept() if self._whole and isinstance(self._encoder, Keeping) else None
        named = False
        for one in self._issued:
            if not self._whole and one.kind in _OF_ANSWERS:
                continue
            is_answer = one.kind == ANSWERS
            named = named or is_answer
            kept = (value if is_answer else None) or one.document
            place = self._account if one.there else None
            if (place or kept) and self._is_free(one.kind, one.id, place):
                self._kept.put(one.kind, one.id, kept, place)
        for gone in self._revoked:
            if self._is_free(gone.kind, gone.id, self._account):
                self._kept.delete(gone.kind, gone.id)
        if value is not None and not named:
            self._kept.put(ANSWERS, self._id, value)

    def _is_free(self, kind: str, id: str, place: AccountId | None) -> bool:
        """Whether the id names nothing yet, or what lies there: no provider takes over what is another's."""
        return self._kept.get(kind, id) is None or self._kept.place(kind, id) == place
