"""An answer whose stream drops is read back from its site before it is called broken."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from addons.exchange.lost_answer import CameSoFar
from addons.exchange.read_back import PAUSES_S
from providers.contract.events import Citation, Event, Finish, Image, Reasoning, Text, Usage, Withdrawn
from providers.sandbox.zai.frames import data_frame
from tests.support.answers import ALL_SAID, STREAM, said
from tests.support.harness import House, is_quiet, zai
from tests.support.http1 import END, chunk
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

MODEL = "GLM-4.6"
BATCH = "POST /api/v1/chats/chat-1/messages/batch"
ALONE = "routing: {max_attempts: 1}\nretries: {enabled: false}"


class Keeping:
    """Z.AI, which goes on with an answer and keeps it: `texts` are what it has each time it is asked, the last for
    good."""

    def __init__(self, house: House, *texts: str, done: bool | None = True, reasoning: str = "") -> None:
        self.texts, self.done, self.reasoning = list(texts), done, reasoning
        self.asked: list[str] = []
        house.site.replies[BATCH] = self.keeps

    def keeps(self, request: httpx.Request) -> tuple[int, object]:
        (answer_id,) = json.loads(request.content)["ids"]
        self.asked.append(answer_id)
        last = len(self.texts) == 1
        text = self.texts[0] if last else self.texts.pop(0)
        blocks = [{"type": "reasoning", "content": self.reasoning}] if self.reasoning else []
        message: dict[str, Any] = {"role": "assistant", "content_blocks": [*blocks, {"type": "text", "content": text}]}
        if self.done is not None:
            message["done"] = self.done and last
        return 200, {"data": {answer_id: message}}


async def asks(house: House, **more: Any) -> Visit:
    return await house.visit().chats(MODEL, **more)


def thought(text: str) -> bytes:
    return chunk(data_frame({"delta_content": text, "phase": "thinking"}))


@pytest.mark.parametrize("ends", ["breaks", "early end", "broken HTTP"])
@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_the_rest_is_delivered(tmp_path: Path, stream: bool, ends: str) -> None:
    async with zai(tmp_path, ALONE) as house:
        site = Keeping(house, "Hello the", "Hello there, Ada!")
        visit = await asks(house, stream=stream)
        await visit.says(STREAM, said("Hello "), said("t"))
        match ends:
            case "breaks":
                await visit.breaks()
            case "early end":
                await visit.says(END)
            case _:
                await visit.says(b"this is no chunk\r\n")
        assert not (visit.got.complete if stream else visit.to_client)
        await house.pass_s(10)
        got = visit.got
        assert got.complete
        assert (got.text if stream else got.value["choices"][0]["message"]["content"]) == "Hello there, Ada!"
        assert site.asked == [json.loads(visit.asked().content)["id"]] * 2
        assert house.line.outcome == "ok"
        assert not [one for one in house.site.asked if "/stop/" in one.url.path]
        assert is_quiet(house)


@in_virtual_time
async def test_the_conversation_goes_on_behind_an_answer_that_was_read_back(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        Keeping(house, "Hello there!")
        visit = await asks(house)
        await visit.says(STREAM, said("Hello "))
        await visit.breaks()
        await house.pass_s(10)
        messages = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello there!"}]
        second = await asks(house, messages=[*messages, {"role": "user", "content": "And?"}])
        assert json.loads(second.asked().content)["current_user_message_parent_id"] is not None


@in_virtual_time
async def test_the_client_is_kept_waiting_with_comments(tmp_path: Path) -> None:
    async with zai(tmp_path, f"{ALONE}\ntimeouts: {{keepalive_s: 2}}") as house:
        Keeping(house, "Hello", "Hello", "Hello", "Hello there!")
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"))
        await visit.breaks()
        await house.pass_s(5)
        assert b": keep-alive" in visit.to_client
        assert not visit.got.complete
        await house.pass_s(5)
        assert visit.got.text == "Hello there!"


@in_virtual_time
async def test_a_silence_in_the_middle_is_a_loss_too(tmp_path: Path) -> None:
    async with zai(tmp_path, f"{ALONE}\ntimeouts: {{idle_s: 20}}") as house:
        Keeping(house, "Hello there!")
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"))
        await house.pass_s(25)
        assert visit.got.text == "Hello there!"
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_before_the_first_word_the_whole_is_delivered(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        Keeping(house, "Hello there!", reasoning="Hm.")
        visit = await asks(house)
        await visit.says(STREAM)
        await visit.breaks()
        await house.pass_s(5)
        assert visit.got.text == "Hello there!"
        assert "Hm." in visit.got.body.decode()
        assert len(visit.requests) == 1


@in_virtual_time
async def test_what_came_must_be_the_beginning(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        Keeping(house, "Good day!")
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"))
        await visit.breaks()
        await house.pass_s(5)
        assert visit.got.text == "Hello"
        assert "before its answer was complete" in visit.got.error["message"]
        assert house.line.outcome == "broken_off"
        assert is_quiet(house)


@pytest.mark.parametrize("reply", [(404, {}), (200, {}), (200, {"data": {}}), (200, b"<html>"), (500, {})])
@pytest.mark.parametrize("committed", [True, False])
@in_virtual_time
async def test_what_the_site_has_not_kept_stays_broken(tmp_path: Path, reply: Any, committed: bool) -> None:
    async with zai(tmp_path, ALONE) as house:
        house.site.replies[BATCH] = reply
        visit = await asks(house)
        await visit.says(STREAM, *([said("Hello")] if committed else []))
        await visit.breaks()
        await house.pass_s(sum(PAUSES_S) + 1)
        assert house.site.count(BATCH) == len(PAUSES_S)
        assert house.line.outcome == ("broken_off" if committed else "failed")
        assert visit.got.status == (200 if committed else 502)
        assert len([one for one in house.site.asked if "/stop/" in one.url.path]) == 1
        assert is_quiet(house)


@in_virtual_time
async def test_a_site_that_never_ends_is_asked_a_few_times(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        site = Keeping(house, "Hello", done=False)
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"))
        await visit.breaks()
        await house.pass_s(sum(PAUSES_S) + 60)
        assert len(site.asked) == len(PAUSES_S)
        assert house.line.outcome == "broken_off"


@in_virtual_time
async def test_without_a_mark_two_readings_that_are_alike_are_the_end(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        site = Keeping(house, "Hello", "Hello there", "Hello there!", done=None)
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"))
        await visit.breaks()
        await house.pass_s(15)
        assert visit.got.text == "Hello there!"
        assert len(site.asked) == 4


@in_virtual_time
async def test_an_error_of_the_sites_own_is_no_loss(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        site = Keeping(house, "Hello there!")
        visit = await asks(house)
        error = {"error": {"code": "INTERNAL_ERROR", "detail": "Oops"}, "done": True}
        await visit.says(STREAM, said("Hello"), chunk(data_frame(error)))
        await house.pass_s(5)
        assert site.asked == []
        assert house.line.outcome == "broken_off"


@in_virtual_time
async def test_who_leaves_meanwhile_is_not_waited_for(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        site = Keeping(house, "Hello", done=False)
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"))
        await visit.breaks()
        await house.pass_s(1)
        await visit.leaves()
        asked = len(site.asked)
        await house.pass_s(60)
        assert len(site.asked) == asked
        assert house.line.outcome == "client_left"
        assert [one.url.path for one in house.site.asked if "/stop/" in one.url.path]
        assert is_quiet(house)


@in_virtual_time
async def test_the_time_for_all_ends_it(tmp_path: Path) -> None:
    async with zai(tmp_path, f"{ALONE}\ntimeouts: {{total_s: 20}}") as house:
        Keeping(house, "Hello", done=False)
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"))
        await visit.breaks()
        await house.pass_s(21)
        assert house.line.outcome == "broken_off"
        assert is_quiet(house)


@in_virtual_time
async def test_limits_hold_for_the_rest_too(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        Keeping(house, "Hello there! Bye.")
        visit = await asks(house, stop=["re!"])
        await visit.says(STREAM, said("Hello the"))
        await visit.breaks()
        await house.pass_s(5)
        assert visit.got.text == "Hello the"
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_an_answer_that_came_whole_is_not_asked_for(tmp_path: Path) -> None:
    async with zai(tmp_path, ALONE) as house:
        site = Keeping(house, "Hello")
        visit = await asks(house)
        await visit.says(STREAM, said("Hello"), ALL_SAID)
        await visit.breaks()
        assert site.asked == []


# -- the rest, by itself ----------------------------------------------------------------------------------------------
CITED, PICTURE, COUNT, END_MARK = Citation("u", "t"), Image("https://a/b"), Usage(1, 2, 3), Finish("stop")


@pytest.mark.parametrize(
    ("came", "whole", "rest"),
    [
        ([], [Reasoning("r"), Text("ab"), END_MARK], [Reasoning("r"), Text("ab"), END_MARK]),
        ([Text("a")], [Text("a"), Text("b"), END_MARK], [Text("b"), END_MARK]),
        ([Text("ab")], [Text("ab"), END_MARK], [END_MARK]),
        ([Reasoning("r")], [Reasoning("rs"), Text("a"), END_MARK], [Reasoning("s"), Text("a"), END_MARK]),
        ([Reasoning("r")], [Text("a"), END_MARK], [Text("a"), END_MARK]),
        ([Reasoning("r"), Text("a")], [Reasoning("rs"), Text("ab"), END_MARK], [Text("b"), END_MARK]),
        ([Reasoning("x")], [Reasoning("r"), Text("a"), END_MARK], None),
        ([Text("b")], [Text("ab"), END_MARK], None),
        ([Text("abc")], [Text("ab"), END_MARK], None),
        ([Text("a")], [Text("ab")], None),
        ([Text("a"), PICTURE, CITED], [Text("a"), PICTURE, CITED, COUNT, END_MARK], [COUNT, END_MARK]),
        ([Text("x"), Withdrawn(), Text("a")], [Text("ab"), END_MARK], [Text("b"), END_MARK]),
    ],
)
def test_the_rest_of_an_answer(came: Sequence[Event], whole: Sequence[Event], rest: Sequence[Event] | None) -> None:
    so_far = CameSoFar()
    for event in came:
        so_far.add([event])
    assert so_far.rest(whole) == rest
