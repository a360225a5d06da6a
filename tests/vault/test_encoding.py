import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.vault.encoding import b64, canonical, framed, parse_canonical, parse_object, unb64
from addons.vault.errors import VaultDamaged

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab[{\"\\'", max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text('abc[]{}"\\é', max_size=6), VALUES, max_size=4))
def test_what_was_made_canonical_is_read_back(value: dict[str, object]) -> None:
    assert parse_canonical(canonical(value) + b"\n")[0] == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1}',
        b'{"a":1}\n\n',
        b'{"a": 1}\n',
        b'{"b":1,"a":1}\n',
        b'{"a":1,"a":1}\n',
        b'{"a":{"b":1,"b":2}}\n',
        b'{"a":"\\u0041"}\n',
        b'{"a":"\\/"}\n',
        b'{"a":1.0e2}\n',
        b'{"a":-0}\n',
        b'{"a":1e999}\n',
        b'{"a":NaN}\n',
        b'{"a":"\\ud800"}\n',
        b'{"a":"\xff"}\n',
        b'\xef\xbb\xbf{"a":1}\n',
        b"[1]\n",
        b"null\n",
        b"\n",
        b"",
        b'{"a":' + b"9" * 5000 + b"}\n",
    ],
    ids=repr,
)
def test_any_other_spelling_is_damage(data: bytes) -> None:
    with pytest.raises(VaultDamaged):
        parse_canonical(data)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 10**6,
        b'{"a":' * 10**5,
        b'{"a":' + b"[" * 12 + b"]" * 12 + b"}",
        b'"' + b'\\"' * 10**6,
        b" " * (2**24 + 1),
    ],
    ids=["brackets", "objects", "one level too deep", "a string without end", "over the size limit"],
)
def test_bombs_are_refused_before_they_are_parsed(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    if data[:1] != b'"':  # a string without end is for the parser to refuse; what counts is that it is soon done
        monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("parsed"))
    with pytest.raises(VaultDamaged):
        parse_object(data, "bomb")


@pytest.mark.parametrize("data", [b'{"a":1,"a":2}', b'{ "a": {"b":1, "b":1} }', b'{"a":NaN}', b'{"a":1} x'], ids=repr)
def test_an_object_that_need_not_be_canonical_is_still_strict(data: bytes) -> None:
    assert parse_object(b' {"b":1.5, "a":[]} ', "here") == {"b": 1.5, "a": []}
    with pytest.raises(VaultDamaged, match="here"):
        parse_object(data, "here")


def test_a_json_error_does_not_carry_the_text_along() -> None:
    with pytest.raises(VaultDamaged) as caught:
        parse_object(b'{"token":"the-secret-token"', "record")
    assert caught.value.__context__ is None


@given(st.text('[]{}"\\a', max_size=60), st.integers(0, 14))
def test_the_depth_is_that_of_the_brackets_outside_of_strings(words: str, depth: int) -> None:
    value: object = words
    for number in range(depth):
        value = [value, {}][:1] if number % 2 else {words: value}
    data = json.dumps({"a": value}).encode()
    if depth + 1 <= 12:
        assert parse_object(data, "here") == {"a": value}
    else:
        with pytest.raises(VaultDamaged, match="nested too deep"):
            parse_object(data, "here")


@given(st.text("AQgwB-_+/=é\n", max_size=9))
def test_base64_is_read_in_its_one_spelling(text: str) -> None:
    def plain() -> bytes | None:
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None

    try:
        found = unb64(text, "here")
    except VaultDamaged:
        found = None
    assert found == plain()


@given(st.binary(max_size=40))
def test_base64_comes_back(data: bytes) -> None:
    assert unb64(b64(data), "here", len(data)) == data


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q Q", "QQ\n", "+/", "é", "", None, 7, b"QQ"], ids=repr)
def test_any_other_base64_is_damage(text: object) -> None:
    with pytest.raises(VaultDamaged, match="here"):
        unb64(text, "here", 1)


def test_frames_tell_their_parts_apart() -> None:
    assert framed("ab", "c") != framed("a", "bc")
    assert framed("é", 12, b"\0") == bytes(7) + b"\2\xc3\xa9" + bytes(7) + b"\x0212" + bytes(7) + b"\1\0"
