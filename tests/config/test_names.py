"""What a provider, an account or a client key may be called."""

from contextlib import nullcontext

import pytest

from addons.config.names import checked_name


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("main", True),
        ("a.b-c_9", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        (".a", False),
        ("a b", False),
        ("a/b", False),
        ("ä", False),
        ("main\n", False),
        ("Zq7wErTyUiOpAsDfGhJk", False),
    ],
)
def test_names(name: str, right: bool) -> None:
    with nullcontext() if right else pytest.raises(ValueError, match=r"must be 1 to 64|looks like a key"):
        assert checked_name(name) == name
