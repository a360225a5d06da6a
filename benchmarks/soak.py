"""Minutes or hours of many streams with random faults and clients that leave: does everything return to where it began?

    python benchmarks/soak.py [--minutes 20] [--streams 32] [--abort 0.2] [--attackers 0.1] [--seed 1]

Three processes on loopback: the sandbox sites, a gateway of usual settings but no rest for accounts, and this one.
Every answer is checked: whole text and `[DONE]`, or an error; a half answer that looks whole is a wrong outcome. A part
of the clients are attackers (benchmarks/attackers.py). At the end the gateway's open files, threads, tasks and memory
must be where they were after a first minute of warming up, and its own work must never have held the event loop.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from addons.demo import start_sites  # noqa: E402
from benchmarks.attackers import attack  # noqa: E402
from tests.support.processes import NO_REST, Gateway  # noqa: E402

MODELS = ("sandbox-large", "GLM-4.6", "GLM-4.6-Thinking", "qwen3.7-plus", "LongCat", "MBZUAI-IFM/K2-Think")
FAULTS = (*("",) * 8, *("truncated", "reset", "hang_up", "unknown_event", "429", "reset_first", "after_finish"))
WORDS = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."
HELD = re.compile(r"the event loop was held for (\d+) ms, at most (\d+) of them")
OWN_MS = 100
SETTLE_S = 8.0
MEMORY_MB = 40.0


@dataclass
class Figures:
    """What was seen. Times in milliseconds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    first_ms: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    """The gateway's process, as Linux shows it."""

    files: int
    threads: int
    memory_mb: float
    tasks: int = -1
    """asyncio's; known at the start and at the end only."""

    @classmethod
    def of(cls, pid: int, tasks: int = -1) -> "State":
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        files, threads = len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))
        return cls(files, threads, pages * os.sysconf("SC_PAGE_SIZE") / 1e6, tasks)


def tasks_of(gateway: Gateway) -> int:
    """How many tasks the event loop has: mitmproxy lists them when it gets SIGUSR1."""
    assert gateway.process
    before = len(gateway.log)
    gateway.process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while "****" not in (said := gateway.log[before:]).partition("\nTasks\n")[2]:
        assert time.monotonic() < deadline, said[-300:]
        time.sleep(0.05)
    return sum(line.startswith("    ") for line in said.partition("\nTasks\n")[2].splitlines())


async def one(client: httpx.AsyncClient, gateway: Gateway, rng: random.Random, figures: Figures, abort: float) -> None:
    """One request: streamed or whole, with a fault or not, left in the middle or not."""
    model, fault, stream = rng.choice(MODELS), rng.choice(FAULTS), rng.random() < 0.8
    leaves_after = rng.randint(1, 8) if stream and rng.random() < abort else None
    prompt = f"talk {rng.random()}\n!sandbox pace_ms=4 fault={fault} text='{WORDS}'"
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    text, end, began, pieces = "", "nothing", time.monotonic(), 0
    async with client.stream(
        "POST", f"{gateway.url}/v1/chat/completions", json=body, headers=gateway.headers
    ) as answer:
        if answer.status_code != 200:
            figures.outcomes[f"refused {answer.status_code}"] += 1
            return
        if not stream:
            found = json.loads(await answer.aread())
            text, end = found["choices"][0]["message"]["content"], "done"
        else:
            async for line in answer.aiter_lines():
                if not line.startswith("data: "):
                    continue
                pieces += 1
                if pieces == 2:
                    figures.first_ms.append((time.monotonic() - began) * 1000)
                if leaves_after is not None and pieces > leaves_after:
                    figures.outcomes["client left"] += 1
                    return
                if line == "data: [DONE]":
                    end = "done"
                    continue
                value = json.loads(line[6:])
                if "error" in value:
                    end = "error"
                text += "".join(choice["delta"].get("content") or "" for choice in value.get("choices", ()))
    figures.outcomes[{"done": "whole", "error": "told of an error"}.get(end, "ended without a word")] += 1
    if (end == "done" and text.strip() != WORDS) or end == "nothing":
        figures.wrong.append(f"{model} fault={fault or 'none'} stream={stream}: {end} after {text[-40:]!r}")


async def one_attack(gateway: Gateway, rng: random.Random, figures: Figures) -> None:
    name, right = await attack(gateway, rng)
    figures.outcomes["attack"] += 1
    if not right:
        figures.wrong.append(f"attack {name}")


async def load(gateway: Gateway, options: argparse.Namespace, figures: Figures, seconds: float, seed: int) -> None:
    """`options.streams` requests at a time, for so long."""
    until = time.monotonic() + seconds

    async def worker(number: int) -> None:
        rng = random.Random(seed * 1000 + number)
        while number < options.streams * options.attackers and time.monotonic() < until:
            await one_attack(gateway, rng, figures)
        async with httpx.AsyncClient(timeout=60) as client:
            while time.monotonic() < until:
                try:
                    await one(client, gateway, rng, figures, options.abort)
                except httpx.HTTPError as e:
                    figures.outcomes[f"connection: {type(e).__name__}"] += 1

    await asyncio.gather(*(worker(number) for number in range(options.streams)))


def say(minute: int, figures: Figures, state: State) -> None:
    total = sum(figures.outcomes.values())
    told = ", ".join(f"{name} {count}" for name, count in figures.outcomes.most_common())
    print(
        f"{minute:>4} min  {total} requests ({told}); wrong {len(figures.wrong)}; "
        f"files {state.files}, threads {state.threads}, {state.memory_mb:.0f} MB",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--abort", type=float, default=0.2)
    parser.add_argument("--attackers", type=float, default=0.1, help="the part of the clients that attack")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sites, described = start_sites()
    figures = Figures()
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o700)
            room = {"max_concurrent": options.streams}
            with Gateway(Path(folder), described, accounts=room, **NO_REST) as gateway:
                assert gateway.process
                pid = gateway.process.pid
                asyncio.run(load(gateway, options, Figures(), min(60, options.minutes * 15), options.seed))
                time.sleep(SETTLE_S)
                start = State.of(pid, tasks_of(gateway))
                say(0, figures, start)
                minutes = max(1, round(options.minutes))
                for minute in range(1, minutes + 1):
                    seconds = options.minutes * 60 / minutes
                    asyncio.run(load(gateway, options, figures, seconds, options.seed + minute))
                    say(minute, figures, State.of(pid))
                time.sleep(SETTLE_S)
                end = State.of(pid, tasks_of(gateway))
                unhandled = gateway.log.count("Traceback")
                held = [(int(late), int(own)) for late, own in HELD.findall(gateway.log)]
    finally:
        sites.terminate()
        sites.wait(10)
    return verdict(figures, start, end, unhandled, held)


def verdict(figures: Figures, start: State, end: State, unhandled: int, held: list[tuple[int, int]]) -> int:
    times = sorted(figures.first_ms)
    if len(times) > 1:
        cuts = statistics.quantiles(times, n=100)
        print(f"first word: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")
    print(f"start: {start}\nend:   {end}\nunhandled exceptions in the log: {unhandled}")
    print(f"the event loop was late (ms, of these its own work): {len(held)} times {held[:20]}")
    for line in figures.wrong[:20]:
        print(f"wrong: {line}")
    back = (
        end.files <= start.files + 4
        and end.threads <= start.threads + 4
        and end.tasks <= start.tasks + 2
        and end.memory_mb <= start.memory_mb + MEMORY_MB
    )
    print("everything is back where it began" if back else "NOT everything is back where it began")
    return 0 if back and not figures.wrong and not unhandled and all(own <= OWN_MS for _, own in held) else 1


if __name__ == "__main__":
    sys.exit(main())
