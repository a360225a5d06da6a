"""Random trees of conversations against a site that keeps chats as Z.AI does: what the chat of an answer holds is what
the client's messages say, whatever is forked, edited, sent again, asked at the same time, by whom, and lost there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.contract.chat import Message
from providers.shared.flatten import flatten
from tests.support.answers import ALL_SAID, STREAM, said, whole
from tests.support.harness import House, is_quiet, zai
from tests.support.virtual_time import run_virtual
from tests.support.visit import KEY, Visit

KEYS = (KEY, "sk-other-0123456789abcdef0123456789abcdef")
WORDS = ("Hello", "And?", "No.")
"""Few, so that conversations that have nothing to do with each other say the same."""

type Said = tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Turn:
    """What a site has of one turn: the user's text and the answer, behind a parent."""

    parent: str | None
    prompt: str
    answer: str


@dataclass
class Chat:
    owner: str
    turns: dict[str, Turn] = field(default_factory=dict)
    busy: bool = False

    def seen(self, parent: str | None) -> list[str]:
        """What the model sees before a new turn: prompts and answers, in turn."""
        found: list[str] = []
        while parent is not None:
            turn = self.turns[parent]
            found[:0] = [turn.prompt, turn.answer]
            parent = turn.parent
        return found


@dataclass
class Asked:
    """A request under way: what the client says, and the turn the site was asked for."""

    key: str
    messages: Said
    visit: Visit
    seen: int = 0
    """Requests to the site that were judged."""


@dataclass
class World:
    """The gateway, its clients, and the site."""

    house: House
    chats: dict[str, Chat] = field(default_factory=dict)
    known: list[tuple[str, Said]] = field(default_factory=list)
    """Conversations that were answered, with the key they belong to."""
    open: list[Asked] = field(default_factory=list)
    continued: int = 0

    # -- clients ---------------------------------------------------------------------------------------------------
    async def ask(self, key: str, messages: Said) -> None:
        body = {"model": "GLM-4.6", "messages": messages, "stream": True}
        asked = Asked(key, messages, await self.house.visit().asks(body, authorization=f"Bearer {key}"))
        self.open.append(asked)
        await self.judge(asked)

    async def extend(self, pick: int, words: str) -> None:
        if self.known:
            key, messages = self.known[pick % len(self.known)]
            await self.ask(key, (*messages, {"role": "user", "content": words}))

    async def edit(self, pick: int, at: int, words: str) -> None:
        """A client changes one of its messages, or of the model's, and goes on."""
        if self.known:
            key, messages = self.known[pick % len(self.known)]
            at %= len(messages)
            changed = (*messages[:at], {**messages[at], "content": words}, *messages[at + 1 :])
            await self.ask(key, (*changed, {"role": "user", "content": words}))

    async def borrow(self, pick: int, words: str) -> None:
        """Another client says the same."""
        if self.known:
            key, messages = self.known[pick % len(self.known)]
            other = KEYS[1 - KEYS.index(key)]
            await self.ask(other, (*messages, {"role": "user", "content": words}))

    # -- the site --------------------------------------------------------------------------------------------------
    async def judge(self, asked: Asked) -> None:
        """Looks at what the site was sent last for a request; refuses it where there is no such chat or parent."""
        visit = asked.visit
        while len(visit.requests) > asked.seen:
            asked.seen = len(visit.requests)
            body, owner = self.body(visit), visit.asked().headers["authorization"]
            chat_id, parent = body["chat_id"], body["current_user_message_parent_id"]
            chat = self.chats.setdefault(chat_id, Chat(owner)) if parent is None else self.chats.get(chat_id)
            if chat is None or (parent is not None and parent not in chat.turns):
                await visit.says(whole(404, {"detail": "Not Found"}))
                continue
            assert chat.owner == owner, "an account's chat was asked for by another"
            assert not chat.busy, "two turns at once in one chat"
            assert parent is None or parent == next(reversed(chat.turns)), "a turn behind another than the newest"
            self.continued += parent is not None
            whose = {key for key, _ in self.known_of(chat)}
            assert whose <= {asked.key}, "two client keys share a chat"
            assert says([*chat.seen(parent), body["messages"][0]["content"]], asked.messages)
            chat.busy = True
            self.owners.setdefault(chat_id, set()).add(asked.key)

    owners: dict[str, set[str]] = field(default_factory=dict)
    """Chat → the client keys it was used for."""

    def known_of(self, chat: Chat) -> list[tuple[str, None]]:
        return [(key, None) for chat_id, keys in self.owners.items() if self.chats.get(chat_id) is chat for key in keys]

    async def answer(self, pick: int, words: str) -> None:
        """The site answers one of those who wait."""
        if not self.open:
            return
        asked = self.open.pop(pick % len(self.open))
        body = self.body(asked.visit)
        await asked.visit.says(STREAM, said(words), ALL_SAID)
        assert asked.visit.got.complete
        assert asked.visit.got.text == words
        chat = self.chats.get(body["chat_id"])
        if chat is not None:
            turn = Turn(body["current_user_message_parent_id"], body["messages"][0]["content"], words)
            chat.turns[body["id"]], chat.busy = turn, False
        self.known.append((asked.key, (*asked.messages, {"role": "assistant", "content": words})))

    async def fail(self, pick: int) -> None:
        """The site refuses one that waits; it is asked again, or the client is told."""
        if not self.open:
            return
        asked = self.open[pick % len(self.open)]
        self.let_go(asked)
        await asked.visit.says(whole(500, {"detail": "no"}))
        await self.judge(asked)
        if asked.visit.to_client:
            self.open.remove(asked)

    async def leave(self, pick: int) -> None:
        if self.open:
            asked = self.open.pop(pick % len(self.open))
            self.let_go(asked)
            await asked.visit.leaves()

    def let_go(self, asked: Asked) -> None:
        if (chat := self.chats.get(self.body(asked.visit)["chat_id"])) is not None:
            chat.busy = False

    async def lose(self, pick: int) -> None:
        """A chat is deleted at the site, by its person."""
        idle = [chat_id for chat_id, chat in self.chats.items() if not chat.busy]
        if idle:
            del self.chats[idle[pick % len(idle)]]

    @staticmethod
    def body(visit: Visit) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(visit.asked().content)
        return found


def says(seen: Sequence[str], messages: Said) -> bool:
    """Whether what a model sees (prompts and answers in turn) is what the client's messages say."""
    left = [Message("assistant" if one["role"] == "assistant" else "user", one["content"]) for one in messages]
    turns = list(seen[2::2])
    answers = list(seen[1::2])
    for prompt, answer in zip(reversed(turns), reversed(answers), strict=True):
        if len(left) < 2 or flatten([left.pop()]) != prompt:
            return False
        if left[-1].role != "assistant" or left.pop().content != answer:
            return False
    return flatten(left) == seen[0]


NUMBERS = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(KEYS), st.sampled_from(WORDS).map(lambda words: (user(words),))),
    *[st.tuples(st.just("extend"), NUMBERS, st.sampled_from(WORDS)) for _ in range(3)],
    st.tuples(st.just("edit"), NUMBERS, NUMBERS, st.sampled_from(WORDS)),
    st.tuples(st.just("borrow"), NUMBERS, st.sampled_from(WORDS)),
    *[st.tuples(st.just("answer"), NUMBERS, st.sampled_from(WORDS)) for _ in range(4)],
    st.tuples(st.just("fail"), NUMBERS),
    st.tuples(st.just("leave"), NUMBERS),
    st.tuples(st.just("lose"), NUMBERS),
)
ROOM = (
    "accounts: {max_concurrent: 50}\ncooldown: {enabled: false}\nbreaker: {enabled: false}\nretries: {enabled: false}"
)


def user(words: str) -> dict[str, str]:
    return {"role": "user", "content": words}


@given(st.lists(STEPS, min_size=12, max_size=40))
@settings(max_examples=12, deadline=None)
def test_a_chat_holds_what_its_client_says(steps: list[tuple[Any, ...]]) -> None:
    run(steps)


def test_the_trees_do_go_on_in_their_chats() -> None:
    """The test above would hold for a gateway that never goes on in a chat."""
    hello: list[tuple[Any, ...]] = [("ask", KEY, (user("Hello"),)), ("answer", 0, "No.")]
    turns = [step for number in range(6) for step in (("extend", number, "And?"), ("answer", 0, "Hello"))]
    assert run([*hello, *turns]).continued == 6
    assert (
        run([*hello, ("extend", 0, "And?"), ("extend", 0, "And?"), ("answer", 0, "a"), ("answer", 0, "b")]).continued
        == 1
    )


def run(steps: Sequence[tuple[Any, ...]]) -> World:
    """What has become of it all after these steps."""

    async def all_steps(folder: Path) -> World:
        async with zai(folder, ROOM) as house:
            house.write(tokens=str(list(KEYS)))
            await house.pass_s(3)
            world = World(house)
            for name, *arguments in steps:
                await getattr(world, name)(*arguments)
            while world.open:
                await world.answer(0, "Yes.")
            assert is_quiet(house)
            return world

    with TemporaryDirectory() as folder:
        return run_virtual(all_steps(Path(folder)))
