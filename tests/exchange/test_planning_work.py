"""How much interpreted work a request is, from its first byte to the last of its answer: no more for many accounts, and
hardly more for a long prompt."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.vaults import put_all
from tests.support.answers import ALL_SAID, STREAM, answer, said
from tests.support.counting import work_of
from tests.support.harness import House, api, zai
from tests.support.virtual_time import VirtualLoop

WORDS = 'words of a prompt, as people write them: "so" & so.\n'


class Many(House):
    """A gateway whose sessions are stored at once."""

    def _store(self, now: Callable[[], float]) -> None:
        many, self.sessions = self.sessions, {}
        super()._store(now)
        put_all(self.vault, many)


def accounts(folder: Path, count: int) -> House:
    names = [f"a{number}" for number in range(count)]
    entry = f"{{type: openai_compatible, base_url: 'http://127.0.0.1:1002/v1', models: [m], accounts: {names}}}"
    return Many(
        folder, f"\n  api: {entry}\n", {("api", name): {"api_key": f"key-of-{name}-0123456789abcdef"} for name in names}
    )


def work(house: House, model: str, replies: tuple[bytes, ...], prompt: str = "Hello") -> int:
    """Of one request and its answer, once others have gone before it."""
    loop = VirtualLoop()

    async def ask() -> None:
        messages = [{"role": "user", "content": prompt}]
        visit = await house.visit().chats(model, stream=model != "m", messages=messages)
        await visit.says(*replies)
        assert visit.got.status == 200

    try:
        house.folder.mkdir()
        loop.run_until_complete(house.__aenter__())
        for _ in range(3):
            loop.run_until_complete(ask())
        found = min(work_of(lambda: loop.run_until_complete(ask()))[1] for _ in range(3))
        loop.run_until_complete(house.__aexit__())
        return found
    finally:
        loop.close()


def test_among_a_thousand_accounts_it_is_as_much_as_among_ten(tmp_path: Path) -> None:
    few, many = (work(accounts(tmp_path / str(count), count), "m", (answer("word"),)) for count in (10, 1000))
    assert many <= few * 1.01


def test_a_prompt_of_200_kb_is_hardly_more_than_one_of_a_kilobyte(tmp_path: Path) -> None:
    short, long = (work(api(tmp_path / str(times)), "m", (answer("word"),), WORDS * times) for times in (20, 4000))
    assert long <= short * 1.1


def test_nor_is_one_that_is_signed_and_sent_as_two(tmp_path: Path) -> None:
    replies = (STREAM, said("word"), ALL_SAID)
    short, long = (work(zai(tmp_path / str(times)), "GLM-4.6", replies, WORDS * times) for times in (20, 4000))
    assert long <= short * 1.1
