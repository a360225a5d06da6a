"""What a provider sends in one packet: read together once the answer has begun, one by one until then."""

from pathlib import Path

import pytest

from addons.exchange.attempt import Attempt
from tests.support.answers import DONE, FINISH, STREAM, frame, word
from tests.support.harness import api
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_behind_the_first_words_all_of_it_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, pieces = Attempt.data, []

    def counted(attempt: Attempt, chunk: bytes) -> bytes:
        pieces.append(chunk)
        return read(attempt, chunk)

    monkeypatch.setattr(Attempt, "data", counted)
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=True)
        said = [f"w{at} " for at in range(20)]
        await visit.says(STREAM, *map(word, said), FINISH, DONE)
        assert (visit.got.text, visit.got.complete) == ("".join(said), True)
    assert len(pieces) <= 3


@in_virtual_time
async def test_words_before_an_error_are_told_though_both_came_together(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=True)
        error = frame({"error": {"message": "no more", "code": "insufficient_quota"}})
        await visit.says(STREAM, word("Hello "), word("there "), error)
        assert visit.got.text == "Hello there "
        assert house.line.outcome == "broken_off"
