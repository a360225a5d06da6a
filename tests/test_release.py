"""A release has one version, and a section of its own in the changelog."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_stands_in_all_places() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["glassgate"]["image"] == f"glassgate:{PROJECT['version']}"
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] in (PROJECT["version"], "Unreleased")


def test_the_sdist_names_what_lies_at_the_top() -> None:
    """Folders are taken whole, files by name (.ci/package compares the sdist itself with what git tracks)."""
    named = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").split()
    for name in (
        "addons",
        "providers",
        "tests",
        "docs",
        "deploy",
        "benchmarks",
        "run_proxy.sh",
        "requirements-dev.lock",
    ):
        assert name in named, name


def test_the_pages_of_the_site_are_those_that_are_there() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [
        str(page.relative_to(ROOT / "docs"))
        for page in (ROOT / "docs").rglob("*.md")
        if str(page.relative_to(ROOT / "docs")) not in nav
    ]
    assert missing == []
