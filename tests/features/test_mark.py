"""The mark of a request."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from addons.features.mark import MARK_CHARS, mark_of
from providers.contract.provider import Model
from tests.support.features import at

SERVED = at(Model("m", "m"), frozenset())


@given(st.text())
def test_it_is_made_of_the_requests_id_alone(request_id: str) -> None:
    mark = mark_of(replace(SERVED, request_id=request_id))
    assert len(mark) == MARK_CHARS
    assert mark.isalnum()
    assert mark == mark.lower()
    assert mark == mark_of(replace(SERVED, request_id=request_id, model=Model("n", "n")))


def test_each_request_has_its_own() -> None:
    assert len({mark_of(replace(SERVED, request_id=f"req_{number}")) for number in range(1000)}) == 1000
