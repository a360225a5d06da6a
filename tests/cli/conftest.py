from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main

CONFIG = """
providers:
  official: {type: openai_compatible, base_url: "http://127.0.0.1:9/v1", models: [m1], accounts: [{name: key1}]}
"""
KEY = "00" * 32
OTHER = "11" * 32
WORDS = "correct horse battery staple"
SECRET = "sk-canary-0123456789"

type Run = Callable[..., Result]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, and what vaults are remembered by apart from it."""
    for name in ("AUTH_TOKEN", "SKIP_AUTH_TOKEN", "SESSION_ENCRYPTION_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def run(house: Path) -> Run:
    def invoke(*arguments: str, given: str | bytes | None = None, key: str | None = KEY) -> Result:
        environ = {"SESSION_ENCRYPTION_KEY": key}
        return CliRunner().invoke(main, ["--config", str(house / "config.yaml"), *arguments], input=given, env=environ)

    return invoke


@pytest.fixture
def made(run: Run, house: Path) -> Path:
    """The path of a vault with one session."""
    assert run("vault", "init").exit_code == 0
    assert run("sessions", "add", "official", "key1", "--api-key-stdin", given=SECRET).exit_code == 0
    return house / ".sessions" / "vault.json"
