"""Secrets, and pieces of them, found in bytes: by place, and in linear time."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.cleaning import index as it
from addons.cleaning.index import (
    HITS_LIMIT,
    PIECE,
    SEGMENT_BYTES,
    SHORTEST,
    Index,
    KnownSecret,
    Literal,
    Segment,
    merged,
    portions,
    secrets_of,
)
from providers.contract.session import Credentials

SECRET = b"ak_9fPq2LzR7tXw4mVbN8sKd3"


def covered(found: list[it.Span], data: bytes) -> bytes:
    """The bytes that spans name, in their order."""
    return b"|".join(data[start:end] for start, end in merged(found))


def hidden(value: bytes, data: bytes) -> bytes:
    return covered(Segment([value]).spans(data), data)


@pytest.mark.parametrize("before", [b"", b"x", b"-" * 7, b"ak_9fPq2LzR7tXw"])
@pytest.mark.parametrize("behind", [b"", b"y", b"3" * 30])
def test_a_secret_is_found_wherever_it_stands(before: bytes, behind: bytes) -> None:
    assert SECRET in hidden(SECRET, before + SECRET + behind)


@pytest.mark.parametrize("length", [PIECE - 1, PIECE, PIECE + 1])
def test_a_piece_of_it_counts_from_so_many_bytes_on(length: int) -> None:
    for start in range(len(SECRET) - length + 1):
        piece = SECRET[start : start + length]
        assert hidden(SECRET, b"<<" + piece + b">>") == (piece if length >= PIECE else b""), start


def test_two_pieces_beside_each_other_are_two() -> None:
    data = SECRET[:PIECE] + b" and " + SECRET[-PIECE:]
    assert hidden(SECRET, data) == SECRET[:PIECE] + b"|" + SECRET[-PIECE:]


@given(st.binary(min_size=PIECE, max_size=60), st.binary(max_size=40), st.binary(max_size=40))
def test_any_secret_is_found_in_any_text(secret: bytes, before: bytes, behind: bytes) -> None:
    assert secret in hidden(secret, before + secret + behind)


@given(st.lists(st.binary(min_size=PIECE, max_size=30), min_size=1, max_size=5), st.binary(max_size=80))
def test_nothing_is_found_that_is_not_in_a_secret(secrets: list[bytes], data: bytes) -> None:
    for start, end in Segment(secrets).spans(data):
        assert any(data[start:end] in secret for secret in secrets)


@pytest.mark.parametrize(
    ("value", "data", "found"),
    [
        (b"test", b"a test here", b"test"),
        (b"test", b"test", b"test"),
        (b"test", b"the latest", b""),
        (b"test", b"testing", b""),
        (b"test", b"(test)", b"test"),
        (b"pass word", b"xpass wordx", b"pass word"),
    ],
)
def test_a_short_value_is_a_word_by_itself(value: bytes, data: bytes, found: bytes) -> None:
    assert hidden(value, data) == found
    assert covered(Literal([value]).spans(data), data) == found


@pytest.mark.parametrize("at", [-PIECE, -1, 0, 1])
def test_what_lies_between_two_parts_is_found(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it, "_SCAN_BYTES", 64)
    data = b"." * (64 + at) + SECRET + b"." * 100
    assert hidden(SECRET, data) == SECRET


def test_of_too_many_hits_the_rest_is_hidden_without_looking() -> None:
    data = b"abcdefgh " * (HITS_LIMIT + 10)
    spans = Segment([b"abcdefgh"]).spans(data)
    assert len(spans) == HITS_LIMIT + 1
    assert spans[-1] == (HITS_LIMIT * 9, len(data))


def test_literals_are_looked_for_one_by_one() -> None:
    data = b"aaaaaaaaaa bbbbbbbbbb aaaaaaaaaa"
    assert Literal([b"aaaaaaaaaa", b"cccccccccc"]).spans(data) == [(0, 10), (22, 32)]


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([], []),
        ([(3, 5), (0, 2)], [(0, 2), (3, 5)]),
        ([(0, 4), (2, 6)], [(0, 6)]),
        ([(0, 9), (2, 3)], [(0, 9)]),
        ([(0, 2), (2, 4)], [(0, 2), (2, 4)]),
    ],
)
def test_spans_that_overlap_are_one(spans: list[it.Span], found: list[it.Span]) -> None:
    assert merged(spans) == found


# -- what is a secret -------------------------------------------------------------------------------------------------
def forms(value: str, name: str = "token") -> list[bytes]:
    return list(KnownSecret(value, name, "p", "a").forms())


@pytest.mark.parametrize(
    ("value", "name", "counts"),
    [
        ("x" * SHORTEST, "token", True),
        ("x" * (SHORTEST - 1), "token", False),
        ("x" * 4, "password", True),
        ("x" * 4, "api_key", True),
        ("x" * 4, "client_key", True),
        ("x" * 3, "password", False),
        ("standardly", "cookie:kind", False),
        ("standard-12", "cookie:kind", True),
        ("standard-word", "cookie:kind", True),
        ("standardly", "header:x", False),
        ("standardly", "token", True),
    ],
)
def test_which_values_count(value: str, name: str, counts: bool) -> None:
    assert bool(forms(value, name)) is counts


def test_white_space_may_be_run_together_and_old_programs_have_encodings() -> None:
    assert forms("two  words\there") == [b"two  words\there", b"two words here"]
    assert set(forms("pässwörter")) == {
        "pässwörter".encode(),
        "pässwörter".encode("gb18030"),
        "pässwörter".encode("latin-1"),
    }
    beyond = forms("密码密码密码")
    assert {
        "密码密码密码".encode("utf-16-le"),
        "密码密码密码".encode("utf-16-be"),
        "密码密码密码".encode("gb18030"),
    } <= set(beyond)
    assert forms("half a \ud800 letter")


def test_no_value_stands_in_a_repr_and_a_clients_key_has_no_placeholder() -> None:
    known = KnownSecret("the-secret-value", "token", "p", "a")
    assert repr(known).endswith("(p/a token)")
    assert known.placeholder == "~sealed~p~a~token~"
    assert KnownSecret("the-secret-value", "client_key").placeholder == ""


def test_the_secrets_of_a_session_are_all_but_what_every_browser_sends() -> None:
    material = Credentials(token="t", cookies={"sid": "c"}, headers={"User-Agent": "u", "x-device": "d"})
    found = {one.name: one.value for one in secrets_of(material, "p", "a")}
    assert found.items() >= {"token": "t", "cookie:sid": "c", "header:x-device": "d"}.items()
    assert "header:User-Agent" not in found


# -- many secrets -----------------------------------------------------------------------------------------------------
def many(count: int, length: int = 1000) -> list[KnownSecret]:
    return [KnownSecret(f"{number:08}" + "x" * (length - 8), "token", "p", str(number)) for number in range(count)]


def test_secrets_are_parted_so_that_no_automaton_is_large() -> None:
    parted = list(portions(many(200)))
    assert [sum(map(len, portion)) for portion in parted[:-1]] == [66_000] * (len(parted) - 1)
    assert sum(len(portion) for portion in parted) == 200
    assert list(portions([])) == []
    assert list(
        portions([KnownSecret("same-value", "token", "p", "a"), KnownSecret("same-value", "token", "p", "b")])
    ) == [[b"same-value"]]


@pytest.mark.parametrize("start", [0, SEGMENT_BYTES - PIECE, SEGMENT_BYTES - 1, SEGMENT_BYTES, 2 * SEGMENT_BYTES - 5])
def test_a_very_long_secret_is_known_in_every_piece(start: int) -> None:
    value = "".join(f"{number:07}-" for number in range(3 * SEGMENT_BYTES // 8))
    piece = value[start : start + PIECE].encode()
    data = b"<" + piece + b">"
    assert covered(Index.of([KnownSecret(value, "token", "p", "a")]).spans(data), data) == piece


def test_an_index_tells_whole_values_by_account() -> None:
    index = Index.of(
        [
            KnownSecret("the-same-value", "token", "p", "a"),
            KnownSecret("the-same-value", "token", "p", "b"),
            KnownSecret("short", "password", "p", "a"),
            KnownSecret("of-a-client-1", "client_key"),
        ]
    )
    assert index.placeholders == {
        b"the-same-value": {("p", "a"): "~sealed~p~a~token~", ("p", "b"): "~sealed~p~b~token~"}
    }
    assert set(b"the-same-value") <= index.letters


def test_two_indexes_are_one_at_no_cost() -> None:
    one, two = (
        Index.of([KnownSecret("first-secret-1", "token", "p", "a")]),
        Index.of([KnownSecret("second-secret-2", "new", "p")]),
    )
    both = one.also(two)
    data = b"first-secret-1 second-secret-2"
    assert covered(both.spans(data), data) == b"first-secret-1|second-secret-2"
    assert both.placeholders is one.placeholders
    assert both.letters == one.letters | two.letters
    assert both.segments == (*one.segments, *two.segments)


def test_what_it_costs_grows_with_the_text_and_not_with_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are looked at around a window that was found, and nowhere else."""
    looked: list[bytes] = []

    def is_piece(self: Segment, piece: bytes) -> bool:
        looked.append(piece)
        return plain(self, piece)

    segment = Segment([one.value.encode() for one in many(50)])
    plain: Callable[[Segment, bytes], bool] = Segment._is_piece
    monkeypatch.setattr(Segment, "_is_piece", is_piece)
    segment.spans(b"nothing of the kind stands in here, however long it is " * 100)
    assert looked == []
    segment.spans(b"words 00000007xxxxxxxx words")
    assert 0 < len(looked) <= 60
