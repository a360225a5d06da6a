"""Pages of the list of models, as Anthropic's API has them."""

import pytest

from addons.dialects.messages.models import page_of

IDS = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("asked", "page", "more"),
    [
        ({}, "abcde", False),
        ({"limit": "2"}, "ab", True),
        ({"limit": "5"}, "abcde", False),
        ({"limit": "1000"}, "abcde", False),
        ({"limit": "2", "after_id": "b"}, "cd", True),
        ({"limit": "2", "after_id": "c"}, "de", False),
        ({"after_id": "e"}, "", False),
        ({"after_id": "gone"}, "", False),
        ({"limit": "2", "before_id": "d"}, "bc", True),
        ({"limit": "3", "before_id": "d"}, "abc", False),
        ({"before_id": "a"}, "", False),
        ({"before_id": "gone"}, "", False),
        ({"limit": "0"}, "abcde", False),
        ({"limit": "x"}, "abcde", False),
        ({"limit": "1001"}, "abcde", False),
    ],
)
def test_a_page(asked: dict[str, str], page: str, more: bool) -> None:
    at, end, goes_on = page_of(IDS, {name: [value] for name, value in asked.items()})
    assert ("".join(IDS[at:end]), goes_on) == (page, more)
