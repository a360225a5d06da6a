"""`glassgate setup` as a person meets it: from nothing, again, with an API that takes the key and one that does not."""

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from addons.cli.checks import Finding
from addons.cli.main import main
from addons.config.loader import load_config
from addons.vault.keys import VaultKey
from addons.vault.store import Vault

KEY = "sk-canary-0123456789"
type Setup = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AUTH_TOKEN", "SESSION_ENCRYPTION_KEY", "GLASSGATE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    empty = tmp_path / "an empty folder"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return tmp_path / "own" / "glassgate"


@pytest.fixture
def proved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the provider says of the key; filled with the names of those that were asked."""
    asked: list[Any] = [True]

    def proof(config: Any, vault: Any, provider: str) -> tuple[bool, list[Finding]]:
        asked.append((provider, None if vault is None else vault.get(provider, "main").material["api_key"]))
        return asked[0], [Finding("sites", "ok", f"{provider}/main: the API says so")]

    monkeypatch.setattr("addons.cli.setup.work.proof", proof)
    return asked


@pytest.fixture
def setup(here: Path, proved: list[Any]) -> Setup:
    def invoke(*words: str, given: str | None = None) -> Result:
        return CliRunner().invoke(main, ["setup", *words], input=given)

    return invoke


def test_from_nothing_to_a_gateway_that_can_start(setup: Setup, here: Path, proved: list[Any]) -> None:
    result = setup("--yes", "--provider", "deepseek", "--key-stdin", "--port", "8123", given=KEY + "\n")
    assert result.exit_code == 0, result.output
    config = load_config(here / "config.yaml")
    assert config.sections.listen.port == 8123
    assert [(one.name, one.common.type) for one in config.providers] == [("deepseek", "openai_compatible")]
    assert {stat.S_IMODE((here / name).stat().st_mode) for name in (".env", "config.yaml")} == {0o600}
    vault = Vault.open(here / ".sessions/vault.json", VaultKey.from_text(config.environ["SESSION_ENCRYPTION_KEY"]))
    assert vault.get("deepseek", "main").material["api_key"] == KEY  # type: ignore[union-attr]
    assert proved[1:] == [("deepseek", KEY)]
    assert KEY not in result.output
    assert config.tokens[0] not in result.output
    for words in ("base URL  http://127.0.0.1:8123/v1", "OpenAI(base_url=", "proved: deepseek/main", "Start it:"):
        assert words in result.output


def test_again_it_harms_nothing(setup: Setup, here: Path) -> None:
    words = ("--yes", "--provider", "deepseek", "--key-stdin")
    setup(*words, given=KEY)
    before = {name: (here / name).read_bytes() for name in (".env", "config.yaml", ".sessions/vault.json")}
    result = setup(*words, given="sk-another-0123456789")
    assert result.exit_code == 0, result.output
    assert {name: (here / name).read_bytes() for name in before} == before
    assert "has a provider deepseek already, which stays" in result.output
    assert "which stays (--replace-key replaces it)" in result.output
    setup(*words, "--replace-key", given="sk-another-0123456789")
    assert (here / ".sessions/vault.json").read_bytes() != before[".sessions/vault.json"]


def test_another_provider_joins_and_what_the_person_wrote_stays(setup: Setup, here: Path, proved: list[Any]) -> None:
    setup("--yes", "--provider", "deepseek", "--key-stdin", given=KEY)
    file = here / "config.yaml"
    file.write_text("# my words\n" + file.read_text())
    result = setup("--yes", "--provider", "near", "--base-url", "http://127.0.0.1:9/v1", "--no-key")
    assert result.exit_code == 0, result.output
    assert list(yaml.safe_load(file.read_text())["providers"]) == ["near", "deepseek"]
    assert file.read_text().startswith("# my words\n")
    assert proved[-1] == ("near", None)
    result = setup("--yes", "--provider", "web:zai")
    assert re.search(r"^sign in to zai: .* capture zai main", result.output, re.MULTILINE), result.output


def test_a_file_that_cannot_be_added_to_stays_and_the_line_is_told(setup: Setup, here: Path) -> None:
    here.mkdir(parents=True)
    (here / "config.yaml").write_text("providers: {zai: {type: zai, accounts: [main]}}\n")
    result = setup("--yes", "--provider", "deepseek", "--key-stdin", given=KEY)
    assert result.exit_code == 1
    assert "deepseek: {type: openai_compatible, preset: deepseek, accounts: [main]}" in result.stderr
    assert (here / "config.yaml").read_text() == "providers: {zai: {type: zai, accounts: [main]}}\n"


def test_a_key_that_the_provider_does_not_take_is_said(setup: Setup, proved: list[Any]) -> None:
    proved[0] = False
    result = setup("--yes", "--provider", "deepseek", "--key-stdin", given=KEY)
    assert (result.exit_code, "the provider did not take it" in result.output) == (1, True)
    assert setup("--yes", "--no-proof").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no terminal to ask at"),
        (("--yes",), "a gateway wants a provider"),
        (("--yes", "--provider", "depseek"), "Did you mean 'deepseek'?"),
        (("--yes", "--provider", "web:nowhere"), "Known: web:zai"),
        (("--yes", "--provider", "../x", "--base-url", "https://a.example/v1"), "is made of letters"),
        (("--yes", "--provider", "a", "--base-url", "http://a.example/v1"), "would not be right"),
        (("--yes", "--provider", "a", "--base-url", "http://a.example/v1"), "glassgate/config.yaml:12: providers.a"),
        (("--yes", "--provider", "deepseek"), "--key-stdin, or --no-key"),
        (("--yes", "--take-over", "nowhere.json"), "there is no such file"),
    ],
)
def test_what_is_missing_is_said(setup: Setup, here: Path, words: tuple[str, ...], said: str) -> None:
    result = setup(*words)
    assert (result.exit_code, said in result.stderr) == (1, True), result.output


def test_a_vault_whose_key_is_not_known_gets_no_other(setup: Setup, here: Path) -> None:
    setup("--yes", "--provider", "deepseek", "--key-stdin", given=KEY)
    (here / ".env").unlink()
    result = setup("--yes", "--provider", "openai", "--no-key")
    assert result.exit_code == 1
    assert "give its key as SESSION_ENCRYPTION_KEY" in result.stderr
    assert not (here / ".env").exists()


def test_a_person_is_asked(setup: Setup, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.vault.prompt.can_ask", lambda: True)
    monkeypatch.setattr("addons.vault.prompt.ask_secret", lambda words: KEY)
    result = setup(given="deepseek\n8124\n")
    assert result.exit_code == 0, result.output
    assert load_config(here / "config.yaml").sections.listen.port == 8124
    assert "has a key for deepseek/main. Replace it?" in setup(given="deepseek\nn\n").output
    assert setup(given="\n").exit_code == 0, "none more"
    refused = setup(given="openai\nn\n")
    assert (refused.exit_code, "openai: {type" in refused.stderr) == (1, True)


def test_the_original_design_is_taken_over(setup: Setup, here: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "config").mkdir(parents=True)
    login = '"email": "me@example.org", "password": "of-old-0123"'
    (old / "config/providers.json").write_text(f'{{"providers": [{{"name": "k2think", {login}}}]}}')
    (old / ".env").write_text("AUTH_TOKEN=sk-of-old-0123\nSESSION_ENCRYPTION_KEY=A passphrase of old\n")
    result = setup("--yes", "--take-over", str(old))
    assert result.exit_code == 0, result.output
    config = load_config(here / "config.yaml")
    assert config.tokens == ("sk-of-old-0123",)
    credentials = config.providers[0].common.accounts[0].credentials
    assert credentials is not None
    assert (credentials.email, credentials.password.get_secret_value()) == ("me@example.org", "of-old-0123")
    assert "of-old" not in result.output
    assert setup("--yes", "--take-over", str(old)).exit_code == 0


def test_where_nothing_can_be_taken_over_it_is_said_why(setup: Setup, here: Path, tmp_path: Path) -> None:
    """All that was said was that a provider is wanted."""
    old = tmp_path / "old" / "config" / "providers.json"
    old.parent.mkdir(parents=True)
    old.write_text('{"providers": [{"name": "openai"}, 7]}')
    result = setup("--yes", "--take-over", str(old))
    assert (result.exit_code, "a gateway wants a provider" in result.stderr) == (1, True)
    assert "provider 1: openai is no site of the original design" in result.stdout
    assert "provider 2: is no object; left out" in result.stdout
    assert not here.exists()


def test_the_case_of_a_sites_name_does_not_matter(setup: Setup, here: Path, tmp_path: Path) -> None:
    old = tmp_path / "old" / "config" / "providers.json"
    old.parent.mkdir(parents=True)
    old.write_text('{"providers": [{"name": "ZAI "}]}')
    assert setup("--yes", "--take-over", str(old)).exit_code == 0
    assert [one.name for one in load_config(here / "config.yaml").providers] == ["zai"]
