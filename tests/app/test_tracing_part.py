"""Spans of a running gateway's requests: off unless they are wanted, contexts taken and passed on only by setting."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from addons.app import tracing_part
from addons.app.tracing_part import MISSING
from addons.telemetry.tracing import Tracer
from tests.support.answers import DONE, FINISH, STREAM, word
from tests.support.harness import House, api, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY

TRACE = "a" * 32
PARENT = f"00-{TRACE}-{'b' * 16}-01"
AT = "http://127.0.0.1:4318"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    found = InMemorySpanExporter()
    monkeypatch.setattr(tracing_part.TracingPart.__init__, "__defaults__", (lambda endpoint: Tracer(endpoint, found),))
    return found


def spans(house: House, exporter: InMemorySpanExporter) -> list[Any]:
    part = next(one for one in house.gate._process._optional if isinstance(one, tracing_part.TracingPart))
    assert part._tracer
    part._tracer._provider.force_flush()
    return list(exporter.get_finished_spans())


async def _later(reply: Any, request: httpx.Request) -> Any:
    await asyncio.sleep(0.5)
    return reply(request) if callable(reply) else reply


@in_virtual_time
async def test_a_chat_and_its_steps_are_told_without_a_word_of_them(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    async with zai(tmp_path, f"tracing: {{endpoint: '{AT}'}}\n") as house:
        visit = await house.visit().chats("GLM-4.6", metadata={"secret": "of-the-client"})
        await house.pass_s(1)
        await visit.leaves()
        await house.settle()
        own = spans(house, exporter)[0]
        assert own.name == "chat GLM-4.6"
        assert own.attributes["glassgate.outcome"] == "client_left"
        assert own.attributes["error.type"] == "client_left"
        told = " ".join(one.to_json() for one in spans(house, exporter))
        assert "Hello" not in told
        assert "of-the-client" not in told
        assert KEY not in told


@in_virtual_time
async def test_preparing_calls_have_their_span(tmp_path: Path, exporter: InMemorySpanExporter) -> None:
    async with zai(tmp_path, f"tracing: {{endpoint: '{AT}'}}\n") as house:
        for path in house.site.replies:
            house.site.replies[path] = partial(_later, house.site.replies[path])
        visit = await house.visit().chats("GLM-4.6")
        await house.pass_s(5)
        await visit.leaves()
        (prepare,) = (one for one in spans(house, exporter) if one.name == "prepare")
        assert (prepare.end_time - prepare.start_time) / 1e9 >= 0.5


@pytest.mark.parametrize("takes", [False, True])
@pytest.mark.parametrize("passes", [False, True])
@in_virtual_time
async def test_contexts_are_taken_and_passed_on_by_setting(
    tmp_path: Path, exporter: InMemorySpanExporter, takes: bool, passes: bool
) -> None:
    settings = {"endpoint": AT, "take_context": takes, "pass_context": passes}
    async with api(tmp_path, f"tracing: {json.dumps(settings)}\n") as house:
        visit = await house.visit().asks(
            {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}, traceparent=PARENT
        )
        await visit.says(STREAM, word("Good day"), FINISH, DONE)
        own, attempt = spans(house, exporter)
        assert (f"{own.context.trace_id:032x}" == TRACE) is takes
        assert attempt.parent.span_id == own.context.span_id
        assert attempt.attributes["server.port"] == 1002
        sent = visit.requests[-1].headers.get("traceparent")
        theirs = f"00-{own.context.trace_id:032x}-{attempt.context.span_id:016x}-01"
        assert sent == (theirs if passes else None)


@in_virtual_time
async def test_a_wait_for_a_turn_has_its_span_and_refusals_at_the_door_have_none(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    async with api(tmp_path, f"tracing: {{endpoint: '{AT}'}}\naccounts: {{max_concurrent: 1}}\n") as house:
        visits = [await house.visit().chats("m") for _ in range(3)]
        await house.pass_s(2)
        await house.visit().asks({}, authorization="Bearer sk-wrong")
        for visit in visits[:2]:
            await visit.says(STREAM, word("Good"), FINISH, DONE)
        await visits[2].says(STREAM, word("Good"), FINISH, DONE)
        found = spans(house, exporter)
        assert sorted(one.name for one in found) == ["chat m"] * 6 + ["queue"]
        (queue,) = (one for one in found if one.name == "queue")
        assert round((queue.end_time - queue.start_time) / 1e9) == 2


@in_virtual_time
async def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(endpoint: str) -> Tracer:
        raise ImportError("opentelemetry")

    monkeypatch.setattr(tracing_part.TracingPart.__init__, "__defaults__", (missing,))
    async with api(tmp_path, f"tracing: {{endpoint: '{AT}'}}\n") as house:
        health = (await house.visit().asks(None, "/healthz", "GET")).got.value
        assert (health["status"], health["problem"]) == ("degraded", MISSING)
        assert MISSING in house.said
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good"), FINISH, DONE)
        assert visit.got.text == "Good"
        house.write(more="")
        await house.pass_s(5)
        assert (await house.visit().asks(None, "/healthz", "GET")).got.value["status"] == "ok"


@in_virtual_time
async def test_a_collector_that_is_away_is_noted_once(tmp_path: Path, exporter: InMemorySpanExporter) -> None:
    async with api(tmp_path, f"tracing: {{endpoint: '{AT}'}}\n") as house:
        exporter.export = lambda spans: 1 / 0  # type: ignore[assignment,method-assign,return-value]
        for _ in range(2):
            visit = await house.visit().chats("m")
            await visit.says(STREAM, word("Good"), FINISH, DONE)
            spans(house, exporter)
            await house.pass_s(5)
        assert [said for said in house.said if "spans cannot be sent to 127.0.0.1" in said] == [
            "spans cannot be sent to 127.0.0.1 (tracing.endpoint); they are dropped meanwhile"
        ]
        assert (await house.visit().asks(None, "/healthz", "GET")).got.value["status"] == "degraded"
        del exporter.export
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good"), FINISH, DONE)
        spans(house, exporter)
        await house.pass_s(5)
        assert house.said[-1].startswith("spans are sent to 127.0.0.1 again")
