"""What tells one request from another."""

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.cache.key import Asked, key_of
from addons.dialects import registry
from addons.dialects.routed_head import RoutedHead
from tests.cache.asked import parsed

SECRET: Final = b"s" * 32
MINE: Final = b"m" * 32
MODELS: Final = (("api", "m"),)
HEAD: Final = RoutedHead("messages", headers={"anthropic-version": "2023-06-01"})
ASKED: Final = Asked(parsed("messages", HEAD), "messages", HEAD, MODELS)

_SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    _SCALARS | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)


def key(asked: Asked = ASKED, owner: bytes = MINE, settings: int = 1) -> str:
    return key_of(asked, SECRET, owner, settings)


def of(**more: Any) -> Asked:
    return Asked(parsed("messages", HEAD, **more), "messages", HEAD, MODELS)


def read(body: str) -> Asked:
    dialect = registry.named("chat_completions")
    assert dialect is not None
    return Asked(dialect.parse(body.encode()), "chat_completions", RoutedHead("chat_completions"), MODELS)


def test_order_and_white_space_do_not_matter() -> None:
    one = read('{"model": "m", "temperature": 0, "messages": [{"role": "user", "content": "\\u00fc"}]}')
    other = read('{ "messages":[{"content":"ü","role":"user"}],\n"temperature":0,"stream":false,"model":"alias"}')
    assert key(one) == key(other)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), _VALUES, max_size=4), st.dictionaries(st.text(), _VALUES, max_size=4))
def test_two_bodies_have_one_key_only_where_they_are_the_same_json(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = of(metadata=one), of(metadata=other)
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (key(first) == key(second)) is same


@pytest.mark.parametrize(
    "other",
    [
        of(stream=True),
        of(max_tokens=10),
        of(system=""),
        of(metadata={"user_id": "ada"}),
        Asked(ASKED.parsed, "chat_completions", HEAD, MODELS),
        Asked(ASKED.parsed, "messages", HEAD._replace(operation="anthropic_messages"), MODELS),
        Asked(ASKED.parsed, "messages", HEAD._replace(query="beta=true"), MODELS),
        Asked(ASKED.parsed, "messages", HEAD._replace(headers={}), MODELS),
        Asked(ASKED.parsed, "messages", HEAD._replace(headers={**HEAD.headers, "anthropic-beta": "x"}), MODELS),
        Asked(ASKED.parsed, "messages", HEAD, (("api", "n"),)),
        Asked(ASKED.parsed, "messages", HEAD, (("other", "m"),)),
        Asked(ASKED.parsed, "messages", HEAD, (("api", "m"), ("other", "m"))),
    ],
)
def test_all_that_an_answer_depends_on_is_in_it(other: Asked) -> None:
    assert key() != key(other)


def test_whose_answers_and_which_settings_are_in_it() -> None:
    assert len({key(), key(owner=b"o" * 32), key(settings=2), key_of(ASKED, b"t" * 32, MINE, 1)}) == 4


@pytest.mark.parametrize("name", ["cache-control", "session-id", "x-claude-code-session-id", "x-stainless-retry-count"])
def test_what_is_said_of_session_and_tries_is_not(name: str) -> None:
    head = HEAD._replace(headers={**HEAD.headers, name: "1"})
    assert key() == key(Asked(ASKED.parsed, "messages", head, MODELS))


def test_the_order_in_which_providers_stand_is_not() -> None:
    one = Asked(ASKED.parsed, "messages", HEAD, (("a", "m"), ("b", "m")))
    assert key(one) == key(Asked(ASKED.parsed, "messages", HEAD, (("b", "m"), ("a", "m"))))


def test_parts_cannot_be_moved_from_one_to_another() -> None:
    one = Asked(ASKED.parsed, "messages", HEAD._replace(operation="a", query="bc"), MODELS)
    assert key(one) != key(Asked(ASKED.parsed, "messages", HEAD._replace(operation="ab", query="c"), MODELS))
