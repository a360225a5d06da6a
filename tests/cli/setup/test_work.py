"""The proof that setup ends with: the provider is asked once, for the key that was stored."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from addons.cli.main import main
from tests.support.processes import SandboxThread


def test_the_key_is_proved_where_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTH_TOKEN", "SESSION_ENCRYPTION_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with SandboxThread() as sites:
        described = sites.description()
        url, key = f"{described['base_urls']['openai']}/v1", described["sessions"]["openai"]["api_key"]

        def setup(given: str, *more: str) -> tuple[int, str]:
            words = ["setup", "--yes", "--provider", "near", "--base-url", url, "--key-stdin", *more]
            done = CliRunner().invoke(main, ["--config", str(tmp_path / "made" / "config.yaml"), *words], input=given)
            return done.exit_code, done.output

        status, said = setup("sk-wrong-0123456789\n")
        assert (status, "not proved: near/main: The API does not accept the key" in said) == (1, True), said
        status, said = setup(f"{key}\n", "--replace-key")
        assert (status, "proved: near/main: the API takes the key" in said) == (0, True), said
