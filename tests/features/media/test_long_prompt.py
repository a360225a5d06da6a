"""Conversations too long for their site: the older part is a file, which the prompt names."""

import json
from pathlib import Path
from typing import Any

import pytest

from addons.features.media.long_prompt import parted
from providers.contract.chat import AttachedPart, Message, TextPart
from providers.qwen.data import INLINE_CHARS
from tests.features.media.test_secrets import BUCKET, Qwen
from tests.support.media import picture
from tests.support.virtual_time import in_virtual_time

FILE = AttachedPart("document", "conversation-1.txt", {"id": "1"})
CAT = AttachedPart("image", "cat.png", {"id": "2"})


def said(role: Any, size: int, mark: str = "x") -> Message:
    return Message(role, mark * size)


def test_a_short_conversation_stays_whole() -> None:
    assert parted([said("user", 50)], 100) is None


def test_the_newest_messages_and_short_instructions_stay() -> None:
    messages = [said("system", 10, "s"), said("user", 900, "a"), said("assistant", 300, "b"), said("user", 200, "c")]
    found = parted(messages, 1000)
    assert found is not None
    assert found.instructions == (messages[0],)
    assert found.newest == (messages[3],)
    assert found.text().startswith(b"[User]\naaa")
    assert b"[Assistant]\nbbb" in found.text()
    whole = found.with_file(FILE)
    assert [message.role for message in whole] == ["system", "user", "user"]
    assert "conversation-1.txt" in whole[1].text()


def test_a_newest_message_that_is_too_long_itself_goes_too() -> None:
    found = parted([said("system", 500), said("user", 5000)], 1000)
    assert found is not None
    assert (found.instructions, found.newest) == ((), ())
    (note,) = found.with_file(FILE)
    assert "answer that message" in note.text()


def test_pictures_of_what_goes_stay_in_the_chat() -> None:
    found = parted([said("system", 300), Message("user", (TextPart("x" * 5000), CAT)), said("user", 10)], 1000)
    assert found is not None
    assert b"(image: cat.png)" in found.text()
    assert found.with_file(FILE)[0].content == (TextPart(found.with_file(FILE)[0].text()), FILE, CAT)


def test_half_a_surrogate_is_no_fault() -> None:
    found = parted([said("user", 5000, "\ud83d"), said("user", 10)], 1000)
    assert found is not None
    assert found.text()


# -- in the gateway ---------------------------------------------------------------------------------------------------
class LongQwen(Qwen):
    def __init__(self, folder: Path, more: str) -> None:
        super().__init__(folder)
        self.house.more = more
        parsed = {"success": True, "data": [{"file_id": "f-1", "status": "success"}]}
        self.house.site.replies["POST /api/v2/files/parse"] = (200, {"success": True, "data": {}})
        self.house.site.replies["POST /api/v2/files/parse/status"] = (200, parsed)

    async def sends(self, *messages: dict[str, Any]) -> dict[str, Any]:
        """The message that the site is sent."""
        visit = await self.house.visit().asks({"model": "qwen-plus", "messages": messages, "stream": True})
        found: dict[str, Any] = json.loads(visit.asked().content)["messages"][0]
        return found


LONG = {"role": "user", "content": "word " * (INLINE_CHARS // 5 + 1)}
NEWEST = {"role": "user", "content": "What did I say?"}


@in_virtual_time
async def test_the_older_part_goes_as_a_file(tmp_path: Path) -> None:
    qwen = LongQwen(tmp_path, "features: {long_prompt_file: true}")
    async with qwen.house:
        message = await qwen.sends(LONG, {"role": "assistant", "content": "Yes."}, NEWEST)
        (put,) = qwen.stored
        assert put.url.path == BUCKET
        assert put.content.startswith(b"word word")
        (file,) = message["files"]
        assert file["name"].startswith("conversation-")
        assert file["name"] in message["content"]
        assert message["content"].endswith("[Assistant]\nYes.\n\n[User]\nWhat did I say?")
        assert len(message["content"]) < 1000


@in_virtual_time
async def test_with_a_picture_beside(tmp_path: Path) -> None:
    qwen = LongQwen(tmp_path, "features: {long_prompt_file: true}")
    async with qwen.house:
        message = await qwen.sends(LONG, {"role": "user", "content": [picture()]}, NEWEST)
        assert [file["type"] for file in message["files"]] == ["file", "image"]


@pytest.mark.parametrize(
    ("more", "messages"),
    [("", (LONG, NEWEST)), ("features: {long_prompt_file: true}", (NEWEST,))],
    ids=["not wanted", "short"],
)
@in_virtual_time
async def test_else_it_is_sent_as_it_is(tmp_path: Path, more: str, messages: tuple[dict[str, Any], ...]) -> None:
    qwen = LongQwen(tmp_path, more)
    async with qwen.house:
        message = await qwen.sends(*messages)
        assert message["files"] == []
        assert not qwen.stored
