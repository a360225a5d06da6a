"""Runs clients that we did not write against a real gateway before the sandbox's sites, and prints a table.

    python -m tests.suites.run [--only NAME]… [--model NAME]… [--task NAME]… [--json FILE] [--keep FOLDER]

Where the system lets it, everything runs in a network that has loopback and nothing else. Ends with 1 when a case
failed.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.suites.alone import loopback_alone
from tests.suites.clients import AGENTS, NODE_PROGRAMS, ROOT, SCRIPTED, Agent, Script, Setting, version
from tests.suites.coding import Case, Coder
from tests.suites.coding_cases import cases
from tests.suites.coding_run import Key, run_case
from tests.suites.tasks import task
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread

MODELS: Final = ("GLM-4.6", "qwen-max")
_MARKS: Final = {True: "ok", False: "FAIL", None: "-"}
PATIENCE_S: Final = 300
"""For one run of a client."""
CODING_PATIENCE_S: Final = 30


@dataclass(frozen=True)
class Result:
    """What came of one case."""

    client: str
    version: str
    model: str
    task: str
    mode: str
    passed: bool
    detail: str
    seconds: float


class Runner:
    """Runs clients against one gateway; homes, folders and what the clients said lie in `folder`."""

    def __init__(self, base_url: str, models: Sequence[str], folder: Path) -> None:
        self._base_url = base_url
        self._models = models
        self._folder = folder

    def script(self, client: Script) -> list[Result]:
        """All cases of a library. One that says nothing of a case has not passed it."""
        home = self._home(client.name)
        began = time.monotonic()
        environ = {"LLM_USER_PATH": str(home / "llm"), "SUITE_NODE": str(ROOT / ".venv-suites-ai-sdk")}
        code, said, log = self._run(client.command(self._base_url, self._models), home, home, environ)
        took = time.monotonic() - began
        found = [json.loads(line) for line in said.splitlines() if line.startswith('{"model"')]
        results = [Result(client.name, version(client) or "", **line, seconds=took / len(found)) for line in found]
        if code != 0 or not found:
            results.append(self._result(client, "all", "tool", "all", f"ended with {code}: {log[-400:]}", took))
        return results

    def agent(self, client: Agent, model: str, kind: str, mode: str) -> list[Result]:
        """One case of a program that works in a folder."""
        home = self._home(f"{client.name}-{model}-{kind}-{mode}")
        work = home / "work"
        work.mkdir()
        setting = Setting(self._base_url, KEY, model, home, work)
        client.prepare(setting)
        began = time.monotonic()
        if client.before is not None:
            self._run(client.before(setting), home, work, client.environ)
        words, check = task(kind, work)
        code, said, log = self._run(client.tasks[kind, mode](setting, words), home, work, client.environ)
        why = check(said) if code == 0 else f"ended with {code}"
        detail = f"{why}: {(said + log)[-400:]}" if why else ""
        return [self._result(client, model, kind, mode, detail, time.monotonic() - began)]

    def coding(self, case: Case, key: Key, log: Path) -> list[Result]:
        """One case of a program that speaks a dialect of its own, whose requests are counted."""
        home = self._home(f"{case.coder.name}-{case.model}-{case.kind}")
        began = time.monotonic()

        def run(command: Sequence[str], home: Path, work: Path, environ: Mapping[str, str]) -> tuple[int, str, str]:
            return self._run(command, home, work, environ, CODING_PATIENCE_S)

        why, said = run_case(case, self._base_url, key, home, log, run)
        detail = f"{why}: {said[-600:]}" if why else ""
        return [self._result(case.coder, case.model, case.kind, "stream", detail, time.monotonic() - began)]

    def _home(self, name: str) -> Path:
        home = self._folder / "".join(c if c.isalnum() or c in "-." else "_" for c in name)
        home.mkdir()
        return home

    def _result(
        self, client: Script | Agent | Coder, model: str, task: str, mode: str, why: str, took: float
    ) -> Result:
        return Result(client.name, version(client) or "", model, task, mode, not why, why, took)

    def _run(
        self, command: Sequence[str], home: Path, work: Path, environ: Mapping[str, str], patience_s: float = PATIENCE_S
    ) -> tuple[int, str, str]:
        """Exit code and what was said; everything that the command started ends with it."""
        kept = {name: os.environ[name] for name in ("LANG", "TERM", "TMPDIR") if name in os.environ}
        own = {
            "HOME": str(home),
            "PATH": f"{NODE_PROGRAMS}:{os.environ['PATH']}",
            "SUITE_KEY": KEY,
            "NO_COLOR": "1",
            "CI": "1",
            "DO_NOT_TRACK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with (home / "said.txt").open("w+b") as said, (home / "log.txt").open("w+b") as log:
            process = subprocess.Popen(
                command, cwd=work, env={**kept, **own, **environ}, stdin=subprocess.DEVNULL,
                stdout=said, stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                code = process.wait(patience_s)
            except subprocess.TimeoutExpired:
                code = -1
            _end(process.pid, home)
            process.wait()
        read = [(home / name).read_text(encoding="utf-8", errors="replace") for name in ("said.txt", "log.txt")]
        return code, read[0], read[1]


def _end(group: int, home: Path) -> None:
    """Ends a run's processes: its group, and what left that (Cline starts a daemon), known by its home."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    mark = f"HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def table(results: Sequence[Result]) -> Iterator[str]:
    """One line for each client, version, model and task, with its modes."""
    rows: dict[tuple[str, str, str], dict[str, bool]] = {}
    for result in results:
        row = rows.setdefault((f"{result.client} {result.version}", result.model, result.task), {})
        row[result.mode] = result.passed
    width = max(len(client) for client, *_ in rows)
    yield f"{'client':{width}}  {'model':9}  {'task':28}  whole  stream"
    for (client, model, task_name), modes in sorted(rows.items()):
        marks = [_MARKS[modes.get(mode, modes.get("all"))] for mode in ("whole", "stream")]
        yield f"{client:{width}}  {model:9}  {task_name:28}  {marks[0]:5}  {marks[1]}"


def run_all(
    clients: Sequence[Script | Agent], coding: Sequence[Case], models: Sequence[str], folder: Path, workers: int
) -> list[Result]:
    """What came of every case of the clients, which share one gateway."""
    keys = [Key.numbered(number) for number, _ in enumerate(coding)]
    tokens = ["${AUTH_TOKEN}", *({"name": key.name, "key": key.key} for key in keys)]
    sections: dict[str, Any] = {"auth": {"tokens": tokens}, "log": {"format": "json"}}
    gateway_folder = folder / "gateway"
    gateway_folder.mkdir(mode=0o700)
    with (
        SandboxThread() as sites,
        Gateway(gateway_folder, sites.description(), by_itself=True, **NO_REST, **sections) as gateway,
        ThreadPoolExecutor(workers) as pool,
    ):
        runner = Runner(f"{gateway.url}/v1", models, folder)
        waits: list[Future[list[Result]]] = []
        for client in clients:
            if isinstance(client, Script):
                waits.append(pool.submit(runner.script, client))
            else:
                cases = ((model, *kind) for model in models for kind in client.tasks)
                waits += [pool.submit(runner.agent, client, *case) for case in cases]
        waits += [pool.submit(runner.coding, *one, gateway.log_file) for one in zip(coding, keys, strict=True)]
        return [result for wait in waits for result in wait.result()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="a client of this name, or a part of it")
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--task", action="append", default=[], help="of the coding programs that are counted")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="homes and logs are left here")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    models = given.model or MODELS
    wanted = [part.lower() for part in given.only] or [""]
    chosen = [client for client in (*SCRIPTED, *AGENTS) if any(part in client.name.lower() for part in wanted)]
    coding = [
        case
        for case in cases()
        if any(part in case.coder.name.lower() for part in wanted)
        and (not given.model or case.model in given.model)
        and (not given.task or case.kind in given.task)
    ]
    coders = {case.coder.name: case.coder for case in coding}
    for missing in (client for client in (*chosen, *coders.values()) if version(client) is None):
        print(f"skipped: {missing.name} is not installed (.ci/clients)")
    alone = loopback_alone()
    print(f"network: {'loopback and nothing else' if alone else 'as it is (none of its own is allowed here)'}")
    folder = given.keep or Path(tempfile.mkdtemp(prefix="glassgate-clients-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    installed = [client for client in chosen if version(client) is not None]
    results = run_all(
        installed, [case for case in coding if version(case.coder) is not None], models, folder, given.workers
    )
    if not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    for one in (result for result in results if result.detail):
        came = "ok" if one.passed else "FAILED"
        print(f"{came} {one.client} {one.model} {one.task} {one.mode}: {one.detail}")
    if results:
        print(*table(results), sep="\n")
    if given.json:
        given.json.write_text(json.dumps([asdict(result) for result in results], indent=1), encoding="utf-8")
    bad = sum(not result.passed for result in results)
    print(f"{len(results) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
