"""Where TLS records end, wherever the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from addons.upstream.tls_records import TlsRecords


def _record(size: int) -> bytes:
    return b"\x17\x03\x03" + size.to_bytes(2) + b"x" * size


@given(st.lists(st.integers(0, 40) | st.just(16_640), max_size=5), st.lists(st.integers(0, 300), max_size=10))
def test_they_are_whole_at_their_ends_and_nowhere_else(sizes: list[int], cuts: list[int]) -> None:
    said, ends = b"", {0}
    for size in sizes:
        said += _record(size)
        ends.add(len(said))
    records, begin = TlsRecords(), 0
    for end in [*sorted(cut for cut in cuts if cut < len(said)), len(said)]:
        records.pass_by(said[begin:end])
        assert records.are_whole is (end in ends)
        begin = end
