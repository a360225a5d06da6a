"""The faults a gateway meets, each through the whole gateway and a hostile provider, with what the client is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fault_cases import CASES
from tests.support.faulty import BEGUN, MODEL, PATIENT, TIMES, ask, asking, read, served
from tests.support.hostile import CHUNKED, GOOD, TEXT, Hostile, Program, framed, head, once, sends
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites((), own={name: Hostile() for name in ("hostile", "second", "third")}) as running:
        yield running


@pytest.fixture
def site(sites: Sites) -> Hostile:
    found: Hostile = sites.site("hostile")
    return found


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Without rest for accounts, and asking each once."""
    with served(tmp_path_factory.mktemp("faults"), sites, timeouts=PATIENT, **NO_REST) as running:
        yield running


SILENCES: list[Any] = [
    pytest.param(sends(head(CHUNKED), then="silence"), ("", "504 upstream_timeout"), id="5 head, then silence"),
    pytest.param(sends(BEGUN, then="silence"), ("Hello ", "upstream_timeout"), id="6 silence in the middle"),
]


@pytest.mark.parametrize(("program", "expected"), SILENCES)
def test_silence_has_an_end(gateway: Served, site: Hostile, program: Program, expected: tuple[str, str]) -> None:
    site.programs["p"] = program
    assert read(ask(gateway, "p", timeout=200)) == expected


def test_a_client_hears_meanwhile_that_it_is_not_forgotten(sites: Sites, site: Hostile, tmp_path: Path) -> None:
    """A whole answer may take as long as a thinking model."""
    times = {"first_token_s": 1, "first_token_thinking_s": 1.5, "idle_s": 1.5, "keepalive_s": 0.5}
    with served(tmp_path, sites, timeouts=times, **NO_REST) as gateway:
        site.programs["p"] = sends(BEGUN, then="silence")
        stalled = ask(gateway, "p")
        assert read(stalled) == ("Hello ", "upstream_timeout")
        assert stalled.text.count(": keep-alive\n\n") == 2
        assert read(ask(gateway, "p", stream=False)) == ("", "504 upstream_timeout")


@pytest.mark.parametrize(("program", "expected"), CASES)
def test_one_fault_one_honest_outcome(
    gateway: Served, site: Hostile, program: Program, expected: tuple[str, str] | None
) -> None:
    site.programs["p"] = program
    text, end = read(ask(gateway, "p"))
    if expected is None:  # whole or told: never a half answer that looks whole
        assert (text == TEXT) == (end == "done")
        assert end != "nothing"
    else:
        assert (text, end) == expected
    assert read(ask(gateway, "well")) == (TEXT, "done"), "the next request is not harmed"


def test_4_a_stale_connection_is_not_the_clients_business(sites: Sites, site: Hostile, tmp_path: Path) -> None:
    with served(tmp_path, sites, retries={"base_s": 0.01}) as gateway:
        assert read(ask(gateway, "well")) == (TEXT, "done")
        site.programs["stale"] = once(sends(then="reset"), GOOD)
        answer = ask(gateway, "stale")
        assert (read(answer), answer.headers["x-glassgate-attempts"]) == ((TEXT, "done"), "1")


def refusal(status: str, *lines: str) -> Program:
    body = b'{"error":{"message":"no","code":"rate_limit_exceeded"}}'
    return sends(head(*lines, f"content-length: {len(body)}", status=status, kind="application/json") + body)


@pytest.mark.parametrize(
    ("value", "told"),
    [("2", "2"), ("9999", "9999"), ("garbage", None), ("-5", None), ("Fri, 01 Jan 1999 00:00:00 GMT", None)],
)
def test_19_retry_after_is_read_and_passed_on(gateway: Served, site: Hostile, value: str, told: str | None) -> None:
    site.programs["limited"] = refusal("429 Too Many", f"retry-after: {value}")
    answer = ask(gateway, "limited")
    assert (read(answer)[1], answer.headers.get("retry-after")) == ("429 rate_limit_exceeded", told)


def test_19_a_short_wait_is_waited(sites: Sites, site: Hostile, tmp_path: Path) -> None:
    with served(tmp_path, sites) as gateway:
        site.programs["soon"] = once(refusal("429 Too Many", "retry-after: 1"), GOOD)
        answer = ask(gateway, "soon")
        assert (read(answer), answer.headers["x-glassgate-attempts"]) == ((TEXT, "done"), "2")


def test_20_a_storm_of_500_opens_the_breaker_and_ends(sites: Sites, site: Hostile, tmp_path: Path) -> None:
    body = b'{"error":{"message":"down"}}'
    down = sends(head(f"content-length: {len(body)}", status="500 Oops", kind="application/json") + body)
    with served(tmp_path, sites, breaker={"open_s": 1}, retries={"base_s": 0.01}) as gateway:
        site.programs["storm"] = down
        before = len(site.requests)
        ends = [read(answer)[1] for _ in range(2) for answer in gateway.at_once([asking("storm")] * 30)]
        assert set(ends) <= {"502 upstream_error", "503 provider_unavailable"}
        assert len(site.requests) - before < 60, "most were not even asked"
        assert read(ask(gateway, "well"))[1] == "503 provider_unavailable"
        gateway.pass_s(1)
        assert read(ask(gateway, "well")) == (TEXT, "done")


def test_two_faults_at_once_every_account_fails_in_its_own_way(sites: Sites, site: Hostile, tmp_path: Path) -> None:
    second: Hostile = sites.site("second")
    with served(tmp_path, sites, ("hostile", "second"), **NO_REST) as gateway:
        site.programs["both"], second.programs["both"] = refusal("429 Too Many", "retry-after: 7"), sends(then="reset")
        answer = ask(gateway, "both")
        assert (read(answer)[1], answer.headers["retry-after"]) == ("429 rate_limit_exceeded", "7"), "the first is told"
        assert answer.headers["x-glassgate-attempts"] == "2"
        site.programs["one"] = sends(BEGUN[:40], then="reset")
        answer = ask(gateway, "one")
        assert (read(answer), answer.headers["x-glassgate-account"]) == ((TEXT, "done"), "second/key")


def test_a_fault_in_every_attempt_of_a_chain(sites: Sites, site: Hostile, tmp_path: Path) -> None:
    second: Hostile = sites.site("second")
    third: Hostile = sites.site("third")
    chain = {"fallbacks": {MODEL: ["n", "o"]}}
    names = ("hostile", "second", "third")
    with served(tmp_path, sites, names, (MODEL, "n", "o"), routing=chain, timeouts=TIMES, **NO_REST) as gateway:
        site.programs["chain"] = sends(head(CHUNKED) + framed(b'data: {"error":{"message":"no"}}\n\n'))
        second.programs["chain"] = sends(head(CHUNKED), then="silence")
        third.programs["chain"] = sends(head("content-length: 30", kind="text/html") + b"<html>come in" + b" " * 17)
        answer = ask(gateway, "chain")
        assert read(answer) == ("", "502 upstream_error"), "what the model asked for said"
        assert answer.headers["x-glassgate-attempts"] == "3"
        third.programs["chain"] = GOOD
        answer = ask(gateway, "chain")
        assert (read(answer), answer.headers["x-glassgate-model"]) == ((TEXT, "done"), "o")
        third.programs["chain"] = sends(BEGUN, then="reset")
        assert read(ask(gateway, "chain")) == ("Hello ", "upstream_eof")


def test_a_whole_answer_is_not_waited_for_without_end(gateway: Served, site: Hostile) -> None:
    site.programs["whole"] = sends(BEGUN, then="silence")
    answer = ask(gateway, "whole", stream=False, timeout=200)
    assert read(answer) == ("", "504 upstream_timeout")
