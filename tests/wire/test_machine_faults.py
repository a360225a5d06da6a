"""The gateway's own machine failing it: no files, no disk, no time. Through a real mitmdump."""

import contextlib
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from addons.recordings.kept_files import ENDING
from providers.sandbox.server import Wire
from tests.support.faulty import BEGUN, TIMES, ask, made, read
from tests.support.hostile import CHUNKED, END, STREAM, TEXT, Hostile, Program, chunk, framed, head, once, sends
from tests.support.processes import NO_REST, SandboxThread
from tests.support.waiting import until

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")


# -- 29 ---------------------------------------------------------------------------------------------------------------
def test_29_killed_and_started_again(thread: SandboxThread, folder: Path) -> None:
    gateway = made(folder, thread)
    with gateway:
        assert read(ask(gateway, "well")) == (TEXT, "done")
        assert gateway.process
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait(60)
        gateway.__enter__()
        assert read(ask(gateway, "well")) == (TEXT, "done")
        secret = thread.site("hostile").session()["api_key"].encode()
        for path in folder.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path


# -- 30: files, disk, clock, processor --------------------------------------------------------------------------------
@needs_proc
def test_30_too_few_open_files_is_no_crash(thread: SandboxThread, folder: Path) -> None:
    with made(folder, thread, **NO_REST) as gateway:
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


@needs_proc
def test_30_a_full_disk_stops_the_recording_and_not_the_answers(thread: SandboxThread, folder: Path) -> None:
    records = folder / "records"
    with made(folder, thread, record={"enabled": True, "folder": str(records)}, **NO_REST) as gateway:
        assert gateway.process
        assert read(ask(gateway, "well")) == (TEXT, "done")
        until(lambda: len(list(records.glob(f"[!.]*{ENDING}"))) == 1)  # a temporary file is none
        said = len(gateway.log)
        _, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (said, hard))
        for _ in range(5):  # neither the log nor a recording can be written now
            assert read(ask(gateway, "well")) == (TEXT, "done")
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert read(ask(gateway, "well")) == (TEXT, "done")
        assert gateway.process.poll() is None
        # A thread writes them, so one may come when the disk takes it again; but no half of one is left.
        kept = list(records.glob(f"[!.]*{ENDING}"))
        assert kept
        for recording in kept:
            json.loads(recording.read_text())


CLOCK_JUMPS = """
import pathlib, time
real = time.time
jump = pathlib.Path(__file__).with_name("jump")
time.time = lambda: real() + (float(jump.read_text()) if jump.exists() else 0)
"""


@pytest.mark.parametrize("seconds", [86_400, -86_400], ids=["a day on", "a day back"])
def test_30_a_clock_that_jumps_harms_no_stream(
    folder: Path, thread: SandboxThread, site: Hostile, seconds: int
) -> None:
    def jump(to: int = seconds) -> None:
        (folder / "new").write_text(str(to))
        (folder / "new").rename(folder / "jump")

    site.programs["jump"] = after_jump(jump)
    refusal = b'{"error":{"message":"no","code":"rate_limit_exceeded"}}'
    lines = ("retry-after: 1", f"content-length: {len(refusal)}")
    limited = sends(head(*lines, status="429 Too Many", kind="application/json") + refusal)
    site.programs["limited"] = once(limited, sends(head(CHUNKED) + framed(STREAM) + END))
    (folder / "beside.py").write_text(CLOCK_JUMPS)
    gateway = made(folder, thread, timeouts=TIMES, retries={"enabled": False})
    gateway.arguments = ("-s", str(folder / "beside.py"))
    gateway.folder = folder
    with gateway:
        assert read(ask(gateway, "jump")) == (TEXT, "done")
        jump(0)
        assert read(ask(gateway, "limited"))[1].startswith("429")
        jump()
        until(lambda: read(ask(gateway, "well")) == (TEXT, "done"))  # rest is measured by a clock that does not jump


def after_jump(jump: Callable[[], None]) -> Program:
    async def program(wire: Wire) -> None:
        await wire.raw(BEGUN)
        jump()
        await wire.pause(0.3)  # several sweeps
        await wire.raw(framed(chunk("wor") + chunk("ld 🌍") + STREAM[STREAM.index(chunk(finish="stop")) :]) + END)

    return program


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_30_a_held_event_loop_is_said(thread: SandboxThread, folder: Path) -> None:
    with made(folder, thread, **NO_REST) as gateway:
        process = gateway.process
        assert process

        def hold() -> bool:
            """Once more, where it fell into the start, which holds nobody."""
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.5)  # the loop stands still for so long
            process.send_signal(signal.SIGCONT)
            return "the event loop was held for" in gateway.log

        until(hold)
        assert read(ask(gateway, "well")) == (TEXT, "done")
