"""The table of symptoms: what it quotes is what the code says."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/troubleshooting.md"
FEWEST = 30


def symptoms() -> list[str]:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [row.split("|")[1].strip().strip("`") for row in rows]


@pytest.fixture(scope="module")
def said() -> str:
    """All texts of the code, however they are cut into lines there, and the script that starts it."""
    texts = [
        node.value
        for room in ("addons", "providers")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join([*texts, (ROOT / "run_proxy.sh").read_text(encoding="utf-8")])


def test_every_symptom_is_a_text_of_the_code(said: str) -> None:
    found = symptoms()
    assert len(found) >= FEWEST
    assert [
        (symptom, piece)
        for symptom in found
        for piece in re.split("…", symptom.replace("(/v1/…)", "(/v1/\0)"))
        if piece.replace("\0", "…") not in said
    ] == []


def test_every_command_is_one() -> None:
    from addons.cli.main import main

    named = re.findall(r"`glassgate ([a-z]+)", PAGE.read_text(encoding="utf-8"))
    assert set(named) <= set(main.commands)
