"""Secrets are opened on the wire only, for the account whose call it is, as the vault has them now."""

from collections.abc import Mapping

import pytest

from addons.transport.places import places_of
from addons.transport.sealing import Owner, Seals, UnknownSecret
from addons.transport.upstream_request import request_of
from providers.contract.call import Call
from providers.contract.session import Session

SESSION = Session("p", "a", ("token", "cookie:sid"))
OWNER = Owner("p", "a")


class Vault:
    """Values that a test changes; counts how often it was asked."""

    def __init__(self, **values: str) -> None:
        self.values: dict[str, str] = values
        self.asked: list[tuple[str, str]] = []
        self.seals = Seals(self._reveal)

    def _reveal(self, provider: str, account: str) -> Mapping[str, str]:
        self.asked.append((provider, account))
        if (provider, account) != ("p", "a"):
            raise KeyError(provider)
        return dict(self.values)


def call(name: str = "token", times: int = 1) -> Call:
    headers = tuple((f"x-{number}", "Bearer " + SESSION.seal(name)) for number in range(times))
    return Call("GET", "https://site.example/", headers)


def test_what_goes_out_has_the_secret_and_the_call_keeps_its_name() -> None:
    vault, made = Vault(token="REAL"), call()
    wire = vault.seals.wire_call(made, OWNER)
    assert wire.headers == (("x-0", "Bearer REAL"),)
    assert "REAL" not in repr(made)
    flow = request_of(made)
    assert vault.seals.wire_request(flow, places_of(made), OWNER).headers["x-0"] == "Bearer REAL"
    assert "REAL" not in repr(flow.data)


def test_the_vault_is_asked_once_a_call_and_anew_for_the_next() -> None:
    vault = Vault(token="first")
    vault.seals.wire_call(call(times=5), OWNER)
    vault.values["token"] = "second"
    assert vault.seals.wire_call(call(), OWNER).headers == (("x-0", "Bearer second"),)
    assert vault.asked == [("p", "a")] * 2


def test_a_call_without_secrets_asks_nobody() -> None:
    vault = Vault()
    vault.seals.wire_call(Call("GET", "https://site.example/"), OWNER)
    assert vault.asked == []


@pytest.mark.parametrize("owner", [Owner("p", "b"), Owner("q", "a")])
def test_the_secret_of_another_account_opens_nothing(owner: Owner) -> None:
    vault = Vault(token="REAL")
    with pytest.raises(
        UnknownSecret, match=f"a call for {owner.provider}/{owner.account} asked for a secret of another"
    ):
        vault.seals.wire_call(call(), owner)
    assert vault.asked == [], "the vault is not even asked"


def test_a_secret_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownSecret, match="no secret 'token' for p/a in the vault"):
        Vault().seals.wire_call(call(), OWNER)


def test_an_account_that_the_vault_does_not_know_has_no_secrets() -> None:
    session, owner = Session("q", "a", ("token",)), Owner("q", "a")
    made = Call("GET", "https://site.example/", (("x", session.seal("token")),))
    with pytest.raises(UnknownSecret, match="no secret 'token' for q/a"):
        Vault().seals.wire_call(made, owner)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "a\x7fb", "\x1f", "a\tb"])
def test_a_secret_that_would_begin_a_header_of_its_own_is_not_sent(value: str) -> None:
    with pytest.raises(UnknownSecret, match="holds a control character; store it anew") as caught:
        Vault(token=value).seals.wire_call(call(), OWNER)
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["", " ", "~", "ä", "\x80"])
def test_any_other_is_sent_as_it_is(value: str) -> None:
    assert Vault(token=value).seals.wire_call(call(), OWNER).headers == (("x-0", f"Bearer {value}"),)
