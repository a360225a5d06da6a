"""Whose session it is, and its renewal."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Identity, SessionUpdate
from tests.providers.zai.accounts import MOMENT, answered, provider, reply, session

WHO = {"id": "user-1", "email": "person@example.com", "name": "P", "role": "user", "token": "new-token"}


def test_identify_and_rolling_refresh() -> None:
    assert answered(provider().sign_in.identify(session(), MOMENT), reply(WHO))[1] == Identity(
        "user-1", "P", "person@example.com"
    )
    assert answered(provider().sign_in.refresh(session(), MOMENT), reply(WHO))[1] == SessionUpdate(token="new-token")


@pytest.mark.parametrize(
    "who",
    [{"id": "g-1", "email": "guest-9@guest.com", "role": "guest"}, {**WHO, "id": "user-2"}],
    ids=["guest", "another"],
)
def test_a_silent_downgrade_is_an_expired_session(who: Any) -> None:
    for steps in (provider().sign_in.identify(session(), MOMENT), provider().sign_in.refresh(session(), MOMENT)):
        with pytest.raises(ProviderError) as caught:
            answered(steps, reply(who))
        assert caught.value.kind is ErrorKind.SESSION_EXPIRED
