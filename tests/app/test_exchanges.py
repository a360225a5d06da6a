"""Exchanges that are ended before their time."""

from pathlib import Path

from tests.support.answers import DONE, FINISH, STREAM, word
from tests.support.harness import api, is_quiet
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY

OTHER = "sk-other-0123456789abcdef0123456789abcdef"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@in_virtual_time
async def test_a_key_that_is_removed_ends_what_runs_with_it(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.tokens = f"[{{name: ada, key: {KEY}}}, {{name: ben, key: {OTHER}}}]"
    async with house:
        streams = await house.visit().chats("m")
        await streams.says(STREAM, word("Good "))
        waits = await house.visit().chats("m")
        comes = await house.visit().asks(b"{", content_length="1000")
        others = await house.visit().asks(CHAT | {"stream": True}, authorization=f"Bearer {OTHER}")
        await others.says(STREAM, word("Good "))
        house.write(tokens=f"[{{name: ben, key: {OTHER}}}]")
        await house.pass_s(2.1)
        assert streams.got.error["code"] == waits.got.error["code"] == "invalid_api_key"
        assert (streams.got.status, streams.got.complete, waits.got.status) == (200, True, 401)
        assert streams.servers[0] in streams.closed
        assert {(line.key, line.outcome, line.error_code) for line in house.lines} == {
            ("ada", "broken_off", "invalid_api_key"),
            ("ada", "failed", "invalid_api_key"),
        }
        comes.client_sends(b"x" * 999)
        await house.settle()
        assert comes.got.status == 401
        assert not comes.requests
        await others.says(word("day"), FINISH, DONE)
        assert (others.got.text, house.line.key, house.line.outcome) == ("Good day", "ben", "ok")
        assert (await house.visit().chats("m")).got.status == 401
        assert any("3 requests of client keys that were removed are ended" in words for words in house.said)
        assert is_quiet(house)
