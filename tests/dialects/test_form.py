"""Forms: their parts as they stand there, however odd; bounds; what is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.body import all_at_once
from addons.dialects.form import PARTS_LIMIT, is_form, read_form
from addons.errors import GatewayError
from providers.contract.form import Form

KIND = "multipart/form-data; boundary=b-1"


def part(name: str, data: bytes, more: str = "") -> bytes:
    return f'--b-1\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"


def read(body: bytes, kind: str = KIND) -> Form:
    return all_at_once(read_form(body, kind))


def code_of(body: bytes, kind: str = KIND) -> Any:
    with pytest.raises(GatewayError) as refused:
        read(body, kind)
    assert refused.value.status == 400
    return refused.value.code


@given(
    contents=st.lists(
        st.binary(max_size=300) | st.sampled_from([b"\r\n--b-1 x", b"--b-1", b"\r", b"\n--b-1"]), max_size=5
    )
)
def test_parts_come_as_they_were_put_in(contents: list[bytes]) -> None:
    contents = [one.replace(b"--b-1", b"--b-2") for one in contents]
    form = read(b"".join(part(f"p{at}", one) for at, one in enumerate(contents)) + b"--b-1--\r\n")
    assert [(one.name, one.data) for one in form.parts] == [(f"p{at}", one) for at, one in enumerate(contents)]


def test_heads_are_kept_and_large_contents_come_whole() -> None:
    picture = b"\x89PNG\r\n" * 200_000
    body = part("image[]", picture, '; filename="a b.png"\r\nContent-Type: image/png') + b"--b-1--"
    (found,) = read(body).parts
    assert (found.name, found.data) == ("image[]", picture)
    assert found.headers[1] == ("Content-Type", "image/png")
    assert read(body).body is body


def test_a_kept_body_is_read_by_its_first_line() -> None:
    body = part("a", b"1") + b"--b-1--\r\n"
    assert is_form(body, "")
    form = read(body, "")
    assert (form.parts[0].data, form.content_type) == (b"1", KIND)
    assert not is_form(b'{"a": 1}', "")
    assert not is_form(body, "application/json")
    assert is_form(b"", "Multipart/Form-Data ; boundary=x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b-1",
        b"--b-1\r\n",
        part("a", b"1"),
        b"--b-1\r\nX: y\r\n\r\n1\r\n--b-1--\r\n",
        b'--b-1\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n--b-1--\r\n',
        b'{"model": "m"}',
        part("a", b"1") + b"--other--\r\n",
        part("a", b"1\n--b-1--") + part("model", b"n") + b"--b-1--\r\n",
    ],
)
def test_what_is_no_whole_form_is_refused(body: bytes) -> None:
    assert code_of(body) == "invalid_form"


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="a\tb"',
        f"multipart/form-data; boundary={'a' * 71}",
        "multipart/form-data; boundary=é",
    ],
)
def test_a_boundary_that_is_none_is_refused(kind: str) -> None:
    assert code_of(part("a", b"1"), kind) == "invalid_form"


def test_parts_and_heads_have_bounds() -> None:
    assert len(read(part("a", b"") * PARTS_LIMIT + b"--b-1--").parts) == PARTS_LIMIT
    assert code_of(part("a", b"") * (PARTS_LIMIT + 1) + b"--b-1--") == "invalid_form"
    assert code_of(part("a", b"1", f"; x={'a' * 300_000}") + b"--b-1--") == "invalid_form"


def test_others_have_their_turn_while_a_large_one_is_read() -> None:
    body = part("a", b"x" * 1_000_000) + b"--b-1--"
    assert sum(1 for _ in read_form(body, KIND)) > 10


@pytest.mark.parametrize("name", ["model", "provider", "stream", "Model", "purpose"])
def test_a_field_that_routes_stands_once_and_in_one_spelling(name: str) -> None:
    twice = part(name.lower(), b"m") + part(name, b"n") + b"--b-1--\r\n"
    assert code_of(twice) == "invalid_form"
    read(part("image[]", b"1") + part("image[]", b"2") + part("model", b"m") + b"--b-1--\r\n")


@pytest.mark.parametrize("more", ['; name="x"', "; name*=UTF-8''x", "; NAME = x"])
def test_a_part_has_one_name(more: str) -> None:
    assert code_of(part("model", b"m", more) + b"--b-1--\r\n") == "invalid_form"
    read(part("file", b"m", "; filename=\"name.wav\"; filename*=UTF-8''n.wav") + b"--b-1--\r\n")
