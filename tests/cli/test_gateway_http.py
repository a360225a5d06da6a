"""A gateway as commands ask it; what it is shown is in test_status.py."""

import pytest

from addons.cli.gateway_http import connect, proves_to_know


@pytest.mark.parametrize("base", ["nonsense", "ftp://127.0.0.1", "http://", "http://[::"])
def test_what_is_no_address_of_the_web_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        connect(base)
    assert not proves_to_know(base, "k" * 40)


def test_nobody_proves_anything_where_nobody_listens() -> None:
    assert not proves_to_know("http://127.0.0.1:1", "k" * 40)
