"""Runs the cases of coding programs: each with a home, and a key by which its requests are counted, of its own."""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.suites.clients import Setting
from tests.suites.coding import Case

_LATE_S: Final = 3.0
"""How long a line of the gateway's log may be late, which is written at the end of a request."""
type Ran = tuple[int, str, str]
"""Exit code, what was said, and what was said on standard error."""
type Run = Callable[[Sequence[str], Path, Path, Mapping[str, str]], Ran]


@dataclass(frozen=True)
class Key:
    """A client key with a name, which stands in the log."""

    name: str
    key: str

    @classmethod
    def numbered(cls, number: int) -> "Key":
        return cls(f"case-{number}", f"sk-case-{number}-{secrets.token_hex(16)}")


def run_case(case: Case, base_url: str, key: Key, home: Path, log: Path, run: Run) -> tuple[str, str]:
    """Why a case failed, or nothing; and what was said last."""
    work = home / "work"
    work.mkdir()
    texts = {"WORK": str(work), "WORD": _word(), "OTHER": _word()}
    (work / "notes.txt").write_text(f"The password is {texts['WORD']}.\n", encoding="utf-8")
    (work / "two.txt").write_text(f"Another is {texts['OTHER']}.\n", encoding="utf-8")
    setting = Setting(base_url, key.key, case.model, home, work)
    case.coder.prepare(setting, case.settings)
    environ = {**case.coder.environ(setting), "SUITE_KEY": key.key}
    code, said, errors = 0, "", ""
    for number, words in enumerate(case.prompts(texts)):
        command = case.coder.command(setting, words, number > 0, case.arguments)
        code, said, errors = run(command, home, work, environ)
        if code != 0:
            break
    files = "".join(file.read_text(encoding="utf-8") for file in sorted(work.glob("*.txt")))
    told = f"{said}\n{errors}"
    return case.problem(texts, code, told, files, counted(log, key.name, case.requests)), told


def _word() -> str:
    """One that nobody can guess, and nobody can take for a sum."""
    return "fog-" + "".join(secrets.choice("bcdfghjkm") for _ in range(10))


def counted(log: Path, name: str, expected: int) -> int:
    """The requests for an answer that came with the key of that name; the last line may be late."""
    deadline = time.monotonic() + _LATE_S
    while (found := _count(log, name)) < expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _count(log: Path, name: str) -> int:
    count = 0
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        asks = told.get("method") == "POST" and str(told.get("path")).endswith(("/messages", "/responses"))
        count += asks and told.get("key") == name
    return count
