"""Stand-ins for personal ids: the same for the same id, and for ids alone."""

import pytest

from addons.cleaning.redaction import HIDDEN
from addons.inspect.pseudonyms import Pseudonyms


def test_the_same_id_gets_the_same_stand_in() -> None:
    own = Pseudonyms()
    first = "12345678-1234-4123-8123-123456789abc"
    once, again = own.text(f"chat {first} of me@home.example at 10.1.2.3"), own.text(first.upper())
    assert once == "chat 00000000-0000-4000-8000-000000000001 of person-1@example.com at 192.0.2.1"
    assert again == "00000000-0000-4000-8000-000000000001"
    assert own.text(once) == once, "a stand-in stays one"
    assert own.counts == {"id": 1, "e-mail": 1, "address": 1}
    assert own.text("~sealed~zai~ada.lovelace~token~ of ada") == "~sealed~zai~account-1~token~ of ada"


def test_stand_ins_reach_into_json() -> None:
    own = Pseudonyms(["opensesame"])
    value = own.value({"a": ["x@y.example", {"b": "opensesame", "n": 3}], "m": "127.0.0.1"})
    assert value == {"a": ["person-1@example.com", {"b": HIDDEN + "~~", "n": 3}], "m": "127.0.0.1"}


def test_a_browsers_version_is_no_address() -> None:
    agent = "Mozilla/5.0 Chrome/146.0.0.0 Safari/537.36"
    assert Pseudonyms().text(agent) == agent
    assert Pseudonyms().text("http://203.0.113.9/x") == "http://192.0.2.1/x"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("ABCDEF01-1234-4ABC-8123-123456789ABC", "00000000-0000-4000-8000-000000000001"),
        ("by Someone@Example.Org.", "by person-1@example.com."),
        ("from 10.0.0.255 or 010.1.22.3", "from 192.0.2.1 or 192.0.2.2"),
        ("from ١.٢.٣.٤", "from 192.0.2.1"),
        (
            "at 127.0.0.1, version 1.2.3, 12345678-1234-4123, a-b-c",
            "at 127.0.0.1, version 1.2.3, 12345678-1234-4123, a-b-c",
        ),
    ],
)
def test_ids_get_stand_ins_in_whatever_form(text: str, clean: str) -> None:
    assert Pseudonyms().text(text) == clean
