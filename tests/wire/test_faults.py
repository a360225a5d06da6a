"""The faults a gateway meets, each through a real mitmdump and a hostile provider, with what the client is told."""

import contextlib
import gzip
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty import BEGUN, MODEL, PATIENT, TIMES, ask, made, provider, read
from tests.support.hostile import (
    CHUNKED,
    DONE,
    END,
    GOOD,
    STREAM,
    TEXT,
    Hostile,
    Program,
    chunk,
    framed,
    head,
    once,
    packed,
    sends,
    sliced,
)
from tests.support.ports import free_port
from tests.support.processes import NO_REST, Gateway, SandboxThread
from tests.support.waiting import until


@pytest.fixture(scope="module")
def gateway(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Without rest for accounts, and asking each once."""
    folder = tmp_path_factory.mktemp("faults")
    folder.chmod(0o700)
    with made(folder, thread, timeouts=PATIENT, **NO_REST) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Its like for sites that fall silent, which gives them up after a second."""
    folder = tmp_path_factory.mktemp("impatient")
    folder.chmod(0o700)
    with made(folder, thread, timeouts=TIMES, **NO_REST) as running:
        yield running


PACKED = packed(STREAM, "gzip")
SILENCES: list[Any] = [
    pytest.param(sends(head(CHUNKED), then="silence"), ("", "504 upstream_timeout"), id="5 head, then silence"),
    pytest.param(sends(BEGUN, then="silence"), ("Hello ", "upstream_timeout"), id="6 silence in the middle"),
]
CASES: list[Any] = [
    pytest.param(sends(BEGUN, then="reset"), ("Hello ", "upstream_eof"), id="7 reset in the middle"),
    pytest.param(sends(BEGUN, then="close"), ("Hello ", "upstream_eof"), id="7 closed in the middle"),
    pytest.param(sends(BEGUN + END), ("Hello ", "upstream_eof"), id="8 an end without its mark"),
    pytest.param(sends(head(CHUNKED) + framed(STREAM), then="silence"), (TEXT, "done"), id="9 open after the end"),
    pytest.param(sliced(STREAM, 1), (TEXT, "done"), id="10 one byte a packet"),
    pytest.param(sliced(STREAM.replace(b"\n", b"\r\n"), 3), (TEXT, "done"), id="10 cut in CRLF"),
    pytest.param(
        sends(head(CHUNKED) + framed(chunk("x" * 4_000_000) + chunk(finish="stop") + DONE) + END),
        ("x" * 4_000_000, "done"),
        id="11 an event of 4 MB",
    ),
    pytest.param(
        sends(BEGUN + framed(b"data: " + b"y" * 10_000_000 + b"\n\n") + END),
        ("Hello ", "upstream_error"),
        id="11 a line of 10 MB",
    ),
    pytest.param(
        sends(BEGUN + framed(b"data: {oops\n\n") + framed(STREAM) + END),
        ("Hello ", "upstream_error"),
        id="12 broken JSON",
    ),
    pytest.param(
        sends(head(CHUNKED) + framed(b'event: mood\ndata: {"mood":1}\n\n' + STREAM) + END),
        (TEXT, "done"),
        id="13 unknown event",
    ),
    pytest.param(
        sliced(b"\xef\xbb\xbf: hello\nretry: 9\nid: 3\n\ndata:\n\n" + STREAM.replace(b"\n", b"\r"), 7),
        (TEXT, "done"),
        id="14 BOM, CR",
    ),
    pytest.param(
        sends(head("content-length: 12", kind="text/html") + b"<html>no!", then="close"),
        ("", "502 upstream_error"),
        id="15 half a page",
    ),
    pytest.param(
        sends(head("content-length: 13", kind="text/html") + b"<html></html>"),
        ("", "502 upstream_error"),
        id="15 a page with 200",
    ),
    pytest.param(
        sends(head("content-length: 47", kind="application/json") + b'{"error":{"code":"insufficient_quota","xx": 1}}'),
        ("", "429 insufficient_quota"),
        id="16 an error with 200",
    ),
    pytest.param(
        sends(BEGUN + framed(b'data: {"error":{"message":"quota","code":"insufficient_quota"}}\n\n') + END),
        ("Hello ", "insufficient_quota"),
        id="17 an error after text",
    ),
    pytest.param(
        sends(head("location: https://elsewhere.example/", "content-length: 0", status="302 Found")),
        ("", "502 upstream_error"),
        id="21 a redirect",
    ),
    pytest.param(
        sends(head("location: http://127.0.0.1:1/", "content-length: 0", status="307 Temporary")),
        ("", "502 upstream_error"),
        id="21 to loopback",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", f"content-length: {len(PACKED)}") + PACKED),
        (TEXT, "done"),
        id="22 gzip, well",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", f"content-length: {len(PACKED) - 9}") + PACKED[:-9]),
        None,
        id="22 truncated gzip",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", f"content-length: {len(STREAM)}") + STREAM),
        ("", "502 upstream_error"),
        id="22 not gzip at all",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", CHUNKED) + framed(gzip.compress(b"data: " + b"0" * 200_000_000))),
        ("", "502 upstream_error"),
        id="22 a bomb",
    ),
    pytest.param(
        sends(head(f"content-length: {len(STREAM) + 50}") + STREAM, then="close"),
        (TEXT, "done"),
        id="23 length too long",
    ),
    pytest.param(
        sends(head("content-length: 5", "content-length: 900") + STREAM, then="close"),
        ("", "502 upstream_error"),
        id="23 two lengths",
    ),
    pytest.param(
        sends(head("content-length: 5", CHUNKED) + framed(STREAM) + END, then="close"),
        ("", "502 upstream_error"),
        id="23 length and chunks",
    ),
    pytest.param(sends(b"HELO what?\r\n\r\n", then="close"), ("", "502 upstream_error"), id="23 no HTTP"),
    pytest.param(
        sends(head(CHUNKED, "trailer: x-t") + framed(STREAM) + b"0\r\nx-t: 1\r\n\r\n"), (TEXT, "done"), id="24 trailers"
    ),
    pytest.param(
        sends(b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n" + head(CHUNKED) + framed(STREAM) + END),
        (TEXT, "done"),
        id="24 early hints",
    ),
]


@pytest.mark.parametrize(("program", "expected"), SILENCES)
def test_silence_has_an_end(impatient: Gateway, site: Hostile, program: Program, expected: tuple[str, str]) -> None:
    site.programs["p"] = program
    assert read(ask(impatient, "p")) == expected


@pytest.mark.parametrize(("program", "expected"), CASES)
def test_one_fault_one_honest_outcome(
    gateway: Gateway, site: Hostile, program: Program, expected: tuple[str, str] | None
) -> None:
    site.programs["p"] = program
    text, end = read(ask(gateway, "p"))
    if expected is None:  # whole or told: never a half answer that looks whole
        assert (text == TEXT) == (end == "done")
        assert end != "nothing"
    else:
        assert (text, end) == expected
    assert read(ask(gateway, "well")) == (TEXT, "done"), "the next request is not harmed"


def test_1_nobody_listens(folder: Path) -> None:
    gateway = Gateway(
        folder, providers={"gone": provider(f"http://127.0.0.1:{free_port()}/v1")}, retries={"base_s": 0.01}
    )
    gateway.vault.put("gone", "key", {"api_key": "sk-0123456789"})
    with gateway:
        answer = ask(gateway, "x")
        assert read(answer) == ("", "502 upstream_unreachable")
        assert answer.headers["x-glassgate-attempts"] == "3"


def test_1_a_name_nobody_knows(folder: Path) -> None:
    gateway = Gateway(folder, providers={"gone": provider("https://nobody.invalid/v1")}, **NO_REST)
    gateway.vault.put("gone", "key", {"api_key": "sk-0123456789"})
    with gateway:
        assert read(ask(gateway, "x"))[1] in ("502 upstream_unreachable", "504 upstream_timeout")


def test_2_a_host_that_swallows_connections(folder: Path) -> None:
    with socket.socket() as hole, contextlib.ExitStack() as stack:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):  # the queue is full: further SYNs are dropped
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        url = f"http://127.0.0.1:{hole.getsockname()[1]}/v1"
        gateway = Gateway(folder, providers={"hole": provider(url)}, timeouts=TIMES, **NO_REST)
        gateway.vault.put("hole", "key", {"api_key": "sk-0123456789"})
        with gateway:
            assert read(ask(gateway, "x")) == ("", "504 upstream_timeout")


def test_4_a_stale_connection_is_not_the_clients_business(thread: SandboxThread, site: Hostile, folder: Path) -> None:
    with made(folder, thread, retries={"base_s": 0.01}) as gateway:
        assert read(ask(gateway, "well")) == (TEXT, "done")
        site.programs["stale"] = once(sends(then="reset"), GOOD)
        answer = ask(gateway, "stale")
        assert (read(answer), answer.headers["x-glassgate-attempts"]) == ((TEXT, "done"), "2")


def refusal(status: str, *lines: str) -> Program:
    body = b'{"error":{"message":"no","code":"rate_limit_exceeded"}}'
    return sends(head(*lines, f"content-length: {len(body)}", status=status, kind="application/json") + body)


@pytest.mark.parametrize(
    ("value", "told"),
    [("2", "2"), ("9999", "9999"), ("garbage", None), ("-5", None), ("Fri, 01 Jan 1999 00:00:00 GMT", None)],
)
def test_19_retry_after_is_read_and_passed_on(gateway: Gateway, site: Hostile, value: str, told: str | None) -> None:
    site.programs["limited"] = refusal("429 Too Many", f"retry-after: {value}")
    answer = ask(gateway, "limited")
    assert (read(answer)[1], answer.headers.get("retry-after")) == ("429 rate_limit_exceeded", told)


def test_19_a_short_wait_is_waited(thread: SandboxThread, site: Hostile, folder: Path) -> None:
    with made(folder, thread) as gateway:
        site.programs["soon"] = once(refusal("429 Too Many", "retry-after: 1"), GOOD)
        answer = ask(gateway, "soon")
        assert (read(answer), answer.headers["x-glassgate-attempts"]) == ((TEXT, "done"), "2")


def test_20_a_storm_of_500_opens_the_breaker_and_ends(thread: SandboxThread, site: Hostile, folder: Path) -> None:
    body = b'{"error":{"message":"down"}}'
    down = sends(head(f"content-length: {len(body)}", status="500 Oops", kind="application/json") + body)
    with made(folder, thread, breaker={"open_s": 1}, retries={"base_s": 0.01}) as gateway:
        site.programs["storm"] = down
        before = len(site.requests)
        with ThreadPoolExecutor(30) as pool:
            ends = list(pool.map(lambda n: read(ask(gateway, "storm"))[1], range(60)))
        assert set(ends) <= {"502 upstream_error", "503 provider_unavailable"}
        assert len(site.requests) - before < 60, "most were not even asked"
        assert read(ask(gateway, "well"))[1] == "503 provider_unavailable"
        until(lambda: read(ask(gateway, "well")) == (TEXT, "done"))


def test_two_faults_at_once_every_account_fails_in_its_own_way(
    thread: SandboxThread, site: Hostile, folder: Path
) -> None:
    second: Hostile = thread.site("second")
    with made(folder, thread, ("hostile", "second"), **NO_REST) as gateway:
        site.programs["both"], second.programs["both"] = refusal("429 Too Many", "retry-after: 7"), sends(then="reset")
        answer = ask(gateway, "both")
        assert (read(answer)[1], answer.headers["retry-after"]) == ("429 rate_limit_exceeded", "7"), "the first is told"
        assert answer.headers["x-glassgate-attempts"] == "2"
        site.programs["one"] = sends(BEGUN[:40], then="reset")
        answer = ask(gateway, "one")
        assert (read(answer), answer.headers["x-glassgate-account"]) == ((TEXT, "done"), "second/key")


def test_a_fault_in_every_attempt_of_a_chain(thread: SandboxThread, site: Hostile, folder: Path) -> None:
    second: Hostile = thread.site("second")
    third: Hostile = thread.site("third")
    chain = {"fallbacks": {MODEL: ["n", "o"]}}
    names = ("hostile", "second", "third")
    with made(folder, thread, names, (MODEL, "n", "o"), routing=chain, timeouts=TIMES, **NO_REST) as gateway:
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


def test_a_whole_answer_is_not_waited_for_without_end(impatient: Gateway, site: Hostile) -> None:
    site.programs["whole"] = sends(BEGUN, then="silence")
    answer = ask(impatient, "whole", stream=False)
    assert read(answer) == ("", "504 upstream_timeout")


def test_two_hundred_streams_with_a_random_fault_each(gateway: Gateway, site: Hostile) -> None:
    rng = random.Random(7)
    programs = {f"r{number}": case.values[0] for number, case in enumerate(CASES)}
    site.programs |= programs
    names = [rng.choice([*programs, "well"]) for _ in range(200)]
    assert gateway.process
    descriptors = Path(f"/proc/{gateway.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    with ThreadPoolExecutor(40) as pool:
        ends = list(pool.map(lambda name: read(ask(gateway, name, timeout=60)), names))
    for name, (text, end) in zip(names, ends, strict=True):
        assert end != "nothing", name
        assert end != "done" or text in (TEXT, "x" * 4_000_000), name
    until(lambda: len(list(descriptors.iterdir())) <= before + 12)
