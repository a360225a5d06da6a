"""The body of an answer to a call: unpacked as it comes, however it is cut, and bounded."""

import gzip

import pytest

from addons.transport.carrier import BODY_LIMIT_BYTES, BoundedBody, BrokenAnswer

TEXT = b'{"id": "chat-1"}'


@pytest.mark.parametrize(
    ("coding", "sent"),
    [("", TEXT), ("identity", TEXT), ("gzip", gzip.compress(TEXT, mtime=0))],
    ids=["none", "identity", "gzip"],
)
def test_it_is_the_same_however_it_is_cut(coding: str, sent: bytes) -> None:
    for at in range(len(sent) + 1):
        lengths: list[int] = []
        body = BoundedBody(coding, lengths.append)
        body.feed(sent[:at])
        body.feed(sent[at:])
        assert body.whole() == TEXT
        assert sum(lengths) == len(TEXT)


def test_who_does_not_want_to_know_when_it_came_is_not_told() -> None:
    body = BoundedBody("", None)
    body.feed(TEXT)
    assert body.whole() == TEXT


@pytest.mark.parametrize(
    ("coding", "sent"),
    [
        ("rot13", b"abc"),
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(TEXT)[:-4]),
        ("", b"x" * (BODY_LIMIT_BYTES + 1)),
        ("gzip", gzip.compress(b"x" * (BODY_LIMIT_BYTES + 1))),
    ],
    ids=["unknown", "garbage", "cut off", "too large", "too large unpacked"],
)
def test_what_cannot_be_read_is_a_broken_answer(coding: str, sent: bytes) -> None:
    with pytest.raises(BrokenAnswer) as caught:
        _whole(coding, sent)
    assert caught.value.kind == "DecodingError"


def _whole(coding: str, sent: bytes) -> bytes:
    body = BoundedBody(coding, None)
    body.feed(sent)
    return body.whole()


def test_as_much_as_the_bound_is_read() -> None:
    assert len(_whole("", b"x" * BODY_LIMIT_BYTES)) == BODY_LIMIT_BYTES
