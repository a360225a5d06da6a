"""Connections to a provider that misbehaves, shared by clients that come and go: who gets whose answer."""

import asyncio
from pathlib import Path

import pytest

from tests.support.mixing import CLIENTS, run


@pytest.mark.parametrize("tls", [False, True])
def test_no_answer_comes_to_another_client(tls: bool, folder: Path) -> None:
    mixer = asyncio.run(run(folder, CLIENTS * 12, tls=tls))
    assert mixer.faults == []
    assert mixer.seen["lines of faults"] == 0
    assert mixer.seen["right"] > mixer.seen["error"] > 0
    assert mixer.seen["left"] > 0
    assert mixer.seen["unasked"] > 0
