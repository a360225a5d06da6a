"""Sealed values: shown with placeholders, opened for the wire alone, never text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.sealed import Sealed, SecretRef, Value, joined, opened, secrets_of, shown
from providers.contract.session import Session

TOKEN = Session("p", "acc", ("token", "cookie:a", "cookie:b")).seal("token")


def value_of(secret: SecretRef) -> str:
    return {"token": "the real/token+", "cookie:a": "A", "cookie:b": "B"}[secret.name]


def test_a_sealed_value_is_shown_and_opened_but_is_no_text() -> None:
    value = "Bearer " + TOKEN + "; end"
    assert value.shown == "Bearer ~sealed~p~acc~token~; end"
    assert value.opened(value_of) == "Bearer the real/token+; end"
    assert "the real" not in repr(value)
    for use in (str, lambda sealed: f"{sealed}", "{}".format):
        with pytest.raises(TypeError, match="no text"):
            use(value)


def test_joining_leaves_empty_values_out_and_is_text_without_secrets() -> None:
    jar = joined("; ", ["a=1", "", "t=" + TOKEN])
    assert (shown(jar), opened(jar, value_of)) == ("a=1; t=~sealed~p~acc~token~", "a=1; t=the real/token+")
    assert joined("; ", ["a", "", "b"]) == "a; b"
    assert joined("; ", []) == ""


@given(st.text(max_size=60))
def test_no_text_ever_opens(text: str) -> None:
    opening = f"{text}~sealed~p~acc~token~"
    assert opened(opening, value_of) == opening


def test_a_sealed_value_is_hashable_and_frozen() -> None:
    assert len({TOKEN, Sealed(TOKEN.parts)}) == 1


def test_the_secrets_of_a_value_are_told_in_their_order() -> None:
    session = Session("p", "acc", ("token", "cookie:a", "cookie:b"))
    value = "x" + session.seal("cookie:b") + "y" + session.seal("cookie:a") + session.seal("token")
    assert [secret.name for secret in secrets_of(value)] == ["cookie:b", "cookie:a", "token"]
    assert secrets_of("~sealed~p~acc~token~") == ()
    assert opened(value, value_of) == "xByAthe real/token+"


@given(st.lists(st.sampled_from(["", "a=1", "b", TOKEN, "t=" + TOKEN, TOKEN + "&x", TOKEN + TOKEN]), max_size=6))
def test_joined_values_say_what_joined_texts_do_with_text_in_as_few_parts_as_can_be(values: list[Value]) -> None:
    found = joined("&", values)
    assert shown(found) == "&".join(text for text in map(shown, values) if text)
    assert secrets_of(found) == tuple(secret for value in values for secret in secrets_of(value))
    parts = found.parts if isinstance(found, Sealed) else ()
    assert not any(isinstance(one, str) and isinstance(two, str) for one, two in pairwise(parts))
