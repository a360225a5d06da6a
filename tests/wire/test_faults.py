"""The faults a gateway meets, each through a real mitmdump and a hostile provider, with what the client is told."""

import contextlib
import gzip
import json
import os
import random
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.sandbox.run import Sandbox
from providers.sandbox.server import Wire
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
from tests.support.processes import NO_REST, Gateway, SandboxThread, free_port

MODEL = "m"
TIMES = {
    "connect_s": 1,
    "first_token_s": 1,
    "first_token_thinking_s": 1,
    "idle_s": 1,
    "keepalive_s": 0.4,
    "total_s": 20,
}
BEGUN = head(CHUNKED) + framed(chunk("Hello "))
type Start = Callable[..., Gateway]


def provider(url: str, **more: Any) -> dict[str, Any]:
    entry = {"type": "openai_compatible", "base_url": url, "models": [MODEL], "accounts": [{"name": "key"}]}
    return {**entry, **more}


@pytest.fixture(scope="module")
def thread() -> Iterator[SandboxThread]:
    with SandboxThread(Sandbox((), own={"hostile": Hostile(), "second": Hostile()})) as running:
        yield running


@pytest.fixture(scope="module")
def site(thread: SandboxThread) -> Hostile:
    found: Hostile = thread.site("hostile")
    return found


def made(folder: Path, thread: SandboxThread, names: tuple[str, ...] = ("hostile",), **sections: Any) -> Gateway:
    urls = thread.description()["base_urls"]
    gateway = Gateway(folder, providers={name: provider(f"{urls[name]}/v1") for name in names}, **sections)
    for name in names:
        gateway.vault.put(name, "key", thread.site(name).session())
    return gateway


@pytest.fixture(scope="module")
def gateway(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Impatient, without rest for accounts, and asking each once."""
    folder = tmp_path_factory.mktemp("faults")
    folder.chmod(0o700)
    with made(folder, thread, timeouts=TIMES, **NO_REST) as running:
        yield running


def ask(gateway: Gateway, name: str, *, stream: bool = True, timeout: float = 30) -> httpx.Response:
    fields = {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": f"{name} please"}]}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers, timeout=timeout)


def read(answer: httpx.Response) -> tuple[str, str]:
    """Text and how it ended: `done`, the code of an error, or `nothing`."""
    if answer.status_code != 200:
        return "", f"{answer.status_code} {answer.json()['error']['code']}"
    text, end = "", "nothing"
    for line in answer.text.splitlines():
        if line == "data: [DONE]":
            end = "done"
        elif line.startswith("data: "):
            value = json.loads(line[6:])
            if "error" in value:
                end = str(value["error"]["code"])
            else:
                text += "".join(choice["delta"].get("content") or "" for choice in value["choices"])
    return text, end


PACKED = packed(STREAM, "gzip")
CASES: list[Any] = [
    pytest.param(sends(head(CHUNKED), then="silence"), ("", "504 upstream_timeout"), id="5 head, then silence"),
    pytest.param(sends(BEGUN, then="silence"), ("Hello ", "upstream_timeout"), id="6 silence in the middle"),
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
        None,
        id="24 early hints",
    ),
]


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


def test_1_nobody_listens(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    gateway = Gateway(
        tmp_path, providers={"gone": provider(f"http://127.0.0.1:{free_port()}/v1")}, retries={"base_s": 0.01}
    )
    gateway.vault.put("gone", "key", {"api_key": "sk-0123456789"})
    with gateway:
        answer = ask(gateway, "x")
        assert read(answer) == ("", "502 upstream_unreachable")
        assert answer.headers["x-glassgate-attempts"] == "3"


def test_1_a_name_nobody_knows(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    gateway = Gateway(tmp_path, providers={"gone": provider("https://nobody.invalid/v1")}, **NO_REST)
    gateway.vault.put("gone", "key", {"api_key": "sk-0123456789"})
    with gateway:
        assert read(ask(gateway, "x"))[1] in ("502 upstream_unreachable", "504 upstream_timeout")


def test_2_a_host_that_swallows_connections(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with socket.socket() as hole, contextlib.ExitStack() as stack:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):  # the queue is full: further SYNs are dropped
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        url = f"http://127.0.0.1:{hole.getsockname()[1]}/v1"
        gateway = Gateway(tmp_path, providers={"hole": provider(url)}, timeouts=TIMES, **NO_REST)
        gateway.vault.put("hole", "key", {"api_key": "sk-0123456789"})
        with gateway:
            assert read(ask(gateway, "x")) == ("", "504 upstream_timeout")


def test_4_a_stale_connection_is_not_the_clients_business(thread: SandboxThread, site: Hostile, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with made(tmp_path, thread, retries={"base_s": 0.01}) as gateway:
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


def test_19_a_short_wait_is_waited(thread: SandboxThread, site: Hostile, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with made(tmp_path, thread) as gateway:
        site.programs["soon"] = once(refusal("429 Too Many", "retry-after: 1"), GOOD)
        answer = ask(gateway, "soon")
        assert (read(answer), answer.headers["x-glassgate-attempts"]) == ((TEXT, "done"), "2")


def test_20_a_storm_of_500_opens_the_breaker_and_ends(thread: SandboxThread, site: Hostile, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    body = b'{"error":{"message":"down"}}'
    down = sends(head(f"content-length: {len(body)}", status="500 Oops", kind="application/json") + body)
    with made(tmp_path, thread, breaker={"open_s": 1}, retries={"base_s": 0.01}) as gateway:
        site.programs["storm"] = down
        before = len(site.requests)
        with ThreadPoolExecutor(30) as pool:
            ends = list(pool.map(lambda n: read(ask(gateway, "storm"))[1], range(60)))
        assert set(ends) <= {"502 upstream_error", "503 provider_unavailable"}
        assert len(site.requests) - before < 60, "most were not even asked"
        assert read(ask(gateway, "well"))[1] == "503 provider_unavailable"
        until(lambda: read(ask(gateway, "well")) == (TEXT, "done"))


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not check():
        assert time.monotonic() < deadline


def test_26_a_slow_reader_slows_the_provider(gateway: Gateway, site: Hostile) -> None:
    sent = [0]

    async def flood(wire: Wire) -> None:
        await wire.raw(head(CHUNKED))
        piece = framed(chunk("x" * 10_000))
        for _ in range(20_000):  # 200 MB
            await wire.raw(piece)
            sent[0] += len(piece)

    site.programs["flood"] = flood
    fields = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "flood please"}]}
    with (
        httpx.Client(headers=gateway.headers, timeout=30) as client,
        client.stream("POST", f"{gateway.url}/v1/chat/completions", json=fields) as answer,
    ):
        assert answer.status_code == 200
        previous = -1
        while previous != sent[0]:  # until the provider stands still
            previous = sent[0]
            time.sleep(0.4)
        assert 0 < sent[0] < 60_000_000
    assert read(ask(gateway, "well")) == (TEXT, "done")


@pytest.mark.parametrize("moment", ["before the head", "in the middle"])
def test_25_a_client_that_leaves_frees_everything(
    gateway: Gateway, thread: SandboxThread, site: Hostile, moment: str
) -> None:
    site.programs["hang"] = sends(*([] if moment == "before the head" else [BEGUN]), then="silence")
    before, connections = len(site.requests), site.connections
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        body = json.dumps(
            {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "hang x"}]}
        ).encode()
        lines = [
            "POST /v1/chat/completions HTTP/1.1",
            f"host: 127.0.0.1:{gateway.port}",
            "content-type: application/json",
        ]
        lines += [f"content-length: {len(body)}", f"authorization: {gateway.headers['authorization']}", "", ""]
        client.sendall("\r\n".join(lines).encode() + body)
        thread.wait_for("hostile", lambda: len(site.requests) > before)
        if moment == "in the middle":
            assert client.recv(100)
    thread.wait_for("hostile", lambda: site.connections <= connections)


def test_two_faults_at_once_every_account_fails_in_its_own_way(
    thread: SandboxThread, site: Hostile, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    second: Hostile = thread.site("second")
    with made(tmp_path, thread, ("hostile", "second"), **NO_REST) as gateway:
        site.programs["both"], second.programs["both"] = refusal("429 Too Many", "retry-after: 7"), sends(then="reset")
        answer = ask(gateway, "both")
        assert (read(answer)[1], answer.headers["retry-after"]) == ("429 rate_limit_exceeded", "7"), "the first is told"
        assert answer.headers["x-glassgate-attempts"] == "2"
        site.programs["one"] = sends(BEGUN[:40], then="reset")
        answer = ask(gateway, "one")
        assert (read(answer), answer.headers["x-glassgate-account"]) == ((TEXT, "done"), "second/key")


def test_two_hundred_streams_with_a_random_fault_each(gateway: Gateway, site: Hostile) -> None:
    rng = random.Random(7)
    programs = {f"r{number}": case.values[0] for number, case in enumerate(CASES) if "silence" not in str(case.id)}
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


def test_29_killed_and_started_again(thread: SandboxThread, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    gateway = made(tmp_path, thread)
    with gateway:
        assert read(ask(gateway, "well")) == (TEXT, "done")
        assert gateway.process
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait(10)
        gateway.__enter__()
        assert read(ask(gateway, "well")) == (TEXT, "done")
        secret = thread.site("hostile").session()["api_key"].encode()
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")
def test_30_too_few_open_files_is_no_crash(thread: SandboxThread, site: Hostile, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with made(tmp_path, thread, **NO_REST) as gateway:
        assert gateway.process
        pid = gateway.process.pid
        room = len(os.listdir(f"/proc/{pid}/fd")) + 6
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (room, hard))

        def one(number: int) -> None:
            with contextlib.suppress(httpx.HTTPError):
                ask(gateway, "well", timeout=5)

        with ThreadPoolExecutor(30) as pool:
            list(pool.map(one, range(30)))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
        assert gateway.process.poll() is None
        until(lambda: read(ask(gateway, "well")) == (TEXT, "done"))
