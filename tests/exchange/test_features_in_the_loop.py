"""What a feature may ask of an attempt: calls of its own before it, and a second answer where the first is flawed."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

from addons.errors import GatewayError
from addons.features import chain
from addons.features.feature import Applied, Flaw, Served
from providers.contract.call import Call
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Text
from providers.contract.requests import ChatRequest, ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Moment, Steps
from tests.support.answers import ALL_SAID, STREAM, said
from tests.support.harness import House, is_quiet, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit


@dataclass
class Shouting:
    """A Feature: an answer must have no small letter in it."""

    checked: list[str] = field(default_factory=list)
    again: Callable[[], object] = lambda: None
    """Called when it is applied behind a flawed answer."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        if self.checked:
            self.again()
        return Applied(request, check=self)

    def passes(self, events: Sequence[Event]) -> bool:
        return False

    def flaw(self, events: Sequence[Event]) -> Flaw | None:
        text = "".join(event.text for event in events if isinstance(event, Text))
        self.checked.append(text)
        if text.isupper():
            return None
        error = ProviderError(ErrorKind.PROVIDER_DOWN, "the model does not shout.")
        return Flaw((Message("assistant", text), Message("user", "Louder!")), error)


class Uploading:
    """A Feature: puts the prompt into a file of the account's and names that instead."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        return Applied(request, steps=(self.upload,))

    def upload(self, request: ModelRequest, session: Session, moment: Moment) -> Steps[ModelRequest]:
        assert isinstance(request, ChatRequest)
        headers = (("authorization", "Bearer " + session.seal("token")),)
        answer = yield Call("POST", "http://127.0.0.1:1001/upload", headers, b"{}")
        if answer.status != 200:
            raise ProviderError(ErrorKind.PROVIDER_DOWN, "the file could not be uploaded.")
        return replace(request, messages=(Message("user", f"see {answer.body.decode()}"),))


@pytest.fixture
def shouting(monkeypatch: pytest.MonkeyPatch) -> Shouting:
    found = Shouting()
    monkeypatch.setattr(chain, "FEATURES", [*chain.FEATURES, found])
    return found


@pytest.fixture
def uploading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "FEATURES", [Uploading(), *chain.FEATURES])


def prompt(visit: Visit) -> str:
    """What the site was asked last."""
    body: dict[str, Any] = json.loads(visit.asked().content)
    return str(body["messages"][-1]["content"])


# -- an answer that is checked ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_an_answer_that_passes_is_given_out_whole(tmp_path: Path, shouting: Shouting, stream: bool) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", stream=stream)
        await visit.says(STREAM, said("HEL"))
        assert not visit.to_client
        await visit.says(said("LO"), ALL_SAID)
        got = visit.got
        assert got.complete
        assert (got.text if stream else got.value["choices"][0]["message"]["content"]) == "HELLO"
        assert shouting.checked == ["HELLO"]
        assert len(visit.requests) == 1


@in_virtual_time
async def test_a_raw_prompt_that_is_asked_as_a_chat_is_asked_once_more_too(tmp_path: Path, shouting: Shouting) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().asks({"model": "GLM-4.6", "prompt": "Hello"}, "/v1/completions")
        await visit.says(STREAM, said("hello"), ALL_SAID)
        assert "Louder!" in prompt(visit)
        await visit.says(STREAM, said("HELLO"), ALL_SAID)
        assert visit.got.value["choices"][0]["text"] == "HELLO"


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_flawed_answer_is_asked_for_once_more_at_the_same_account(
    tmp_path: Path, shouting: Shouting, stream: bool
) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", stream=stream, **with_usage(stream))
        await visit.says(STREAM, said("hello"), ALL_SAID)
        assert not visit.to_client
        assert "Louder!" in prompt(visit)
        assert "hello" in prompt(visit)
        await visit.says(STREAM, said("HELLO"), ALL_SAID)
        got = visit.got
        assert got.complete
        assert (got.text if stream else got.value["choices"][0]["message"]["content"]) == "HELLO"
        assert got.headers["x-glassgate-attempts"] == "2"
        asked = {request.headers["authorization"] for request in visit.requests}
        assert len(asked) == 1
        usage = got.frames[-2]["usage"] if stream else got.value["usage"]
        assert usage["completion_tokens"] == 4  # two for each answer
        assert house.lines[-1].outcome == "ok"
        assert house.lines[-1].completion_tokens == 4


def with_usage(stream: bool) -> dict[str, Any]:
    return {"stream_options": {"include_usage": True}} if stream else {}


@in_virtual_time
async def test_a_second_flaw_is_told_and_no_account_suffers(tmp_path: Path, shouting: Shouting) -> None:
    async with zai(tmp_path) as house:
        for _ in range(8):  # a breaker would open
            visit = await house.visit().chats("GLM-4.6", stream=False)
            await visit.says(STREAM, said("hello"), ALL_SAID)
            await visit.says(STREAM, said("hello?"), ALL_SAID)
            assert visit.got.status == 502
            assert "does not shout" in visit.got.error["message"]
            assert len(visit.requests) == 2
        assert house.lines[-1].outcome == "failed"


@in_virtual_time
async def test_who_waits_for_a_checked_stream_is_kept_alive_and_told_in_it(tmp_path: Path, shouting: Shouting) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6")
        await visit.says(STREAM, said("hel"))
        await house.pass_s(16)
        assert b": keep-alive" in visit.to_client
        await visit.says(said("lo"), ALL_SAID)
        assert len(visit.requests) == 2
        await visit.says(STREAM, said("hello?"), ALL_SAID)
        got = visit.got
        assert got.status == 200
        assert got.complete
        assert "does not shout" in got.error["message"]
        assert not got.frames[:-1]
        assert len(visit.requests) == 2
        assert house.lines[-1].outcome == "broken_off"


@in_virtual_time
async def test_who_was_kept_waiting_gets_the_better_answer(tmp_path: Path, shouting: Shouting) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6")
        await visit.says(STREAM, said("hel"))
        await house.pass_s(16)
        await visit.says(said("lo"), ALL_SAID)
        await visit.says(STREAM, said("HELLO"), ALL_SAID)
        got = visit.got
        assert got.status == 200
        assert got.complete
        assert got.text == "HELLO"
        assert visit.to_client.count(b"HTTP/1.1 200") == 1
        assert house.lines[-1].outcome == "ok"


@in_virtual_time
async def test_a_second_answer_that_breaks_off_is_told_in_the_stream(tmp_path: Path, shouting: Shouting) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6")
        await visit.says(STREAM, said("hel"))
        await house.pass_s(16)
        await visit.says(said("lo"), ALL_SAID)
        await visit.says(STREAM, said("HE"))
        await visit.breaks()
        await house.pass_s(40)  # the site has not kept it either
        got = visit.got
        assert got.complete
        assert got.error
        assert len(visit.requests) == 2


@in_virtual_time
async def test_a_provider_that_falls_silent_is_not_waited_for_while_its_answer_is_held(
    tmp_path: Path, shouting: Shouting
) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6")
        await visit.says(STREAM, said("hel"))
        await house.pass_s(300)
        assert "fell silent" in visit.got.error["message"]


@in_virtual_time
async def test_a_client_that_leaves_between_two_answers_leaves_nothing(tmp_path: Path, shouting: Shouting) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6")
        await visit.says(STREAM, said("hello"), ALL_SAID)
        await visit.leaves()
        assert house.lines[-1].outcome == "client_left"
        assert not house.gate.exchanges


# -- what ends the request while it is asked for once more ------------------------------------------------------------
@dataclass
class Kept:
    """A client that was kept alive, while the site takes its time to make the chat of a second answer."""

    house: House
    visit: Visit

    async def is_asked_again(self) -> None:
        await self.visit.says(STREAM, said("hel"))
        await self.house.pass_s(16)
        self.house.site.replies["POST /api/v1/chats/new"] = self.never
        await self.visit.says(said("lo"), ALL_SAID)

    async def never(self, request: httpx.Request) -> tuple[int, object]:
        await asyncio.Event().wait()
        return 200, {}

    def was_told(self, code: str) -> None:
        got, line = self.visit.got, self.house.lines[-1]
        assert got.complete
        assert got.error["code"] == code
        assert (line.status, line.outcome, line.error_code) == (200, "broken_off", code)
        assert is_quiet(self.house)


@in_virtual_time
async def test_who_stops_it_between_two_answers_is_told_in_the_stream(tmp_path: Path, shouting: Shouting) -> None:
    async with zai(tmp_path) as house:
        kept = Kept(house, await house.visit().chats("GLM-4.6"))
        await kept.is_asked_again()
        for exchange in house.gate.exchanges:
            exchange.stop(GatewayError(503, "the gateway ends", code="shutting_down"))
        await house.settle()
        kept.was_told("shutting_down")


@in_virtual_time
async def test_a_fault_of_the_gateway_between_two_answers_is_told_in_the_stream(
    tmp_path: Path, shouting: Shouting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with zai(tmp_path) as house:
        kept = Kept(house, await house.visit().chats("GLM-4.6"))
        monkeypatch.setattr(shouting, "again", Mock(side_effect=RuntimeError("a feature's fault")))
        await kept.is_asked_again()
        kept.was_told("internal_error")


# -- calls of its own -------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_features_calls_come_before_the_providers_own(tmp_path: Path, uploading: None) -> None:
    async with zai(tmp_path) as house:
        house.site.replies["POST /upload"] = (200, b"file-1")
        visit = await house.visit().chats("GLM-4.6")
        paths = [request.url.path for request in house.site.asked]
        assert paths.index("/upload") < paths.index("/api/v1/chats/new")
        assert prompt(visit) == "see file-1"
        assert house.site.asked[paths.index("/upload")].headers["authorization"].startswith("Bearer eyJ")


@in_virtual_time
async def test_a_feature_that_fails_is_told(tmp_path: Path, uploading: None) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6")
        await house.pass_s(30)
        assert "could not be uploaded" in visit.got.error["message"]
        assert not visit.requests
