"""What addons/ and providers/ import of other packages is declared in pyproject.toml, and nothing else is."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement

from tests.support.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = {Requirement(text).name for texts in PROJECT["optional-dependencies"].values() for text in texts}
SCRIPT = "run_proxy.sh"
"""Runs lines of Python of its own."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def imported() -> dict[str, str]:
    """Top-level names of other packages, and the first file that imports each, at its head or inside of a function."""
    found: dict[str, str] = {}
    for file in sorted(file for top in ("addons", "providers") for file in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            for name in names:
                found.setdefault(name.partition(".")[0], str(file.relative_to(ROOT)))
    for name in re.findall(r"\bimport ([\w, ]+)$", (ROOT / SCRIPT).read_text(encoding="utf-8"), re.MULTILINE):
        found |= {one.strip(): SCRIPT for one in name.split(",") if one.strip() not in found}
    return {name: file for name, file in found.items() if name not in {"addons", "providers", *sys.stdlib_module_names}}


def test_whatever_is_imported_is_declared() -> None:
    """Not only what another package happens to bring along, and may leave out with its next release."""
    declared = {normal(Requirement(text).name) for text in PROJECT["dependencies"]} | OPTIONAL
    owners = packages_distributions()
    missing = {
        name: file
        for name, file in imported().items()
        if not declared & {normal(owner) for owner in owners.get(name, [name])}
    }
    assert missing == {}


def test_whatever_is_declared_is_imported() -> None:
    owners = packages_distributions()
    used = {normal(owner) for name in imported() for owner in owners.get(name, [name])}
    assert {normal(Requirement(text).name) for text in PROJECT["dependencies"]} - used == set()
