"""The small pure modules that several providers share."""

import pytest

from providers.contract.call import origin_of
from providers.contract.chat import Message, TextPart, ToolCall
from providers.contract.provider import Model, checked_url
from providers.contract.sealed import shown
from providers.contract.session import Credentials, Session
from providers.formats.jwt import claims
from providers.shared.flatten import flatten
from providers.shared.suffixes import wants_search, wants_thinking, with_suffixes


# -- conversations ----------------------------------------------------------------------------------------------------
def test_a_lone_user_turn_is_sent_as_it_is() -> None:
    assert flatten([Message("user", "  just this ")]) == "  just this "
    assert flatten([Message("user", (TextPart("a"), TextPart("b")))]) == "a\nb"


def test_turns_are_labelled_in_order() -> None:
    call = ToolCall("c1", "weather", '{"city":"Paris"}')
    folded = flatten(
        [
            Message("system", "Rules"),
            Message("user", "Q", name="Ann"),
            Message("assistant", None, tool_calls=(call,)),
            Message("tool", "sunny", tool_call_id="c1"),
            Message("assistant", "A"),
        ]
    )
    assert folded == (
        '[System]\nRules\n\n[User Ann]\nQ\n\n[Assistant]\n(called weather with {"city":"Paris"})\n\n'
        "[Tool result]\nsunny\n\n[Assistant]\nA\n\n[User]\nContinue."
    )


def test_suffixes_switch_and_names_win_over_the_client() -> None:
    table = with_suffixes(
        [Model("M", "m"), Model("M-Thinking", "own")], {"-Thinking": (True, None), "-Search": (None, True)}
    )
    assert list(table) == ["M", "M-Thinking", "M-Search", "M-Thinking-Thinking", "M-Thinking-Search"]
    assert table["M-Thinking"].site_id == "m"
    assert wants_thinking(table["M-Thinking"], "none", default=False)
    assert not wants_thinking(table["M"], "minimal", default=True)
    assert wants_thinking(table["M"], None, default=True)
    assert wants_search(table["M-Search"], False)
    assert not wants_search(table["M"], None)


# -- sessions and addresses -------------------------------------------------------------------------------------------
def test_sessions_give_placeholders_only() -> None:
    material = Credentials(token="secret-1", cookies={"a": "secret-2"})
    session = Session("p", "acc", tuple(material.values()))
    assert session.seal("token").shown == "~sealed~p~acc~token~"
    assert shown(session.cookie_header()) == "a=~sealed~p~acc~cookie:a~"
    assert "secret" not in f"{material!r}{session!r}"
    with pytest.raises(KeyError):
        session.seal("api_key")


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a b.c.d", "e30.e30.e30 "])
def test_what_is_no_jwt_has_no_claims(token: str) -> None:
    assert claims(token) is None


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://x.example", "https://", "https://u:p@x", "https://x?q=1", "https://x:99999"]
)
def test_unsafe_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the sentence differs by reason)
        checked_url(url)


def test_origins_name_their_port() -> None:
    assert origin_of("https://x.example/a?b") == "https://x.example:443"
    assert origin_of("http://127.0.0.1:8080/v1") == "http://127.0.0.1:8080"
