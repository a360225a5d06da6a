"""Refusals of the Messages stand-in have the form of its API."""

import pytest

from providers.sandbox.anthropic.refusals import REFUSALS, error


@pytest.mark.parametrize("fault", sorted(REFUSALS))
def test_the_form(fault: str) -> None:
    _, kind, words = REFUSALS[fault]
    assert error(kind, words) == {
        "type": "error",
        "error": {"type": kind, "message": words},
        "request_id": "req_sandbox",
    }
