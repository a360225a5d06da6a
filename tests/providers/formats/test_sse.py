"""Server-sent events: the same payloads however the bytes were cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.formats.sse import LINES_LIMIT, ErrorData, SseLimit, SseReader


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_sse_gives_the_same_payloads_at_every_cut(line_end: str, bom: bytes) -> None:
    lines = [": hello", "", "data: one", "", "event: x", "id: 1", "data:two", "data: lines", "", "retry: 5", "data", ""]
    stream = bom + line_end.join([*lines, "data: last", "", ""]).encode()
    expected = [b"one", b"two\nlines", b"last"]
    for at in range(len(stream) + 1):
        reader = SseReader()
        assert reader.feed(stream[:at]) + reader.feed(stream[at:]) + reader.flush() == expected
    reader = SseReader()
    single = [payload for i in range(len(stream)) for payload in reader.feed(stream[i : i + 1])]
    assert single + reader.flush() == expected


def test_sse_flush_gives_an_event_whose_blank_line_never_came() -> None:
    reader = SseReader()
    assert reader.feed(b"data: cut") == []
    assert reader.flush() == [b"cut"]


def test_sse_takes_bare_json_lines_when_told_to() -> None:
    stream = b'{"code":429}\n\ndata: {"a":1}\n\n'
    reader = SseReader(bare_json=True)
    assert reader.feed(stream) == [b'{"code":429}', b'{"a":1}']
    assert SseReader().feed(stream) == [b'{"a":1}']


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b'{\n  "a": 1\n}\n\n', [b'{\n  "a": 1\n}']),
        (b' \t{"a": 1}', [b' \t{"a": 1}']),
        (b"<html>\n<p>: x</p>\n\n<p>\n\n", [b"<html>\n<p>: x</p>", b"<p>"]),
        (b"data: 1\nevent: m\n<html>\n\n", [b"1", b"<html>"]),
        (b"<script>\ndata: 1\n</script>\n\n", [b"<script>", b"</script>", b"1"]),
        (b"upstream: no\nid\n\ndata: 1\n\n", [b"1"]),
    ],
    ids=str,
)
def test_sse_takes_what_is_no_event_when_told_to(stream: bytes, payloads: list[bytes]) -> None:
    for at in range(len(stream) + 1):
        reader = SseReader(strays=True)
        assert [*reader.feed(stream[:at]), *reader.feed(stream[at:]), *reader.flush()] == payloads


def test_sse_limit_does_not_lose_the_events_before() -> None:
    stream = b"data: one\n\ndata: " + b"x" * 200 + b"\n\n"
    for at in range(0, len(stream), 7):
        reader = SseReader(limit_bytes=100)
        got: list[bytes] = []
        with pytest.raises(SseLimit) as caught:  # noqa: PT012  (either call may raise)
            got += reader.feed(stream[:at])
            got += reader.feed(stream[at:])
        assert got + caught.value.payloads == [b"one"]


def read(stream: bytes, **how: Any) -> list[bytes]:
    reader = SseReader(**how)
    return reader.feed(stream) + reader.flush()


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b": comment\n\n", []),
        (b"data:\n\n", []),
        (b"data\n\n", []),
        (b"data: \n\n", []),
        (b"data:  two blanks\n\n", [b" two blanks"]),
        (b"data: a\ndata:\ndata: b\n\n", [b"a\n\nb"]),
        (b"data: a\nodd: x\n: y\ndata: b\n\n", [b"a\nb"]),
        (b"event: x\n\n", []),
        (b"dataset: x\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
        (b"\xef\xbb", []),
    ],
)
def test_payloads(stream: bytes, payloads: list[bytes]) -> None:
    assert read(stream) == payloads


@pytest.mark.parametrize("size", [99, 100, 101])
def test_an_event_of_the_limit_is_read_and_a_longer_one_is_not(size: int) -> None:
    stream = b"data: " + b"x" * (size - 6) + b"\n\n"

    def fed(at: int) -> list[bytes]:
        reader = SseReader(limit_bytes=100)
        return reader.feed(stream[:at]) + reader.feed(stream[at:])

    for at in range(0, len(stream) + 1, 9):
        if size <= 100:
            assert fed(at) == [b"x" * (size - 6)]
        else:
            with pytest.raises(SseLimit, match="larger than 100 bytes"):
                fed(at)


def test_an_event_that_never_ends_is_refused_before_it_does() -> None:
    reader = SseReader(limit_bytes=100)
    for _ in range(101):
        assert reader.feed(b"x") == []
    with pytest.raises(SseLimit):
        reader.feed(b"x")


@pytest.mark.parametrize("more", [0, 1])
def test_lines_of_an_event_are_bounded(more: int) -> None:
    stream = b"data: a\n\n" + b"\n".join([b"data: x"] * (LINES_LIMIT + 1 + more)) + b"\n\n"
    reader = SseReader()
    if not more:
        assert len(reader.feed(stream)) == 2
        return
    with pytest.raises(SseLimit, match=f"{LINES_LIMIT} lines") as caught:
        reader.feed(stream)
    assert caught.value.payloads == [b"a"]


def test_of_an_event_that_did_not_end_so_many_lines_are_read() -> None:
    reader = SseReader()
    reader.feed(b"data: x\n" * (LINES_LIMIT + 5) + b"data: last")
    [payload] = reader.flush()
    assert payload.count(b"x") == LINES_LIMIT
    assert b"last" not in payload
    assert reader.flush() == []


@pytest.mark.parametrize("noise", [b"\n", b": x\n", b":\n\n"])
def test_a_stream_of_nothing_is_not_kept(noise: bytes) -> None:
    reader = SseReader(limit_bytes=100)
    for _ in range(2000):
        assert reader.feed(noise) == []
    assert len(reader._buffer) <= 4
    assert reader.feed(b"data: x\n\n") == [b"x"]


LINES = st.sampled_from(
    [b"data: a", b"data:", b"data", b": c", b"", b"", b"event: e", b'{"a":1}', b"<p>", b"\xef\xbb\xbf"]
)


@given(
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12),
    st.lists(st.integers(0, 80), max_size=4),
    st.sampled_from([{}, {"bare_json": True}, {"strays": True}]),
)
def test_any_stream_is_read_the_same_at_any_cuts(
    lines: list[tuple[bytes, bytes]], cuts: list[int], how: dict[str, bool]
) -> None:
    stream = b"".join(part for line in lines for part in line)
    reader, found, at = SseReader(**how), list[bytes](), 0
    for cut in [*sorted(cuts), len(stream)]:
        found += reader.feed(stream[at:cut])
        at = max(at, cut)
    assert found + reader.flush() == read(stream, **how)


ERRORS: dict[str, tuple[bytes, bytes]] = {
    "event": (b'event: error\ndata: {"a":1}\n\n', b'{"a":1}'),
    "event behind its data": (b'data: {"a":1}\nevent:error\n\n', b'{"a":1}'),
    "in capitals": (b"event: ERROR \ndata: no\n\n", b"no"),
    "of nothing": (b"event: error\n\n", b""),
    "of empty data": (b"event: error\ndata:\n\n", b""),
    "field": (b'error: {"code":500}\n\n', b'{"code":500}'),
}


@pytest.mark.parametrize("how", [{}, {"bare_json": True}, {"strays": True}], ids=str)
@pytest.mark.parametrize(("stream", "data"), ERRORS.values(), ids=ERRORS.keys())
def test_what_is_called_an_error_is_known_by_its_type(stream: bytes, data: bytes, how: dict[str, Any]) -> None:
    for at in range(len(stream) + 1):
        reader = SseReader(**how)
        found = [*reader.feed(b"data: 1\n\n" + stream[:at]), *reader.feed(stream[at:] + b"data: 2\n\n")]
        assert found == [b"1", data, b"2"]
        assert [isinstance(payload, ErrorData) for payload in found] == [False, True, False]


@pytest.mark.parametrize("name", ["errors", "noerror", "error.fixed", "message"])
def test_events_of_other_names_are_none(name: str) -> None:
    (payload,) = read(f"event: {name}\ndata: 1\n\n".encode())
    assert not isinstance(payload, ErrorData)
