"""Where a flow's secrets go: only into what the adapter put there, only for the account whose flow it is."""

from typing import Any

import pytest
from mitmproxy.test import tflow

from addons.inspect.flow_places import KEY, FlowPlaces
from addons.transport.places import opened_request, places_of, read, sealed_call, written
from addons.transport.sealing import Owner, Seals, UnknownSecret
from addons.transport.upstream_request import request_of
from providers.contract.call import Call
from providers.contract.sealed import SecretRef
from providers.contract.session import Session

SESSION = Session("p", "acc", ("token", "cookie:a"))
OWNER = Owner("p", "acc")
VALUES = {"token": "REAL/token", "cookie:a": "REAL-cookie"}
SHOWN = "~sealed~p~acc~token~"


def call() -> Call:
    url = "https://site.example/chat?before=1&token=" + SESSION.seal("token") + "&after=2"
    return Call(
        "POST", url, (("Authorization", "Bearer " + SESSION.seal("token")), ("Cookie", SESSION.cookie_header())), b"{}"
    )


def value_of(secret: SecretRef) -> str:
    return VALUES[secret.name]


def test_the_flow_shows_placeholders_and_the_wire_has_the_values() -> None:
    request = request_of(call())
    assert request.path == f"/chat?before=1&token={SHOWN}&after=2"
    assert request.headers["authorization"] == f"Bearer {SHOWN}"
    wire = opened_request(request, places_of(call()), value_of)
    assert wire.path == "/chat?before=1&token=REAL%2Ftoken&after=2"
    assert (wire.headers["authorization"], wire.headers["cookie"]) == ("Bearer REAL/token", "a=REAL-cookie")
    assert "REAL" not in repr(request.data), "the flow itself stays as it was"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Other", f"Bearer {SHOWN}"),
        ("Referer", f"https://site.example/{SHOWN}"),
        ("Authorization", SHOWN),
        ("Authorization", f"Bearer {SHOWN} "),
        ("Authorization", f"Basic {SHOWN}"),
        ("Cookie", "a=~sealed~p~acc~cookie:a~; b=1"),
    ],
)
def test_a_placeholder_elsewhere_is_only_text(name: str, value: str) -> None:
    request = request_of(call())
    del request.headers["authorization"], request.headers["cookie"]
    request.headers[name] = value
    wire = opened_request(request, places_of(call()), value_of)
    assert wire.headers[name] == value


@pytest.mark.parametrize(
    "path",
    [f"/{SHOWN}", f"/chat?token={SHOWN}x", f"/chat?other={SHOWN}", f"/chat?x=token={SHOWN}", f"/chat/token={SHOWN}"],
)
def test_so_it_is_in_a_path(path: str) -> None:
    request = request_of(call())
    request.path = path
    assert opened_request(request, places_of(call()), value_of).path == path


def test_an_edited_request_keeps_its_other_secrets() -> None:
    request = request_of(call())
    request.path = f"/chat?new=3&token={SHOWN}"
    request.headers["cookie"] = "mine"
    request.headers["x-added"] = "1"
    wire = opened_request(request, places_of(call()), value_of)
    assert wire.path == "/chat?new=3&token=REAL%2Ftoken"
    assert (wire.headers["authorization"], wire.headers["cookie"]) == ("Bearer REAL/token", "mine")


def test_a_request_without_secrets_has_no_places() -> None:
    plain = Call("GET", f"https://site.example/?q={SHOWN}", (("X", SHOWN),))
    assert places_of(plain) == ()
    assert opened_request(request_of(plain), (), value_of).path == f"/?q={SHOWN}"


# -- whose secrets ----------------------------------------------------------------------------------------------------
def reveal(provider: str, account: str) -> dict[str, str]:
    if (provider, account) == ("p", "acc"):
        return VALUES
    if (provider, account) == ("p", "odd"):
        return {"token": "a\r\nX: 1"}
    raise KeyError(account)


@pytest.mark.parametrize("owner", [Owner("q", "acc"), Owner("p", "other"), Owner("p", "")])
def test_a_call_of_another_account_opens_nothing(owner: Owner) -> None:
    with pytest.raises(UnknownSecret, match="another account"):
        Seals(reveal).wire_call(call(), owner)
    with pytest.raises(UnknownSecret, match="another account"):
        Seals(reveal).wire_request(request_of(call()), places_of(call()), owner)


def test_the_account_itself_may() -> None:
    assert Seals(reveal).wire_call(call(), OWNER).url == "https://site.example/chat?before=1&token=REAL%2Ftoken&after=2"


@pytest.mark.parametrize(("account", "why"), [("gone", "no secret"), ("odd", "control character")])
def test_what_the_vault_lacks_or_no_header_can_hold_is_said(account: str, why: str) -> None:
    asked = Call("GET", "https://site.example/", (("A", Session("p", account, ("token",)).seal("token")),))
    with pytest.raises(UnknownSecret, match=why):
        Seals(reveal).wire_call(asked, Owner("p", account))


# -- beside a flow ----------------------------------------------------------------------------------------------------
@pytest.fixture
def kept() -> FlowPlaces:
    return FlowPlaces(lambda: b"k" * 32)


def test_places_are_read_again_from_a_flow(kept: FlowPlaces) -> None:
    flow = tflow.tflow()
    kept.put_on(flow, OWNER, places_of(call()))
    again = type(flow).from_state(flow.get_state())
    assert kept.of(again, OWNER) == places_of(call())
    assert "REAL" not in repr(again.get_state())


def changes() -> list[Any]:
    def change(key: str, value: Any) -> Any:
        return lambda note: note.__setitem__(key, value)

    return [
        change("provider", "q"),
        change("account", "other"),
        change("places", [["header", "x", [["password"]]]]),
        change("places", "text"),
        change("code", "0" * 64),
        change("code", None),
        lambda note: note.clear(),
    ]


@pytest.mark.parametrize("change", changes())
def test_a_note_that_was_changed_opens_nothing(kept: FlowPlaces, change: Any) -> None:
    flow = tflow.tflow()
    kept.put_on(flow, OWNER, places_of(call()))
    change(flow.metadata[KEY])
    assert kept.of(flow, OWNER) == ()


def test_nor_does_one_of_another_vault_or_for_another_account(kept: FlowPlaces) -> None:
    flow = tflow.tflow()
    kept.put_on(flow, OWNER, places_of(call()))
    assert FlowPlaces(lambda: b"x" * 32).of(flow, OWNER) == ()
    assert kept.of(flow, Owner("q", "acc")) == ()
    assert kept.of(tflow.tflow(), OWNER) == ()
    flow.metadata[KEY] = "text"
    assert kept.of(flow, OWNER) == ()


def test_what_is_written_is_read_and_nothing_else() -> None:
    assert read(written(places_of(call())), "p", "acc") == places_of(call())
    odds: list[object] = [
        None, {}, [1], [["header", "x"]], [["body", "x", ["a"]]], [["header", "x", [1]]], [["header", "x", [[1]]]],
    ]  # fmt: skip
    for odd in odds:
        with pytest.raises(ValueError, match="no "):
            read(odd, "p", "acc")


def test_a_flow_becomes_a_call_again() -> None:
    request = request_of(call())
    request.headers["x-edited"] = SHOWN
    url = f"https://site.example{request.path}"
    again = sealed_call(request, url, places_of(call()), frozenset({"host", "content-length", "accept-encoding"}))
    assert again.shown_url == call().shown_url
    assert again.headers == (*call().headers, ("x-edited", SHOWN))
    assert [secret.name for secret in again.secrets] == ["token", "token", "cookie:a"]
    assert sealed_call(request, url, (), frozenset()).secrets == ()


def test_the_flows_own_request_never_holds_a_secret() -> None:
    request = request_of(call())
    before = request.get_state()
    opened = opened_request(request, places_of(call()), value_of)
    assert opened.get_state() != before
    assert request.get_state() == before
