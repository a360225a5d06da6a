"""Fields are found as mitmproxy finds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons.framing.fields import headers_of, value_of

NAMES = st.sampled_from([b"Connection", b"connection", b"CONNECTION", b"x-a", b"te"])
FIELDS = st.lists(st.tuples(NAMES, st.binary(max_size=5)), max_size=6).map(tuple)


@given(FIELDS)
def test_a_field_is_found_as_mitmproxy_finds_it(fields: tuple[tuple[bytes, bytes], ...]) -> None:
    theirs = http.Headers(fields)
    for name in ("connection", "x-a", "none"):
        found = value_of(fields, name.encode())
        assert (found.decode("utf-8", "surrogateescape") if found is not None else None) == theirs.get(name)
    assert headers_of(fields) == theirs


@pytest.mark.parametrize("fields", [(), [(b"a", b"b")], ((b"a", b"b"), (b"A", b"c"))], ids=str)
def test_headers_are_those_of_mitmproxy(fields: list[tuple[bytes, bytes]]) -> None:
    found = headers_of(iter(fields))
    assert found == http.Headers(fields)
    assert isinstance(found.fields, tuple)
    found["A"] = "d"
    assert found.get_all("a") == ["d"]
