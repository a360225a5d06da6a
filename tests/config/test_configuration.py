"""The configuration as a whole."""

from pathlib import Path

from addons.config.loader import load_config
from tests.config.written import KEY, ZAI, written


def test_the_shipped_configuration_is_right() -> None:
    config = load_config(Path(__file__).parents[2] / "config.yaml", KEY)
    assert [p.name for p in config.providers][:1] == ["zai"]


def test_paths_are_those_of_the_files_folder(tmp_path: Path) -> None:
    config = written(tmp_path, f"providers:\n{ZAI}")
    assert config.path(Path("a/b")) == tmp_path / "a/b"
    assert config.path(Path("/a/b")) == Path("/a/b")
    assert config.message_at(("providers", "zai"), "is odd") == f"{tmp_path}/config.yaml:2: providers.zai: is odd"
