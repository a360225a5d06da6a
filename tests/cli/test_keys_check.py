"""doctor about managed keys: a file that cannot be read lets nobody in; what has expired or fits nothing is named."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def well(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(house))
    monkeypatch.setenv("AUTH_TOKEN", "sk-glassgate-Zk3vX9qLw7TnB2")
    monkeypatch.setattr("addons.cli.checks.check_packages", lambda *a: iter(()))
    monkeypatch.setattr("addons.cli.checks.check_port", lambda *a: iter(()))


def found(run: Run) -> list[tuple[str, str]]:
    checks = json.loads(run("doctor", "--json").stdout)["checks"]
    return [(one["status"], one["message"]) for one in checks if one["check"] == "client keys"]


def test_without_managed_keys_nothing_is_said_of_them(run: Run, made: Path) -> None:
    assert [message for _, message in found(run) if "managed" in message] == []


def test_they_are_counted(run: Run, made: Path) -> None:
    run("keys", "add", "ada", "--models", "m*")
    assert ("ok", f"managed keys: 1, in {made.with_name('keys.json')}") in found(run)
    assert {status for status, _ in found(run)} == {"ok"}


def test_models_that_fit_nothing_and_keys_that_have_ended_are_named(
    run: Run, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "add", "ada", "--models", "m1,GLM-*")
    run("keys", "add", "bob", "--models", "GLM-*", "--expires", "1d")
    monkeypatch.setattr("addons.cli.keys_check.time.time", lambda: 2.0**34)
    assert [message for status, message in found(run) if status == "warning"] == [
        "client key bob has expired ("
        + next(message for status, message in found(run) if "bob" in message).partition("(")[2],
        "the models of client key ada: 'GLM-*' fits no model that is served now (GET /v1/models lists them)",
    ]


@pytest.mark.parametrize(
    "change", [lambda data: b"{", lambda data: data.replace(b"ada", b"eve")], ids=["half", "other"]
)
def test_a_file_that_cannot_be_read_is_an_error(run: Run, made: Path, change: object) -> None:
    run("keys", "add", "ada")
    file = made.with_name("keys.json")
    file.write_bytes(change(file.read_bytes()))  # type: ignore[operator]
    status, message = next(one for one in found(run) if "glassgate keys" in one[1])
    assert (status, message.startswith("none of `glassgate keys` can be used: the file of managed keys ")) == (
        "error",
        True,
    )


def test_keys_without_their_vault_are_an_error(run: Run, made: Path) -> None:
    run("keys", "add", "ada")
    made.unlink()
    assert any(status == "error" and "but not the vault" in message for status, message in found(run))
