"""What a client says of the cache."""

import pytest

from addons.cache.control import CacheControl, control_of


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (None, CacheControl()),
        ("", CacheControl()),
        ("max-age=0", CacheControl()),
        ("no-cache", CacheControl(reads=False)),
        ("No-Cache , max-age=0", CacheControl(reads=False)),
        ("no-store", CacheControl(reads=False, keeps=False)),
        ("no-cache, no-store", CacheControl(reads=False, keeps=False)),
        ("no-storex", CacheControl()),
        ("x" * 201, CacheControl(reads=False, keeps=False)),
    ],
)
def test_no_store_wants_neither_and_no_cache_an_answer_asked_for_anew(said: str | None, wanted: CacheControl) -> None:
    assert control_of({} if said is None else {"cache-control": said}) == wanted
