"""What a site's words may become in a call, for every adapter alike."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.call import Call
from providers.contract.errors import ProviderError
from providers.contract.given import check_update, checked_id, is_cookie, is_token, person_id, site_id, words
from providers.contract.steps import Answer
from tests.support.adapters import chat_of, prepared_with

URL = "https://site.example/x"
PLACEHOLDER = "~sealed~other~key1~api_key~"
BAD_IDS: list[Any] = [
    PLACEHOLDER, f"x{PLACEHOLDER}", "a\r\nX-Injected: 1", "a b", "a/b", "../x", "a?b=c&d", "a#b", "%0d%0a", "é",
    "a" * 129, "", "\ud800", None, True, 1.5, ["a"], {"id": "a"}, 1 << 64,
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_IDS)
def test_an_id_that_cannot_be_one_is_refused(bad: Any) -> None:
    assert site_id(bad) == ""
    with pytest.raises(ProviderError, match="id that cannot be one"):
        checked_id(bad, "The chat")


@pytest.mark.parametrize("good", ["0f8fad5b-d9cb-469f-a165-70867728950e", "chatcmpl_1", "a" * 128, 12345, -1])
def test_an_id_that_can_be_one_stays_as_it_is(good: Any) -> None:
    assert checked_id(good, "The chat") == str(good)


@given(st.text(max_size=200))
def test_what_passes_the_border_is_harmless_in_any_place(text: str) -> None:
    for found in (site_id(text), person_id(text)):
        assert not set(found) & set("\r\n\0~&?#/% ;,\"'\\")
    if is_token(text) or is_cookie("n", text):
        Call("GET", URL, (("Cookie", f"n={text}"),))  # raises for what no header can hold


@pytest.mark.parametrize("bad", [bad for bad in BAD_IDS if bad])
@pytest.mark.parametrize("site", ["zai", "qwen", "longcat"])
def test_no_adapter_takes_such_an_id_for_its_chat(site: str, bad: Any) -> None:
    answer = {"id": bad, "code": 0, "success": True, "data": {"id": bad, "conversationId": bad}}
    with pytest.raises(ProviderError):
        prepared_with(
            site, Answer(200, {"content-type": "application/json"}, json.dumps(answer).encode()), chat_of(site)
        )


@pytest.mark.parametrize(
    ("cookies", "usable"),
    [({}, True), ({f"c{n}": "1" for n in range(100)}, True), ({f"c{n}": "1" for n in range(101)}, False)],
    ids=["none", "100", "101"],
)
def test_new_cookies_are_bounded_in_number(cookies: dict[str, str], usable: bool) -> None:
    if usable:
        return check_update("token", cookies)
    with pytest.raises(ProviderError, match="the one from before stands"):
        check_update("token", cookies)


def test_a_name_for_people_is_bounded_and_in_one_line() -> None:
    assert words("A\u2028B\x85C\ud800D") == "A B C D"
    assert len(words("x" * 999)) == 256
    assert words(None) == ""
