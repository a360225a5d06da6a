"""The pages of docs/providers name models, endings, errors and codes that there are."""

import ast
import re
from pathlib import Path

import pytest

from addons.config.loader import load_config
from addons.config.providers import make_providers

ROOT = Path(__file__).parents[1]
SITES = ("zai", "qwen", "k2think", "longcat")
PAGES = [ROOT / "docs/providers" / f"{name}.md" for name in (*SITES, "openai-form", "anthropic-form")]
_ROW = re.compile(r"^\| ((?:[^|`]*`[^`]+`)+[^|]*) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def texts() -> str:
    """All texts of the code, however they are cut into lines there."""
    found = [
        node.value
        for room in ("addons", "providers")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join(found)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The models of each site."""
    file = tmp_path_factory.mktemp("sites") / "config.yaml"
    file.write_text(f"providers: {{{', '.join(f'{name}: {{type: {name}, accounts: [main]}}' for name in SITES)}}}\n")
    made = make_providers(load_config(file, {"AUTH_TOKEN": "k" * 43}))
    return {name: [model.id for model in provider.models().values()] for name, provider in made.items()}


def quoted_errors(page: Path) -> list[str]:
    """What the table of errors quotes."""
    table = page.read_text(encoding="utf-8").partition("| typical error |")[2]
    return [quoted for row in _ROW.findall(table) for quoted in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_error_is_a_text_of_the_code(page: Path, texts: str) -> None:
    found = quoted_errors(page)
    assert found
    assert [(error, piece) for error in found for piece in error.split("…") if piece not in texts] == []


@pytest.mark.parametrize("site", SITES)
def test_every_model_and_ending_of_a_site_is_served(site: str, models: dict[str, list[str]]) -> None:
    text = (ROOT / f"docs/providers/{site}.md").read_text(encoding="utf-8")
    for ending in re.findall(r"`(-[A-Za-z-]+)`", text):
        assert any(name.endswith(ending) for name in models[site]), ending
    for name in re.findall(r"\b(?:GLM-\d[\w.]*\w|qwen\d?[.\d]*-[a-z]+|LongCat-\d[\w.]*\w|K2-Think(?:-v2)?)\b", text):
        assert any(one.rpartition("/")[2] == name for one in models[site]), name


def test_models_that_the_pages_around_name_are_served(models: dict[str, list[str]]) -> None:
    served = {name.casefold() for names in models.values() for name in names}
    for page in ("README.md", "docs/setup.md", "docs/resilience.md", "docs/features.md"):
        named = re.findall(r'"model": "((?:GLM|qwen)[\w.-]+)"', (ROOT / page).read_text(encoding="utf-8"))
        assert [name for name in named if name.casefold() not in served] == [], page
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r'"model": "((?:GLM|qwen)[\w.-]+)"', readme)
