"""`glassgate keys`: keys are made, shown once, changed and ended; what is wrong is one clear line."""

import json
from pathlib import Path

import pytest

from addons.app import address_file
from addons.cli import keys as module
from addons.keys.store import KeyStore
from addons.vault import audit
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.cli.conftest import KEY, Run


def token_of(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("sk-glassgate-"))


def test_a_key_is_shown_once(run: Run, house: Path) -> None:
    limits = "--models GLM-*,qwen-* --rpm 30 --tokens-per-day 2M --budget 5.00/month --concurrent 4 --expires 90d"
    added = run("keys", "add", "ada", *limits.split(), "--note", "Ada's laptop")
    assert added.exit_code == 0
    token = token_of(added.stdout)
    assert added.stdout == f"{token}\n"
    assert "models GLM-*, qwen-*, rpm 30, tokens per day 2,000,000, budget 5.00/month, concurrent 4" in added.stderr
    for word in ("GLM-*,qwen-*", "30", "2,000,000", "5.00/month", "Ada's laptop", "valid"):
        assert word in run("keys", "list").stdout
    assert "tokens/day" in run("keys", "show", "ada").stdout
    for file in (house / ".sessions").iterdir():
        assert token not in file.read_text()
        assert file.stat().st_mode & 0o077 == 0
    (line,) = audit.noted(house / ".sessions")
    assert (line["action"], line["key"], line["rpm"]) == ("keys add", "ada", "30")


def test_for_programs(run: Run) -> None:
    made = json.loads(run("keys", "add", "ada", "--rpm", "3", "--json").stdout)
    assert made["limits"] == {"rpm": 3}
    (row,) = json.loads(run("keys", "list", "--json").stdout)
    assert row == {name: value for name, value in made.items() if name != "key"}
    assert json.loads(run("keys", "show", "ada", "--json").stdout) == row
    assert json.loads(run("keys", "edit", "ada", "--rpm", "4", "--json").stdout)["limits"] == {"rpm": 4}
    assert json.loads(run("keys", "rotate", "ada", "--json").stdout)["old_key_until"] is not None


def test_limits_are_changed_and_taken_away(run: Run) -> None:
    run("keys", "add", "ada", "--rpm", "3", "--concurrent", "1", "--note", "first")
    said = run("keys", "edit", "ada", "--rpm", "none", "--budget", "1/day").stdout
    assert said == "changed ada: budget 1.00/day, concurrent 1\n"
    row = json.loads(run("keys", "show", "ada", "--json").stdout)
    assert (row["limits"], row["note"]) == ({"budget": "1/day", "concurrent": 1}, "first")
    assert run("keys", "edit", "ada").exit_code == 2


def test_a_pattern_that_fits_no_model_is_told_and_taken(run: Run) -> None:
    """The key is made all the same: a provider may come back."""
    added = run("keys", "add", "ada", "--models", "m1,GLM-*")
    assert added.exit_code == 0
    assert added.stderr.count("fits no model that is served now") == 1
    assert "glassgate: --models 'GLM-*' fits no model" in added.stderr
    assert "fits no model" not in run("keys", "edit", "ada", "--models", "official/*").stderr
    assert "no known price" not in run("keys", "rotate", "ada").stderr
    assert "has a known price" in run("keys", "edit", "ada", "--budget", "5/month").stderr


def test_a_key_is_rotated_and_revoked(run: Run, house: Path) -> None:
    first = token_of(run("keys", "add", "ada").stdout)
    second = token_of(run("keys", "rotate", "ada", "--grace", "30m").stdout)
    assert first != second
    assert "the old key until" in run("keys", "list").stdout
    token_of(run("keys", "rotate", "ada", "--grace", "0s").stdout)
    assert "the old key until" not in run("keys", "list").stdout
    assert run("keys", "revoke", "ada").stdout == "revoked ada\n"
    assert "there is no key yet" in run("keys", "list").stdout
    assert KeyStore(Vault.open(house / ".sessions" / "vault.json", VaultKey(raw=bytes(32)))).read() == ()
    assert [line["action"] for line in audit.noted(house / ".sessions")][-1] == "keys revoke"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "adda"), "there is no key 'adda'; did you mean 'ada'?"),
        (("revoke", "zzzz"), "there is no key 'zzzz'; see:"),
        (("rotate", "bo"), "there is no key 'bo'; did you mean 'bob'?"),
        (("add", "ada"), "there is a key named 'ada'"),
        (("add", "env"), "there is a key named 'env' in the configuration"),
        (("edit", "env", "--rpm", "3"), "the key 'env' stands in AUTH_TOKEN"),
    ],
    ids=" ".join,
)
def test_names_that_are_wrong(run: Run, house: Path, arguments: tuple[str, ...], said: str) -> None:
    (house / ".env").write_text("AUTH_TOKEN=sk-own-0123456789abcdef0123456789abcdef\n")
    (house / ".env").chmod(0o600)
    run("keys", "add", "ada")
    run("keys", "add", "bob")
    found = run("keys", *arguments)
    assert found.exit_code == 1
    assert said in found.stderr
    assert "AUTH_TOKEN" in run("keys", "list").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("ada", "--rpm", "0"), ("ada", "--budget", "5"), ("ada", "--expires", "soon"), ("ada", "--models", ","),
        ("ada", "--note", "a\x1b[31m"), ("../x",), ("ada", "--tokens-per-day", "x"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_is_no_limit_is_a_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    found = run("keys", "add", *arguments)
    assert found.exit_code == 2
    assert found.output.replace("\n", "").isprintable()


def test_without_a_vault_there_are_none(run: Run) -> None:
    assert "there is no key yet; make one:" in run("keys", "list").stdout


def test_a_damaged_file_is_said(run: Run, house: Path) -> None:
    run("keys", "add", "ada")
    (house / ".sessions" / "keys.json").write_text("{}")
    for arguments in (("list",), ("add", "bob"), ("revoke", "ada")):
        found = run("keys", *arguments)
        assert found.exit_code == 1
        assert "the file of managed keys is damaged" in found.stderr
        assert "Traceback" not in found.output


def test_a_gateway_that_does_not_answer_is_said(run: Run, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("vault", "init", key=KEY)
    address_file.leave(house / ".sessions", house / "config.yaml", "http://127.0.0.1:9")
    monkeypatch.setattr(module, "_PATIENCE_S", 0.0)
    assert "takes the keys up by itself within a second" in run("keys", "add", "ada").stderr


def test_a_gateway_of_another_configuration_beside_the_vault_is_said(run: Run, house: Path) -> None:
    """It may be the one that wrote last of two, so nobody can be asked whether the key is out of force everywhere."""
    run("vault", "init", key=KEY)
    assert run("keys", "add", "ada").stderr.count("glassgate:") == 0
    address_file.leave(house / ".sessions", house / "other.yaml", "http://127.0.0.1:9")
    assert "takes the keys up by itself within a second" in run("keys", "revoke", "ada").stderr


@pytest.mark.parametrize("words", [("edit", "nobody", "--rpm", "3"), ("rotate", "nobody"), ("revoke", "nobody")])
def test_only_add_makes_a_vault(run: Run, house: Path, words: tuple[str, ...]) -> None:
    """A key that is not there cannot be changed; a vault with a key of the moment would be in the way later."""
    result = run("keys", *words)
    assert (result.exit_code, "there is no key 'nobody'" in result.stderr) == (1, True)
    assert not (house / ".sessions" / "vault.json").exists()
