"""Odd answers of official APIs, each through a gateway: what the client gets, and that nobody is blamed."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.sandbox.server import Wire
from tests.support.faulty import BEGUN, PATIENT, ask, asking, read, served
from tests.support.hostile import (
    CHUNKED,
    DONE,
    END,
    STREAM,
    TEXT,
    Hostile,
    Program,
    chunk,
    framed,
    head,
    sends,
)
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

SAID = chunk(TEXT) + chunk(finish="stop")
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n'


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites((), own={"hostile": Hostile()}) as running:
        yield running


@pytest.fixture
def site(sites: Sites) -> Hostile:
    found: Hostile = sites.site("hostile")
    return found


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("official")
    rest = NO_REST | {"breaker": {"failures": 1}}
    with served(folder, sites, timeouts=PATIENT, **rest) as running:
        yield running


def commenting(start: bytes) -> Program:
    """Comments for ever behind `start`."""

    async def program(wire: Wire) -> None:
        await wire.raw(start)
        for _ in range(200):
            await wire.pause(0.1)
            await wire.raw(framed(b": still here\n\n"))

    return program


WHOLE = json.dumps(
    {"choices": [{"index": 0, "message": {"content": TEXT}, "finish_reason": "stop"}], "id": "gen-1"}
).encode()
ENDS: list[Any] = [
    pytest.param(sends(head(CHUNKED) + framed(SAID), then="silence"), id="the connection lingers"),
    pytest.param(commenting(head(CHUNKED) + framed(SAID)), id="comments go on"),
    pytest.param(sends(head(CHUNKED) + framed(SAID), then="close"), id="no last chunk"),
    pytest.param(sends(head(CHUNKED) + framed(SAID), then="reset"), id="reset"),
    pytest.param(sends(head("content-length: 9999") + SAID, then="close"), id="length too long"),
    pytest.param(sends(head(CHUNKED, kind="application/json") + framed(WHOLE), then="silence"), id="whole, lingering"),
    pytest.param(
        sends(head(CHUNKED, kind="application/json") + framed(WHOLE), then="close"), id="whole, no last chunk"
    ),
    pytest.param(sends(head(CHUNKED, kind="application/json") + framed(WHOLE), then="reset"), id="whole, reset"),
    pytest.param(
        sends(head("content-length: 9999", kind="application/json") + WHOLE, then="close"), id="whole, length too long"
    ),
    pytest.param(sends(head(CHUNKED) + framed(WHOLE + b"\n\n"), then="silence"), id="whole as a stream, lingering"),
    pytest.param(
        sends(head(CHUNKED, kind="application/json") + framed(SAID), then="silence"), id="a stream as JSON, lingering"
    ),
    pytest.param(sends(head() + SAID, then="close"), id="neither length nor chunks"),
    pytest.param(
        sends(head(CHUNKED) + framed(SAID + b'data: {"choices":[],"usa'), then="reset"), id="cut in the usage"
    ),
]


@pytest.mark.parametrize("program", ENDS)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_an_answer_of_which_all_was_said_ends_well_and_blames_nobody(
    gateway: Served, site: Hostile, program: Program, stream: bool
) -> None:
    site.programs["p"] = program
    answer = ask(gateway, "p", stream=stream)
    if stream:
        assert read(answer) == (TEXT, "done")
    else:
        assert answer.json()["choices"][0]["message"]["content"] == TEXT
    assert read(ask(gateway, "well")) == (TEXT, "done"), "the breaker opens at the first failure"


def test_usage_behind_the_end_is_waited_for(gateway: Served, site: Hostile) -> None:
    async def program(wire: Wire) -> None:
        await wire.raw(head(CHUNKED) + framed(SAID))
        await wire.pause(0.3)
        await wire.raw(framed(USAGE))
        await wire.wait_gone()

    site.programs["p"] = program
    answer = ask(gateway, "p", stream=False)
    assert json.loads(answer.content)["usage"]["total_tokens"] == 10


@pytest.mark.parametrize(
    "first",
    [
        {"audio": {"id": "a", "data": "AA"}},
        {"refusal": "I "},
        {"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
        {"vendor_field": {"x": 1}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_any_delta_is_passed_on_at_once(gateway: Served, site: Hostile, first: dict[str, Any]) -> None:
    """The site says nothing more until the client has hung up: without the delta it would wait for ever."""
    frame = {"choices": [{"index": 0, "delta": {"role": "assistant", **first}, "finish_reason": None}]}
    opening = head(CHUNKED) + framed(b"data: " + json.dumps(frame).encode() + b"\n\n")
    site.programs["p"] = sends(opening, then="silence")
    with gateway.stream(asking("p")) as answer:
        for line in answer.iter_lines():
            if next(iter(first)) in line:
                break
        else:
            pytest.fail("the delta never came")


@pytest.mark.parametrize(
    "opening",
    [
        head(CHUNKED, status="201 Created"),
        head(CHUNKED, status="202 Accepted"),
        head(CHUNKED, status="203 Non-Authoritative"),
        head(CHUNKED, status="206 Partial Content"),
        head(CHUNKED, status="299 Odd"),
        head(CHUNKED, kind="application/json"),
        head(CHUNKED, kind="text/html; charset=utf-8"),
        head(CHUNKED, kind="application/octet-stream"),
    ],
    ids=["201", "202", "203", "206", "299", "json", "html", "octets"],
)
def test_any_good_status_and_type_will_do(gateway: Served, site: Hostile, opening: bytes) -> None:
    site.programs["p"] = sends(opening + framed(STREAM) + END)
    assert read(ask(gateway, "p")) == (TEXT, "done")


def refusal(status: str, body: Any) -> Program:
    raw = json.dumps(body).encode()
    return sends(head(f"content-length: {len(raw)}", status=status, kind="application/json") + raw)


def counting(name: str) -> dict[str, Any]:
    """A request that asks for usage, which not every API can be asked for."""
    return asking(name) | {"stream_options": {"include_usage": True}}


EXTRA = {"message": {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}}


def test_a_refusal_of_what_the_gateway_added_is_mended_for_all_who_asked_meanwhile(
    gateway: Served, site: Hostile
) -> None:
    came: list[bool] = []
    both = asyncio.Event()

    async def program(wire: Wire) -> None:
        came.append(True)
        if len(came) > 2:
            await sends(head(CHUNKED) + framed(STREAM) + END)(wire)
            return
        if len(came) == 2:
            both.set()
        await both.wait()
        await refusal("422 No", EXTRA)(wire)

    site.programs["p"] = program
    answers = gateway.at_once([counting("p")] * 2)
    assert [read(answer) for answer in answers] == [(TEXT, "done")] * 2
    assert len(came) == 4
    assert read(gateway.post(counting("p"))) == (TEXT, "done")
    assert len(came) == 5, "it is remembered"


def test_an_error_before_the_connection_broke_is_told_in_its_own_words(gateway: Served, site: Hostile) -> None:
    said = b'data: {"error":{"message":"the words","code":"insufficient_quota"}}'
    site.programs["p"] = sends(BEGUN + framed(said), then="close")
    text, end = read(ask(gateway, "p"))
    assert (text, end) == ("Hello ", "insufficient_quota")


def test_an_end_mark_without_an_answer_is_an_error(gateway: Served, site: Hostile) -> None:
    role = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    site.programs["p"] = sends(head(CHUNKED) + framed(role + DONE) + END)
    assert read(ask(gateway, "p")) == ("", "502 upstream_error")
