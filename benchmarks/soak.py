"""Minutes or hours of many streams with random faults and clients that leave: does everything return to where it began?

    python benchmarks/soak.py [--minutes 20] [--streams 32] [--abort 0.2] [--attackers 0.1] [--step-ms 100] [--seed 1]

Three processes on loopback: the sandbox sites, a gateway of usual settings but no rest for accounts, and this one. A
part of the clients are attackers (benchmarks/attackers.py). The first five minutes, or a quarter of a shorter run, are
for warming up: connections, caches and tables fill, and what a fresh process holds tells nothing. It is judged by

- the answers: each is the whole text and `[DONE]`, or an error; a half one that looks whole is a wrong outcome. Attacks
  are refused; one in a hundred may wait for that longer than half a minute
- single steps of the event loop: none takes more than `--step-ms` of its own CPU time (benchmarks/steps.py), and no
  collection of garbage does: all streams wait that long. How long the loop was late as a whole says less: at full load
  that is a queue of many short steps, and on a busy machine the time of other processes
- what is held: open files, threads and tasks are back where they were when it was warm, and memory is at most 40 MB
  above that
- the log: no unhandled exception

Exit status 1 when any of these does not hold.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from addons.cli.demo import start_sites  # noqa: E402
from benchmarks.attackers import ATTACK, LATE, attack  # noqa: E402
from tests.support.processes import NO_REST, Gateway  # noqa: E402

MODELS = ("sandbox-large", "GLM-4.6", "GLM-4.6-Thinking", "qwen3.7-plus", "LongCat", "MBZUAI-IFM/K2-Think")
FAULTS = (*("",) * 8, *("truncated", "reset", "hang_up", "unknown_event", "429", "reset_first", "after_finish"))
WORDS = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."
STEPS = ROOT / "benchmarks" / "steps.py"
WARM_MINUTES = 5.0
SETTLE_S = 35.0
"""Longer than the gateway keeps idle connections to providers: what is open then was lost."""
MEMORY_MB = 40
LATE_PART = 0.01
"""A body of 5 MB has 300 turns beside all streams; on a busy machine each may take 100 ms."""


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
    """asyncio's; known when it is warm and at the end only."""

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


def steps_of(gateway: Gateway, told: Path) -> dict[str, Any]:
    """The event loop's steps so far, as benchmarks/steps.py tells them in the file `told`."""
    assert gateway.process
    told.unlink(missing_ok=True)
    gateway.process.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + 30
    while not told.exists():
        assert time.monotonic() < deadline, gateway.log[-300:]
        time.sleep(0.05)
    found: dict[str, Any] = json.loads(told.read_text())
    return found


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
    outcome, wrong = await attack(gateway, rng)
    figures.outcomes[outcome] += 1
    if wrong is not None:
        figures.wrong.append(wrong)


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


def say(minute: float, figures: Figures, state: State) -> None:
    total = sum(figures.outcomes.values())
    told = ", ".join(f"{name} {count}" for name, count in figures.outcomes.most_common())
    print(
        f"{minute:>4.3g} min  {total} requests ({told}); wrong {len(figures.wrong)}; "
        f"files {state.files}, threads {state.threads}, {state.memory_mb:.0f} MB",
        flush=True,
    )


def parts(minutes: float) -> list[float]:
    """When something is said, in minutes from the beginning: when it is warm, then after every minute or so."""
    warm = min(WARM_MINUTES, minutes / 4)
    count = max(1, round(minutes - warm))
    return [warm + (minutes - warm) * number / count for number in range(count + 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--abort", type=float, default=0.2)
    parser.add_argument("--attackers", type=float, default=0.1, help="the part of the clients that attack")
    parser.add_argument("--step-ms", type=float, default=100, help="CPU time that one step of the loop may take")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sites, described = start_sites()
    figures = Figures()
    states: list[State] = []
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o700)
            told = folder / "steps.json"
            room = {"max_concurrent": options.streams}
            script = ("-s", str(STEPS), "--set", f"steps_file={told}")
            with Gateway(folder, described, arguments=script, accounts=room, **NO_REST) as gateway:
                assert gateway.process
                pid, at, ends = gateway.process.pid, 0.0, parts(options.minutes)
                for number, minute in enumerate(ends):
                    asyncio.run(load(gateway, options, figures, (minute - at) * 60, options.seed + number))
                    at = minute
                    if minute in (ends[0], ends[-1]):
                        time.sleep(SETTLE_S)
                        states.append(State.of(pid, tasks_of(gateway)))
                    say(minute, figures, State.of(pid))
                steps = steps_of(gateway, told)
                unhandled = gateway.log.count("Traceback")
    finally:
        sites.terminate()
        sites.wait(10)
    print_figures(figures, steps)
    warm, end = states
    print(f"warm: {warm}\nend:  {end}")
    problems = judged(figures, warm, end, unhandled, steps, options.step_ms)
    print("\n".join(problems) or "everything holds")
    return 1 if problems else 0


def print_figures(figures: Figures, steps: dict[str, Any]) -> None:
    times = sorted(figures.first_ms)
    if len(times) > 1:
        cuts = statistics.quantiles(times, n=100)
        print(f"first word: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")
    print(f"steps of the event loop by their own CPU time: {steps['steps']}")
    for row in steps["histogram"]:
        bound = "longer" if row["below_ms"] is None else f"below {row['below_ms']} ms"
        print(f"  {bound:<14} {row['steps']:>10}  {row['ms'] / 1000:.1f} s together")
    for generation, row in enumerate(steps["collections"]):
        print(f"  collections of generation {generation}: {row['times']}, the longest {row['longest_ms']} ms")
    for step in steps["longest"][:10]:
        told = f"  {step['ms']} ms ({step['collecting_ms']} of it collecting) at {step['at_s']} s: {step['what']}"
        print(f"{told}\n    {step['stack']}" if step["stack"] else told)


def judged(
    figures: Figures, warm: State, end: State, unhandled: int, steps: dict[str, Any], step_ms: float
) -> list[str]:
    """What does not hold, a line each."""
    problems = [f"wrong: {line}" for line in figures.wrong[:20]]
    late, attacks = figures.outcomes[LATE], figures.outcomes[ATTACK] + figures.outcomes[LATE]
    problems += [f"{LATE}: {late} of {attacks}"] if late > attacks * LATE_PART else []
    problems += [f"{unhandled} unhandled exceptions in the log"] if unhandled else []
    problems += [
        f"one step of the event loop took {step['ms']} ms: {step['what']}"
        for step in steps["longest"]
        if step["ms"] > step_ms
    ]
    problems += [
        f"one collection of generation {generation} took {row['longest_ms']} ms"
        for generation, row in enumerate(steps["collections"])
        if row["longest_ms"] > step_ms
    ]
    for name, before, after, more in (
        ("open files", warm.files, end.files, 4),
        ("threads", warm.threads, end.threads, 4),
        ("tasks", warm.tasks, end.tasks, 2),
        ("MB of memory", round(warm.memory_mb), round(end.memory_mb), MEMORY_MB),
    ):
        if after > before + more:
            problems.append(f"{name}: {before} when it was warm, {after} at the end")
    return problems


if __name__ == "__main__":
    sys.exit(main())
