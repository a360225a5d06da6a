"""Whether a connection goes on behind a message: what its head says, in any case of letters."""

import pytest
from mitmproxy import http

from addons.framing.persistence import is_last


@pytest.mark.parametrize(
    ("version", "said", "last"),
    [
        ("HTTP/1.1", [], False),
        ("HTTP/1.0", [], True),
        ("HTTP/1.1", [b"close"], True),
        ("HTTP/1.1", [b"Close"], True),
        ("HTTP/1.1", [b"x,\tCLOSE"], True),
        ("HTTP/1.1", [b"x", b"Close"], True),
        ("HTTP/1.1", [b"closed"], False),
        ("HTTP/1.0", [b"keep-alive"], False),
        ("HTTP/1.0", [b"Keep-Alive"], False),
        ("HTTP/1.0", [b"Keep-Alive, Close"], True),
        ("HTTP/1.0", [b"upgrade"], True),
        ("HTTP/1.1", [b"\xff, , ,"], False),
    ],
    ids=str,
)
def test_a_head_says_whether_it_is_the_last_of_its_connection(version: str, said: list[bytes], last: bool) -> None:
    assert is_last(version, http.Headers([(b"Connection", words) for words in said])) is last
