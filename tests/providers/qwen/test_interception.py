"""What Qwen's site says in the place of an answer whose call it took for one of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish, Text
from providers.qwen.data import OWN_TOOLS_OFF
from providers.qwen.decoder import DecoderOptions, QwenDecoder
from providers.qwen.interception import InterceptedCalls
from tests.providers.qwen.accounts import CHAT_ID, jwt
from tests.support.answers import STREAM
from tests.support.harness import House
from tests.support.http1 import END, chunk
from tests.support.virtual_time import in_virtual_time

SENTENCE = "Tool Bash does not exists."
NEAR = st.sampled_from(
    ["Tool ", "Tool", "T", "To", "Bash", " does not exists", ".", " ", "x", "Tool Tool ", "\n", "does "]
)


def given_out(*pieces: str) -> tuple[str, bool]:
    """What goes on of an answer, and whether the sentence was found."""
    calls = InterceptedCalls()
    text = "".join(calls.feed(piece) for piece in pieces) + calls.rest()
    return text, calls.found


@pytest.mark.parametrize("cut", range(1, len(SENTENCE)))
@pytest.mark.parametrize("before", ["", "Let me look. ", "Tool ", "T"])
def test_it_is_found_however_it_comes(before: str, cut: int) -> None:
    text = before + SENTENCE + "Tool Read does not exists."
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    assert given_out(*pieces) == (before, True)


@pytest.mark.parametrize(
    "text",
    ["Tool X does not exist.", "Tools", "Tool a b does not exists.", f"Tool {'x' * 129} does not exists.", "Tool "],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert given_out(*text) == (text, False)


@given(st.lists(st.one_of(NEAR, st.text(max_size=4)), max_size=12))
def test_how_an_answer_is_cut_makes_no_difference(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert given_out(*pieces) == given_out(whole) == given_out(*whole)
    text, found = given_out(whole)
    assert whole.startswith(text) if found else whole == text


# -- in an answer ------------------------------------------------------------------------------------------------------
def said(content: str, status: str = "typing") -> bytes:
    delta = {"role": "assistant", "content": content, "phase": "answer", "status": status}
    return event({"choices": [{"delta": delta}]})


def event(value: object) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def read(*pieces: bytes, tools: bool = True) -> list[Event]:
    decoder = QwenDecoder(DecoderOptions(tools=tools))
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def failure(events: list[Event]) -> Any:
    assert not [event for event in events if isinstance(event, Text | Finish)]
    (found,) = [event for event in events if isinstance(event, Failure)]
    return found.error


@pytest.mark.parametrize(
    "pieces",
    [
        (said(SENTENCE), said("", "finished")),
        (said("Tool Bash does"), said(" not exists.Tool Read does not exists."), said("", "finished")),
        (said("Tool"), said("Tool Ba"), said("Tool Bash does"), said(SENTENCE), said("", "finished")),
        (said(SENTENCE, "finished"),),
    ],
    ids=["one piece", "two", "snapshots", "at the end"],
)
def test_it_is_a_failure_and_no_answer(pieces: tuple[bytes, ...]) -> None:
    error = failure(read(*pieces))
    assert (error.kind, error.site_code) == (ErrorKind.CONVERSATION_GONE, "tool_intercepted")
    assert "Bash" not in error.message


def test_an_answer_in_one_piece_too() -> None:
    message = {"role": "assistant", "content": SENTENCE}
    body = event({"success": True, "data": {"choices": [{"message": message}]}})
    assert failure(read(body)).site_code == "tool_intercepted"


def test_without_tools_of_the_clients_they_are_words() -> None:
    events = read(said(SENTENCE), said("", "finished"), tools=False)
    assert [event.text for event in events if isinstance(event, Text)] == [SENTENCE]


# -- in a gateway ------------------------------------------------------------------------------------------------------
QWEN = "\n  qwen: {type: qwen, base_url: 'http://127.0.0.1:1001', auth_url: 'http://127.0.0.1:1001', accounts: [a]}\n"
BASH = {"type": "function", "function": {"name": "Bash", "parameters": {"type": "object"}}}


def chunks(*pieces: bytes) -> bytes:
    return b"".join(map(chunk, pieces))


def qwen(folder: Path) -> House:
    """A gateway with a person's session at Qwen, which makes chats."""
    house = House(folder, QWEN, {("qwen", "a"): {"token": jwt(id="user-1", exp=2_000_000_000)}})
    house.site.replies["POST /api/v2/chats/new"] = (200, {"success": True, "data": {"id": CHAT_ID}})
    return house


@in_virtual_time
async def test_it_is_asked_once_more_in_a_new_chat(tmp_path: Path) -> None:
    async with qwen(tmp_path) as house:
        visit = await house.visit().chats("qwen-max", tools=[BASH])
        await visit.says(STREAM, chunks(said(SENTENCE), said("", "finished")), END)
        assert not visit.to_client
        await visit.says(STREAM, chunks(said("It is done."), said("", "finished")), END)
        assert visit.got.text == "It is done."
        assert house.site.count("POST /api/v2/chats/new") == 2


@in_virtual_time
async def test_a_second_time_it_is_told(tmp_path: Path) -> None:
    async with qwen(tmp_path) as house:
        for _ in range(6):  # a breaker would open
            visit = await house.visit().chats("qwen-max", stream=False, tools=[BASH])
            for _ in range(2):
                await visit.says(STREAM, chunks(said(SENTENCE), said("", "finished")), END)
            assert (visit.got.status, len(visit.requests)) == (502, 2)
            assert "one of its own tools" in visit.got.error["message"]


@in_virtual_time
async def test_behind_words_that_are_out_it_ends_the_answer(tmp_path: Path) -> None:
    async with qwen(tmp_path) as house:
        visit = await house.visit().chats("qwen-max", tools=[BASH])
        await visit.says(STREAM, chunks(said("Let me see. "), said(SENTENCE), said("", "finished")), END)
        assert visit.got.text == "Let me see. "
        assert "one of its own tools" in visit.got.error["message"]


@in_virtual_time
async def test_the_site_is_asked_to_run_no_tools_of_its_own(tmp_path: Path) -> None:
    async with qwen(tmp_path) as house:
        plain = await house.visit().chats("qwen-max")
        told = await house.visit().chats("qwen-max", tools=[BASH])
        features = [json.loads(visit.asked().content)["messages"][0]["feature_config"] for visit in (plain, told)]
        assert features[1] == features[0] | OWN_TOOLS_OFF
        assert not OWN_TOOLS_OFF.keys() & features[0].keys()
        words = json.loads(told.asked().content)["messages"][0]["content"]
        assert '{"name":"shell_run","description":"(elsewhere called Bash)"' in words
