"""Keys of config.yaml as people are told of them."""

from pathlib import Path

import pytest

from addons.config.told_keys import dotted, placed
from addons.config.yaml_reading import KeyPath


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("auth", "tokens", 0, "name"), "auth.tokens[0].name"),
        (("providers", "alpha"), "providers.alpha"),
        ((), ""),
        (("auth", 'password:"hunter2"'), "auth.password…"),
        (("auth", "password=hunter2"), "auth.password…"),
        (("listen", "host:port"), "listen.host:port"),
        (("auth", "sk-Zq7wErTyUiOpAsDfGhJk"), "auth.…"),
    ],
)
def test_keys_as_people_are_told_of_them(path: tuple[str | int, ...], said: str) -> None:
    assert dotted(path) == said


def test_a_place_is_that_of_the_nearest_key_with_a_line() -> None:
    lines: dict[KeyPath, int] = {("a",): 3, ("a", "b"): 5}
    file = Path("/x/config.yaml")
    assert placed(file, lines, ("a", "b", "c"), "is odd") == "/x/config.yaml:5: a.b.c: is odd"
    assert placed(file, lines, ("a", "d"), "is odd") == "/x/config.yaml:3: a.d: is odd"
    assert placed(file, lines, ("e",), "is odd") == "/x/config.yaml: e: is odd"
    assert placed(file, lines, (), "is odd") == "/x/config.yaml: is odd"
