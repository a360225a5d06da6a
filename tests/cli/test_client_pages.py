"""The lines of docs/clients: each command is one that the command line takes and a program that it knows."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from addons.cli.running.program import Setting
from addons.cli.running.programs import KEY, PROGRAMS

FOLDER = Path(__file__).parents[2] / "docs" / "clients"
PAGES = sorted(FOLDER.glob("*.md"))
NAMES = {program.name for program in PROGRAMS}


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


LINES = [(page.stem, line) for page in PAGES for block in blocks(page, "") for line in block.splitlines()]


@pytest.mark.parametrize(("page", "line"), LINES)
def test_every_line_is_a_command_for_a_program_that_is_known(page: str, line: str) -> None:
    words = shlex.split(line)
    assert words[:2] == ["glassgate", "run"]
    rest = words[2:]
    if rest[0] == "--model":
        rest = rest[2:]
    if rest[0] == "--print":
        rest = rest[1:]
    assert rest[0] in NAMES
    assert rest[1:2] in ([], ["--"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_is_in_the_list_of_pages_and_its_links_lead_somewhere(page: Path) -> None:
    assert page.name == "README.md" or f"]({page.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([\w/.-]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
        assert (FOLDER / link).exists(), link


def test_every_program_has_a_line_there() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in NAMES if not re.search(rf"run (?:--\S+ (?:\S+ )?)?{name}\b", text)] == []


def test_the_configuration_of_codex_is_what_its_flags_say() -> None:
    [text] = blocks(FOLDER / "codex.md", "toml")
    codex = next(program for program in PROGRAMS if program.name == "codex")
    flags = codex.prepare(Setting("http://127.0.0.1:8080", "k", "GLM-4.6")).arguments[1::2]
    told = tomllib.loads("\n".join(flags).replace(KEY, "AUTH_TOKEN"))
    assert tomllib.loads(text) == told
