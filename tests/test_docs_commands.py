"""The command lines and configurations that pages show are understood by this version."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from addons.config.loader import load_config
from addons.config.schema import Sections
from providers.anthropic.presets import PRESETS as ANTHROPIC
from providers.openai.presets import PRESETS as OPENAI
from tests.support.command_lines import of_glassgate, understood

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FEWEST_LINES, FEWEST_FILES = 100, 12
_OF_THE_SCRIPT = ("test", "help")
"""Words that run_proxy.sh itself takes; its options are in tests/test_run_proxy.py."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, kind: str = "") -> Iterator[str]:
    yield from re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def lines(page: Path) -> Iterator[list[str]]:
    """In blocks, and in the midst of sentences where no word stands for others."""
    for block in blocks(page):
        yield from of_glassgate(block)
    for span in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
        if not re.search(r"[|…]| COMMAND", span):
            yield from of_glassgate(span)


def judged(words: list[str]) -> str | None:
    """What is wrong with a line, if anything."""
    program, *rest = words
    if program == "./run_proxy.sh" and (not rest or rest[0].startswith("-") or rest[0] in _OF_THE_SCRIPT):
        return None
    try:
        understood(rest)
    except click.UsageError as e:
        return f"{' '.join(words)}: {e.format_message()}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_line_is_understood(page: Path) -> None:
    assert [wrong for words in lines(page) if (wrong := judged(words))] == []


def test_they_are_found() -> None:
    assert sum(1 for page in PAGES for _ in lines(page)) >= FEWEST_LINES
    assert judged(["glassgate", "keys", "addd", "ada"])
    assert judged(["glassgate", "keys", "add", "ada", "--rpn", "3"])
    assert judged(["./run_proxy.sh", "usage", "--bye", "key"])


# -- configurations ---------------------------------------------------------------------------------------------------
def configurations(page: Path) -> Iterator[str]:
    """The YAML of a page that is one of ours: each key at its top is one of config.yaml. The outline of all is none."""
    known = {*Sections.model_fields, "providers"}
    for block in blocks(page, "ya?ml"):
        found = yaml.safe_load(block)
        if isinstance(found, dict) and set(found) <= known and "NAME: {type: TYPE" not in block:
            yield block


@pytest.mark.parametrize("page", [page for page in PAGES if any(configurations(page))], ids=name_of)
def test_every_configuration_is_taken(page: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    for block in configurations(page):
        whole = {"providers": {"p": {"type": "zai", "accounts": ["main"]}}, **yaml.safe_load(block)}
        file.write_text(yaml.safe_dump(whole), encoding="utf-8")
        variables = re.findall(r"\$\{(\w+)", block)
        load_config(file, {"AUTH_TOKEN": "k" * 43, **dict.fromkeys(variables, "v" * 43)})


def test_configurations_are_found() -> None:
    assert sum(1 for page in PAGES for _ in configurations(page)) >= FEWEST_FILES


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_preset_is_one(page: Path) -> None:
    named = set(re.findall(r"\bpreset: ([a-z][\w-]*)", page.read_text(encoding="utf-8")))
    assert sorted(named - set(OPENAI) - set(ANTHROPIC)) == []
